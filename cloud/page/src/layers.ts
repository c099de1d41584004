// The map: roads as they lie, lanes and crosswalks coloured by their signals, road users, warnings.

import * as maplibregl from "maplibre-gl";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import type { Feature, FeatureCollection } from "geojson";
import type { MapFrame, Position } from "./frame";
import { measure, NEAR_COLOURS } from "./near";
import type { NearMiss, Objects, Signal, Warning } from "./types";

export const CLASSES = ["unknown", "car", "truck", "bus", "motorcycle", "bicycle", "pedestrian", "unknown", "unknown", "unknown"];
export const CLASS_COLOURS: Record<string, string> = {
  car: "#7cc4ff",
  truck: "#c79bff",
  bus: "#ffd166",
  motorcycle: "#5ce1c1",
  bicycle: "#5ce1c1",
  pedestrian: "#ff9fb2",
  unknown: "#b8c0cc",
};
const SIGNAL_COLOURS: unknown[] = [
  "match",
  ["feature-state", "colour"],
  "green", "#2bd576",
  "flashing_green", "#a6e22e",
  "yellow", "#ffc53d",
  "flashing_yellow", "#ffc53d",
  "red", "#e5484d",
  "red_yellow", "#ff8a3d",
  "flashing_red", "#e5484d",
  "#5b6472",
];
const TRAIL_S = 4;
const ELLIPSE_SIGMAS = 2.448; // 95 % of a two-dimensional normal distribution
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };

export class Layers {
  private readonly trails = new Map<number, { at: number; points: Position[] }>();
  private readonly bound = new Map<string, { source: string; id: number }[]>();
  private readonly shown = new Map<string, string>();

  constructor(
    private readonly map: MapLibre,
    private readonly frame: MapFrame,
  ) {}

