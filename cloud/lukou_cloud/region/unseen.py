"""Vehicles that nobody sees: how large a share is seen, and how many others stand and come.

A vehicle that stands 40 m before the stop line tells of five before it, seen or not. Over many of them, the share of places that
hold somebody seen estimates the share of all vehicles that is seen (Wong, Shen, Zhao and Liu, 2019, *On the estimation of connected
vehicle penetration rate based on single-source connected vehicle data*). Some stand for reasons of their own, or are nobody: each
queue is held against both (a contaminated distribution: Huber, 1964, *Robust estimation of a location parameter*). The others are
then known by their places as far as somebody seen stands behind them, and by the usual arrivals beyond (as in Comert and Cetin, 2009,
on queues from probe vehicles).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPACING_M = 7.5
"""From front to front of vehicles in a queue. [m]"""
MOST_HIDDEN = 20
"""No more unseen vehicles are believed to stand in a lane."""
ALL_SEEN = 0.85
"""From this share on all are taken for seen: trucks make gaps too."""
COUNTS = np.arange(MOST_HIDDEN + 1.0)
NOBODY = np.where(COUNTS == 0, 1.0, 0.0)
"""How likely so many are, where nobody is."""
SHARES = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
"""Shares that are held against each other."""
FEW, FEW_CHANCE = 0.15, 0.1
"""Few may be seen where so small a share, or a smaller one, is as likely as this, if nothing is known beforehand."""
ALONE = 0.05
"""So many of those who stand, stand there for a reason of their own: any number of the places before them may be taken."""
MOST_MISSED = 12
"""Who stands farther behind the last one seen than this many places stands in no queue; more may hide where few are seen."""
PRIOR_PLACES = 4.0
"""So many places with somebody seen count as known before the first, and always."""
MEMORY_PLACES = 300.0
"""Places over which the share is remembered."""
FRONT_M = 2.0
"""The first of a queue stands so far before the stop line, until a lane's own is known. [m]"""
FRONT_MEMORY = 10.0
"""Vehicles over which it is remembered where the first of a queue stands; after so many it is known."""
SETTLED_S = 2.0
"""Who has stood for so long stands in its place. [s]"""
CLOSED_UP_S = 8.0
"""So long after right of way has ended a queue has no more gaps of its own. [s]"""
START_S = 2.0
STARTING_S = 1.5
"""So long after the beginning of right of way who stands still is not about to start: the first, and each one behind. [s]"""
CALM_S = 8.0
"""So long nobody seen may have moved before one who stands with right of way: others may have left too. [s]"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A seen vehicle that stands in an approach lane.

    Attributes
    ----------
    to_stop_m : float
        Before the stop line. [m]
    identity : int
    waited_s : float
        Since it stands. [s]
    tells : bool
        Whether the places before it tell of the share that is seen: it was seen driving there.
    is_unsure : bool
        It may stand in the lane beside: the places before it tell no more than whether few are seen.
    """

    to_stop_m: float
    identity: int
    waited_s: float
    tells: bool = True
    is_unsure: bool = False


