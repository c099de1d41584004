"""What neighbours send each other: each one's plan says when somebody will enter which lane behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.movements import Ways
from lukou_cloud.region.reach import ReachShare
from lukou_cloud.region.timing import Timing
from lukou_maps.road_model import LaneKind, RoadModel

ACROSS_S = 3.0
"""From the stop line to the lane behind the intersection. [s]"""

PLAN_LIFE_S = 40.0
"""So long neighbours count on a plan. [s]"""


def behind_m(road: RoadModel, ways: Iterable[Ways], most_m: float) -> dict[int, float]:
    """Where lanes behind intersections begin: map index, and way from the stop line, no longer than `most_m`. [m]"""
    found: dict[int, float] = {}
    crossing = set(road.connections.via_lane[road.connections.intersection >= 0].tolist())
    passed = (LaneKind.ROAD, LaneKind.JUNCTION)
    for one in ways:
        todo = [(lane, float(one.across_m[k])) for k, m in enumerate(one.movements) for lane in one.exits[m.exit]]
        while todo:
            lane, at_m = todo.pop()
            if at_m > most_m or found.get(lane, np.inf) <= at_m:
                continue
            found[lane] = at_m
            at_m += float(road.lanes.length_m[lane])
            onward = [int(k) for k in road.lanes.successors[lane] if road.lanes.kind[k] in passed]
            todo += [(k, at_m) for k in onward if k not in crossing]
    return found


class Neighbours:
    """Who feeds whom in a district.

    Parameters
    ----------
    places : mapping of str to (Approaches, Timing, ReachShare)
        By intersection.
    """

    def __init__(self, places: Mapping[str, tuple[Approaches, Timing, ReachShare]]) -> None:
        self._timing = {name: timing for name, (_, timing, _) in places.items()}
        self._reach = {name: reach for name, (*_, reach) in places.items()}
        self._feeds: dict[str, dict[str, dict[int, tuple[tuple[int, ...], float]]]] = {}
        for name, (approaches, *_) in places.items():
            for other, (_, timing, _) in places.items():
                for lane in set(timing.ways.to_lane.tolist()):
                    way = approaches.way_from(lane)
                    if other != name and way is not None:
                        self._feeds.setdefault(name, {}).setdefault(other, {})[lane] = way[0], ACROSS_S + way[1]

    def expected(self, now_ns: int, name: str) -> tuple[list[tuple[float, tuple[int, ...], float]], frozenset[int]]:
        """Who will come to an intersection from its neighbours: time at the stop line from now and approach lanes it may
        take, how likely it comes [s]; and which lanes are fed so."""
        found: list[tuple[float, tuple[int, ...], float]] = []
        fed: set[int] = set()
        reach = self._reach[name]
        for other, lanes in self._feeds.get(name, {}).items():
            timing = self._timing[other]
            since_s = (now_ns - timing.planned_ns) / 1e9
            if not timing.planned_ns or since_s > PLAN_LIFE_S:
                continue
            for choices, _ in lanes.values():
                fed.update(choices)
            for at_s, lane in timing.outflow:
                if lane in lanes and at_s > since_s:
                    choices, travel_s = lanes[lane]
                    found.append((at_s - since_s + travel_s, choices, reach.share(lane)))
        return found, frozenset(fed)
