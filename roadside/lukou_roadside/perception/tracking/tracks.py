"""State of everything that is followed: one column of numbers per track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints

X, Y, VX, VY, AX, AY = range(6)
P_XX, P_XY, P_YY, P_XU, P_XV, P_YU, P_YV, P_UU, P_UV, P_VV = range(6, 16)
P_XA, P_XB, P_YA, P_YB, P_UA, P_UB, P_VA, P_VB, P_AA, P_AB, P_BB = range(16, 27)
"""Rows of the covariance: u and v are the velocities along x and y, a and b the accelerations."""

STATE, MOTION = slice(0, 6), slice(0, 27)
"""Rows of the state, and of state and covariance together."""

COMPONENTS = (
    *((0, 0), (0, 1), (1, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)),
    *((0, 4), (0, 5), (1, 4), (1, 5), (2, 4), (2, 5), (3, 4), (3, 5), (4, 4), (4, 5), (5, 5)),
)
"""Which two components of the state each row of the covariance, from P_XX on, is about."""

LOG_ODDS, PRIOR, CONFIRMED, YAW_X, YAW_Y, LENGTH, WIDTH, SIZE_WEIGHT, BORN, MEASURED = range(27, 37)
ALONG, ACROSS, AGILITY, LAG_X, LAG_Y, LAG_V = range(37, 43)
CLASS = slice(43, 43 + classes.COUNT)
_FIXED = 43 + classes.COUNT

_FULL = np.array(
    [[P_XX, P_XY, P_XU, P_XV], [P_XY, P_YY, P_YU, P_YV], [P_XU, P_YU, P_UU, P_UV], [P_XV, P_YV, P_UV, P_VV]]
)
"""Where each element of the covariance of place and velocity stands."""


@dataclass(slots=True, eq=False)
class Tracks:
    """Tracks at one instant.

    All numbers stand in one array, a row per quantity, so that copying, choosing and joining are single operations; the
    names at the head of this module are its rows. The steps of the tracker change the array in place; `tracker.tracked` and
    `predictor.predicted` work on a copy, so a state once given out never changes.

    Attributes
    ----------
    time_s : float
        Instant of the states. [s]
    birth : (n,) int array
        Identity by what began the track (sensor, scan, detection); the same when a stretch of time is worked out again.
    values : (rows, n) float array
        The rows named above, then for each of the `sensors` what it has said (log odds), then when it last saw each.
    """

    time_s: float
    birth: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.birth)

    @property
    def sensors(self) -> int:
        """Number of sensors there is room for."""
        return (len(self.values) - _FIXED) // 2

    @property
    def state(self) -> Floats:
        """x, y, velocity x, velocity y, (n, 4). [m, m/s]"""
        return np.asarray(self.values[:4].T)

    @property
    def acceleration(self) -> Floats:
        """Along x and y, (n, 2). [m/s^2]"""
        return np.asarray(self.values[AX : AY + 1].T)

    @property
    def covariance(self) -> Floats:
        """Of place and velocity, (n, 4, 4)."""
        return np.moveaxis(self.values[_FULL], 2, 0)

    @property
    def log_odds(self) -> Floats:
        """Logarithm of the odds that each road user exists: prior and what of the evidence is still fresh."""
        return np.asarray(self.values[LOG_ODDS])

    @property
    def existence(self) -> Floats:
        """Probability that each road user exists."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.values[LOG_ODDS])))

    @property
    def is_confirmed(self) -> Booleans:
        """Whether it has been believed once."""
        return np.asarray(self.values[CONFIRMED] > 0.5)

    @property
    def class_weight(self) -> Floats:
        """Probability of each class, (n, COUNT)."""
        return np.asarray(self.values[CLASS].T)

    @property
    def object_class(self) -> Ints:
        """Most probable class."""
        return np.asarray(self.values[CLASS].argmax(axis=0))

    @property
    def yaw_x(self) -> Floats:
        """Direction of the front as a vector whose length is its weight, 0 to 1: its part along x."""
        return np.asarray(self.values[YAW_X])

    @property
    def yaw_y(self) -> Floats:
        """The same along y."""
        return np.asarray(self.values[YAW_Y])

    @property
    def yaw_rad(self) -> Floats:
        """Direction of the front. [rad]"""
        return np.asarray(np.arctan2(self.values[YAW_Y], self.values[YAW_X]))

    @property
    def length_m(self) -> Floats:
        """Length. [m]"""
        return np.asarray(self.values[LENGTH])

    @property
    def width_m(self) -> Floats:
        """Width. [m]"""
        return np.asarray(self.values[WIDTH])

    @property
    def born_s(self) -> Floats:
        """Instant of the first detection. [s]"""
        return np.asarray(self.values[BORN])

    @property
    def measured_s(self) -> Floats:
        """Instant of the last detection. [s]"""
        return np.asarray(self.values[MEASURED])

    @property
    def evidence(self) -> Floats:
        """What each sensor has said since birth, as log odds, (sensors, n)."""
        return np.asarray(self.values[_FIXED : _FIXED + self.sensors])

    @property
    def sensor_seen_s(self) -> Floats:
        """Instant of the last detection by each sensor, (sensors, n). [s]"""
        return np.asarray(self.values[_FIXED + self.sensors :])

    def take(self, rows: Ints | Booleans) -> Tracks:
        """Only some tracks."""
        chosen = rows.nonzero()[0] if rows.dtype == np.bool_ else rows
        return Tracks(self.time_s, self.birth[chosen], self.values.take(chosen, axis=1))

    def joined(self, other: Tracks) -> Tracks:
        """These tracks and then those, which have room for as many sensors."""
        return Tracks(
            self.time_s, np.concatenate([self.birth, other.birth]), np.concatenate([self.values, other.values], axis=1)
        )

    def with_room(self, sensors: int) -> Tracks:
        """These tracks with room for at least so many sensors."""
        if self.sensors >= sensors:
            return self
        made = empty(self.time_s, self.birth, sensors)
        made.values[:_FIXED] = self.values[:_FIXED]
        made.evidence[: self.sensors] = self.evidence
        made.sensor_seen_s[: self.sensors] = self.sensor_seen_s
        return made


def empty(time_s: float, birth: Ints, sensors: int = 1) -> Tracks:
    """Tracks of which nothing is known yet but their births."""
    values = np.zeros((_FIXED + 2 * sensors, len(birth)))
    values[AGILITY] = 1.0
    values[_FIXED + sensors :] = -1e9
    return Tracks(time_s, birth, values)


def no_tracks(time_s: float) -> Tracks:
    """The state in which nothing is followed."""
    return empty(time_s, np.zeros(0, np.int64))


def weigh_classes(values: Floats, rows: Ints | slice, weight: Floats) -> None:
    """Set the class probabilities of some tracks, and the noise of motion that follows from them.

    Parameters
    ----------
    values : (rows, n) float array
        Of the tracks; changed.
    rows : (k,) int array or slice
        Tracks.
    weight : (COUNT, k) float array
        Any positive multiple of the probabilities.
    """
    weight = weight / weight.sum(axis=0)
    values[CLASS, rows] = weight
    values[ALONG : ACROSS + 1, rows] = classes.NOISE @ weight
