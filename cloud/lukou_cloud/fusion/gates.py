"""What is learned of the ways between views: which share of those lost on one lane appears on another, and how punctual they are.

Both begin with what the map lets expect, which counts as much as a few vehicles, and follow the hand-overs that were made. Times are learned for
a pair of roads first, whatever the lanes, and then for the lanes: who changes lanes on the way is rare, and takes much the same time.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple

from lukou_cloud.compiled import compiled

TIME_SHARE, TIME_S = 0.015, 0.15
"""Standard deviation of the time of a free way, before anything is learned: a share of it, and a constant. [1, s]"""

APART_SHARE, MOST_APART = 0.33, 0.3
"""Share of the time of the way by which it is less certain for each unit that the paces on either side differ by, up to this share of all. [1]"""

HELD_S = 25.0
"""Mean delay of those who had to wait on the way, as of an exponential distribution. [s]"""

WAY_S = 15.0
"""Time on the way in which the chance fades that somebody neither turned off nor came through another view. [s]"""

LANE_CHANGE = -0.6
"""Log-likelihood of each change of lane on the way."""

PRIOR = 8.0
"""What is expected counts as much as so many vehicles: the map's beside a pair of roads, and that beside a pair of lanes."""

MOST = 200.0
"""Memory: what is older than about so many vehicles fades."""

TAIL, TAIL_WIDER = 0.1, 3.0
"""Share of those whose time is less certain, and by what factor."""

PUNCTUAL = 2.5
"""Whoever is off by more deviations than this had to wait, and tells nothing of the time of a free way."""

MOST_SURE = 0.95
"""No share of a road is believed to be larger."""


Expected = tuple[float, float]
"""Time expected for a way, and that time's share by which the paces on either side differ. [s]"""


class Way(NamedTuple):
    """From where somebody is lost to where somebody appears.

    Attributes
    ----------
    lane, to_lane : int
        The lanes.
    road, to_road : int
        Their roads.
    """

    lane: int
    to_lane: int
    road: int
    to_road: int


class Known(NamedTuple):
    """What is known of a way: vehicles lost on its lane, those of them that took it or another lane of its road, and the `Punctuality` of its roads and of its lanes."""

    lost: float
    taken: float
    taken_road: float
    road_count: float
    road_late: float
    road_late2: float
    lane_count: float
    lane_late: float
    lane_late2: float


@dataclass
class Punctuality:
    """Delays beside what was expected, in deviations of what the map lets expect.

    Attributes
    ----------
    count : float
        Vehicles that did not wait.
    late, late2 : float
        Mean of their delay, and of its square.
    """

    count: float = 0.0
    late: float = 0.0
    late2: float = 1.0

    def add(self, late: float) -> None:
        """Learn from one vehicle."""
        self.count = min(self.count + 1.0, MOST)
        self.late += (late - self.late) / self.count
        self.late2 += (late * late - self.late2) / self.count


NOTHING_KNOWN = Punctuality()


