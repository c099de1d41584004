"""Loops of matching over points and the segments in their cells, as machine code.

A list of road users asks for some dozens of points at a time: numpy spends most of such a call on calling, not on computing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lukou_maps.compiled import compiled
from lukou_maps.grid import HALVINGS, LEAST_HALF_M, Cells
from lukou_maps.ragged import Booleans, Floats, Ints

HEADING_DEVIATION_RAD = 0.35
"""Standard deviation of heading against the lane's direction: tracks of slow road users turn by some 20 degrees. [rad]"""

MOST_ANGLE_COST = 40.0
"""No direction makes a lane less likely than this says."""

WRONG_CLASS_COST = 8.0
"""Cost (as minus twice a log-likelihood) of a lane that is closed to the class; it happens, but rarely."""

SAME = 1.0 - 1e-9
"""Costs that differ by less of themselves are equal: the first counts."""


class Lines(NamedTuple):
    """Segments: their table with a row per column of `lukou_maps.matching.COLUMNS`, and what else is told of each; the last stands for none."""

    table: Floats
    lane: Ints
    s_m: Floats
    span_m: Floats
    is_first: Booleans
    is_last: Booleans
    bend_rad: Floats


def as_floats(x_m: ArrayLike, y_m: ArrayLike) -> tuple[Floats, Floats]:
    """Points as compiled loops take them: those do not check.

    Raises
    ------
    ValueError
        Lists of different lengths.
    """
    x, y = np.require(x_m, np.float64, ["C", "W"]), np.require(y_m, np.float64, ["C", "W"])
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"points: expected as many x as y, found {x.shape} and {y.shape}")
    return x, y


@compiled
def _cell(cells: Cells, x_m: float, y_m: float) -> int:
    """Fine cell of a point; points off the grid, and those that are no numbers, are in an empty one."""
    column, row = (x_m - cells.west_m) * cells.scale, (y_m - cells.south_m) * cells.scale
    column = max(column, 0.0) if column < cells.last_column else cells.last_column
    row = max(row, 0.0) if row < cells.last_row else cells.last_row
    x, y = int(column), int(row)
    coarse = (y >> HALVINGS) * cells.coarse_columns + (x >> HALVINGS)
    return int(cells.base[coarse] + (y << HALVINGS) + x)


@compiled
def _on(table: Floats, k: int, x_m: float, y_m: float) -> tuple[float, float, float, float, float]:
    """A point beside segment k: along, inside (along between the slanted ends), across, how far past an end, and half of the width there. [m]"""
    dx, dy = x_m - table[0, k], y_m - table[1, k]
    ux, uy = table[2, k], table[3, k]
    along, across = dx * ux + dy * uy, ux * dy - uy * dx
    inside = max(min(along, table[4, k] + table[6, k] * across), table[5, k] * across)
    half = max(table[7, k] + table[8, k] * inside, LEAST_HALF_M)
    return along, inside, across, along - inside, half


@compiled
def _arc(lines: Lines, k: int, inside: float, across: float) -> float:
    """Arc length on the lane: the share of the way between the slanted ends, so that it grows without jumps."""
    begin = lines.table[5, k] * across
    way = lines.table[4, k] + lines.table[6, k] * across - begin
    share = min(max((inside - begin) / max(way, 1e-6), 0.0), 1.0)
    return float(share * lines.span_m[k] + lines.s_m[k])


@compiled
def nearest_lanes(
    cells: Cells, lines: Lines, x_m: Floats, y_m: Floats, tie_m: float, reach_m: float
) -> tuple[Ints, Floats]:
    """Lane of each point by position alone, -1 where none is within reach; and arc length and signed offset.

    Returns
    -------
    (n,) int array, (2, n) float array
    """
    chosen, place = np.empty(len(x_m), np.int64), np.zeros((2, len(x_m)))
    for point in range(len(x_m)):
        cell, least, best = _cell(cells, x_m[point], y_m[point]), math.inf, -1
        for entry in range(cells.start[cell], cells.start[cell] + cells.counts[cell]):
            k = int(cells.entries[entry])
            _, _, across, past, half = _on(lines.table, k, x_m[point], y_m[point])
            excess = max(abs(across) - half, 0.0)
            cost = math.sqrt(excess * excess + past * past) + 0.5 * tie_m * abs(across) / half
            if cost < least * SAME:
                least, best = cost, k
        chosen[point] = -1
        if best >= 0 and lines.lane[best] >= 0:
            _, inside, across, past, _ = _on(lines.table, best, x_m[point], y_m[point])
            distance = math.sqrt(past * past + across * across)
            if distance <= reach_m:
                chosen[point] = lines.lane[best]
                place[0, point] = _arc(lines, best, inside, across)
                place[1, point] = math.copysign(distance, across)
    return chosen, place


