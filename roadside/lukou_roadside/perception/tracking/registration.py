"""How far each sensor's clock and direction are off, and whether it sees what it should, told from what all of them see together.

Two sensors that watch the same road users disagree in a way that depends on the cause: a clock that is off moves every
detection along the road user's velocity, a mounting that has turned moves it across the line of sight, in proportion to the
distance, and one that stands elsewhere moves all alike. So these are states of a small Kalman filter per sensor, fed with the innovations of its associated detections (Y.
Bar-Shalom, X. Li, T. Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), section 5.2; the method is
relative sensor registration, S. Blackman, R. Popoli, "Design and Analysis of Modern Tracking Systems" (1999), section 10.6).
Only road users that another sensor has just seen count, so a sensor is never compared with itself alone. What all sensors
share cannot be seen: the prior pulls towards nothing being wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Ints, Scan
from lukou_roadside.perception.tracking.spread import LearnedSpread
from lukou_roadside.perception.tracking.tracker import Comparison
from lukou_roadside.perception.tracking.tracks import P_XX, P_XY, P_YY, VX, VY, Tracks, X, Y

PRIOR_DEVIATION = np.array([0.05, 0.01, 0.15, 0.15])
"""Standard deviation of clock, direction and place (x, y) before anything is known. [s, rad, m, m]"""

DRIFT_PER_S = np.array([0.001, 0.0002, 0.005, 0.005])
"""Standard deviation of their change in a second. [s, rad, m, m]"""

PLACE_PRIOR = 2.0
"""The prior deviation of places counts like so many sensors when the site's own is estimated."""

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

STEP_DEVIATION = np.array([0.2, 0.035])
"""Standard deviation of clock and direction once a step in them was noticed: whoever set them anew may be off by so much. [s, rad]"""

STEP_CORRELATION = 10.0
"""Factor on the variance of an innovation when a step is looked for: a filter forgets within some scans."""

STEP_MEMORY_S = 3.0
"""A step is looked for in the innovations of about so long. [s]"""

STEP_TEST = 20.0
"""Twice the logarithm of the likelihood ratio above which a step is believed; chance reaches it once in 100,000 independent looks."""

ASTRAY_SHARE, ASTRAY_M = 1.0, 5.0
"""Where a camera finds a smaller share of what it should, its nearest detections are compared, too, up to this distance. [1, m]"""

FOUND_DOUBT = 0.4
"""A sensor that finds a smaller share of what it should see is said to be all but blind."""

MEMORY = 150.0
"""Expected detections over which the share of those made is averaged."""

LEAST_EXPECTED = 60.0
"""Expected detections before the share means something."""


MOST_APPLIED = 2000
"""Corrections kept until their scans are learned from; those of scans that came too late are never asked for."""


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
    detections : (n,) int array
        Their rows in the scan.
    expected, found : int
        Road users that the sensor should have seen, and of them those that it saw.
    gated : int
        So many of the rows, the first ones, lie within the gates of association.
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
    detections: Ints
    expected: int
    found: int
    gated: int


class Offsets(NamedTuple):
    """What is believed of one sensor.

    Attributes
    ----------
    clock_s : float
        Its stamps are late by this much. [s]
    azimuth_rad : float
        Its directions are too far counter-clockwise by this much. [rad]
    x_m, y_m : float
        Its positions are off by this much. [m]
    clock_deviation_s, azimuth_deviation_rad : float
        Standard deviations. [s, rad]
    found_share : float
        Share of the expected detections that it made; nan while too few were expected.
    """

    clock_s: float
    azimuth_rad: float
    x_m: float
    y_m: float
    clock_deviation_s: float
    azimuth_deviation_rad: float
    found_share: float


