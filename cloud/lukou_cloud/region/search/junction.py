"""What the search over stage sequences needs to know of one intersection: movements, who yields, and what happens each second.

Everything that an intersection may be doing in a second is a numbered *state*: a stage, or one second of a change. The table
says for each state which movement has right of way, and which state comes next if nobody decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_maps.signal_configuration import GroupType, SignalConfiguration, changes

NONE, FREE, YIELDS, STOPS = 0, 1, 2, 3
"""Right of way of a movement in a state: none, its own, only where those with priority leave a gap, or so after a stop."""

YELLOW_USED_S = 1.0
"""The first second of yellow is still driven on. [s]"""


@dataclass(frozen=True)
class Movement:
    """A way from an approach lane to an exit.

    Attributes
    ----------
    lane, exit : int
        Approach lane and exit, numbered by the caller.
    links : frozenset of int
        Signal links that drive it.
    may_turn_on_red : bool
        Whether it may go on red after a stop.
    """

    lane: int
    exit: int
    links: frozenset[int]
    may_turn_on_red: bool = False


@dataclass(frozen=True)
class Junction:
    """Compiled from configuration and movements. State k < number of stages: stage k runs; the others are seconds of changes.

    Attributes
    ----------
    stages : tuple of str
        Names, in the order of the cabinet.
    lane, exit : (m,) int array
        Of each movement.
    right : (states, m) int array
        `NONE`, `FREE`, `YIELDS` or `STOPS`.
    gives_way : (m, m) float array
        1 where the first movement, when it yields, waits for the second.
    following : (states,) int array
        State of the next second if nobody decides.
    stage : (states,) int array
        Stage that runs, or that the change leads to.
    change : (stages, stages) int array
        First state of each change.
    min_s, change_s : (stages, stages) float array
        Least time from a stage's start to the start of each change, and its duration. [s]
    ends_s : (stages, stages) float array
        From the start of each change to the first end of a green that is not people's on foot. [s]
    max_s : (stages,) float array
        Longest stage. [s]
    max_red_s : (stages,) float array
        Longest time between an end of each stage and its next begin; for who walks, until a wait is an alarm. [s]
    wait_s : (states, m) float array
        Least time until a movement has right of way. [s]
    passed : (stages, stages) int array
        Stages that are left out by going from one to another.
    skips : int
        Stages that may be left out until the order has come round; all of them where the order is free.
    fixed_order : bool
        Whether stages follow in order but for these.
    """

    stages: tuple[str, ...]
    lane: NDArray[np.int64]
    exit: NDArray[np.int64]
    right: NDArray[np.int8]
    gives_way: NDArray[np.float32]
    following: NDArray[np.int64]
    stage: NDArray[np.int64]
    change: NDArray[np.int64]
    min_s: NDArray[np.float64]
    change_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    max_s: NDArray[np.float64]
    max_red_s: NDArray[np.float64]
    wait_s: NDArray[np.float64]
    passed: NDArray[np.int64]
    skips: int
    fixed_order: bool

    def left_out(self, first: int, second: int, skips_left: int) -> int:
        """Stages that may yet be left out after going from one stage to another; negative: it may not be done."""
        return (self.skips if second <= first else skips_left) - int(self.passed[first, second])

    def changing(self, first: int, second: int, age_s: float) -> int:
        """State of a change by age."""
        length = max(1, int(np.ceil(self.change_s[first, second])))
        return int(self.change[first, second]) + min(max(0, int(age_s)), length - 1)


def compile_junction(
    configuration: SignalConfiguration,
    movements: Sequence[Movement],
    gives_way: NDArray[np.bool_],
    plan_share: float = 0.0,
) -> Junction:
    """Join a configuration and the movements of its intersection.

    Parameters
    ----------
    configuration : SignalConfiguration
    movements : sequence of Movement
    gives_way : (m, m) bool array
        Whether the first movement waits for the second where it has to yield and the other need not.
    plan_share : float
        Near the plan: a stage runs for such a share at least of its green in the plan that gives it least, and exceeds the one
        that gives it most by no more than it may lack; where the order is free, what follows the next change is planned in the
        plan's order. 0: as the cabinet allows.
    """
    stages, names = configuration.stages, [stage.name for stage in configuration.stages]
    groups = [frozenset(g.name for g in configuration.groups if m.links & set(g.links)) for m in movements]
    on_red = np.array([STOPS if m.may_turn_on_red else NONE for m in movements])
    right = [_in_stage(stage.green, stage.yielding_links, movements, groups, on_red) for stage in stages]
    on_foot = {group.name for group in configuration.groups if group.type is GroupType.PEDESTRIAN}
    following, stage_of = list(range(len(stages))), list(range(len(stages)))
    change, min_s, change_s, ends_s = (np.zeros((len(stages), len(stages)), t) for t in (np.int64, float, float, float))
    for (first, second), at in changes(configuration, 0.1).items():
        a, b = names.index(first), names.index(second)
        min_s[a, b], change_s[a, b], change[a, b] = max(0.0, at.earliest / 10), at.duration / 10, len(right)
        driven = [ending.steady_ends for name, ending in at.endings.items() if name not in on_foot]
        ends_s[a, b] = min(driven, default=at.duration) / 10
        ends = np.zeros(len(movements))
        for k, mine in enumerate(groups):
            for name in mine & set(stages[a].green):
                ending = at.endings.get(name)
                if ending is None:
                    ends[k] = np.inf
                elif name in on_foot:  # nobody steps off while it flashes
                    ends[k] = max(ends[k], ending.steady_ends / 10)
                else:
                    ends[k] = max(ends[k], ending.flashing_ends / 10 + YELLOW_USED_S)
        length = max(1, int(np.ceil(at.duration / 10)))
        for age in range(length):
            following.append(len(right) + 1 if age + 1 < length else b)
            stage_of.append(b)
            right.append(np.where(ends > age, right[a], on_red))
    near_plan = plan_share > 0 and bool(configuration.plans)
    fixed_order = configuration.limits.fixed_order or near_plan
    longest_s = np.array([min(stage.max_s, configuration.limits.maximum_green_s) for stage in stages])
    if near_plan:
        splits_s = np.array([[dict(plan.splits_s)[name] for name in names] for plan in configuration.plans])
        green_s = splits_s.min(axis=0) - change_s[np.arange(len(names)), np.roll(np.arange(len(names)), -1)]
        min_s = np.where(min_s > 0, np.maximum(min_s, plan_share * green_s[:, None]), 0.0)
        longest_s = np.minimum(longest_s, (2.0 - plan_share) * splits_s.max(axis=0))
    table, onward = np.array(right, np.int8), np.array(following)
    return Junction(
        tuple(names), np.array([m.lane for m in movements], np.int64), np.array([m.exit for m in movements], np.int64),
        table, gives_way.astype(np.float32), onward, np.array(stage_of), change, min_s, change_s, ends_s,
        longest_s,
        np.array([_longest_red_s(configuration, k) for k in range(len(stages))]),
        _least_waits(table, onward, change, min_s, change_s, fixed_order),
        (np.arange(len(names))[None] - np.arange(len(names))[:, None] - 1) % len(names),
        configuration.limits.skips_per_cycle if configuration.limits.fixed_order else 0 if near_plan else len(names),
        fixed_order,
    )  # fmt: skip


def _longest_red_s(configuration: SignalConfiguration, k: int) -> float:
    limits, groups, stages = configuration.limits, configuration.group_by_name, configuration.stages
    begins = set(stages[k].green) - set(stages[k - 1].green)
    walks = any(groups[name].type is GroupType.PEDESTRIAN for name in begins)
    red_s = min(limits.maximum_red_s, *(groups[name].max_red_s for name in stages[k].green))
    return min(red_s, limits.waiting_alarm_s) if walks else red_s


def _in_stage(
    green: Sequence[str],
    yielding: Sequence[int],
    movements: Sequence[Movement],
    groups: Sequence[frozenset[str]],
    on_red: NDArray[np.int64],
) -> NDArray[np.int64]:
    shown, yields = set(green), set(yielding)
    rows = [
        0 if not mine & shown else YIELDS if m.links <= yields else FREE
        for m, mine in zip(movements, groups, strict=True)
    ]
    result: NDArray[np.int64] = np.where(np.array(rows) == NONE, on_red, rows)
    return result


def _least_waits(
    right: NDArray[np.int8],
    following: NDArray[np.int64],
    change: NDArray[np.int64],
    min_s: NDArray[np.float64],
    change_s: NDArray[np.float64],
    fixed_order: bool,
) -> NDArray[np.float64]:
    """Shortest way from each state to right of way of each movement, every stage between at its minimum."""
    count = len(change)
    wait = np.where(right[:count] > NONE, 0.0, np.inf)
    shortest = np.where(np.eye(count, dtype=bool), np.inf, min_s).min(axis=1) if count > 1 else np.zeros(count)
    for _ in range(count):
        for a in range(count):
            for b in [(a + 1) % count] if fixed_order else range(count):
                if a != b:
                    beyond = np.where(right[b] > NONE, 0.0, shortest[b] + wait[b])
                    wait[a] = np.minimum(wait[a], change_s[a, b] + beyond)
    wait = np.minimum(wait, 300.0)
    result = np.zeros(right.shape)
    result[:count] = wait
    for state in range(len(right) - 1, count - 1, -1):
        result[state] = np.where(right[state] > NONE, 0.0, 1.0 + result[following[state]])
    return result
