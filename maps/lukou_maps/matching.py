"""Which lane is a point on, for many points at once.

A uniform grid names for every cell the segments of centre lines that can be best for any point in it: a segment is
dropped where its least possible cost over the cell exceeds the cell's smallest possible worst cost, so that the answer
is exact. The cost is the distance outside the lane, ``max(0, |d| - w / 2)``; ties (inside several lanes) go to the
smallest ``|d| / w``. Measured in docs/maps.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lukou_maps.ragged import Booleans, Floats, Ints, Ragged, spread
from lukou_maps.road_model import LaneKind, Participants, RoadModel

CELL_SIZE_M = 4.0
"""Side of a grid cell; 2.5–5 m are equally fast. [m]"""

REACH_M = 15.0
"""Points farther than this from every lane are on none. [m]"""

SHORT_REACH_M = 9.0
"""First distance to which cells are searched for segments. [m]"""

PIECE_M = 8.0
"""Long segments are entered into the grid in pieces of this length. [m]"""

CELL_RADIUS_M = CELL_SIZE_M * 0.5**0.5
"""Distance of a cell's corner from its centre. [m]"""

BLOCK = 2048
"""Points worked on at a time, so that the working set stays in the cache."""

TIE_M = 1e-3
"""Weight of ``|d| / w`` against a metre outside the lane. [m]"""

LATERAL_DEVIATION_M = 1.0
"""Standard deviation of a measured position across the lane, where the caller tells none. [m]"""

HEADING_DEVIATION_RAD = 0.35
"""Standard deviation of heading against the lane's direction: tracks of slow road users turn by some 20 degrees. [rad]"""

WRONG_CLASS_COST = 8.0
"""Cost (as minus twice a log-likelihood) of a lane that is closed to the class; it happens, but rarely."""

CANDIDATE_MARGIN_M = 4.0
"""Lanes that are farther than the nearest by more than this are no candidates. [m]"""


@dataclass(frozen=True, slots=True, eq=False)
class LaneMatch:
    """The best lane of each point.

    Attributes
    ----------
    lane : (n,) int array
        Lane, -1: none within `REACH_M`.
    s_m : (n,) float array
        Arc length on the lane. [m]
    d_m : (n,) float array
        Signed offset from the centre line, left positive. [m]
    probability : (n,) float array
        Probability that the lane is right; 0 where there is none.
    """

    lane: Ints
    s_m: Floats
    d_m: Floats
    probability: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LaneCandidates:
    """All lanes that a point may be on, best first within a point.

    Attributes
    ----------
    point : (m,) int array
        Point that the candidate belongs to, ascending.
    lane, s_m, d_m, probability
        As in `LaneMatch`; probabilities of one point sum to 1.
    """

    point: Ints
    lane: Ints
    s_m: Floats
    d_m: Floats
    probability: Floats


