"""Where a sensor finds less than it should: behind a building, a tree, a portal; learned from road users whom others see there.

A grid of directions and distances as seen from the sensor, since what stands in the way hides a wedge. In each cell the detections made are counted against those
expected of sight alone (an inverse sensor model after S. Thrun, W. Burgard, D. Fox, "Probabilistic Robotics" (2005), chapter 9, of detection instead of
occupancy). Only who moves counts, and once for each cell that he enters: who stands is missed a hundred times for one reason. A cell of which
little is known is taken to be in plain view.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints, View

BEARINGS, DISTANCE_M, DISTANCES = 90, 5.0, 36
"""Directions of 4 degrees each, and distances of so many metres; who is farther counts for the last. [1, m, 1]"""

PLAIN_WEIGHT = 3.0
"""Before anything is known of a cell it counts as if so many detections had been expected there, and all of them made."""

BESIDE = 0.5
"""What is seen in a cell counts so much for each of its eight neighbours."""

MEMORY = 60.0
"""Expected detections over which a cell is averaged: trees grow, lorries that were parked leave."""

SURE_S = 20.0
"""A sensor of several scans a second that finds nothing any more is known to be blind within this time, where several road users pass. [s]"""

MOSTLY = 0.9
"""Where more than this share of those who pass do so in hidden cells, it is not the place that hides them: dirt, rain, a sensor that fails."""

PATCHY = 0.6
"""A sensor that finds more than this share everywhere is taken to be in plain view of all; so is each such cell."""


def _nothing() -> Floats:
    return np.zeros((BEARINGS, DISTANCES))


class Watched(NamedTuple):
    """Road users whom others have just seen, and whom a sensor should have seen.

    Attributes
    ----------
    x_m, y_m, vx_mps, vy_mps : (n,) float array
        Place and velocity. [m, m/s]
    probability : (n,) float array
        That the sensor detects each, by sight alone.
    is_found : (n,) bool array
        Whether it did.
    """

    x_m: Floats
    y_m: Floats
    vx_mps: Floats
    vy_mps: Floats
    probability: Floats
    is_found: Booleans


@dataclass(slots=True)
class Coverage:
    """What one sensor finds, by direction and distance.

    Attributes
    ----------
    expected, found : (BEARINGS, DISTANCES) float array
        Detections expected of sight alone, and those made.
    share : (BEARINGS, DISTANCES) float array
        What is left of the probability of a detection; 1 where nothing speaks against it. Where detections are missing this is the square of the share that is
        made: who has been missed there will be missed again, for the same reason.
    """

    expected: Floats = field(default_factory=_nothing)
    found: Floats = field(default_factory=_nothing)
    share: Floats = field(default_factory=lambda: np.ones((BEARINGS, DISTANCES)))
    _noted: deque[tuple[float, int, float, bool]] = field(default_factory=deque)

    @property
    def hidden(self) -> int:
        """Cells in which the sensor finds too little."""
        return int(np.count_nonzero(self.share < 1.0))

    @property
    def is_mostly_hidden(self) -> bool:
        """Whether hardly anybody passes where the sensor finds what it should: then it is judged by all that it should find."""
        return bool(self.expected[self.share < 1.0].sum() > MOSTLY * self.expected.sum() > 0.0)

    def of(self, view: View, x_m: Floats, y_m: Floats) -> Floats:
        """What is left of the probability of a detection at places in the map frame, (n,)."""
        return self.share.ravel().take(_cells(view, x_m, y_m))

    def add(self, view: View, time_s: float, watched: Watched, since_s: float) -> None:
        """Note road users whom others have just seen, and who were in another cell at the last look, so long ago. [s]"""
        before_x_m, before_y_m = watched.x_m - since_s * watched.vx_mps, watched.y_m - since_s * watched.vy_mps
        cells, before = _cells(view, watched.x_m, watched.y_m), _cells(view, before_x_m, before_y_m)
        for row in (cells != before).nonzero()[0].tolist():
            self._noted.append((time_s, int(cells[row]), float(watched.probability[row]), bool(watched.is_found[row])))

    def learn(self, time_s: float) -> None:
        """Learn from what was noted long enough ago that a sensor which has failed since would be known."""
        while self._noted and self._noted[0][0] < time_s - SURE_S:
            _, cell, probability, is_found = self._noted.popleft()
            _count(self.expected, self.found, self.share, *divmod(cell, DISTANCES), probability, is_found)

    def forget_latest(self) -> None:
        """What was noted last is no fault of the place: the sensor has failed."""
        self._noted.clear()


def _cells(view: View, x_m: Floats, y_m: Floats) -> Ints:
    """Number of the cell of each place."""
    return _cells_at(x_m - view.x_m, y_m - view.y_m)


@compiled
def _cells_at(dx_m: Floats, dy_m: Floats) -> Ints:
    made = np.empty(len(dx_m), np.int64)
    for k in range(len(made)):
        bearing = math.floor(math.atan2(dy_m[k], dx_m[k]) * (BEARINGS / (2.0 * math.pi))) % BEARINGS
        distance = int(min(math.hypot(dx_m[k], dy_m[k]) / DISTANCE_M, DISTANCES - 1.0))
        made[k] = bearing * DISTANCES + distance
    return made


@compiled
def _count(
    expected: Floats, found: Floats, share: Floats, bearing: int, distance: int, probability: float, is_found: bool
) -> None:
    """Count who should have been seen in a cell, and a part of him in those beside it."""
    for i in range(-1, 2):
        for j in range(max(distance - 1, 0), min(distance + 2, DISTANCES)):
            cell = (bearing + i) % BEARINGS, j
            weight = 1.0 if i == 0 and j == distance else BESIDE
            keep = max(0.0, 1.0 - weight * probability / MEMORY)
            expected[cell] = keep * expected[cell] + weight * probability
            found[cell] = keep * found[cell] + weight * is_found
            left = (found[cell] + PLAIN_WEIGHT) / (max(expected[cell], found[cell]) + PLAIN_WEIGHT)
            share[cell] = left * left if left < PATCHY else 1.0
