"""How long road users wait at an intersection under a plan, and which plan lets them wait least.

Control delay of a lane as in the Highway Capacity Manual (Transportation Research Board, *HCM 6th ed.*, 2016, ch. 19): uniform delay (eq. 19-20, no progression)
and incremental delay of random arrivals over a quarter of an hour (eq. 19-26, pretimed, isolated). A queue that is left over counts as demand of the next
five minutes: it stands all the time until it is gone. Splits are built up from the minima, a second at a time to the stage that gains most by it, through all cycles up to the longest one; that finds what Webster
(*Traffic signal settings*, Road Research Technical Paper 39, 1958) approximates in closed form, with minima, shared lanes and people on foot counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PERIOD_H = 0.25
"""Analysis period of the Highway Capacity Manual. [h]"""
PRETIMED = 0.5
"""Factor k of incremental delay, of lanes that do not act on detectors."""
PEOPLE = 1e6
"""Saturation flow of who walks: all who wait step off at once. [1/h]"""
RECOVERY_S = 300.0
"""So soon a queue that is left over shall be gone. [s]"""
STEP_S = 1.0
"""Whole seconds: countdown displays show no others. [s]"""


@dataclass(frozen=True)
class Demand:
    """Who comes to an intersection, by queue (lanes, then crosswalks).

    Attributes
    ----------
    rates : (q,) float array
        Arrivals. [1/s]
    flow, red_flow : (q,) float array
        Departures of a standing queue with right of way and without. [1/s]
    left_over : (q,) float array
        Who waits beyond those of one cycle.
    weights : (q,) float array
        What the wait of one counts.
    """

    rates: Floats
    flow: Floats
    red_flow: Floats
    left_over: Floats
    weights: Floats


@dataclass(frozen=True)
class PlanModel:
    """What a plan means for each queue of one intersection.

    Attributes
    ----------
    serves : (stages, q) bool array
        Which stage gives which queue right of way.
    change_s : (stages,) float array
        Change to the next stage. [s]
    served_s : (stages, q) float array
        How long after the begin of that change a queue is still served. [s]
    least_s, most_s : (stages,) float array
        Shortest and longest green. [s]
    red_s : (stages,) float array
        Longest time between the end of each stage's green and its next start. [s]
    forced_s : float
        The same where somebody waits; only what shortens it may follow a plan in which it is longer. [s]
    startup_s : float
        Lost when a queue starts. [s]
    walks : (q,) bool array
        Queues on foot.
    own_s : (plans, stages) float array
        Greens of the cabinet's own plans to which it may go back. [s]
    """

    serves: NDArray[np.bool_]
    change_s: Floats
    served_s: Floats
    least_s: Floats
    most_s: Floats
    red_s: Floats
    forced_s: float
    startup_s: float
    walks: NDArray[np.bool_]
    own_s: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    def green_s(self, greens_s: Floats) -> Floats:
        """(..., q) Effective green of each queue under greens by stage (..., stages). [s]"""
        onward = self.serves & np.roll(self.serves, -1, axis=0)
        ends = np.where(onward, self.change_s[:, None], self.served_s)
        starts = (self.serves & ~np.roll(self.serves, 1, axis=0)).sum(axis=0)
        lost = self.startup_s * starts * ~self.walks
        found = greens_s @ self.serves + (self.serves * ends).sum(axis=0) - lost
        green_s: Floats = np.maximum(found, 0.0)
        return green_s

    def delay(self, demand: Demand, greens_s: Floats) -> Floats:
        """(...) Weighted delay of all who come, per second, under greens by stage (..., stages). [s/s]"""
        greens_s = np.asarray(greens_s, float)
        cycle_s = greens_s.sum(axis=-1, keepdims=True) + self.change_s.sum()
        share = np.clip(self.green_s(greens_s) / cycle_s, 0.0, 1.0)
        rates = demand.rates + demand.left_over / RECOVERY_S
        capacity_h = 3600.0 * np.maximum(demand.flow * share + demand.red_flow * (1.0 - share), 1e-4)
        capacity_h = np.where(self.walks, PEOPLE, capacity_h)
        load = 3600.0 * rates / capacity_h
        standing = np.maximum(
            1.0 - np.minimum(1.0, load) * share, 1e-9
        )  # 0 where a queue always has right of way: nobody waits there
        uniform_s = 0.5 * cycle_s * (1.0 - share) ** 2 / standing
        over = load - 1.0
        random = np.sqrt(over**2 + 8.0 * PRETIMED * load / (capacity_h * PERIOD_H))
        incremental_s = np.where(self.walks, 0.0, 900.0 * PERIOD_H * (over + random))
        found: Floats = (demand.weights * rates * (uniform_s + incremental_s)).sum(axis=-1)
        return found

    def reds_s(self, first_s: Floats, second_s: Floats) -> Floats:
        """(stages,) Between the end of each stage's green in a cycle of one plan and its start in the next cycle, of another. [s]"""
        first, second = first_s + self.change_s, second_s + self.change_s
        found: Floats = self.change_s + np.array([first[k + 1 :].sum() + second[:k].sum() for k in range(len(first))])
        return found

    def is_within(self, greens_s: Floats) -> bool:
        """Whether a plan of these greens keeps minima, maxima and reds."""
        is_long = greens_s.sum() + self.change_s.sum() - greens_s > np.minimum(self.red_s, self.forced_s) + 1e-6
        is_bound = (is_long | (greens_s < self.least_s - 1e-6) | (greens_s > self.most_s + 1e-6)).any()
        return not is_bound and self.leads_back(greens_s)

    def leads_back(self, greens_s: Floats) -> bool:
        """Whether no stage is red for too long on the way from a plan to the cabinet's own, as the guard asks."""
        for own_s in self.own_s:
            longest_s = np.minimum(self.red_s, np.maximum(self.forced_s, self.reds_s(own_s, own_s)))
            if (self.reds_s(greens_s, own_s) > longest_s + 1e-6).any():
                return False
        return True

    def may_follow(self, running_s: Floats, greens_s: Floats) -> bool:
        """Whether the guard lets a plan follow another, as far as minima, maxima and reds go."""
        if (greens_s < self.least_s - 1e-6).any() or (greens_s > self.most_s + 1e-6).any():
            return False
        if not self.leads_back(greens_s):
            return False
        now_s, passing_s = self.reds_s(running_s, running_s), self.reds_s(running_s, greens_s)
        then_s = self.reds_s(greens_s, greens_s)
        longest_s = np.maximum(passing_s, then_s)
        is_shorter = (passing_s < now_s + 0.05) & (then_s < now_s - 0.05)
        return bool(((longest_s <= self.red_s + 1e-6) & ((longest_s <= self.forced_s + 1e-6) | is_shorter)).all())

    def best(self, demand: Demand, cycle_s: float | None = None) -> Floats:
        """(stages,) Greens of least delay, in whole seconds; of one cycle length if it is given and can be had. [s]"""
        greens_s = np.ceil(self.least_s - 1e-6)
        steps = STEP_S * np.eye(len(greens_s))
        found, least = greens_s, float(self.delay(demand, greens_s))
        while True:
            at_s = float(greens_s.sum() + self.change_s.sum())
            if cycle_s is not None and at_s >= cycle_s - 0.5 * STEP_S:
                return self._levelled(demand, greens_s)
            may = [k for k in range(len(steps)) if self.is_within(greens_s + steps[k])]
            if not may:
                return found if cycle_s is None else self._levelled(demand, greens_s)
            delays = self.delay(demand, greens_s + steps[may])
            greens_s = greens_s + steps[may[int(np.argmin(delays))]]
            if float(delays.min()) < least:
                found, least = greens_s, float(delays.min())

    def _levelled(self, demand: Demand, greens_s: Floats) -> Floats:
        """Greens of the same cycle from which no second is better given to another stage."""
        steps = STEP_S * np.eye(len(greens_s))
        delay = float(self.delay(demand, greens_s))
        for _ in range(100):
            moved = [greens_s + a - b for a in steps for b in steps if a is not b and self.is_within(greens_s + a - b)]
            delays = self.delay(demand, np.array(moved)) if moved else np.array([np.inf])
            if float(delays.min()) >= delay - 1e-9:
                break
            greens_s, delay = moved[int(np.argmin(delays))], float(delays.min())
        return greens_s

    def towards(self, running_s: Floats, target_s: Floats, most: float) -> Floats:
        """(stages,) Greens on the way from running ones to a target, each split at most the share `most` away, in whole seconds. [s]"""
        reach_s = np.floor(most * (running_s + self.change_s) + 1e-6)
        step_s = running_s + np.clip(target_s - running_s, -reach_s, reach_s)
        step_s = np.clip(step_s, self.least_s, self.most_s)
        return step_s if self.may_follow(running_s, step_s) else running_s

    def shifted(self, running_s: Floats, target_s: Floats, later_s: float, most: float) -> Floats:
        """(stages,) Greens of one cycle that lets the next ones begin later, or as much of it as the share `most` of each split allows; where it takes
        fewer cycles, earlier by what is left of the cycle. [s]"""
        cycle_s = float(target_s.sum() + self.change_s.sum())
        later_s %= cycle_s
        reach_s = np.floor(most * (running_s + self.change_s) + 1e-6)
        longer_s = np.floor(np.maximum(np.minimum(running_s + reach_s, self.most_s) - target_s, 0.0) + 1e-6)
        shorter_s = np.floor(np.maximum(target_s - np.maximum(running_s - reach_s, self.least_s), 0.0) + 1e-6)
        is_later = later_s * shorter_s.sum() <= (cycle_s - later_s) * longer_s.sum()
        room_s, wanted_s = (longer_s, later_s) if is_later else (shorter_s, cycle_s - later_s)
        given_s = np.floor(room_s * min(1.0, wanted_s / max(1e-9, float(room_s.sum()))) + 1e-6)
        greens_s = target_s + given_s if is_later else target_s - given_s
        return greens_s if self.may_follow(running_s, greens_s) else target_s
