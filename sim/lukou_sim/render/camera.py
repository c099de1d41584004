"""Pinhole cameras in the map frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CameraModel:
    """A camera without distortion.

    Attributes
    ----------
    name : str
        Name within its site.
    width, height : int
        Size of the picture. [px]
    focal_px : float
        Focal length, the same in both directions. [px]
    camera_from_map : (3, 4) float array
        Rotation and translation from the map frame to the camera's (x right, y down, z forward). [1, m]
    """

    name: str
    width: int
    height: int
    focal_px: float
    camera_from_map: FloatArray

    @property
    def centre_px(self) -> tuple[float, float]:
        """Principal point: the middle of the picture. [px]"""
        return self.width / 2, self.height / 2

    @cached_property
    def position_map(self) -> FloatArray:
        """(3,) Where the camera stands. [m]"""
        return np.asarray(-self.camera_from_map[:, :3].T @ self.camera_from_map[:, 3])

    @cached_property
    def projection(self) -> FloatArray:
        """(3, 4) Homogeneous pixel from homogeneous map point."""
        cx, cy = self.centre_px
        intrinsics = np.array([[self.focal_px, 0, cx], [0, self.focal_px, cy], [0, 0, 1.0]])
        return np.asarray(intrinsics @ self.camera_from_map)

    @cached_property
    def ground_from_pixel(self) -> FloatArray:
        """(3, 3) Homography from homogeneous pixel to homogeneous point of the plane z = 0."""
        return np.asarray(np.linalg.inv(self.projection[:, [0, 1, 3]]))

    def project(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixels and depths of map points.

        Parameters
        ----------
        points : (n, 3) float array
            Points in the map frame. [m]

        Returns
        -------
        pixels : (n, 2) float array
            Meaningless where the depth is not positive. [px]
        depths : (n,) float array
            Distance along the optical axis. [m]
        """
        homogeneous = points @ self.projection[:, :3].T + self.projection[:, 3]
        depths = homogeneous[:, 2]
        return homogeneous[:, :2] / np.where(np.abs(depths) < 1e-6, 1e-6, depths)[:, None], depths


def look(
    name: str,
    position_map: tuple[float, float, float],
    azimuth_rad: float,
    pitch_rad: float,
    *,
    focal_px: float,
    width: int = 640,
    height: int = 384,
    roll_rad: float = 0.0,
) -> CameraModel:
    """Camera at a place that looks in a direction.

    Parameters
    ----------
    position_map : (x, y, z)
        Place. [m]
    azimuth_rad : float
        Direction of the optical axis over ground, counter-clockwise from east. [rad]
    pitch_rad : float
        Angle of the optical axis above the horizon; negative looks down. [rad]
    roll_rad : float
        Rotation about the optical axis. [rad]
    """
    forward = np.array(
        [
            math.cos(pitch_rad) * math.cos(azimuth_rad),
            math.cos(pitch_rad) * math.sin(azimuth_rad),
            math.sin(pitch_rad),
        ]
    )
    right = np.array([math.sin(azimuth_rad), -math.cos(azimuth_rad), 0.0])
    down = np.cross(forward, right)
    c, s = math.cos(roll_rad), math.sin(roll_rad)
    rotation = np.stack([c * right + s * down, -s * right + c * down, forward])
    translation = -rotation @ np.asarray(position_map, dtype=np.float64)
    return CameraModel(name, width, height, focal_px, np.column_stack([rotation, translation]))


def turned(camera: CameraModel, azimuth_rad: float) -> CameraModel:
    """The camera at the same place, turned about the vertical; positive to the left. [rad]"""
    c, s = math.cos(azimuth_rad), math.sin(azimuth_rad)
    rotation = camera.camera_from_map[:, :3] @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return replace(camera, camera_from_map=np.column_stack([rotation, -rotation @ camera.position_map]))
