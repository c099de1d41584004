"""Points in CSV files, and the lanes or places found for them."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np

from lukou_maps.errors import MapError
from lukou_maps.lane_smoothing import Smoother
from lukou_maps.lane_tracking import LaneTracker
from lukou_maps.matches import LaneCandidates
from lukou_maps.matching import LaneMatcher
from lukou_maps.projection import MapProjection
from lukou_maps.ragged import Floats, Ints
from lukou_maps.road_model import LaneKind, RoadModel

CLASSES = {
    "car": 1,
    "passenger": 1,
    "truck": 2,
    "trailer": 2,
    "bus": 3,
    "motorcycle": 4,
    "bicycle": 5,
    "pedestrian": 6,
}
"""Names of classes in files, and `lukou.v1.ObjectClass`; numbers stand for themselves, other names are not known (0)."""

LEAST_PROBABILITY = 0.02
"""Candidates below this are not written, the best one always is."""

NOWHERE_M = 1e9
"""Where points without a finite position are put: far from every lane. [m]"""

BLOCK = 20_000
"""Points matched at a time without tracking."""


@dataclass
class Points:
    """Points of a file in the map frame."""

    times: list[str]
    ids: list[str]
    time_s: Floats
    x_m: Floats
    y_m: Floats
    heading_rad: Floats | None
    object_class: Ints | None


def opened(path: Path, mode: Literal["rt", "wt"] = "rt") -> IO[str]:
    """A text file, also gzipped; a mark of byte order, as spreadsheets write it, is left out."""
    encoding = "utf-8-sig" if mode == "rt" else "utf-8"
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, mode, newline="", encoding=encoding))
    return path.open(mode, newline="", encoding=encoding)


def read_points(path: Path, model: RoadModel) -> Points:
    """Read ``t,id,x,y[,heading,class]``; ``lon,lat`` [degree] may stand for ``x,y``.

    Raises
    ------
    MapError
        If columns are missing, a number is none, or the points look like GCJ-02 or BD-09.
    """
    with opened(path) as stream:
        table = csv.reader(stream)
        head = [name.strip() for name in next(table, [])]
        lines = [(table.line_num, row) for row in table if row]
    rows = [row for _, row in lines]
    at = {name: k for k, name in enumerate(head)}
    geographic = "x" not in at and {"lon", "lat"} <= set(at)
    wanted = ["t", "id", *(("lon", "lat") if geographic else ("x", "y"))]
    missing = [name for name in wanted if name not in at]
    if missing:
        raise MapError(
            f"{path}: expected columns t,id,x,y[,heading,class], found {','.join(head)}; add {','.join(missing)}"
        )

    shortest = max((at[name] for name in (*wanted, "heading", "class", "cls") if name in at), default=0)
    short = next((line for line, row in lines if len(row) <= shortest), None)
    if short is not None:
        raise MapError(f"{path}: line {short}: expected {len(head)} fields as the first line names; complete the line")

    def column(name: str) -> Floats:
        try:
            return np.array([row[at[name]] or "nan" for row in rows], np.float64)
        except ValueError:
            line = next(line for line, row in lines if not _is_number(row[at[name]]))
            raise MapError(f"{path}: line {line}: {name}: expected a number") from None

    x_m, y_m = (column("lon"), column("lat")) if geographic else (column("x"), column("y"))
    if geographic:
        x_m, y_m = _from_earth(model, x_m, y_m, path)
    nowhere = ~(np.isfinite(x_m) & np.isfinite(y_m))
    x_m, y_m = np.where(nowhere, NOWHERE_M, x_m), np.where(nowhere, NOWHERE_M, y_m)
    kinds = at.get("class", at.get("cls", -1))
    classes = np.array([_class(row[kinds]) for row in rows], np.int64) if kinds >= 0 else None
    return Points(
        times=[row[at["t"]] for row in rows],
        ids=[row[at["id"]] for row in rows],
        time_s=column("t"),
        x_m=x_m,
        y_m=y_m,
        heading_rad=column("heading") if "heading" in at else None,
        object_class=classes,
    )


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True


def _class(text: str) -> int:
    return int(text) if text.isdecimal() and int(text) < 64 else CLASSES.get(text.strip().lower(), 0)


def _from_earth(model: RoadModel, longitude: Floats, latitude: Floats, path: Path) -> tuple[Floats, Floats]:
    """Map positions of longitude and latitude; refused where the lanes nearby tell of a display offset."""
    projection = MapProjection(model.frame)
    x_m, y_m = projection.to_map(longitude, latitude)
    # a display offset shifts all points by hundreds of metres: undone, they would lie on lanes
    for name in ("GCJ-02", "BD-09"):
        shifted = display_offset_undone(longitude, latitude, name)
        other_x, other_y = projection.to_map(*shifted)
        matcher = LaneMatcher(model)
        plain, undone = matcher.nearest(x_m[:2000], y_m[:2000]), matcher.nearest(other_x[:2000], other_y[:2000])
        if (undone.lane >= 0).mean() > 0.8 and (plain.lane >= 0).mean() < 0.4:
            raise MapError(
                f"{path}: looks like {name}: on the map the points fit only without that offset; send WGS-84"
            )
    return x_m, y_m


def display_offset_undone(longitude: Floats, latitude: Floats, name: str) -> tuple[Floats, Floats]:
    """Approximate positions before a display offset; good to metres, for recognising one only. [degree]"""
    from lukou_maps.reference import bd09, gcj02

    transform = gcj02 if name == "GCJ-02" else bd09
    east, north = np.array(longitude), np.array(latitude)
    for _ in range(4):
        there = transform(east, north)
        east, north = east + longitude - there[0], north + latitude - there[1]
    return east, north


def match_points(model: RoadModel, points: Points, tracked: bool) -> tuple[Ints, LaneCandidates]:
    """Lanes of all points.

    Returns
    -------
    order : (n,) int array
        Points in the order of the result; with `tracked`, later points have decided earlier ones too.
    found : LaneCandidates
        `point` counts in that order.
    """
    matcher = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION))
    if not tracked:
        parts = []
        for begin in range(0, len(points.x_m), BLOCK):
            block = slice(begin, begin + BLOCK)
            heading = points.heading_rad[block] if points.heading_rad is not None else None
            kind = points.object_class[block] if points.object_class is not None else None
            parts.append((begin, matcher.candidates(points.x_m[block], points.y_m[block], heading, kind)))
        return np.arange(len(points.x_m)), _joined(parts)
    order = np.argsort(points.time_s, kind="stable")
    _, numbers = np.unique(np.array(points.ids), return_inverse=True)
    tracker = LaneTracker(matcher, model.connections)
    ends = np.append(np.flatnonzero(np.diff(points.time_s[order])) + 1, len(order)).tolist() if len(order) else []
    parts, begin = [], 0
    for end in ends:
        rows = order[begin:end]
        heading = points.heading_rad[rows] if points.heading_rad is not None else None
        kind = points.object_class[rows] if points.object_class is not None else None
        time_s = float(points.time_s[rows[0]])
        parts.append((begin, tracker.update(time_s, numbers[rows], points.x_m[rows], points.y_m[rows], heading, kind)))
        begin = end
    smoother = Smoother(tracker, int(numbers.max(initial=-1)) + 1)
    for k in range(len(parts) - 1, -1, -1):
        begin, found = parts[k]
        rows = order[begin : ends[k]]
        parts[k] = (begin, smoother.back(float(points.time_s[rows[0]]), numbers[rows], found))
    return order, _joined(parts)


def _joined(parts: list[tuple[int, LaneCandidates]]) -> LaneCandidates:
    none, zero = np.zeros(0, np.int64), np.zeros(0)
    return LaneCandidates(
        np.concatenate([none, *(begin + part.point for begin, part in parts)]),
        np.concatenate([none, *(part.lane for _, part in parts)]),
        np.concatenate([zero, *(part.s_m for _, part in parts)]),
        np.concatenate([zero, *(part.d_m for _, part in parts)]),
        np.concatenate([zero, *(part.probability for _, part in parts)]),
    )


def write_matches(path: Path, model: RoadModel, points: Points, order: Ints, found: LaneCandidates) -> int:
    """Write ``t,id,lane,s,d,probability``, best first; a point on no lane gets an empty lane. Gives the number matched."""
    first = np.searchsorted(found.point, np.arange(len(order) + 1))
    names = model.lanes.names
    matched = 0
    with opened(path, "wt") as stream:
        table = csv.writer(stream)
        table.writerow(["t", "id", "lane", "s", "d", "probability"])
        for k, point in enumerate(order.tolist()):
            begin, end = int(first[k]), int(first[k + 1])
            if begin == end:
                table.writerow([points.times[point], points.ids[point], "", "", "", 0])
                continue
            matched += 1
            for row in range(begin, end):
                if row > begin and found.probability[row] < LEAST_PROBABILITY:
                    break
                values = (f"{found.s_m[row]:.3f}", f"{found.d_m[row]:.3f}", f"{found.probability[row]:.4f}")
                table.writerow([points.times[point], points.ids[point], names[found.lane[row]], *values])
    return matched
