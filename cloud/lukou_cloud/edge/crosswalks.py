"""Turning over a crosswalk on which people walk with green: told to those who turn before it becomes a danger."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_cloud.edge.lights import Light
from lukou_cloud.edge.notices import CROSSWALK, Notice, severity_of
from lukou_cloud.edge.road_users import Floats, Ints
from lukou_cloud.edge.scene import Scene, Surroundings, projected
from lukou_cloud.edge.service_settings import CrosswalkSettings
from lukou_maps.road_model import LaneKind, Turn
from lukou_messages.v1.vehicle_pb2 import TurnIntention

TURNING = (int(Turn.LEFT), int(Turn.RIGHT), int(Turn.TURN_AROUND))
INTENDED = {
    int(Turn.LEFT): int(TurnIntention.TURN_INTENTION_LEFT),
    int(Turn.RIGHT): int(TurnIntention.TURN_INTENTION_RIGHT),
    int(Turn.TURN_AROUND): int(TurnIntention.TURN_INTENTION_TURN_AROUND),
}
KERB_M = 1.0
"""Who stands this near before or behind the crosswalk and moves is about to walk over it. [m]"""

LEAST_MPS = 1.0
"""Slower vehicles wait already; slower people at the kerb do, too. [m/s]"""

HELD = 1.5
"""A vehicle that has been told is told on until it is this much farther away in time."""

REACH_M = 15.0
"""Crosswalks farther down the leaving lane belong to another junction. [m]"""

UNKNOWN_PROBABILITY = 0.6
"""That people have green where the light is not known."""


class _Way(NamedTuple):
    """A lane from which one turns over a crosswalk: way from its start to the crosswalk, `Turn`, and whether all on it turn so. [m]"""

    lane: int
    way_m: float
    turn: int
    is_sure: bool


class Crosswalks:
    """Who turns over which crosswalk while people walk on it.

    Parameters
    ----------
    settings : CrosswalkSettings
        Limits.
    surroundings : Surroundings
        The map.
    """

    def __init__(self, settings: CrosswalkSettings, surroundings: Surroundings) -> None:
        self._settings, self._surroundings = settings, surroundings
        table = surroundings.model.crosswalks
        self._ways = {k: ways for k in range(len(table)) if (ways := _ways(surroundings, k))}

    def step(self, scene: Scene) -> list[Notice]:
        """What is to be told now."""
        if not self._ways or not (scene.users.is_two_wheeled_or_on_foot & scene.users.is_trusted).any():
            return []
        moving = scene.drives & (scene.users.speed_mps > LEAST_MPS)
        told = {one.row: one.intention for one in scene.reports if one.row >= 0}
        at: dict[int, list[int]] = {}
        for row in np.flatnonzero(moving).tolist():
            at.setdefault(int(scene.lane[row]), []).append(row)
        notices = []
        for crosswalk, ways in self._ways.items():
            if scene.walks[crosswalk] in (Light.RED, Light.YELLOW):
                continue
            rows, left_m = _turners(scene, ways, at, told)
            if len(rows):
                notices += self._told(scene, crosswalk, rows, left_m)
        return notices

    def _told(self, scene: Scene, crosswalk: int, rows: Ints, left_m: Floats) -> list[Notice]:
        users, limit_s = scene.users, self._settings.ahead_s
        time_s = left_m / users.speed_mps[rows]
        near = time_s < HELD * limit_s
        if not near.any():
            return []
        walkers = self._walkers(scene, crosswalk)
        if len(walkers) == 0:
            return []
        name = self._surroundings.model.crosswalks.names[crosswalk]
        shown = "with green" if scene.walks[crosswalk] == Light.GREEN else "and their light is not known"
        lane = int(self._surroundings.model.crosswalks.lane[crosswalk])
        notices = []
        for row, in_s in zip(rows[near].tolist(), time_s[near].tolist(), strict=True):
            apart = np.hypot(users.x_m[walkers] - users.x_m[row], users.y_m[walkers] - users.y_m[row])
            walker = int(walkers[apart.argmin()])
            notices.append(
                Notice(
                    key=(CROSSWALK, int(users.id[row]), 0),
                    is_onset=in_s < limit_s,
                    addressed=((row, in_s),),
                    lanes=(lane,),
                    cause=walker,
                    x_m=float(users.x_m[walker]),
                    y_m=float(users.y_m[walker]),
                    advice="let people cross",
                    why=f"{users.id[row]} at {users.speed_mps[row]:.1f} m/s turns over {name} in {in_s:.1f} s; "
                    f"{len(walkers)} walk there {shown}",
                    severity=severity_of(float(users.speed_mps[row])),
                    probability=1.0 if scene.walks[crosswalk] == Light.GREEN else UNKNOWN_PROBABILITY,
                )
            )
        return notices

    def _walkers(self, scene: Scene, crosswalk: int) -> Ints:
        """Rows of those on a crosswalk, and of those who step onto it."""
        users, model = scene.users, self._surroundings.model
        lane = int(model.crosswalks.lane[crosswalk])
        points = model.lanes.points(lane)
        x, y, s = model.lanes.x_m[points], model.lanes.y_m[points], model.lanes.s_m[points]
        weak = np.flatnonzero(users.is_two_wheeled_or_on_foot & users.is_trusted)
        along, aside, heading = projected(x, y, s, users.x_m[weak], users.y_m[weak])
        inside = (np.abs(aside) < 0.5 * model.lanes.width_m[lane] + 0.3) & (along > 0.0) & (along < s[-1])
        pace = users.speed_mps[weak] * np.cos(users.heading_rad[weak] - heading)
        steps = (along > -KERB_M) & (along <= 0.0) & (pace > LEAST_MPS - 0.5)
        steps |= (along < s[-1] + KERB_M) & (along >= s[-1]) & (-pace > LEAST_MPS - 0.5)
        steps &= np.abs(aside) < 0.5 * model.lanes.width_m[lane]
        return np.asarray(weak[inside | steps], np.int64)


def _turners(scene: Scene, ways: list[_Way], at: dict[int, list[int]], told: dict[int, int]) -> tuple[Ints, Floats]:
    """Rows of those who turn over a crosswalk, of those who move `at` each lane, and their way to it. [m]"""
    rows, left = [], []
    for lane, way_m, turn, is_sure in ways:
        for row in at.get(lane, ()):
            if is_sure or told.get(row) == INTENDED[turn]:
                rows.append(row)
                left.append(way_m - scene.s_m[row] - 0.5 * scene.users.length_m[row])
    kept = {row: m for row, m in sorted(zip(rows, left, strict=True), key=lambda one: -one[1]) if m > 0.0}
    return np.array(list(kept), np.int64), np.array(list(kept.values()))


def _ways(surroundings: Surroundings, crosswalk: int) -> list[_Way]:
    """Lanes from which one turns over a crosswalk."""
    model = surroundings.model
    lanes, connections = model.lanes, model.connections
    crossed = model.crosswalks.crossed_lanes[crosswalk]
    over = np.isin(connections.to_lane, crossed) & np.isin(connections.turn, TURNING)
    found: dict[int, tuple[float, int, bool]] = {}
    for k in np.flatnonzero(over).tolist():
        inner = int(connections.via_lane[k])
        chain: list[int] = []
        while inner >= 0 and lanes.kind[inner] == LaneKind.JUNCTION and len(chain) < 8:
            chain.append(inner)
            following = [int(lane) for lane in lanes.successors[inner] if surroundings.is_driven[lane]]
            inner = following[0] if following else -1
        way = _entry_m(surroundings, crosswalk, chain[-1:], int(connections.to_lane[k]))
        for lane in reversed(chain):
            way += float(lanes.length_m[lane])
            found[lane] = (way, int(connections.turn[k]), True)
        start = int(connections.from_lane[k])
        same = connections.from_lane == start
        turns = set(connections.turn[same].tolist())
        found[start] = (way + float(lanes.length_m[start]), int(connections.turn[k]), len(turns) == 1)
    return [_Way(lane, *rest) for lane, rest in found.items()]


def _entry_m(surroundings: Surroundings, crosswalk: int, inner: list[int], to_lane: int) -> float:
    """Where the way over the last lane inside a junction and the leaving lane enters a crosswalk, from the latter's start. [m]"""
    model = surroundings.model
    lanes, lane = model.lanes, int(model.crosswalks.lane[crosswalk])
    before_m = float(lanes.length_m[inner[0]]) if inner else 0.0
    s_m = np.arange(-before_m, min(REACH_M, float(lanes.length_m[to_lane])), 0.5)
    on = np.where(s_m < 0.0, inner[0] if inner else to_lane, to_lane)
    x_m, y_m, _ = surroundings.geometry.pose(on, np.where(s_m < 0.0, s_m + before_m, s_m))
    points = lanes.points(lane)
    along, aside, _ = projected(lanes.x_m[points], lanes.y_m[points], lanes.s_m[points], x_m, y_m)
    inside = (np.abs(aside) < 0.5 * lanes.width_m[lane]) & (along > -1.0) & (along < lanes.length_m[lane] + 1.0)
    return float(s_m[inside.argmax()]) if inside.any() else 0.0
