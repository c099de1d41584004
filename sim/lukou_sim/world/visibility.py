"""How much of each road user a sensor can see: sampled silhouettes behind nearer silhouettes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lukou_sim.compiled import compiled
from lukou_sim.render.camera import CameraModel
from lukou_sim.world.road_users import FloatArray, RoadUsers

_ACROSS = np.array([-0.42, -0.21, 0.0, 0.21, 0.42])
_UP = np.array([0.1, 0.35, 0.6, 0.88])
OCCLUDER_FILL = 0.97
"""Silhouettes hide as rectangles this much smaller: rounded corners, glass."""


def silhouette_samples(users: RoadUsers, position: FloatArray) -> FloatArray:
    """(n, 20, 3) Points over each road user's silhouette, as seen from a sensor's position (3,). [m]"""
    return _samples(_columns(users), position)


def unoccluded(users: RoadUsers, position: FloatArray, samples: FloatArray) -> NDArray[np.bool_]:
    """(n, 20) Which samples no nearer road user hides.

    Each occluder is a rectangle in azimuth and elevation: its corners' azimuths, from the foot of its near side to the top of
    its far side (seen from above) or near side (seen from below).
    """
    columns = _columns(users)
    return _free(columns, _rectangles(columns, position), samples - position)


def hidden_share(columns: FloatArray, position: FloatArray) -> FloatArray:
    """(n,) Share of each road user's silhouette that nearer ones hide; `columns` (6, n) are x, y, yaw, length, width, height. [m, rad]"""
    free = _free(columns, _rectangles(columns, position), _samples(columns, position) - position)
    return np.asarray(1.0 - free.mean(axis=1))


def _columns(users: RoadUsers) -> FloatArray:
    return np.array([users.x, users.y, users.yaw, users.length, users.width, users.height])


@compiled
def _samples(columns: FloatArray, position: FloatArray) -> FloatArray:
    made = np.empty((columns.shape[1], 20, 3))
    for k in range(columns.shape[1]):
        x, y, yaw, length, width, height = columns[:, k]
        dx, dy = x - position[0], y - position[1]
        distance = max(math.hypot(dx, dy), 0.1)
        relative = yaw - math.atan2(dy, dx)
        span = abs(math.sin(relative)) * length + abs(math.cos(relative)) * width
        for row in range(4):
            for column in range(5):
                side = span * _ACROSS[column] / distance
                made[k, 5 * row + column, 0] = x - dy * side
                made[k, 5 * row + column, 1] = y + dx * side
                made[k, 5 * row + column, 2] = height * _UP[row]
    return made


@compiled
def _rectangles(columns: FloatArray, position: FloatArray) -> FloatArray:
    """Azimuth of each road user's middle, from where to where about it he reaches, slopes of his foot and top, and his distance, (6, n)."""
    made = np.empty((6, columns.shape[1]))
    for k in range(columns.shape[1]):
        x, y, yaw, length, width, height = columns[:, k]
        dx, dy, cos, sin = x - position[0], y - position[1], math.cos(yaw), math.sin(yaw)
        centre, low, high, near, far = math.atan2(dy, dx), math.inf, -math.inf, math.inf, 0.0
        for corner in range(4):
            ahead, beside = (-0.5, 0.5)[corner % 2] * length, (-0.5, 0.5)[corner // 2] * width
            corner_x, corner_y = dx + ahead * cos - beside * sin, dy + ahead * sin + beside * cos
            turned, reach = _wrapped(math.atan2(corner_y, corner_x) - centre), math.hypot(corner_x, corner_y)
            low, high, near, far = min(low, turned), max(high, turned), min(near, reach), max(far, reach)
        near = max(near, 0.1)
        top = height * OCCLUDER_FILL - position[2]
        made[0, k], made[1, k], made[2, k] = centre, low * OCCLUDER_FILL, high * OCCLUDER_FILL
        made[3, k], made[4, k], made[5, k] = -position[2] / near, top / (far if top < 0.0 else near), math.hypot(dx, dy)
    return made


@compiled
def _free(columns: FloatArray, rectangles: FloatArray, offset: FloatArray) -> NDArray[np.bool_]:
    count, points = offset.shape[0], offset.shape[1]
    free = np.ones((count, points), np.bool_)
    for behind in range(count):
        reach = max(-rectangles[1, behind], rectangles[2, behind])
        for before in range(count):
            centre, low, high, foot, top, distance = rectangles[:, before]
            if not distance < rectangles[5, behind] - 0.3:
                continue
            if not abs(_wrapped(rectangles[0, behind] - centre)) < reach + max(-low, high):
                continue
            for point in range(points):
                x, y, z = offset[behind, point]
                relative, slope = _wrapped(math.atan2(y, x) - centre), z / max(math.hypot(x, y), 0.1)
                if low < relative < high and foot < slope < top:
                    free[behind, point] = False
    return free


@compiled
def _wrapped(angle: float) -> float:
    return float(angle - 2.0 * math.pi * np.rint(angle / (2.0 * math.pi)))


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
