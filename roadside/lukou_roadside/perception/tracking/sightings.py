"""Who was seen by two sensors at about the same time, and how far apart they put him."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.joint_offsets import OFFSETS
from lukou_roadside.perception.tracking.scan import Floats, Ints

TOGETHER_S = 0.15
"""Two sensors have seen a road user at about the same time if no more lies between. [s]"""

MANY = 400
"""So many residuals are kept to be compared with the next of the same road user and sensors."""

PRIOR_CORRELATION, PRIOR_WEIGHT = 0.6, 40.0
"""Correlation of neighbouring differences before any is known, and how many of them that counts for."""

CORRELATION_MEMORY = 2000.0
"""Differences over which it is averaged."""

MOST_REPEATS = 25.0
"""No difference is taken to be repeated more often."""


class Seen(NamedTuple):
    """Road users that one sensor has seen, each once.

    Attributes
    ----------
    birth : (n,) int array
        Their tracks.
    place : (2, n) float array
        Where they were seen, as if nothing were corrected. [m]
    variance : (3, n) float array
        Covariance of its noise: xx, xy, yy. [m^2]
    by : (2, 4, n) float array
        What each offset of the sensor does to it.
    velocity : (2, n) float array
        Velocity. [m/s]
    velocity_variance : (n,) float array
        Variance of each of its components. [m^2/s^2]
    """

    birth: Ints
    place: Floats
    variance: Floats
    by: Floats
    velocity: Floats
    velocity_variance: Floats

    def take(self, rows: Ints) -> Seen:
        """Only some."""
        place, variance, by, velocity = (one[..., rows] for one in self[1:5])
        return Seen(self.birth[rows], place, variance, by, velocity, self.velocity_variance[rows])

    def joined(self, other: Seen) -> Seen:
        """These and then those."""
        place, variance, by, velocity = (
            np.concatenate([one, more], axis=-1) for one, more in zip(self[1:5], other[1:5], strict=True)
        )
        uncertain = np.concatenate([self.velocity_variance, other.velocity_variance])
        return Seen(np.concatenate([self.birth, other.birth]), place, variance, by, velocity, uncertain)


class Met(NamedTuple):
    """Road users seen by two sensors at about the same time.

    Attributes
    ----------
    others : (n,) int array
        Who else saw each.
    one, another : Seen
        Both sightings.
    difference : (2, n) float array
        Place told by the one less that told by the other, brought to one instant. [m]
    variance : (3, n) float array
        Covariance of its noise. [m^2]
    """

    others: Ints
    one: Seen
    another: Seen
    difference: Floats
    variance: Floats


@dataclass
class Sightings:
    """Latest sightings that have met no other yet.

    Attributes
    ----------
    repeats : float
        How often errors of place are told again, on average: from how alike neighbouring differences of two sensors on one road user are.
    """

    _seen: Seen = field(default_factory=lambda: nobody())
    _sensor: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    _time_s: Floats = field(default_factory=lambda: np.zeros(0))
    _keys: Ints = field(default_factory=lambda: np.zeros((2, 0), np.int64))
    _residuals: Floats = field(default_factory=lambda: np.zeros((2, 0)))
    _product: float = PRIOR_CORRELATION * PRIOR_WEIGHT
    _square: float = PRIOR_WEIGHT

    @property
    def repeats(self) -> float:
        """How often errors of place are told again."""
        correlation = min(max(self._product / self._square, 0.0), 0.95)
        return min((1.0 + correlation) / (1.0 - correlation), MOST_REPEATS)

    def met(self, sensor: int, time_s: float, seen: Seen, stays: bool) -> Met:
        """Latest sightings of the same road users by another.

        Parameters
        ----------
        sensor : int
            Who saw.
        time_s : float
            When. [s]
        seen : Seen
            Whom.
        stays : bool
            Whether those whom he meets may meet others: then he is not remembered himself. Otherwise each sighting counts once.
        """
        is_his = self._sensor == sensor
        since_s = time_s - self._time_s
        same = (seen.birth[:, None] == self._seen.birth) & (~is_his & (np.abs(since_s) < TOGETHER_S))
        meets = same.any(axis=1)
        first = meets.nonzero()[0]
        second = same.shape[1] - 1 - same[first, ::-1].argmax(axis=1) if len(first) else first
        one, another = seen.take(first), self._seen.take(second)
        between_s = since_s[second]
        # both moved at the same velocity in between: else clocks that are late alike would seem to matter
        another = another._replace(by=np.concatenate([one.by[:, :1], another.by[:, 1:]], axis=1))
        variance = one.variance + another.variance
        variance[::2] += between_s**2 * one.velocity_variance
        made = Met(self._sensor[second], one, another, one.place - another.place - between_s * one.velocity, variance)
        if not stays:
            left = ~is_his & (since_s < TOGETHER_S)
            left[second] = False
            kept, new = left.nonzero()[0], (~meets).nonzero()[0]
            self._seen = self._seen.take(kept).joined(seen.take(new))
            self._sensor = np.concatenate([self._sensor[kept], np.full(len(new), sensor)])
            self._time_s = np.concatenate([self._time_s[kept], np.full(len(new), time_s)])
        return made

    def learn(self, sensor: int, met: Met, residual: Floats) -> None:
        """Compare whitened residuals, (2, n), with the last ones of the same two sensors on the same road users."""
        is_lower = sensor < met.others
        pair = np.where(is_lower, sensor * 64 + met.others, met.others * 64 + sensor)
        keys, residual = np.stack([met.one.birth, pair]), np.where(is_lower, residual, -residual)
        now, before = (keys[:, :, None] == self._keys[:, None, :]).all(axis=0).nonzero()
        first, second = residual[:, now], self._residuals[:, before]
        keep = max(0.0, 1.0 - len(now) / CORRELATION_MEMORY)
        self._product = keep * self._product + 0.5 * float((first * second).sum())
        self._square = keep * self._square + 0.25 * float((first**2 + second**2).sum())
        left = np.ones(self._keys.shape[1], np.bool_)
        left[before] = False
        self._keys = np.concatenate([self._keys[:, left], keys], axis=1)[:, -MANY:]
        self._residuals = np.concatenate([self._residuals[:, left], residual], axis=1)[:, -MANY:]


def nobody() -> Seen:
    """No sighting."""
    pair = np.zeros((2, 0))
    return Seen(np.zeros(0, np.int64), pair, np.zeros((3, 0)), np.zeros((2, OFFSETS, 0)), pair, np.zeros(0))
