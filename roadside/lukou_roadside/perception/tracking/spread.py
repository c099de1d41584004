"""How far a sensor is off that tells no covariance of its places or of its velocities, learned from road users that others measure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lukou_roadside.perception.tracking.scan import Floats

RANGES_M = np.array([30.0, 60.0, 100.0])
"""Edges of the ranges that are learned apart. [m]"""

AGES_S = np.array([3.0, 10.0])
"""Edges of the ages of a vendor's track that are learned apart: young ones have not settled. [s]"""

PRIOR_VARIANCE_M2 = 2.25
"""Variance of each coordinate before anything is known. [m^2]"""

PRIOR_WEIGHT = 30.0
"""So many differences outweigh what is known before."""

MEMORY = 600.0
"""Differences over which is averaged."""

MOST_VARIANCE_M2 = 16.0
"""No single difference counts for more. [m^2]"""

LEAST_VARIANCE = 0.04
"""Nobody is known to be surer. [m^2, or m^2/s^2]"""

PRIOR_VELOCITY_VARIANCE = 4.0
"""The same of velocities: each component's variance before anything is known. [m^2/s^2]"""

PRIOR_VELOCITY_WEIGHT = 6.0
"""So many differences of velocity outweigh that."""

LEAST_SHARE = 0.25
"""Of each squared difference at least so much is the sensor's: what others know has come from it, too, so that errors of its own that last look expected, and what is learned would confirm itself."""


@dataclass
class LearnedSpread:
    """Variance of one sensor's positions, or velocities, by range and age.

    Attributes
    ----------
    total, weight : (4, 3) float array
        Sum of squared differences, and their number, fading.
    """

    total: Floats = field(default_factory=lambda: np.full((4, 3), PRIOR_VARIANCE_M2 * PRIOR_WEIGHT))
    weight: Floats = field(default_factory=lambda: np.full((4, 3), PRIOR_WEIGHT))

    @classmethod
    def of_velocities(cls) -> LearnedSpread:
        """Spread of velocities before anything is known: metres per second where positions are in metres."""
        weight = np.full((4, 3), PRIOR_VELOCITY_WEIGHT)
        return cls(total=PRIOR_VELOCITY_VARIANCE * weight, weight=weight)

    def add(self, range_m: Floats, age_s: Floats, dx_m: Floats, dy_m: Floats, expected: Floats | float = 0.0) -> None:
        """Learn from differences to what others measured, of whose variance so much is expected; where that is not told, their error is taken for the sensor's."""
        cell = np.searchsorted(RANGES_M, range_m) * self.total.shape[1] + np.searchsorted(AGES_S, age_s)
        squared = np.minimum(0.5 * (dx_m * dx_m + dy_m * dy_m), MOST_VARIANCE_M2)
        squared = np.maximum(squared - expected, LEAST_SHARE * squared)
        counts = np.bincount(cell, minlength=self.total.size).reshape(self.total.shape)
        keep = np.maximum(1.0 - counts / MEMORY, 0.0)
        self.total = self.total * keep + np.bincount(cell, squared, self.total.size).reshape(self.total.shape)
        self.weight = self.weight * keep + counts

    def variance(self, range_m: Floats, age_s: Floats) -> Floats:
        """Variance of each coordinate of each detection. [m^2]"""
        mean = np.maximum(self.total / np.maximum(self.weight, 1e-9), LEAST_VARIANCE)
        return np.asarray(mean[np.searchsorted(RANGES_M, range_m), np.searchsorted(AGES_S, age_s)])
