// The map frame (metres) on longitude and latitude.

import type { Frame } from "./types";

export type Position = [number, number];

export class MapFrame {
  constructor(private readonly f: Frame) {}

  position(x: number, y: number): Position {
    const f = this.f;
    const dx = x - f.x0;
    const dy = y - f.y0;
    return [f.lon0 + f.lon_x * dx + f.lon_y * dy, f.lat0 + f.lat_x * dx + f.lat_y * dy];
  }

  /** Outline of a rectangle with its nose shown: centre, direction, size. */
  footprint(x: number, y: number, yaw: number, length: number, width: number): Position[] {
    const c = Math.cos(yaw);
    const s = Math.sin(yaw);
    const l = length / 2;
    const w = width / 2;
    const nose = Math.min(0.8, l * 0.35);
    const corners: Position[] = [
      [l, 0],
      [l - nose, w],
      [-l, w],
      [-l, -w],
      [l - nose, -w],
      [l, 0],
    ];
    return corners.map(([a, b]) => this.position(x + a * c - b * s, y + a * s + b * c));
  }

  /** Width of a line of so many metres, for every zoom. */
  metres(metres: number | unknown[]): unknown {
    const perPixel = 78271.517 * Math.cos((this.f.lat0 * Math.PI) / 180);
    const at = (zoom: number): unknown => {
      const factor = 2 ** zoom / perPixel;
      return typeof metres === "number" ? metres * factor : ["*", metres, factor];
    };
    return ["interpolate", ["exponential", 2], ["zoom"], 12, at(12), 22, at(22)];
  }
}
