// The operator page: one live stream in, one map and a few panels out.

import * as maplibregl from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "./style.css";
import { MapFrame } from "./frame";
import { CLASS_COLOURS, CLASSES, Layers } from "./layers";
import { addEvent, clearEvents, element, showEvents, showFigures, showIntersections, showProcesses, showWarnings } from "./panels";
import { Near } from "./near";
import { Sight } from "./sight";
import { currentLanguage, switchLanguage, t } from "./text";
import type { Figures, Objects, ProcessRow, Signal, Site, Update, Warning } from "./types";

const STALE_MS = 2500;
const RETRY_MS = 1000;

const state: {
  objects: Objects | null;
  signals: Signal[];
  warnings: Warning[];
  processes: ProcessRow[];
  figures: Figures | null;
  lastObjectsAt: number;
  updates: number;
  chosen: number | null;
} = { objects: null, signals: [], warnings: [], processes: [], figures: null, lastObjectsAt: 0, updates: 0, chosen: null };

declare global {
  interface Window {
    lukou: typeof state;
  }
}
window.lukou = state; // for tests and for the curious

async function json<T>(path: string): Promise<T> {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
}

async function start(): Promise<void> {
  maplibregl.setWorkerUrl(workerUrl);
  const [site, roads] = await Promise.all([json<Site>("api/site"), json<GeoJSON.FeatureCollection>("api/map")]);
  element("title").textContent = site.title;
  const frame = new MapFrame(site.frame);
  const map = new maplibregl.Map({
    container: "map",
    style: { version: 8, sources: {}, layers: [{ id: "ground", type: "background", paint: { "background-color": "#11151c" } }] },
    center: frame.position(site.frame.x0, site.frame.y0),
    zoom: 15.5,
    maxZoom: 21,
    attributionControl: false,
    fadeDuration: 0,
    pitchWithRotate: true,
  });
  map.addControl(new maplibregl.NavigationControl({ visualizePitch: true }), "top-left");
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 120 }), "bottom-left");
  await new Promise<void>((resolve) => map.once("load", () => resolve()));
  const layers = new Layers(map, frame);
  layers.addRoads(roads);
  const centres = namePlates(map, roads);
  fitIntersections(map, [...centres.values()]);
  map.on("click", "users", (event) => {
    state.chosen = (event.features?.[0]?.properties?.id as number | undefined) ?? null;
    showDetail();
  });
  const flyTo = (name: string): void => {
    const centre = centres.get(name);
    if (centre) map.flyTo({ center: centre, zoom: 18.4, duration: 600 });
    sight.choose(name);
  };
  const sight: Sight = new Sight(() => {
    if (sight.isOpen) near.close();
    map.resize();
    layers.showEllipses(sight.isOpen ? state.objects : null);
  });
  const near: Near = new Near(
    (rows) => {
      map.resize();
      layers.showNear(rows);
    },
    (x, y) => map.flyTo({ center: frame.position(x, y), zoom: 19, duration: 600 }),
    () => sight.isOpen && sight.toggle(),
  );
  const hint = new maplibregl.Popup({ closeButton: false, offset: 10 });
  map.on("mousemove", "near", (event) => hint.setLngLat(event.lngLat).setText(String(event.features?.[0]?.properties?.text)).addTo(map));
  map.on("mouseleave", "near", () => hint.remove());
  const render = (update: Update): void => {
    state.updates++;
    if (update.type === "objects") {
      state.objects = update;
      state.lastObjectsAt = performance.now();
      layers.showObjects(update);
      if (sight.isOpen) layers.showEllipses(update);
      showDetail();
    } else if (update.type === "picture") {
      sight.takePicture(update);
    } else if (update.type === "sensors") {
      sight.takeSensors(update);
    } else if (update.type === "signals") {
      state.signals = update.signals;
      layers.showSignals(update.signals);
      showIntersections(state.signals, state.figures?.decisions ?? {}, flyTo);
    } else if (update.type === "warnings") {
      const before = state.warnings.map((one) => one.id).join();
      state.warnings = update.warnings;
      layers.showWarnings(update.warnings);
      if (before !== update.warnings.map((one) => one.id).join() || update.warnings.length) showWarnings(state.warnings, chooseWarning);
    } else if (update.type === "processes") {
      state.processes = update.processes;
      showProcesses(state.processes);
    } else if (update.type === "figures") {
      state.figures = update;
      showFigures(update);
    } else if (update.type === "event") {
      if (update.kind === "edge.near_miss") near.soon();
      addEvent(update);
      showEvents();
    }
  };
  const chooseWarning = (warning: Warning): void => {
    if (warning.meeting) map.flyTo({ center: frame.position(...warning.meeting), zoom: 19, duration: 600 });
  };
  const speak = (): void => {
    document.documentElement.lang = currentLanguage();
    element("language").textContent = t("other");
    for (const one of document.querySelectorAll<HTMLElement>("[data-text]")) one.textContent = t(one.dataset.text ?? "");
    showLegend();
    near.render();
    showWarnings(state.warnings, chooseWarning);
    showProcesses(state.processes);
    if (state.figures) showFigures(state.figures);
    showIntersections(state.signals, state.figures?.decisions ?? {}, flyTo);
  };
  element("language").addEventListener("click", () => {
    switchLanguage();
    speak();
  });
  speak();
  listen(render);
  setInterval(tick, 500);
}