def matches(before: Tracks, scan: Scan, compared: Comparison, no_judges: Collection[int] = ()) -> Matches:
    """Collect what a scan says of its sensor.

    Parameters
    ----------
    before : Tracks
        Before the scan was worked in, at or before its time.
    scan : Scan
        The scan; has one view.
    compared : Comparison
        What came of it.
    no_judges : collection of int
        Sensors whose having seen a road user does not count.
    """
    values, view = before.values, scan.views[0]
    seen = before.sensor_seen_s > scan.time_s - OTHERS_SEEN_S
    seen[[one for one in (scan.sensor, *no_judges) if one < len(seen)]] = False
    known = before.is_confirmed & seen.any(axis=0)
    x, y = values[X : Y + 1] + (scan.time_s - before.time_s) * values[VX : VY + 1]
    near = np.hypot(x - view.x_m, y - view.y_m) < NEAR_M
    expected = known & near & (compared.probability > EXPECTED_PROBABILITY)
    pairs = compared.pairs.take(known[compared.pairs.rows])
    rows, detections, innovations, gated = pairs.rows, pairs.detections, pairs.innovations, len(pairs.rows)
    counts = int(np.count_nonzero(expected)), int(np.count_nonzero(expected[rows]))
    if scan.kind == CAMERA and counts[1] < ASTRAY_SHARE * counts[0]:
        expected[rows] = False
        astray, free = _astray(x, y, expected.nonzero()[0], scan, np.delete(np.arange(len(scan)), detections))
        more = [scan.x_m[free] - x[astray], scan.y_m[free] - y[astray]]
        more += [values[P_XX, astray] + scan.variance_xx[free], values[P_XY, astray] + scan.variance_xy[free]]
        innovations = np.concatenate([innovations, [*more, values[P_YY, astray] + scan.variance_yy[free]]], axis=1)
        rows, detections = np.concatenate([rows, astray]), np.concatenate([detections, free])
    dx, dy, s_xx, s_xy, s_yy = innovations
    return Matches(
        x[rows], y[rows], values[VX, rows], values[VY, rows], dx, dy, s_xx, s_xy, s_yy, detections, *counts, gated
    )


def _astray(x: Floats, y: Floats, rows: Ints, scan: Scan, free: Ints) -> tuple[Ints, Ints]:
    """Road users that a camera should have seen, and detections that are nearest to them and they to it.

    A sensor that is far off has none of its detections inside the gates, so nothing would ever say how far.
    """
    if not len(rows) or not len(free):
        return rows[:0], free[:0]
    distance = np.hypot(scan.x_m[free] - x[rows][:, None], scan.y_m[free] - y[rows][:, None])
    nearest = distance.argmin(axis=1)
    each = np.arange(len(rows))
    mutual = (distance.argmin(axis=0)[nearest] == each) & (distance[each, nearest] < ASTRAY_M)
    return rows[mutual], free[nearest[mutual]]


@dataclass
class _Belief:
    spread: LearnedSpread = field(default_factory=LearnedSpread)
    mean: Floats = field(default_factory=lambda: np.zeros(4))
    covariance: Floats = field(default_factory=lambda: np.diag(PRIOR_DEVIATION**2))
    time_s: float = -np.inf
    expected: float = 0.0
    found: float = 0.0
    score: Floats = field(default_factory=lambda: np.zeros(2))
    information: Floats = field(default_factory=lambda: np.zeros(2))


