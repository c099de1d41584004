"""What the signal process publishes: one `SignalState` per tick, with promises that are kept."""

from __future__ import annotations

from collections.abc import Sequence

from lukou_hw.signal_controller.reading import ControllerReading
from lukou_maps.signal_configuration import Plan, SignalConfiguration, plan_at
from lukou_messages.process import DEGRADED, INVALID, Output
from lukou_messages.v1.signal_pb2 import SignalGroupState, SignalState
from lukou_roadside.signal import guard
from lukou_roadside.signal.plans import Plans
from lukou_roadside.signal.spat import UNKNOWN, GroupTiming, timings


class Publication:
    """Turns the guard's state into `SignalState` messages.

    Parameters
    ----------
    configuration : SignalConfiguration
        Of the intersection.
    tables : Tables
        Of the guard.
    configuration_hash : str
        64 hexadecimal digits.
    quantum_ns : int
        Length of a tick. [ns]
    detected_groups : sequence of str
        Groups whose demand the cabinet tells.
    """

    def __init__(
        self,
        configuration: SignalConfiguration,
        tables: guard.Tables,
        configuration_hash: str,
        quantum_ns: int,
        detected_groups: Sequence[str] = (),
    ) -> None:
        self._configuration = configuration
        self._tables = tables
        self._hash = configuration_hash
        self._quantum_ns = quantum_ns
        self._detected = [group for group in configuration.groups if group.name in detected_groups]
        self._colours = [0] * len(configuration.groups)
        self._started: list[int | None] = [None] * len(configuration.groups)
        self._promised: list[int | None] = [None] * len(configuration.groups)

    def output(
        self,
        state: guard.State,
        reading: ControllerReading | None,
        now_ns: int,
        faults: list[str],
        meant: tuple[int, int] | None = None,
        plans: Plans | None = None,
    ) -> Output:
        """The message for this tick; `meant`: when who is in charge means to end the running stage, and what follows; `plans`: of a cabinet that takes plans."""
        is_known = state.stage >= 0 and state.condition == guard.NORMAL and reading is not None and reading.is_healthy
        at_ns = reading.measured_at_ns if reading is not None and is_known else now_ns
        plan: Plan | None = plan_at(self._configuration, now_ns)
        held = None if meant is None else (max(0, meant[0] - at_ns) // self._quantum_ns, meant[1])
        ruled = state
        if plans is not None and state.stage >= 0:  # the cabinet goes by a plan, whoever has given it
            plan, ruled = plans.expected(state, now_ns), state._replace(authority=guard.LOCAL)
        ends = timings(self._tables, ruled, plan, self._quantum_ns / 1e9, held)
        message = SignalState(
            intersection=self._configuration.intersection,
            configuration_hash=self._hash,
            configuration_version=self._configuration.version,
            mode=self._tables.mode,  # type: ignore[arg-type]
            authority=self._authority(state),  # type: ignore[arg-type]
            guard_nonce=state.nonces[0],
            fencing_epoch=max(epoch for epoch, _ in state.fences),
            faults=faults,
        )
        if is_known and reading is not None:
            self._stage(message, state, at_ns)
            if plans is None:
                self._allowed(message, state)
            elif plans.cycle.is_known:
                running, following = plans.told(state, now_ns)
                message.plan.CopyFrom(running)
                message.next_plan.CopyFrom(following)
            message.detected_groups.extend(group.name for group in self._detected)
            message.called_groups.extend(group.name for group in self._detected if group.channel in reading.demands)
        elif state.stage < 0 or state.condition != guard.NORMAL:
            self._promised = [None] * len(self._promised)  # the countdown goes dark (22)
        colours = self._shown(reading, now_ns)
        for index, timing in enumerate(ends):
            known = timing if is_known else UNKNOWN
            message.groups.append(self._group(index, colours[index], known, at_ns, now_ns))
        if is_known and not state.misses:
            return Output("signal", message, at_ns)
        reason = "; ".join(faults) or "the controller has not been read back yet"
        return Output("signal", message, at_ns, DEGRADED if is_known else INVALID, reason[:200])

    def _stage(self, message: SignalState, state: guard.State, at_ns: int) -> None:
        stages = self._configuration.stages
        message.stage = stages[state.stage].name
        if state.to >= 0:
            message.next_stage = stages[state.to].name
            message.in_transition = True
        elif state.is_synced:
            message.stage_started_at_ns = at_ns - state.elapsed * self._quantum_ns
        if state.authority < guard.LOCAL:
            message.lease_remaining_s = state.lease * self._quantum_ns / 1e9

    def _allowed(self, message: SignalState, state: guard.State) -> None:
        stages, tables = self._configuration.stages, self._tables
        message.skips_left = max(0, tables.skips - state.skips) if tables.fixed_order else len(stages)
        for index, stage in enumerate(stages):
            if not guard.allowed(tables, state, index):
                message.allowed_stages.append(stage.name)

    def _authority(self, state: guard.State) -> int:
        if state.condition == guard.IN_HAND:
            return guard.MANUAL
        if state.condition == guard.FLASHING:
            return guard.FAULT
        return state.authority if state.stage >= 0 else guard.NOBODY

    def _shown(self, reading: ControllerReading | None, now_ns: int) -> list[int]:
        """Colours as last read; unknown where the reading is too old."""
        groups = self._configuration.groups
        limit_ns = self._configuration.limits.read_back_age_s * 1e9
        if reading is None or not reading.is_healthy or now_ns - reading.measured_at_ns > limit_ns:
            return [0] * len(groups)
        shown = reading.colours
        return [shown[g.channel - 1] if g.channel <= len(shown) else 0 for g in groups]

    def _group(self, index: int, colour: int, timing: GroupTiming, at_ns: int, now_ns: int) -> SignalGroupState:
        if colour != self._colours[index]:
            self._started[index] = at_ns if self._colours[index] else None
            self._colours[index] = colour
            self._promised[index] = None
        result = SignalGroupState(
            group=self._configuration.groups[index].name,
            colour=colour,  # type: ignore[arg-type]
            next_colour=timing.next_colour,  # type: ignore[arg-type]
            is_committed=timing.is_committed,
        )
        started = self._started[index]
        if started is not None:
            result.started_at_ns = started
        quantum = self._quantum_ns
        if timing.min_end is not None:
            result.min_end_at_ns = at_ns + timing.min_end * quantum
        if timing.max_end is not None:
            result.max_end_at_ns = at_ns + timing.max_end * quantum
        likely = at_ns + timing.likely_end * quantum if timing.likely_end is not None else None
        if timing.is_committed and likely is not None:
            promised = self._promised[index]
            if promised is None:
                promised = self._promised[index] = likely  # from now on this end is not moved
            likely = promised
            result.countdown_s = max(0.0, (promised - now_ns) / 1e9)
        if likely is not None:
            result.likely_end_at_ns = likely
        if timing.confidence is not None:
            result.confidence = timing.confidence
        return result