class LaneMatcher:
    """Matches points to the lanes of one map.

    Parameters
    ----------
    model : RoadModel
        The map.
    kinds : tuple of LaneKind
        Kinds of lanes that count.
    closed_to_vehicles : bool
        Whether lanes that no motor vehicle may use count too.
    """

    def __init__(
        self,
        model: RoadModel,
        kinds: tuple[LaneKind, ...] = (LaneKind.ROAD, LaneKind.JUNCTION),
        closed_to_vehicles: bool = True,
    ) -> None:
        lanes = model.lanes
        self._lanes = lanes
        counts = np.isin(lanes.kind, kinds)
        if not closed_to_vehicles:
            counts &= (lanes.participants & int(Participants.MOTOR)) > 0
        wanted = np.flatnonzero(counts)
        first, count = lanes.point_start[wanted], np.diff(lanes.point_start)[wanted] - 1
        point = spread(first, count)
        self._lane = np.repeat(wanted, count)
        self._x, self._y, self._s = lanes.x_m[point], lanes.y_m[point], lanes.s_m[point]
        dx, dy = lanes.x_m[point + 1] - self._x, lanes.y_m[point + 1] - self._y
        self._length = np.maximum(np.hypot(dx, dy), 1e-9)
        self._ux, self._uy = dx / self._length, dy / self._length
        self._half = lanes.width_m[self._lane] / 2.0
        self._tie = TIE_M / (2.0 * self._half)

    @cached_property
    def _nearest_grid(self) -> _Grid:
        return _Grid.of(self._x, self._y, self._ux, self._uy, self._length, self._half, margin_m=0.0)

    @cached_property
    def _candidate_grid(self) -> _Grid:
        return _Grid.of(self._x, self._y, self._ux, self._uy, self._length, self._half, margin_m=CANDIDATE_MARGIN_M)

    def nearest(self, x_m: Floats, y_m: Floats) -> LaneMatch:
        """Best lane by position alone.

        Parameters
        ----------
        x_m, y_m : (n,) float array
            Points. [m]

        Returns
        -------
        LaneMatch
            With probability 1 where there is a lane.
        """
        x_m, y_m = np.ascontiguousarray(x_m, np.float64), np.ascontiguousarray(y_m, np.float64)
        count = len(x_m)
        lane, s_m, d_m = np.full(count, -1, np.int64), np.zeros(count), np.zeros(count)
        for begin in range(0, count, BLOCK):
            block = slice(begin, min(begin + BLOCK, count))
            self._nearest_block(x_m[block], y_m[block], lane[block], s_m[block], d_m[block])
        return LaneMatch(lane, s_m, d_m, (lane >= 0).astype(np.float64))

    def _nearest_block(self, x_m: Floats, y_m: Floats, lane: Ints, s_m: Floats, d_m: Floats) -> None:
        """Fill `lane`, `s_m`, `d_m` of one block of points."""
        start, counts = self._nearest_grid.cells(x_m, y_m)
        some = counts > 0
        if not some.all():
            chosen = np.flatnonzero(some)
            start, counts, x_m, y_m = start[chosen], counts[chosen], x_m[chosen], y_m[chosen]
        else:
            chosen = None
        if len(counts) == 0:
            return
        segment, owner = self._nearest_grid.segments[spread(start, counts)], np.repeat(np.arange(len(counts)), counts)
        along, across = self._project(x_m[owner], y_m[owner], segment)
        inside = np.clip(along, 0.0, self._length[segment])
        beyond = along - inside
        distance = np.where(beyond == 0.0, np.abs(across), np.hypot(across, beyond))
        cost = np.maximum(distance - self._half[segment], 0.0) + distance * self._tie[segment]
        first = np.cumsum(counts) - counts
        least = np.minimum.reduceat(cost, first)
        best = np.flatnonzero(cost <= np.repeat(least, counts))
        index = np.empty(len(counts), np.int64)
        index[owner[best[::-1]]] = best[::-1]
        near = distance[index] <= REACH_M
        target = np.flatnonzero(near) if chosen is None else chosen[near]
        index = index[near]
        lane[target] = self._lane[segment[index]]
        s_m[target] = self._s[segment[index]] + inside[index]
        d_m[target] = np.copysign(distance[index], across[index])

    def _project(self, x_m: Floats, y_m: Floats, segment: Ints) -> tuple[Floats, Floats]:
        dx, dy = x_m - self._x[segment], y_m - self._y[segment]
        ux, uy = self._ux[segment], self._uy[segment]
        return dx * ux + dy * uy, ux * dy - uy * dx

    def candidates(
        self,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None = None,
        object_class: Ints | None = None,
        deviation_m: Floats | None = None,
    ) -> LaneCandidates:
        """All lanes that come into question, with probabilities.

        Parameters
        ----------
        x_m, y_m : (n,) float array
            Points. [m]
        heading_rad : (n,) float array, optional
            Direction of motion or of the body; nan: not known. [rad]
        object_class : (n,) int array, optional
            `lukou.v1.ObjectClass`; 0: not known.
        deviation_m : (n,) float array, optional
            Standard deviation of the position across the lane. [m]

        Returns
        -------
        LaneCandidates
            Points without a lane within `REACH_M` have no candidate.

        Notes
        -----
        ``-2 log`` of a lane's likelihood is ``(excess / sigma_d)^2 + (d / w)^2 + (angle / sigma_heading)^2`` plus
        `WRONG_CLASS_COST`, with excess the distance outside the lane.
        """
        x_m, y_m = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        start, counts = self._candidate_grid.cells(x_m, y_m)
        segment, owner = self._candidate_grid.segments[spread(start, counts)], np.repeat(np.arange(len(x_m)), counts)
        along, across = self._project(x_m[owner], y_m[owner], segment)
        inside = np.clip(along, 0.0, self._length[segment])
        distance = np.hypot(across, along - inside)
        near = distance <= REACH_M
        segment, owner, across = segment[near], owner[near], across[near]
        inside, distance = inside[near], distance[near]
        sigma = LATERAL_DEVIATION_M if deviation_m is None else np.maximum(deviation_m, 0.1)[owner]
        half = self._half[segment]
        cost = (np.maximum(distance - half, 0.0) / sigma) ** 2 + (distance / (2.0 * half)) ** 2
        if heading_rad is not None:
            cost += self._heading_cost(np.asarray(heading_rad, np.float64)[owner], segment)
        if object_class is not None:
            kind = np.asarray(object_class, np.int64)[owner]
            closed = (self._lanes.participants[self._lane[segment]] >> kind) & 1 == 0
            cost += np.where(closed & (kind > 0), WRONG_CLASS_COST, 0.0)
        lane = self._lane[segment]
        s_m, d_m = self._s[segment] + inside, np.copysign(distance, across)
        return _per_lane(owner, lane, s_m, d_m, cost)

    def _heading_cost(self, heading_rad: Floats, segment: Ints) -> Floats:
        along = np.cos(heading_rad) * self._ux[segment] + np.sin(heading_rad) * self._uy[segment]
        angle = np.arccos(np.clip(along, -1.0, 1.0))
        return np.where(np.isnan(angle), 0.0, np.minimum((angle / HEADING_DEVIATION_RAD) ** 2, 40.0))

    def match(
        self,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None = None,
        object_class: Ints | None = None,
        deviation_m: Floats | None = None,
    ) -> LaneMatch:
        """Most probable lane of each point; parameters as in `candidates`."""
        found = self.candidates(x_m, y_m, heading_rad, object_class, deviation_m)
        count = len(x_m)
        lane, s_m, d_m, probability = np.full(count, -1, np.int64), np.zeros(count), np.zeros(count), np.zeros(count)
        point, first = np.unique(found.point, return_index=True)
        lane[point], s_m[point], d_m[point] = found.lane[first], found.s_m[first], found.d_m[first]
        probability[point] = found.probability[first]
        return LaneMatch(lane, s_m, d_m, probability)


