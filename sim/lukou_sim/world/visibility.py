"""How much of each road user a sensor can see: sampled silhouettes behind nearer silhouettes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lukou_sim.render.camera import CameraModel
from lukou_sim.world.road_users import FloatArray, RoadUsers

_ACROSS = np.array([-0.42, -0.21, 0.0, 0.21, 0.42])
_UP = np.array([0.1, 0.35, 0.6, 0.88])
OCCLUDER_FILL = 0.97
"""Silhouettes hide as rectangles this much smaller: rounded corners, glass."""


def silhouette_samples(users: RoadUsers, position: FloatArray) -> FloatArray:
    """(n, 20, 3) Points over each road user's silhouette, as seen from a sensor's position (3,). [m]"""
    away = np.column_stack([users.x - position[0], users.y - position[1]])
    distance = np.maximum(np.hypot(away[:, 0], away[:, 1]), 0.1)
    bearing = np.arctan2(away[:, 1], away[:, 0])
    relative = users.yaw - bearing
    span = np.abs(np.sin(relative)) * users.length + np.abs(np.cos(relative)) * users.width
    across = np.column_stack([-away[:, 1], away[:, 0]]) / distance[:, None]
    side = (span[:, None] * _ACROSS)[:, None, :]  # (n, 1, 5)
    x = users.x[:, None, None] + across[:, 0, None, None] * side
    y = users.y[:, None, None] + across[:, 1, None, None] * side
    z = np.broadcast_to((users.height[:, None] * _UP)[:, :, None], (len(users), 4, 5))
    points = np.stack([np.broadcast_to(x, z.shape), np.broadcast_to(y, z.shape), z], axis=-1)
    return np.asarray(points.reshape(len(users), 20, 3))


def unoccluded(users: RoadUsers, position: FloatArray, samples: FloatArray) -> NDArray[np.bool_]:
    """(n, 20) Which samples no nearer road user hides.

    Each occluder is a rectangle in azimuth and elevation: its corners' azimuths, from the foot of its near side to the top of
    its far side (seen from above) or near side (seen from below).
    """
    count = len(users)
    if count == 0:
        return np.zeros((0, 20), bool)
    offset = samples - position
    azimuth = np.arctan2(offset[..., 1], offset[..., 0])
    slope = offset[..., 2] / np.maximum(np.hypot(offset[..., 0], offset[..., 1]), 0.1)
    away = users.footprints() - position[:2]
    reach = np.hypot(away[..., 0], away[..., 1])
    centre = np.arctan2(users.y - position[1], users.x - position[0])
    spread = _wrap(np.arctan2(away[..., 1], away[..., 0]) - centre[:, None])
    low_azimuth, high_azimuth = spread.min(axis=1) * OCCLUDER_FILL, spread.max(axis=1) * OCCLUDER_FILL
    near, far = np.maximum(reach.min(axis=1), 0.1), reach.max(axis=1)
    top = users.height * OCCLUDER_FILL - position[2]
    high_slope = np.where(top < 0, top / far, top / near)
    low_slope = -position[2] / near
    distance = np.hypot(users.x - position[0], users.y - position[1])
    hides = distance[None, :] < distance[:, None] - 0.3
    half = np.maximum(-low_azimuth, high_azimuth)
    apart = _wrap(centre[:, None] - centre[None, :])
    behind, before = np.nonzero(hides & (np.abs(apart) < half[:, None] + half[None, :]))
    relative = _wrap(azimuth[behind] - centre[before][:, None])
    covered = (
        (relative > low_azimuth[before][:, None])
        & (relative < high_azimuth[before][:, None])
        & (slope[behind] > low_slope[before][:, None])
        & (slope[behind] < high_slope[before][:, None])
    )
    free = np.ones((count, 20), bool)
    if len(behind):
        owners, starts = np.unique(behind, return_index=True)  # nonzero gives them in order
        free[owners] = ~np.logical_or.reduceat(covered, starts, axis=0)
    return free


def in_picture(camera: CameraModel, samples: FloatArray) -> NDArray[np.bool_]:
    """(n, 20) Which samples fall on the picture."""
    pixels, depths = camera.project(samples.reshape(-1, 3))
    inside = (depths > 1.0) & (pixels[:, 0] >= 0) & (pixels[:, 0] < camera.width)
    inside &= (pixels[:, 1] >= 0) & (pixels[:, 1] < camera.height)
    return np.asarray(inside.reshape(samples.shape[:2]))


def in_sector(
    samples: FloatArray, position: FloatArray, azimuth_rad: float, opening_rad: float, range_m: tuple[float, float]
) -> NDArray[np.bool_]:
    """(n, 20) Which samples lie within a sector over ground."""
    offset = samples[..., :2] - position[:2]
    distance = np.hypot(offset[..., 0], offset[..., 1])
    turned = np.abs(_wrap(np.arctan2(offset[..., 1], offset[..., 0]) - azimuth_rad))
    return np.asarray((turned <= opening_rad / 2) & (distance >= range_m[0]) & (distance <= range_m[1]))


def _wrap(angle: FloatArray) -> FloatArray:
    return np.asarray(angle - 2 * np.pi * np.rint(angle / (2 * np.pi)))
