"""The region's core: object list and signal states in, commands and traffic states out, once a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches, compile_approaches
from lukou_cloud.region.neighbours import Neighbours
from lukou_cloud.region.queues import QueueEstimator, Situation
from lukou_cloud.region.room import ExitRoom
from lukou_cloud.region.settings import RegionSettings
from lukou_cloud.region.timing import Timing
from lukou_cloud.region.traffic import TrafficMeter, _Trip
from lukou_cloud.region.view import View
from lukou_maps.map_keeper import MapKeeper
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, configuration_hash, load
from lukou_messages.objects import ObjectList
from lukou_messages.process import INVALID, Input, Output
from lukou_messages.v1.command_pb2 import (
    Command,
    CommandReply,
    CommandStatus,
    LeaseRenewal,
    ReleaseRequest,
    StageRequest,
)
from lukou_messages.v1.event_pb2 import Event, Severity
from lukou_messages.v1.signal_pb2 import Authority, ControlMode, SignalState
from lukou_messages.v1.traffic_pb2 import TrafficState, ViewLevel

TURN_NS = 10**9
"""Every intersection is decided upon once a second; a change decided upon is ordered in the step in which its minimum ends."""
TOLD_LIFE_NS = 5 * 10**9
"""So long it is remembered what a vehicle told of its turn after it last did."""
COMMAND_LIFE_NS = 2 * 10**9
ACTING = (ControlMode.CONTROL_MODE_SUPERVISED, ControlMode.CONTROL_MODE_AUTOMATIC)


@dataclass(slots=True)
class Intersection:
    """What the region keeps of one intersection."""

    configuration: SignalConfiguration
    approaches: Approaches
    timing: Timing
    queues: QueueEstimator
    meter: TrafficMeter
    view: View
    hash: str
    sequence: int = 0
    signal: SignalState | None = None
    signal_ns: int = 0
    decision: str = ""
    last_departures: list[int] = field(default_factory=list)
    level: int = ViewLevel.VIEW_LEVEL_UNSPECIFIED
    refused: str = ""
    changes: int = 0
    stage: int = -1  # running stage; the last one while changing
    left_ns: dict[int, int] = field(default_factory=dict)  # when each stage was seen to run last
    told: tuple[int, int, int] | None = None  # running stage, the one that follows, and when it is ended: not moved
    following: int = -1  # stage to be ordered as soon as the guard allows it; -1: none

    def follow(self) -> int:
        """Note the running stage; -1 during a change or if the stage is not known."""
        stages, signal = self.approaches.stages, self.signal
        if signal is None or signal.in_transition or signal.stage not in stages:
            return -1
        stage = stages.index(signal.stage)
        self.left_ns[stage] = self.signal_ns
        self.stage = stage
        return stage

    def changing(self, now_ns: int) -> tuple[int, int, float] | None:
        """During a change: the stage that ends, the one that follows, and since when [s]."""
        stages, signal = self.approaches.stages, self.signal
        if (
            signal is None
            or not signal.in_transition
            or signal.next_stage not in stages
            or self.stage not in self.left_ns
        ):
            return None
        return self.stage, stages.index(signal.next_stage), (now_ns - self.left_ns[self.stage]) / 1e9

    def red_s(self, now_ns: int) -> NDArray[np.float64]:
        """Since the last end of each stage; inf where it is not known. [s]"""
        stages = range(len(self.approaches.stages))
        return np.array([(now_ns - self.left_ns[k]) / 1e9 if k in self.left_ns else np.inf for k in stages])


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
        self._maps = MapKeeper(road)
        self._intersections = {c.intersection: self._make(road, c) for c in configurations}
        self._neighbours = Neighbours(
            {name: (p.approaches, p.timing, p.queues.reach) for name, p in self._intersections.items()}
        )
        self._turns: dict[int, tuple[int, int]] = {}  # what vehicles told: when, and which turn
        self._objects: ObjectList | None = None
        self._objects_ns = 0
        self._objects_valid = False
        self._fence = 0
        self._origin_ns = 0
        self._next_log_ns = 0
        self._next_turn_ns = 0
        self._events = 0

    def _make(self, road: RoadModel, configuration: SignalConfiguration) -> Intersection:
        approaches = compile_approaches(road, configuration)
        index = dict(road.lanes.index)
        ends = np.array(
            [
                [
                    [road.lanes.x_m[p], road.lanes.y_m[p]]
                    for p in (road.lanes.points(c).start, road.lanes.points(c).stop - 1)
                ]
                for c in approaches.crossings
            ]
        ).reshape(-1, 2, 2)
        timing = self.settings.timing
        queues = QueueEstimator(approaches, index, ends, timing)
        chooser = Timing(road, configuration, approaches, timing)
        queues.inside_lanes = {lane: chooser.ways.movements[k].lane for lane, k in chooser.ways.inner.items()}
        queues.change_share = chooser.change_share
        queues.exits = ExitRoom(road, chooser.ways.exits)
        return Intersection(
            configuration,
            approaches,
            chooser,
            queues,
            TrafficMeter(approaches, index),
            View(road, approaches, timing.view_m),
            configuration_hash(configuration),
            last_departures=[0] * len(approaches.lanes),
        )

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take what has come; once a second, decide for every intersection."""
        if self._fence == 0:
            self._fence, self._origin_ns = now_ns // 10**6, now_ns
            self._next_turn_ns = -(-now_ns // TURN_NS) * TURN_NS  # the first whole second
            self._next_log_ns = now_ns + round(self.settings.log_every_s * 1e9)
        outputs: list[Output] = []
        for one in inputs:
            if one.topic == "fused_objects":
                self._objects, self._objects_ns = one.value, one.measured_at_ns
                self._objects_valid = one.validity != INVALID
            elif one.topic == "signal" and one.value.intersection in self._intersections:
                place = self._intersections[one.value.intersection]
                place.signal, place.signal_ns = one.value, one.measured_at_ns
            elif one.topic == "vehicle":
                self._turns[one.value.temporary_id] = (now_ns, int(one.value.intention))
            elif one.topic == "command_reply":
                outputs += self._take_reply(now_ns, one.value)
            elif one.topic == "map":
                self._maps.take(one.value)
        if now_ns < self._next_turn_ns:
            for place in self._intersections.values():
                outputs += self._hasten(now_ns, place)
            return outputs
        self._next_turn_ns = (now_ns // TURN_NS + 1) * TURN_NS
        is_log = now_ns >= self._next_log_ns
        if is_log:
            self._next_log_ns += round(self.settings.log_every_s * 1e9)
        self._turns = {k: told for k, told in self._turns.items() if now_ns - told[0] <= TOLD_LIFE_NS}
        turns = {k: told[1] for k, told in self._turns.items()}
        for place in self._intersections.values():
            outputs += self._turn(now_ns, place, is_log, turns)
        return outputs

    # --- one intersection -------------------------------------------------------------------------------------------

    def _hasten(self, now_ns: int, place: Intersection) -> list[Output]:
        """Order the change that was decided upon and that the guard allows by now."""
        signal, stages = place.signal, place.approaches.stages
        if place.following < 0 or signal is None or now_ns - place.signal_ns > self.settings.stale_s * 1e9:
            return []
        name = stages[place.following]
        if place.follow() != place.stage or signal.stage == name or name not in signal.allowed_stages:
            return []
        place.following, place.told, place.changes = -1, None, place.changes + 1
        command = self._command(now_ns, place, signal, stage_request=StageRequest(stage=name))
        return self._sent(now_ns, place, command)

    def _turn(self, now_ns: int, place: Intersection, is_log: bool, turns: dict[int, int]) -> list[Output]:
        stale_ns = self.settings.stale_s * 1e9
        outputs: list[Output] = []
        objects = self._objects
        is_fresh = objects is not None and self._objects_valid and now_ns - self._objects_ns <= stale_ns
        hears = place.signal is not None and now_ns - place.signal_ns <= stale_ns
        place.following = -1
        if not is_fresh or objects is None:
            return self._blind(now_ns, place, "no fresh object list")
        seen_m = place.view.seen_m(objects.perceived_areas)
        level = place.view.level(seen_m)
        if level == ViewLevel.VIEW_LEVEL_BLIND:
            return self._blind(now_ns, place, "no perceived area covers most approaches")
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
            command = self._decide(now_ns, place, place.signal, situation)
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
        return outputs + self._sent(now_ns, place, command)

    def _blind(self, now_ns: int, place: Intersection, reason: str) -> list[Output]:
        """Who sees nothing does not take the streets for empty: the intersection keeps its own plan."""
        place.decision, place.told = f"blind: {reason}; the intersection keeps its own plan", None
        name, view = place.configuration.intersection, ViewLevel.VIEW_LEVEL_BLIND
        state = TrafficState(intersection=name, interval_s=1.0, view=view, decision=place.decision)
        outputs = [Output("traffic", state, now_ns, INVALID, place.decision)]
        if place.level != view:
            place.level = view
            outputs.append(self._event(now_ns, "region.blind", Severity.SEVERITY_WARNING, name, place.decision))
            outputs += self._release(now_ns, place, reason)
        return outputs

    def _view_changed(self, now_ns: int, place: Intersection, level: int) -> list[Output]:
        before, place.level = place.level, level
        name = place.configuration.intersection
        if level == ViewLevel.VIEW_LEVEL_PARTIAL and level != before:
            text = "some approaches are watched by nobody: there the usual traffic is assumed"
            return [self._event(now_ns, "region.partial_view", Severity.SEVERITY_WARNING, name, text)]
        if level != before != ViewLevel.VIEW_LEVEL_UNSPECIFIED:
            return [self._event(now_ns, "region.sees", Severity.SEVERITY_INFO, name, "every approach is watched again")]
        return []

    def _sent(self, now_ns: int, place: Intersection, command: Command | None) -> list[Output]:
        """A command on its way; what changes something goes into the log too."""
        if command is None:
            return []
        outputs = [Output("command", command, now_ns, to=f"{place.configuration.intersection}/signal")]
        is_request = command.WhichOneof("action") == "stage_request"
        if is_request and command.stage_request.stage != command.expected_stage:
            outputs.append(Output("command_log", command, now_ns))
        return outputs

    def _logged(self, state: TrafficState) -> TrafficState:
        log = TrafficState()
        log.CopyFrom(state)
        log.interval_s = self.settings.log_every_s
        return log

    def _decide(self, now_ns: int, place: Intersection, signal: SignalState, situation: Situation) -> Command | None:
        stages = list(place.approaches.stages)
        if signal.configuration_hash != place.hash:
            place.decision = "configuration differs from the intersection's: nothing is ordered"
            return None
        if not signal.stage or signal.stage not in stages:
            place.decision = "the stage is not known: nothing is ordered"
            return None
        if signal.in_transition or not signal.HasField("stage_started_at_ns"):
            place.decision = f"changing from {signal.stage} to {signal.next_stage or '?'}"
            return self._renew(now_ns, place, signal)
        running = stages.index(signal.stage)
        elapsed_s = max(0.0, (now_ns - signal.stage_started_at_ns) / 1e9)
        allowed = frozenset(stages.index(name) for name in signal.allowed_stages if name in stages) - {running}
        may_hold = signal.stage in signal.allowed_stages
        if not may_hold and not allowed:
            place.decision = f"the guard allows neither to hold {signal.stage} nor to change it"
            return self._renew(now_ns, place, signal)
        told = place.told
        if told is not None and may_hold and told[0] == running and told[2] >= signal.stage_started_at_ns:
            return self._keep(now_ns, place, signal, allowed)
        place.told = None  # another stage runs, or the same one again, or the guard ends it now
        expected, fed = self._neighbours.expected(now_ns, place.configuration.intersection)
        if now_ns // TURN_NS % self.settings.timing.interval_s:
            return self._renew(now_ns, place, signal)
        decision = place.timing.decide(
            running, elapsed_s, situation, allowed, may_hold, expected, fed, int(signal.skips_left), place.red_s(now_ns),
            self._neighbours.onward(now_ns, place.configuration.intersection, len(place.timing.junction.lane)),
        )  # fmt: skip
        place.timing.planned_ns = now_ns
        place.decision, place.following = decision.why, decision.following
        lead_s = place.timing.lead_s(running, decision.stage) if may_hold else 0
        if decision.stage != running and lead_s:
            place.told = (running, decision.stage, now_ns + lead_s * 10**9)
            return self._keep(now_ns, place, signal, allowed)
        if decision.stage != running:
            place.changes += 1
        request = StageRequest(stage=stages[decision.stage])
        is_known = decision.hold_s < self.settings.timing.horizon_s
        if decision.stage == running and is_known and not place.timing.commit_s:  # who tells ends tells no guesses
            request.expected_duration_s = decision.hold_s
            request.following_stage = (
                stages[decision.then] if decision.then >= 0 and place.timing.junction.fixed_order else ""
            )
        return self._command(now_ns, place, signal, stage_request=request)

    def _keep(self, now_ns: int, place: Intersection, signal: SignalState, allowed: frozenset[int]) -> Command | None:
        """Hold the running stage until the instant that was told, then end it: what was told is not thought over again."""
        assert place.told is not None
        running, following, ends_ns = place.told
        stages, left_s = place.approaches.stages, max(0.0, (ends_ns - now_ns) / 1e9)
        usual = (running + 1) % len(stages)
        junction = place.timing.junction
        is_ripe = (now_ns - signal.stage_started_at_ns) / 1e9 >= junction.min_s[running, following] + 1.0
        if left_s <= 0 and is_ripe and following not in allowed and usual in allowed and junction.fixed_order:
            place.decision = (
                f"{stages[running]} ends as told; {stages[following]} must not yet follow, {stages[usual]} does"
            )
            following = usual  # the guard sees somebody who has waited too long to be left out
        if left_s <= 0 and following in allowed:
            place.changes, place.told = place.changes + 1, None
            return self._command(now_ns, place, signal, stage_request=StageRequest(stage=stages[following]))
        if left_s <= 0:
            place.following = following  # ordered in the step in which the guard allows it
        place.decision = f"{stages[running]} ends in {left_s:.0f} s, as told; {stages[following]} follows"
        request = StageRequest(stage=stages[running], expected_duration_s=left_s, following_stage=stages[following])
        return self._command(now_ns, place, signal, stage_request=request)

    def _renew(self, now_ns: int, place: Intersection, signal: SignalState) -> Command | None:
        if not signal.HasField("lease_remaining_s"):
            return None  # nothing to renew: the local plan runs
        return self._command(now_ns, place, signal, renewal=LeaseRenewal())

    def _command(self, now_ns: int, place: Intersection, signal: SignalState, **action: object) -> Command | None:
        if not self.settings.controls or signal.mode not in ACTING:
            return None
        if Authority.AUTHORITY_UNSPECIFIED < signal.authority < Authority.AUTHORITY_ADAPTIVE:
            place.decision += f" (not ordered: {Authority.Name(signal.authority)} is in charge)"
            return None
        place.sequence += 1
        name = place.configuration.intersection
        return Command(
            command_id=f"{name[-36:]}/{self._fence}/{place.sequence}",  # at most 64 letters
            device=name,
            issuer=self.settings.name,
            authority=Authority.AUTHORITY_ADAPTIVE,
            issued_at_ns=now_ns,
            expires_at_ns=now_ns + COMMAND_LIFE_NS,
            lease_s=self.settings.lease_s,
            fencing_epoch=self._fence,
            command_sequence=place.sequence,
            configuration_hash=place.hash,
            configuration_version=place.configuration.version,
            guard_nonce=signal.guard_nonce,
            expected_stage=signal.stage,
            **action,  # type: ignore[arg-type]
        )

    def _release(self, now_ns: int, place: Intersection, reason: str) -> list[Output]:
        if place.signal is None:
            return []
        command = self._command(now_ns, place, place.signal, release=ReleaseRequest(reason=reason))
        if command is None:
            return []
        to = f"{place.configuration.intersection}/signal"
        return [Output("command", command, now_ns, to=to), Output("command_log", command, now_ns)]

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
            event_id=f"{self.settings.name}/{self._fence}/{self._events}",
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
        refused = [f"{name} refuses: {place.refused}" for name, place in self._intersections.items() if place.refused]
        views = [
            f"{word} at {', '.join(found)}" for word, found in (("blind", blind), ("partial view", partial)) if found
        ]
        return views + refused + self._maps.faults()

    def figures(self) -> dict[str, float]:
        """For health."""
        return {f"stage_changes_{name}": float(place.changes) for name, place in self._intersections.items()}

    def snapshot(self) -> bytes:
        """The whole state, so that a recording can be replayed from any moment."""
        places = {}
        for name, place in self._intersections.items():
            places[name] = {
                "sequence": place.sequence,
                "signal": place.signal.SerializeToString(deterministic=True).hex() if place.signal else None,
                "signal_ns": place.signal_ns,
                "decision": place.decision,
                "last_departures": place.last_departures,
                "level": int(place.level),
                "refused": place.refused,
                "changes": place.changes,
                "stage": [place.stage, place.following],
                "left_ns": list(place.left_ns.items()),
                "told": place.told,
                "plan": [place.timing.planned_ns, place.timing.outflow, place.timing.lineup.shares.tolist()],
                "waits_s": place.timing.waits_s.tolist(),
                "queues": place.queues.export(),
                "trips": [[identity, asdict(trip)] for identity, trip in place.meter.trips.items()],
                "meter": [place.meter.left, place.meter.delay_s, place.meter.stops],
            }
        state = {
            "version": 9,
            "fence": self._fence,
            "origin_ns": self._origin_ns,
            "next_log_ns": self._next_log_ns,
            "next_turn_ns": self._next_turn_ns,
            "events": self._events,
            "turns": [[k, *told] for k, told in self._turns.items()],
            "objects": self._objects.encode(self._objects.message.header).hex() if self._objects is not None else None,
            "objects_ns": self._objects_ns,
            "objects_valid": self._objects_valid,
            "places": places,
        }
        return json.dumps(state, default=_plain).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from `snapshot`; ValueError for any other version."""
        state = json.loads(snapshot)
        if state.get("version") != 9:
            raise ValueError("region: the snapshot is of another version")
        self._fence, self._origin_ns = state["fence"], state["origin_ns"]
        self._next_turn_ns = state["next_turn_ns"]
        self._next_log_ns, self._events = state["next_log_ns"], state["events"]
        self._turns = {int(k): (int(at), int(turn)) for k, at, turn in state["turns"]}
        self._objects = ObjectList.decode(bytes.fromhex(state["objects"])) if state["objects"] else None
        self._objects_ns, self._objects_valid = state["objects_ns"], state["objects_valid"]
        for name, kept in state["places"].items():
            place = self._intersections[name]
            place.sequence, place.signal_ns, place.decision = kept["sequence"], kept["signal_ns"], kept["decision"]
            place.signal = SignalState.FromString(bytes.fromhex(kept["signal"])) if kept["signal"] else None
            place.last_departures, place.level = kept["last_departures"], kept["level"]
            place.refused, place.changes = kept["refused"], kept["changes"]
            place.stage, place.following = kept["stage"]
            place.left_ns = {int(k): int(at) for k, at in kept["left_ns"]}
            place.told = tuple(kept["told"]) if kept["told"] is not None else None
            place.timing.planned_ns, outflow, shares = kept["plan"]
            place.timing.outflow = [(float(at_s), int(lane)) for at_s, lane in outflow]
            place.timing.lineup.shares = np.array(shares)
            place.timing.waits_s = np.array(kept["waits_s"], float).reshape(-1, len(place.approaches.lanes))
            place.queues.load(kept["queues"])
            place.meter.trips = {int(identity): _Trip(**trip) for identity, trip in kept["trips"]}
            place.meter.left, place.meter.delay_s, place.meter.stops = kept["meter"]


def make_core(settings: RegionSettings) -> RegionCore:
    """Read map and configurations and build the core."""
    return RegionCore(settings, load_map(settings.map), [load(path) for path in settings.configurations])


def _plain(value: Any) -> Any:
    """A numpy number as JSON knows it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"region: a snapshot cannot hold {type(value).__name__}")