@dataclass
class Registration:
    """Beliefs on all sensors of a site."""

    _of: dict[int, _Belief] = field(default_factory=dict)
    no_judges: set[int] = field(default_factory=set)
    """Sensors that tell tracks without covariances: their errors last for seconds, and others are not corrected by them."""
    _applied: dict[tuple[int, int], Floats] = field(default_factory=dict)

    def add(self, scan: Scan, told: Matches) -> None:
        """Learn from a scan that was corrected by `corrected` and has been worked in for good."""
        belief = self._of.setdefault(scan.sensor, _Belief())
        if scan.age_s is not None:
            self.no_judges.add(scan.sensor)
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
        belief.score, belief.information = (
            part * np.exp(-passed_s / STEP_MEMORY_S) for part in (belief.score, belief.information)
        )
        applied = self._applied.pop((scan.sensor, scan.sequence), belief.mean)
        if len(told.dx_m):
            _update(belief, scan, told, applied)
            if scan.age_s is not None:
                belief.spread.add(_distance(scan)[told.detections], scan.age_s[told.detections], told.dx_m, told.dy_m)

    def forget(self, sensor: int) -> None:
        """Begin afresh with a sensor whose mounting is now used differently."""
        self._of.pop(sensor, None)
        self.no_judges.discard(sensor)

    def of(self, sensor: int) -> Offsets:
        """What is believed of one sensor."""
        belief = self._of.get(sensor, _Belief())
        deviation = np.sqrt(np.diag(belief.covariance))
        share = belief.found / belief.expected if belief.expected >= LEAST_EXPECTED else float("nan")
        clock_s, azimuth_rad, x_m, y_m = self._offsets(belief)
        return Offsets(clock_s, azimuth_rad, x_m, y_m, float(deviation[0]), float(deviation[1]), share)

    def place_variance(self) -> float:
        """Variance of one sensor's unknown error of place, common to all that it sees: from how far sensors are apart. [m^2]

        It is learned for the whole site: what sensors differ by shows how far each may be off, and the mean of a few
        of them keeps its share of that, which no comparison among them can show. 0 where there is nothing to compare.
        """
        if not self._of:
            return 0.0
        apart = [one.mean[2] ** 2 + one.mean[3] ** 2 for one in self._of.values()]
        prior = float(PRIOR_DEVIATION[2] ** 2)
        return float((PLACE_PRIOR * prior + sum(apart) / 2.0) / (PLACE_PRIOR + len(apart)))

    def corrected(self, scan: Scan) -> Scan:
        """The scan as it would be with a right clock and mounting, as far as known."""
        if len(scan.views) != 1:
            return scan
        belief = self._of.get(scan.sensor)
        self._applied[scan.sensor, scan.sequence] = belief.mean if belief is not None else np.zeros(4)
        while len(self._applied) > MOST_APPLIED:
            del self._applied[next(iter(self._applied))]
        if belief is None:
            return scan
        learned = 1.0 if scan.age_s is None else belief.spread.variance(_distance(scan), scan.age_s)
        clock_s, azimuth_rad, off_x_m, off_y_m = self._offsets(belief)
        view = scan.views[0]
        cos, sin = np.cos(azimuth_rad), np.sin(azimuth_rad)
        dx, dy = scan.x_m - off_x_m - view.x_m, scan.y_m - off_y_m - view.y_m
        x_m, y_m = view.x_m + cos * dx + sin * dy, view.y_m - sin * dx + cos * dy
        # who is far off is corrected, but no longer trusted as much; nor is who may be
        clock_variance, azimuth_variance = belief.covariance[0, 0], belief.covariance[1, 1]
        wider = 1.0 + (clock_s**2 + clock_variance) / CLOCK_DOUBT_S**2
        wider += (azimuth_rad**2 + azimuth_variance) / AZIMUTH_DOUBT_RAD**2
        return scan.moved(scan.time_s - clock_s, x_m, y_m, wider * learned)

    def _offsets(self, belief: _Belief) -> tuple[float, float, float, float]:
        """Clock, direction and place; clocks only differ, so the middle one of the site is taken to be right. [s, rad, m, m]"""
        known = [one.mean[0] for one in self._of.values() if one.covariance[0, 0] < (0.5 * PRIOR_DEVIATION[0]) ** 2]
        middle = float(median(known)) if known else 0.0
        clock_s, azimuth_rad, x_m, y_m = belief.mean.tolist()
        return clock_s - middle, azimuth_rad, x_m, y_m

    def is_all_but_blind(self, sensor: int) -> bool:
        """Whether a sensor is known to find far too little of what others see."""
        return self.of(sensor).found_share < FOUND_DOUBT

    def doubt(self, sensor: int) -> str:
        """What is wrong with a sensor, in words; empty where nothing is."""
        told = self.of(sensor)
        words = []
        if abs(told.clock_s) > CLOCK_DOUBT_S:
            words.append(f"clock {'late' if told.clock_s > 0 else 'early'} by {abs(told.clock_s):.2f} s")
        if abs(told.azimuth_rad) > AZIMUTH_DOUBT_RAD:
            words.append(f"turned by {np.degrees(told.azimuth_rad):+.1f} degrees")
        if self.is_all_but_blind(sensor):
            words.append(f"sees {told.found_share:.0%} of what the others see")
        return " and ".join(words)