  /** Add the road map and the layers of what moves on it. */
  addRoads(roads: FeatureCollection): void {
    const parts: Record<string, Feature[]> = {};
    for (const feature of roads.features) {
      const kind = String(feature.properties?.kind);
      (parts[kind] ??= []).push(feature);
    }
    const PEOPLE = 32 + 64;
    const line = (id: string, source: string, colour: unknown, width: unknown, filter?: unknown, opacity = 1): void => {
      this.map.addLayer({
        id,
        source,
        type: "line",
        layout: { "line-cap": "butt", "line-join": "round" },
        paint: { "line-color": colour as string, "line-width": width as number, "line-opacity": opacity },
        ...(filter ? { filter: filter as maplibregl.FilterSpecification } : {}),
      });
    };
    for (const kind of ["road", "junction", "walking_area", "connection", "crosswalk", "stop_line"]) {
      const features = (parts[kind] ?? []).map((feature, id) => ({ ...feature, id }));
      this.map.addSource(kind, { type: "geojson", data: { type: "FeatureCollection", features } });
      for (const feature of features) {
        const { intersection, group } = feature.properties ?? {};
        if (!intersection || !group) continue;
        const key = `${intersection}/${group}`;
        this.bound.set(key, [...(this.bound.get(key) ?? []), { source: kind, id: feature.id }]);
      }
    }
    const isFoot = ["==", ["%", ["get", "participants"], 64 * 2], 64];
    const isBicycle = ["all", ["<=", ["get", "participants"], PEOPLE], ["!=", ["get", "participants"], 64]];
    this.map.addLayer({ id: "junction-fill", source: "junction", type: "fill", paint: { "fill-color": "#222a36" }, filter: ["==", ["geometry-type"], "Polygon"] });
    line("road-edge", "road", "#39465a", this.frame.metres(["+", ["get", "width"], 0.5]));
    line("road", "road", "#222a36", this.frame.metres(["get", "width"]));
    line("road-foot", "road", "#1b212b", this.frame.metres(["get", "width"]), isFoot);
    line("road-bicycle", "road", "#1f3238", this.frame.metres(["get", "width"]), isBicycle);
    line("road-mark", "road", "#465468", this.frame.metres(0.15), ["!", isFoot as unknown as boolean], 0.5);
    this.map.addLayer({
      id: "crosswalk",
      source: "crosswalk",
      type: "fill",
      paint: { "fill-color": SIGNAL_COLOURS as unknown as string, "fill-opacity": 0.42 },
    });
    line("connection", "connection", SIGNAL_COLOURS, this.frame.metres(0.7), undefined, 0.55);
    line("stop-line", "stop_line", SIGNAL_COLOURS, this.frame.metres(1.1));
    this.map.addSource("near", { type: "geojson", data: EMPTY });
    this.map.addLayer({
      id: "near-heat",
      source: "near",
      type: "heatmap",
      paint: {
        "heatmap-weight": ["get", "severity"],
        "heatmap-radius": ["interpolate", ["exponential", 2], ["zoom"], 14, 8, 20, 90],
        "heatmap-opacity": 0.55,
        "heatmap-color": [
          "interpolate", ["linear"], ["heatmap-density"],
          0, "rgba(0,0,0,0)", 0.2, "rgba(122,60,160,0.45)", 0.5, "rgba(230,80,110,0.6)", 0.8, "rgba(255,159,67,0.75)", 1, "rgba(255,230,150,0.9)",
        ],
      },
    });
    this.map.addLayer({
      id: "near",
      source: "near",
      type: "circle",
      paint: {
        "circle-radius": ["interpolate", ["exponential", 2], ["zoom"], 14, ["+", 2, ["*", 2, ["get", "severity"]]], 20, ["+", 9, ["*", 16, ["get", "severity"]]]],
        "circle-color": ["get", "colour"],
        "circle-opacity": 0.8,
        "circle-stroke-color": "#0b0e13",
        "circle-stroke-width": 1,
      },
    });
    for (const source of ["trails", "users", "paths", "meetings", "ellipses"]) this.map.addSource(source, { type: "geojson", data: EMPTY });
    line("paths", "paths", ["get", "colour"], this.frame.metres(0.9), undefined, 0.85);
    line("trails", "trails", ["get", "colour"], this.frame.metres(0.5), undefined, 0.45);
    this.map.addLayer({
      id: "users",
      source: "users",
      type: "fill",
      paint: { "fill-color": ["get", "colour"], "fill-opacity": ["get", "opacity"], "fill-outline-color": "#0b0e13" },
    });
    this.map.addLayer({
      id: "ellipses",
      source: "ellipses",
      type: "line",
      paint: { "line-color": ["get", "colour"], "line-width": 1.2, "line-opacity": 0.9 },
    });
    this.map.addLayer({
      id: "meeting",
      source: "meetings",
      type: "circle",
      paint: {
        "circle-radius": ["interpolate", ["exponential", 2], ["zoom"], 14, 5, 20, 40],
        "circle-color": "#ff3b4e",
        "circle-opacity": 0.25,
        "circle-stroke-color": "#ff3b4e",
        "circle-stroke-width": 2,
      },
    });
  }

  /** Colour what each signal group rules; only what has changed. */
  showSignals(signals: Signal[]): void {
    for (const signal of signals) {
      for (const group of signal.groups) {
        const key = `${signal.intersection}/${group.group}`;
        const colour = signal.validity === "invalid" || signal.age_s > 1.5 ? "unknown" : group.colour;
        if (this.shown.get(key) === colour) continue;
        this.shown.set(key, colour);
        for (const target of this.bound.get(key) ?? []) this.map.setFeatureState(target, { colour });
      }
    }
  }

