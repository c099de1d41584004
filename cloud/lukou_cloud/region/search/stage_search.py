"""Search over stage sequences: which stage to show, for how long, and what comes next, for the least weighted delay.

A beam of plans is carried forward second by second over a model of the traffic. Every plan that may change its stage branches; the
most promising are kept, some of each stage. (Beam search: Lowerre 1976; the rolling horizon: Gartner, *OPAC*, 1983.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.search.compiled import compiled
from lukou_cloud.region.search.junction import NONE, Junction
from lukou_cloud.region.search.queue_model import BRAKING_S, Beam, Rules, Traffic, advance, copy_plan, new_beam, rest

WANTED_S = 8.0
"""Where the order is free, a stage may follow if somebody whom it serves waits or comes within this time. [s]"""
END_S = 6.0
"""A stage ends so long before it has to. [s]"""


@dataclass(frozen=True)
class SearchSettings:
    """Size of the search.

    Attributes
    ----------
    horizon_s : int
        How far it looks ahead. [s]
    width : int
        Plans kept.
    startup_s : float
        From green to the first vehicle over the stop line. [s]
    interval_s : int
        Time between two decisions. [s]
    switch_cost : float
        Charged per change of stage. [weighted s]
    skip_cost : float
        Charged per stage that is left out of a fixed order. [weighted s]
    stop_s : float
        Delay of a stop beside the wait: braking and starting again, v / 2b + v / 2a. [s]
    """

    horizon_s: int = 60
    width: int = 24
    startup_s: float = 1.0
    interval_s: int = 1
    switch_cost: float = 0.0
    skip_cost: float = 0.0
    stop_s: float = 0.0


@dataclass(frozen=True)
class Choice:
    """Outcome of a search.

    Attributes
    ----------
    stage : int
        Stage to show or to change to now, or after the time in which ends are told.
    hold_s : float
        How long the running stage is expected to last yet. [s]
    following : int
        Stage that is expected next.
    cost, alternative : float
        Weighted delay of the plan chosen, and of the best one that decides otherwise now; inf: there is none. [s]
    departures : (horizon, lanes) bool array
        Who crosses which stop line when, under this plan.
    states : (horizon,) int array
        Of the junction in each second.
    """

    stage: int
    hold_s: float
    following: int
    cost: float
    alternative: float
    departures: NDArray[np.bool_]
    states: NDArray[np.int64]


class StageSearch:
    """Search for one intersection.

    Parameters
    ----------
    junction : Junction
    settings : SearchSettings
    """

    def __init__(self, junction: Junction, settings: SearchSettings) -> None:
        self.junction, self.settings = junction, settings
        stages = len(junction.stages)
        order = np.arange(stages)
        following = np.roll(order, -1)
        self._rules = Rules(
            junction.right, junction.gives_way > 0, junction.exit, junction.following, junction.stage,
            np.where(junction.change_s > 0, junction.change, order[None]), junction.passed,
            np.asarray(settings.switch_cost + settings.skip_cost * junction.passed, np.float64),
            np.where(np.eye(stages, dtype=bool), np.inf, junction.min_s), junction.max_s - END_S, junction.max_red_s,
            np.ascontiguousarray(junction.wait_s), junction.skips, junction.fixed_order,
            float((junction.change_s + junction.min_s)[order, following].sum()),
            min(settings.startup_s / BRAKING_S, 0.99), settings.stop_s,
        )  # fmt: skip

    def decide(
        self,
        state: int,
        age_s: float,
        traffic: Traffic,
        allowed: frozenset[int],
        may_hold: bool = True,
        lead_s: NDArray[np.int64] | None = None,
        skips_left: int = 0,
        red_s: NDArray[np.float64] | None = None,
    ) -> Choice:
        """Choose.

        Parameters
        ----------
        state : int
            Of the junction now: a stage, or a second of a change.
        age_s : float
            Since the start of the running stage. [s]
        traffic : Traffic
        allowed : frozenset of int
            Stages that may be begun at their earliest.
        may_hold : bool
            Whether the running stage may go on.
        lead_s : (stages,) int array, optional
            The running stage is not ended sooner for each: its end has to be told first. [s]
        skips_left : int
            Stages that may yet be left out of the order.
        red_s : (stages,) float array, optional
            Since the last end of each stage; none is left out if it is not given. [s]
        """
        count, settings = len(self.junction.stages), self.settings
        lead = np.zeros(count, np.int64) if lead_s is None else lead_s
        first = Start(
            int(state), float(age_s), min(int(skips_left), self.junction.skips), np.full(count, np.inf) if red_s is None else red_s,
            np.array([k in allowed for k in range(count)]), bool(may_hold), lead,
        )  # fmt: skip
        target, decided_s, cost, alternative, departures, states = _search(
            self._rules, traffic, first, settings.horizon_s, settings.width, settings.interval_s
        )
        is_now = target >= 0 and decided_s == lead[target]
        return Choice(
            int(target if is_now else self.junction.stage[state]),
            float(decided_s if decided_s >= 0 else settings.horizon_s),
            int(target),
            float(cost),
            float(alternative),
            departures,
            states,
        )


class Start(NamedTuple):
    """What `StageSearch.decide` is told beside the traffic, as arrays."""

    state: int
    age_s: float
    skips: int
    red_s: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    may_hold: bool
    lead_s: NDArray[np.int64]


@compiled
def _search(
    rules: Rules, traffic: Traffic, start: Start, horizon_s: int, width: int, interval_s: int
) -> tuple[int, int, float, float, NDArray[np.bool_], NDArray[np.int64]]:
    """Target and time of the best plan's first change, its cost, that of the best one that decides otherwise now, who departs when, states."""
    stages, lanes = len(rules.until_s), traffic.arrival_s.shape[0]
    beam = new_beam(width, stages, lanes, len(traffic.room))
    other = new_beam(width, stages, lanes, len(traffic.room))
    beam.state[0], beam.age[0], beam.skips[0] = start.state, start.age_s, start.skips
    beam.left_s[0], beam.room[0] = -start.red_s, traffic.room
    parents, shown = np.zeros((horizon_s, width), np.int64), np.zeros((horizon_s, width), np.int64)
    departed = np.zeros((horizon_s, width, lanes), np.bool_)
    first, count = int(start.lead_s.min()), 1
    for second in range(horizon_s):
        after = second - first
        is_told = False
        for lead in start.lead_s:
            is_told |= second == lead
        parents[second] = np.arange(width)
        if stages > 1 and (is_told or (after >= 0 and after % interval_s == 0 and _branches(after))):
            kept = _branch(beam, count, other, second, rules, traffic, start, parents[second])
            if kept:
                beam, other, count = other, beam, kept
        shown[second] = beam.state
        advance(beam, count, second, rules, traffic, departed[second])
    best, best_cost, costs = 0, np.inf, np.zeros(count)
    for row in range(count):
        costs[row] = beam.cost[row] + rest(beam, row, beam.state[row], horizon_s, rules, traffic)
        if costs[row] < best_cost:
            best, best_cost = row, costs[row]
    alternative = np.inf
    for row in range(count):
        if _is_now(beam, row, start.lead_s) != _is_now(beam, best, start.lead_s):
            alternative = min(alternative, costs[row])
    departures, states, row = np.zeros((horizon_s, lanes), np.bool_), np.zeros(horizon_s, np.int64), best
    for back in range(horizon_s):
        second = horizon_s - 1 - back
        departures[second], states[second] = departed[second, row], shown[second, row]
        row = parents[second, row]
    return beam.target[best], beam.first_s[best], costs[best], alternative, departures, states


