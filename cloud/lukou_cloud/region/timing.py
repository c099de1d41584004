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

HOLDS_S = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 38, 45, 52, 60)
"""Candidate times to hold the running stage. [s]"""

LEAVE_BELOW = (0.6, 1.5, 3.5)
"""Policies of the rollouts: a later stage ends when fewer road users than this wait or come soon. [road users]"""

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
    """

    stage: int
    hold_s: float
    cost: float
    alternative: float
    why: str


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
        headway = np.where(approaches.is_bicycle, settings.bicycle_headway_s, settings.headway_s)
        self._flow = np.concatenate([1.0 / headway, np.full(crossings, 50.0)])
        self._weight = np.concatenate(
            [
                np.where(approaches.is_bicycle, settings.bicycle_weight, 1.0),
                np.full(crossings, settings.pedestrian_weight),
            ]
        )
        is_lane = np.arange(lanes + crossings) < lanes
        self._serves_vehicles = (approaches.serves & is_lane).astype(float)
        self._startup = np.concatenate([np.full(lanes, settings.startup_s), np.zeros(crossings)])

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
        if skip in allowed and count > 2 and earliest == 0.0:
            candidates.append((0.0, skip))
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
        )

    def _simulate(
        self, stage: int, elapsed_s: float, candidates: list[tuple[float, int]], situation: Situation
    ) -> NDArray[np.float64]:
        """Weighted waiting of every candidate. [road user s]"""
        approaches = self._approaches
        count = len(approaches.stages)
        size = len(candidates) * len(LEAVE_BELOW)
        hold = np.tile(np.array([h for h, _ in candidates]), len(LEAVE_BELOW))
        first_next = np.tile(np.array([n for _, n in candidates]), len(LEAVE_BELOW))
        leave_below = np.repeat(np.array(LEAVE_BELOW), len(candidates))
        soon = _ahead(situation.arrivals, SOON_S)
        queue = np.repeat(situation.queue[None], size, axis=0)
        current = np.full(size, stage)
        target = np.full(size, -1)
        timer = np.zeros(size)  # time in the change, or green since the decision
        green_s = np.full(size, elapsed_s)
        is_first = np.ones(size, bool)
        weight = self._weight * (1.0 + situation.waited_s / self._settings.wait_weight_s)
        cost = np.zeros(size)
        horizon = self._settings.horizon_s
        for second in range(horizon):
            changing = target >= 0
            ended = changing & (timer >= approaches.change_s[current, np.maximum(target, 0)])
            if ended.any():
                current = np.where(ended, target, current)
                green_s = np.where(ended, 0.0, green_s)
                target = np.where(ended, -1, target)
                timer = np.where(ended, 0.0, timer)
                changing = target >= 0
            served = self._served(current, target, timer, green_s, changing)
            out = np.minimum(queue + situation.arrivals[second], served * self._flow)
            queue = queue + situation.arrivals[second] - out
            cost += queue @ weight
            waiting = (self._serves_vehicles[current] * (queue + soon[second])).max(axis=1) > leave_below
            over = green_s >= approaches.max_s[current]
            ready = np.where(
                is_first, second + 1 > hold, (green_s + 1 >= approaches.min_s[current]) & (~waiting | over)
            )
            start = ~changing & ready
            target = np.where(start, np.where(is_first, first_next, (current + 1) % count), target)
            timer = np.where(start, 0.0, timer + changing)
            is_first &= ~start
            green_s = green_s + ~changing
        cost += self._settings.terminal_s * (queue @ weight)
        best: NDArray[np.float64] = cost.reshape(len(LEAVE_BELOW), len(candidates)).min(axis=0)
        return best

    def _served(
        self,
        current: NDArray[np.int64],
        target: NDArray[np.int64],
        timer: NDArray[np.float64],
        green_s: NDArray[np.float64],
        changing: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """(candidates, queues) share of the second in which each queue has right of way."""
        approaches = self._approaches
        in_green = approaches.serves[current] & (green_s[:, None] >= self._startup[None])
        last = approaches.served_in_change_s[current, np.maximum(target, 0)]
        in_change = last > timer[:, None]
        return np.where(changing[:, None], in_change, in_green).astype(float)

    def _why(self, stage: int, target: int, hold: float, situation: Situation, cost: float, other: float) -> str:
        names, approaches = self._approaches.stages, self._approaches

        def waiting(which: int) -> float:
            return float(situation.queue[approaches.serves[which]].sum())

        following = target if target != stage else (stage + 1) % len(names)
        text = f"{waiting(stage):.0f} queue for {names[stage]}, {waiting(following):.0f} for {names[following]}"
        if target == stage:
            return f"hold {names[stage]} about {hold:.0f} s: {text}; changing now would cost {other - cost:.0f} s more"
        return f"change to {names[target]}: {text}; waiting on would cost {other - cost:.0f} s more"


def _ahead(arrivals: NDArray[np.float64], seconds: int) -> NDArray[np.float64]:
    """Sum of the arrivals of the next `seconds` rows, for each row."""
    total = np.concatenate([np.zeros((1, arrivals.shape[1])), np.cumsum(arrivals, axis=0)])
    last = np.minimum(np.arange(1, len(arrivals) + 1) + seconds, len(arrivals))
    result: NDArray[np.float64] = total[last] - total[1:]
    return result
