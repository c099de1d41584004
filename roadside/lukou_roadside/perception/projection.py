"""From detections in a picture to positions on the map, each with its own covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.detection_gate import DetectionGate
from lukou_roadside.perception.footprint import fit
from lukou_roadside.perception.ground import met_ground, placed
from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import CAMERA, Booleans, Floats, Ints, Scan

GROUND_POINT_SHARE = 0.035
"""Standard deviation of a regressed ground point as a share of the box's size; the shipped detector on held-out pictures."""

BOX_SHARE = 0.05
"""Standard deviation of a box's bottom edge as a share of the box's size."""

CENTRE_DEVIATION_M = np.array([0.5, 0.3, 0.6, 0.8, 0.25, 0.25, 0.15, 0.3, 0.3, 1.5])
"""How far the middle of a footprint is from where its looks suggest, by class. [m]"""

FITTED_DEVIATION_M = np.array([0.4, 0.2, 0.4, 0.4, 0.2, 0.2, 0.15, 0.3, 0.3, 1.0])
"""The same where a cuboid was fitted: headings that leave the lane's, shapes that are no cuboids. [m]"""

CUT_PX = 2.0
"""A box this near to the picture's edge may be cut by it. [px]"""


class Boxes(Protocol):
    """Detections in one picture; columns of equal length. Pixels of the given picture."""

    @property
    def object_class(self) -> Any:
        """`lukou.v1.ObjectClass` of each."""

    @property
    def score(self) -> Any:
        """Confidence, 0 to 1."""

    @property
    def x1(self) -> Any:
        """Left edge. [px]"""

    @property
    def y1(self) -> Any:
        """Upper edge. [px]"""

    @property
    def x2(self) -> Any:
        """Right edge. [px]"""

    @property
    def y2(self) -> Any:
        """Lower edge. [px]"""

    @property
    def ground_x(self) -> Any:
        """Column of the middle of the footprint; nan: not told. [px]"""

    @property
    def ground_y(self) -> Any:
        """Row of the middle of the footprint; nan: not told. [px]"""


GroundHeight = Callable[[Floats, Floats], Floats]
"""Height of the ground at map positions. [m]"""

Heading = Callable[[Floats, Floats, Ints], Floats]
"""Likely direction of the front of a class at map positions, nan where nothing suggests one. [rad]"""


def flat(x_m: Floats, y_m: Floats) -> Floats:
    """Ground at height 0 everywhere."""
    return np.zeros(len(x_m))


def no_heading(x_m: Floats, y_m: Floats, object_class: Ints) -> Floats:
    """Nothing is known of directions."""
    return np.full(len(x_m), np.nan)


