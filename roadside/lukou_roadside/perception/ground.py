"""Loops over the detections of a picture: where they stand on the ground, how surely, and how large they are there."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from lukou_messages.compiled import MachineCode
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints

HORIZON = 1e-4
"""Rays that fall by less meet no ground. (of their length along the optical axis)"""

CODE = MachineCode(Path(__file__).parent)
compiled = CODE.compiled


@compiled
def met_ground(rays: Floats, position: Floats, z_m: Floats) -> Floats:
    """Where rays from a camera meet the ground.

    Parameters
    ----------
    rays : (n, 3) float array
        Directions in the map frame, of any length.
    position : (3,) float array
        The camera. [m]
    z_m : (n,) float array
        Height of the ground. [m]

    Returns
    -------
    (2, n) float array
        x and y; nan at and above the horizon. [m]
    """
    met = np.empty((2, len(rays)))
    for k in range(len(rays)):
        falls = rays[k, 2] < -HORIZON
        scale = (z_m[k] - position[2]) / rays[k, 2] if falls else math.nan
        met[0, k], met[1, k] = position[0] + scale * rays[k, 0], position[1] + scale * rays[k, 1]
    return met


@compiled
def placed(rays: Floats, position: Floats, z_m: Floats, size: Floats, variance: Floats, own: Floats) -> Floats:
    """Places with covariances: pixel noise and mounting angles through the derivative of the projection; grows with the distance squared.

    The ground is taken to be level around each point.

    Parameters
    ----------
    rays : (3, n, 3) float array
        Directions of the pixel of each detection, of the next one to the right, and of the next one below.
    position : (3,) float array
        The camera. [m]
    z_m : (n,) float array
        Height of the ground. [m]
    size : (2, n) float array
        Standard deviation of column and row that grows with the box. [px]
    variance : (2,) float array
        Variance of column and row that all share. [px^2]
    own : (n,) float array
        Variance of the road user's middle about where its looks suggest. [m^2]

    Returns
    -------
    (5, n) float array
        x, y and the covariance xx, xy, yy; nan at and above the horizon. [m, m^2]
    """
    at, right = met_ground(rays[0], position, z_m), met_ground(rays[1], position, z_m)
    below = met_ground(rays[2], position, z_m)
    made = np.empty((5, len(z_m)))
    for k in range(len(z_m)):
        ax, ay = right[0, k] - at[0, k], right[1, k] - at[1, k]
        bx, by = below[0, k] - at[0, k], below[1, k] - at[1, k]
        var_u, var_v = variance[0] + size[0, k] * size[0, k], variance[1] + size[1, k] * size[1, k]
        made[0, k], made[1, k] = at[0, k], at[1, k]
        made[2, k] = ax * ax * var_u + bx * bx * var_v + own[k]
        made[3, k] = ax * ay * var_u + bx * by * var_v
        made[4, k] = ay * ay * var_u + by * by * var_v + own[k]
    return made


@compiled
def sizes_fit(
    rays: Floats, away: Floats, is_cut: Booleans, named: Ints, least: Floats, most: Floats, tolerance: float
) -> Booleans:
    """Whether each box has a size, where it stands, that its class can have.

    A box is as wide as its distance times the angle between the rays through its sides, whatever the lens. Seen from above by the angle a a cuboid is as tall as
    height cos a + length sin a. What stands before it hides a part, seldom of both its width and its height.

    Parameters
    ----------
    rays : (4, n, 3) float array
        Directions through the middle of the left, right, upper and lower side, of any length.
    away : (n, 3) float array
        From the camera to the middle of the footprint; nan: nowhere on the ground. [m]
    is_cut : (n,) bool array
        Whether the picture's edge may cut the box, so that its least size says nothing.
    named : (n,) int array
        Class of each.
    least, most : (c, 2), (c, 3) float array
        Width and height; length, width and height, by class. [m]
    tolerance : float
        Factor by which sizes may be off, at least 1.

    Returns
    -------
    (n,) bool array
        False too where nothing is known.
    """
    fits = np.empty(len(named), np.bool_)
    for k in range(len(named)):
        distance = max(math.sqrt(away[k, 0] ** 2 + away[k, 1] ** 2 + away[k, 2] ** 2), 1e-6)
        fall = min(max(-away[k, 2] / distance, 0.0), 1.0)  # sin a
        level = math.sqrt(1.0 - fall * fall)
        wide, tall = distance * _apart(rays[0, k], rays[1, k]), distance * _apart(rays[2, k], rays[3, k])
        length, width, height = most[named[k]]
        longest = math.sqrt(length * length + width * width)
        is_small = wide < least[named[k], 0] / tolerance and tall < least[named[k], 1] / tolerance * level
        fits[k] = wide <= longest * tolerance and tall <= (height * level + longest * fall) * tolerance
        fits[k] &= is_cut[k] or not is_small
    return fits


@compiled
def _apart(one: Floats, other: Floats) -> float:
    """Distance of the ends of two directions of length 1."""
    length = math.sqrt(one[0] ** 2 + one[1] ** 2 + one[2] ** 2)
    other_length = math.sqrt(other[0] ** 2 + other[1] ** 2 + other[2] ** 2)
    squared = 0.0
    for axis in range(3):
        squared += (one[axis] / length - other[axis] / other_length) ** 2
    return math.sqrt(squared)
