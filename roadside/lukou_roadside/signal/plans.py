"""What the signal process keeps of a cabinet that takes plans: the plan guard in its shell."""

from __future__ import annotations

from lukou_maps.signal_configuration import Plan, SignalConfiguration, cycle_position_s, plan_at, ticks
from lukou_messages.v1.command_pb2 import PlanRequest
from lukou_messages.v1.signal_pb2 import SignalPlan
from lukou_roadside.signal import guard, plan_guard
from lukou_roadside.signal.plan_guard import Timetable


class Plans:
    """Plan guard of one cabinet.

    Parameters
    ----------
    configuration : SignalConfiguration
        Of the intersection.
    tables : Tables
        Of the guard.
    quantum_s : float
        Length of a tick. [s]
    """

    def __init__(self, configuration: SignalConfiguration, tables: guard.Tables, quantum_s: float) -> None:
        self._configuration, self._tables, self._quantum_s = configuration, tables, quantum_s
        self.bounds = plan_guard.bounds_of(configuration, tables, quantum_s)
        self.cycle = plan_guard.Cycle()
        self._own_at: tuple[int, tuple[tuple[int, ...], int]] = (-1, ((), 0))

    def with_own(self, inputs: guard.Inputs, now_ns: int) -> guard.Inputs:
        """Inputs of the guard that tell the cabinet's own plan, by its calendar and the clock."""
        splits, begins_in = self._own(now_ns)
        return inputs._replace(own_splits=splits, own_begins_in=begins_in)

    def step(self, state: guard.State, tick: int, inputs: guard.Inputs) -> tuple[guard.State, guard.Outputs]:
        """One tick of the plan guard."""
        state, self.cycle, outputs = plan_guard.step(self._tables, self.bounds, state, self.cycle, tick, inputs)
        return state, outputs

    def refuse(self, state: guard.State, order: guard.Order, inputs: guard.Inputs) -> str:
        """Why an order is not obeyed; empty if it is."""
        return plan_guard.refuse(self._tables, self.bounds, state, self.cycle, order, inputs)

    def runs(self, request: PlanRequest) -> bool:
        """Whether the running cycle is one of this plan, and the cabinet has been seen to do as it says."""
        running = self.cycle.running.splits
        greens = [round(split.green_s / self._quantum_s) for split in request.splits]
        told = [split - change for split, change in zip(running, self.bounds.change, strict=False)]
        return bool(running) and told == greens and self.cycle.is_seen and not self.cycle.astray

    def expected(self, state: guard.State, now_ns: int) -> Plan | None:
        """The plan by which ends are expected: stages yet to come in the running cycle by its plan, the others by the one that follows; None: not known which runs."""
        if not self.cycle.is_known:
            return None
        own = self._own(now_ns)[0]
        running, following = self.cycle.running.splits or own, self.cycle.following.splits or own
        at = max(0, state.stage)
        merged = following[:at] + running[at:]
        names = [stage.name for stage in self._configuration.stages]
        seconds = tuple((name, split * self._quantum_s) for name, split in zip(names, merged, strict=True))
        return Plan("expected", sum(merged) * self._quantum_s, 0.0, seconds)

    def told(self, state: guard.State, now_ns: int) -> tuple[SignalPlan, SignalPlan]:
        """The plan of the running cycle and the one that follows, as published."""
        splits, begins_in = self._own(now_ns)
        own = Timetable(splits, state.now + begins_in)
        running, following = (each if each.splits else own for each in (self.cycle.running, self.cycle.following))
        return self._message(running, state.now, now_ns), self._message(following, state.now, now_ns)

    def _message(self, plan: Timetable, tick: int, now_ns: int) -> SignalPlan:
        cycle = sum(plan.splits)
        begins = round(now_ns / (self._quantum_s * 1e9)) + plan.begin - tick
        greens = [split - change for split, change in zip(plan.splits, self.bounds.change, strict=True)]
        return SignalPlan(
            greens_s=[green * self._quantum_s for green in greens],
            cycle_s=cycle * self._quantum_s,
            offset_s=begins % cycle * self._quantum_s,
        )

    def _own(self, now_ns: int) -> tuple[tuple[int, ...], int]:
        """The cabinet's own plan by its calendar: splits, and ticks until its first stage begins next by the clock."""
        if self._own_at[0] != now_ns:
            plan = plan_at(self._configuration, now_ns)
            splits = tuple(ticks(split, self._quantum_s) for _, split in plan.splits_s)
            position = round(cycle_position_s(self._configuration, plan, now_ns) / self._quantum_s)
            self._own_at = now_ns, (splits, -position % sum(splits))
        return self._own_at[1]
