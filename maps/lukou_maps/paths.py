"""Lane paths: what lies ahead of a road user on a lane, with the conflict areas and stop lines on the way.

A path starts at the start of a lane and follows connections until a horizon beyond that lane's end. Paths depend on the
map alone, so each lane's are worked out once, on demand, and kept; a road user on (lane, s) is then (path, s) on each
path of its lane. Centre lines are sampled evenly, so that poses of thousands of (path, s) cost two gathers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_maps.geometry import LaneGeometry
from lukou_maps.ragged import Floats, Ints, Ragged, spread
from lukou_maps.road_model import LaneKind, RoadModel

SPACING_M = 1.0
"""Spacing of the samples of a path. [m]"""

MOST_PATHS = 64
"""Paths kept per lane; the shortest horizon that keeps below is used where a net branches more."""


@dataclass(frozen=True, slots=True, eq=False)
class PathTable:
    """Columns of all paths worked out so far; rows never change once they stand.

    Attributes
    ----------
    lanes : Ragged
        Lanes of each path, in order.
    lane_offset_m : (m,) float array
        Arc length on the path at which each lane of ``lanes.values`` starts. [m]
    length_m : (n,) float array
        Length of each path. [m]
    connections : Ragged
        Connections that each path takes.
    connection_s_m : (k,) float array
        Arc length of the stop line of each entry of ``connections.values``. [m]
    conflicts : Ragged
        Conflict areas on each path, as ``area * 2 + (1 if the path's lane is lane_b)``.
    conflict_from_m, conflict_to_m : (c,) float array
        Interval on the path of each entry of ``conflicts.values``. [m]
    sample_start : (n + 1,) int array
        Samples of each path; sample j of a path is at ``j * SPACING_M``.
    x_m, y_m : (p,) float array
        Position of the samples. [m]
    lane_of_sample : (p,) int array
        Lane that each sample is on.
    """

    lanes: Ragged
    lane_offset_m: Floats
    length_m: Floats
    connections: Ragged
    connection_s_m: Floats
    conflicts: Ragged
    conflict_from_m: Floats
    conflict_to_m: Floats
    sample_start: Ints
    x_m: Floats
    y_m: Floats
    lane_of_sample: Ints

    def __len__(self) -> int:
        return len(self.length_m)

    def pose(self, path: Ints, s_m: Floats) -> tuple[Floats, Floats, Floats]:
        """Position and direction on paths; beyond the ends along the tangent.

        Parameters
        ----------
        path : int array
            Paths.
        s_m : float array
            Arc lengths, of a shape that broadcasts with `path`. [m]

        Returns
        -------
        x_m, y_m, heading_rad : float array
            Of the broadcast shape. [m, m, rad]
        """
        sample, rest = self._locate(path, s_m)
        x0, y0 = self.x_m[sample], self.y_m[sample]
        dx, dy = self.x_m[sample + 1] - x0, self.y_m[sample + 1] - y0
        return x0 + dx * rest, y0 + dy * rest, np.arctan2(dy, dx)

    def lane_at(self, path: Ints, s_m: Floats) -> Ints:
        """Lane of (path, s), to half a sample."""
        sample, rest = self._locate(path, s_m)
        return self.lane_of_sample[sample + (rest > 0.5)]

    def _locate(self, path: Ints, s_m: Floats) -> tuple[Ints, Floats]:
        scaled = np.asarray(s_m, np.float64) / SPACING_M
        last = self.sample_start[path + 1] - self.sample_start[path] - 2
        number = np.clip(np.floor(scaled).astype(np.int64), 0, last)
        return self.sample_start[path] + number, scaled - number


class PathCatalogue:
    """Paths of the lanes of one map, worked out on demand.

    Parameters
    ----------
    model : RoadModel
        The map.
    horizon_m : float
        How far paths reach beyond the end of their first lane. [m]
    """

    def __init__(self, model: RoadModel, horizon_m: float = 100.0) -> None:
        self._model = model
        self.geometry = LaneGeometry(model.lanes)
        self._horizon_m = horizon_m
        self._first = np.full(len(model.lanes), -1, np.int64)
        self._count = np.zeros(len(model.lanes), np.int64)
        self._parts: list[PathTable] = []
        self._connection_of = {
            (int(a), int(b)): k
            for k, (a, b) in enumerate(zip(model.connections.from_lane, model.connections.via_lane, strict=True))
        }
        direct = np.flatnonzero(model.connections.via_lane < 0)
        for k in direct:
            self._connection_of[int(model.connections.from_lane[k]), int(model.connections.to_lane[k])] = int(k)
        self.table = _joined([])

    def of_lanes(self, lane: Ints) -> tuple[Ints, Ints]:
        """Paths that start on some lanes.

        Parameters
        ----------
        lane : (n,) int array
            Lanes; -1 has no path.

        Returns
        -------
        owner : (m,) int array
            Index into `lane` of each path found.
        path : (m,) int array
            Rows of `table`.
        """
        self.prepare(lane)
        known = lane >= 0
        counts = np.where(known, self._count[lane], 0)
        return np.repeat(np.arange(len(lane)), counts), spread(np.where(known, self._first[lane], 0), counts)

    @property
    def of_lane(self) -> tuple[Ints, Ints]:
        """First path of each lane (-1: not worked out yet) and how many there are; rows of `table`."""
        return self._first, self._count

    def names(self, path: Ints) -> tuple[Ints, Ints]:
        """Paths by what does not depend on which were asked for before: number among the paths of a lane, and that lane; -1: none."""
        known = path >= 0
        if not known.any():
            return path, path
        lane = np.where(known, self.table.lanes.values[self.table.lanes.start[np.where(known, path, 0)]], -1)
        return np.where(known, path - self._first[lane], -1), lane

    def of_names(self, number: Ints, lane: Ints) -> Ints:
        """Paths of what `names` tells of them."""
        self.prepare(lane)
        return np.where(lane >= 0, self._first[lane] + number, -1)

    def prepare(self, lane: Ints) -> None:
        """Work out the paths of some lanes now, so that no later step has to."""
        wanted = lane[lane >= 0]
        wanted = wanted[self._first[wanted] < 0]
        if len(wanted) == 0:
            return
        wanted = np.unique(wanted)
        total = len(self.table)
        for start in wanted:
            routes = self._routes(int(start))
            self._first[start], self._count[start] = total, len(routes)
            total += len(routes)
            self._parts.extend(self._path(route) for route in routes)
        self.table = _joined(self._parts)
        self._parts = [self.table]

    def _routes(self, start: int) -> list[list[int]]:
        horizon = self._horizon_m
        while True:
            routes = self._routes_to(start, horizon)
            if len(routes) <= MOST_PATHS or horizon < 1.0:
                return routes[:MOST_PATHS]
            horizon /= 2.0

    def _routes_to(self, start: int, horizon_m: float) -> list[list[int]]:
        lanes = self._model.lanes
        routes: list[list[int]] = []
        open_ends: list[tuple[list[int], float]] = [([start], horizon_m)]
        while open_ends and len(routes) <= MOST_PATHS:
            route, rest = open_ends.pop()
            following = [int(lane) for lane in lanes.successors[route[-1]] if lanes.kind[lane] <= LaneKind.JUNCTION]
            if rest <= 0 or not following:
                routes.append(route)
                continue
            for lane in reversed(following):
                open_ends.append(([*route, lane], rest - float(lanes.length_m[lane])))
        return routes

    def _path(self, route: list[int]) -> PathTable:
        lanes, lane = self._model.lanes, np.array(route, np.int64)
        length = lanes.length_m[lane]
        offset = np.cumsum(length) - length
        total = float(length.sum())
        samples = max(int(np.ceil(total / SPACING_M)) + 1, 2)
        s_m = np.arange(samples) * SPACING_M
        position = np.clip(np.searchsorted(offset, s_m, side="right") - 1, 0, len(lane) - 1)
        x_m, y_m, _ = self.geometry.pose(lane[position], s_m - offset[position])
        taken = [
            (self._connection_of[a, b], float(o + n))
            for a, b, o, n in zip(route[:-1], route[1:], offset, length, strict=False)
            if (a, b) in self._connection_of
        ]
        conflict, begin, end = self._conflicts(lane, offset)
        return PathTable(
            lanes=Ragged.of([route]),
            lane_offset_m=offset,
            length_m=np.array([total]),
            connections=Ragged.of([[connection for connection, _ in taken]]),
            connection_s_m=np.array([s for _, s in taken]),
            conflicts=Ragged.of([conflict]),
            conflict_from_m=begin,
            conflict_to_m=end,
            sample_start=np.array([0, samples]),
            x_m=x_m,
            y_m=y_m,
            lane_of_sample=lane[position],
        )

    def _conflicts(self, lane: Ints, offset: Floats) -> tuple[Ints, Floats, Floats]:
        areas = self._model.conflict_areas
        owner, coded = self._model.conflicts_of_lane.flat(lane)
        area, is_b = coded // 2, coded % 2 == 1
        begin = offset[owner] + np.where(is_b, areas.b_from_m[area], areas.a_from_m[area])
        end = offset[owner] + np.where(is_b, areas.b_to_m[area], areas.a_to_m[area])
        order = np.argsort(begin, kind="stable")
        return coded[order], begin[order], end[order]


def _joined(parts: list[PathTable]) -> PathTable:
    """One table of several, rows in order."""
    none, zero = np.zeros(0, np.int64), np.zeros(0)

    def ragged(rows: list[Ragged]) -> Ragged:
        ends = np.cumsum([0] + [len(row.values) for row in rows])
        start = [row.start[:-1] + end for row, end in zip(rows, ends[:-1], strict=True)]
        return Ragged(np.concatenate([*start, ends[-1:]]), np.concatenate([none, *(row.values for row in rows)]))

    samples = ragged([Ragged(part.sample_start, part.lane_of_sample) for part in parts])
    return PathTable(
        lanes=ragged([part.lanes for part in parts]),
        lane_offset_m=np.concatenate([zero, *(part.lane_offset_m for part in parts)]),
        length_m=np.concatenate([zero, *(part.length_m for part in parts)]),
        connections=ragged([part.connections for part in parts]),
        connection_s_m=np.concatenate([zero, *(part.connection_s_m for part in parts)]),
        conflicts=ragged([part.conflicts for part in parts]),
        conflict_from_m=np.concatenate([zero, *(part.conflict_from_m for part in parts)]),
        conflict_to_m=np.concatenate([zero, *(part.conflict_to_m for part in parts)]),
        sample_start=samples.start,
        x_m=np.concatenate([zero, *(part.x_m for part in parts)]),
        y_m=np.concatenate([zero, *(part.y_m for part in parts)]),
        lane_of_sample=samples.values,
    )
