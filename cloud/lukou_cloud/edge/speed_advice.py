"""Green light optimal speed advice (GLOSA): what speed passes the next signal at green, behind the queue, with the fewest stops.

From the forecasts of SPaT, where they are sure enough, and from how long the signal was not green the last two times, where that was
the same; from the vehicles between the one advised and the stop line, which leave one after the other (Highway Capacity Manual
2016, chapter 19: start-up lost time and saturation headway). Speeds are within the limit; nothing is ever a right to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lukou_cloud.edge.lights import LIGHT_OF, OF_COLOUR, Light
from lukou_cloud.edge.scene import Report, Scene, Surroundings
from lukou_cloud.edge.service_settings import AdviceSettings
from lukou_maps.road_model import LaneKind, Turn
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_messages.v1.advice_pb2 import AdviceAction, SpeedAdvice
from lukou_messages.v1.signal_pb2 import SignalGroupState, SignalState
from lukou_messages.v1.vehicle_pb2 import TurnIntention

_GREEN, _CLOSED = int(Light.GREEN), (int(Light.RED), int(Light.YELLOW))

LIFE_NS = 2_000_000_000
"""Advice is not to be followed longer than this. [ns]"""

STANDING_MPS = 2.0
"""Slower vehicles ahead are a queue. [m/s]"""

UNKNOWN_LIMIT_MPS = 13.9
"""Speed limit where the map tells none; 50 km/h. [m/s]"""

STEADY_S = 1.5
"""Two closed times that differ by less were meant to be equal. [s]"""

LEARNED_CONFIDENCE = 0.6
"""Trust in a closed time that was the same twice."""

LONGEST_S = 300.0
"""Closed times beyond are no cycle. [s]"""

TURNS = {
    int(TurnIntention.TURN_INTENTION_STRAIGHT): int(Turn.STRAIGHT),
    int(TurnIntention.TURN_INTENTION_LEFT): int(Turn.LEFT),
    int(TurnIntention.TURN_INTENTION_RIGHT): int(Turn.RIGHT),
    int(TurnIntention.TURN_INTENTION_TURN_AROUND): int(Turn.TURN_AROUND),
}


@dataclass(frozen=True, slots=True)
class Window:
    """When a way is open: from and until, in seconds from now, and how sure that is; nan: not known.

    Attributes
    ----------
    from_s, until_s : float
        0: now; nan: not known. [s]
    confidence : float
        0 to 1.
    why : str
        Where it comes from.
    """

    from_s: float
    until_s: float
    confidence: float
    why: str


def slowed_speed(distance_m: float, time_s: float, speed: float, braking: float) -> float:
    """Speed to slow down to, at a constant braking, so as to be somewhere at a time and not before.

    Parameters
    ----------
    distance_m, time_s : float
        Where and when. [m, s]
    speed, braking : float
        Speed now and deceleration. [m/s, m/s^2]

    Returns
    -------
    float
        The root of ``distance = v time + (speed - v)^2 / (2 braking)`` that is not above `speed`; 0 where even braking at
        once arrives too early. [m/s]
    """
    if speed * time_s <= distance_m:
        return speed
    half = braking * time_s - speed
    root = half * half - speed * speed + 2.0 * braking * distance_m
    return max(0.0, float(np.sqrt(root)) - half) if root > 0.0 else 0.0


@dataclass
class ClosedTimes:
    """How long each signal group was not green, the last two times."""

    closed_since: dict[tuple[str, str], int] = field(default_factory=dict)
    lasted: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def take(self, at_ns: int, state: SignalState) -> None:
        """Note what an intersection shows."""
        intersection = state.intersection
        for group in list(state.groups):
            key, light = (intersection, group.group), LIGHT_OF.get(group.colour, 0)
            if light in _CLOSED:
                self.closed_since.setdefault(key, at_ns if key in self.lasted else -1)
                continue
            since = self.closed_since.pop(key, None)
            if light != _GREEN or since == -1:  # a red whose beginning nobody saw says nothing
                self.lasted[key] = []
            elif since is None:
                self.lasted.setdefault(key, [])
            else:
                self.lasted[key] = [*self.lasted.get(key, [])[-1:], (at_ns - since) * 1e-9]

    def usual_s(self, key: tuple[str, str]) -> float:
        """How long a group is not green, where that was the same twice; else nan. [s]"""
        lasted = self.lasted.get(key, [])
        steady = len(lasted) == 2 and abs(lasted[0] - lasted[1]) < STEADY_S and lasted[1] < LONGEST_S
        return lasted[1] if steady else float("nan")

    def state(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "since": [[*key, at_ns] for key, at_ns in self.closed_since.items()],
            "lasted": [[*key, lasted] for key, lasted in self.lasted.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.closed_since = {(a, b): at_ns for a, b, at_ns in state["since"]}
        self.lasted = {(a, b): list(lasted) for a, b, lasted in state["lasted"]}


class SpeedAdvisor:
    """Advises the connected vehicles of a scene.

    Parameters
    ----------
    surroundings : Surroundings
        The map.
    settings : AdviceSettings
        Limits.
    configurations : iterable of SignalConfiguration
        Which group rules which connection.
    """

    def __init__(
        self, surroundings: Surroundings, settings: AdviceSettings, configurations: Iterable[SignalConfiguration]
    ) -> None:
        self._surroundings, self._settings = surroundings, settings
        model = surroundings.model
        self._group: dict[int, tuple[str, str]] = {}
        for configuration in configurations:
            for group in configuration.groups:
                for link in group.links:
                    for row in model.connection_of_link.get((configuration.intersection, link), ()):
                        self._group[int(row)] = (configuration.intersection, group.name)
        self._leaving: dict[int, list[int]] = {}
        for row in self._group:
            self._leaving.setdefault(int(model.connections.from_lane[row]), []).append(row)
        self.closed = ClosedTimes()

    def step(self, scene: Scene, states: Mapping[str, SignalState]) -> list[SpeedAdvice]:
        """Advice to all whom it concerns.

        Parameters
        ----------
        scene : Scene
            Everybody, and who reports itself.
        states : mapping of str to SignalState
            Latest valid state of each intersection; one that is missing is not known.
        """
        return [made for one in scene.reports if (made := self._advice(scene, one, states)) is not None]

    def _advice(self, scene: Scene, one: Report, states: Mapping[str, SignalState]) -> SpeedAdvice | None:
        s = self._settings
        lane, start_m = self._approach(one)
        if lane < 0:
            return None
        line_m = start_m + float(self._surroundings.model.lanes.length_m[lane]) - 0.5 * one.length_m
        if not s.least_m <= line_m <= s.reach_m:
            return None
        names = self._surroundings.model.lanes.names
        groups = self._groups(lane, one.intention)
        key = groups[0]
        made = SpeedAdvice(
            temporary_id=one.temporary_id,
            object_id=int(scene.users.id[one.row]) if one.row >= 0 else 0,
            intersection=key[0],
            lane=names[one.lane],
            stop_line_m=line_m,
            action=AdviceAction.ADVICE_ACTION_NONE,
            expires_at_ns=scene.now_ns + LIFE_NS,
        )
        state = states.get(key[0])
        if len(groups) > 1:
            made.why = f"{names[lane]} leads to {len(groups)} signal groups, and the turn is not told"
            return made
        made.signal_group = key[1]
        group = None if state is None else next((g for g in state.groups if g.group == key[1]), None)
        if group is None:
            made.why = f"the signals of {key[0]} are not known"
            return made
        return self._filled(made, scene, one, lane, group, key)

    def _filled(
        self, made: SpeedAdvice, scene: Scene, one: Report, lane: int, group: SignalGroupState, key: tuple[str, str]
    ) -> SpeedAdvice:
        """The advice with what the signal and the queue allow."""
        s, d = self._settings, made.stop_line_m
        limit = float(self._surroundings.model.lanes.speed_limit_mps[lane])
        limit = limit if limit == limit else UNKNOWN_LIMIT_MPS
        now = self._now(scene.now_ns, group)
        made.queued_vehicles = queue = self._queue(scene, one, lane, d, waits=now is None)
        clear_s = s.start_s + queue * s.headway_s if queue else 0.0
        speed = min(max(one.speed_mps, s.least_mps), limit)
        if (
            now is not None
            and max(d / limit, clear_s) < now.until_s - s.margin_s
            and now.confidence >= s.least_confidence
        ):
            wanted = max(clear_s, 0.0)
            fastest = min(limit, max(speed, d / (now.until_s - s.margin_s)))
            return self._made(made, scene, Window(wanted, now.until_s, now.confidence, now.why), fastest, one)
        then = self._next(scene.now_ns, group, key)
        if then is None or then.confidence < s.least_confidence:
            made.why = f"when {key[1]} turns green next is not foreseen"
            made.confidence = 0.0 if then is None else then.confidence
            return made
        free_s = then.from_s + s.margin_s + (s.start_s + queue * s.headway_s if queue else 0.0)
        return self._made(made, scene, Window(free_s, then.until_s, then.confidence, then.why), limit, one)

    def _made(self, made: SpeedAdvice, scene: Scene, window: Window, fastest: float, one: Report) -> SpeedAdvice:
        """Which speed reaches the line in a window."""
        s, d = self._settings, made.stop_line_m
        speed = one.speed_mps
        made.confidence = window.confidence
        made.passes_from_ns = scene.now_ns + round(window.from_s * 1e9)
        if window.until_s == window.until_s:
            made.passes_until_ns = scene.now_ns + round(window.until_s * 1e9)
        if d / fastest >= window.from_s:
            made.action, made.speed_mps = AdviceAction.ADVICE_ACTION_KEEP, fastest
        else:
            slow = slowed_speed(d, window.from_s, max(speed, 0.1), s.braking_mps2)
            if speed * window.from_s <= d:  # already slow enough: up to what arrives just then
                slow = d / window.from_s
            enough = slow >= s.least_mps
            made.action = AdviceAction.ADVICE_ACTION_SLOW if enough else AdviceAction.ADVICE_ACTION_STOP
            made.speed_mps = min(max(slow, s.least_mps), fastest)
        queued = f", {made.queued_vehicles} wait before it" if made.queued_vehicles else ""
        made.why = (
            f"{made.signal_group} of {made.intersection}, {d:.0f} m ahead, is open in {window.from_s:.0f} s "
            f"({window.why}{queued}): {made.speed_mps * 3.6:.0f} km/h"
        )
        return made

    def _now(self, now_ns: int, group: SignalGroupState) -> Window | None:
        """The green that is shown, if one is; until when it is sure enough to last."""
        if OF_COLOUR.get(group.colour, Light.UNKNOWN) != Light.GREEN:
            return None
        least = (group.min_end_at_ns - now_ns) * 1e-9 if group.HasField("min_end_at_ns") else 0.0
        if group.HasField("likely_end_at_ns"):
            confidence = 1.0 if group.is_committed else group.confidence
            likely = (group.likely_end_at_ns - now_ns) * 1e-9
            if confidence >= self._settings.least_confidence:
                return Window(0.0, likely, confidence, "green now, its end is foreseen")
        return Window(0.0, least, 1.0, "green now, at least so long")

    def _next(self, now_ns: int, group: SignalGroupState, key: tuple[str, str]) -> Window | None:
        """The next green, where it is foreseen."""
        light = OF_COLOUR.get(group.colour, Light.UNKNOWN)
        told = group.HasField("likely_end_at_ns")
        confidence = 1.0 if group.is_committed else group.confidence
        ends_s = (group.likely_end_at_ns - now_ns) * 1e-9 if told else float("nan")
        usual_s = self.closed.usual_s(key)
        nan = float("nan")
        if light == Light.RED and told and confidence >= self._settings.least_confidence:
            return Window(max(ends_s, 0.0), nan, confidence, "as SPaT foresees")
        if light in (Light.RED, Light.YELLOW):
            since = self.closed.closed_since.get(key, -1)
            if usual_s != usual_s or since < 0:
                return None
            left_s = usual_s - (now_ns - since) * 1e-9
            return Window(left_s, nan, LEARNED_CONFIDENCE, "as the last two times") if left_s > -1.0 else None
        if light == Light.GREEN and told and usual_s == usual_s:
            return Window(max(ends_s, 0.0) + usual_s, nan, min(confidence, LEARNED_CONFIDENCE), "as the last two times")
        return None

    def _approach(self, one: Report) -> tuple[int, float]:
        """The lane before the next signal, and the way to its start (negative: it is on it); -1: none near. [m]"""
        if one.lane < 0:
            return -1, 0.0
        kinds = self._surroundings.model.lanes.kind
        reach = self._surroundings.downstream(one.lane)
        for lane, offset in zip(reach.lane.tolist(), reach.offset_m.tolist(), strict=True):
            if lane in self._leaving and kinds[lane] == LaneKind.ROAD:
                return lane, offset - one.s_m
        return -1, 0.0

    def _groups(self, lane: int, intention: int) -> list[tuple[str, str]]:
        """Signal groups that rule the ways from a lane that a vehicle may take."""
        rows = self._leaving[lane]
        turns = self._surroundings.model.connections.turn
        meant = [row for row in rows if int(turns[row]) == TURNS.get(intention, -1)]
        return sorted({self._group[row] for row in meant or rows})

    def _queue(self, scene: Scene, one: Report, lane: int, line_m: float, waits: bool) -> int:
        """Vehicles between a vehicle and its stop line, on the lane of the line: those that stand, or all where they will have to."""
        lanes = self._surroundings.model.lanes
        left_m = lanes.length_m[lane] - scene.s_m
        there = scene.drives & (scene.lane == lane) & (left_m < line_m)
        there &= waits | (scene.users.speed_mps < STANDING_MPS)
        if one.row >= 0:
            there[one.row] = False
        return int(np.count_nonzero(there))