function namePlates(map: maplibregl.Map, roads: GeoJSON.FeatureCollection): Map<string, [number, number]> {
  const centres = new Map<string, [number, number]>();
  for (const feature of roads.features) {
    if (feature.properties?.kind !== "junction" || !feature.properties.signals || feature.geometry.type !== "Polygon") continue;
    const ring = feature.geometry.coordinates[0];
    const centre: [number, number] = [
      ring.reduce((sum, p) => sum + p[0], 0) / ring.length,
      ring.reduce((sum, p) => sum + p[1], 0) / ring.length,
    ];
    const name = String(feature.properties.name);
    centres.set(name, centre);
    const plate = document.createElement("div");
    plate.className = "plate";
    plate.textContent = name.toUpperCase();
    new maplibregl.Marker({ element: plate }).setLngLat(centre).addTo(map);
  }
  return centres;
}

/** The first view: every intersection, with the road users around it. */
function fitIntersections(map: maplibregl.Map, centres: [number, number][]): void {
  if (!centres.length) return;
  const bounds = new maplibregl.LngLatBounds();
  const margin = 0.0006; // about 60 m
  for (const [lon, lat] of centres) bounds.extend([lon - margin, lat - margin]).extend([lon + margin, lat + margin]);
  map.fitBounds(bounds, { padding: 10, duration: 0 });
}

function showLegend(): void {
  const shown = ["car", "truck", "bus", "bicycle", "pedestrian"];
  element("legend").replaceChildren(
    ...shown.map((kind) => {
      const entry = document.createElement("span");
      const mark = document.createElement("i");
      mark.style.background = CLASS_COLOURS[kind];
      entry.append(mark, t(kind));
      return entry;
    }),
  );
}

function showDetail(): void {
  const box = element("detail");
  const objects = state.objects;
  const row = objects && state.chosen !== null ? objects.id.indexOf(state.chosen) : -1;
  box.hidden = row < 0;
  if (!objects || row < 0) return;
  const parts = [
    `#${objects.id[row]} ${t(CLASSES[objects.class[row]] ?? "unknown")}`,
    `${t("speed")} ${(objects.speed[row] * 3.6).toFixed(0)} km/h`,
    `${t("age")} ${objects.age[row].toFixed(0)} s`,
    `${t("deviation")} ${objects.deviation[row].toFixed(1)} m`,
    objects.lane[row] ? `${t("lane")} ${objects.lane[row]}` : "",
    objects.coasted[row] > 0.3 ? `${t("coasted")} ${objects.coasted[row].toFixed(1)} s` : "",
  ];
  box.textContent = parts.filter(Boolean).join("  ·  ");
}

function setLink(name: "connecting" | "live" | "lost" | "stale"): void {
  const pill = element("link");
  pill.dataset.state = name;
  pill.textContent = t(name);
}

function listen(render: (update: Update) => void): void {
  setLink("connecting");
  const socket = new WebSocket(new URL("live", location.href.replace(/^http/, "ws")));
  socket.onmessage = (message) => render(JSON.parse(String(message.data)) as Update);
  socket.onclose = () => {
    setLink("lost");
    setTimeout(() => listen(render), RETRY_MS);
  };
  socket.onopen = () => {
    clearEvents();
    setLink("live");
  };
}

function tick(): void {
  element("clock").textContent = new Date().toLocaleTimeString("sv");
  const pill = element("link");
  const isOld = performance.now() - state.lastObjectsAt > STALE_MS;
  if (pill.dataset.state === "live" && isOld) setLink("stale");
  if (pill.dataset.state === "stale" && !isOld) setLink("live");
}

start().catch((error: unknown) => {
  element("map").textContent = String(error);
  setTimeout(() => location.reload(), 3000);
});