@dataclass(slots=True)
class Unseen:
    """Unseen vehicles on the approach lanes of one intersection.

    Attributes
    ----------
    counts : (n,) bool array
        Lanes whose queues tell of the share: those of motor vehicles.
    """

    counts: NDArray[np.bool_]
    _likely: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(SHARES)))  # logarithm, of each share
    _roughly: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros(len(SHARES))
    )  # the same by those of unsure places too
    _counted: set[int] = field(default_factory=set)  # who has told of the share by a sure place
    _noted: set[int] = field(default_factory=set)  # by any
    _ahead: NDArray[np.float64] = field(init=False)  # unseen before or between those seen in a queue
    _tail: NDArray[np.float64] = field(init=False)  # how likely 0, 1, 2 and so on stand unseen behind the last one seen
    _leaving: NDArray[np.float64] = field(init=False)  # part of a vehicle that has left of them
    _red_s: NDArray[np.float64] = field(init=False)  # since each lane last had right of way
    _green_s: NDArray[np.float64] = field(init=False)  # since it got it
    _calm_s: NDArray[np.float64] = field(init=False)  # since somebody seen moved in front
    _front_m: NDArray[np.float64] = field(init=False)  # where the first of a queue stands
    _told: NDArray[np.int64] = field(init=False)  # vehicles whose place has told something
    _last: list[int] = field(init=False)  # last one seen in each queue
    _last_m: NDArray[np.float64] = field(init=False)
    _share: float = field(init=False)
    _is_few: bool = field(init=False)

    def __post_init__(self) -> None:
        self._weigh()
        lanes = len(self.counts)
        self._ahead, self._last_m, self._leaving = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
        self._tail = np.tile(NOBODY, (lanes, 1))
        self._red_s, self._green_s, self._calm_s = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
        self._front_m = np.full(lanes, np.inf)
        self._told = np.zeros(lanes, np.int64)
        self._last = [-1] * lanes

    @property
    def share(self) -> float:
        """Share of the vehicles that is seen."""
        return self._share

    @property
    def is_few(self) -> bool:
        """Whether it may well be that very few are seen."""
        return self._is_few

    @property
    def red_s(self) -> NDArray[np.float64]:
        """(n,) Since each lane last had right of way. [s]"""
        return self._red_s.copy()

    def _weigh(self) -> None:
        weight = _shares_of(self._likely + PRIOR_PLACES * np.log(SHARES))
        self._share = 1.0 if weight[SHARES >= ALL_SEEN].sum() >= 0.5 else float(weight @ SHARES)
        self._is_few = bool(_shares_of(self._roughly)[SHARES <= FEW].sum() >= FEW_CHANCE)

    def update(
        self,
        dt_s: float,
        standing: Sequence[Sequence[Standing]],
        free_m: NDArray[np.float64],
        served: NDArray[np.bool_],
        flow: NDArray[np.float64],
        arriving: NDArray[np.float64],
        is_watched: NDArray[np.bool_],
        is_moving: NDArray[np.bool_],
    ) -> list[list[tuple[float, float, float]]]:
        """Follow the queues for one step.

        Parameters
        ----------
        dt_s : float
            Since the last one. [s]
        standing : sequence of sequence of Standing
            Per lane, from the stop line on.
        free_m : (n,) float array
            Where the first seen vehicle drives freely: nobody stands beyond; inf: nobody does. [m]
        served : (n,) bool array
            Lanes with right of way.
        flow : (n,) float array
            Vehicles that leave a standing queue now. [1/s]
        arriving : (n,) float array
            Unseen vehicles that come. [1/s]
        is_watched : (n,) bool array
            Whether anybody looks.
        is_moving : (n,) bool array
            Whether somebody seen moves before the first one standing, or has just left.

        Returns
        -------
        list of list of (float, float, float)
            Per lane, unseen vehicles that stand: before the stop line [m], how sure, and for how long they have stood [s].
        """
        self._red_s = np.where(served, 0.0, self._red_s + dt_s)
        self._green_s = np.where(served, self._green_s + dt_s, 0.0)
        self._calm_s = np.where(is_moving, 0.0, self._calm_s + dt_s)
        self._learn(standing, is_watched)
        self._tail = joined(self._tail, arriving * dt_s)
        found: list[list[tuple[float, float, float]]] = []
        for lane, row in enumerate(standing):
            self._follow(lane, row, bool(served[lane]), float(flow[lane]) * dt_s)
            places = max(0, int(free_m[lane] / SPACING_M)) if np.isfinite(free_m[lane]) else MOST_HIDDEN
            if served[lane] and places < MOST_HIDDEN:
                self._ahead[lane] = min(self._ahead[lane], places)
                self._tail[lane] = NOBODY
            is_all = is_watched[lane] and self.share >= 1.0
            found.append([] if is_all else self._places_of(lane, row))
        return found

    def _learn(self, standing: Sequence[Sequence[Standing]], is_watched: NDArray[np.bool_]) -> None:
        here = {one.identity for row in standing for one in row}
        self._counted &= here
        self._noted &= here
        for lane in np.flatnonzero(self.counts & is_watched).tolist():
            for before, one in enumerate(standing[lane]):
                if one.identity in self._counted or not one.tells or not self._is_settled(lane, one):
                    continue
                is_new = one.identity not in self._noted
                if one.is_unsure and not is_new:
                    continue
                self._noted.add(one.identity)
                if not one.is_unsure:
                    self._counted.add(one.identity)
                    self._front_m[lane] = self._front(float(self._front_m[lane]), one.to_stop_m)
                    self._told[lane] += 1
                places = max(before, self._place(lane, one))
                if places - before > MOST_MISSED:
                    continue  # it stands there for a reason of its own: a bus stop, a breakdown
                keep, likely = max(0.0, 1.0 - places / MEMORY_PLACES), _likelihood(before, places)
                if is_new:
                    self._roughly = self._roughly * keep + likely
                if not one.is_unsure:
                    self._likely = self._likely * keep + likely
                self._weigh()

    def _follow(self, lane: int, row: Sequence[Standing], is_served: bool, leaving: float) -> None:
        if row and self._is_settled(lane, row[-1]):
            missing = max(0, 1 + self._place(lane, row[-1]) - len(row))
            self._ahead[lane] = missing if missing <= MOST_MISSED / self.share else 0.0
        elif is_served:  # those in front leave first; of a queue with some seen, the unseen are their share
            leaving *= 1.0 - self.share if row else 1.0
            used = min(leaving, self._ahead[lane])
            self._ahead[lane] -= used
            if not row:
                self._leave(lane, leaving - used)
        elif not row:  # on red
            self._tail[lane], self._ahead[lane] = moved(self._tail[lane], float(self._ahead[lane])), 0.0
            self._leave(lane, leaving)
        if row and not is_served and row[-1].identity != self._last[lane] and row[-1].to_stop_m > self._last_m[lane]:
            self._tail[lane] = NOBODY  # nobody stands behind one who has just come
        self._last[lane], self._last_m[lane] = (row[-1].identity, row[-1].to_stop_m) if row else (-1, 0.0)

    def _leave(self, lane: int, vehicles: float) -> None:
        """So many leave, if so many are there."""
        whole, self._leaving[lane] = divmod(self._leaving[lane] + vehicles, 1.0)
        if whole:
            self._tail[lane] = moved(self._tail[lane], -whole)

    def _is_settled(self, lane: int, one: Standing) -> bool:
        """Whether its place tells of those before it: the queue has closed up, and does not dissolve from the front."""
        if one.waited_s < SETTLED_S:
            return False
        if self._green_s[lane] > 0:
            starting_s = START_S + STARTING_S * (1 + self._place(lane, one))
            return bool(self._green_s[lane] > starting_s and self._calm_s[lane] > CALM_S)
        return bool(self._red_s[lane] > CLOSED_UP_S)

    def _place(self, lane: int, one: Standing) -> int:
        """Number of places before it."""
        front_m = float(self._front_m[lane])
        if self._told[lane] < FRONT_MEMORY:
            front_m = min(front_m, FRONT_M)
        return max(0, round((one.to_stop_m - front_m) / SPACING_M))

    @staticmethod
    def _front(front_m: float, to_stop_m: float) -> float:
        """Where the first of a queue stands: before everybody, but where places are unsure in the mean of those who stand there."""
        if to_stop_m < front_m - 0.5 * SPACING_M:
            return to_stop_m
        return front_m + (to_stop_m - front_m) * (abs(to_stop_m - front_m) < 0.5 * SPACING_M) / FRONT_MEMORY

    def _places_of(self, lane: int, row: Sequence[Standing]) -> list[tuple[float, float, float]]:
        taken = {self._place(lane, one) for one in row}
        first, red_s = max(taken, default=-1) + 1, float(self._red_s[lane])
        free = [k for k in range(first) if k not in taken]
        free = free[max(0, len(free) - round(self._ahead[lane])) :]  # places in front are left first
        found = [(SPACING_M * k, 1.0, red_s) for k in free]
        behind = float(self._tail[lane] @ COUNTS) + (0.0 if row else float(self._ahead[lane]))
        for k in range(int(np.ceil(behind - 0.05))):  # they came one after the other
            found.append((SPACING_M * (first + k), min(1.0, behind - k), red_s * (1.0 - k / behind)))
        return found

    def export(self) -> list[object]:
        """State as plain values, for snapshots."""
        return [
            self._likely.tolist(), self._roughly.tolist(), sorted(self._counted), sorted(self._noted), self._ahead.tolist(), self._tail.tolist(), list(self._last),
            self._leaving.tolist(), self._last_m.tolist(), self._red_s.tolist(), self._green_s.tolist(), self._calm_s.tolist(), np.nan_to_num(self._front_m, posinf=-1.0).tolist(), self._told.tolist(),
        ]  # fmt: skip

    def load(self, state: Sequence[Any]) -> None:
        """Continue from `export`."""
        likely, roughly, counted, noted, ahead, tail, last, leaving, last_m, red_s, green_s, calm_s, front_m, told = (
            state
        )
        self._likely, self._roughly, self._counted = np.array(likely, float), np.array(roughly, float), set(counted)
        self._noted = set(noted)
        self._weigh()
        self._ahead, self._tail, self._last_m = np.array(ahead, float), np.array(tail, float), np.array(last_m, float)
        self._red_s, self._green_s, self._calm_s = np.array(red_s), np.array(green_s), np.array(calm_s)
        front = np.array(front_m, float)
        self._front_m = np.where(front < 0, np.inf, front)
        self._told = np.array(told, np.int64)
        self._last, self._leaving = list(last), np.array(leaving, float)


