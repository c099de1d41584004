"""From pixels to rays in the map frame and back."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from lukou_roadside.perception.ground import met_ground
from lukou_roadside.perception.lens import Lens
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats, View


class Calibration:
    """Camera with its lens at a known pose. Camera axes: x right, y down, z forward.

    Parameters
    ----------
    settings : CameraSettings
        Intrinsics, distortion and pose.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self.settings = settings
        self.lens = Lens(settings.lens, settings.distortion)
        self.focal_x_px = settings.focal_x_px
        self.focal_y_px = settings.focal_y_px or settings.focal_x_px
        self.centre_x_px = settings.width_px / 2.0 if settings.centre_x_px is None else settings.centre_x_px
        self.centre_y_px = settings.height_px / 2.0 if settings.centre_y_px is None else settings.centre_y_px
        self.position_map = np.array([settings.x_m, settings.y_m, settings.z_m])

    @cached_property
    def camera_from_map(self) -> Floats:
        """(3, 3) rotation from map to camera axes."""
        azimuth, pitch, roll = self.settings.azimuth_rad, self.settings.pitch_rad, self.settings.roll_rad
        forward = np.array([math.cos(pitch) * math.cos(azimuth), math.cos(pitch) * math.sin(azimuth), math.sin(pitch)])
        right = np.array([math.sin(azimuth), -math.cos(azimuth), 0.0])
        down = np.cross(forward, right)
        c, s = math.cos(roll), math.sin(roll)
        return np.stack([c * right + s * down, c * down - s * right, forward])

    def rays(self, u_px: Floats, v_px: Floats) -> Floats:
        """Directions in the map frame of pixels, (n, 3), not normalised."""
        x, y = self.lens.undistorted(
            (u_px - self.centre_x_px) / self.focal_x_px, (v_px - self.centre_y_px) / self.focal_y_px
        )
        return np.asarray(np.column_stack([x, y, np.ones_like(x)]) @ self.camera_from_map)

    def to_ground(self, u_px: Floats, v_px: Floats, z_m: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """Where pixels meet the ground at a height.

        Parameters
        ----------
        u_px, v_px : (n,) float array
            Pixels. [px]
        z_m : float or (n,) float array
            Height of the ground. [m]

        Returns
        -------
        x_m, y_m : (n,) float array
            Map position; nan at and above the horizon. [m]
        """
        rays = self.rays(np.asarray(u_px, np.float64), np.asarray(v_px, np.float64))
        x_m, y_m = met_ground(rays, self.position_map, np.broadcast_to(np.asarray(z_m, np.float64), len(rays)).copy())
        return x_m, y_m

    def to_picture(self, x_m: Floats, y_m: Floats, z_m: Floats) -> tuple[Floats, Floats]:
        """Pixels of map points; nan behind the camera. [px]"""
        local = (np.column_stack([x_m, y_m, z_m]) - self.position_map) @ self.camera_from_map.T
        depth = np.where(local[:, 2] > 0.1, local[:, 2], np.nan)
        x, y = self.lens.distorted(local[:, 0] / depth, local[:, 1] / depth)
        return x * self.focal_x_px + self.centre_x_px, y * self.focal_y_px + self.centre_y_px

    @cached_property
    def view(self) -> View:
        """Wedge of the plane that the picture covers."""
        sides = (np.array([0.0, float(self.settings.width_px)]) - self.centre_x_px) / self.focal_x_px
        left, _ = self.lens.undistorted(sides, np.zeros(2))
        opening = float(np.sum(np.arctan(np.abs(np.where(np.isnan(left), np.inf, left)))))
        x, y = self.to_ground(np.array([self.centre_x_px]), np.array([float(self.settings.height_px)]))
        nearest = float(np.hypot(x[0] - self.position_map[0], y[0] - self.position_map[1]))
        return View(
            x_m=float(self.position_map[0]),
            y_m=float(self.position_map[1]),
            azimuth_rad=self.settings.azimuth_rad,
            opening_rad=opening,
            range_min_m=nearest if math.isfinite(nearest) else 0.0,
            range_max_m=self.settings.range_max_m,
        )

    def outline(self) -> tuple[Floats, Floats]:
        """Corners of the ground that the picture shows, out to the farthest distance used. [m]"""
        settings = self.settings
        across = np.linspace(0.0, settings.width_px, 9)
        near_x, near_y = self.to_ground(across, np.full(9, float(settings.height_px)))
        down = np.linspace(0.0, settings.height_px, 65)
        far_x, far_y = np.empty(9), np.empty(9)
        for k, u in enumerate(across):
            x, y = self.to_ground(np.full(65, u), down)
            distance = np.hypot(x - settings.x_m, y - settings.y_m)
            inside = np.flatnonzero(distance <= settings.range_max_m)
            far_x[k], far_y[k] = (x[inside[0]], y[inside[0]]) if len(inside) else (near_x[k], near_y[k])
        return np.concatenate([near_x, far_x[::-1]]), np.concatenate([near_y, far_y[::-1]])
