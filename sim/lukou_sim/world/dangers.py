"""Dangerous drivers and walkers: each waits for an occasion in the traffic, then makes one road user misbehave."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import libsumo
import numpy as np

from lukou_sim.district.layout import INTERSECTIONS, LEFT_OF, LEGS, OPPOSITE, OUTWARD, RIGHT_OF, Leg, road
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.scenario import Danger

WALKING_MPS = 1.9
"""Speed of a hurried walker. [m/s]"""
IGNORES_SIGNALS = 39
"""SUMO speed mode: keeps distance and its own limits, but neither right of way nor red lights nor foes in the junction."""
NORMAL_SPEED_MODE = 31
STOP_LINE_M = 16.6
"""From the middle of an intersection to its stop lines. [m]"""
TURNERS_M = 6.45
"""From the axis of a road to the lane on which those who turned right leave. [m]"""
DISTRACTED_S = 2.2
STANDS_S = 5.0
APPROACH_LANES = {"through": (2, 3), "right": (2,), "left": (4,)}


@dataclass(slots=True)
class Begun:
    """A danger that has begun."""

    danger: Danger
    actor: str
    other: str
    until_s: float
    state: dict[str, Any] = field(default_factory=dict)
    was_seen: bool = False
    """Whether the actor has been on the road since: a new walker comes one step later."""


@dataclass(frozen=True, slots=True)
class Event:
    """What the truth tells of a danger: kind, actor, other, scheduled identity."""

    kind: str
    actor: str
    other: str
    scheduled: str


class Dangers:
    """Schedules the dangers of a scenario.

    Parameters
    ----------
    dangers : sequence of Danger
        What shall happen.
    begin_s : float
        SUMO's time at the scenario's start. [s]
    """

    def __init__(self, dangers: tuple[Danger, ...], begin_s: float) -> None:
        self._waiting = [(begin_s + danger.at_s, danger) for danger in dangers]
        self._running: list[Begun] = []
        self.missed: list[str] = []
        """Dangers for which no occasion came in time."""

    def step(self, now_s: float, users: RoadUsers, signals: dict[str, dict[str, bool]]) -> list[Event]:
        """Start what has its occasion, go on with what runs, end what is over.

        Parameters
        ----------
        now_s : float
            SUMO's time. [s]
        users : RoadUsers
            Everybody now.
        signals : mapping of intersection to (group to whether it is green)
            What the heads show.
        """
        events = []
        for due_s, danger in list(self._waiting):
            if now_s < due_s:
                continue
            begun = _OCCASIONS[danger.kind](danger, now_s, users, signals[danger.site])
            if begun is not None:
                self._waiting.remove((due_s, danger))
                self._running.append(begun)
                events.append(Event(danger.kind, begun.actor, begun.other, danger.id))
            elif now_s > due_s + danger.within_s:
                self._waiting.remove((due_s, danger))
                self.missed.append(danger.id)
        alive = set(users.names)
        for begun in list(self._running):
            begun.was_seen |= begun.actor in alive
            over = now_s >= begun.until_s or (begun.was_seen and begun.actor not in alive)
            if begun.danger.kind in ("jaywalker", "pedestrian_red") and begun.actor in alive:
                _walk_on(begun, now_s)
                users.speed[users.names.index(begun.actor)] = WALKING_MPS  # SUMO tells none of those it is told to move
            if begun.danger.kind == "rear_end":
                _brake(begun, now_s, alive)
            if over:
                _end(begun, alive)
                self._running.remove(begun)
        return events

    def snapshot(self) -> dict[str, Any]:
        """What waits; what runs is let go at a restart."""
        return {"waiting": [danger.id for _, danger in self._waiting], "missed": self.missed}

    def restore(self, content: dict[str, Any]) -> None:
        """Continue from a snapshot."""
        self._waiting = [entry for entry in self._waiting if entry[1].id in content["waiting"]]
        self._running, self.missed = [], list(content["missed"])


def _leaders(site: str, leg: Leg, lanes: tuple[int, ...]) -> list[tuple[str, float, float]]:
    """First motor vehicle of each lane of an approach: name, distance to the stop line, speed. [m, m/s]"""
    found = []
    for lane in lanes:
        lane_id = f"{road(site, leg).approach}_{lane}"
        names = libsumo.lane.getLastStepVehicleIDs(lane_id)
        if names:
            length = libsumo.lane.getLength(lane_id)
            ahead = max(names, key=libsumo.vehicle.getLanePosition)
            gap = length - libsumo.vehicle.getLanePosition(ahead)
            found.append((ahead, gap, libsumo.vehicle.getSpeed(ahead)))
    return found


def _next_edge(name: str) -> str:
    route, index = libsumo.vehicle.getRoute(name), libsumo.vehicle.getRouteIndex(name)
    return str(route[index + 1]) if index + 1 < len(route) else ""


def _run_red(danger: Danger, now_s: float, users: RoadUsers, green: dict[str, bool]) -> Begun | None:
    """A driver going straight on does not stop although the red is old and cross traffic flows."""
    for leg in LEGS:
        crossing = [f"{side}-through" for side in LEGS if side not in (leg, OPPOSITE[leg])]
        if green[f"{leg}-through"] or not any(green[group] for group in crossing):
            continue
        for name, gap, speed in _leaders(danger.site, leg, APPROACH_LANES["through"]):
            if 25 < gap < 60 and speed > 7 and _next_edge(name) == road(danger.site, OPPOSITE[leg]).exit:
                libsumo.vehicle.setSpeedMode(name, IGNORES_SIGNALS)
                return Begun(danger, name, "", now_s + 12)
    return None


def _turn_left(danger: Danger, now_s: float, users: RoadUsers, green: dict[str, bool]) -> Begun | None:
    """A driver turns left on the red arrow in front of oncoming traffic."""
    for leg in LEGS:
        if green[f"{leg}-left"] or not green[f"{OPPOSITE[leg]}-through"]:
            continue
        oncoming = [
            name for name, gap, speed in _leaders(danger.site, OPPOSITE[leg], (2, 3)) if 18 < gap < 60 and speed > 6
        ]
        for name, gap, _ in _leaders(danger.site, leg, APPROACH_LANES["left"]):
            if gap < 20 and oncoming and _next_edge(name) == road(danger.site, LEFT_OF[leg]).exit:
                libsumo.vehicle.setSpeedMode(name, IGNORES_SIGNALS)
                return Begun(danger, name, oncoming[0], now_s + 12)
    return None


def _turn_right(danger: Danger, now_s: float, users: RoadUsers, green: dict[str, bool]) -> Begun | None:
    """A driver turns right across people walking with green, who will be in the way when it comes."""
    for leg in LEGS:
        crossed = RIGHT_OF[leg]
        if not green[f"{leg}-through"]:
            continue
        for name, gap, speed in _leaders(danger.site, leg, APPROACH_LANES["right"]):
            if gap < 30 and speed > 4 and _next_edge(name) == road(danger.site, crossed).exit:
                arrives_s = (gap + 22.0) / (0.5 * (speed + 8.0))
                walking = _people_in_way(danger.site, crossed, arrives_s, users)
                if not walking:
                    continue
                libsumo.vehicle.setSpeedMode(name, IGNORES_SIGNALS)
                people = " ".join(f"pedestrian_{k}" for k in range(4))
                libsumo.vehicle.setParameter(name, "junctionModel.ignoreTypes", people)
                return Begun(danger, name, walking[0], now_s + 12)
    return None


def _people_in_way(site: str, leg: Leg, in_s: float, users: RoadUsers) -> list[str]:
    """People who walk over the leaving lanes of a leg and will be where those who turned right pass, the nearest first."""
    x, y = INTERSECTIONS[site]
    east, north = OUTWARD[leg]
    outward = (users.x - x) * east + (users.y - y) * north
    across = (users.x - x) * -north + (users.y - y) * east
    pace = users.speed * (-north * np.cos(users.yaw) + east * np.sin(users.yaw))
    off = np.abs(across + pace * in_s + TURNERS_M)
    there = (off < 1.2) & (np.abs(outward - 15.0) < 3.5) & (np.abs(pace) > 0.5)
    found = np.flatnonzero(there)
    return [users.names[k] for k in found[np.argsort(off[found])] if users.names[k].startswith("person")]


def _stop_suddenly(danger: Danger, now_s: float, users: RoadUsers, green: dict[str, bool]) -> Begun | None:
    """A driver brakes hard without cause while the one behind looks away."""
    for leg in LEGS:
        for edge in (road(danger.site, leg).approach, road(danger.site, leg).exit):
            for lane in (2, 3):
                names = libsumo.lane.getLastStepVehicleIDs(f"{edge}_{lane}")
                for behind, ahead in pairwise(names):
                    v_behind, v_ahead = libsumo.vehicle.getSpeed(behind), libsumo.vehicle.getSpeed(ahead)
                    place, following = libsumo.vehicle.getLanePosition(ahead), libsumo.vehicle.getLanePosition(behind)
                    gap = place - following - libsumo.vehicle.getLength(ahead)
                    if v_ahead > 7.5 and v_behind > 7.5 and 8 < gap < 24 and place > 20 and _near(danger.site, ahead):
                        libsumo.vehicle.setSpeedMode(ahead, 0)
                        libsumo.vehicle.setSpeedMode(behind, 0)
                        libsumo.vehicle.setSpeed(behind, v_behind)
                        state = {"speed": v_ahead, "start": now_s}
                        return Begun(danger, ahead, behind, now_s + STANDS_S, state)
    return None


def _near(site: str, name: str, radius_m: float = 70.0) -> bool:
    x, y = libsumo.vehicle.getPosition(name)
    return math.hypot(x - INTERSECTIONS[site][0], y - INTERSECTIONS[site][1]) < radius_m


def _brake(begun: Begun, now_s: float, alive: set[str]) -> None:
    since = now_s - begun.state["start"]
    if begun.actor in alive:
        libsumo.vehicle.setSpeed(begun.actor, max(0.0, begun.state["speed"] - 7.5 * since))
    if begun.other in alive and since > DISTRACTED_S and not begun.state.get("awake"):
        begun.state["awake"] = True
        libsumo.vehicle.setSpeedMode(begun.other, NORMAL_SPEED_MODE)
        libsumo.vehicle.setSpeed(begun.other, -1)


def _walk_on_red(danger: Danger, now_s: float, users: RoadUsers, green: dict[str, bool]) -> Begun | None:
    """Someone runs over the arriving lanes on the crosswalk although its light is red and a vehicle comes with green."""
    return _run_across(danger, now_s, green, along_m=15.0)


def _jaywalk(danger: Danger, now_s: float, users: RoadUsers, green: dict[str, bool]) -> Begun | None:
    """Someone runs over the arriving lanes away from the crosswalk."""
    return _run_across(danger, now_s, green, along_m=38.0)


def _run_across(danger: Danger, now_s: float, green: dict[str, bool], along_m: float) -> Begun | None:
    kerb_m, centre = 14.0, INTERSECTIONS[danger.site]
    for leg in LEGS:
        if not green[f"{leg}-through"]:
            continue
        edge = road(danger.site, leg).approach
        for lane in APPROACH_LANES["through"]:
            lane_id = f"{edge}_{lane}"
            across_m = kerb_m - (1.5 + 3.3 * (4.5 - lane))
            needs_s = across_m / WALKING_MPS
            for name in libsumo.lane.getLastStepVehicleIDs(lane_id):
                speed = libsumo.vehicle.getSpeed(name)
                gap = libsumo.lane.getLength(lane_id) - libsumo.vehicle.getLanePosition(name) + STOP_LINE_M - along_m
                if speed > 6 and abs(gap / speed - needs_s) < 0.15:
                    east, north = OUTWARD[leg]
                    start = (centre[0] + east * along_m - north * kerb_m, centre[1] + north * along_m + east * kerb_m)
                    actor = f"person.{danger.id}"
                    length = libsumo.lane.getLength(lane_id)
                    place = min(length + STOP_LINE_M - along_m, length - 0.5)
                    libsumo.person.add(actor, edge, place, typeID="pedestrian_0")
                    libsumo.person.appendWalkingStage(actor, [edge], -1.0)
                    state = {"start": start, "along": (north, -east), "begin": now_s}
                    return Begun(danger, actor, name, now_s + 2 * kerb_m / WALKING_MPS, state)
    return None


def _walk_on(begun: Begun, now_s: float) -> None:
    (x, y), (dx, dy) = begun.state["start"], begun.state["along"]
    way = (now_s - begun.state["begin"]) * WALKING_MPS
    angle = math.degrees(math.atan2(dx, dy)) % 360  # SUMO: clockwise from north
    libsumo.person.moveToXY(begun.actor, "", x + dx * way, y + dy * way, angle, 6)


def _end(begun: Begun, alive: set[str]) -> None:
    for name in (begun.actor, begun.other):
        if name not in alive or name.startswith("person"):
            continue
        if name == begun.actor or begun.danger.kind == "rear_end":
            libsumo.vehicle.setSpeedMode(name, NORMAL_SPEED_MODE)
            libsumo.vehicle.setSpeed(name, -1)
            if begun.danger.kind == "right_turn":
                libsumo.vehicle.setParameter(name, "junctionModel.ignoreTypes", "")
    if begun.actor in alive and begun.actor.startswith("person"):
        libsumo.person.removeStages(begun.actor)


_OCCASIONS = {
    "red_light": _run_red,
    "left_turn": _turn_left,
    "right_turn": _turn_right,
    "rear_end": _stop_suddenly,
    "pedestrian_red": _walk_on_red,
    "jaywalker": _jaywalk,
}
