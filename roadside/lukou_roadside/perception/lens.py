"""Lenses: from directions to their distorted picture coordinates and back.

Coordinates are those of a camera with focal length 1: x right, y down, both over the distance along the optical axis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from lukou_roadside.perception.tracking.scan import Floats

LensKind = Literal["radial_tangential", "fisheye"]

NEWTON_STEPS = 3
"""Steps that take the rest of the distortion out; they square an error that the table has made small."""

STEP = 1e-6
"""Step of the numerical derivative. (focal lengths)"""

TOLERANCE = 1e-6
"""A point whose distortion could not be taken out to within this much lies outside of what the lens shows. (focal lengths)"""

WIDEST_RAD = 1.5
"""Rays farther from the optical axis are behind the picture plane or nearly so. [rad]"""

NUMBERS = {"radial_tangential": (0, 4, 5, 8), "fisheye": (0, 4)}
"""How many coefficients each kind of lens may have."""


@dataclass(frozen=True)
class Lens:
    """One lens.

    Attributes
    ----------
    kind : str
        ``radial_tangential``: D. Brown, "Close-Range Camera Calibration" (1971), with OpenCV's order k1, k2, p1, p2[, k3[, k4, k5, k6]], the
        last three dividing (rational model). ``fisheye``: J. Kannala, S. Brandt, "A Generic Camera Model and Calibration Method for
        Conventional, Wide-Angle, and Fish-Eye Lenses" (2006), k1 to k4 on odd powers of the angle.
    coefficients : tuple of float
        Empty or all zero: an ideal lens (for ``fisheye`` zero means equidistant, which is not a pinhole).
    """

    kind: LensKind = "radial_tangential"
    coefficients: tuple[float, ...] = ()

    @cached_property
    def is_ideal(self) -> bool:
        """True where straight lines stay straight."""
        return self.kind == "radial_tangential" and not any(self.coefficients)

    @cached_property
    def largest_radius(self) -> float:
        """Distance from the axis beyond which the polynomial folds back and would show what the lens cannot see."""
        if self.kind == "fisheye":
            return math.tan(WIDEST_RAD)
        radius = np.linspace(0.0, 10.0, 4001)
        grows = np.diff(radius * self._radial(radius * radius)) > 0.0
        return float(radius[int(np.argmin(grows))]) if not grows.all() else 10.0

    def distorted(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Picture coordinates of directions; nan outside of what the lens can show."""
        if self.is_ideal:
            return x, y
        r2 = x * x + y * y
        inside = r2 <= self.largest_radius**2
        if self.kind == "fisheye":
            scale = self._fisheye(np.sqrt(r2))
            return np.where(inside, x * scale, np.nan), np.where(inside, y * scale, np.nan)
        p1, p2 = self.coefficients[2:4]
        radial = self._radial(r2)
        moved_x = x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
        moved_y = y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
        return np.where(inside, moved_x, np.nan), np.where(inside, moved_y, np.nan)

    def undistorted(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Directions of picture coordinates: a table along the radius, then Newton's method; nan where the lens shows nothing."""
        if self.is_ideal:
            return x, y
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        radius = np.hypot(x, y)
        plain, bent = self._table
        scale = np.interp(radius, bent, plain) / np.maximum(radius, 1e-12)
        scale = np.where(radius > 1e-9, scale, 1.0)
        guess_x, guess_y = x * scale, y * scale
        for _ in range(NEWTON_STEPS):
            told_x, told_y = self.distorted(guess_x, guess_y)
            east_x, east_y = self.distorted(guess_x + STEP, guess_y)
            south_x, south_y = self.distorted(guess_x, guess_y + STEP)
            a, b = (east_x - told_x) / STEP, (south_x - told_x) / STEP
            c, d = (east_y - told_y) / STEP, (south_y - told_y) / STEP
            determinant = a * d - b * c
            determinant = np.where(np.abs(determinant) > 1e-6, determinant, np.nan)
            off_x, off_y = x - told_x, y - told_y
            guess_x = guess_x + (d * off_x - b * off_y) / determinant
            guess_y = guess_y + (a * off_y - c * off_x) / determinant
        told_x, told_y = self.distorted(guess_x, guess_y)
        good = np.hypot(told_x - x, told_y - y) < TOLERANCE
        return np.where(good, guess_x, np.nan), np.where(good, guess_y, np.nan)

    @cached_property
    def _table(self) -> tuple[Floats, Floats]:
        """Radius before and after distortion, both growing."""
        if self.kind == "fisheye":
            angle = np.linspace(0.0, WIDEST_RAD, 2001)
            plain, bent = np.tan(angle), self._bent(angle)
        else:
            plain = np.linspace(0.0, self.largest_radius, 2001)
            bent = plain * self._radial(plain * plain)
        return plain, np.maximum.accumulate(bent)

    def _radial(self, r2: Floats) -> Floats:
        k1, k2, _, _, k3, k4, k5, k6 = (*self.coefficients, *(0.0,) * (8 - len(self.coefficients)))
        return np.asarray((1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1.0 + r2 * (k4 + r2 * (k5 + r2 * k6))))

    def _fisheye(self, radius: Floats) -> Floats:
        """Distorted over undistorted radius."""
        theta = np.arctan(radius)
        return np.asarray(np.where(radius > 1e-9, self._bent(theta) / np.maximum(radius, 1e-9), 1.0))

    def _bent(self, theta: Floats) -> Floats:
        k1, k2, k3, k4 = self.coefficients or (0.0,) * 4
        t2 = theta * theta
        return np.asarray(theta * (1.0 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))))
