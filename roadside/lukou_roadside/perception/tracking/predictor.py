"""Motion between scans: accelerations that last a while and fade, with more noise along the motion than across it.

R. Singer, "Estimating Optimal Tracking Filter Performance for Manned Maneuvering Targets" (1970): an acceleration is remembered with a time constant, and what
renews it is noise. A constant velocity with noise alone lags behind who brakes for as long as he brakes. What of the acceleration is new every moment is that of
Y. Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 6.2.2. Both noises are turned into the direction of
motion and depend on the class. Only who is known to drive has an acceleration that lasts: walkers change their speed within a step, and of who has just
appeared, or stands, wrong detections would make one that carries him away.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Floats
from lukou_roadside.perception.tracking.tracks import (
    ACROSS,
    AGILITY,
    ALONG,
    AX,
    AY,
    CLASS,
    COMPONENTS,
    MOTION,
    P_UU,
    P_VV,
    P_XX,
    VX,
    VY,
    YAW_X,
    YAW_Y,
    Tracks,
    X,
    Y,
)

SLOW_MPS = 1.0
"""Below this speed the direction of motion says little, and the noise is equal in all directions. [m/s]"""

TURNING_PER_S = 0.25
"""Noise across the motion grows with the speed: lateral acceleration is speed times turn rate. [1/s]"""

MOMENTARY = 0.5
"""What of the noise of the class is acceleration that is new every moment."""

LASTING_PER_S2 = 4.0
"""Spectral density of the change of the acceleration that lasts, over the noise of the class; with all of it a car's is 2.7 m/s^2 in the mean. [1/s^2]"""

FADES_S = 1.5
"""Time constant with which it fades. [s]"""

DRIVING_MPS = 5.0
"""At this speed, when it is known, half of that noise is there. [m/s]"""

DOUBT = 12.0
"""Speeds count as driving by what they exceed their uncertainty: so many times the variance of velocity is as much as speed squared."""

FIRST_VARIANCE = 0.2
"""Variance of the acceleration of who has just appeared, over the noise of his class. [1/s]"""

STANDING_MPS = 0.4
"""Nobody slower brakes. [m/s]"""

_NODES, _WEIGHTS = (0.5 * part for part in np.polynomial.legendre.leggauss(4))
_NODES = _NODES + 0.5


