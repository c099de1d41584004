"""Identities across the gaps between intersections: who leaves one view is expected in the next, after the time that the way takes.

Travel-time-gated assignment on the lane graph: a vehicle that appears on a lane can only be one that was lost where lanes lead there,
long enough ago for the way and not much longer. Among several the likeliest in delay, length and class is taken; of those
that are about as likely on one lane the one lost first, since vehicles on a lane rarely pass each other. Compare D. Makris, T. Ellis, J. Black,
"Bridging the Gaps between Cameras" (2004), where the times are learned; here the map gives them, and how much slower the
street is than its limits is learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from lukou_cloud.edge.road_users import Floats
from lukou_cloud.edge.tracks import UnitTracks
from lukou_maps.assembly import only_successor
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_maps.routing import UNKNOWN_SPEED_MPS, Router

REMEMBERED_S = 150.0
"""Who is not seen again for so long has parked or left. [s]"""

LONGEST_WAY_S = 90.0
"""Gaps that take longer at the limits are not bridged. [s]"""

EARLY_SHARE, EARLY_S = 0.12, 1.5
"""Standard deviation of arriving before the expected time: a share of it, and a constant. [1, s]"""

LATE_S = 8.0
"""Mean delay beyond the expected time, as of an exponential distribution. [s]"""

LENGTH_DEVIATION_M = 0.8
"""Standard deviation of the difference of two lengths of one vehicle. [m]"""

OTHER_CLASS = -2.0
"""Log-likelihood of a class that two units see differently."""

LEAST_LIKELY = -9.0
"""Who fits less well than this is taken for somebody who has come from a side street."""

ABOUT_AS_LIKELY = 2.5
"""Within this difference of log-likelihood the order on the lane decides."""

MOST_LOST = 400
"""Lost identities kept; the oldest go first."""

PEDESTRIAN = 6
"""`lukou.v1.ObjectClass`: who walks is not bound to lanes."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Who was last seen where.

    Attributes
    ----------
    at_ns : int
        Instant.
    lane : int
        Road lane.
    ahead_s : float
        Time from the start of that lane at its limit; negative where the lane is still ahead. [s]
    pace : float
        Speed over the limit there.
    length_m : float
        Length. [m]
    object_class : int
        `lukou.v1.ObjectClass`.
    """

    at_ns: int
    lane: int
    ahead_s: float
    pace: float
    length_m: float
    object_class: int


@dataclass
class HandOver:
    """Remembers who was lost, and recognises them.

    Attributes
    ----------
    model : RoadModel
        The map.
    lost : dict of int to Lost
        By identity, the oldest first.
    """

    model: RoadModel
    lost: dict[int, Lost] = field(default_factory=dict)
    _times: dict[int, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lanes = self.model.lanes
        self._router = Router(self.model)
        self._speed = np.maximum(np.nan_to_num(lanes.speed_limit_mps, nan=UNKNOWN_SPEED_MPS), 1.0)
        self._following = only_successor(lanes)
        connections = self.model.connections
        inner = connections.via_lane >= 0
        self._before = dict(
            zip(connections.via_lane[inner].tolist(), connections.from_lane[inner].tolist(), strict=True)
        )

    def lose(self, number: int, at_ns: int, tracks: UnitTracks, row: int) -> None:
        """Remember a vehicle that no unit sees any longer."""
        place = self._place(tracks, row)
        if place is None:
            return
        lane, ahead_s, pace = place
        self.lost.pop(number, None)
        self.lost[number] = Lost(at_ns, lane, ahead_s, pace, float(tracks.length_m[row]), int(tracks.object_class[row]))
        while len(self.lost) > MOST_LOST:
            del self.lost[next(iter(self.lost))]

    def recognise(self, at_ns: int, tracks: UnitTracks, row: int, alive: set[int]) -> int:
        """Identity of a vehicle that has just appeared; 0 where it is nobody who was lost.

        Parameters
        ----------
        at_ns : int
            Instant of the list.
        tracks : UnitTracks
            The list.
        row : int
            The vehicle in it.
        alive : set of int
            Identities that are seen now.
        """
        oldest_ns = at_ns - round(REMEMBERED_S * 1e9)
        for number in [number for number, one in self.lost.items() if one.at_ns < oldest_ns or number in alive]:
            del self.lost[number]
        place = self._place(tracks, row) if self.lost else None
        if place is None:
            return 0
        lane, ahead_s, pace = place
        times = self._times_to(lane)
        length_m, object_class = float(tracks.length_m[row]), int(tracks.object_class[row])
        likely: list[tuple[float, int, int]] = []
        for number, one in self.lost.items():
            way_s = float(times[one.lane]) - one.ahead_s + ahead_s
            if -0.5 < way_s < LONGEST_WAY_S:
                value = _likelihood((at_ns - one.at_ns) * 1e-9, way_s / _pace(one.pace, pace))
                value -= 0.5 * ((length_m - one.length_m) / LENGTH_DEVIATION_M) ** 2
                value += OTHER_CLASS if object_class != one.object_class else 0.0
                likely.append((value, one.at_ns, number))
        best = max(likely, default=(-math.inf, 0, 0))
        if best[0] < LEAST_LIKELY:
            return 0
        there = self.lost[best[2]].lane
        first = min(
            (one for one in likely if one[0] > best[0] - ABOUT_AS_LIKELY and self.lost[one[2]].lane == there),
            key=lambda one: one[1],
        )
        del self.lost[first[2]]
        return first[2]

    def state(self) -> list[list[float]]:
        """For a snapshot."""
        return [
            [number, one.at_ns, one.lane, one.ahead_s, one.pace, one.length_m, one.object_class]
            for number, one in self.lost.items()
        ]

    def restore(self, state: list[list[float]]) -> None:
        """From a snapshot."""
        self.lost = {
            int(number): Lost(int(at_ns), int(lane), ahead_s, pace, length_m, int(object_class))
            for number, at_ns, lane, ahead_s, pace, length_m, object_class in state
        }

    def _place(self, tracks: UnitTracks, row: int) -> tuple[int, float, float] | None:
        """Road lane, time from its start at the limit, speed over the limit; None where no lane tells the way."""
        lane, s_m = int(tracks.lane[row]), float(tracks.lane_s_m[row])
        if lane < 0 or int(tracks.object_class[row]) == PEDESTRIAN:
            return None
        pace = math.hypot(float(tracks.vx_mps[row]), float(tracks.vy_mps[row])) / float(self._speed[lane])
        ahead_s, lanes = s_m / float(self._speed[lane]), self.model.lanes
        for _ in range(4):
            if lanes.kind[lane] != LaneKind.JUNCTION:
                break
            before = self._before.get(lane)  # inside a junction: counted from the start of the lane that led there
            if before is None:
                ahead_s -= float(lanes.length_m[lane] / self._speed[lane])
                lane = int(self._following[lane])
                if lane < 0:
                    return None
                continue
            # a connection is one way on: it is known which lane follows
            following = int(self._following[lane])
            if following < 0:
                lane, ahead_s = before, ahead_s + float(lanes.length_m[before] / self._speed[before])
            else:
                ahead_s -= float(lanes.length_m[lane] / self._speed[lane])
                lane = following
        return (lane, ahead_s, pace) if self._router.is_routable[lane] else None

    def _times_to(self, lane: int) -> Floats:
        """Times to a lane; those where vehicles appear are few, so each is worked out once."""
        if lane not in self._times:
            if len(self._times) >= 512:
                self._times.clear()
            self._times[lane] = self._router.times_to(lane, LONGEST_WAY_S + 30.0)
        return self._times[lane]


def _pace(first: float, second: float) -> float:
    """Speed over the limit on the way between two places: that of both, where nobody had to wait."""
    moving = [one for one in (first, second) if one > 0.4]
    return min(max(sum(moving) / len(moving), 0.6), 1.2) if moving else 0.9


def _likelihood(passed_s: float, expected_s: float) -> float:
    """Logarithm of the likelihood of a travel time: a little early, or late by a wait at a red light or in a queue."""
    late_s = passed_s - expected_s
    if late_s < 0.0:
        return -0.5 * (late_s / (EARLY_SHARE * expected_s + EARLY_S)) ** 2
    return -late_s / (LATE_S + 0.2 * expected_s)
