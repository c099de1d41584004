// Everything beside the map: warnings, processes, events, figures, intersections.

import { t } from "./text";
import type { EventRow, Figures, ProcessRow, Signal, Warning } from "./types";

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

function make(tag: string, className = "", text = ""): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text; // never HTML: texts come from outside
  return made;
}

export function showWarnings(warnings: Warning[], onChoose: (warning: Warning) => void): void {
  const list = element("warnings");
  const cards = warnings.slice(0, 8).map((warning) => {
    const card = make("button", `card ${warning.level}`);
    card.dataset.id = warning.id;
    const head = make("div", "head");
    head.append(make("strong", "", t(warning.kind)), make("span", "tag", warning.intersection));
    if (warning.ttc_s !== null) head.append(make("span", "tag", `${warning.ttc_s.toFixed(1)} s`));
    head.append(make("span", "tag", `${Math.round(warning.probability * 100)} %`));
    card.append(head, make("p", "", warning.advice), make("p", "why", warning.why));
    if (warning.doubts.length && warning.confidence !== null) {
      card.append(make("p", "doubt", `${t("confidence")} ${Math.round(warning.confidence * 100)} %: ${warning.doubts.join("; ")}`));
    }
    card.addEventListener("click", () => onChoose(warning));
    return card;
  });
  list.replaceChildren(...(cards.length ? cards : [make("p", "quiet", t("none"))]));
}

export function showProcesses(rows: ProcessRow[]): void {
  const table = element("processes");
  table.replaceChildren(
    ...rows.map((row) => {
      const line = make("div", "process");
      line.dataset.source = row.source;
      line.dataset.state = row.state;
      const wrong = [...(row.faults ?? []), ...(row.stale ?? []).map((one) => `${t("stale")}: ${one}`)];
      const silent = row.state === "down" && row.silent_s !== null ? ` ${row.silent_s.toFixed(0)} s` : "";
      line.append(make("i", "dot"), make("span", "name", row.source), make("span", "state", t(row.state) + silent));
      const load = row.cpu_cores === undefined ? "" : `${Math.round(row.cpu_cores * 100)} % · ${Math.round(row.memory_mb ?? 0)} MB`;
      line.append(make("span", "load", load));
      if (row.restarts) line.append(make("span", "tag", `${row.restarts} ${t("restarts")}`));
      if (wrong.length) line.append(make("span", "wrong", wrong.join("; ")));
      line.title = wrong.join("\n");
      return line;
    }),
  );
}

const events: EventRow[] = [];

export function addEvent(event: EventRow): void {
  events.unshift(event);
  events.length = Math.min(events.length, 60);
}

/** Forget what was told: a new connection tells it again. */
export function clearEvents(): void {
  events.length = 0;
}

export function showEvents(): void {
  element("events").replaceChildren(
    ...events.map((event) => {
      const line = make("div", `event ${event.severity}`);
      line.dataset.kind = event.kind;
      line.dataset.subject = event.subject;
      line.append(make("time", "", new Date(event.at_ms).toLocaleTimeString("sv")), make("span", "", event.text || event.kind));
      return line;
    }),
  );
}

const FIGURES: [keyof Figures, string][] = [
  ["road_users", ""],
  ["delay_s", " s"],
  ["stops_per_vehicle", ""],
  ["vehicles_served", ""],
  ["queue", ""],
  ["longest_wait_s", " s"],
  ["pedestrians_waiting", ""],
  ["warnings_imminent", ""],
  ["warnings_informative", ""],
];

export function showFigures(figures: Figures): void {
  element("figures").replaceChildren(
    ...FIGURES.map(([name, unit]) => {
      const value = figures[name] as number | null;
      const box = make("div", "figure");
      box.dataset.figure = name;
      box.append(make("b", "", value === null || value === undefined ? "–" : `${value}${unit}`), make("span", "", t(name)));
      return box;
    }),
  );
}

export function showIntersections(signals: Signal[], decisions: Record<string, string>, onChoose: (name: string) => void): void {
  const bar = element("intersections");
  const names = signals.map((signal) => signal.intersection).join();
  if (bar.dataset.names !== names) {
    bar.dataset.names = names;
    bar.replaceChildren(
      ...signals.map((signal) => {
        const button = make("button", "intersection");
        button.dataset.intersection = signal.intersection;
        button.append(make("b", "", signal.intersection.toUpperCase()), make("span", "stage"), make("span", "who"));
        button.addEventListener("click", () => onChoose(signal.intersection));
        return button;
      }),
    );
  }
  for (const signal of signals) {
    const button = bar.querySelector<HTMLElement>(`[data-intersection="${signal.intersection}"]`);
    if (!button) continue;
    const isFresh = signal.age_s < 1.5 && signal.validity !== "invalid";
    button.dataset.authority = isFresh ? signal.authority : "unspecified";
    button.dataset.stage = signal.stage;
    const stage = button.querySelector(".stage") as HTMLElement;
    const who = button.querySelector(".who") as HTMLElement;
    stage.textContent = !isFresh ? "?" : signal.in_transition ? `${signal.stage} → ${signal.next_stage}` : signal.stage;
    who.textContent = isFresh ? t(signal.authority) : t("stale");
    button.title = [decisions[signal.intersection] ?? "", ...signal.faults].filter(Boolean).join("\n");
  }
}