def _distance(scan: Scan) -> Floats:
    """Distance of each detection from the sensor. [m]"""
    view = scan.views[0]
    return np.asarray(np.hypot(scan.x_m - view.x_m, scan.y_m - view.y_m))


def _update(belief: _Belief, scan: Scan, told: Matches, applied: Floats) -> None:
    """Information update by all innovations of a scan at once, which was corrected by what was believed some scans ago."""
    view = scan.views[0]
    determinant = np.maximum(told.s_xx * told.s_yy - told.s_xy**2, 1e-9) * CORRELATION * scan.repeats
    i_xx, i_xy, i_yy = told.s_yy / determinant, -told.s_xy / determinant, told.s_xx / determinant
    # rows: what each offset of the sensor moves. Stamps late by c: the position belongs to c earlier, so it lies behind by velocity times c
    count = len(told.dx_m)
    by_x, by_y = np.zeros((4, count)), np.zeros((4, count))
    by_x[0], by_y[0] = -told.velocity_x_mps, -told.velocity_y_mps
    by_x[1], by_y[1] = -(told.y_m - view.y_m), told.x_m - view.x_m
    by_x[2] = by_y[3] = 1.0
    since = belief.mean - applied
    dx_m, dy_m = told.dx_m - since @ by_x, told.dy_m - since @ by_y
    weighted_x, weighted_y = by_x * i_xx + by_y * i_xy, by_x * i_xy + by_y * i_yy
    belief.score += (weighted_x @ dx_m + weighted_y @ dy_m)[:2]
    belief.information += (weighted_x * by_x + weighted_y * by_y).sum(axis=1)[:2]
    _open_where_stepped(belief)
    if (np.diag(belief.covariance)[:2] < PRIOR_DEVIATION[:2] ** 2).all():
        # what lies outside the gates may be somebody else: it can tell that something is wrong, not how little
        weighted_x[:, told.gated :] = weighted_y[:, told.gated :] = 0.0
    information = np.linalg.inv(belief.covariance) + weighted_x @ by_x.T + weighted_y @ by_y.T
    belief.covariance = np.asarray(np.linalg.inv(information), np.float64)
    belief.mean = belief.mean + belief.covariance @ (weighted_x @ dx_m + weighted_y @ dy_m)


def _open_where_stepped(belief: _Belief) -> None:
    """Let go of a clock or direction that no longer explains what is seen, of either sign.

    A drift of a millisecond per second follows a clock that was set anew far too slowly. So the innovations of the last seconds are tested
    for a common offset by the generalised likelihood ratio (A. Willsky, H. Jones, "A Generalized Likelihood Ratio Approach to the
    Detection and Estimation of Jumps in Linear Systems", 1976), and where there is one the belief is opened.
    """
    explained = belief.score**2 / np.maximum(belief.information, 1e-9) * (CORRELATION / STEP_CORRELATION)
    which = int(
        explained.argmax()
    )  # a turn and a late clock look alike for a moment: only the one that explains more is opened
    if explained[which] < STEP_TEST:
        return
    belief.covariance[which, :] = belief.covariance[:, which] = 0.0
    belief.covariance[which, which] = STEP_DEVIATION[which] ** 2
    belief.score, belief.information = np.zeros(2), np.zeros(2)