  /** Road users with their trails. */
  showObjects(objects: Objects): void {
    const users: Feature[] = [];
    const trails: Feature[] = [];
    const now = objects.at_ms / 1000;
    for (let k = 0; k < objects.id.length; k++) {
      const id = objects.id[k];
      const kind = CLASSES[objects.class[k]] ?? "unknown";
      const isPerson = kind === "pedestrian";
      const length = Math.max(objects.length[k], isPerson ? 0.9 : 1);
      const width = Math.max(objects.width[k], isPerson ? 0.9 : 0.8);
      const colour = CLASS_COLOURS[kind];
      users.push({
        type: "Feature",
        id,
        properties: { id, row: k, kind, colour, opacity: objects.coasted[k] > 0.3 ? 0.45 : 0.95 },
        geometry: { type: "Polygon", coordinates: [this.frame.footprint(objects.x[k], objects.y[k], objects.yaw[k], length, width)] },
      });
      const trail = this.trails.get(id) ?? { at: now, points: [] };
      trail.at = now;
      trail.points.push(this.frame.position(objects.x[k], objects.y[k]));
      if (trail.points.length > TRAIL_S * 5) trail.points.shift();
      this.trails.set(id, trail);
      if (objects.speed[k] > 0.5 && trail.points.length > 1) {
        trails.push({ type: "Feature", properties: { colour }, geometry: { type: "LineString", coordinates: trail.points.slice() } });
      }
    }
    for (const [id, trail] of this.trails) if (now - trail.at > TRAIL_S) this.trails.delete(id);
    this.set("users", users);
    this.set("trails", trails);
  }

  /** Where each road user is with 95 % probability; nothing where the view is closed. */
  showEllipses(objects: Objects | null): void {
    const rings: Feature[] = [];
    for (let k = 0; objects && k < objects.id.length; k++) {
      const [a, b, turn] = objects.ellipse.slice(3 * k, 3 * k + 3);
      const c = Math.cos(turn);
      const s = Math.sin(turn);
      const ring: Position[] = [];
      for (let step = 0; step <= 24; step++) {
        const x = ELLIPSE_SIGMAS * a * Math.cos((step * Math.PI) / 12);
        const y = ELLIPSE_SIGMAS * b * Math.sin((step * Math.PI) / 12);
        ring.push(this.frame.position(objects.x[k] + c * x - s * y, objects.y[k] + s * x + c * y));
      }
      const colour = objects.coasted[k] > 0.3 ? "#ffc53d" : "#dfe6f0";
      rings.push({ type: "Feature", properties: { colour }, geometry: { type: "LineString", coordinates: ring } });
    }
    this.set("ellipses", rings);
  }

  /** Warnings as two paths and their meeting point. */
  showWarnings(warnings: Warning[]): void {
    const paths: Feature[] = [];
    const meetings: Feature[] = [];
    for (const warning of warnings) {
      const colour = warning.level === "imminent" ? "#ff3b4e" : "#ffb020";
      for (const user of warning.users) {
        if (user.path.length < 2) continue;
        const coordinates = user.path.map(([x, y]) => this.frame.position(x, y));
        paths.push({ type: "Feature", properties: { colour }, geometry: { type: "LineString", coordinates } });
      }
      if (warning.meeting) {
        meetings.push({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: this.frame.position(...warning.meeting) } });
      }
    }
    this.set("paths", paths);
    this.set("meetings", meetings);
  }

  /** Near misses as points, coloured by kind, the closer the larger; nothing where the view is closed. */
  showNear(rows: NearMiss[]): void {
    this.set(
      "near",
      rows.map((one) => ({
        type: "Feature",
        properties: { colour: NEAR_COLOURS[one.kind] ?? "#8a96a8", severity: one.severity, text: `${measure(one)} · ${new Date(one.at_ms).toLocaleString("sv")}` },
        geometry: { type: "Point", coordinates: this.frame.position(one.x_m, one.y_m) },
      })),
    );
  }

  private set(source: string, features: Feature[]): void {
    (this.map.getSource(source) as GeoJSONSource | undefined)?.setData({ type: "FeatureCollection", features });
  }
}