@dataclass
class Gates:
    """All ways that were taken.

    Attributes
    ----------
    lost : dict of int to float
        Vehicles that were lost on each lane and have been found, or given up.
    taken : dict of (int, int) to float
        Those of them that appeared on another lane.
    taken_road : dict of (int, int) to float
        Those of them that appeared on another road, by lane and road.
    by_lane, by_road : dict of (int, int) to Punctuality
        How punctual they were, by both lanes and by both roads.
    """

    lost: dict[int, float] = field(default_factory=dict)
    taken: dict[tuple[int, int], float] = field(default_factory=dict)
    taken_road: dict[tuple[int, int], float] = field(default_factory=dict)
    by_lane: dict[tuple[int, int], Punctuality] = field(default_factory=dict)
    by_road: dict[tuple[int, int], Punctuality] = field(default_factory=dict)
    _known: dict[Way, Known] = field(default_factory=dict, compare=False, repr=False)  # until more is learned

    def share(self, way: Way, way_s: float, changes: float) -> float:
        """Logarithm of the share of those lost on a lane that take a way.

        Parameters
        ----------
        way : Way
            The way.
        way_s : float
            Its time at the limits. [s]
        changes : float
            Changes of lane that it needs.
        """
        return float(log_share(self.known(way), way_s, changes))

    def time(self, way: Way, passed_s: float, expected: Expected, held_share: float) -> float:
        """Logarithm of the density of a travel time: on time, or late by a wait at a red light or in a queue. [1/s]"""
        return float(log_time(self.known(way), passed_s, *expected, held_share))

    def overdue(self, way: Way, passed_s: float, expected: Expected, held_share: float) -> float:
        """Negative logarithm of the probability that who was lost has not come after some time."""
        return float(overdue(self.known(way), passed_s, *expected, held_share))

    def late(self, way: Way, passed_s: float, expected: Expected) -> tuple[float, float]:
        """By how much somebody is late by what is learned of a way, and its standard deviation. [s]"""
        late_s, deviation_s = late_by(self.known(way), passed_s, *expected)
        return float(late_s), float(deviation_s)

    def known(self, way: Way) -> Known:
        """What is known of a way, for the loops."""
        found = self._known.get(way)
        if found is None:
            road = self.by_road.get((way.road, way.to_road), NOTHING_KNOWN)
            lane = self.by_lane.get((way.lane, way.to_lane), NOTHING_KNOWN)
            found = self._known[way] = Known(
                self.lost.get(way.lane, 0.0),
                self.taken.get((way.lane, way.to_lane), 0.0),
                self.taken_road.get((way.lane, way.to_road), 0.0),
                *(road.count, road.late, road.late2, lane.count, lane.late, lane.late2),
            )
        return found

    def took(self, way: Way, passed_s: float, expected: Expected, is_sure: bool = True) -> None:
        """Learn from a hand-over; of times only from one that could hardly be another."""
        self.gave_up(way.lane)
        lanes, roads = (way.lane, way.to_lane), (way.road, way.to_road)
        self.taken[lanes] = self.taken.get(lanes, 0.0) + 1.0
        self.taken_road[way.lane, way.to_road] = self.taken_road.get((way.lane, way.to_road), 0.0) + 1.0
        late = (passed_s - expected[0]) / prior_deviation_s(*expected)
        if abs(late) < PUNCTUAL and is_sure:
            self.by_lane.setdefault(lanes, Punctuality()).add(late)
            self.by_road.setdefault(roads, Punctuality()).add(late)

    def gave_up(self, lane: int) -> None:
        """Learn that one who was lost on a lane is found, or is not waited for any longer."""
        self._known.clear()
        self.lost[lane] = self.lost.get(lane, 0.0) + 1.0
        if self.lost[lane] > MOST:
            self.lost[lane] *= 0.5
            for table in (self.taken, self.taken_road):
                for key in table:
                    table[key] *= 0.5 if key[0] == lane else 1.0

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "lost": [[lane, count] for lane, count in self.lost.items()],
            "taken": [[*key, count] for key, count in self.taken.items()],
            "taken_road": [[*key, count] for key, count in self.taken_road.items()],
            "by_lane": [[*key, *astuple(one)] for key, one in self.by_lane.items()],
            "by_road": [[*key, *astuple(one)] for key, one in self.by_road.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a snapshot."""
        self.lost = {int(lane): float(count) for lane, count in state["lost"]}
        self.taken = {(int(a), int(b)): float(count) for a, b, count in state["taken"]}
        self.taken_road = {(int(a), int(b)): float(count) for a, b, count in state["taken_road"]}
        self.by_lane = {(int(a), int(b)): Punctuality(*rest) for a, b, *rest in state["by_lane"]}
        self.by_road = {(int(a), int(b)): Punctuality(*rest) for a, b, *rest in state["by_road"]}
        self._known.clear()


@compiled
def log_share(known: Known, way_s: float, changes: float) -> float:
    """`Gates.share` of a way of which so much is known."""
    expected = math.exp(LANE_CHANGE * changes - max(way_s, 0.0) / WAY_S)
    return math.log((known.taken + PRIOR * expected) / (known.lost + PRIOR))


@compiled
def log_time(known: Known, passed_s: float, time_s: float, apart_s: float, held_share: float) -> float:
    """`Gates.time` of a way of which so much is known."""
    late_s, deviation_s = late_by(known, passed_s, time_s, apart_s)
    free = (1.0 - TAIL) * _normal(late_s, deviation_s) + TAIL * _normal(late_s, TAIL_WIDER * deviation_s)
    held = math.exp(-late_s / HELD_S) / HELD_S if late_s > 0.0 else 0.0
    return math.log(max((1.0 - held_share) * free + held_share * held, 1e-12))


@compiled
def overdue(known: Known, passed_s: float, time_s: float, apart_s: float, held_share: float) -> float:
    """`Gates.overdue` of a way of which so much is known."""
    share = min(known.taken_road / (known.lost + PRIOR), MOST_SURE)
    late_s, deviation_s = late_by(known, passed_s, time_s, apart_s)
    come = 0.5 * (1.0 + math.erf(late_s / (deviation_s * math.sqrt(2.0))))
    held = 1.0 - math.exp(-late_s / HELD_S) if late_s > 0.0 else 0.0
    return -math.log(1.0 - share * ((1.0 - held_share) * come + held_share * held))


@compiled
def late_by(known: Known, passed_s: float, time_s: float, apart_s: float) -> tuple[float, float]:
    """`Gates.late` of a way of which so much is known: by road first, then by lane."""
    prior_s = prior_deviation_s(time_s, apart_s)
    late, variance = _beside(known.road_count, known.road_late, known.road_late2, 0.0, 1.0)
    late, variance = _beside(known.lane_count, known.lane_late, known.lane_late2, late, variance)
    return passed_s - time_s - late * prior_s, prior_s * math.sqrt(variance)


@compiled
def _beside(count: float, mean: float, square: float, late: float, variance: float) -> tuple[float, float]:
    """Mean and variance of what was measured, where so much was expected before."""
    total, spread = count + PRIOR, max(square - mean * mean, 0.0)
    return (count * mean + PRIOR * late) / total, (count * spread + PRIOR * variance) / total


@compiled
def _normal(off: float, deviation: float) -> float:
    share = off / deviation
    return math.exp(-0.5 * share * share) / (deviation * math.sqrt(2.0 * math.pi))


@compiled
def prior_deviation_s(time_s: float, apart_s: float) -> float:
    """Standard deviation of a time before anything is learned. [s]"""
    time_s, apart_s = max(time_s, 0.0), max(apart_s, 0.0)
    return TIME_S + TIME_SHARE * time_s + APART_SHARE * min(apart_s, MOST_APART * time_s)
