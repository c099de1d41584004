"""How far each sensor's clock and direction are off, and whether it sees what it should, told from what all of them see together.

Two sensors that watch the same road users disagree in a way that depends on the cause: a clock that is off moves every
detection along the road user's velocity, a mounting that has turned moves it across the line of sight, in proportion to the
distance. So both are states of a small Kalman filter per sensor, fed with the innovations of its associated detections (Y.
Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 5.2; the method is
relative sensor registration, S. Blackman, R. Popoli, "Design and Analysis of Modern Tracking Systems" (1999), section 10.6).
Only road users that another sensor has just seen count, so a sensor is never compared with itself alone. What all sensors
share cannot be seen: the prior pulls towards nothing being wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.scan import Floats, Scan
from lukou_roadside.perception.tracking.tracker import Comparison
from lukou_roadside.perception.tracking.tracks import VX, VY, Tracks, X, Y

PRIOR_DEVIATION = np.array([0.05, 0.01])
"""Standard deviation of clock and direction before anything is known. [s, rad]"""

DRIFT_PER_S = np.array([0.001, 0.0002])
"""Standard deviation of their change in a second. [s, rad]"""

CORRELATION = 25.0
"""Factor on the variance of an innovation: those of one road user in neighbouring scans share most of their error."""

OTHERS_SEEN_S = 0.35
"""Another sensor's detection of a road user is recent up to this age. [s]"""

EXPECTED_PROBABILITY = 0.75
"""Who is to be detected with less is no test of a sensor."""

NEAR_M = 60.0
"""Farther road users are no test of a sensor. [m]"""

CLOCK_DOUBT_S, AZIMUTH_DOUBT_RAD = 0.1, 0.0175
"""A sensor that is off by more is said to be, though it is corrected for. [s, rad (1 degree)]"""

FOUND_DOUBT = 0.4
"""A sensor that finds a smaller share of what it should see is said to be all but blind."""

MEMORY = 150.0
"""Expected detections over which the share of those made is averaged."""

LEAST_EXPECTED = 60.0
"""Expected detections before the share means something."""


class Matches(NamedTuple):
    """What one scan says of its sensor; rows are detections of road users that another sensor has just seen.

    Attributes
    ----------
    x_m, y_m, velocity_x_mps, velocity_y_mps : (n,) float array
        Expected position and velocity. [m, m/s]
    dx_m, dy_m : (n,) float array
        Detected less expected position. [m]
    s_xx, s_xy, s_yy : (n,) float array
        Covariance of the difference. [m^2]
    expected, found : int
        Road users that the sensor should have seen, and of them those that it saw.
    """

    x_m: Floats
    y_m: Floats
    velocity_x_mps: Floats
    velocity_y_mps: Floats
    dx_m: Floats
    dy_m: Floats
    s_xx: Floats
    s_xy: Floats
    s_yy: Floats
    expected: int
    found: int


class Offsets(NamedTuple):
    """What is believed of one sensor.

    Attributes
    ----------
    clock_s : float
        Its stamps are late by this much. [s]
    azimuth_rad : float
        Its directions are too far counter-clockwise by this much. [rad]
    clock_deviation_s, azimuth_deviation_rad : float
        Standard deviations. [s, rad]
    found_share : float
        Share of the expected detections that it made; nan while too few were expected.
    """

    clock_s: float
    azimuth_rad: float
    clock_deviation_s: float
    azimuth_deviation_rad: float
    found_share: float


def matches(before: Tracks, scan: Scan, compared: Comparison) -> Matches:
    """Collect what a scan says of its sensor.

    Parameters
    ----------
    before : Tracks
        Before the scan was worked in, at or before its time.
    scan : Scan
        The scan; has one view.
    compared : Comparison
        What came of it.
    """
    values, view = before.values, scan.views[0]
    seen = before.sensor_seen_s > scan.time_s - OTHERS_SEEN_S
    seen[scan.sensor : scan.sensor + 1] = False
    known = before.is_confirmed & seen.any(axis=0)
    x, y = values[X : Y + 1] + (scan.time_s - before.time_s) * values[VX : VY + 1]
    near = np.hypot(x - view.x_m, y - view.y_m) < NEAR_M
    expected = known & near & (compared.probability > EXPECTED_PROBABILITY)
    chosen = known[compared.rows]
    rows = compared.rows[chosen]
    dx, dy, s_xx, s_xy, s_yy = (part[chosen] for part in compared.innovations)
    counts = int(np.count_nonzero(expected)), int(np.count_nonzero(expected[rows]))
    return Matches(x[rows], y[rows], values[VX, rows], values[VY, rows], dx, dy, s_xx, s_xy, s_yy, *counts)


@dataclass
class _Belief:
    mean: Floats = field(default_factory=lambda: np.zeros(2))
    covariance: Floats = field(default_factory=lambda: np.diag(PRIOR_DEVIATION**2))
    time_s: float = -np.inf
    expected: float = 0.0
    found: float = 0.0


