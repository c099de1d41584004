"""Orders to the signals: deciding for one intersection at a time, and the commands that come of it."""

from __future__ import annotations

from dataclasses import dataclass

from lukou_cloud.region.coordination import Coordination
from lukou_cloud.region.intersection import Intersection
from lukou_cloud.region.neighbours import Neighbours
from lukou_cloud.region.settings import RegionSettings
from lukou_cloud.region.situation import Situation
from lukou_messages.process import Output
from lukou_messages.v1.command_pb2 import Command, LeaseRenewal, ReleaseRequest, StageRequest
from lukou_messages.v1.signal_pb2 import Authority, ControlMode, SignalState

TURN_NS = 10**9
"""Every intersection is decided upon once a second; a change decided upon is ordered in the step in which its minimum ends."""
COMMAND_LIFE_NS = 2 * 10**9
ACTING = (ControlMode.CONTROL_MODE_SUPERVISED, ControlMode.CONTROL_MODE_AUTOMATIC)


@dataclass
class Orders:
    """Decides and orders.

    Attributes
    ----------
    settings : RegionSettings
    neighbours : Neighbours
        What intersections tell each other.
    coordination : Coordination
        Cycles and offsets of those whose cabinets take plans.
    fence : int
        Epoch of this region process in its commands; 0 before its first step.
    """

    settings: RegionSettings
    neighbours: Neighbours
    coordination: Coordination
    fence: int = 0

    def hasten(self, now_ns: int, place: Intersection) -> list[Output]:
        """Order the change that was decided upon and that the guard allows by now."""
        signal, stages = place.signal, place.approaches.stages
        if place.following < 0 or signal is None or now_ns - place.signal_ns > self.settings.stale_s * 1e9:
            return []
        name = stages[place.following]
        if place.follow() != place.stage or signal.stage == name or name not in signal.allowed_stages:
            return []
        place.following, place.told, place.changes = -1, None, place.changes + 1
        command = self._command(now_ns, place, signal, stage_request=StageRequest(stage=name))
        return self.sent(now_ns, place, command)

    def sent(self, now_ns: int, place: Intersection, command: Command | None) -> list[Output]:
        """A command on its way; what changes something goes into the log too."""
        if command is None:
            return []
        outputs = [Output("command", command, now_ns, to=f"{place.configuration.intersection}/signal")]
        action = command.WhichOneof("action")
        is_change = action == "stage_request" and command.stage_request.stage != command.expected_stage
        if is_change or action == "plan_request":
            outputs.append(Output("command_log", command, now_ns))
        return outputs

    def decide(
        self, now_ns: int, place: Intersection, signal: SignalState, situation: Situation | None
    ) -> Command | None:
        """What to order now, if anything; says why in the intersection's `decision`. Without a situation the cabinet's detectors decide."""
        stages = list(place.approaches.stages)
        if signal.configuration_hash != place.hash:
            place.decision = "configuration differs from the intersection's: nothing is ordered"
            return None
        if signal.HasField("plan"):
            return self._plan(now_ns, place, signal, situation)
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
            place.decision = f"the guard allows neither to hold {signal.stage} nor to change it, or takes plans and has not yet seen which one runs"
            return self._renew(now_ns, place, signal)
        told = place.told
        if told is not None and may_hold and told[0] == running and told[2] >= signal.stage_started_at_ns:
            return self._keep(now_ns, place, signal, allowed)
        place.told = None  # another stage runs, or the same one again, or the guard ends it now
        if now_ns // TURN_NS % self.settings.timing.interval_s:
            return self._renew(now_ns, place, signal)
        if situation is None:
            leads_s = [place.timing.lead_s(running, k) if may_hold else 0 for k in range(len(stages))]
            decision = place.actuation.decide(now_ns, running, elapsed_s, allowed, int(signal.skips_left), leads_s)
        else:
            expected, fed = self.neighbours.expected(now_ns, place.configuration.intersection)
            decision = place.timing.decide(
                running, elapsed_s, situation, allowed, may_hold, expected, fed, int(signal.skips_left), place.red_s(now_ns),
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

    def _plan(
        self, now_ns: int, place: Intersection, signal: SignalState, situation: Situation | None
    ) -> Command | None:
        """For a cabinet that takes plans: at most one a cycle."""
        if situation is None or situation.is_few:
            place.decision = "too little is seen to plan by: the plan that runs is kept"
            return self._renew(now_ns, place, signal)
        name = place.configuration.intersection
        request, place.decision = place.plans.decide(
            now_ns,
            signal.plan,
            signal.next_plan,
            situation,
            lambda: self.coordination.cycle_s(now_ns, name),
            lambda begins_s, greens_s: self.coordination.shift_s(now_ns, name, begins_s, greens_s),
        )
        if request is None:
            return self._renew(now_ns, place, signal)
        place.changes += 1
        return self._command(now_ns, place, signal, plan_request=request)

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
            command_id=f"{name[-36:]}/{self.fence}/{place.sequence}",  # at most 64 letters
            device=name,
            issuer=self.settings.name,
            authority=Authority.AUTHORITY_ADAPTIVE,
            issued_at_ns=now_ns,
            expires_at_ns=now_ns + COMMAND_LIFE_NS,
            lease_s=self.settings.lease_s,
            fencing_epoch=self.fence,
            command_sequence=place.sequence,
            configuration_hash=place.hash,
            configuration_version=place.configuration.version,
            guard_nonce=signal.guard_nonce,
            # a plan is for whole cycles: whichever stage runs when it comes
            expected_stage="" if signal.HasField("plan") else signal.stage,
            **action,  # type: ignore[arg-type]
        )

    def release(self, now_ns: int, place: Intersection, reason: str) -> list[Output]:
        if place.signal is None:
            return []
        command = self._command(now_ns, place, place.signal, release=ReleaseRequest(reason=reason))
        if command is None:
            return []
        to = f"{place.configuration.intersection}/signal"
        return [Output("command", command, now_ns, to=to), Output("command_log", command, now_ns)]
