"""State of everything that is followed: one row per track."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Tracks at one instant; arrays are never changed in place, so an old state can be kept by reference.

    Attributes
    ----------
    time_s : float
        Instant of the states. [s]
    birth : (n,) int array
        Identity by what began the track (sensor, scan, detection); the same when a stretch of time is worked out again.
    state : (n, 4) float array
        x, y, velocity x, velocity y. [m, m/s]
    covariance : (n, 4, 4) float array
        Of the state.
    log_odds : (n,) float array
        Logarithm of the odds that the road user exists: `prior` and what of `evidence` is still fresh.
    prior : (n,) float array
        Log odds at birth.
    evidence : (n, 32) float array
        What each sensor has said since, as log odds.
    is_confirmed : (n,) bool array
        Whether it has been believed once.
    class_weight : (n, COUNT) float array
        Probability of each class.
    yaw_x, yaw_y : (n,) float array
        Direction of the front as a vector whose length is its weight, 0 to 1.
    length_m, width_m : (n,) float array
        Size. [m]
    size_weight : (n,) float array
        Measurements behind the size.
    born_s, measured_s : (n,) float array
        Instant of the first and of the last detection. [s]
    sensor_seen_s : (n, 32) float array
        Instant of the last detection by each sensor. [s]
    """

    time_s: float
    birth: Ints
    state: Floats
    covariance: Floats
    log_odds: Floats
    prior: Floats
    evidence: Floats
    is_confirmed: Booleans
    class_weight: Floats
    yaw_x: Floats
    yaw_y: Floats
    length_m: Floats
    width_m: Floats
    size_weight: Floats
    born_s: Floats
    measured_s: Floats
    sensor_seen_s: Floats

    def __len__(self) -> int:
        return len(self.birth)

    @property
    def existence(self) -> Floats:
        """Probability that each road user exists."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.log_odds)))

    @property
    def object_class(self) -> Ints:
        """Most probable class."""
        return np.asarray(self.class_weight.argmax(axis=1))

    @property
    def yaw_rad(self) -> Floats:
        """Direction of the front. [rad]"""
        return np.asarray(np.arctan2(self.yaw_y, self.yaw_x))

    def changed(self, **columns: Any) -> Tracks:
        """These tracks with other columns; `dataclasses.replace`, five times faster."""
        made = object.__new__(Tracks)
        for name in _NAMES:
            object.__setattr__(made, name, columns[name] if name in columns else getattr(self, name))
        return made

    def take(self, rows: Ints | Booleans) -> Tracks:
        """Only some rows."""
        return Tracks(self.time_s, *[getattr(self, name)[rows] for name in _COLUMNS])

    def joined(self, other: Tracks) -> Tracks:
        """These rows and then those."""
        if len(other) == 0:
            return self
        columns = [np.concatenate([getattr(self, name), getattr(other, name)]) for name in _COLUMNS]
        return Tracks(self.time_s, *columns)


_NAMES = tuple(field.name for field in fields(Tracks))
_COLUMNS = _NAMES[1:]


def no_tracks(time_s: float) -> Tracks:
    """The state in which nothing is followed."""
    zero = np.zeros(0)
    return Tracks(
        time_s=time_s,
        birth=np.zeros(0, np.int64),
        state=np.zeros((0, 4)),
        covariance=np.zeros((0, 4, 4)),
        log_odds=zero,
        prior=zero,
        evidence=np.zeros((0, 32)),
        is_confirmed=np.zeros(0, np.bool_),
        class_weight=np.zeros((0, classes.COUNT)),
        yaw_x=zero,
        yaw_y=zero,
        length_m=zero,
        width_m=zero,
        size_weight=zero,
        born_s=zero,
        measured_s=zero,
        sensor_seen_s=np.zeros((0, 32)),
    )