def _per_lane(owner: Ints, lane: Ints, s_m: Floats, d_m: Floats, cost: Floats) -> LaneCandidates:
    """Keep the best segment of each (point, lane), sort by point and cost, give probabilities."""
    order = np.lexsort((cost, lane, owner))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(owner[order]) != 0) | (np.diff(lane[order]) != 0)
    kept = order[first]
    kept = kept[np.lexsort((cost[kept], owner[kept]))]
    owner, lane, s_m, d_m, cost = owner[kept], lane[kept], s_m[kept], d_m[kept], cost[kept]
    _, begin, number = np.unique(owner, return_index=True, return_inverse=True)
    weight = np.exp(-0.5 * (cost - cost[begin][number])) if len(cost) else cost
    total = np.bincount(number, weights=weight)
    return LaneCandidates(owner, lane, s_m, d_m, weight / total[number])


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Segments that matter in each cell."""

    west_m: float
    south_m: float
    columns: int
    rows: int
    start: Ints
    segments: Ints

    def cells(self, x_m: Floats, y_m: Floats) -> tuple[Ints, Ints]:
        """Start and number of each point's segments; points outside the grid have none."""
        column = np.floor((x_m - self.west_m) * (1.0 / CELL_SIZE_M))
        row = np.floor((y_m - self.south_m) * (1.0 / CELL_SIZE_M))
        inside = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        cell = np.where(inside, row * self.columns + column, self.columns * self.rows).astype(np.int64)
        start = self.start[cell]
        return start, self.start[cell + 1] - start

    @classmethod
    def of(cls, x: Floats, y: Floats, ux: Floats, uy: Floats, length: Floats, half: Floats, margin_m: float) -> _Grid:
        """Build for segments given by start, direction, length and half width."""
        if len(x) == 0:
            return cls(0.0, 0.0, 0, 0, np.zeros(2, np.int64), np.zeros(0, np.int64))
        end_x, end_y = x + ux * length, y + uy * length
        west, east = float(min(x.min(), end_x.min())) - REACH_M, float(max(x.max(), end_x.max())) + REACH_M
        south, north = float(min(y.min(), end_y.min())) - REACH_M, float(max(y.max(), end_y.max())) + REACH_M
        columns, rows = int((east - west) / CELL_SIZE_M) + 1, int((north - south) / CELL_SIZE_M) + 1
        cell, segment, distance = _pairs(x - west, y - south, ux, uy, length, half, columns, rows, margin_m)
        lower = np.maximum(distance - CELL_RADIUS_M - half[segment], 0.0)
        least = np.full(columns * rows, np.inf)
        np.minimum.at(least, cell, _upper(distance, half[segment]))
        keep = lower <= least[cell] + margin_m
        cell, segment = cell[keep], segment[keep]
        grouped = Ragged.grouped(cell, segment, columns * rows + 1)
        return cls(west, south, columns, rows, grouped.start, grouped.values)


