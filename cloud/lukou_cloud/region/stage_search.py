"""Search over stage sequences: which stage to show, for how long, and what comes next, for the least weighted delay.

A beam of plans is carried forward second by second over a model of the traffic. Every plan that may change its stage branches; the
most promising are kept, some of each stage. (Beam search: Lowerre 1976; the rolling horizon: Gartner, *OPAC*, 1983.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.junction import NONE, Junction
from lukou_cloud.region.queue_model import Beam, QueueModel, Traffic


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


def _branches(second: int) -> bool:
    """Whether plans may change their stage in a second: later decisions will be made again, and need not be so fine."""
    return second < 12 or second % (2 if second < 36 else 4) == 0


class StageSearch:
    """Search for one intersection.

    Parameters
    ----------
    junction : Junction
    settings : SearchSettings
    """

    def __init__(self, junction: Junction, settings: SearchSettings) -> None:
        self.junction, self.settings = junction, settings
        self._model = QueueModel(junction, settings.width, settings.startup_s, settings.stop_s)
        self._stages = len(junction.stages)
        self._ways = junction.right.shape[1]
        self._served = np.ascontiguousarray((junction.right[: self._stages] > NONE).T, np.float32)
        stages, order = range(self._stages), np.arange(self._stages)
        following = np.roll(order, -1)
        self._least_cycle_s = float((junction.change_s + junction.min_s)[order, following].sum())
        self._between = np.zeros((self._stages,) * 3, np.float32)  # [from, stage between, to]
        for a, b in ((a, b) for a in stages for b in stages if a != b):
            self._between[a, [(a + 1 + k) % self._stages for k in range(int(junction.passed[a, b]))], b] = 1.0
        # by state: when each stage may follow, never from within a change or from itself; and when it has to
        states = len(junction.right)
        self._from_s, self._until_s = np.full((states, self._stages), np.inf), np.full(states, np.inf)
        self._from_s[: self._stages] = np.where(np.eye(self._stages, dtype=bool), np.inf, junction.min_s - 1e-6)
        self._until_s[: self._stages] = junction.max_s - 6.0
        self._begun = np.where(junction.change_s > 0, junction.change, order[None]).ravel()
        self._cost = (self.settings.switch_cost + self.settings.skip_cost * junction.passed).ravel()
        self._passed = np.ascontiguousarray(junction.passed).ravel()
        self._group = 2 * junction.stage

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
        red_s = np.full(self._stages, np.inf) if red_s is None else red_s
        lead = np.zeros(self._stages, np.int64) if lead_s is None else lead_s
        lanes, places = traffic.arrival_s.shape
        beam = Beam(state, age_s, skips_left, red_s, lanes, places, traffic.room)
        lineage: list[tuple[NDArray[np.int64] | None, NDArray[np.bool_], NDArray[np.int64]]] = []
        limits = bool(np.isfinite(traffic.room).any())
        first, leads = int(lead.min()), set(lead.tolist())
        for second in range(self.settings.horizon_s):
            rows = None
            after = second - first
            if (after >= 0 and after % self.settings.interval_s == 0 and _branches(after)) or second in leads:
                rows = self._branch(beam, second, traffic, allowed, may_hold, lead)
            shown = beam.state
            lineage.append((rows, self._model.advance(beam, second, traffic, limits), shown))
        every = np.arange(len(beam.state))
        score = beam.cost + self._model.rest(beam, self.settings.horizon_s, traffic, every, beam.state)
        return self._choice(beam, score, state, lineage, lead)

    # ---- branching

    def _branch(
        self,
        beam: Beam,
        second: int,
        traffic: Traffic,
        allowed: frozenset[int],
        may_hold: bool,
        lead: NDArray[np.int64],
    ) -> NDArray[np.int64] | None:
        if self._stages < 2:
            return None
        age = beam.age[:, None] >= self._from_s.take(beam.state, axis=0)
        last = int(lead.max())  # later, every stage may be begun
        if second > last and not np.count_nonzero(age):
            return None
        stage = np.minimum(beam.state, self._stages - 1)
        may = age & self._may(beam, stage, second, traffic)
        if second <= last:
            undecided = (beam.first_s < 0)[:, None]
            begins = np.array([k in allowed for k in range(self._stages)]) & (second == lead)
            may &= ~undecided | (second > lead)
            may |= undecided & begins & np.isfinite(self._from_s.take(beam.state, axis=0))
        if self.junction.fixed_order:
            may &= ~self._are_due(beam, stage, second, traffic.pace)
        over = beam.age >= self._until_s.take(beam.state)
        if not may_hold and second == 0:
            over[:] = True
        parent, to = may.nonzero()
        if not len(parent):
            return None
        if np.count_nonzero(over):
            stay = (~over | ~may.any(axis=1)).nonzero()[0]
        else:
            stay = np.arange(len(over))
        rows, target = np.concatenate([stay, parent]), np.concatenate([np.full(len(stay), -1), to])
        new = np.arange(len(stay), len(rows))
        if len(rows) > self.settings.width:
            kept = self._best(beam, rows, target, len(stay), second, traffic)
            rows, target = rows.take(kept), target.take(kept)
            new = (target >= 0).nonzero()[0]
        beam.take(rows)
        self._change(beam, new, target.take(new), second)
        return rows

    def _change(self, beam: Beam, new: NDArray[np.int64], to: NDArray[np.int64], second: int) -> None:
        """Begin to change the stage of some plans."""
        old = beam.state.take(new)
        change = old * self._stages + to
        if self.junction.fixed_order:
            skips = np.where(to <= old, self.junction.skips, beam.skips.take(new))
            beam.skips[new] = skips - self._passed.take(change)
            beam.left_s[new, old] = second
        beam.state[new] = self._begun.take(change)
        beam.age[new] = 0.0
        beam.cost[new] += self._cost.take(change)
        first = beam.first_s.take(new) < 0
        if np.count_nonzero(first):
            fresh = new[first]
            beam.target[fresh], beam.first_s[fresh] = to[first], second

    def _may(self, beam: Beam, stage: NDArray[np.int64], second: int, traffic: Traffic) -> NDArray[np.bool_]:
        """Stages that may follow by the order, or that somebody wants where it is free."""
        junction = self.junction
        if not junction.fixed_order:
            return self._wanted(beam, second, traffic)
        is_new_round = np.arange(self._stages)[None] <= stage[:, None]
        result: NDArray[np.bool_] = junction.passed[stage] <= np.where(
            is_new_round, junction.skips, beam.skips[:, None]
        )
        return result

    def _are_due(self, beam: Beam, stage: NDArray[np.int64], second: int, pace: float) -> NDArray[np.bool_]:
        """Stages whose begin would leave out one that would be red for too long then, a round of the usual length later."""
        is_late = (second - beam.left_s + pace * self._least_cycle_s > self.junction.max_red_s).astype(np.float32)
        result: NDArray[np.bool_] = np.einsum("rk,rkt->rt", is_late, self._between[stage]) > 0
        return result

    def _wanted(self, beam: Beam, second: int, traffic: Traffic) -> NDArray[np.bool_]:
        """Stages that serve a lane whose first vehicle waits or comes soon."""
        soon = traffic.arrival_s.take(beam.next) < second + 8.0
        asked = np.zeros((len(soon), self._ways), np.float32)
        places = traffic.movement.take(beam.next) + (np.arange(len(soon)) * self._ways)[:, None]
        asked.ravel()[places[soon]] = 1.0
        result: NDArray[np.bool_] = asked @ self._served > 0
        return result

    def _best(
        self,
        beam: Beam,
        rows: NDArray[np.int64],
        target: NDArray[np.int64],
        changing_from: int,
        second: int,
        traffic: Traffic,
    ) -> NDArray[np.int64]:
        """The most promising of plans, which either go on or, from one row on, change to a target now; some of each stage."""
        state, cost, decided = beam.state.take(rows), beam.cost.take(rows), beam.first_s.take(rows) >= 0
        change = state[changing_from:] * self._stages + target[changing_from:]
        state[changing_from:], decided[changing_from:] = self._begun.take(change), True
        cost[changing_from:] += self._cost.take(change)
        score = cost + self._model.rest(beam, second, traffic, rows, state)
        group = self._group.take(state) + decided
        order = np.lexsort((score, group))
        counts = np.bincount(group)
        starts = (counts.cumsum() - counts).take(group.take(order))
        quota = max(2, self.settings.width // (2 * int((counts > 0).sum())))
        key = score.take(order) - 1e12 * (np.arange(len(order)) - starts < quota)
        chosen: NDArray[np.int64] = order.take(key.argsort(kind="stable")[: self.settings.width])
        chosen.sort()
        return chosen

    # ---- the outcome

    def _choice(
        self,
        beam: Beam,
        score: NDArray[np.float64],
        state: int,
        lineage: list[tuple[NDArray[np.int64] | None, NDArray[np.bool_], NDArray[np.int64]]],
        lead: NDArray[np.int64],
    ) -> Choice:
        best = int(np.argmin(score))
        now = (beam.first_s >= 0) & (beam.first_s == lead[beam.target])
        is_now = bool(now[best])
        others = score[now != is_now]
        row, departures, states = best, [], []
        for rows, departed, shown in reversed(lineage):
            departures.append(departed[row])
            states.append(int(shown[row]))
            row = int(rows[row]) if rows is not None else row
        stage = int(self.junction.stage[state])
        first = int(beam.first_s[best])
        return Choice(
            int(beam.target[best]) if is_now else stage,
            float(first if first >= 0 else self.settings.horizon_s),
            int(beam.target[best]),
            float(score[best]),
            float(others.min()) if len(others) else np.inf,
            np.array(departures[::-1]),
            np.array(states[::-1]),
        )
