"""The region's core: object list and signal states in, commands and traffic states out, once a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from lukou_cloud.fusion import warm as fusion
from lukou_cloud.region.coordination import Coordination
from lukou_cloud.region.edges import Edges
from lukou_cloud.region.intersection import Intersection, intersection_of
from lukou_cloud.region.neighbours import Neighbours, behind_m
from lukou_cloud.region.orders import TURN_NS, Orders
from lukou_cloud.region.search.warm import warm
from lukou_cloud.region.settings import RegionSettings
from lukou_maps.map_keeper import MapKeeper
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, load
from lukou_messages.objects import ObjectList
from lukou_messages.process import INVALID, Input, Output
from lukou_messages.v1.command_pb2 import CommandReply, CommandStatus
from lukou_messages.v1.event_pb2 import Event, Severity
from lukou_messages.v1.traffic_pb2 import TrafficState, ViewLevel

SNAPSHOT_VERSION = 21

TOLD_LIFE_NS = 5 * 10**9
"""So long it is remembered what a vehicle told of its turn after it last did."""


class RegionCore:
    """Times the signals of a district.

    Parameters
    ----------
    settings : RegionSettings
    road : RoadModel
        Map of the district.
    configurations : sequence of SignalConfiguration
        Of its intersections.
    """

    def __init__(
        self, settings: RegionSettings, road: RoadModel, configurations: Sequence[SignalConfiguration]
    ) -> None:
        self.settings = settings
        self._maps, self._map_hash = MapKeeper(road), road.content_hash
        self._intersections = {c.intersection: intersection_of(road, c, settings.timing) for c in configurations}
        places = {name: (p.approaches, p.timing, p.queues.reach) for name, p in self._intersections.items()}
        self._orders = Orders(settings, Neighbours(places), Coordination(self._intersections, settings.stale_s))
        behind = behind_m(road, [p.timing.ways for p in self._intersections.values()], settings.timing.view_m)
        for place in self._intersections.values():
            place.queues.behind_m = behind
        self._turns: dict[int, tuple[int, int]] = {}  # what vehicles told: when, and which turn
        self._edges = Edges(settings, road)
        self._origin_ns = 0
        self._next_log_ns = 0
        self._next_turn_ns = 0
        self._events = 0

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take what has come; once a second, decide for every intersection."""
        if self._orders.fence == 0:
            self._orders.fence, self._origin_ns = now_ns // 10**6, now_ns
            self._next_turn_ns = -(-now_ns // TURN_NS) * TURN_NS  # the first whole second
            self._next_log_ns = now_ns + round(self.settings.log_every_s * 1e9)
        outputs = self._listen(now_ns, [one for one in inputs if one.topic == "fused_objects"])
        for one in inputs:
            if one.topic == "signal" and one.value.intersection in self._intersections:
                place = self._intersections[one.value.intersection]
                place.signal, place.signal_ns = one.value, one.measured_at_ns
                place.actuation.hear(one.measured_at_ns, one.value)
            elif one.topic == "vehicle":
                self._turns[one.value.temporary_id] = (now_ns, int(one.value.intention))
            elif one.topic == "command_reply":
                outputs += self._take_reply(now_ns, one.value)
            elif one.topic == "map":
                self._maps.take(one.value)
        if now_ns < self._next_turn_ns:
            for place in self._intersections.values():
                outputs += self._orders.hasten(now_ns, place)
            return outputs
        self._next_turn_ns = (now_ns // TURN_NS + 1) * TURN_NS
        is_log = now_ns >= self._next_log_ns
        if is_log:
            self._next_log_ns += round(self.settings.log_every_s * 1e9)
        self._turns = {k: told for k, told in self._turns.items() if now_ns - told[0] <= TOLD_LIFE_NS}
        turns = {k: told[1] for k, told in self._turns.items()}
        everybody = self._edges.everybody(now_ns)
        for place in self._intersections.values():
            outputs += self._turn(
                now_ns, place, is_log, turns, None if everybody is None else everybody.around(*place.middle_m)
            )
        return outputs

    def _listen(self, now_ns: int, lists: Sequence[Input]) -> list[Output]:
        """Take the edges' lists; tell the list of all of them where there are several, and which have fallen silent."""
        outputs = []
        for edge, is_back, text in self._edges.take(now_ns, lists):
            kind = "region.edge_back" if is_back else "region.edge_silent"
            severity = Severity.SEVERITY_INFO if is_back else Severity.SEVERITY_WARNING
            outputs.append(self._event(now_ns, kind, severity, edge, text))
        told = self._edges.told(now_ns)
        return outputs if told is None else [*outputs, told]

    # --- one intersection -------------------------------------------------------------------------------------------

    def _turn(
        self, now_ns: int, place: Intersection, is_log: bool, turns: dict[int, int], objects: ObjectList | None
    ) -> list[Output]:
        stale_ns = self.settings.stale_s * 1e9
        outputs: list[Output] = []
        hears = place.signal is not None and now_ns - place.signal_ns <= stale_ns
        place.following = -1
        if objects is None:
            return self._unseen(now_ns, place, "no fresh object list", is_log, hears)
        seen_m = place.view.seen_m(objects.perceived_areas)
        level = place.view.level(seen_m)
        if level == ViewLevel.VIEW_LEVEL_BLIND:
            return self._unseen(now_ns, place, "no perceived area covers most approaches", is_log, hears)
        outputs += self._view_changed(now_ns, place, level)
        now_s = (now_ns - self._origin_ns) / 1e9
        stage = place.follow() if hears else -1
        is_heard = stage >= 0 or (hears and place.signal is not None and place.signal.in_transition)
        situation = place.queues.update(
            now_s, objects, stage, turns, seen_m, is_heard, place.changing(now_ns) if hears else None
        )
        place.timing.lineup.learn(place.queues.crossed, turns)
        command = None
        if hears and place.signal is not None:
            command = self._orders.decide(now_ns, place, place.signal, situation)
        else:
            place.decision = "no signal state: nothing is ordered"
        departures = place.queues.departures.tolist()
        gone = [a - b for a, b in zip(departures, place.last_departures, strict=True)]
        rates = place.queues.rates.tolist()
        state = place.meter.update(now_s, objects, situation, rates, gone, place.decision, 1.0, level)
        outputs.append(Output("traffic", state, now_ns))
        if is_log:
            outputs.append(Output("traffic_log", self._logged(state), now_ns))
            place.meter.reset()
            place.last_departures = departures
        return outputs + self._orders.sent(now_ns, place, command)

    def _unseen(self, now_ns: int, place: Intersection, reason: str, is_log: bool, hears: bool) -> list[Output]:
        """Who sees nothing does not take the streets for empty: the cabinet's detectors decide, or else its own plan runs."""
        name, signal, command = place.configuration.intersection, place.signal, None
        takes_stages = signal is not None and not signal.HasField("plan")
        if hears and signal is not None and takes_stages and place.actuation.is_possible():
            level, kind = ViewLevel.VIEW_LEVEL_DETECTORS, "region.detectors_only"
            text = f"blind: {reason}; greens follow the cabinet's detectors"
            place.follow()
            command = self._orders.decide(now_ns, place, signal, None)
        else:
            level, kind = ViewLevel.VIEW_LEVEL_BLIND, "region.blind"
            place.decision = text = f"blind: {reason}; the intersection keeps its own plan"
            place.told = None
        state = TrafficState(intersection=name, interval_s=1.0, view=level, decision=place.decision)
        outputs = [Output("traffic", state, now_ns, INVALID, text)]
        if is_log:
            place.meter.count_into(state)  # of the part of the interval before
            outputs.append(Output("traffic_log", self._logged(state), now_ns, INVALID, text))
            place.meter.reset()
        if place.level != level:
            place.level = level
            outputs.append(self._event(now_ns, kind, Severity.SEVERITY_WARNING, name, text))
            if level == ViewLevel.VIEW_LEVEL_BLIND:
                outputs += self._orders.release(now_ns, place, reason)
        return outputs + self._orders.sent(now_ns, place, command)

    def _view_changed(self, now_ns: int, place: Intersection, level: int) -> list[Output]:
        before, place.level = place.level, level
        name = place.configuration.intersection
        if level == ViewLevel.VIEW_LEVEL_PARTIAL and level != before:
            text = "some approaches are watched by nobody: there the usual traffic is assumed"
            return [self._event(now_ns, "region.partial_view", Severity.SEVERITY_WARNING, name, text)]
        if level != before != ViewLevel.VIEW_LEVEL_UNSPECIFIED:
            return [self._event(now_ns, "region.sees", Severity.SEVERITY_INFO, name, "every approach is watched again")]
        return []

    def _logged(self, state: TrafficState) -> TrafficState:
        log = TrafficState()
        log.CopyFrom(state)
        log.interval_s = self.settings.log_every_s
        return log

    def _take_reply(self, now_ns: int, reply: CommandReply) -> list[Output]:
        place = self._intersections.get(reply.device)
        if place is None:
            return []
        reason = reply.reason if reply.status == CommandStatus.COMMAND_STATUS_REJECTED else ""
        before, place.refused = place.refused, reason
        if reason and reason != before:
            text = f"the guard of {reply.device} refuses commands: {reason} {reply.detail}".strip()
            return [self._event(now_ns, "region.command_refused", Severity.SEVERITY_WARNING, reply.device, text)]
        return []

    def _event(self, now_ns: int, kind: str, severity: int, subject: str, text: str) -> Output:
        self._events += 1
        event = Event(
            event_id=f"{self.settings.name}/{self._orders.fence}/{self._events}",
            kind=kind,
            severity=severity,  # type: ignore[arg-type]
            subject=subject,
            text=text,
        )
        return Output("event", event, now_ns)

    # --- beside the steps -------------------------------------------------------------------------------------------

    def faults(self) -> list[str]:
        """For health."""
        places = self._intersections.items()
        blind = [name for name, place in places if place.level == ViewLevel.VIEW_LEVEL_BLIND]
        partial = [name for name, place in places if place.level == ViewLevel.VIEW_LEVEL_PARTIAL]
        detectors = [name for name, place in places if place.level == ViewLevel.VIEW_LEVEL_DETECTORS]
        broken = [
            f"{name}: detectors of {', '.join(found)} call without end or never"
            for name, place in places
            if (found := place.actuation.broken())
        ]
        refused = [f"{name} refuses: {place.refused}" for name, place in self._intersections.items() if place.refused]
        views = [
            f"{word} at {', '.join(found)}"
            for word, found in (("blind", blind), ("detectors only", detectors), ("partial view", partial))
            if found
        ]
        return views + broken + refused + self._edges.faults() + self._maps.faults()

    def figures(self) -> dict[str, float]:
        """For health."""
        changes = {f"stage_changes_{name}": float(place.changes) for name, place in self._intersections.items()}
        return {**changes, **self._edges.figures()}

    def snapshot(self) -> bytes:
        """The whole state, so that a recording can be replayed from any moment."""
        state = {
            "version": SNAPSHOT_VERSION,
            "map": self._map_hash,
            "fence": self._orders.fence,
            "origin_ns": self._origin_ns,
            "next_log_ns": self._next_log_ns,
            "next_turn_ns": self._next_turn_ns,
            "events": self._events,
            "turns": [[k, *told] for k, told in self._turns.items()],
            "edges": self._edges.state(),
            "places": {name: place.export() for name, place in self._intersections.items()},
        }
        return json.dumps(state, default=_plain).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from `snapshot`; ValueError for any other version or map: lanes are kept by their numbers."""
        state = json.loads(snapshot)
        if state.get("version") != SNAPSHOT_VERSION:
            raise ValueError("region: the snapshot is of another version")
        if state.get("map") != self._map_hash:
            raise ValueError("region: the snapshot was made on another map; what was learned there is left")
        self._orders.fence, self._origin_ns = state["fence"], state["origin_ns"]
        self._next_turn_ns = state["next_turn_ns"]
        self._next_log_ns, self._events = state["next_log_ns"], state["events"]
        self._turns = {int(k): (int(at), int(turn)) for k, at, turn in state["turns"]}
        self._edges.restore(state["edges"])
        for name, kept in state["places"].items():
            self._intersections[name].load(kept)


def make_core(settings: RegionSettings) -> RegionCore:
    """Read map and configurations and build the core; machine code is loaded now, not in the first decision."""
    warm()
    fusion.warm()
    return RegionCore(settings, load_map(settings.map), [load(path) for path in settings.configurations])


def _plain(value: Any) -> Any:
    """A numpy number as JSON knows it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"region: a snapshot cannot hold {type(value).__name__}")