@compiled
def _branches(second: int) -> bool:
    """Whether plans may change their stage in a second: later decisions will be made again, and need not be so fine."""
    return second < 12 or second % (2 if second < 36 else 4) == 0


@compiled
def _is_now(beam: Beam, row: int, lead_s: NDArray[np.int64]) -> bool:
    """Whether a plan begins, or tells, its first change now."""
    return bool(beam.first_s[row] >= 0 and beam.first_s[row] == lead_s[beam.target[row]])


@compiled
def _branch(
    beam: Beam,
    count: int,
    new: Beam,
    second: int,
    rules: Rules,
    traffic: Traffic,
    start: Start,
    parents: NDArray[np.int64],
) -> int:
    """Have plans change their stage, and keep the most promising in `new`: how many; 0: none may change."""
    width, stages = len(beam.state), len(rules.until_s)
    may = np.zeros((count, stages), np.bool_)
    changes = _may(beam, count, second, rules, traffic, start, may)
    if not changes:
        return 0
    rows, targets, n = np.zeros(count + changes, np.int64), np.full(count + changes, -1), 0
    for row in range(count):
        is_over = beam.state[row] < stages and beam.age[row] >= rules.until_s[beam.state[row]]
        is_over |= second == 0 and not start.may_hold
        if not (is_over and may[row].any()):
            rows[n] = row
            n += 1
    for row in range(count):
        for to in range(stages):
            if may[row, to]:
                rows[n], targets[n] = row, to
                n += 1
    kept = _best(beam, rows[:n], targets[:n], second, rules, traffic) if n > width else np.arange(n)
    for k, which in enumerate(kept):
        copy_plan(beam, rows[which], new, k)
        parents[k] = rows[which]
        if targets[which] >= 0:
            _change(new, k, targets[which], second, rules)
    return len(kept)


