"""What the informative services look at: everybody on their lanes, the signals, and who reports itself, a few times a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lukou_cloud.edge.lights import first_walk
from lukou_cloud.edge.road_users import Booleans, Floats, Ints, RoadUsers
from lukou_maps.geometry import LaneGeometry
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind, Participants, RoadModel

SAME_ROAD_USER_M = 4.0
"""A report and a track farther apart are two road users. [m]"""

REACH_M = 300.0
"""Lanes farther up or down the road are never looked at. [m]"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a connected vehicle last told of itself, carried to now.

    Attributes
    ----------
    temporary_id, role, intention : int
        As in `lukou.v1.VehicleReport`.
    row : int
        Row of the road user that it is; -1: nobody sees it.
    lane : int
        Lane, -1: none.
    x_m, y_m, heading_rad, speed_mps, s_m, length_m : float
        Centre, direction, speed, arc length on the lane, length. [m, rad, m/s]
    """

    temporary_id: int
    role: int
    intention: int
    row: int
    lane: int
    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float
    s_m: float
    length_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One instant.

    Attributes
    ----------
    now_ns : int
        Instant, nanoseconds POSIX UTC.
    users : RoadUsers
        Everybody.
    lane : (n,) int array
        Lane of each, -1: on none.
    s_m, d_m : (n,) float array
        Arc length on it and offset from its middle, left positive. [m]
    sureness : (n,) float array
        Probability of that lane.
    walks : (k,) int array
        `Light` that each crosswalk shows to people on foot.
    light : (c,) int array
        `Light` of each connection.
    reports : tuple of Report
        Connected vehicles.
    """

    now_ns: int
    users: RoadUsers
    lane: Ints
    s_m: Floats
    d_m: Floats
    sureness: Floats
    walks: Ints
    light: Ints
    reports: tuple[Report, ...] = ()

    @property
    def drives(self) -> Booleans:
        """Trusted vehicles on a lane."""
        return (self.lane >= 0) & self.users.is_trusted & ~self.users.is_two_wheeled_or_on_foot


