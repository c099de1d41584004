// The perception view: pictures of the cameras with what was found in them, and how well every sensor does.

import { CLASS_COLOURS, CLASSES } from "./layers";
import { element } from "./panels";
import { t } from "./text";
import type { Picture, RangeRow, SensorRow, Sensors } from "./types";

const STALE_MS = 6000;

function make(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function known(value: number | null, digits: number, unit = ""): string {
  return value === null ? "–" : `${value.toFixed(digits)}${unit}`;
}

export class Sight {
  private readonly pictures = new Map<string, Picture>();
  private readonly sites = new Map<string, Sensors>();
  private readonly frames = new Map<string, { box: HTMLElement; canvas: HTMLCanvasElement; caption: HTMLElement; shown: number }>();
  private site = "";
  isOpen = false;

  constructor(private readonly onChange: () => void) {
    element("sight-button").addEventListener("click", () => this.toggle());
    window.setInterval(() => this.render(), 1000);
    this.render();
  }

  toggle(): void {
    this.isOpen = !this.isOpen;
    element("sight").hidden = !this.isOpen;
    element("sight-button").setAttribute("aria-pressed", String(this.isOpen));
    this.render();
    this.onChange();
  }

  takePicture(picture: Picture): void {
    this.pictures.set(picture.key, picture);
    if (this.isOpen && picture.site === this.site) this.draw(picture);
  }

  takeSensors(sensors: Sensors): void {
    this.sites.set(sensors.site, sensors);
    this.site ||= sensors.site;
    if (this.isOpen && sensors.site === this.site) this.render();
  }

  choose(site: string): void {
    if (!this.sites.has(site) || site === this.site) return;
    this.site = site;
    this.frames.clear();
    element("sight-cameras").replaceChildren();
    this.render();
  }

  /** Everything that the chosen site has told. */
  render(): void {
    element("sight-button").textContent = t("perception");
    if (!this.isOpen) return;
    this.tabs();
    const own = [...this.pictures.values()].filter((one) => one.site === this.site).sort((a, b) => a.camera.localeCompare(b.camera));
    for (const picture of own) this.draw(picture);
    const note = element("sight-note");
    note.textContent = own.length ? (own.some((one) => one.is_coarsened) ? t("coarsened") : "") : t("no_pictures");
    const sensors = this.sites.get(this.site);
    element("sight-sensors").replaceChildren(...(sensors ? [this.head(sensors), ...sensors.sensors.map((one) => this.row(one))] : []));
  }

  private tabs(): void {
    const names = [...this.sites.keys()].sort();
    const bar = element("sight-sites");
    if (bar.dataset.names === `${names.join()} ${this.site}`) return;
    bar.dataset.names = `${names.join()} ${this.site}`;
    bar.replaceChildren(
      ...names.map((name) => {
        const button = make("button", "tab", name.toUpperCase());
        button.setAttribute("aria-pressed", String(name === this.site));
        button.addEventListener("click", () => this.choose(name));
        return button;
      }),
    );
  }

  private draw(picture: Picture): void {
    let frame = this.frames.get(picture.camera);
    if (!frame) {
      const box = make("figure", "camera");
      box.dataset.camera = picture.camera;
      const canvas = document.createElement("canvas");
      const caption = make("figcaption");
      box.append(canvas, caption);
      element("sight-cameras").append(box);
      frame = { box, canvas, caption, shown: 0 };
      this.frames.set(picture.camera, frame);
    }
    const { canvas, caption, box } = frame;
    const quality = this.sites.get(picture.site)?.sensors.find((one) => one.sensor === picture.camera);
    const isStale = Date.now() - picture.at_ms > STALE_MS;
    box.dataset.state = isStale ? "invalid" : (quality?.state ?? "valid");
    const when = new Date(picture.at_ms).toLocaleTimeString("sv");
    caption.textContent = `${picture.camera} · ${when} · ${picture.boxes.length} ${t("found")}${isStale ? ` · ${t("stale")}` : ""}`;
    if (frame.shown === picture.at_ms) return;
    frame.shown = picture.at_ms;
    const image = new Image();
    image.onload = () => {
      canvas.width = picture.width;
      canvas.height = picture.height;
      const pen = canvas.getContext("2d");
      if (!pen) return;
      pen.drawImage(image, 0, 0);
      pen.font = "10px system-ui, sans-serif";
      for (const [kind, score, left, top, right, bottom] of picture.boxes) {
        const name = CLASSES[kind] ?? "unknown";
        pen.strokeStyle = pen.fillStyle = CLASS_COLOURS[name];
        pen.lineWidth = 1.5;
        pen.strokeRect(left * picture.width, top * picture.height, (right - left) * picture.width, (bottom - top) * picture.height);
        if ((right - left) * picture.width > 22) pen.fillText(`${t(name)} ${Math.round(score * 100)}`, left * picture.width, Math.max(9, top * picture.height - 3));
      }
      box.dataset.drawn = String(picture.at_ms);
    };
    image.src = `api/picture/${encodeURIComponent(picture.site)}/${encodeURIComponent(picture.camera)}?at=${picture.at_ms}`;
  }

  private head(sensors: Sensors): HTMLElement {
    const line = make("div", "sensor head-row");
    const borders = sensors.sensors[0]?.ranges ?? [];
    line.append(make("span"), make("span", "", t("sensor")), make("span", "", t("rate")), make("span", "", t("latency")), make("span", "", t("clock")), make("span", "", t("direction")));
    const ranges = make("span", "ranges");
    ranges.append(...borders.map((one) => make("span", "", `${one.from_m}–${one.to_m} m`)));
    line.append(ranges);
    return line;
  }

  private row(one: SensorRow): HTMLElement {
    const line = make("div", "sensor");
    line.dataset.sensor = one.sensor;
    line.dataset.state = one.state;
    const latency = one.latency_p50_ms === null ? "–" : `${known(one.latency_p50_ms, 0)} / ${known(one.latency_p95_ms, 0)} ms`;
    const ranges = make("span", "ranges");
    ranges.append(...one.ranges.map((part) => this.range(part)));
    line.append(
      make("i", "dot"),
      make("b", "", one.sensor),
      make("span", "", known(one.rate_hz, 1, " Hz")),
      make("span", "", latency),
      make("span", "", known(one.clock_offset_s === null ? null : one.clock_offset_s * 1000, 0, " ms")),
      make("span", "", known(one.azimuth_offset_deg, 2, "°")),
      ranges,
    );
    const words = [one.reason];
    if (one.mounting) {
      const turn = `${t("mounting")}: ${known(one.mounting.azimuth_deg, 1)}° / ${known(one.mounting.pitch_deg, 1)}° / ${known(one.mounting.roll_deg, 1)}°`;
      words.push(one.mounting.is_sure ? turn : t("mounting_unknown"));
    }
    const text = words.filter(Boolean).join(" · ");
    if (text) line.append(make("small", one.reason ? "wrong" : "", text));
    return line;
  }

  /** Share found as a bar, residuals beneath it. */
  private range(part: RangeRow): HTMLElement {
    const cell = make("span", "range");
    cell.title = `${t("expected")} ${part.expected.toFixed(0)}`;
    const bar = make("i");
    bar.style.width = `${Math.round(100 * (part.found_share ?? 0))}%`;
    const words = part.found_share === null ? "–" : `${Math.round(100 * part.found_share)} %`;
    cell.append(bar, make("b", "", words), make("small", "", part.residual_p50_m === null ? "" : `${part.residual_p50_m.toFixed(1)} / ${known(part.residual_p95_m, 1)} m`));
    return cell;
  }
}