@dataclass
class Registration:
    """Beliefs on all sensors of a site."""

    _of: dict[int, _Belief] = field(default_factory=dict)

    def add(self, scan: Scan, told: Matches) -> None:
        """Learn from a scan that was corrected by `corrected` and has been worked in for good."""
        belief = self._of.setdefault(scan.sensor, _Belief())
        if told.expected:
            keep = max(0.0, 1.0 - told.expected / MEMORY)
            belief.expected = keep * belief.expected + told.expected
            belief.found = keep * belief.found + told.found
        passed_s = 0.0 if belief.time_s == -np.inf else max(0.0, scan.time_s - belief.time_s)
        belief.time_s = max(belief.time_s, scan.time_s)
        # the drift's variance, and a pull back towards the prior that keeps the whole bounded
        fade = np.exp(-passed_s * (DRIFT_PER_S / PRIOR_DEVIATION) ** 2 / 2)
        belief.mean = belief.mean * fade
        belief.covariance = belief.covariance * np.outer(fade, fade) + np.diag(DRIFT_PER_S**2 * passed_s)
        if len(told.dx_m):
            _update(belief, scan, told)

    def forget(self, sensor: int) -> None:
        """Begin afresh with a sensor whose mounting is now used differently."""
        self._of.pop(sensor, None)

    def of(self, sensor: int) -> Offsets:
        """What is believed of one sensor."""
        belief = self._of.get(sensor, _Belief())
        deviation = np.sqrt(np.diag(belief.covariance))
        share = belief.found / belief.expected if belief.expected >= LEAST_EXPECTED else float("nan")
        clock_s, azimuth_rad = self._offsets(belief)
        return Offsets(clock_s, azimuth_rad, float(deviation[0]), float(deviation[1]), share)

    def corrected(self, scan: Scan) -> Scan:
        """The scan as it would be with a right clock and mounting, as far as known."""
        belief = self._of.get(scan.sensor)
        if belief is None or len(scan.views) != 1:
            return scan
        clock_s, azimuth_rad = self._offsets(belief)
        view = scan.views[0]
        cos, sin = np.cos(azimuth_rad), np.sin(azimuth_rad)
        dx, dy = scan.x_m - view.x_m, scan.y_m - view.y_m
        x_m, y_m = view.x_m + cos * dx + sin * dy, view.y_m - sin * dx + cos * dy
        # who is far off is corrected, but no longer trusted as much
        wider = 1.0 + (clock_s / CLOCK_DOUBT_S) ** 2 + (azimuth_rad / AZIMUTH_DOUBT_RAD) ** 2
        return scan.moved(scan.time_s - clock_s, x_m, y_m, wider)

    def _offsets(self, belief: _Belief) -> tuple[float, float]:
        """Clock and direction; clocks only differ, so the middle one of the site is taken to be right. [s, rad]"""
        known = [one.mean[0] for one in self._of.values() if one.covariance[0, 0] < (0.5 * PRIOR_DEVIATION[0]) ** 2]
        middle = float(median(known)) if known else 0.0
        return float(belief.mean[0]) - middle, float(belief.mean[1])

    def doubt(self, sensor: int) -> str:
        """What is wrong with a sensor, in words; empty where nothing is."""
        told = self.of(sensor)
        words = []
        if abs(told.clock_s) > CLOCK_DOUBT_S:
            words.append(f"clock {'late' if told.clock_s > 0 else 'early'} by {abs(told.clock_s):.2f} s")
        if abs(told.azimuth_rad) > AZIMUTH_DOUBT_RAD:
            words.append(f"turned by {np.degrees(told.azimuth_rad):+.1f} degrees")
        if told.found_share < FOUND_DOUBT:
            words.append(f"sees {told.found_share:.0%} of what the others see")
        return " and ".join(words)


def _update(belief: _Belief, scan: Scan, told: Matches) -> None:
    """Information update by all innovations of a scan at once."""
    view = scan.views[0]
    # stamps late by c: the position belongs to c earlier, so it lies behind by velocity times c
    by_clock = -told.velocity_x_mps, -told.velocity_y_mps
    by_azimuth = -(told.y_m - view.y_m), told.x_m - view.x_m
    determinant = np.maximum(told.s_xx * told.s_yy - told.s_xy**2, 1e-9) * CORRELATION
    i_xx, i_xy, i_yy = told.s_yy / determinant, -told.s_xy / determinant, told.s_xx / determinant
    (ax, ay), (bx, by) = by_clock, by_azimuth
    wx, wy, zx, zy = ax * i_xx + ay * i_xy, ax * i_xy + ay * i_yy, bx * i_xx + by * i_xy, bx * i_xy + by * i_yy
    (p_aa, p_ab), (_, p_bb) = belief.covariance.tolist()
    size = p_aa * p_bb - p_ab * p_ab
    aa, ab, bb = p_bb / size + float(wx @ ax + wy @ ay), -p_ab / size + float(wx @ bx + wy @ by), p_aa / size
    bb += float(zx @ bx + zy @ by)
    size = aa * bb - ab * ab
    belief.covariance = np.array([[bb, -ab], [-ab, aa]]) / size
    gained = float(wx @ told.dx_m + wy @ told.dy_m), float(zx @ told.dx_m + zy @ told.dy_m)
    belief.mean = belief.mean + belief.covariance @ gained
