"""A camera as a vector that can be solved for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats

PARAMETERS = ("x_m", "y_m", "z_m", "azimuth_rad", "pitch_rad", "roll_rad", "log_focal", "k1")
"""What can be solved for; ``log_focal`` is the logarithm of the factor on the start's focal lengths, ``k1`` the first radial coefficient."""

POSE = slice(0, 6)

STEPS = np.array([1e-3, 1e-3, 1e-3, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5])
"""Steps of numerical derivatives. [m, rad, 1]"""

DISTANCES_M = (20.0, 40.0, 60.0)
"""Distances for which errors on the ground are told. [m]"""


def vector_of(camera: CameraSettings) -> Floats:
    """(8,) The camera's parameters, with ``log_focal`` 0."""
    k1 = camera.distortion[0] if camera.distortion else 0.0
    pose = (camera.x_m, camera.y_m, camera.z_m, camera.azimuth_rad, camera.pitch_rad, camera.roll_rad)
    return np.array([*pose, 0.0, k1])


def camera_at(start: CameraSettings, vector: Floats) -> CameraSettings:
    """The start camera with other parameters; what is no parameter stays.

    Parameters
    ----------
    start : CameraSettings
        Camera whose focal length `vector` refers to.
    vector : (8,) float array
        `PARAMETERS`.
    """
    factor = math.exp(float(np.clip(vector[6], -5.0, 5.0)))
    distortion = start.distortion
    if vector[7] != (distortion[0] if distortion else 0.0):
        distortion = (float(vector[7]), *(distortion[1:] or (0.0, 0.0, 0.0)))
    names = ("x_m", "y_m", "z_m", "azimuth_rad", "pitch_rad", "roll_rad")
    changed: dict[str, object] = {name: float(value) for name, value in zip(names, vector[POSE], strict=True)}
    changed["azimuth_rad"] = math.remainder(float(vector[3]), math.tau)
    changed["focal_x_px"] = start.focal_x_px * factor
    changed["focal_y_px"] = None if start.focal_y_px is None else start.focal_y_px * factor
    return start.model_copy(update={**changed, "distortion": distortion})


def pose_of(rotation: NDArray[np.float64], position: NDArray[np.float64]) -> Floats:
    """(6,) Place and angles of a camera from its axes.

    Parameters
    ----------
    rotation : (3, 3) float array
        Rows are the camera's axes (right, down, forward) in the map frame.
    position : (3,) float array
        Place in the map frame. [m]
    """
    right, down, forward = rotation
    azimuth = math.atan2(forward[1], forward[0])
    pitch = math.asin(max(-1.0, min(1.0, float(forward[2]))))
    return np.array([*position, azimuth, pitch, math.atan2(-right[2], -down[2])])


def ground_ahead(camera: CameraSettings, distances_m: Floats) -> tuple[Floats, Floats]:
    """Ground points in the direction of view at distances over ground. [m]"""
    x = camera.x_m + distances_m * math.cos(camera.azimuth_rad)
    y = camera.y_m + distances_m * math.sin(camera.azimuth_rad)
    return x, y


def ground_deviation(
    start: CameraSettings, vector: Floats, covariance: Floats, ground_z_m: float = 0.0
) -> dict[str, float | None]:
    """Standard deviation of ground positions that the uncertainty of the parameters causes, at `DISTANCES_M` straight ahead.

    Returns
    -------
    dict of str to float or None
        Keys ``20``, ``40``, ``60``; None where the picture does not show that distance. [m]
    """
    camera = Calibration(camera_at(start, vector))
    x, y = ground_ahead(camera.settings, np.array(DISTANCES_M))
    z = np.full(len(x), ground_z_m)
    u, v = camera.to_picture(x, y, z)
    slopes = []
    for k, step in enumerate(STEPS):
        moved = vector.copy()
        moved[k] += step
        near_x, near_y = Calibration(camera_at(start, moved)).to_ground(u, v, z)
        slopes.append(np.stack([(near_x - x) / step, (near_y - y) / step]))
    jacobian = np.stack(slopes, axis=-1)  # (2, n, 8)
    variance = np.einsum("ink,kl,inl->n", jacobian, covariance, jacobian)
    shown = (v >= 0) & (v <= camera.settings.height_px) & np.isfinite(variance)
    return {
        f"{int(distance)}": round(float(math.sqrt(max(0.0, variance[k]))), 3) if shown[k] else None
        for k, distance in enumerate(DISTANCES_M)
    }
