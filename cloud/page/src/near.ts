// Near misses for planners: where, of which kind and when encounters came close; a map layer, a table, counts, files.

import { element } from "./panels";
import { t } from "./text";
import type { NearMiss, NearMisses } from "./types";

export const NEAR_COLOURS: Record<string, string> = { vulnerable: "#ff5d8f", crossing: "#ff9f43", rear_end: "#ffd166" };
const KINDS = ["vulnerable", "crossing", "rear_end"];
const PERIODS_H: [string, number][] = [["period_hour", 1], ["period_day", 24], ["period_week", 168], ["period_all", 0]];
const MOST_ROWS = 200;
const REFRESH_MS = 15_000;
const SVG = "http://www.w3.org/2000/svg";

function make(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function button(label: string, isOn: boolean, onClick: () => void, className = "chip"): HTMLElement {
  const made = make("button", className, label) as HTMLButtonElement;
  made.type = "button";
  made.setAttribute("aria-pressed", String(isOn));
  made.addEventListener("click", onClick);
  return made;
}

function seconds(value: number | null): string {
  return value === null ? "–" : `${value.toFixed(1)} s`;
}

/** The measure that makes one a near miss. */
export function measure(one: NearMiss): string {
  if (one.kind === "rear_end") return `TTC ${seconds(one.time_to_collision_s)}`;
  return one.post_encroachment_s !== null && one.post_encroachment_s < 0.1 ? t("touched") : `PET ${seconds(one.post_encroachment_s)}`;
}

export class Near {
  isOpen = false;
  private found: NearMisses | null = null;
  private period = 24;
  private kind = "";
  private intersection = "";
  private readonly intersections = new Set<string>();
  private asked = 0;
  private timer = 0;

  constructor(
    private readonly onChange: (rows: NearMiss[]) => void,
    private readonly onChoose: (x: number, y: number) => void,
    private readonly onOpen: () => void,
  ) {
    element("near-button").addEventListener("click", () => this.toggle());
    window.setInterval(() => this.isOpen && void this.load(), REFRESH_MS);
    this.render();
  }

  toggle(): void {
    this.isOpen = !this.isOpen;
    element("near").hidden = !this.isOpen;
    element("near-button").setAttribute("aria-pressed", String(this.isOpen));
    if (this.isOpen) {
      this.onOpen();
      void this.load();
    }
    this.render();
    this.onChange(this.isOpen ? (this.found?.near_misses ?? []) : []);
  }

  close(): void {
    if (this.isOpen) this.toggle();
  }

  /** One more has been archived: ask again, at most every two seconds. */
  soon(): void {
    if (!this.isOpen || this.timer) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      void this.load();
    }, 2000);
  }

  private query(): string {
    const terms = new URLSearchParams();
    if (this.period) terms.set("from_ns", String(BigInt(Date.now() - this.period * 3_600_000) * 1_000_000n));
    if (this.kind) terms.set("kind", this.kind);
    if (this.intersection) terms.set("intersection", this.intersection);
    return terms.toString();
  }

  private async load(): Promise<void> {
    const number = ++this.asked;
    const answer = await fetch(`api/near_misses?${this.query()}`).catch(() => null); // the page says itself that it is cut off
    if (!answer?.ok || number !== this.asked) return;
    this.found = (await answer.json()) as NearMisses;
    for (const name of Object.keys(this.found.counts.by_intersection)) if (name) this.intersections.add(name);
    this.render();
    this.onChange(this.isOpen ? this.found.near_misses : []);
  }

  private set(change: () => void): void {
    change();
    this.render();
    void this.load();
  }

  render(): void {
    element("near-button").textContent = t("near_misses");
    if (!this.isOpen) return;
    const counts = this.found?.counts;
    element("near-filters").replaceChildren(
      this.row(PERIODS_H.map(([word, hours]) => button(t(word), this.period === hours, () => this.set(() => (this.period = hours))))),
      this.row([
        button(t("every_kind"), this.kind === "", () => this.set(() => (this.kind = ""))),
        ...KINDS.map((kind) => {
          const chip = button(t(`near_${kind}`), this.kind === kind, () => this.set(() => (this.kind = this.kind === kind ? "" : kind)));
          const dot = make("i", "dot");
          dot.style.background = NEAR_COLOURS[kind];
          chip.prepend(dot);
          return chip;
        }),
      ]),
      this.row([
        button(t("everywhere"), this.intersection === "", () => this.set(() => (this.intersection = ""))),
        ...[...this.intersections].sort().map((name) =>
          button(name.toUpperCase(), this.intersection === name, () => this.set(() => (this.intersection = this.intersection === name ? "" : name))),
        ),
      ]),
    );
    if (!counts || !this.found) return;
    element("near-tiles").replaceChildren(
      this.tile(String(counts.total), t("near_misses")),
      this.tile(String(counts.serious), t("serious"), "serious"),
      ...KINDS.map((kind) => this.tile(String(counts.by_kind[kind] ?? 0), t(`near_${kind}`), "", NEAR_COLOURS[kind])),
    );
    element("near-hours").replaceChildren(this.hours(this.found.near_misses));
    this.places();
    this.table();
    for (const [id, format] of [["near-csv", "csv"], ["near-geojson", "geojson"]]) {
      (element(id) as HTMLAnchorElement).href = `api/near_misses?${this.query()}&limit=20000&format=${format}`;
    }
    element("near-note").textContent = this.found.is_cut ? t("near_cut") : "";
  }

  private row(parts: HTMLElement[]): HTMLElement {
    const line = make("div", "chips");
    line.append(...parts);
    return line;
  }

  private tile(value: string, label: string, className = "", colour = ""): HTMLElement {
    const box = make("div", `tile ${className}`);
    const number = make("b", "", value);
    if (colour) number.style.color = colour;
    box.append(number, make("span", "", label));
    return box;
  }

  /** Bars by hour of the day, local time, stacked by kind. */
  private hours(rows: NearMiss[]): SVGElement {
    const bins = Array.from({ length: 24 }, () => ({ vulnerable: 0, crossing: 0, rear_end: 0 }) as Record<string, number>);
    for (const one of rows) bins[new Date(one.at_ms).getHours()][one.kind] += 1;
    const most = Math.max(1, ...bins.map((bin) => KINDS.reduce((sum, kind) => sum + bin[kind], 0)));
    const chart = document.createElementNS(SVG, "svg");
    chart.setAttribute("viewBox", "0 0 480 86");
    chart.setAttribute("role", "img");
    const put = (tag: string, attributes: Record<string, string | number>, text = ""): void => {
      const part = document.createElementNS(SVG, tag);
      for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, String(value));
      part.textContent = text;
      chart.append(part);
    };
    put("line", { x1: 0, x2: 480, y1: 70, y2: 70, stroke: "#39465a" });
    bins.forEach((bin, hour) => {
      let y = 70;
      for (const kind of KINDS) {
        const height = (bin[kind] / most) * 54;
        y -= height;
        if (height) put("rect", { x: hour * 20 + 3, y, width: 14, height, rx: 2, fill: NEAR_COLOURS[kind] });
      }
      if (hour % 3 === 0) put("text", { x: hour * 20 + 10, y: 83, "text-anchor": "middle", fill: "#8a96a8", "font-size": 10 }, String(hour));
    });
    put("text", { x: 478, y: 9, "text-anchor": "end", fill: "#8a96a8", "font-size": 10 }, `${t("most_in_an_hour")} ${most}`);
    return chart;
  }

  private places(): void {
    const places = (this.found?.counts.places ?? []).slice(0, 5);
    const worst = places[0]?.severity || 1;
    element("near-places").replaceChildren(
      ...places.map((place) => {
        const line = make("button", "place");
        const bar = make("i");
        bar.style.width = `${(place.severity / worst) * 100}%`;
        const kinds = KINDS.filter((kind) => place.by_kind[kind]).map((kind) => `${place.by_kind[kind]} ${t(`near_${kind}`)}`);
        line.append(bar, make("b", "", `${place.intersection.toUpperCase()} · ${place.count}`), make("span", "", kinds.join(", ")));
        line.addEventListener("click", () => this.onChoose(place.x_m, place.y_m));
        return line;
      }),
    );
  }

  private table(): void {
    const rows = (this.found?.near_misses ?? []).slice(0, MOST_ROWS);
    element("near-table").replaceChildren(
      ...(rows.length
        ? rows.map((one) => {
            const line = make("button", "near-row");
            line.dataset.kind = one.kind;
            const dot = make("i", "dot");
            dot.style.background = NEAR_COLOURS[one.kind] ?? "#8a96a8";
            const at = new Date(one.at_ms);
            const day = this.period > 1 || !this.period ? `${at.toLocaleDateString("sv").slice(5)} ` : "";
            const who = `${t(one.first_class)} ${Math.round(one.first_speed_mps * 3.6)} · ${t(one.second_class)} ${Math.round(one.second_speed_mps * 3.6)} km/h`;
            line.append(dot, make("time", "", day + at.toLocaleTimeString("sv")), make("b", one.severity >= 0.5 ? "serious" : "", measure(one)));
            line.append(make("span", "tag", one.intersection.toUpperCase()), make("span", "who", who));
            line.addEventListener("click", () => this.onChoose(one.x_m, one.y_m));
            return line;
          })
        : [make("p", "quiet", t("none_found"))]),
    );
  }
}