@dataclass(frozen=True, slots=True)
class Told:
    """A report as it came: instant, and columns of `lukou.v1.VehicleReport`."""

    at_ns: int
    temporary_id: int
    object_class: int
    role: int
    intention: int
    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float
    length_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Lanes from which a lane is reached, or that are reached from it: the lane itself first.

    Attributes
    ----------
    lane : (m,) int array
        Lanes, nearest first.
    offset_m : (m,) float array
        Way between the lane's start and theirs, 0 for itself. [m]
    """

    lane: Ints
    offset_m: Floats


@dataclass
class Surroundings:
    """What the services ask of a map; worked out when first asked for.

    Parameters
    ----------
    model : RoadModel
        The map.
    """

    model: RoadModel
    geometry: LaneGeometry = field(init=False)
    _upstream: dict[int, Reach] = field(default_factory=dict)
    _downstream: dict[int, Reach] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.geometry = LaneGeometry(self.model.lanes)
        self.matcher = LaneMatcher(self.model, (LaneKind.ROAD, LaneKind.JUNCTION))
        self.matcher.candidates(np.zeros(1), np.zeros(1))  # builds its grid now
        kinds, users = self.model.lanes.kind, self.model.lanes.participants
        self.is_driven = (kinds <= LaneKind.JUNCTION) & ((users & int(Participants.MOTOR)) > 0)

    def scene(self, now_ns: int, users: RoadUsers, light: Ints, told: list[Told]) -> Scene:
        """Everybody on their lanes.

        Parameters
        ----------
        now_ns : int
            Instant.
        users : RoadUsers
            Everybody then.
        light : (l,) int array
            `Light` of each line of `Lights`.
        told : list of Told
            Reports that are still valid.
        """
        heading = np.where(users.speed_mps > 0.5, users.heading_rad, np.nan)
        at = self.matcher.match(users.x_m, users.y_m, heading, users.object_class, np.maximum(users.deviation_m, 0.5))
        lane = np.where(np.abs(at.d_m) < 0.5 * self.model.lanes.width_m[at.lane] + 0.5, at.lane, -1)
        reports = self._placed(told, now_ns, users)
        walks, light = light[first_walk(self.model) :], light[: len(self.model.connections)]
        return Scene(now_ns, users, lane, at.s_m, at.d_m, at.probability, walks, light, reports)

    def _placed(self, told: list[Told], now_ns: int, users: RoadUsers) -> tuple[Report, ...]:
        """Reports carried to now, on their lanes, with the road users that they are."""
        if not told:
            return ()
        values = [(one.x_m, one.y_m, one.yaw_rad, one.speed_mps, (now_ns - one.at_ns) * 1e-9) for one in told]
        x_m, y_m, yaw, speed, age_s = np.array(values, np.float64).T
        way_m = speed * np.maximum(age_s, 0.0)
        x_m, y_m = x_m + way_m * np.cos(yaw), y_m + way_m * np.sin(yaw)
        at = self.matcher.match(x_m, y_m, yaw, np.array([one.object_class for one in told], np.int64))
        rows = np.full(len(told), -1)
        if len(users):
            apart = (
                np.hypot(users.x_m - x_m[:, None], users.y_m - y_m[:, None]) + 10.0 * users.is_two_wheeled_or_on_foot
            )
            apart += 2.0 * (1.0 - np.cos(users.heading_rad - yaw[:, None])) * (users.speed_mps > 1.0)
            nearest = apart.argmin(axis=1)
            rows = np.where(apart[np.arange(len(told)), nearest] < SAME_ROAD_USER_M, nearest, -1)
        return tuple(
            Report(
                one.temporary_id, one.role, one.intention, int(rows[k]), int(at.lane[k]), float(x_m[k]), float(y_m[k]),
                one.yaw_rad, one.speed_mps, float(at.s_m[k]), one.length_m,
            )
            for k, one in enumerate(told)
        )  # fmt: skip

    def upstream(self, lane: int) -> Reach:
        """Lanes that lead to a lane: `offset_m` is the way from their starts to its start."""
        if lane not in self._upstream:
            self._upstream[lane] = self._reach(lane, is_up=True)
        return self._upstream[lane]

    def downstream(self, lane: int) -> Reach:
        """Lanes that a lane leads to: `offset_m` is the way from its start to theirs."""
        if lane not in self._downstream:
            self._downstream[lane] = self._reach(lane, is_up=False)
        return self._downstream[lane]

    def _reach(self, lane: int, is_up: bool) -> Reach:
        lanes = self.model.lanes
        following = lanes.predecessors if is_up else lanes.successors
        best, pending = {lane: 0.0}, [lane]
        while pending:
            here = min(pending, key=best.__getitem__)
            pending.remove(here)
            ends_m = best[here] + (0.0 if is_up else float(lanes.length_m[here]))
            for other in following[here].tolist():
                offset = ends_m + (float(lanes.length_m[other]) if is_up else 0.0)
                start_m = offset - (float(lanes.length_m[other]) if is_up else 0.0)
                if self.is_driven[other] and start_m < REACH_M and offset < best.get(other, np.inf):
                    best[other] = offset
                    pending.append(other)
        order = sorted(best, key=best.__getitem__)
        return Reach(np.array(order, np.int64), np.array([best[one] for one in order]))

    def ahead_of(self, scene: Scene, lane: int, s_m: float) -> Floats:
        """How far each road user has to drive to (lane, s); nan: it does not lead there, or is past it. [m]"""
        reach = self.upstream(lane)
        way = np.full(len(self.model.lanes) + 1, np.nan)
        way[reach.lane] = reach.offset_m
        left = way[scene.lane] + s_m - scene.s_m
        return np.where((left > 0.0) & (left < REACH_M), left, np.nan)

    def behind_of(self, scene: Scene, lane: int, s_m: float) -> Floats:
        """How far ahead of (lane, s) each road user is on the ways that lead on from there; nan: not on them. [m]"""
        reach = self.downstream(lane)
        way = np.full(len(self.model.lanes) + 1, np.nan)
        way[reach.lane] = reach.offset_m
        left = way[scene.lane] + scene.s_m - s_m
        return np.where((left > 0.0) & (left < REACH_M), left, np.nan)


def projected(x: Floats, y: Floats, s: Floats, px: Floats, py: Floats) -> tuple[Floats, Floats, Floats]:
    """Where points lie along a line; beyond its ends along the tangent.

    Parameters
    ----------
    x, y, s : (p,) float array
        Points of the line and their arc lengths. [m]
    px, py : (n,) float array
        Points. [m]

    Returns
    -------
    along_m, aside_m, heading_rad : (n,) float array
        Arc length, offset to the left, direction of the line there. [m, m, rad]
    """
    dx, dy = np.diff(x), np.diff(y)
    length = np.maximum(np.hypot(dx, dy), 1e-6)
    ux, uy = dx / length, dy / length
    rx, ry = px[:, None] - x[:-1], py[:, None] - y[:-1]
    along = rx * ux + ry * uy
    low, high = np.zeros(len(length)), length.copy()
    low[0], high[-1] = -np.inf, np.inf
    inside = np.clip(along, low, high)
    apart = np.hypot(rx - inside * ux, ry - inside * uy)
    best = apart.argmin(axis=1)
    rows = np.arange(len(px))
    aside = rx[rows, best] * -uy[best] + ry[rows, best] * ux[best]
    return s[best] + inside[rows, best], aside, np.arctan2(uy[best], ux[best])
