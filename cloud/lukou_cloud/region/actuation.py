"""Timing by the cabinet's own detectors, where no roadside unit sees: coordinated actuation.

The plan in force tells when each stage ends at the latest, by the clock (fixed force-offs), so what was coordinated stays so. The stage of the longest
split ends then and no sooner; another ends when nobody has driven over the detectors of the groups that end with it for a passage time, and what it
leaves goes to those after it. One that nobody calls is left out where the guard allows it, and where nobody else calls, the running stage goes on
(NCHRP report 812, *Signal Timing Manual*, 2nd ed., ch. 5 to 7). A group without detectors, or whose detectors cannot be believed, is taken for
called, and has its plan's green.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lukou_cloud.region.search.junction import Junction
from lukou_cloud.region.timing import Decision
from lukou_maps.signal_configuration import GroupType, SignalConfiguration, cycle_position_s, plan_at
from lukou_messages.v1.signal_pb2 import SignalState

PASSAGE_NS = 3 * 10**9
"""Gap that ends a green. [ns]"""

STUCK_NS, SILENT_NS = 300 * 10**9, 1800 * 10**9
"""A detector that calls for so long without a break is stuck; one that has not called for so long while others did is broken. [ns]"""

LEAST_DETECTED = 0.5
"""With detectors for a smaller share of the vehicles' groups, the cabinet's own plan is the better guess."""

DECISION_S = 1.0
"""Time between two decisions. [s]"""

UNKNOWN_COST = float("inf")


@dataclass
class Actuation:
    """Actuation of one intersection.

    Attributes
    ----------
    configuration : SignalConfiguration
    junction : Junction
        Its minima and changes.
    began_ns : dict of str to int
        Since when each group that calls now has called without a break.
    last_ns : dict of str to int
        When each group was heard to call last, or its detectors were first heard of.
    """

    configuration: SignalConfiguration
    junction: Junction
    began_ns: dict[str, int] = field(default_factory=dict)
    last_ns: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._driven = {g.name for g in self.configuration.groups if g.type in (GroupType.VEHICLE, GroupType.ARROW)}
        stages = [stage.name for stage in self.configuration.stages]
        self._coordinated = {  # by plan
            plan.name: max(range(len(stages)), key=[dict(plan.splits_s)[name] for name in stages].__getitem__)
            for plan in self.configuration.plans
        }
        self._green = [frozenset(stage.green) for stage in self.configuration.stages]

    def hear(self, now_ns: int, signal: SignalState) -> None:
        """Note which groups call."""
        called, detected = set(signal.called_groups), set(signal.detected_groups)
        for name in detected & called:
            self.began_ns.setdefault(name, now_ns)
            self.last_ns[name] = now_ns
        for name in detected - called:
            self.began_ns.pop(name, None)
            self.last_ns.setdefault(name, now_ns)
        for name in self.last_ns.keys() - detected:
            self.began_ns.pop(name, None)
            del self.last_ns[name]

    def broken(self) -> list[str]:
        """Groups whose detectors cannot be believed: they call without end, or are silent while others are not."""
        latest_ns = max(self.last_ns.values(), default=0)
        return sorted(
            name
            for name, last_ns in self.last_ns.items()
            if last_ns - self.began_ns.get(name, last_ns) > STUCK_NS
            or (name in self._driven and latest_ns - last_ns > SILENT_NS)
        )

    def is_possible(self) -> bool:
        """Whether detectors tell enough to time by."""
        believed = self._driven & (self.last_ns.keys() - set(self.broken()))
        return bool(believed) and len(believed) >= LEAST_DETECTED * len(self._driven)

    def decide(
        self,
        now_ns: int,
        running: int,
        elapsed_s: float,
        allowed: frozenset[int],
        skips_left: int,
        lead_s: list[int],
    ) -> Decision:
        """Choose for a stage that has run `elapsed_s`.

        Parameters
        ----------
        now_ns : int
            Time, which tells the plan in force. [ns]
        running : int
            Running stage.
        elapsed_s : float
            Since its start. [s]
        allowed : frozenset of int
            Other stages that the guard would let begin now.
        skips_left : int
            Stages that may yet be left out of the order.
        lead_s : list of int
            How long before a change to each stage its begin has to be told. [s]
        """
        names = [stage.name for stage in self.configuration.stages]
        believed = self.last_ns.keys() - set(self.broken())
        following = self._following(running, skips_left, believed)
        if following == running:
            return self._hold(running, "nobody calls another stage")
        usual = (running + 1) % len(names)
        least_s = float(self.junction.min_s[running, following])
        if following not in allowed and usual in allowed and elapsed_s >= least_s + 1.0:
            following = usual  # the guard sees somebody who has waited too long to be left out
        told_s = elapsed_s + lead_s[following]
        if told_s < float(self.junction.min_s[running, following]) - 0.9:
            return self._hold(running, "its minimum runs")
        left_s, is_coordinated = self._left(now_ns, running, following, elapsed_s, lead_s[following])
        ending = (self._green[running] - self._green[following]) & self._driven
        driven = [name for name in sorted(ending & believed) if now_ns - self.last_ns[name] < PASSAGE_NS]
        if left_s > 0.0 and is_coordinated:
            return self._hold(running, f"it keeps time for another {left_s:.0f} s")
        if left_s > 0.0 and driven:
            return self._hold(running, f"vehicles still come on {', '.join(driven)}")
        if left_s > 0.0 and ending - believed:
            return self._hold(running, f"no detectors for {', '.join(sorted(ending - believed))}: its plan's green")
        why = f"by detectors: change to {names[following]}: " + (
            "its time by the plan" if left_s <= 0.0 else f"no vehicle over the detectors of {names[running]}"
        )
        if following in allowed or lead_s[following]:
            return Decision(following, 0.0, UNKNOWN_COST, UNKNOWN_COST, why)
        return Decision(running, 0.0, UNKNOWN_COST, UNKNOWN_COST, why, following)

    def _left(self, now_ns: int, running: int, following: int, elapsed_s: float, lead_s: float) -> tuple[float, bool]:
        """Until the plan wants the end of the running stage told, at its time by the clock, however early or late it began [s]; whether it is the one
        that keeps time."""
        plan = plan_at(self.configuration, now_ns)
        splits_s = dict(plan.splits_s)
        starts_s, split_s = 0.0, 0.0
        for stage in self.configuration.stages[: running + 1]:
            starts_s, split_s = starts_s + split_s, splits_s[stage.name]
        position_s = cycle_position_s(self.configuration, plan, now_ns)
        late_s = (position_s - starts_s - elapsed_s + 0.5 * plan.cycle_s) % plan.cycle_s - 0.5 * plan.cycle_s
        green_s = split_s - float(self.junction.change_s[running, following]) - late_s
        left_s = green_s - elapsed_s - lead_s
        if elapsed_s > plan.cycle_s:  # nobody called for a round or more: its time comes once in every round
            left_s = left_s % plan.cycle_s if left_s % plan.cycle_s >= DECISION_S else 0.0
        return left_s, running == self._coordinated[plan.name]

    def _hold(self, running: int, reason: str) -> Decision:
        why = f"by detectors: hold {self.configuration.stages[running].name}: {reason}"
        return Decision(running, float("inf"), UNKNOWN_COST, UNKNOWN_COST, why)

    def _following(self, running: int, skips_left: int, believed: set[str]) -> int:
        """The next stage in order that somebody calls, as far as the order lets others be left out; the running one where nobody calls."""
        count = len(self._green)
        reachable = [
            k
            for k in ((running + step) % count for step in range(1, count))
            if not self.junction.fixed_order or self.junction.left_out(running, k, skips_left) >= 0
        ]
        for k in reachable:
            new = self._green[k] - self._green[running]
            if any(name not in believed or name in self.began_ns for name in new):
                return k
        is_called = any(self.began_ns.keys() & (green - self._green[running]) for green in self._green)
        return reachable[-1] if is_called and reachable else running

    def state(self) -> list[list[Any]]:
        """For a snapshot."""
        return [[name, last_ns, self.began_ns.get(name)] for name, last_ns in self.last_ns.items()]

    def restore(self, state: list[list[Any]]) -> None:
        """From a snapshot."""
        self.last_ns = {name: int(last_ns) for name, last_ns, _ in state}
        self.began_ns = {name: int(began_ns) for name, _, began_ns in state if began_ns is not None}