def _shares_of(likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """How likely each share is: (shares,) float array."""
    weight = np.exp(likely - likely.max())
    return np.asarray(weight / weight.sum())


def _likelihood(before: int, places: int) -> NDArray[np.float64]:
    """Logarithm of how likely so many places before somebody are taken by others who are seen, for each share."""
    queue = math.comb(places, before) * SHARES**before * (1.0 - SHARES) ** (places - before)
    found: NDArray[np.float64] = np.log((1.0 - ALONE) * queue + ALONE / (places + 1))
    return found


def joined(chances: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """How likely so many are after others have come, who come independently of each other.

    Parameters
    ----------
    chances : (n, counts) float array
        Of 0, 1, 2 and so on; the last is of so many or more.
    mean : (n,) float array
        Of those who have come.

    Returns
    -------
    (n, counts) float array
    """
    if not mean.any():
        return chances
    mean = np.minimum(mean, 2.0 * MOST_HIDDEN)  # after a long gap
    parts = max(1, math.ceil(float(mean.max(initial=0.0)) / 0.2))
    found = chances
    for _ in range(parts):
        term = found * np.exp(-mean / parts)[:, None]
        found = term.copy()
        for count in range(1, 4):  # in a part more are hardly ever
            term = np.roll(term, 1, axis=1) * (mean / parts / count)[:, None]
            term[:, 0] = 0.0
            found += term
        found[:, -1] += 1.0 - found.sum(axis=1)
    return found


def moved(chances: NDArray[np.float64], vehicles: float) -> NDArray[np.float64]:
    """How likely so many are after so many have joined them, or have left as far as they were there: (counts,) float array."""
    if vehicles == 0.0:
        return chances
    part, whole = math.modf(vehicles)
    one = 1 if vehicles >= 0 else -1
    return _moved(chances, int(whole)) * (1.0 - abs(part)) + _moved(chances, int(whole) + one) * abs(part)


def _moved(chances: NDArray[np.float64], vehicles: int) -> NDArray[np.float64]:
    where = np.clip(np.arange(len(chances)) + vehicles, 0, len(chances) - 1)
    return np.asarray(np.bincount(where, chances, len(chances)), np.float64)