@dataclass(frozen=True, slots=True)
class Projector:
    """Projects the detections of one camera.

    Attributes
    ----------
    calibration : Calibration
        The camera.
    sensor : int
        Its number.
    height : callable
        Height of the ground.
    heading : callable
        Likely headings; makes the footprint correction right for elongated road users.
    gate : DetectionGate, optional
        Refuses what can be no road user.
    """

    calibration: Calibration
    sensor: int
    height: GroundHeight = flat
    heading: Heading = no_heading
    gate: DetectionGate | None = None

    def scan(self, boxes: Boxes, time_s: float, sequence: int) -> Scan:
        """Detections of one picture as a scan in the map frame.

        Parameters
        ----------
        boxes : Boxes
            Detections; where ``ground_x`` is nan the bottom of the box is used.
        time_s : float
            Instant of the exposure. [s]
        sequence : int
            Number of the frame.
        """
        named = np.asarray(boxes.object_class, np.int64)
        x1, y1, x2, y2 = (np.asarray(edge, np.float64) for edge in (boxes.x1, boxes.y1, boxes.x2, boxes.y2))
        u, v = np.asarray(boxes.ground_x, np.float64).copy(), np.asarray(boxes.ground_y, np.float64).copy()
        by_box = np.isnan(u) | np.isnan(v)
        if by_box.any():
            u[by_box], v[by_box] = ((x1 + x2) / 2.0)[by_box], y2[by_box]
        # each point, and its neighbours to the right and below: downwards, away from the horizon, the derivative always exists
        rays = self.calibration.rays(np.concatenate([u, u + 1.0, u]), np.concatenate([v, v, v + 1.0]))
        z = self._height_under(rays[: len(u)])
        share = np.where(by_box, BOX_SHARE, GROUND_POINT_SHARE)
        size = np.stack([share * (x2 - x1), share * (y2 - y1)])
        own = CENTRE_DEVIATION_M[named] ** 2
        position = self.calibration.position_map
        x, y, xx, xy, yy = placed(rays.reshape(3, -1, 3), position, z, size, self._pixel_variance(), own)
        yaw = self.heading(x, y, named)
        if by_box.any():
            x, y = self._to_centre(x, y, yaw, named, by_box, xx + yy)
        length = np.full(len(named), np.nan)
        free = by_box & np.isfinite(x + yaw) & self._is_whole(x1, y1, x2, y2)
        if free.any():
            self._fit(free, (x1, y1, x2, y2), (x, y, z), (xx, xy, yy), yaw, named, length)
        view = self.calibration.view
        distance = np.hypot(x - view.x_m, y - view.y_m)
        used = np.isfinite(distance) & (distance < view.range_max_m) & np.isfinite(xx + yy)
        if self.gate is not None:
            used &= self.gate.keep(named, (x1, y1, x2, y2), (x, y, z), xx + yy)
        unknown = np.full(int(used.sum()), np.nan)
        return Scan(
            sensor=self.sensor,
            kind=CAMERA,
            time_s=time_s,
            sequence=sequence,
            x_m=x[used],
            y_m=y[used],
            variance_xx=xx[used],
            variance_xy=xy[used],
            variance_yy=yy[used],
            views=(view,),
            object_class=named[used],
            score=np.asarray(boxes.score, np.float64)[used],
            yaw_rad=yaw[used],
            length_m=length[used],
            width_m=unknown,
            range_rate_mps=unknown,
        )

    def _is_whole(self, x1: Floats, y1: Floats, x2: Floats, y2: Floats) -> Booleans:
        """Which boxes no edge of the picture cuts."""
        picture = self.calibration.settings
        inside = (x1 > CUT_PX) & (y1 > CUT_PX)
        return np.asarray(inside & (x2 < picture.width_px - CUT_PX) & (y2 < picture.height_px - CUT_PX))

    def _fit(
        self,
        free: Booleans,
        box: tuple[Floats, Floats, Floats, Floats],
        place: tuple[Floats, Floats, Floats],
        covariance: tuple[Floats, Floats, Floats],
        yaw: Floats,
        named: Ints,
        length: Floats,
    ) -> None:
        """Better places, covariances and lengths, written over the given ones, where a cuboid explains the box."""
        edges = np.column_stack(box)[free]
        size = np.column_stack([edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1]])
        settings = self.calibration.settings
        pose = settings.angle_deviation_rad * self.calibration.focal_y_px
        deviation = np.sqrt(settings.pixel_deviation_px**2 + pose**2 + (BOX_SHARE * np.tile(size, 2)) ** 2)
        found = fit(self.calibration, edges, deviation, np.column_stack(place)[free], yaw[free], named[free])
        rows = np.flatnonzero(free)[found.is_fitted]
        own = FITTED_DEVIATION_M[named[rows]] ** 2
        x, y, _ = place
        xx, xy, yy = covariance
        x[rows], y[rows] = found.x_m[found.is_fitted], found.y_m[found.is_fitted]
        xx[rows] = found.variance_xx[found.is_fitted] + own
        xy[rows] = found.variance_xy[found.is_fitted]
        yy[rows] = found.variance_yy[found.is_fitted] + own
        length[rows] = found.length_m[found.is_fitted]

    def _height_under(self, rays: Floats) -> Floats:
        """Height of the ground where rays meet it, not one plane: two steps are exact to a centimetre on roads."""
        z = np.zeros(len(rays))
        for _ in range(2):
            x, y = met_ground(rays, self.calibration.position_map, z)
            known = np.isfinite(x)
            z[known] = self.height(x[known], y[known])
        return z

    def _pixel_variance(self) -> Floats:
        """Variance of a pixel's column and row by noise and by the mounting's angles, (2,). [px^2]"""
        settings = self.calibration.settings
        focal_px = np.array([self.calibration.focal_x_px, self.calibration.focal_y_px])
        return settings.pixel_deviation_px**2 + (settings.angle_deviation_rad * focal_px) ** 2

    def _to_centre(
        self, x: Floats, y: Floats, yaw: Floats, named: Ints, by_box: Booleans, variance: Floats
    ) -> tuple[Floats, Floats]:
        """The bottom of a box is the near end of the footprint: move to its middle.

        The correction fades where its own size is below the expected error, since beyond some distance it does harm.
        """
        dx, dy = x - self.calibration.settings.x_m, y - self.calibration.settings.y_m
        distance = np.maximum(np.hypot(dx, dy), 1e-6)
        ux, uy = dx / distance, dy / distance
        cos = np.abs(np.cos(yaw) * ux + np.sin(yaw) * uy)
        cos = np.where(np.isnan(cos), np.sqrt(0.5), cos)
        sin = np.sqrt(np.maximum(1.0 - cos * cos, 0.0))
        half = 0.5 * (cos * classes.LENGTH_M[named] + sin * classes.WIDTH_M[named])
        shift = np.where(by_box, half * half * half / (half * half + 0.25 * variance), 0.0)
        return x + ux * shift, y + uy * shift