def _pairs(
    x: Floats, y: Floats, ux: Floats, uy: Floats, length: Floats, half: Floats, columns: int, rows: int, margin_m: float
) -> tuple[Ints, Ints, Floats]:
    """All (cell, segment) pairs that may matter, with the distance of the cell's centre from the segment.

    Every cell is first searched to a small distance; where what is found there is certainly better than anything
    beyond, the cell is settled, and only the others are searched to the full reach.
    """
    settled = np.zeros(columns * rows, np.bool_)
    found: list[tuple[Ints, Ints, Floats]] = []
    for reach in (SHORT_REACH_M, REACH_M + float(half.max()) + CELL_RADIUS_M):
        cell, segment, distance = _near_cells(x, y, ux, uy, length, reach, columns, rows, settled)
        worst = np.full(columns * rows, np.inf)
        np.minimum.at(worst, cell, _upper(distance, half[segment]))
        now = (worst + margin_m <= reach - CELL_RADIUS_M - half.max()) | (reach > SHORT_REACH_M)
        found.append(tuple(column[now[cell]] for column in (cell, segment, distance)))  # type: ignore[arg-type]
        settled |= now
    return (
        np.concatenate([part[0] for part in found]),
        np.concatenate([part[1] for part in found]),
        np.concatenate([part[2] for part in found]),
    )


def _upper(distance: Floats, half: Floats) -> Floats:
    """Largest cost of a segment over a cell, from the distance of the cell's centre; the tie counts at most 1 %."""
    worst = distance + CELL_RADIUS_M
    return np.asarray(np.maximum(worst - half, 0.0) + 0.01 * worst)


def _near_cells(
    x: Floats,
    y: Floats,
    ux: Floats,
    uy: Floats,
    length: Floats,
    reach: float,
    columns: int,
    rows: int,
    settled: Booleans,
) -> tuple[Ints, Ints, Floats]:
    """Pairs of an unsettled cell and a segment whose centre and line are within `reach`, each pair once."""
    pieces = np.maximum(np.ceil(length / PIECE_M).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(x)), pieces)
    step = (length / pieces)[owner]
    begin = spread(np.zeros(len(x), np.int64), pieces) * step
    x0, y0 = x[owner] + ux[owner] * begin, y[owner] + uy[owner] * begin
    x1, y1 = x0 + ux[owner] * step, y0 + uy[owner] * step
    west = np.clip((np.minimum(x0, x1) - reach) / CELL_SIZE_M - 0.5, 0, columns - 1).astype(np.int64)
    east = np.clip((np.maximum(x0, x1) + reach) / CELL_SIZE_M + 0.5, 0, columns - 1).astype(np.int64)
    south = np.clip((np.minimum(y0, y1) - reach) / CELL_SIZE_M - 0.5, 0, rows - 1).astype(np.int64)
    north = np.clip((np.maximum(y0, y1) + reach) / CELL_SIZE_M + 0.5, 0, rows - 1).astype(np.int64)
    wide, counts = east - west + 1, (east - west + 1) * (north - south + 1)
    keys, distances = [], []
    for first in range(0, len(owner), 4096):
        block = slice(first, first + 4096)
        piece = np.repeat(np.arange(len(owner))[block], counts[block])
        number = spread(np.zeros(len(counts[block]), np.int64), counts[block])
        column, row = west[piece] + number % wide[piece], south[piece] + number // wide[piece]
        cell, segment = row * columns + column, owner[piece]
        dx = (column + 0.5) * CELL_SIZE_M - x[segment]
        dy = (row + 0.5) * CELL_SIZE_M - y[segment]
        along = dx * ux[segment] + dy * uy[segment]
        distance = np.hypot(ux[segment] * dy - uy[segment] * dx, along - np.clip(along, 0.0, length[segment]))
        keep = (distance <= reach) & ~settled[cell]
        key, index = np.unique(cell[keep] * len(x) + segment[keep], return_index=True)
        keys.append(key)
        distances.append(distance[keep][index])
    key, index = np.unique(np.concatenate(keys), return_index=True)
    return key // len(x), key % len(x), np.concatenate(distances)[index]
