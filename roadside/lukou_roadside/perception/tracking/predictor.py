"""Motion between scans: accelerations that last a while and fade, with more noise along the motion than across it.

R. Singer, "Estimating Optimal Tracking Filter Performance for Manned Maneuvering Targets" (1970): an acceleration is remembered with a time constant, and what
renews it is noise. A constant velocity with noise alone lags behind who brakes for as long as he brakes. What of the acceleration is new every moment is that of
Y. Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 6.2.2. Both noises are turned into the direction of
motion and depend on the class. Only who is known to drive has an acceleration that lasts: walkers change their speed within a step, and of who has just
appeared, or stands, wrong detections would make one that carries him away.
"""

from __future__ import annotations

import math

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Floats
from lukou_roadside.perception.tracking.tracks import (
    ACROSS,
    AGILITY,
    ALONG,
    AX,
    AY,
    CLASS,
    P_AA,
    P_AB,
    P_BB,
    P_UA,
    P_UB,
    P_UU,
    P_UV,
    P_VA,
    P_VB,
    P_VV,
    P_XA,
    P_XB,
    P_XU,
    P_XV,
    P_XX,
    P_XY,
    P_YA,
    P_YB,
    P_YU,
    P_YV,
    P_YY,
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

_BLOCKS = np.array(
    [
        [[P_XX, P_XU, P_XA], [P_XU, P_UU, P_UA], [P_XA, P_UA, P_AA]],
        [[P_XY, P_XV, P_XB], [P_YU, P_UV, P_UB], [P_YA, P_VA, P_AB]],
        [[P_YY, P_YV, P_YB], [P_YV, P_VV, P_VB], [P_YB, P_VB, P_BB]],
    ]
)
"""Where the covariance of place, velocity and acceleration stands: along x, of x with y, along y."""


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
    values = tracks.values.copy()
    dt = time_s - tracks.time_s
    if dt != 0.0:
        _predict(values, dt)
    return Tracks(time_s, tracks.birth, values)


@compiled
def _predict(values: Floats, dt: float) -> None:
    """Move all tracks by so long; changes `values`."""
    c, g, left = _coefficients(dt)
    momentary, lasting = _spread(dt)
    block = np.empty((3, 3))
    for k in range(values.shape[1]):
        vx, vy = values[VX, k], values[VY, k]
        noise = density(values, k)
        drives = _drives(values, k)
        for pair in range(3):
            rows = _BLOCKS[pair]
            for i in range(3):
                for j in range(3):
                    block[i, j] = values[rows[i, j], k]
            for j in range(3):
                block[0, j] += dt * block[1, j] + c * block[2, j]
                block[1, j] += g * block[2, j]
                block[2, j] *= left
            for i in range(3):
                block[i, 0] += dt * block[i, 1] + c * block[i, 2]
                block[i, 1] += g * block[i, 2]
                block[i, 2] *= left
            for i in range(3):
                for j in range(3):
                    values[rows[i, j], k] = block[i, j] + noise[pair] * (momentary[i, j] + drives * lasting[i, j])
        x, y, ax, ay = values[X, k], values[Y, k], values[AX, k], values[AY, k]
        values[X, k], values[Y, k] = x + dt * vx + c * ax, y + dt * vy + c * ay
        values[VX, k], values[VY, k] = vx + g * ax, vy + g * ay
        values[AX, k], values[AY, k] = left * ax, left * ay
        _stop(values, k, x, y, vx, vy, ax, ay, abs(dt))


@compiled
def _coefficients(dt: float) -> tuple[float, float, float]:
    """What place gains by acceleration, what velocity gains by it, and what is left of it."""
    left = math.exp(-dt / FADES_S)
    gained = FADES_S * (1.0 - left)
    return FADES_S * (dt - gained), gained, left


@compiled
def _spread(dt: float) -> tuple[Floats, Floats]:
    """Covariances of place, velocity and acceleration that momentary and lasting noise of the class's density 1 makes, (3, 3) each."""
    size = abs(dt)
    momentary, lasting = np.zeros((3, 3)), np.zeros((3, 3))
    momentary[0, 0], momentary[1, 1] = MOMENTARY * dt * dt * size / 3.0, MOMENTARY * size
    momentary[0, 1] = momentary[1, 0] = MOMENTARY * 0.5 * dt * size
    # the integral over when the noise came, of what it has become since
    for node in range(len(_NODES)):
        since = _coefficients(size * _NODES[node])
        for i in range(3):
            for j in range(3):
                lasting[i, j] += LASTING_PER_S2 * size * _WEIGHTS[node] * since[i] * since[j]
    return momentary, lasting


@compiled
def _drives(values: Floats, k: int) -> float:
    """How surely a road user drives, 0 to 1."""
    lasts = 0.0
    for number in range(classes.COUNT):
        lasts += classes.DRIVES[number] * values[CLASS.start + number, k]
    squared = values[VX, k] ** 2 + values[VY, k] ** 2
    doubtful = DRIVING_MPS**2 + DOUBT * (values[P_UU, k] + values[P_VV, k])
    return float(lasts * squared / (squared + doubtful))


@compiled
def _stop(values: Floats, k: int, x: float, y: float, vx: float, vy: float, ax: float, ay: float, dt: float) -> None:
    """Who brakes comes to a stand and does not go on backwards; x to ay: as they were before."""
    # who stands and is thought to brake on has stopped, whatever speed noise gives him
    is_slow = values[VX, k] ** 2 + values[VY, k] ** 2 < STANDING_MPS**2
    if is_slow and values[AX, k] * values[YAW_X, k] + values[AY, k] * values[YAW_Y, k] < 0.0:
        values[AX, k] = values[AY, k] = 0.0
    if vx * values[VX, k] + vy * values[VY, k] < 0.0:
        for_s = min((vx * vx + vy * vy) / max(-(ax * vx + ay * vy), 1e-9), dt)
        values[X, k], values[Y, k] = x + 0.5 * for_s * vx, y + 0.5 * for_s * vy
        values[VX, k] = values[VY, k] = values[AX, k] = values[AY, k] = 0.0


@compiled
def density(values: Floats, k: int) -> tuple[float, float, float]:
    """Spectral density of the acceleration of a track in the map frame: xx, xy, yy. [m^2/s^3]"""
    agility, vx, vy = values[AGILITY, k], values[VX, k], values[VY, k]
    along, squared = values[ALONG, k] * agility, vx * vx + vy * vy
    if squared < SLOW_MPS**2:  # the direction says nothing
        return along, 0.0, along
    across = agility * values[ACROSS, k] * (1.0 + TURNING_PER_S * math.sqrt(squared))
    more = (along - across) / squared
    return across + more * vx * vx, more * vx * vy, across + more * vy * vy
