"""Reference lines of OpenDRIVE roads: line, arc, spiral, poly3, paramPoly3, and the cubic profiles along them.

After ASAM OpenDRIVE 1.8.1, chapter 9 "Geometry". Everything is evaluated for many ``s`` at once. The parameter of poly3 and
paramPoly3 is not arc length; ``s`` is, so the parameter of each ``s`` is found by inverting the curve's length, scaled so
that the record's stated length reaches the end of its parameter range.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lukou_maps.ragged import Floats, Ints

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
"""Gauss-Legendre rule: exact to 1e-14 m on panels that turn by up to 1.5 rad."""

PANEL_RAD = 1.5
"""Largest turn of one panel of the rule. [rad]"""

KNOTS = 33
"""Points of the table of lengths of a cubic curve."""


@dataclass(frozen=True)
class Cubics:
    """A function of s by pieces: ``a + b ds + c ds² + d ds³`` from each start on.

    Attributes
    ----------
    start : (n,) float array
        Starts, ascending. [m]
    coefficients : (n, 4) float array
        a, b, c, d.
    """

    start: Floats = field(default_factory=lambda: np.zeros(0))
    coefficients: Floats = field(default_factory=lambda: np.zeros((0, 4)))

    @classmethod
    def of(cls, rows: list[tuple[float, float, float, float, float]]) -> Cubics:
        """From rows (start, a, b, c, d); of several that start together the last counts."""
        if not rows:
            return cls()
        table = np.array(sorted(rows, key=lambda row: row[0]), np.float64)
        last = np.append(np.diff(table[:, 0]) > 0, True)
        return cls(table[last, 0], table[last, 1:])

    def __call__(self, s_m: Floats) -> Floats:
        """Value at s; 0 where there are no records."""
        if len(self.start) == 0:
            return np.zeros(len(s_m))
        row, ds = self._locate(s_m)
        a, b, c, d = self.coefficients[row].T
        return np.asarray(a + ds * (b + ds * (c + ds * d)))

    def slope(self, s_m: Floats) -> Floats:
        """Derivative at s."""
        if len(self.start) == 0:
            return np.zeros(len(s_m))
        row, ds = self._locate(s_m)
        _, b, c, d = self.coefficients[row].T
        return np.asarray(b + ds * (2.0 * c + ds * 3.0 * d))

    def _locate(self, s_m: Floats) -> tuple[Ints, Floats]:
        row = np.maximum(np.searchsorted(self.start, s_m, side="right") - 1, 0)
        return row, s_m - self.start[row]


class Curve(Protocol):
    """A piece of reference line in its own frame: it starts at the origin along x."""

    def local(self, ds: Floats) -> tuple[Floats, Floats, Floats]:
        """Position and direction at arc lengths. [m, m, rad]"""


@dataclass(frozen=True)
class Spiral:
    """Line, arc or clothoid: curvature changes linearly with arc length.

    Attributes
    ----------
    curvature, change : float
        Curvature at the start, and its change per metre. [1/m, 1/m2]
    """

    curvature: float = 0.0
    change: float = 0.0

    def local(self, ds: Floats) -> tuple[Floats, Floats, Floats]:
        """Position and direction by quadrature of the direction."""
        turn = ds * (self.curvature + 0.5 * self.change * ds)
        if self.curvature == 0.0 and self.change == 0.0:
            return ds, np.zeros(len(ds)), turn
        if self.change == 0.0:
            return np.sin(turn) / self.curvature, 2.0 * np.sin(0.5 * turn) ** 2 / self.curvature, turn
        if len(ds) == 0:
            return ds, ds, turn
        sharpest = abs(self.curvature) + abs(self.change) * float(np.abs(ds).max())
        panels = max(1, min(512, int(np.ceil(sharpest * float(np.abs(ds).max()) / PANEL_RAD))))
        # every arc length is cut into the same number of panels
        place = (np.arange(panels)[:, None] + 0.5 * (NODES + 1.0)).ravel() / panels
        at = ds[:, None] * place
        angle = at * (self.curvature + 0.5 * self.change * at)
        weight = np.tile(0.5 * WEIGHTS / panels, panels)
        return ds * (np.cos(angle) @ weight), ds * (np.sin(angle) @ weight), turn


@dataclass(frozen=True)
class CubicCurve:
    """poly3 (``u = p``) and paramPoly3.

    Attributes
    ----------
    u, v : (4,) float array
        Coefficients of ``u(p)`` and ``v(p)``.
    most : float
        Largest parameter.
    length : float
        Stated length of the record. [m]
    """

    u: Floats
    v: Floats
    most: float
    length: float

    def local(self, ds: Floats) -> tuple[Floats, Floats, Floats]:
        """Position and direction at arc lengths."""
        p = self._parameter(ds)
        du, dv = _slope(self.u, p), _slope(self.v, p)
        return _value(self.u, p), _value(self.v, p), np.arctan2(dv, du)

    def _speed(self, p: Floats) -> Floats:
        return np.asarray(np.hypot(_slope(self.u, p), _slope(self.v, p)))

    def _parameter(self, ds: Floats) -> Floats:
        knots = np.linspace(0.0, self.most, KNOTS)
        step = self.most / (KNOTS - 1)
        inner = knots[:-1, None] + step * 0.5 * (NODES + 1.0)
        table = np.append(0.0, np.cumsum(self._speed(inner) @ WEIGHTS * 0.5 * step))
        if not np.isfinite(table[-1]) or table[-1] <= 0.0:
            return np.asarray(ds / max(self.length, 1e-9) * self.most)
        wanted = ds * (table[-1] / self.length)
        knot = np.clip(np.searchsorted(table, wanted, side="right") - 1, 0, KNOTS - 2)
        p = knots[knot] + (wanted - table[knot]) / np.maximum(table[knot + 1] - table[knot], 1e-12) * step
        for _ in range(4):
            rest = p - knots[knot]
            at = knots[knot][:, None] + rest[:, None] * 0.5 * (NODES + 1.0)
            reached = table[knot] + self._speed(at) @ WEIGHTS * 0.5 * rest
            p = p - (reached - wanted) / np.maximum(self._speed(p), 1e-9)
        return np.asarray(p)


def _value(k: Floats, p: Floats) -> Floats:
    return np.asarray(k[0] + p * (k[1] + p * (k[2] + p * k[3])))


def _slope(k: Floats, p: Floats) -> Floats:
    return np.asarray(k[1] + p * (2.0 * k[2] + p * 3.0 * k[3]))


@dataclass(frozen=True)
class Piece:
    """One geometry record.

    Attributes
    ----------
    s_m, x_m, y_m, heading_rad, length_m : float
        Start on the road, position and direction there, length. [m, m, m, rad, m]
    curve : Curve
        Shape.
    """

    s_m: float
    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    curve: Curve


@dataclass(frozen=True)
class PlanView:
    """Reference line of a road.

    Attributes
    ----------
    pieces : tuple of Piece
        Records in order of s; at least one.
    """

    pieces: tuple[Piece, ...]

    def pose(self, s_m: Floats) -> tuple[Floats, Floats, Floats]:
        """Position and direction at s; beyond both ends along the first or last curve.

        Parameters
        ----------
        s_m : (n,) float array
            Arc lengths. [m]

        Returns
        -------
        x_m, y_m, heading_rad : (n,) float array
            Position and direction. [m, m, rad]
        """
        starts = np.array([piece.s_m for piece in self.pieces])
        which = np.maximum(np.searchsorted(starts, s_m, side="right") - 1, 0)
        x, y, heading = np.empty(len(s_m)), np.empty(len(s_m)), np.empty(len(s_m))
        for number in np.unique(which):
            piece = self.pieces[number]
            here = which == number
            u, v, turn = piece.curve.local(s_m[here] - piece.s_m)
            cos, sin = np.cos(piece.heading_rad), np.sin(piece.heading_rad)
            x[here], y[here] = piece.x_m + u * cos - v * sin, piece.y_m + u * sin + v * cos
            heading[here] = piece.heading_rad + turn
        return x, y, heading
