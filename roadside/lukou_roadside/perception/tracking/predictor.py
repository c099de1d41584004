"""Motion between scans: nearly constant velocity, with more noise along the motion than across it.

Y. Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 6.2.2
(continuous white noise acceleration); the noise is turned into the direction of motion and depends on the class.
"""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.scan import Floats
from lukou_roadside.perception.tracking.tracks import ACROSS, AGILITY, ALONG, MOTION, P_XX, VX, VY, Tracks

SLOW_MPS = 1.0
"""Below this speed the direction of motion says little, and the noise is equal in all directions. [m/s]"""

TURNING_PER_S = 0.25
"""Noise across the motion grows with the speed: lateral acceleration is speed times turn rate. [1/s]"""

# How a change of dt moves state and covariance: their rows after = (_STILL + dt _FIRST + dt^2 _SECOND) rows before.
_STILL, _FIRST, _SECOND = np.eye(14), np.zeros((14, 14)), np.zeros((14, 14))
_FIRST[[0, 1], [2, 3]] = 1.0  # position by velocity
_FIRST[[4, 5, 5, 6], [7, 8, 9, 10]] = 2.0, 1.0, 1.0, 2.0  # xx by xu, xy by xv and yu, yy by yv
_FIRST[[7, 8, 9, 10], [11, 12, 12, 13]] = 1.0  # cross terms by the variances of velocity
_SECOND[[4, 5, 6], [11, 12, 13]] = 1.0

# How noise (xx, xy, yy) enters the covariance: position by |dt|^3/3, cross terms by dt^2/2, velocity by |dt|.
_CUBED, _SQUARED, _PLAIN = np.zeros((10, 3)), np.zeros((10, 3)), np.zeros((10, 3))
_CUBED[[0, 1, 2], [0, 1, 2]] = 1.0 / 3.0
_SQUARED[[3, 4, 5, 6], [0, 1, 1, 2]] = 0.5
_PLAIN[[7, 8, 9], [0, 1, 2]] = 1.0


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
    if dt != 0.0 and len(tracks):
        values[MOTION] = (_STILL + dt * _FIRST + dt * dt * _SECOND) @ values[MOTION]
        size = abs(dt)
        spread = size**3 * _CUBED + dt * dt * _SQUARED + size * _PLAIN
        values[P_XX : P_XX + 10] += spread @ process_noise(tracks)
    return Tracks(time_s, tracks.birth, values)


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
