"""Making tables from what importers have read: centre lines, neighbours along, stop lines, the shift to a near origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lukou_maps.geometry import LaneGeometry, arc_length
from lukou_maps.ragged import Floats, Ints, Ragged
from lukou_maps.tables import Connections, Lanes, StopLines
from lukou_maps.vocabulary import LaneKind, StopLineKind

SAME_POINT_M = 1e-6
"""Points of a centre line closer than this are one. [m]"""

SHARPEST = 0.5
"""Mitres are no longer than half widths divided by this (bends of 120 degrees)."""

SHORTEST_M = 0.01
"""A lane without length is given this one. [m]"""


def centre_lines(points: Floats, sides: Floats, start: Ints) -> tuple[Floats, Floats, Ints, Ints]:
    """Clean the centre lines of all lanes: no repeated points, at least two points each.

    Parameters
    ----------
    points : (p, 3) float array
        Points of all lanes, one lane after the other. [m]
    sides : (p, k) float array
        Whatever belongs to each point.
    start : (n + 1,) int array
        First point of each lane; every lane has at least one.

    Returns
    -------
    points, sides, start
        The same without what was repeated.
    short : (k,) int array
        Lanes that had no length.
    """
    keep = np.ones(len(points), np.bool_)
    keep[1:] = np.hypot(np.diff(points[:, 0]), np.diff(points[:, 1])) > SAME_POINT_M
    keep[start[:-1]] = True
    kept = np.add.reduceat(keep.astype(np.int64), start[:-1])
    single = np.flatnonzero(kept == 1)
    if len(single):
        # a second point, a centimetre on: nothing downstream needs to know of lanes without length
        at = start[single] + 1
        points = np.insert(points, at, points[start[single]] + np.array([SHORTEST_M, 0.0, 0.0]), axis=0)
        sides = np.insert(sides, at, sides[start[single]], axis=0)
        keep = np.insert(keep, at, True)
        kept[single] = 2
    begin = np.zeros(len(start), np.int64)
    np.cumsum(kept, out=begin[1:])
    return points[keep], sides[keep], begin, single


def mitred(x_m: Floats, y_m: Floats, half_m: Floats, start: Ints) -> tuple[Floats, Floats]:
    """Vectors to the left boundary of lanes of given half width, mitred where the centre line bends.

    Parameters
    ----------
    x_m, y_m, half_m : (p,) float array
        Centre lines, and half of the width at their points. [m]
    start : (n + 1,) int array
        First point of each lane.
    """
    ux, uy = directions(x_m, y_m, start)
    first, last = start[:-1], start[1:] - 1
    before_x, before_y = np.roll(ux, 1), np.roll(uy, 1)
    before_x[first], before_y[first] = ux[first], uy[first]
    ux, uy = ux.copy(), uy.copy()
    ux[last], uy[last] = before_x[last], before_y[last]
    along_x, along_y = ux + before_x, uy + before_y
    length = np.hypot(along_x, along_y)
    turned_back = length < 0.2
    along_x = np.where(turned_back, ux, along_x / np.maximum(length, 0.2))
    along_y = np.where(turned_back, uy, along_y / np.maximum(length, 0.2))
    stretch = half_m / np.maximum(along_x * ux + along_y * uy, SHARPEST)
    return -along_y * stretch, along_x * stretch


def directions(x_m: Floats, y_m: Floats, start: Ints) -> tuple[Floats, Floats]:
    """Direction of the segment that begins at each point; at the last points of lanes it means nothing."""
    dx, dy = np.diff(x_m, append=0.0), np.diff(y_m, append=0.0)
    length = np.maximum(np.hypot(dx, dy), 1e-12)
    return dx / length, dy / length


def mean_width(widths: Floats, s_m: Floats, start: Ints) -> Floats:
    """Mean width along each lane. [m]"""
    step = np.diff(s_m, append=0.0)
    step[start[1:] - 1] = 0.0
    area = np.add.reduceat(0.5 * (widths + np.append(widths[1:], 0.0)) * step, start[:-1])
    return np.asarray(area / np.maximum(np.add.reduceat(step, start[:-1]), 1e-12))


def line_columns(points: Floats, across: Floats, start: Ints) -> dict[str, Floats | Ints]:
    """Columns of `Lanes` that describe centre lines and boundaries.

    Parameters
    ----------
    points : (p, 3) float array
        Centre lines. [m]
    across : (p, 2) float array
        Vectors to the left boundary. [m]
    start : (n + 1,) int array
        First point of each lane.
    """
    x_m, y_m = points[:, 0].copy(), points[:, 1].copy()
    s_m = arc_length(x_m, y_m, start)
    # at right angles to the bisector of the two segments: what a straight mitre has as half width
    bisector_x, bisector_y = mitred(x_m, y_m, np.ones(len(x_m)), start)
    square = bisector_x**2 + bisector_y**2
    widths = 2.0 * np.abs(across[:, 0] * bisector_x + across[:, 1] * bisector_y) / np.maximum(square, 1e-12)
    return {
        "point_start": start,
        "x_m": x_m,
        "y_m": y_m,
        "z_m": points[:, 2].copy(),
        "s_m": s_m,
        "across_x_m": across[:, 0].copy(),
        "across_y_m": across[:, 1].copy(),
        "point_width_m": widths,
        "length_m": s_m[start[1:] - 1],
        "width_m": mean_width(widths, s_m, start),
    }


def along(before: Ints, after: Ints, count: int) -> tuple[Ragged, Ragged]:
    """Successors and predecessors from pairs of lanes; doubled pairs count once, the order of the pairs stays."""
    keys = before * count + after
    _, first = np.unique(keys, return_index=True)
    first.sort()
    before, after = before[first], after[first]
    return Ragged.grouped(before, after, count), Ragged.grouped(after, before, count)


def stop_lines(lanes: Lanes, connections: Connections) -> StopLines:
    """Lines at the ends of lanes that lead into junctions, then those inside, where turning traffic waits.

    Parameters
    ----------
    lanes : Lanes
        Lanes.
    connections : Connections
        Connections.
    """
    through = np.flatnonzero((connections.via_lane >= 0) | (connections.intersection >= 0))
    inner = through[connections.via_lane[through] >= 0]
    via = connections.via_lane[inner]
    follower = only_successor(lanes)[via]
    waits = (follower >= 0) & (lanes.kind[follower] == LaneKind.JUNCTION)
    lane = np.concatenate([connections.from_lane[through], via[waits]])
    connection = np.concatenate([through, inner[waits]])
    is_inner = np.concatenate([np.zeros(len(through), np.int64), np.ones(int(waits.sum()), np.int64)])
    keys, number = np.unique(is_inner * len(lanes) + lane, return_inverse=True)
    kind = np.where(keys >= len(lanes), int(StopLineKind.YIELD), int(StopLineKind.APPROACH))
    lane = keys % max(len(lanes), 1)
    return lines_across(
        lanes, lane, lanes.length_m[lane], kind, Ragged.grouped(number, connection, len(keys)), _none(len(keys))
    )


def lines_across(
    lanes: Lanes, lane: Ints, s_m: Floats, kind: Ints, connections: Ragged, permitting_groups: Ragged
) -> StopLines:
    """Stop lines straight across their lanes."""
    geometry = LaneGeometry(lanes)
    x_m, y_m, heading = geometry.pose(lane, s_m)
    half = geometry.width(lane, s_m) / 2.0
    across_x, across_y = -np.sin(heading) * half, np.cos(heading) * half
    return StopLines(
        lane=lane,
        s_m=s_m,
        left_x_m=x_m + across_x,
        left_y_m=y_m + across_y,
        right_x_m=x_m - across_x,
        right_y_m=y_m - across_y,
        kind=kind.astype(np.int64),
        connections=connections,
        permitting_groups=permitting_groups,
    )


def _none(rows: int) -> Ragged:
    return Ragged(np.zeros(rows + 1, np.int64), np.zeros(0, np.int64))


def only_successor(lanes: Lanes) -> Ints:
    """The lane that follows each lane where just one does, else -1."""
    rows = lanes.successors
    count = np.diff(rows.start)
    only = np.full(len(count), -1, np.int64)
    single = count == 1
    only[single] = rows.values[rows.start[:-1][single]]
    return only


def simplified(points: Floats, across: Floats, tolerance_m: float) -> Ints:
    """Points of one centre line to keep so that neither line nor boundaries move by more than a tolerance.

    Parameters
    ----------
    points : (p, 3) float array
        Centre line. [m]
    across : (p, 2) float array
        Vectors to the left boundary. [m]
    tolerance_m : float
        Largest deviation of line, height and boundary. [m]

    Returns
    -------
    (k,) int array
        Indices kept, first and last among them.

    Notes
    -----
    Douglas and Peucker, "Algorithms for the reduction of the number of points required to represent a digitized line or
    its caricature", Cartographica 10 (1973), over position, height and boundary together.
    """
    rows = np.column_stack([points, across])
    keep = np.zeros(len(rows), np.bool_)
    keep[[0, -1]] = True
    todo = [(0, len(rows) - 1)]
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        chord = rows[last] - rows[first]
        inner = rows[first + 1 : last] - rows[first]
        square = float(chord[:2] @ chord[:2])
        t = np.clip(inner[:, :2] @ chord[:2] / square, 0.0, 1.0) if square > 0 else np.zeros(len(inner))
        away = inner - t[:, None] * chord
        distance = np.maximum(np.hypot(away[:, 0], away[:, 1]), np.abs(away[:, 2:]).max(axis=1))
        worst = int(distance.argmax())
        if distance[worst] > tolerance_m:
            middle = first + 1 + worst
            keep[middle] = True
            todo += [(first, middle), (middle, last)]
    return np.flatnonzero(keep)


def near_origin(lanes: Lanes) -> tuple[float, float]:
    """Shift that brings every point within 50 km of the origin; zero where that is so already. [m]"""
    if len(lanes.x_m) == 0 or max(np.abs(lanes.x_m).max(), np.abs(lanes.y_m).max()) < 50_000.0:
        return 0.0, 0.0
    return -1000.0 * round(float(np.median(lanes.x_m)) / 1000.0), -1000.0 * round(float(np.median(lanes.y_m)) / 1000.0)


def shifted(lanes: Lanes, shift: tuple[float, float]) -> Lanes:
    """Lanes moved by a shift. [m]"""
    return replace(lanes, x_m=lanes.x_m + shift[0], y_m=lanes.y_m + shift[1])
