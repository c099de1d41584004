"""Quickest routes over lanes, for emergency vehicles over a city.

Nodes are road lanes; arcs are connections over junctions (with the lanes inside), direct successors, and changes to the lane
beside. One search with Dijkstra's algorithm (`lukou_maps.quickest`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lukou_maps.assembly import only_successor
from lukou_maps.quickest import Graph, quickest
from lukou_maps.ragged import Booleans, Floats, Ints
from lukou_maps.road_model import LaneKind, Participants, RoadModel

UNKNOWN_SPEED_MPS = 13.9
"""Speed where the map tells no limit: 50 km/h. [m/s]"""

LANE_CHANGE_S = 3.0
"""What a change of lane costs. [s]"""

SLOWEST_MPS = 1.0
"""Limits below this count as this. [m/s]"""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A way from one lane to another.

    Attributes
    ----------
    lanes : (n,) int array
        Lanes in order, those inside junctions included; lanes that follow each other without a connection lie side by side.
    time_s, length_m : float
        Time at the limits, length. [s, m]
    """

    lanes: Ints
    time_s: float
    length_m: float


class Router:
    """Finds routes on one map.

    Parameters
    ----------
    model : RoadModel
        The map.
    participants : Participants
        Lanes that none of these may use are left out.
    lane_change_s : float
        What a change of lane costs. [s]
    """

    def __init__(
        self,
        model: RoadModel,
        participants: Participants = Participants.MOTOR,
        lane_change_s: float = LANE_CHANGE_S,
    ) -> None:
        self._model, self._lane_change_s = model, lane_change_s
        lanes = model.lanes
        self._open = (lanes.participants & int(participants)) > 0
        speed = np.maximum(np.nan_to_num(lanes.speed_limit_mps, nan=UNKNOWN_SPEED_MPS), SLOWEST_MPS)
        self._time = lanes.length_m / speed
        self._speed = speed
        self._node = np.full(len(lanes), -1, np.int64)
        roads = np.flatnonzero((lanes.kind == LaneKind.ROAD) & self._open)
        self._node[roads] = np.arange(len(roads))
        self._lane = roads
        self._arcs()

    @property
    def is_routable(self) -> Booleans:
        """Which lanes routes can begin and end on."""
        return np.asarray(self._node >= 0)

    def _arcs(self) -> None:
        lanes, connections = self._model.lanes, self._model.connections
        before = np.repeat(np.arange(len(lanes)), np.diff(lanes.successors.start))
        after = lanes.successors.values
        beside = np.arange(len(lanes))
        source = np.concatenate([connections.from_lane, before, beside, beside])
        target = np.concatenate([connections.to_lane, after, lanes.left, lanes.right])
        via = np.concatenate([connections.via_lane, np.full(len(before) + 2 * len(beside), -1)])
        inner = np.where(connections.via_lane >= 0, self._inner_time(), 0.0)
        cost = np.concatenate([self._time[connections.from_lane] + inner, self._time[before]])
        cost = np.concatenate([cost, np.full(2 * len(beside), self._lane_change_s)])
        good = (target >= 0) & (self._node[source] >= 0) & (self._node[target] >= 0)
        source, target, via, cost = self._node[source[good]], self._node[target[good]], via[good], cost[good]
        key = source * len(self._lane) + target
        order = np.lexsort((cost, key))
        first = np.ones(len(order), np.bool_)
        first[1:] = np.diff(key[order]) != 0
        kept = order[first]
        self._key, self._via = key[kept], via[kept]
        start = np.searchsorted(source[kept], np.arange(len(self._lane) + 1))
        self._graph = Graph(start, target[kept], np.maximum(cost[kept], 1e-6))

    def _inner_time(self) -> Floats:
        """Time inside the junction of each connection: of its first lane, and of those that alone follow it inside."""
        lanes, connections = self._model.lanes, self._model.connections
        following = only_successor(lanes)
        lane = np.maximum(connections.via_lane, 0)
        total = self._time[lane].copy()
        for _ in range(3):
            after = following[lane]
            inside = (after >= 0) & (lanes.kind[after] == LaneKind.JUNCTION)
            total += np.where(inside, self._time[after], 0.0)
            lane = np.where(inside, after, lane)
        return np.asarray(total)

    def route(
        self,
        from_lane: int,
        to_lane: int,
        from_s_m: float = 0.0,
        to_s_m: float | None = None,
        closed: Collection[int] = (),
    ) -> Route | None:
        """Quickest route.

        Parameters
        ----------
        from_lane, to_lane : int
            Road lanes.
        from_s_m, to_s_m : float
            Places on them; without `to_s_m` to the end. [m]
        closed : collection of int
            Lanes that must not be used.

        Returns
        -------
        Route or None
            None where there is no way.
        """
        source, target = int(self._node[from_lane]), int(self._node[to_lane])
        if source < 0 or target < 0:
            return None
        graph = self._graph if not closed else self._without(closed)
        cost, before = quickest(graph, source, np.inf)
        if not np.isfinite(cost[target]):
            return None
        nodes = [target]
        while nodes[-1] != source:
            nodes.append(int(before[nodes[-1]]))
        nodes.reverse()
        lanes = self._with_inner(nodes)
        lengths = self._model.lanes.length_m
        end_m = float(lengths[to_lane]) if to_s_m is None else to_s_m
        start_s, end_s = from_s_m / self._speed[from_lane], end_m / self._speed[to_lane]
        aside = self._beside(lanes)
        length = float(lengths[lanes[:-1]][~aside].sum()) - from_s_m + end_m
        return Route(lanes, float(cost[target]) - float(start_s) + float(end_s), length)

    def times_to(self, lane: int, most_s: float, closed: Collection[int] = ()) -> Floats:
        """Quickest time from the start of every lane to the start of one, at the limits.

        Parameters
        ----------
        lane : int
            Road lane.
        most_s : float
            Farther lanes are not looked for. [s]
        closed : collection of int
            Lanes that must not be used.

        Returns
        -------
        (n,) float array
            Time per lane of the map; inf where there is no way within that time, and on lanes inside junctions. [s]
        """
        times = np.full(len(self._node), np.inf)
        if self._node[lane] >= 0:
            graph = self._graph if not closed else self._without(closed)
            times[self._lane], _ = quickest(graph.reversed(), int(self._node[lane]), float(most_s))
        return times

    def _beside(self, lanes: Ints) -> Booleans:
        """Whether the step from each lane of a route to the next one is a change to the lane beside."""
        left, right = self._model.lanes.left, self._model.lanes.right
        return np.asarray((left[lanes[:-1]] == lanes[1:]) | (right[lanes[:-1]] == lanes[1:]))

    def _with_inner(self, nodes: list[int]) -> Ints:
        lanes = self._model.lanes
        found = [int(self._lane[nodes[0]])]
        for a, b in pairwise(nodes):
            via = int(self._via[np.searchsorted(self._key, a * len(self._lane) + b)])
            goal = int(self._lane[b])
            while via >= 0 and via != goal and len(found) < 10_000_000:
                found.append(via)
                after = lanes.successors[via]
                if goal in after:
                    break
                inside = [int(k) for k in after if lanes.kind[k] == LaneKind.JUNCTION]
                via = inside[0] if inside else -1
            found.append(goal)
        return np.array(found, np.int64)

    def _without(self, closed: Collection[int]) -> Graph:
        shut = np.zeros(len(self._node), np.bool_)
        shut[list(closed)] = True
        barred = shut[self._lane[self._graph.target]] | np.where(self._via >= 0, shut[self._via], False)
        return self._graph._replace(cost=np.where(barred, np.inf, self._graph.cost))
