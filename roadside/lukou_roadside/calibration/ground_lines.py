"""The map's lines as a raster: which edges of a picture, laid on the ground, the map explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_maps.road_model import RoadModel
from lukou_roadside.calibration.edges import CHANNELS
from lukou_roadside.calibration.lane_lines import LineSamples
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.tracking.scan import Floats

CELL_M = 0.2
"""Side of a cell. [m]"""

STEP_M = 0.02
"""Step in which distances are kept. [m]"""

FARTHEST_M = 60.0
"""Edges that fall farther from the camera are not judged. [m]"""

TOLERANCE_M = 0.25
"""Standard deviation of an edge against its line on the map, beside what pixels make of it. [m]"""


@dataclass(frozen=True, slots=True, eq=False)
class EdgePoints:
    """Edge pixels with their directions; columns of equal length.

    Attributes
    ----------
    u_px, v_px : (n,) float array
        Place. [px]
    along_u, along_v : (n,) float array
        Unit vector along the edge.
    """

    u_px: Floats
    v_px: Floats
    along_u: Floats
    along_v: Floats


def edge_points(segments: Floats, most: int = 1200) -> EdgePoints:
    """Points along straight segments, evenly spread.

    Parameters
    ----------
    segments : (n, 4) float array
        As of `find_segments`. [px]
    most : int
        Points at most.
    """
    along = segments[:, 2:] - segments[:, :2]
    length = np.hypot(*along.T)
    spacing = max(4.0, float(length.sum()) / most)
    count = np.maximum(np.floor(length / spacing).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(segments)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    share = (number + 0.5) / count[owner]
    points = segments[owner, :2] + share[:, None] * along[owner]
    unit = along[owner] / length[owner, None]
    return EdgePoints(points[:, 0], points[:, 1], unit[:, 0], unit[:, 1])


class GroundLines:
    """Distance to the nearest line of about a direction, everywhere around a place.

    Parameters
    ----------
    lines : LineSamples
        Lines of the map.
    model : RoadModel
        The map, for the stripes of its crosswalks.
    near : (x, y)
        The place. [m]
    reach_m : float
        Half the side of the raster. [m]
    """

    def __init__(self, lines: LineSamples, model: RoadModel, near: tuple[float, float], reach_m: float = 75.0) -> None:
        self._origin = near[0] - reach_m, near[1] - reach_m
        self._size = int(2 * reach_m / CELL_M)
        self._z_m = float(np.median(lines.z_m)) if len(lines) else 0.0
        painted = np.zeros((CHANNELS, self._size, self._size), np.uint8)
        for step in (-0.25, 0.0, 0.25):  # samples lie half a metre apart
            x, y = lines.x_m + step * np.cos(lines.direction_rad), lines.y_m + step * np.sin(lines.direction_rad)
            column, row, inside = self._cells(x, y)
            channel = _channel(lines.direction_rad)
            for turn in (-1, 0, 1):
                painted[(channel[inside] + turn) % CHANNELS, row[inside], column[inside]] = 1
        self._stripes(painted, model)
        self._distance = np.stack([_steps(layer) for layer in painted])

    def explained_share(self, camera: Calibration, points: EdgePoints) -> float:
        """Share of a picture's edges that lie on lines of the map of their direction, as a camera lays them on the ground."""
        if len(points.u_px) == 0:
            return 0.0
        x, y = camera.to_ground(points.u_px, points.v_px, self._z_m)
        ahead_x, ahead_y = camera.to_ground(
            points.u_px + 0.5 * points.along_u, points.v_px + 0.5 * points.along_v, self._z_m
        )
        distance = np.hypot(x - camera.settings.x_m, y - camera.settings.y_m)
        good = (distance < FARTHEST_M) & np.isfinite(ahead_x)
        column, row, inside = self._cells(np.where(good, x, -1e9), np.where(good, y, -1e9))
        good &= inside
        direction = np.arctan2((ahead_y - y)[good], (ahead_x - x)[good])
        off = self._distance[_channel(direction), row[good], column[good]] * STEP_M
        # a pixel's error on the ground grows with the distance
        tolerance = TOLERANCE_M + 2.0 * distance[good] ** 2 / (
            camera.focal_x_px * max(camera.settings.z_m - self._z_m, 1.0)
        )
        return float(np.exp(-0.5 * (off / tolerance) ** 2).sum() / len(points.u_px))

    def _cells(self, x_m: Floats, y_m: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        column = np.floor((x_m - self._origin[0]) / CELL_M)
        row = np.floor((y_m - self._origin[1]) / CELL_M)
        inside = (column >= 0) & (column < self._size) & (row >= 0) & (row < self._size)
        zero = np.where(inside, 0, 1)
        return (
            (np.where(zero, 0, column)).astype(np.int64),
            (np.where(zero, 0, row)).astype(np.int64),
            np.asarray(inside),
        )

    def _stripes(self, painted: NDArray[np.uint8], model: RoadModel) -> None:
        """Inside a crosswalk, edges at right angles to it are its stripes."""
        table, lanes = model.crosswalks, model.lanes
        for k in range(len(table)):
            rows = slice(int(table.outline_start[k]), int(table.outline_start[k + 1]))
            lane = int(table.lane[k])
            if lane < 0 or rows.stop - rows.start < 3:
                continue
            corners = (
                np.column_stack([table.outline_x_m[rows] - self._origin[0], table.outline_y_m[rows] - self._origin[1]])
                / CELL_M
            )
            if np.abs(corners).max() > 4 * self._size:
                continue
            points = lanes.points(lane)
            along = math.atan2(
                lanes.y_m[points.stop - 1] - lanes.y_m[points.start],
                lanes.x_m[points.stop - 1] - lanes.x_m[points.start],
            )
            channel = int(_channel(np.array([along + math.pi / 2]))[0])
            for turn in (-1, 0, 1):
                layer = np.ascontiguousarray(painted[(channel + turn) % CHANNELS])
                cv2.fillPoly(layer, [np.round(corners).astype(np.int32)], 1)
                painted[(channel + turn) % CHANNELS] = layer


def _steps(painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Distance to the nearest painted cell in steps of `STEP_M`, up to 5 m."""
    if not painted.any():
        return np.full(painted.shape, 255, np.uint8)
    distance = cv2.distanceTransform(1 - painted, cv2.DIST_L2, 3) * (CELL_M / STEP_M)
    return np.asarray(np.minimum(distance, 255.0), np.uint8)


def _channel(direction_rad: Floats) -> NDArray[np.int64]:
    angle = np.mod(direction_rad, np.pi)
    return np.floor(angle / np.pi * CHANNELS).astype(np.int64) % CHANNELS
