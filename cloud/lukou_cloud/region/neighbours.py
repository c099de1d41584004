"""What neighbours send each other: each one's plan says when somebody will enter which lane behind it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.reach import ReachShare
from lukou_cloud.region.timing import Timing

ACROSS_S = 3.0
"""From the stop line to the lane behind the intersection. [s]"""

PLAN_LIFE_S = 40.0
"""So long neighbours count on a plan. [s]"""


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
        self._horizon_s = {name: timing.horizon_s for name, (_, timing, _) in places.items()}
        self._onward: dict[str, list[tuple[int, str, int, tuple[int, ...], float]]] = {name: [] for name in places}
        for name, (_, timing, _) in places.items():
            for other, (approaches, *_) in places.items():
                for k, lane in enumerate(timing.ways.to_lane.tolist()):
                    above = approaches.upstream.get(lane)
                    if other != name and above is not None:
                        travel_s = ACROSS_S + above.to_stop_s
                        self._onward[name].append((k, other, lane, above.choices, travel_s))
        self._feeds: dict[str, dict[str, dict[int, tuple[tuple[int, ...], float]]]] = {}
        for name, (approaches, *_) in places.items():
            for other, (_, timing, _) in places.items():
                for lane in set(timing.ways.to_lane.tolist()):
                    above = approaches.upstream.get(lane)
                    if other == name or above is None:
                        continue
                    self._feeds.setdefault(name, {}).setdefault(other, {})[lane] = (
                        above.choices,
                        ACROSS_S + above.to_stop_s,
                    )

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

    def onward(self, now_ns: int, name: str, ways: int) -> NDArray[np.float64] | None:
        """Wait at the next signal of who leaves an intersection by each of its ways in each second from now, above or below
        its mean there; None: nobody there has a plan. [s]"""
        horizon = self._horizon_s[name]
        result = np.zeros((horizon, ways))
        found = False
        for way, other, lane, choices, travel_s in self._onward[name]:
            timing = self._timing[other]
            since_s = (now_ns - timing.planned_ns) / 1e9
            if not timing.planned_ns or since_s > PLAN_LIFE_S:
                continue
            found = True
            waits_s = timing.waits_s[:, list(choices)] @ timing.lineup.shares_of(choices)
            at = np.arange(horizon) + round(since_s + travel_s)
            known = at < len(waits_s)
            result[known, way] = self._reach[other].share(lane) * (waits_s[at[known]] - waits_s.mean())
        return result if found else None
