"""Plans for a cabinet that takes no stages: once a cycle, a step towards the plan under which people wait least.

What comes and what leaves is learned lane by lane (`queues`), what a plan means for it tells `plan_model`. A target is kept until another one is clearly better;
the step is what the guard accepts: a tenth of each split. The cabinet's own plan is where every walk begins. Neighbours tell the cycle that all of them run, and how much
later the next one had better begin (`coordination`): cycles a little longer or shorter shift it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.plan_model import Demand, Floats, PlanModel
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.situation import Situation
from lukou_maps.signal_configuration import SignalConfiguration, change, plan_at
from lukou_messages.v1.command_pb2 import PlanRequest, StageSplit
from lukou_messages.v1.signal_pb2 import SignalPlan

CLEARLY = 0.03
"""A target is given up for one under which people wait less by this share."""
NEWEST = 0.4
"""Weight of the newest cycle in what is believed of arrivals: they are learned over two cycles or three, and vary."""
MARGIN_S, WINDOW_S = 5.0, 10.0
"""So much sooner than the guard needs it, and not sooner than that, a plan is sent. [s]"""
LEAST_SHIFT_S = 3.0
"""Offsets are not moved by less. [s]"""
FIRST_CYCLES = 3
"""So many cycles are looked at before the first plan."""


@dataclass(slots=True)
class Plans:
    """What is kept of the plans of one intersection.

    Attributes
    ----------
    model : PlanModel
    weights : (q,) float array
        What the wait of one counts, by queue.
    stages : tuple of str
    lead_s : float
        So long before the end of the running cycle the guard wants a plan. [s]
    split_change : float
        Largest change of a split in a cycle, as a share.
    configuration : SignalConfiguration, optional
        Tells the cabinet's own plan, to which it may go back.
    target_s : list of float
        Greens that are walked to; empty: none yet. [s]
    rates : list of float
        Arrivals that are believed; empty: none yet. [1/s]
    flow : list of float
        Departures of standing queues with right of way, as last learned; empty: not yet. [1/s]
    cycle_s : float
        Cycle that this intersection wants by itself; 0: not known. [s]
    cycles : int
        Cycles that have been looked at.
    looked_ns : int
        When last.
    """

    model: PlanModel
    weights: Floats
    stages: tuple[str, ...]
    lead_s: float
    split_change: float
    configuration: SignalConfiguration | None = None
    target_s: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    flow: list[float] = field(default_factory=list)
    cycle_s: float = 0.0
    cycles: int = 0
    looked_ns: int = 0

    def decide(
        self,
        now_ns: int,
        running: SignalPlan,
        following: SignalPlan,
        situation: Situation,
        common_s: Callable[[], float] = lambda: 0.0,
        shift_s: Callable[[float, Floats], float] = lambda begins_s, greens_s: 0.0,
    ) -> tuple[PlanRequest | None, str]:
        """The plan to ask for now, if any, and why.

        Parameters
        ----------
        now_ns : int
            [ns]
        running, following : SignalPlan
            Of this cycle and the next one.
        situation : Situation
            What is learned.
        common_s : callable
            The cycle that neighbours have in common; where it is shorter than this intersection's, its own. [s]
        shift_s : callable
            How much later than at an instant the next cycle should begin, under these greens. [s]
        """
        running_s = np.round(np.array(running.greens_s, float), 1)
        if len(running_s) != len(self.stages):
            return None, "the plan that runs is not known: nothing is ordered"
        if running != following:
            return None, f"from the next cycle on {self._told(np.round(np.array(following.greens_s, float), 1))}"
        cycle_s = float(running_s.sum() + self.model.change_s.sum())
        left_s = (running.offset_s - now_ns / 1e9) % cycle_s
        most_s = self.lead_s + MARGIN_S + WINDOW_S
        if not self.lead_s + MARGIN_S <= left_s <= most_s or (now_ns - self.looked_ns) / 1e9 < 0.5 * cycle_s:
            return None, f"runs {self._told(running_s)}"
        self.looked_ns, self.cycles = now_ns, self.cycles + 1
        if self.configuration is not None and self.configuration.plans:
            own = dict(plan_at(self.configuration, now_ns).splits_s)
            own_s = np.array([own[name] for name in self.stages]) - self.model.change_s
            self.model = replace(self.model, own_s=own_s[None])
        demand = self._demand(situation, cycle_s)
        if self.cycles < FIRST_CYCLES:
            return None, f"runs {self._told(running_s)}; arrivals are being learned"
        saved = self._aim(demand, running_s, common_s)
        target_s = np.array(self.target_s)
        step_s = self.model.towards(running_s, target_s, self.split_change)
        later_s = shift_s(now_ns / 1e9 + left_s, target_s) if (step_s == target_s).all() else 0.0
        if abs(later_s) >= LEAST_SHIFT_S:
            step_s = self.model.shifted(running_s, target_s, later_s, self.split_change)
        if (step_s == running_s).all() and (target_s != running_s).any():
            return (
                None,
                f"keeps {self._told(running_s)}: no step that the guard takes leads towards {self._told(target_s)}",
            )
        if (step_s == running_s).all():
            return None, f"keeps {self._told(running_s)}: none is clearly better"
        told = f"from the next cycle on {self._told(step_s)}, on the way to {self._told(target_s)}"
        told += f", begun {later_s:+.0f} s for the neighbours" if later_s else ""
        return self._request(now_ns, left_s, step_s), f"{told}: {saved:.0%} less waiting"

    def _demand(self, situation: Situation, cycle_s: float) -> Demand:
        rates = situation.rates.copy()
        lanes = len(situation.hidden_rates)
        rates[:lanes] += situation.hidden_rates
        believed = np.array(self.rates) if len(self.rates) == len(rates) else rates
        believed = believed + NEWEST * (rates - believed)
        self.rates, self.flow = believed.tolist(), situation.flow.tolist()
        queue = np.where(self.model.walks, 0.0, situation.queue)
        left_over = np.maximum(queue - believed * cycle_s, 0.0)
        return Demand(believed, situation.flow, situation.red_flow, left_over, self.weights)

    def _aim(self, demand: Demand, running_s: Floats, common_s: Callable[[], float]) -> float:
        """Choose the target; returns the share of waiting that it saves against the plan that runs."""
        kept_s = np.array(self.target_s) if len(self.target_s) == len(running_s) else running_s
        kept_cycle_s = float(kept_s.sum() + self.model.change_s.sum())
        self.cycle_s = self.cycle_s or kept_cycle_s
        best_s = self.model.best(demand)
        same_s = self.model.best(demand, self.cycle_s)
        if self.model.delay(demand, best_s) < (1.0 - CLEARLY) * self.model.delay(demand, same_s):
            self.cycle_s, same_s = float(best_s.sum() + self.model.change_s.sum()), best_s
        cycle_s = max(self.cycle_s, common_s())
        best_s = self.model.best(demand, cycle_s) if cycle_s > self.cycle_s else same_s
        delays = self.model.delay(demand, np.array([best_s, kept_s, running_s]))
        is_other = abs(kept_cycle_s - cycle_s) > 0.5
        is_lost = not self.model.leads_back(kept_s)  # the calendar may have another plan by now than when it was chosen
        is_better = bool(is_other or is_lost or delays[0] < (1.0 - CLEARLY) * delays[1])
        self.target_s = (best_s if is_better else kept_s).tolist()
        return float(1.0 - delays[0 if is_better else 1] / max(1e-9, delays[2]))

    def _request(self, now_ns: int, left_s: float, greens_s: Floats) -> PlanRequest:
        cycle_s = round(float(greens_s.sum() + self.model.change_s.sum()), 1)
        ends_s = round(now_ns / 1e9 + left_s, 1)
        splits = [StageSplit(stage=name, green_s=green) for name, green in zip(self.stages, greens_s, strict=True)]
        return PlanRequest(splits=splits, cycle_s=cycle_s, offset_s=round(ends_s % cycle_s, 1) % cycle_s)

    def _told(self, greens_s: Floats) -> str:
        cycle_s = float(greens_s.sum() + self.model.change_s.sum())
        greens = ", ".join(f"{name} {green:.0f}" for name, green in zip(self.stages, greens_s, strict=True))
        return f"a plan of {cycle_s:.0f} s ({greens})"

    def state(self) -> list[Any]:
        """For a snapshot."""
        return [self.target_s, self.rates, self.flow, self.cycle_s, self.cycles, self.looked_ns]

    def restore(self, state: list[Any]) -> None:
        """From a snapshot."""
        self.target_s, self.rates, self.flow, self.cycle_s, self.cycles, self.looked_ns = state


def plans_of(
    configuration: SignalConfiguration, approaches: Approaches, weights: Floats, settings: TimingSettings
) -> Plans:
    """Plans of an intersection of which nothing is known yet."""
    limits, stages = configuration.limits, configuration.stages
    onward = [stages[(k + 1) % len(stages)] for k in range(len(stages))]
    after = [change(configuration, a.name, b.name, 0.1) for a, b in zip(stages, onward, strict=True)]
    count, lanes = len(stages), len(approaches.lanes)
    at = np.arange(count)
    served_s = approaches.served_in_change_s[at, (at + 1) % count].copy()
    walks = np.arange(approaches.serves.shape[1]) >= lanes
    for k, links in enumerate(approaches.crossing_links):
        mine = [group.name for group in configuration.groups if set(group.links) & set(links)]
        for row, each in enumerate(after):  # nobody steps off while it flashes
            ends = [each.endings[name].steady_ends / 10 for name in mine if name in each.endings]
            served_s[row, lanes + k] = max(ends, default=0.0)
    groups = configuration.group_by_name
    reds_s = [
        min(limits.maximum_red_s, *(groups[name].max_red_s for name in stage.green)) - limits.backup_s
        for stage in stages
    ]
    model = PlanModel(
        approaches.serves, np.array([each.duration / 10 for each in after]), served_s,
        np.array([max(0.0, each.earliest / 10) for each in after]),
        np.array([min(stage.max_s, limits.maximum_green_s) for stage in stages]), np.array(reds_s), limits.forced_stage_s,
        settings.startup_s, walks,
    )  # fmt: skip
    told_s = limits.commit_s if settings.commit_s is None else max(limits.commit_s, settings.commit_s)
    return Plans(model, weights, approaches.stages, told_s, limits.split_change, configuration)
