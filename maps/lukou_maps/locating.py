"""Positions of places given by road or lane, for comparing readers with each other."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from lukou_maps.errors import MapError
from lukou_maps.geometry import LaneGeometry
from lukou_maps.opendrive_file import read_opendrive_file
from lukou_maps.opendrive_lanes import points, section_at
from lukou_maps.opendrive_records import OpenDriveFile, Road
from lukou_maps.points_file import opened
from lukou_maps.ragged import Floats
from lukou_maps.road_model import RoadModel

SHARES = {"border": 1.0, "center": 0.5, "centre": 0.5, "inner": 0.0}
"""Where across the lane a kind of place lies; any other kind is told by t."""

Rows = list[dict[str, str]]


def locate(map_file: Path, points_file: Path, out: Path) -> tuple[int, int]:
    """Write the places of rows ``kind,road,s,lane,t`` as ``…,x,y,z,heading``.

    Kinds: ``ref`` on the reference line of a road, ``border`` on a lane's outer border, ``center`` in its middle, anything
    else at t. Of maps other than OpenDRIVE, `lane` is the name of a lane, s its arc length and t the offset to the left.

    Returns
    -------
    written, unknown : int
        Rows written, and of these without a place (road or lane not there).
    """
    with opened(points_file) as stream:
        table = csv.DictReader(stream)
        head = [name for name in table.fieldnames or () if name not in ("x", "y", "z", "heading", "hdg")]
        rows = list(table)
    missing = [name for name in ("s", "lane") if name not in head]
    if missing:
        raise MapError(f"{points_file}: expected columns kind,road,s,lane,t, found {','.join(head)}")
    if map_file.name.endswith((".xodr", ".xodr.gz")):
        places = _on_roads(read_opendrive_file(map_file), rows)
    else:
        from lukou_maps.reading import load_map

        places = _on_lanes(load_map(map_file), rows)
    with opened(out, "wt") as stream:
        writer = csv.writer(stream)
        writer.writerow([*head, "x", "y", "z", "heading"])
        for row, place in zip(rows, places.tolist(), strict=True):
            writer.writerow([*(row[name] for name in head), *("" if np.isnan(v) else f"{v:.9f}" for v in place)])
    return len(rows), int(np.isnan(places[:, 0]).sum())


def _number(row: dict[str, str], name: str) -> float:
    try:
        return float(row.get(name) or "nan")
    except ValueError:
        return float("nan")


def _on_roads(file: OpenDriveFile, rows: Rows) -> Floats:
    places = np.full((len(rows), 4), np.nan)
    groups: dict[tuple[str, str, str, int], list[int]] = {}
    for k, row in enumerate(rows):
        road = file.roads.get(row.get("road", ""))
        s = _number(row, "s")
        if road is None or not np.isfinite(s):
            continue
        section = road.sections.index(section_at(road, s)) if road.sections else -1
        groups.setdefault((road.name, row.get("kind", ""), row.get("lane", ""), section), []).append(k)
    for (name, kind, lane, place), members in groups.items():
        s_m = np.array([_number(rows[k], "s") for k in members])
        t_m = np.array([_number(rows[k], "t") for k in members])
        places[members] = _of_group(file.roads[name], kind, lane, place, s_m, t_m)
    return places


def _of_group(road: Road, kind: str, lane: str, place: int, s_m: Floats, t_m: Floats) -> Floats:
    _, _, heading = road.plan.pose(s_m)
    number = int(lane) if lane.lstrip("-").isdigit() else 0
    if kind != "ref" and kind in SHARES and place >= 0 and number in road.sections[place].lanes and number:
        x, y, z, _ = points(road, road.sections[place], number, s_m, SHARES[kind])
    else:
        t_m = np.zeros(len(s_m)) if kind == "ref" else np.nan_to_num(t_m)
        x, y, z = road.position(s_m, t_m, np.zeros(len(s_m)))
    return np.column_stack([x, y, z, heading])


def _on_lanes(model: RoadModel, rows: Rows) -> Floats:
    places = np.full((len(rows), 4), np.nan)
    lane = np.array([model.lanes.index.get(row.get("lane", ""), -1) for row in rows], np.int64)
    s_m = np.array([_number(row, "s") for row in rows])
    t_m = np.nan_to_num(np.array([_number(row, "t") for row in rows]))
    known = np.flatnonzero((lane >= 0) & np.isfinite(s_m))
    geometry = LaneGeometry(model.lanes)
    x, y, heading = geometry.pose(lane[known], s_m[known])
    z = geometry.height(lane[known], s_m[known])
    x, y = x - np.sin(heading) * t_m[known], y + np.cos(heading) * t_m[known]
    places[known] = np.column_stack([x, y, z, heading])
    return places