@compiled
def _change(beam: Beam, row: int, to: int, second: int, rules: Rules) -> None:
    """Begin to change the stage of a plan."""
    old = beam.state[row]
    if rules.fixed_order:
        # the first change may leave out more than the order allows
        beam.skips[row] = max((rules.skips if to <= old else beam.skips[row]) - rules.passed[old, to], 0)
        beam.left_s[row, old] = second
    beam.state[row], beam.age[row] = rules.begun[old, to], 0.0
    beam.cost[row] += rules.charge[old, to]
    if beam.first_s[row] < 0:
        beam.target[row], beam.first_s[row] = to, second


@compiled
def _may(
    beam: Beam, count: int, second: int, rules: Rules, traffic: Traffic, start: Start, may: NDArray[np.bool_]
) -> int:
    """Which stages may follow in which plans now, by their minima, by the order, or where that is free because somebody wants them: how many."""
    stages, lanes, found = len(rules.until_s), traffic.arrival_s.shape[0], 0
    for row in range(count):
        stage = beam.state[row]
        if stage >= stages:
            continue
        for to in range(stages):
            least_s, is_due = rules.min_s[stage, to], False
            if beam.first_s[row] < 0 and second <= start.lead_s[to]:  # the first change, which the caller knows more of
                follows = second == start.lead_s[to] and start.allowed[to] and least_s < np.inf
            elif beam.age[row] < least_s - 1e-6:
                follows = False
            elif rules.fixed_order:
                follows = rules.passed[stage, to] <= (rules.skips if to <= stage else beam.skips[row])
            else:
                follows = False
                for lane in range(lanes):  # somebody waits or comes soon
                    first = beam.next[row, lane]
                    is_here = traffic.arrival_s[lane, first] < second + WANTED_S
                    follows |= is_here and rules.right[to, traffic.movement[lane, first]] > NONE
            if rules.fixed_order:
                for k in range(
                    rules.passed[stage, to]
                ):  # none is left out that would be red for too long, a round later
                    between = (stage + 1 + k) % stages
                    red_s = second - beam.left_s[row, between] + traffic.pace * rules.least_cycle_s
                    is_due |= red_s > rules.max_red_s[between]
            may[row, to] = follows and not is_due
            found += may[row, to]
    return found


@compiled
def _best(
    beam: Beam, rows: NDArray[np.int64], targets: NDArray[np.int64], second: int, rules: Rules, traffic: Traffic
) -> NDArray[np.int64]:
    """The most promising of plans, which go on or change to a target now; some of each stage."""
    width, stages = len(beam.state), len(rules.until_s)
    score, group, sizes = np.zeros(len(rows)), np.zeros(len(rows), np.int64), np.zeros(2 * stages, np.int64)
    for k, row in enumerate(rows):
        state, cost, is_decided = beam.state[row], beam.cost[row], beam.first_s[row] >= 0
        if targets[k] >= 0:
            cost, state, is_decided = cost + rules.charge[state, targets[k]], rules.begun[state, targets[k]], True
        score[k] = cost + rest(beam, row, state, second, rules, traffic)
        group[k] = 2 * rules.stage[state] + is_decided
        sizes[group[k]] += 1
    quota = max(2, width // (2 * (sizes > 0).sum()))
    by_score = np.argsort(score, kind="mergesort")
    order = by_score[np.argsort(group[by_score], kind="mergesort")]
    key, first = score[order], 0
    for size in sizes:
        key[first : first + min(size, quota)] -= 1e12  # the best of each group are kept
        first += int(size)
    return np.sort(order[np.argsort(key, kind="mergesort")[:width]])
