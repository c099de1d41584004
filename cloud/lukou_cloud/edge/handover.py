"""Identities across the gaps between intersections: who leaves one view is expected in the next, after the time that the way takes.

Travel-time-gated assignment on the lane graph: a vehicle that appears on a lane can only be one that was lost where lanes lead there,
long enough ago for the way and not much longer. Among several the likeliest in time, length and class is taken, and only where it is
likelier than a stranger. Compare D. Makris, T. Ellis, J. Black, "Bridging the Gaps between Cameras" (2004), where the
times are learned; here the map gives them, and the vehicle's own speed on either side.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from typing import Any

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

TIME_SHARE, TIME_S = 0.04, 0.4
"""Standard deviation of the time of a free way: a share of it, and a constant. [1, s]"""

HELD_S = 25.0
"""Mean delay of those who had to wait on the way, as of an exponential distribution. [s]"""

HELD_SHARE, SLOW_HELD_SHARE, SLOW_PACE = 0.15, 0.6, 0.5
"""Share of those who had to wait; of those who are slow where they appear or were slow where they were lost; what is slow."""

LENGTH_DEVIATION_M = 0.8
"""Standard deviation of the difference of two lengths of one vehicle. [m]"""

MOST_UNLIKE = 2.5
"""No difference of length counts for more: units mistake lengths at times. (log-likelihood)"""

OTHER_CLASS = -1.5
"""Log-likelihood of a class that two units see differently."""

LEAST_LIKELY = math.log(0.006)
"""Logarithm of the rate at which strangers appear on a lane: who fits less well is taken for one. [1/s]"""

WAY_S = 15.0
"""Time on the way in which the chance fades that somebody neither turned off nor came through another view. [s]"""

LANE_CHANGE = -1.2
"""Log-likelihood of each change of lane on the way."""

CHANGE_S, FREE_CHANGE_S = 3.0, 0.3
"""What a change of lane costs where changes are counted, and what it takes. [s]"""

LEARNED_EVERY = 600
"""After so many lists what is watched is learned anew."""

NEAR_M = 15.0
"""Nearer than this it is not where somebody went that tells his direction, but where he heads. [m]"""

BACKWARD = -0.3
"""Whoever would have had to go back this much has not come that way. (cosine of heading and way)"""

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
    x_m, y_m, ux, uy : float
        Position and unit vector of the motion. [m, 1]
    length_m : float
        Length. [m]
    object_class : int
        `lukou.v1.ObjectClass`.
    """

    at_ns: int
    lane: int
    ahead_s: float
    pace: float
    x_m: float
    y_m: float
    ux: float
    uy: float
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
        self._router = Router(self.model, lane_change_s=FREE_CHANGE_S)
        self._counting = Router(self.model, lane_change_s=CHANGE_S)
        self._seen = np.zeros(len(lanes) + 1, np.bool_)
        self._inside = np.append(lanes.kind == LaneKind.JUNCTION, False)
        self._watched: list[int] = []
        self._lists = 0
        self._speed = np.maximum(np.nan_to_num(lanes.speed_limit_mps, nan=UNKNOWN_SPEED_MPS), 1.0)
        self._following = only_successor(lanes)
        connections = self.model.connections
        inner = connections.via_lane >= 0
        self._before = dict(
            zip(connections.via_lane[inner].tolist(), connections.from_lane[inner].tolist(), strict=True)
        )

    def watch(self, tracks: UnitTracks) -> None:
        """Learn which junctions are watched: whoever crossed one of them would have been seen there."""
        self._seen[tracks.lane] = True
        self._lists += 1
        if self._lists % LEARNED_EVERY == 0:
            watched = np.flatnonzero(self._seen & self._inside).tolist()
            if watched != self._watched:
                self._watched = watched
                self._times.clear()

    def lose(self, number: int, at_ns: int, tracks: UnitTracks, row: int) -> None:
        """Remember a vehicle that no unit sees any longer."""
        place = self._place(tracks, row)
        if place is None:
            return
        self.lost.pop(number, None)
        self.lost[number] = self._lost(at_ns, place, tracks, row)
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
        found = self._lost(at_ns, place, tracks, row)
        times = self._times_to(found.lane)
        likely: list[tuple[float, int]] = []
        for number, one in self.lost.items():
            free_s, counted_s = float(times[0, one.lane]), float(times[1, one.lane])
            way_s, changes = free_s + found.ahead_s - one.ahead_s, (counted_s - free_s) / (CHANGE_S - FREE_CHANGE_S)
            if -0.5 < way_s < LONGEST_WAY_S and _is_onward(one, found):
                held = SLOW_HELD_SHARE if min(one.pace, found.pace) < SLOW_PACE else HELD_SHARE
                value = _likelihood((at_ns - one.at_ns) * 1e-9, way_s / _pace(one.pace, found.pace), held)
                value += LANE_CHANGE * changes - way_s / WAY_S
                value -= min(0.5 * ((found.length_m - one.length_m) / LENGTH_DEVIATION_M) ** 2, MOST_UNLIKE)
                value += OTHER_CLASS if found.object_class != one.object_class else 0.0
                likely.append((value, number))
        best = max(likely, default=(-math.inf, 0))
        if best[0] < LEAST_LIKELY:
            return 0
        del self.lost[best[1]]
        return best[1]

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "lost": [[number, *astuple(one)] for number, one in self.lost.items()],
            "seen": np.flatnonzero(self._seen).tolist(),
            "watched": self._watched,
            "lists": self._lists,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a snapshot."""
        self.lost = {int(number): Lost(int(at_ns), int(lane), *rest) for number, at_ns, lane, *rest in state["lost"]}
        self._seen[:] = False
        self._seen[state["seen"]] = True
        self._watched, self._lists = list(state["watched"]), int(state["lists"])
        self._times.clear()

    def _lost(self, at_ns: int, place: tuple[int, float, float], tracks: UnitTracks, row: int) -> Lost:
        vx, vy, yaw = float(tracks.vx_mps[row]), float(tracks.vy_mps[row]), float(tracks.yaw_rad[row])
        speed = math.hypot(vx, vy)
        ux, uy = (vx / speed, vy / speed) if speed > 1.0 else (math.cos(yaw), math.sin(yaw))
        x_m, y_m = float(tracks.x_m[row]), float(tracks.y_m[row])
        length_m, object_class = float(tracks.length_m[row]), int(tracks.object_class[row])
        return Lost(at_ns, *place, x_m, y_m, ux, uy, length_m, object_class)

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
        """Times to a lane, free and with changes of lane counted; those where vehicles appear are few, so each is worked out once."""
        if lane not in self._times:
            if len(self._times) >= 512:
                self._times.clear()
            most_s = LONGEST_WAY_S + 30.0
            self._times[lane] = np.array(
                [router.times_to(lane, most_s, self._watched) for router in (self._router, self._counting)]
            )
        return self._times[lane]


def _is_onward(one: Lost, found: Lost) -> bool:
    """Whether the way from one place to the other goes on, not back: nobody who left the map turns round behind its edge."""
    dx, dy = found.x_m - one.x_m, found.y_m - one.y_m
    away = math.hypot(dx, dy)
    if away < NEAR_M:
        return one.ux * found.ux + one.uy * found.uy > 0.0
    return min(one.ux * dx + one.uy * dy, found.ux * dx + found.uy * dy) > BACKWARD * away


def _pace(first: float, second: float) -> float:
    """Speed over the limit on the way between two places: that of both, where nobody had to wait."""
    moving = [one for one in (first, second) if one > 0.4]
    return min(max(sum(moving) / len(moving), 0.6), 1.2) if moving else 0.9


def _likelihood(passed_s: float, expected_s: float, held_share: float) -> float:
    """Logarithm of the density of a travel time: on time, or late by a wait at a red light or in a queue. [1/s]"""
    late_s, deviation_s = passed_s - expected_s, TIME_SHARE * expected_s + TIME_S
    free = math.exp(-0.5 * (late_s / deviation_s) ** 2) / (deviation_s * math.sqrt(2.0 * math.pi))
    held = math.exp(-late_s / HELD_S) / HELD_S if late_s > 0.0 else 0.0
    return math.log(max((1.0 - held_share) * free + held_share * held, 1e-12))
