"""Where the middle of a vehicle stands, from the four edges of its box: a cuboid of known heading is fitted to them.

The bottom of a box is the near end of a vehicle, and how far its middle lies behind depends on a length that classes only
suggest: a truck has 5 to 17 m. The upper edge knows more of it. Least squares with the usual size as prior observation (Gauss and
Newton; Nocedal and Wright, "Numerical Optimization", 2006, section 10.3); the covariance is the inverse of the normal matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints

LENGTH_SHARE = np.array([0.4, 0.09, 0.35, 0.15, 0.12, 0.12, 0.2, 0.3, 0.3, 0.2])
"""Standard deviation of the length as a share of the usual one, by class."""
HEIGHT_SHARE = np.array([0.3, 0.12, 0.22, 0.07, 0.1, 0.08, 0.08, 0.3, 0.3, 0.15])
"""The same of the height."""
ITERATIONS = 4
STEPS = np.array([0.1, 0.1, 0.2, 0.1])
"""Differences by which derivatives are taken: x, y, length, height. [m]"""
WORST_RESIDUAL = 9.0
"""Mean squared residual of the four edges, in deviations, above which the box is no free view of a vehicle of this heading."""


@dataclass(frozen=True, slots=True, eq=False)
class Footprints:
    """Fitted cuboids; arrays of n.

    Attributes
    ----------
    x_m, y_m : (n,) float array
        Middle of the footprint. [m]
    variance_xx, variance_xy, variance_yy : (n,) float array
        Its covariance. [m^2]
    length_m : (n,) float array
        Length. [m]
    is_fitted : (n,) bool array
        Where a cuboid explains the box.
    """

    x_m: Floats
    y_m: Floats
    variance_xx: Floats
    variance_xy: Floats
    variance_yy: Floats
    length_m: Floats
    is_fitted: Booleans


def fit(
    calibration: Calibration, edges: Floats, deviation: Floats, place: Floats, yaw_rad: Floats, named: Ints
) -> Footprints:
    """Fit cuboids to boxes.

    Parameters
    ----------
    calibration : Calibration
        The camera.
    edges : (n, 4) float array
        Left, top, right, bottom. [px]
    deviation : (n, 4) float array
        Standard deviation of each edge. [px]
    place : (n, 3) float array
        First guess of the middle, and the height of the ground there. [m]
    yaw_rad : (n,) float array
        Direction of the front; front and rear may be mixed up. [rad]
    named : (n,) int array
        Class.
    """
    usual = np.column_stack([classes.LENGTH_M[named], classes.HEIGHT_M[named]])
    prior = usual * np.column_stack([LENGTH_SHARE[named], HEIGHT_SHARE[named]])
    state = np.column_stack([place[:, :2], usual])
    width = classes.WIDTH_M[named]
    normal = np.zeros((len(named), 4, 4))
    residual = np.zeros((len(named), 4))
    with np.errstate(invalid="ignore"):  # behind the camera there are no edges: such fits end as nan and do not count
        for _ in range(ITERATIONS):
            seen = _edges(calibration, state, place[:, 2], yaw_rad, width)
            slope = (
                np.stack(
                    [
                        (_edges(calibration, state + np.eye(4)[k] * STEPS[k], place[:, 2], yaw_rad, width) - seen)
                        / STEPS[k]
                        for k in range(4)
                    ],
                    axis=-1,
                )
                / deviation[:, :, None]
            )
            residual = (edges - seen) / deviation
            normal = np.einsum("nij,nik->njk", slope, slope)
            normal[:, 2, 2] += prior[:, 0] ** -2.0
            normal[:, 3, 3] += prior[:, 1] ** -2.0
            gradient = np.einsum("nij,ni->nj", slope, residual)
            gradient[:, 2:] += (usual - state[:, 2:]) / prior**2
            sane = np.isfinite(normal).all(axis=(1, 2)) & np.isfinite(gradient).all(axis=1)
            normal[~sane], gradient[~sane] = np.eye(4), np.nan
            step = np.linalg.solve(normal, gradient[:, :, None])[:, :, 0]
            state = state + np.clip(step, -4.0, 4.0)
            state[:, 2:] = np.maximum(state[:, 2:], 0.3 * usual)
    covariance: Floats = np.asarray(np.linalg.inv(normal), np.float64)
    fits = np.isfinite(state).all(axis=1) & ((residual**2).mean(axis=1) < WORST_RESIDUAL)
    fits &= np.hypot(*(state[:, :2] - place[:, :2]).T) < np.maximum(usual[:, 0], 3.0)
    return Footprints(
        state[:, 0], state[:, 1], covariance[:, 0, 0], covariance[:, 0, 1], covariance[:, 1, 1], state[:, 2], fits
    )


def _edges(calibration: Calibration, state: Floats, ground_m: Floats, yaw_rad: Floats, width_m: Floats) -> Floats:
    """(n, 4) Left, top, right and bottom edge of cuboids in the picture. [px]"""
    along, across, up = (g.ravel() for g in np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [0.0, 1.0], indexing="ij"))
    cos, sin = np.cos(yaw_rad)[:, None], np.sin(yaw_rad)[:, None]
    length, width = state[:, 2:3] * along, width_m[:, None] * across
    x = state[:, 0:1] + length * cos - width * sin
    y = state[:, 1:2] + length * sin + width * cos
    z = ground_m[:, None] + state[:, 3:4] * up
    u, v = calibration.to_picture(x.ravel(), y.ravel(), z.ravel())
    u, v = u.reshape(x.shape), v.reshape(x.shape)
    return np.column_stack([u.min(axis=1), v.min(axis=1), u.max(axis=1), v.max(axis=1)])
