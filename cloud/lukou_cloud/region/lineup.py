"""Who stands and comes where, as the search needs it: one line per lane, each road user with its way and its headway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.movements import Ways
from lukou_cloud.region.search.queue_model import LONGEST_REST_S, Traffic
from lukou_cloud.region.travel import STANDING_MPS
from lukou_maps.road_model import Turn

PEOPLE_HEADWAY_S = 0.05
"""All who wait beside a crosswalk step off at once. [s]"""
WALKERS_EVERY_S = 5.0
"""People who will come are counted in groups this far apart. [s]"""
SHARE_MEMORY = 300.0
"""Vehicles over which shares of lanes and turns are remembered."""
LONG_WAIT_S = 60.0
"""From here on waiting weighs more with every second. [s]"""
OVERDUE_S, OVERDUE_WEIGHT = 75.0, 3.0
"""Who has waited so long on foot counts so many times his weight more: late enough that one in twenty, not everybody, is meant (lawful board: 95 % within
90 s; GB/T 51439-2021: 70 s, 90 s with an island). Weighed within the horizon, so that whoever is about to miss a green is foreseen. [s, -]"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One vehicle on the approaches.

    Attributes
    ----------
    lane : int
        Approach lane; -1: further up.
    choices : tuple of int
        Approach lanes that it may take.
    to_stop_m, speed_mps, arrival_s : float
        Distance to the stop line, speed, and time to the stop line if nothing holds it. [m, m/s, s]
    waited_s : float
        How long it has stood. [s]
    turn : int
        `Turn` that it has told; UNKNOWN: nothing.
    comes : float
        How likely it reaches the stop line.
    worth : float
        What its delay counts; a car's counts 1.
    """

    lane: int
    choices: tuple[int, ...]
    to_stop_m: float
    speed_mps: float
    arrival_s: float
    waited_s: float
    turn: int
    comes: float = 1.0
    worth: float = 1.0


@dataclass
class Lineup:
    """Builds `Traffic` for one intersection; crosswalks follow the approach lanes as lanes of their own.

    Attributes
    ----------
    approaches : Approaches
    ways : Ways
    horizon_s : int
        Of the search. [s]
    long_wait_s : float
        A wait that is longer by this counts double. [s]
    """

    approaches: Approaches
    ways: Ways
    horizon_s: int
    long_wait_s: float
    shares: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self._lanes = len(self.approaches.lanes)
        self._of_lane = [
            [k for k, m in enumerate(self.ways.movements) if m.lane == lane] for lane in range(self._lanes)
        ]
        self._by_turn = [{int(self.ways.turn[k]): k for k in found} for found in self._of_lane]
        self.shares = np.array([1.0 / max(1, len(self._of_lane[m.lane])) for m in self.ways.movements])

    def learn(self, crossed: Sequence[tuple[int, int]], turns: Mapping[int, int]) -> None:
        """Take note of the lanes, and as far as told the turns, of vehicles that passed the stop line.

        Parameters
        ----------
        crossed : sequence of (int, int)
            Identity and approach lane.
        turns : mapping of int to int
            `Turn` by identity.
        """
        for identity, lane in crossed:
            ways = self._of_lane[lane]
            told = self._by_turn[lane].get(turns.get(identity, Turn.UNKNOWN))
            self.shares *= 1.0 - 1.0 / SHARE_MEMORY
            for way in ways:
                self.shares[way] += (way == told) if told is not None else 1.0 / len(ways)

    def build(
        self,
        seen: Sequence[Seen],
        waiting: NDArray[np.float64],
        headway_s: NDArray[np.float64],
        rates: NDArray[np.float64],
        view_m: NDArray[np.float64],
        weights: NDArray[np.float64],
        room: NDArray[np.float64],
        drain: NDArray[np.float64],
        spare: NDArray[np.float64],
        pace: float = 1.0,
        expected: Sequence[tuple[float, tuple[int, ...], float]] = (),
        fed: frozenset[int] = frozenset(),
        hidden: NDArray[np.float64] | None = None,
        coming: Sequence[tuple[int, float]] = (),
        on_foot: Sequence[tuple[int, float, float]] = (),
    ) -> Traffic:
        """Traffic from now on.

        Parameters
        ----------
        seen : sequence of Seen
        waiting : (crossings,) float array
            People beside each crosswalk, who has waited long counted more.
        headway_s : (lanes,) float array
            Of each approach lane. [s]
        rates : (lanes + crossings,) float array
            Expected arrivals, of vehicles beyond the view. [1/s]
        view_m : (lanes,) float array
            Distance to each stop line within which every vehicle is known. [m]
        weights : (lanes + crossings,) float array
            What the delay in each lane counts.
        room, drain : (exits,) float array
            Vehicles that the exits take now, and how fast they get room.
        spare : (lanes + crossings,) float array
            Share of the time that each has to clear what is left over in.
        pace : float
            Cycle of late on the shortest one.
        expected : sequence of (float, tuple of int, float)
            Vehicles that neighbours will send: time at the stop line from now, the approach lanes they may take, and how
            likely they come. [s]
        fed : frozenset of int
            Lanes whose arrivals from beyond the view neighbours tell.
        hidden : (lanes,) float array, optional
            Vehicles that come without being seen. [1/s]
        coming : sequence of (int, float)
            People who walk to a crosswalk over a refuge: which, and when they are there from now. [s]
        on_foot : sequence of (int, float, float)
            Who of `waiting` waits where: crosswalk, for how long, and what he counts. [-, s, -]
        """
        lines: list[list[tuple[float, int, float, float]]] = [[] for _ in range(self._lanes + len(waiting))]
        counts = np.zeros(len(self.shares))
        for one in sorted(seen, key=lambda s: s.to_stop_m):
            lane, way = self._assign(one, counts)
            arrival = one.arrival_s if one.speed_mps >= STANDING_MPS or one.lane < 0 else 0.0
            counts[way] += one.comes
            weight = (
                one.comes * one.worth * weights[lane] * (1.0 + max(0.0, one.waited_s - LONG_WAIT_S) / self.long_wait_s)
            )
            lines[lane].append((arrival, way, one.comes * float(headway_s[lane]), weight))
        for at, choices, comes in sorted(expected):
            lane, way = self._assign(Seen(-1, choices, 0.0, 0.0, 0.0, 0.0, Turn.UNKNOWN), counts)
            counts[way] += comes
            lines[lane].append((at, way, comes * float(headway_s[lane]), comes * float(weights[lane])))
        for lane in range(self._lanes):
            sight_s = float(view_m[lane]) / float(self.approaches.speed_mps[lane])
            more = partial(
                self._usual, lane=lane, headway_s=float(headway_s[lane]), weight=float(weights[lane]), counts=counts
            )
            unseen = float(hidden[lane]) if hidden is not None else 0.0
            if unseen > 0:
                lines[lane] += more(unseen, 0.0, sight_s if lane in fed else self.horizon_s)
            if lane not in fed:
                seen_s = max((arrival for arrival, *_ in lines[lane]), default=0.0) if unseen == 0 else 0.0
                lines[lane] += more(float(rates[lane]), max(sight_s, seen_s), self.horizon_s)
            if unseen > 0:
                lines[lane].sort(key=lambda one: one[0])
        overdue = np.zeros((self.horizon_s + 1 + LONGEST_REST_S, len(waiting)))
        first = len(self.ways.movements)
        for k, people in enumerate(waiting.tolist()):
            weight, line = float(weights[self._lanes + k]), lines[self._lanes + k]
            if people > 0:
                line.append((0.0, first + k, PEOPLE_HEADWAY_S, people * weight))
            told = [at for to, at in coming if to == k]
            line += [(at, first + k, PEOPLE_HEADWAY_S, weight) for at in told]
            line += self._walkers(float(rates[self._lanes + k]), first + k, weight, len(told))
            line.sort(key=lambda one: one[0])
            since = [(-wait_s, counts * weight) for crossing, wait_s, counts in on_foot if crossing == k]
            overdue[:, k] = _overdue([*since, *((at, counts) for at, _, _, counts in line if at > 0)], len(overdue))
        default = self._default_ways(first, len(waiting))
        return _traffic(lines, default, self.horizon_s, room, drain, spare, pace, overdue)

    def _default_ways(self, first: int, crossings: int) -> list[int]:
        return [found[0] if found else 0 for found in self._of_lane] + [first + k for k in range(crossings)]

    def _assign(self, one: Seen, counts: NDArray[np.float64]) -> tuple[int, int]:
        """Lane and way of one vehicle: what it tells, else what usually happens, spread evenly."""
        choices = [k for k in one.choices if self._of_lane[k]]
        if one.turn != Turn.UNKNOWN:
            fitting = [k for k in choices if one.turn in self._by_turn[k]]
            if not fitting and one.lane >= 0:  # it will change lanes yet
                fitting = [
                    k for k in range(self._lanes) if one.turn in self._by_turn[k] and self._is_beside(k, one.lane)
                ]
            if fitting:
                if one.lane in fitting:
                    return one.lane, self._by_turn[one.lane][one.turn]
                return self._likeliest([self._by_turn[k][one.turn] for k in fitting], counts)
        if one.lane >= 0:
            return one.lane, self._likeliest(self._of_lane[one.lane] or [0], counts)[1]
        options = [way for k in choices for way in self._of_lane[k]]
        return self._likeliest(options, counts) if options else (one.choices[0], 0)

    def _likeliest(self, options: Sequence[int], counts: NDArray[np.float64]) -> tuple[int, int]:
        """Lane and way that has fewest of those that it usually gets."""
        way = min(options, key=lambda k: (counts[k] + 0.5) / (self.shares[k] + 0.01))
        return self.ways.movements[way].lane, way

    def _walkers(self, rate: float, way: int, weight: float, told: int) -> list[tuple[float, int, float, float]]:
        """People that will come to a crosswalk, a few at a time, when as many have come as are seen on their way there."""
        group = max(1.0, WALKERS_EVERY_S * rate)
        if rate <= 0:
            return []
        times = np.arange((told + 0.5 * group) / rate, self.horizon_s, group / rate)
        return [(float(at), way, PEOPLE_HEADWAY_S, group * weight) for at in times]

    def _is_beside(self, a: int, b: int) -> bool:
        name = self.approaches.names
        return name[a].rsplit("_", 1)[0] == name[b].rsplit("_", 1)[0]

    def _usual(
        self,
        rate: float,
        from_s: float,
        to_s: float,
        lane: int,
        headway_s: float,
        weight: float,
        counts: NDArray[np.float64],
    ) -> list[tuple[float, int, float, float]]:
        """Arrivals that nobody has announced, evenly spaced."""
        found: list[tuple[float, int, float, float]] = []
        at = from_s + 0.5 / max(rate, 1e-6)
        while at < to_s and self._of_lane[lane]:
            way = min(self._of_lane[lane], key=lambda k: (counts[k] + 0.5) / (self.shares[k] + 0.01))
            counts[way] += 1
            found.append((at, way, headway_s, weight))
            at += 1.0 / rate
        return found


def _overdue(since: list[tuple[float, float]], seconds: int) -> NDArray[np.float64]:
    """(seconds,) Sum of the weights of who has waited too long by then, if they wait from the instants given on. [s, -]"""
    since.sort()
    total = np.cumsum([0.0, *(weight for _, weight in since)])
    late_s = np.array([at + OVERDUE_S for at, _ in since])
    result: NDArray[np.float64] = total[np.searchsorted(late_s, np.arange(seconds), side="right")]
    return result


def _traffic(
    lines: list[list[tuple[float, int, float, float]]],
    default_way: list[int],
    horizon_s: int,
    room: NDArray[np.float64],
    drain: NDArray[np.float64],
    spare: NDArray[np.float64],
    pace: float,
    overdue: NDArray[np.float64],
) -> Traffic:
    longest = max((len(line) for line in lines), default=0) + 1
    shape = (len(lines), longest)
    arrival, headway = np.full(shape, np.inf), np.ones(shape)
    movement = np.repeat(np.array(default_way, np.int64)[:, None], longest, axis=1)
    weight = np.zeros(shape)
    arrived = np.zeros((horizon_s + 1, len(lines)))
    seconds = np.arange(horizon_s + 1)
    for k, line in enumerate(lines):
        if not line:
            continue
        columns = np.array(line).T
        n = len(line)
        arrival[k, :n] = np.maximum.accumulate(columns[0])
        movement[k, :n], headway[k, :n] = columns[1].astype(np.int64), columns[2]
        headway[k, n] = columns[2, -1]
        total = np.concatenate([[0.0], np.cumsum(columns[3])])
        weight[k, : n + 1], weight[k, n + 1 :] = total, total[-1]
        arrived[:, k] = total[np.searchsorted(arrival[k, :n], seconds, side="right")]
    return Traffic(arrival, movement, headway, weight, arrived, room, drain, spare, overdue, OVERDUE_WEIGHT, pace)
