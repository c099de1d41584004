"""What one sensor saw at one instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

CAMERA, RADAR = 0, 1


@dataclass(frozen=True, slots=True)
class View:
    """The part of the plane that a sensor watches.

    Attributes
    ----------
    x_m, y_m : float
        Position of the sensor. [m]
    azimuth_rad, opening_rad : float
        Middle direction and full opening angle. [rad]
    range_min_m, range_max_m : float
        Nearest and farthest distance. [m]
    """

    x_m: float
    y_m: float
    azimuth_rad: float = 0.0
    opening_rad: float = 2.0 * np.pi
    range_min_m: float = 0.0
    range_max_m: float = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Detections of one sensor at one instant, in the map frame.

    Attributes
    ----------
    sensor : int
        Number of the sensor, 0 to 31.
    kind : int
        `CAMERA` (positions of whole road users, with class) or `RADAR` (single returns, with range rate).
    time_s : float
        Instant of measurement. [s]
    sequence : int
        Number of the scan of this sensor.
    x_m, y_m : (n,) float array
        Position. [m]
    variance_xx, variance_xy, variance_yy : (n,) float array
        Covariance of the position. [m^2]
    views : tuple of View
        What the scan covered; empty: everything.
    object_class : (n,) int array
        `lukou.v1.ObjectClass`; 0: not told.
    score : (n,) float array
        Confidence of the detector, 0 to 1.
    yaw_rad, length_m, width_m : (n,) float array
        Direction and size; nan: not told. [rad, m, m]
    range_rate_mps : (n,) float array
        Rate of change of the distance from the (single) view's position; nan: not told. [m/s]
    """

    sensor: int
    kind: int
    time_s: float
    sequence: int
    x_m: Floats
    y_m: Floats
    variance_xx: Floats
    variance_xy: Floats
    variance_yy: Floats
    views: tuple[View, ...]
    object_class: Ints
    score: Floats
    yaw_rad: Floats
    length_m: Floats
    width_m: Floats
    range_rate_mps: Floats

    def __len__(self) -> int:
        return len(self.x_m)

    def moved(self, time_s: float, x_m: Floats, y_m: Floats, wider: float = 1.0) -> Scan:
        """The same detections at another time and other positions, their covariances times a factor."""
        return Scan(
            self.sensor,
            self.kind,
            time_s,
            self.sequence,
            x_m,
            y_m,
            self.variance_xx * wider,
            self.variance_xy * wider,
            self.variance_yy * wider,
            self.views,
            self.object_class,
            self.score,
            self.yaw_rad,
            self.length_m,
            self.width_m,
            self.range_rate_mps,
        )
