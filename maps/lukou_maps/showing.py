"""Maps for the eye: GeoJSON for QGIS, and a picture (SVG)."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from lukou_maps.geometry import LaneGeometry
from lukou_maps.projection import MapProjection
from lukou_maps.ragged import Floats
from lukou_maps.road_model import LaneKind, LaneType, Participants, RoadModel, Side, StopLineKind, Turn

COLOURS = {
    LaneType.DRIVING: "#b9bec6",
    LaneType.BUS: "#d9b48f",
    LaneType.BICYCLE: "#a8cfa0",
    LaneType.SIDEWALK: "#e4e0d6",
    LaneType.RAIL: "#c8a8c8",
    LaneType.CROSSWALK: "#ffffff",
}
"""Colour of each lane type in pictures; others are pale."""

PICTURE_PX = 1400
"""Longer side of a picture. [px]"""


def outline(model: RoadModel, lane: int) -> Floats:
    """Closed outline of a lane. [m]"""
    lanes, points = model.lanes, model.lanes.points(lane)
    line = np.column_stack([lanes.x_m[points], lanes.y_m[points]])
    across = np.column_stack([lanes.across_x_m[points], lanes.across_y_m[points]])
    ring = np.concatenate([line + across, (line - across)[::-1]])
    return np.asarray(np.concatenate([ring, ring[:1]]))


def geojson(model: RoadModel) -> dict[str, Any]:
    """Lanes, centre lines, connections' stop lines, crosswalks and junctions as a feature collection.

    In longitude and latitude where the map is georeferenced, else in metres of the map frame (QGIS then asks for the
    reference system; the ``name`` says so).
    """
    to_earth = MapProjection(model.frame).to_geographic if model.frame.projection else None

    def place(points: Floats) -> list[list[float]]:
        if to_earth is None:
            return np.round(points, 3).tolist()  # type: ignore[no-any-return]
        return np.round(np.column_stack(to_earth(points[:, 0], points[:, 1])), 8).tolist()  # type: ignore[no-any-return]

    def feature(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
        return {"type": "Feature", "geometry": {"type": shape, "coordinates": coordinates}, "properties": properties}

    lanes, found = model.lanes, []
    for k, name in enumerate(lanes.names):
        speed = float(lanes.speed_limit_mps[k])
        shared = {
            "name": name,
            "kind": LaneKind(lanes.kind[k]).name.lower(),
            "type": LaneType(lanes.type[k]).name.lower(),
            "participants": str(Participants(int(lanes.participants[k])).name or "nobody").lower(),
            "speed_limit_kmh": None if np.isnan(speed) else round(speed * 3.6, 1),
            "width_m": round(float(lanes.width_m[k]), 2),
            "successors": [lanes.names[j] for j in lanes.successors[k]],
        }
        points = lanes.points(k)
        found.append(feature("Polygon", [place(outline(model, k))], layer="lane", **shared))
        line = np.column_stack([lanes.x_m[points], lanes.y_m[points]])
        found.append(feature("LineString", place(line), layer="centre line", **shared))
    found += [feature("LineString", place(line), **properties) for line, properties in _stop_lines(model)]
    crosswalks, junctions = model.crosswalks, model.junctions
    for table, layer in ((crosswalks, "crosswalk"), (junctions, "junction")):
        for k, name in enumerate(table.names):
            rows = slice(int(table.outline_start[k]), int(table.outline_start[k + 1]))
            ring = np.column_stack([table.outline_x_m[rows], table.outline_y_m[rows]])
            if len(ring) >= 3:
                found.append(feature("Polygon", [place(np.concatenate([ring, ring[:1]]))], layer=layer, name=name))
    where = "longitude, latitude" if to_earth else "metres of the map frame, not georeferenced"
    return {"type": "FeatureCollection", "name": f"{model.map_id} version {model.version} ({where})", "features": found}


def _stop_lines(model: RoadModel) -> list[tuple[Floats, dict[str, Any]]]:
    lines, connections = model.stop_lines, model.connections
    found = []
    for k in range(len(lines)):
        ends = np.array([[lines.left_x_m[k], lines.left_y_m[k]], [lines.right_x_m[k], lines.right_y_m[k]]])
        passing = lines.connections[k]
        groups = {model.signal_groups[g] for g in connections.signal_group[passing] if g >= 0}
        groups |= {model.signal_groups[g] for g in lines.permitting_groups[k]}
        found.append(
            (
                ends,
                {
                    "layer": "stop line",
                    "kind": StopLineKind(lines.kind[k]).name.lower(),
                    "lane": model.lanes.names[lines.lane[k]],
                    "groups": sorted(groups),
                    "turns": sorted({Turn(t).name.lower() for t in connections.turn[passing]}),
                },
            )
        )
    return found


def picture(model: RoadModel) -> str:
    """The map as an SVG picture: lanes by type, boundaries, stop lines in red."""
    lanes = model.lanes
    west, east = float(lanes.x_m.min()) - 10.0, float(lanes.x_m.max()) + 10.0
    south, north = float(lanes.y_m.min()) - 10.0, float(lanes.y_m.max()) + 10.0
    scale = PICTURE_PX / max(east - west, north - south)
    width, height = (east - west) * scale, (north - south) * scale

    def path(points: Floats) -> str:
        at = np.column_stack([(points[:, 0] - west) * scale, (north - points[:, 1]) * scale])
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in at)

    title = escape(f"{model.map_id} version {model.version}: {len(lanes)} lanes")
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><title>{title}</title>',
        '<rect width="100%" height="100%" fill="#f7f7f5"/>',
    ]
    geometry = LaneGeometry(lanes)
    order = np.argsort(np.where(lanes.kind == LaneKind.CROSSWALK, 9, lanes.kind), kind="stable")
    for k in order.tolist():
        colour = COLOURS.get(LaneType(lanes.type[k]), "#dddddd")
        opacity = 0.55 if lanes.kind[k] == LaneKind.JUNCTION else 1.0
        name = escape(lanes.names[k])
        parts.append(
            f'<polygon points="{path(outline(model, k))}" fill="{colour}" fill-opacity="{opacity}"><title>{name}</title></polygon>'
        )
        if lanes.kind[k] == LaneKind.ROAD:
            own = np.full(int(lanes.point_start[k + 1] - lanes.point_start[k]), k)
            for side in (Side.LEFT, Side.RIGHT):
                edge = np.column_stack(geometry.boundary(own, lanes.s_m[lanes.points(k)], side))
                parts.append(f'<polyline points="{path(edge)}" fill="none" stroke="#888" stroke-width="0.5"/>')
    for line, _ in _stop_lines(model):
        parts.append(f'<polyline points="{path(line)}" stroke="#c0392b" stroke-width="1.5"/>')
    return "\n".join([*parts, "</svg>\n"])
