"""What the map says about each lane path, sampled along it: pose, speed that drivers keep, next signal ahead.

Everything that does not change from step to step is worked out once per path, so that a step costs a few gathers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.lights import waiting_lines
from lukou_cloud.edge.motion import KeptSpeed
from lukou_cloud.edge.road_users import Booleans, Floats, Ints
from lukou_cloud.edge.turn_shares import TurnShares
from lukou_maps.paths import SPACING_M, PathCatalogue, PathTable
from lukou_maps.ragged import Ragged, spread
from lukou_maps.road_model import ConflictKind, LaneKind, RightOfWay, RoadModel, Turn

NONE = -1

LATERAL_MPS2 = 4.0
"""Sideways acceleration that drivers accept in a turn; most stay below 3 (AASHTO Green Book, side friction). [m/s^2]"""

BEND_M = 8.0
"""Length over which the curvature of a path is taken. [m]"""

UNKNOWN_LIMIT_MPS = 15.0
"""Speed limit where the map tells none. [m/s]"""

PASSED_M = 2.0
"""A stop line counts as ahead until the front is this far beyond it. [m]"""

HORIZON_M = 90.0
"""How far paths reach beyond the end of their first lane. [m]"""


class Meetings(NamedTuple):
    """Conflict areas along paths, those of path k in rows ``start[k]`` to ``start[k + 1]``.

    Attributes
    ----------
    start : (n + 1,) int array
        Rows of each path.
    area : (m,) int array
        Conflict area.
    wait_m, from_m, to_m : (m,) float array
        Arc lengths on the path of the place where drivers wait, of the begin and of the end of the area. [m]
    """

    start: Ints
    area: Ints
    wait_m: Floats
    from_m: Floats
    to_m: Floats


class PathRows(NamedTuple):
    """Lane paths as loops take them.

    Attributes
    ----------
    first_of_lane, count_of_lane : (l,) int array
        Paths that begin on each lane.
    lane_start, lane : (n + 1,) int array, (m,) int array
        Lanes of path k in rows ``lane_start[k]`` to ``lane_start[k + 1]``.
    lane_offset_m : (m,) float array
        Where they begin on the path. [m]
    usual : (n,) float array
        How usual the turns of each path are.
    limit_mps : (s + 1,) float array
        Speed that limits and bends ahead allow at each sample. [m/s]
    start, last : (n + 1,) int array, (n,) int array
        First sample of each path, and the number of its last.
    samples : (6, s) float array
        x, y, cosine, sine and the way to the next sample. [m, 1]
    next_line : (s,) int array
        Line of `Lights` next ahead of each sample, -1: none.
    next_line_m : (s,) float array
        Where it lies on the path. [m]
    """

    first_of_lane: Ints
    count_of_lane: Ints
    lane_start: Ints
    lane: Ints
    lane_offset_m: Floats
    usual: Floats
    limit_mps: Floats
    start: Ints
    last: Ints
    samples: Floats
    next_line: Ints
    next_line_m: Floats


class Ways:
    """Lane paths of one map with everything that prediction asks of them.

    Parameters
    ----------
    model : RoadModel
        The map.
    easy_braking_mps2 : float
        Braking before turns and lower limits. [m/s^2]

    Attributes
    ----------
    catalogue : PathCatalogue
        The paths.
    shares : TurnShares
        Where those on each lane go next.
    usual : (n,) float array
        How usual the turns of each path are.
    turns_left : (n,) bool array
        Whether the first connection of each path turns left.
    duties, rights : Meetings
        Where each path must give way to another one's lane, and where others must give way to it.
    """

    def __init__(self, model: RoadModel, easy_braking_mps2: float) -> None:
        self.model, self._braking = model, easy_braking_mps2
        self.catalogue = PathCatalogue(model, horizon_m=HORIZON_M)
        self.shares = TurnShares(model)
        self._start, self._last = np.zeros(1, np.int64), np.zeros(0, np.int64)
        self._samples = np.zeros((6, 0))  # x, y, cosine, sine, and the way to the next sample
        self._limit_mps = np.full(1, np.inf)  # the last one is of those who are on no path
        self._next_connection, self._next_line_m = np.zeros(0, np.int64), np.zeros(0)
        self.usual, self.turns_left = np.zeros(0), np.zeros(0, np.bool_)
        self.duties = self.rights = Meetings(np.zeros(1, np.int64), np.zeros(0, np.int64), *np.zeros((3, 0)))
        self._over_lane = Ragged.grouped(np.zeros(0, np.int64), np.zeros(0, np.int64), len(model.lanes))  # paths
        self._waiting = waiting_lines(model)

    @property
    def table(self) -> PathTable:
        """Rows of the catalogue."""
        return self.catalogue.table

    def prepare(self, lane: Ints) -> None:
        """Work out the paths of some lanes now, so that no later step has to."""
        self.catalogue.prepare(lane)
        self._extend()

    def learn(self, number: int, lane: int) -> None:
        """Note the lane that a road user has come to: where those go who are on the lane that it left (`TurnShares.see`)."""
        left = self.shares.see(number, lane)
        if left is not None:
            over = self._over_lane[left]
            self.usual[over] = self._usual(over)

    def restore_shares(self, state: dict[str, Any]) -> None:
        """Continue from a state of `TurnShares`."""
        self.shares.restore(state)
        self.usual = self._usual(np.arange(len(self.table)))

    def of_names(self, number: Ints, lane: Ints) -> Ints:
        """Paths by their first lane and their number among the paths of that; -1, -1: none."""
        self.prepare(lane)
        return self.catalogue.of_names(number, lane)

    @property
    def rows(self) -> PathRows:
        """What loops over the paths take."""
        lanes, (first, count) = self.table.lanes, self.catalogue.of_lane
        return PathRows(
            first, count, lanes.start, lanes.values, self.table.lane_offset_m,
            self.usual, self._limit_mps, self._start, self._last, self._samples,
            self._next_connection, self._next_line_m,
        )  # fmt: skip

    # --- tables ---------------------------------------------------------------------------------------------------

    def _extend(self) -> None:
        """Work out the columns of paths that are new."""
        table, known = self.table, len(self.usual)
        if len(table) == known:
            return
        begin = int(table.sample_start[known])
        start = table.sample_start[known:] - begin
        x, y = table.x_m[begin:], table.y_m[begin:]
        last = start[1:] - 1
        dx, dy = np.diff(x, append=0.0), np.diff(y, append=0.0)
        dx[last], dy[last] = dx[last - 1], dy[last - 1]
        size = np.maximum(np.hypot(dx, dy), 1e-9)
        self._samples = np.concatenate([self._samples, np.stack([x, y, dx / size, dy / size, dx, dy])], axis=1)
        limit = self._envelope(start, np.arctan2(dy, dx), table.lane_of_sample[begin:])
        self._limit_mps = np.concatenate([self._limit_mps[:-1], limit, [np.inf]])
        self._start, self._last = table.sample_start, np.diff(table.sample_start) - 1
        self._turns(known)
        self.duties, self.rights = self._meetings()
        connection, line_m = self._lines(known, start)
        self._next_connection = np.concatenate([self._next_connection, connection])
        self._next_line_m = np.concatenate([self._next_line_m, line_m])

    def _envelope(self, start: Ints, heading: Floats, lane: Ints) -> Floats:
        """Speed that allows to be slow enough at every later sample: v^2 <= limit(s')^2 + 2 b (s' - s) for all s' ahead."""
        limit = self.model.lanes.speed_limit_mps[lane]
        squared = np.where(np.isnan(limit), UNKNOWN_LIMIT_MPS, limit) ** 2
        squared = np.minimum(squared, LATERAL_MPS2 / np.maximum(_curvature(start, heading), 1e-3))
        counts = np.diff(start)
        number = spread(np.zeros(len(counts), np.int64), counts)
        row = np.repeat(np.arange(len(counts)), counts)
        ramp = 2.0 * self._braking * SPACING_M * number
        padded = np.full((len(counts), int(counts.max())), np.inf)
        padded[row, number] = squared + ramp
        ahead = np.minimum.accumulate(padded[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(np.sqrt(np.maximum(ahead[row, number] - ramp, 0.0)))

    def _turns(self, known: int) -> None:
        table, connections = self.table, self.model.connections
        turn, new = connections.turn, np.arange(known, len(table))
        owner, taken = table.connections.flat(new)
        left = np.zeros(len(new), np.bool_)
        first, index = np.unique(owner, return_index=True)
        left[first] = turn[taken[index]] == Turn.LEFT
        self.turns_left = np.concatenate([self.turns_left, left])
        self.usual = np.concatenate([self.usual, self._usual(new)])
        path, taken = table.connections.flat(np.arange(len(table)))
        self._over_lane = Ragged.grouped(connections.from_lane[taken], path, len(self.model.lanes))

    def _usual(self, path: Ints) -> Floats:
        """How usual the turns of some paths are, as far as is known now."""
        owner, taken = self.table.connections.flat(path)
        usual = np.ones(len(path))
        np.multiply.at(usual, owner, self.shares.share[taken])
        return usual

    def _meetings(self) -> tuple[Meetings, Meetings]:
        """Conflict areas of all paths in which somebody must give way; drivers wait where the lane of the area begins."""
        table, areas, lanes = self.table, self.model.conflict_areas, self.model.lanes
        path = np.repeat(np.arange(len(table)), np.diff(table.conflicts.start))
        area, is_b = table.conflicts.values // 2, table.conflicts.values % 2 == 1
        rule = np.asarray(areas.right_of_way)[area]
        mine = np.where(is_b, int(RightOfWay.B_YIELDS), int(RightOfWay.A_YIELDS))
        driven = (lanes.kind[areas.lane_a] == LaneKind.JUNCTION) & (lanes.kind[areas.lane_b] == LaneKind.JUNCTION)
        counts = driven[area] & (areas.kind[area] != ConflictKind.DIVERGING)
        owner = np.repeat(np.arange(len(table)), np.diff(table.lanes.start)) * len(lanes) + table.lanes.values
        order = np.argsort(owner, kind="stable")
        lane = np.where(is_b, areas.lane_b[area], areas.lane_a[area])
        place = np.minimum(np.searchsorted(owner[order], path * len(lanes) + lane), max(len(owner) - 1, 0))
        wait_m = np.minimum(table.lane_offset_m[order[place]], table.conflict_from_m)
        theirs = (rule == RightOfWay.A_YIELDS) | (rule == RightOfWay.B_YIELDS)

        def chosen(which: Booleans) -> Meetings:
            start = np.searchsorted(path[which], np.arange(len(table) + 1))
            begin, end = table.conflict_from_m[which], table.conflict_to_m[which]
            return Meetings(start, area[which], wait_m[which], begin, end)

        yields = (rule == mine) | (rule == RightOfWay.BOTH_YIELD)
        return chosen(counts & yields), chosen(counts & theirs & ~yields)

    def _lines(self, known: int, start: Ints) -> tuple[Ints, Floats]:
        """Per sample the next line of `Lights` at or behind it on the path."""
        connection, line_m = np.full(int(start[-1]), NONE), np.full(int(start[-1]), np.inf)
        for k in range(len(start) - 1):
            for s_m, line in sorted(self._lines_of(known + k), reverse=True):
                until = int(start[k]) + int(np.ceil(s_m / SPACING_M))
                rows = slice(int(start[k]), min(until, int(start[k + 1])))
                connection[rows], line_m[rows] = line, s_m
        return connection, line_m

    def _lines_of(self, path: int) -> list[tuple[float, int]]:
        """Stop lines with signals on a path: those of its connections, and the ends of waiting areas."""
        table, model = self.table, self.model
        first, stop = table.connections.start[path : path + 2].tolist()
        found = [
            (float(table.connection_s_m[entry]), int(table.connections.values[entry]))
            for entry in range(first, stop)
            if model.connections.intersection[table.connections.values[entry]] >= 0
        ]
        lanes, offset_m = table.lanes[path].tolist(), table.lane_offset_m[int(table.lanes.start[path]) :]
        for number, line in enumerate(self._waiting.tolist()):
            lane = int(model.stop_lines.lane[line])
            if lane in lanes:
                s_m = float(offset_m[lanes.index(lane)] + model.stop_lines.s_m[line])
                found.append((s_m, len(model.connections) + number))
        return found


@compiled
def speeds_from(path: Ints, s_m: Floats, rows: PathRows) -> KeptSpeed:
    """Speeds that limits and bends allow ahead of (path, s); -1 is no path and allows any speed."""
    begin, last = np.empty(len(path)), np.empty(len(path), np.int64)
    for k in range(len(path)):
        if path[k] < 0:
            begin[k] = last[k] = len(rows.limit_mps) - 1
        else:
            begin[k] = rows.start[path[k]] + s_m[k] * (1.0 / SPACING_M)
            last[k] = rows.start[path[k]] + rows.last[path[k]]
    return KeptSpeed(begin, last, rows.limit_mps)


@compiled
def allowed_at(rows: PathRows, path: int, s_m: float) -> float:
    """Speed that limits and bends ahead allow at (path, s). [m/s]"""
    return float(rows.limit_mps[rows.start[path] + max(min(int(s_m * (1.0 / SPACING_M)), rows.last[path]), 0)])


@compiled
def pose_on(rows: PathRows, path: int, s_m: float) -> tuple[float, float, float, float]:
    """Position and direction (x, y, cosine, sine) of (path, s); beyond the ends along the tangent."""
    scaled = s_m * (1.0 / SPACING_M)
    number = max(min(int(scaled), rows.last[path] - 1), 0)
    rest, row, samples = scaled - number, rows.start[path] + number, rows.samples
    east, north = samples[0, row] + samples[4, row] * rest, samples[1, row] + samples[5, row] * rest
    return east, north, samples[2, row], samples[3, row]


def _curvature(start: Ints, heading: Floats) -> Floats:
    """Curvature at the samples of paths, from the change of direction over `BEND_M`; 0 near their ends. [1/m]"""
    half = int(BEND_M / SPACING_M / 2.0)
    curvature = np.zeros(len(heading))
    if len(heading) <= 2 * half + 1:
        return curvature
    turned = heading[2 * half :] - heading[: -2 * half]
    curvature[half:-half] = np.abs(np.arctan2(np.sin(turned), np.cos(turned))) / BEND_M
    counts = np.diff(start)
    number = spread(np.zeros(len(counts), np.int64), counts)
    left = np.repeat(counts, counts) - number
    curvature[(number < half) | (left < half + 2)] = 0.0
    return curvature


def may_follow(model: RoadModel) -> Ints:
    """Sorted keys ``before * lanes + after`` of lanes that follow each other."""
    follows = model.lanes.successors
    before = np.repeat(np.arange(len(model.lanes)), np.diff(follows.start))
    return np.asarray(np.unique(before * len(model.lanes) + follows.values))