@compiled
def near_lanes(
    cells: Cells, lines: Lines, x_m: Floats, y_m: Floats, margin_m: float, reach_m: float
) -> tuple[Ints, Floats]:
    """Every lane near each point.

    Returns
    -------
    (2, m) int array
        Point and lane.
    (9, m) float array
        The other columns of `lukou_maps.matches.NearSegments`.
    """
    most = 0
    for point in range(len(x_m)):
        most += int(cells.counts[_cell(cells, x_m[point], y_m[point])])
    who, rows, found = np.empty((2, most), np.int64), np.empty((9, most)), 0
    for point in range(len(x_m)):
        cell = _cell(cells, x_m[point], y_m[point])
        entry, end = int(cells.start[cell]), int(cells.start[cell]) + int(cells.counts[cell])
        while entry < end:
            # cells name segments in the order of lanes
            lane, least, best = lines.lane[cells.entries[entry]], math.inf, -1
            while entry < end and lines.lane[cells.entries[entry]] == lane:
                k = int(cells.entries[entry])
                _, _, across, past, _ = _on(lines.table, k, x_m[point], y_m[point])
                distance = math.hypot(across, past)
                if distance < least * SAME:
                    least, best = distance, k
                entry += 1
            if best < 0 or lane < 0 or least > reach_m:
                continue
            _, inside, across, past, half = _on(lines.table, best, x_m[point], y_m[point])
            excess = math.hypot(max(abs(across) - half, 0.0), past)
            if excess > margin_m:
                continue
            signed = math.copysign(least, across)
            is_at_end = past != 0.0 and (lines.is_last[best] if past > 0.0 else lines.is_first[best])
            who[0, found], who[1, found] = point, lane
            rows[0, found], rows[1, found] = _arc(lines, best, inside, across), signed
            rows[2, found], rows[3, found] = excess, half
            rows[4, found], rows[5, found] = lines.table[2, best], lines.table[3, best]
            rows[6, found], rows[7, found] = past if is_at_end else 0.0, across if is_at_end else signed
            rows[8, found] = lines.bend_rad[best]
            found += 1
    return who[:, :found].copy(), rows[:, :found].copy()


class Access(NamedTuple):
    """Of each lane: whether it is driven both ways, and the bits of the classes that it is open to."""

    is_both: Booleans
    participants: Ints


@compiled
def _angle_cost(heading_rad: float, ux: float, uy: float, is_both: bool, deviation_rad: float) -> float:
    along = math.cos(heading_rad) * ux + math.sin(heading_rad) * uy
    if math.isnan(along):
        return 0.0
    angle = math.acos(min(max(abs(along) if is_both else along, -1.0), 1.0)) / deviation_rad
    return min(angle * angle, MOST_ANGLE_COST)


@compiled
def _class_cost(object_class: int, participants: int) -> float:
    return WRONG_CLASS_COST if object_class > 0 and (participants >> object_class) & 1 == 0 else 0.0


@compiled
def angle_costs(
    heading_rad: Floats, lane: Ints, ux: Floats, uy: Floats, access: Access, deviation_rad: Floats
) -> Floats:
    """Minus twice the log-likelihood of directions on lanes, 0 where a direction is nan; all (m,)."""
    made = np.empty(len(lane))
    for k in range(len(lane)):
        made[k] = _angle_cost(heading_rad[k], ux[k], uy[k], access.is_both[lane[k]], deviation_rad[k])
    return made


@compiled
def class_costs(object_class: Ints, lane: Ints, access: Access) -> Floats:
    """Cost of lanes that are closed to a class; class 0 pays nothing; all (m,)."""
    made = np.empty(len(lane))
    for k in range(len(lane)):
        made[k] = _class_cost(object_class[k], access.participants[lane[k]])
    return made


@compiled
def costs(
    who: Ints, rows: Floats, heading_rad: Floats, object_class: Ints, deviation_m: Floats, access: Access
) -> Floats:
    """Minus twice the log-likelihood of each candidate of `near_lanes`.

    Parameters
    ----------
    who : (2, m) int array
        Point and lane.
    rows : (9, m) float array
        The other columns of `lukou_maps.matches.NearSegments`.
    heading_rad, object_class, deviation_m : (n,) array
        Of the points; nan and 0: not known.
    access : Access
        Of the lanes.

    Returns
    -------
    (m,) float array
    """
    made = np.empty(who.shape[1])
    for k in range(who.shape[1]):
        point, lane = who[0, k], who[1, k]
        beyond, beside = rows[2, k] / deviation_m[point], rows[1, k] / (2.0 * rows[3, k])
        turned = _angle_cost(heading_rad[point], rows[4, k], rows[5, k], access.is_both[lane], HEADING_DEVIATION_RAD)
        made[k] = (
            beyond * beyond + beside * beside + turned + _class_cost(object_class[point], access.participants[lane])
        )
    return made


@compiled
def ranked(point: Ints, cost: Floats) -> tuple[Ints, Floats]:
    """Candidates best first within each point, and their probabilities.

    Parameters
    ----------
    point : (m,) int array
        Point of each candidate, ascending.
    cost : (m,) float array
        Minus twice the logarithm of its likelihood.

    Returns
    -------
    (m,) int array, (m,) float array
    """
    order, probability = np.arange(len(point)), np.empty(len(point))
    begin = 0
    while begin < len(point):
        end = begin + 1
        while end < len(point) and point[end] == point[begin]:
            place = end  # a handful: put each behind those that cost no more
            while place > begin and cost[order[place - 1]] > cost[end]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = end
            end += 1
        total = 0.0
        for k in range(begin, end):
            probability[k] = math.exp(-0.5 * (cost[order[k]] - cost[order[begin]]))
            total += probability[k]
        for k in range(begin, end):
            probability[k] /= total
        begin = end
    return order, probability


@compiled
def best_of_each(point: Ints, cost: Floats, count: int) -> tuple[Ints, Floats]:
    """Candidate of least cost of each point, -1: none; and its probability among those of its point.

    Parameters
    ----------
    point : (m,) int array
        Point of each candidate, ascending.
    cost : (m,) float array
        Minus twice the logarithm of its likelihood.
    count : int
        Points.

    Returns
    -------
    (count,) int array, (count,) float array
    """
    best, probability = np.full(count, -1, np.int64), np.zeros(count)
    begin = 0
    while begin < len(point):
        end, least = begin, begin
        while end < len(point) and point[end] == point[begin]:
            if cost[end] < cost[least]:
                least = end
            end += 1
        total = 0.0
        for k in range(begin, end):
            total += math.exp(-0.5 * (cost[k] - cost[least]))
        best[point[begin]], probability[point[begin]] = least, 1.0 / total
        begin = end
    return best, probability
