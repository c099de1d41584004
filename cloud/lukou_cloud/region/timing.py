"""When to change the stage: rollouts of a queue model over every instant at which the running stage may end.

Each candidate holds the running stage for some seconds and then serves the following stages in fixed order, each until few
wait or come soon; how few is varied too, and a candidate is judged by the best of these policies. All are simulated at
once, a second at a time; the one with the least weighted waiting wins. (Rollout algorithm: Bertsekas, *Dynamic Programming and Optimal Control*, 4th ed., section 6.4; the vertical
queue model: Robertson and Bretherton's TRANSYT and OPAC's rolling horizon, Gartner 1983.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.approaches import Approaches
from lukou_cloud.region.queues import Situation
from lukou_cloud.region.settings import TimingSettings

HOLDS_S = (0, 1, 2, 4, 7, 11, 16, 23, 32, 45)
"""Candidate times to hold the running stage. [s]"""

LEAVE_BELOW = (0.6, 1.5, 3.5, 99.0)
"""Policies of the rollouts: a later stage ends when fewer road users than this wait or come soon in each of its lanes; the last
one leaves at the minimum. [road users]"""

SOON_S = 4
"""Who arrives within this time counts as coming soon. [s]"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now.

    Attributes
    ----------
    stage : int
        Stage wanted: the running one, or the one to change to.
    hold_s : float
        How long the running stage is expected to last yet. [s]
    cost, alternative : float
        Weighted waiting of this choice and of the best one that decides otherwise now. [road user s]
    why : str
        For people.
    following : int
        Stage to change to as soon as the guard allows it, within the second; -1: none.
    """

    stage: int
    hold_s: float
    cost: float
    alternative: float
    why: str
    following: int = -1


class Timing:
    """Timing of one intersection.

    Parameters
    ----------
    approaches : Approaches
    settings : TimingSettings
    """

    def __init__(self, approaches: Approaches, settings: TimingSettings) -> None:
        self._approaches, self._settings = approaches, settings
        lanes, crossings = len(approaches.lanes), len(approaches.crossings)
        self._weight = np.concatenate(
            [
                np.where(approaches.is_bicycle, settings.bicycle_weight, 1.0),
                np.full(crossings, settings.pedestrian_weight),
            ]
        )
        is_lane = np.arange(lanes + crossings) < lanes
        self._serves_vehicles = (approaches.serves & is_lane).astype(float)
        startup = np.concatenate([np.full(lanes, settings.startup_s), np.zeros(crossings)])
        self._table = _compile_table(approaches, startup)

    def decide(
        self, stage: int, elapsed_s: float, situation: Situation, allowed: frozenset[int], may_hold: bool = True
    ) -> Decision:
        """Choose for a stage that has run `elapsed_s`.

        Parameters
        ----------
        stage : int
            Running stage.
        elapsed_s : float
            Since its start. [s]
        situation : Situation
            Queues and arrivals.
        allowed : frozenset of int
            Other stages that the guard would let begin now.
        may_hold : bool
            Whether the guard would let the running stage go on.
        """
        approaches = self._approaches
        count = len(approaches.stages)
        earliest = max(0.0, float(approaches.min_s[stage]) - elapsed_s)
        latest = max(earliest, float(approaches.max_s[stage]) - elapsed_s)
        holds = sorted({min(max(float(h), earliest), latest) for h in HOLDS_S} | {earliest})
        candidates = [(h, (stage + 1) % count) for h in holds]
        skip = (stage + 2) % count
        if count > 2 and skip in allowed:  # one hoped for, but not yet allowed, made stages wait for it in vain
            candidates += [(h, skip) for h in holds]
        costs = self._simulate(stage, elapsed_s, candidates, situation)
        order = np.argsort(costs, kind="stable")
        best = int(order[0])
        now = [k for k, (hold, _) in enumerate(candidates) if hold < 1.0]
        later = [k for k in range(len(candidates)) if k not in now]
        best_later = min(later, key=lambda k: costs[k], default=best)
        wants_change = best in now and bool({candidates[best][1]} & allowed)
        if not may_hold and allowed:
            now = [k for k in now if candidates[k][1] in allowed]
            if not now:
                other_stage = min(allowed, key=lambda k: (k - stage) % count)
                return Decision(
                    other_stage, 0.0, float(costs[best]), float(costs[best]), "the guard lets nothing else begin"
                )
            best, later, wants_change = min(now, key=lambda k: costs[k]), [], True
        if wants_change and later and costs[best] > costs[best_later] * (1.0 - self._settings.margin):
            wants_change = False  # not worth it: hold
        chosen = best if wants_change or best not in now else best_later
        target = candidates[best][1] if wants_change else stage
        other = min((costs[k] for k in (later if wants_change else now)), default=float(costs[chosen]))
        return Decision(
            target,
            0.0 if wants_change else candidates[chosen][0],
            float(costs[chosen]),
            float(other),
            self._why(stage, target, candidates[chosen][0], situation, float(costs[chosen]), float(other)),
            candidates[best][1] if best in now and target == stage and not allowed else -1,
        )

    def _simulate(
        self,
        stage: int,
        elapsed_s: float,
        candidates: list[tuple[float, int]],
        situation: Situation,
    ) -> NDArray[np.float64]:
        """Weighted waiting of every candidate, under the best of the policies. [road user s]"""
        table, settings = self._table, self._settings
        capacity = table.share * situation.flow + (1.0 - table.share) * situation.red_flow
        soon = _ahead(situation.arrivals, SOON_S)
        rows = _Rollouts.begin(candidates, table.green[stage, min(int(elapsed_s), table.green.shape[1] - 1)])
        size = len(rows.state)
        green_s = np.full(size, elapsed_s)
        queue = np.repeat(situation.queue[None], size, axis=0)
        waited = np.zeros_like(queue)
        for second in range(settings.horizon_s):
            queue += situation.arrivals[second]
            queue -= np.minimum(queue, capacity[rows.state])
            waited += queue
            is_green = table.is_green[rows.state]
            green_s += is_green
            rows.state = table.following[rows.state]
            over = np.flatnonzero(is_green & (rows.first_end < second + 1))
            if len(over):
                self._leave(rows, over, queue, soon[second], green_s)
        weight = self._weight * (1.0 + situation.waited_s / settings.wait_weight_s)
        cost = (waited + settings.terminal_s * queue) @ weight
        best: NDArray[np.float64] = cost.reshape(len(LEAVE_BELOW), len(candidates)).min(axis=0)
        return best

    def _leave(
        self,
        rows: _Rollouts,
        over: NDArray[np.int64],
        queue: NDArray[np.float64],
        soon: NDArray[np.float64],
        green_s: NDArray[np.float64],
    ) -> None:
        """Begin the changes of this second among the rows `over`, which need not hold their stage."""
        approaches, table = self._approaches, self._table
        count = len(approaches.stages)
        stage = table.stage[rows.state[over]]
        is_first = rows.first_next[over] >= 0
        ready = is_first | (green_s[over] >= approaches.min_s[stage])
        over, stage, is_first = over[ready], stage[ready], is_first[ready]
        demand = queue[over] + soon
        waiting = (self._serves_vehicles[stage] * demand).max(axis=1) > rows.leave_below[over]
        leaves = is_first | ~waiting | (green_s[over] >= approaches.max_s[stage])
        over, stage, is_first = over[leaves], stage[leaves], is_first[leaves]
        target = np.where(is_first, rows.first_next[over], (stage + 1) % count)
        rows.state[over] = table.change[stage, target]
        rows.first_next[over] = -1
        rows.first_end[over] = 0
        green_s[over] = 0.0

    def _why(self, stage: int, target: int, hold: float, situation: Situation, cost: float, other: float) -> str:
        names, approaches = self._approaches.stages, self._approaches

        def waiting(which: int) -> float:
            return float(situation.queue[approaches.serves[which]].sum())

        following = target if target != stage else (stage + 1) % len(names)
        text = f"{waiting(stage):.0f} queue for {names[stage]}, {waiting(following):.0f} for {names[following]}"
        if target == stage:
            return f"hold {names[stage]} about {hold:.0f} s: {text}; changing now would cost {other - cost:.0f} s more"
        return f"change to {names[target]}: {text}; waiting on would cost {other - cost:.0f} s more"


@dataclass(slots=True)
class _Rollouts:
    """Rows of the simulation: every candidate under every policy."""

    state: NDArray[np.int64]
    first_end: NDArray[np.float64]
    first_next: NDArray[np.int64]  # -1 once the candidate's own change has begun
    leave_below: NDArray[np.float64]

    @classmethod
    def begin(cls, candidates: list[tuple[float, int]], state: int) -> _Rollouts:
        policies, size = np.array(LEAVE_BELOW), len(candidates)
        return cls(
            np.full(size * len(policies), state),
            np.tile(np.array([hold for hold, _ in candidates]), len(policies)),
            np.tile(np.array([to for _, to in candidates]), len(policies)),
            np.repeat(policies, size),
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """What an intersection may be doing in a second, numbered: greens by age, changes by age."""

    share: NDArray[np.float64]  # (states, queues) of the second in which a queue has right of way
    following: NDArray[np.int64]  # state of the next second if nobody decides
    is_green: NDArray[np.bool_]
    stage: NDArray[np.int64]
    green: NDArray[np.int64]  # (stages, age) state
    change: NDArray[np.int64]  # (stages, stages) first state


def _compile_table(approaches: Approaches, startup_s: NDArray[np.float64]) -> _Table:
    count, ages = len(approaches.stages), int(np.ceil(startup_s.max(initial=0.0))) + 1
    green = np.arange(count * ages).reshape(count, ages)
    change = np.zeros((count, count), np.int64)
    share = [
        np.clip(approaches.serves[k] * (age + 1 - startup_s), 0.0, 1.0) for k in range(count) for age in range(ages)
    ]
    following = [int(green[k, min(age + 1, ages - 1)]) for k in range(count) for age in range(ages)]
    stage = [k for k in range(count) for _ in range(ages)]
    for a in range(count):
        for b in range(count):
            if a == b:
                continue
            change[a, b] = len(share)
            length = int(np.ceil(approaches.change_s[a, b]))
            for age in range(length):
                share.append(np.clip(approaches.served_in_change_s[a, b] - age, 0.0, 1.0))
                following.append(len(share) if age + 1 < length else int(green[b, 0]))
                stage.append(b)
    is_green = np.arange(len(share)) < green.size
    return _Table(np.array(share), np.array(following), is_green, np.array(stage), green, change)


def _ahead(arrivals: NDArray[np.float64], seconds: int) -> NDArray[np.float64]:
    """Sum of the arrivals of the next `seconds` rows, for each row."""
    total = np.concatenate([np.zeros((1, arrivals.shape[1])), np.cumsum(arrivals, axis=0)])
    last = np.minimum(np.arange(1, len(arrivals) + 1) + seconds, len(arrivals))
    result: NDArray[np.float64] = total[last] - total[1:]
    return result