def _bases() -> tuple[Floats, Floats]:
    """What moves state and covariance, per product of two of the `_coefficients`, and what noise of place, velocity and acceleration adds to the covariance."""
    parts = np.zeros((5, 6, 6))
    parts[0, :4, :4] = np.eye(4)
    for number, (to, by) in enumerate(((0, 1), (0, 2), (1, 2), (2, 2)), start=1):
        for axis in (0, 1):
            parts[number, 2 * to + axis, 2 * by + axis] = 1.0
    moves, spreads = np.zeros((5, 5, 27, 27)), np.zeros((3, 3, len(COMPONENTS), 3))
    moves[:, 0, :6, :6] = parts
    for row, (i, j) in enumerate(COMPONENTS, start=P_XX):
        for column, (k, m) in enumerate(COMPONENTS, start=P_XX):
            moves[:, :, row, column] += parts[:, None, i, k] * parts[None, :, j, m]
            if k != m:
                moves[:, :, row, column] += parts[:, None, i, m] * parts[None, :, j, k]
        spreads[i // 2, j // 2, row - P_XX, i % 2 + j % 2] = 1.0
    return moves.reshape(25, -1), spreads.reshape(9, -1)


_MOVES, _SPREADS = _bases()


def predicted(tracks: Tracks, time_s: float) -> Tracks:
    """Tracks at another instant.

    Parameters
    ----------
    tracks : Tracks
        Tracks at ``tracks.time_s``.
    time_s : float
        Later instant. [s]

    Returns
    -------
    Tracks
        With states and covariances of that instant; a copy.
    """
    before, values = tracks.values, tracks.values.copy()
    dt = time_s - tracks.time_s
    if dt != 0.0 and len(tracks):
        moves, momentary, lasting = _over(dt)
        values[MOTION] = moves @ values[MOTION]
        noise = process_noise(tracks)
        values[P_XX : MOTION.stop] += momentary @ noise + lasting @ (noise * _drives(before))
        _stop(before, values, abs(dt))
    return Tracks(time_s, tracks.birth, values)


@lru_cache(maxsize=128)
def _over(dt: float) -> tuple[Floats, Floats, Floats]:
    """What moves state and covariance over so long, and what either noise of density 1 adds to the covariance; what is worked out again asks for the same."""
    by = _coefficients(np.array([dt]))
    momentary, lasting = _spread(dt)
    moves = ((by @ by.T).ravel() @ _MOVES).reshape(27, 27)
    return moves, (momentary @ _SPREADS).reshape(-1, 3), (lasting @ _SPREADS).reshape(-1, 3)


def _coefficients(dt: Floats) -> Floats:
    """1, what place gains by velocity and by acceleration, what velocity gains by acceleration, and what is left of that, (5, k)."""
    left = np.exp(-dt / FADES_S)
    gained = FADES_S * (1.0 - left)
    return np.array([np.ones_like(dt), dt, FADES_S * (dt - gained), gained, left])


def _spread(dt: float) -> tuple[Floats, Floats]:
    """Covariances of place, velocity and acceleration that momentary and lasting noise of the class's density 1 makes, (9,) each."""
    size = abs(dt)
    momentary = np.array([dt * dt * size / 3.0, 0.5 * dt * size, 0.0, 0.5 * dt * size, size, 0.0, 0.0, 0.0, 0.0])
    # the integral over when the noise came, of what it has become since
    since = _coefficients(size * _NODES)[2:]
    return MOMENTARY * momentary, (LASTING_PER_S2 * size * (since * _WEIGHTS) @ since.T).ravel()


def _drives(values: Floats) -> Floats:
    """How surely each road user drives, 0 to 1."""
    vx, vy = values[VX], values[VY]
    squared = vx * vx + vy * vy
    doubtful = DRIVING_MPS**2 + DOUBT * (values[P_UU] + values[P_VV])
    return np.asarray((classes.DRIVES @ values[CLASS]) * squared / (squared + doubtful))


def _stop(before: Floats, after: Floats, dt: float) -> None:
    """Who brakes comes to a stand and does not go on backwards; changes `after`."""
    vx, vy = after[VX], after[VY]
    # who stands and is thought to brake on has stopped, whatever speed noise gives him
    rows = (vx * vx + vy * vy < STANDING_MPS**2).nonzero()[0]
    if len(rows):
        acceleration, front = after[AX : AY + 1, rows], after[YAW_X : YAW_Y + 1, rows]
        after[AX : AY + 1, rows] = acceleration * ((acceleration * front).sum(axis=0) >= 0.0)
    rows = (before[VX] * vx + before[VY] * vy < 0.0).nonzero()[0]
    if len(rows):
        velocity = before[VX : VY + 1, rows]
        braking = -(before[AX : AY + 1, rows] * velocity).sum(axis=0)
        for_s = np.minimum((velocity**2).sum(axis=0) / np.maximum(braking, 1e-9), dt)
        after[X : Y + 1, rows] = before[X : Y + 1, rows] + 0.5 * for_s * velocity
        after[VX : AY + 1, rows] = 0.0


def process_noise(tracks: Tracks) -> Floats:
    """Spectral density of the acceleration of each track in the map frame: xx, xy, yy, (3, n). [m^2/s^3]"""
    values = tracks.values
    agility, vx, vy = values[AGILITY], values[VX], values[VY]
    along = values[ALONG] * agility
    squared = vx * vx + vy * vy
    across = np.where(squared < SLOW_MPS**2, along, agility * values[ACROSS] * (1.0 + TURNING_PER_S * np.sqrt(squared)))
    # where slow, along and across are the same and the direction drops out
    more = (along - across) / np.maximum(squared, SLOW_MPS**2)
    noise = np.empty((3, len(tracks)))
    noise[0], noise[1], noise[2] = across + more * vx * vx, more * vx * vy, across + more * vy * vy
    return noise
