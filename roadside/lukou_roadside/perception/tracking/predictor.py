"""Motion between scans: nearly constant velocity, with more noise along the motion than across it.

Y. Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 6.2.2
(continuous white noise acceleration); the noise is turned into the direction of motion and depends on the class.
"""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Floats
from lukou_roadside.perception.tracking.tracks import Tracks

SLOW_MPS = 1.0
"""Below this speed the direction of motion says little, and the noise is equal in all directions. [m/s]"""

TURNING_PER_S = 0.25
"""Noise across the motion grows with the speed: lateral acceleration is speed times turn rate. [1/s]"""


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
        With states and covariances of that instant.
    """
    dt = time_s - tracks.time_s
    if dt == 0.0 or len(tracks) == 0:
        return tracks.changed(time_s=time_s)
    state = tracks.state.copy()
    state[:, :2] += state[:, 2:] * dt
    p = tracks.covariance
    covariance = p.copy()
    cross = p[:, :2, 2:]
    covariance[:, :2, :2] += dt * (cross + np.swapaxes(cross, 1, 2)) + dt * dt * p[:, 2:, 2:]
    covariance[:, :2, 2:] += dt * p[:, 2:, 2:]
    noise = process_noise(tracks)
    covariance[:, :2, :2] += noise * (abs(dt) ** 3 / 3.0)
    covariance[:, :2, 2:] += noise * (dt * dt / 2.0)
    covariance[:, 2:, 2:] += noise * abs(dt)
    covariance[:, 2:, :2] = np.swapaxes(covariance[:, :2, 2:], 1, 2)
    return tracks.changed(time_s=time_s, state=state, covariance=covariance)


def process_noise(tracks: Tracks) -> Floats:
    """Spectral density of the acceleration of each track in the map frame, (n, 2, 2). [m^2/s^3]"""
    along = tracks.class_weight @ classes.ALONG_NOISE
    across = tracks.class_weight @ classes.ACROSS_NOISE
    vx, vy = tracks.state[:, 2], tracks.state[:, 3]
    speed = np.hypot(vx, vy)
    across = across * (1.0 + TURNING_PER_S * speed)
    is_slow = speed < SLOW_MPS
    safe = np.where(is_slow, 1.0, speed)
    ux, uy = np.where(is_slow, 1.0, vx / safe), np.where(is_slow, 0.0, vy / safe)
    across = np.where(is_slow, along, across)
    noise = np.empty((len(tracks), 2, 2))
    noise[:, 0, 0] = along * ux * ux + across * uy * uy
    noise[:, 1, 1] = along * uy * uy + across * ux * ux
    noise[:, 0, 1] = noise[:, 1, 0] = (along - across) * ux * uy
    return noise
