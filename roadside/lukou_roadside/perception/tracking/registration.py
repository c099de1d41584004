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

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.coverage import Coverage
from lukou_roadside.perception.tracking.joint_offsets import OFFSETS, PRIOR_DEVIATION, JointOffsets
from lukou_roadside.perception.tracking.matches import Matches
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan
from lukou_roadside.perception.tracking.sightings import Seen, Sightings
from lukou_roadside.perception.tracking.spread import LearnedSpread

CORRELATION = 25.0
"""Factor on the variance of an innovation when a step is looked for: those of one road user in neighbouring scans share most of their error."""

COMPARE_EVERY = 2
"""Places are compared in each so-maniest scan: that is soon enough, and costs half."""

RADAR_REPEATS = 2.5
"""A radar's errors of place last for a second and are compared in every sixth sweep: so many in a row tell the same."""

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

LONGEST_PAUSE_S = 1.0
"""After a longer pause it is not known who has entered which part of the view. [s]"""

FOUND_DOUBT = 0.4
"""A sensor that finds a smaller share of what it should see is said to be all but blind."""

MEMORY = 150.0
"""Expected detections over which the share of those made is averaged."""

LEAST_EXPECTED = 60.0
"""Expected detections before the share means something."""


MISTRUSTED = 1.5
"""A sensor whose covariances are widened by more is judged by those that it told, so that it is soon known to be right again."""

MOST_APPLIED = 2000
"""Corrections kept until their scans are learned from; those of scans that came too late are never asked for."""


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


@dataclass
class _Belief:
    """What is kept of one sensor alone: what it finds, how far it scatters, and whether something has changed."""

    spread: LearnedSpread = field(default_factory=LearnedSpread)
    velocities: LearnedSpread = field(default_factory=LearnedSpread.of_velocities)
    coverage: Coverage = field(default_factory=Coverage)
    time_s: float = -np.inf
    expected: float = 0.0
    found: float = 0.0
    score: Floats = field(default_factory=lambda: np.zeros(2))
    information: Floats = field(default_factory=lambda: np.zeros(2))


@dataclass
class Registration:
    """Beliefs on all sensors of a site."""

    joint: JointOffsets = field(default_factory=JointOffsets)
    sightings: Sightings = field(default_factory=Sightings)
    no_judges: set[int] = field(default_factory=set)
    """Sensors that tell tracks without covariances: their errors last for seconds, and others are not corrected by them."""
    guessed: set[int] = field(default_factory=set)
    """Sensors whose stamps are guessed from their arrival for now: they see who is there, but correct nobody."""
    _of: dict[int, _Belief] = field(default_factory=dict)
    _applied: dict[tuple[int, int], tuple[Floats, float]] = field(default_factory=dict)

    def add(self, scan: Scan, told: Matches) -> None:
        """Learn from a scan that was corrected by `corrected` and has been worked in for good."""
        belief = self._of.get(scan.sensor)
        if belief is None:
            belief = self._of[scan.sensor] = _Belief()
        self.joint.know(scan.sensor, scan.kind, scan.views[0])
        if scan.age_s is not None:
            self.no_judges.add(scan.sensor)
        if told.expected:
            keep = max(0.0, 1.0 - told.expected / MEMORY)
            belief.expected = keep * belief.expected + told.expected
            belief.found = keep * belief.found + told.found
        passed_s = 0.0 if belief.time_s == -np.inf else max(0.0, scan.time_s - belief.time_s)
        belief.time_s = max(belief.time_s, scan.time_s)
        if self.is_all_but_blind(scan.sensor):
            belief.coverage.forget_latest()
        elif 0.0 < passed_s < LONGEST_PAUSE_S:
            belief.coverage.add(scan.views[0], scan.time_s, told.watched, passed_s)
            belief.coverage.learn(scan.time_s)
        fade = np.exp(-passed_s / STEP_MEMORY_S)
        belief.score, belief.information = fade * belief.score, fade * belief.information
        applied, wider = self._applied.pop((scan.sensor, scan.sequence), (np.zeros(OFFSETS), 1.0))
        if len(told.dx_m):
            by = _moved_by(scan, told)
            self._look_for_step(scan, told if wider < MISTRUSTED else _as_told(scan, told, wider), by, applied)
            is_open = bool((self._deviation(scan.sensor)[:2] >= PRIOR_DEVIATION[:2]).any())
            if is_open or scan.sequence % COMPARE_EVERY == 0:
                # what lies outside the gates may be somebody else: it can tell that something is wrong, not how little
                self._compare(scan, told, by, applied, len(told.dx_m) if is_open else told.gated)
            if scan.age_s is not None:
                belief.spread.add(_distance(scan)[told.detections], scan.age_s[told.detections], told.dx_m, told.dy_m)
            if scan.velocity_mps is not None:
                _learn_velocities(belief.velocities, scan, told)
        self.joint.settle_at(scan.time_s)

    def _look_for_step(self, scan: Scan, told: Matches, by: Floats, applied: Floats) -> None:
        """Let go of a clock or direction that no longer explains what is seen, of either sign.

        A drift of a millisecond per second follows a clock that was set anew far too slowly. So the innovations of the last seconds are tested
        for a common offset by the generalised likelihood ratio (A. Willsky, H. Jones, "A Generalized Likelihood Ratio Approach to the
        Detection and Estimation of Jumps in Linear Systems", 1976), and where there is one the belief is opened.
        """
        belief = self._of[scan.sensor]
        since = self.joint.mean[self.joint.part(scan.sensor)] - applied
        difference = np.array([told.dx_m, told.dy_m, told.s_xx, told.s_xy, told.s_yy])
        score, information = _common_offset(by, difference, since)
        belief.score += score / (CORRELATION * scan.repeats)
        belief.information += information / (CORRELATION * scan.repeats)
        explained = belief.score**2 / np.maximum(belief.information, 1e-9) * (CORRELATION / STEP_CORRELATION)
        # a turn and a late clock look alike for a moment: only the one that explains more is opened
        which = int(explained.argmax())
        if explained[which] >= STEP_TEST:
            self.joint.open(scan.sensor, which, float(STEP_DEVIATION[which] ** 2))
            belief.score, belief.information = np.zeros(2), np.zeros(2)

    def _compare(self, scan: Scan, told: Matches, by: Floats, applied: Floats, count: int) -> None:
        """Compare what the sensor told of each road user, of the first so many, with what another told of him."""
        place = np.stack([told.x_m + told.dx_m + applied @ by[0], told.y_m + told.dy_m + applied @ by[1]])
        if scan.kind == CAMERA:
            found = told.detections
            variance = np.stack([scan.variance_xx[found], scan.variance_xy[found], scan.variance_yy[found]])
            variance = variance * scan.repeats
        else:
            variance = np.stack([told.s_xx, told.s_xy, told.s_yy]) * RADAR_REPEATS
        velocity = np.stack([told.velocity_x_mps, told.velocity_y_mps])
        seen = Seen(told.birth, place, variance, by, velocity, told.velocity_variance).take(np.arange(count))
        judges = scan.sensor not in self.no_judges and scan.sensor not in self.guessed
        met = self.sightings.met(scan.sensor, scan.time_s, seen, scan.kind != CAMERA or not judges)
        if not len(met.others):
            return
        by_mine, by_theirs = self.joint.by_all(scan.sensor, met.one.by), self.joint.by_all(met.others, met.another.by)
        v_xx, v_xy, v_yy = met.variance
        determinant = (v_xx * v_yy - v_xy * v_xy) * self.sightings.repeats
        inverse = np.stack([v_yy, -v_xy, v_xx]) / determinant
        if not judges:  # the others are taken for right as they are corrected
            self.joint.compare(by_mine, met.difference + self.joint.mean @ by_theirs, inverse)
            return
        self.joint.compare(by_mine - by_theirs, met.difference, inverse)
        if scan.kind == CAMERA:
            residual = met.difference - self.joint.mean @ (by_mine - by_theirs)
            self.sightings.learn(scan.sensor, met, residual / np.sqrt(met.variance[::2]))

    def _deviation(self, sensor: int) -> Floats:
        """Standard deviations of the offsets of a sensor."""
        part = self.joint.part(sensor)
        return np.asarray(np.sqrt(np.diag(self.joint.covariance)[part]))

    def forget(self, sensor: int) -> None:
        """Begin afresh with a sensor whose mounting is now used differently."""
        self._of.pop(sensor, None)
        self.joint.forget(sensor)
        self.no_judges.discard(sensor)

    def arrives_sooner(self, sensor: int, by_s: float) -> None:
        """Measurements of a sensor have begun to arrive sooner by their stamps: if its clock was early, it has been set anew by so much. [s]"""
        if sensor in self.joint.sensors and self._offsets(sensor)[0] < -0.5 * CLOCK_DOUBT_S:
            self.joint.open(sensor, 0, float(PRIOR_DEVIATION[0] ** 2))
            self.joint.mean[self.joint.part(sensor).start] += by_s

    def of(self, sensor: int) -> Offsets:
        """What is believed of one sensor."""
        if sensor not in self.joint.sensors:
            return Offsets(0.0, 0.0, 0.0, 0.0, float(PRIOR_DEVIATION[0]), float(PRIOR_DEVIATION[1]), float("nan"))
        deviation = self._deviation(sensor)
        return Offsets(*self._offsets(sensor), float(deviation[0]), float(deviation[1]), self._found_share(sensor))

    def _found_share(self, sensor: int) -> float:
        belief = self._of.get(sensor)
        return belief.found / belief.expected if belief and belief.expected >= LEAST_EXPECTED else float("nan")

    def corrected(self, scan: Scan) -> Scan:
        """The scan as it would be with a right clock and mounting, as far as known."""
        if len(scan.views) != 1:
            return scan
        known = scan.sensor in self.joint.sensors
        part = self.joint.part(scan.sensor) if known else slice(0)
        applied = self.joint.mean[part].copy() if known else np.zeros(OFFSETS)
        self._applied[scan.sensor, scan.sequence] = applied, 1.0
        while len(self._applied) > MOST_APPLIED:
            del self._applied[next(iter(self._applied))]
        if not known:
            return scan
        coverage = self.coverage(scan.sensor)
        if coverage.hidden:
            scan = scan.with_coverage(coverage)
        learned: Floats | float = 1.0
        if scan.age_s is not None:
            learned = self._of.get(scan.sensor, _Belief()).spread.variance(_distance(scan), scan.age_s)
        clock_s, azimuth_rad, off_x_m, off_y_m = self._offsets(scan.sensor)
        view = scan.views[0]
        cos, sin = np.cos(azimuth_rad), np.sin(azimuth_rad)
        dx, dy = scan.x_m - off_x_m - view.x_m, scan.y_m - off_y_m - view.y_m
        x_m, y_m = view.x_m + cos * dx + sin * dy, view.y_m - sin * dx + cos * dy
        # who is far off is corrected, but no longer trusted as much; nor is who may be
        clock_variance, azimuth_variance = self._deviation(scan.sensor)[:2] ** 2
        wider = 1.0 + (clock_s**2 + clock_variance) / CLOCK_DOUBT_S**2
        wider += (azimuth_rad**2 + azimuth_variance) / AZIMUTH_DOUBT_RAD**2
        self._applied[scan.sensor, scan.sequence] = applied, float(wider)
        made = scan.moved(scan.time_s - clock_s, x_m, y_m, wider * learned)
        if scan.velocity_mps is None:
            return made
        vx, vy = scan.velocity_mps
        variance = scan.velocity_variance
        if variance is None:
            variance = self._of.get(scan.sensor, _Belief()).velocities.variance(_distance(scan), _age(scan))
        return made.with_velocities(np.array([cos * vx + sin * vy, cos * vy - sin * vx]), wider * variance)

    def _offsets(self, sensor: int) -> tuple[float, float, float, float]:
        """Clock, direction and place; clocks only differ, so the middle one of the site is taken to be right. [s, rad, m, m]"""
        clock_s, azimuth_rad, x_m, y_m = self.joint.mean[self.joint.part(sensor)].tolist()
        return clock_s - self.joint.middle_clock_s, azimuth_rad, x_m, y_m

    def coverage(self, sensor: int) -> Coverage:
        """Where a sensor finds less than it should."""
        belief = self._of.get(sensor)
        return Coverage() if belief is None else belief.coverage

    def is_all_but_blind(self, sensor: int) -> bool:
        """Whether a sensor is known to find far too little of what others see."""
        return self._found_share(sensor) < FOUND_DOUBT

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


@compiled
def _common_offset(by: Floats, difference: Floats, since: Floats) -> tuple[Floats, Floats]:
    """Score and information of an offset of clock and of direction that all differences share, (2,) each.

    Parameters
    ----------
    by : (2, 4, n) float array
        What each offset of the sensor does to x and y of what it sees.
    difference : (5, n) float array
        Detected less expected position and its covariance: dx, dy, xx, xy, yy. [m, m^2]
    since : (4,) float array
        What has been learned since, and explains a part of them.
    """
    score, information = np.zeros(2), np.zeros(2)
    for k in range(difference.shape[1]):
        dx, dy, xx, xy, yy = (
            difference[0, k],
            difference[1, k],
            difference[2, k],
            difference[3, k],
            difference[4, k],
        )
        for offset in range(OFFSETS):
            dx, dy = dx - since[offset] * by[0, offset, k], dy - since[offset] * by[1, offset, k]
        determinant = max(xx * yy - xy * xy, 1e-9)
        for which in range(2):
            by_x, by_y = by[0, which, k], by[1, which, k]
            with_x, with_y = (by_x * yy - by_y * xy) / determinant, (by_y * xx - by_x * xy) / determinant
            score[which] += with_x * dx + with_y * dy
            information[which] += with_x * by_x + with_y * by_y
    return score, information


def _distance(scan: Scan) -> Floats:
    """Distance of each detection from the sensor. [m]"""
    view = scan.views[0]
    return np.asarray(np.hypot(scan.x_m - view.x_m, scan.y_m - view.y_m))


def _as_told(scan: Scan, told: Matches, wider: float) -> Matches:
    """Innovations with the covariances that the sensor told: what is mistrusted tells no less of how far it is off."""
    less = 1.0 - 1.0 / wider
    xx, xy, yy = (one[told.detections] * less for one in (scan.variance_xx, scan.variance_xy, scan.variance_yy))
    return told._replace(s_xx=told.s_xx - xx, s_xy=told.s_xy - xy, s_yy=told.s_yy - yy)


def _moved_by(scan: Scan, told: Matches) -> Floats:
    """What each offset of the sensor does to x and y of what it sees, (2, 4, n)."""
    view = scan.views[0]
    by = np.zeros((2, OFFSETS, len(told.dx_m)))
    # stamps late by c: the position belongs to c earlier, so it lies behind by velocity times c
    by[0, 0], by[1, 0] = -told.velocity_x_mps, -told.velocity_y_mps
    by[0, 1], by[1, 1] = -(told.y_m - view.y_m), told.x_m - view.x_m
    by[0, 2] = by[1, 3] = 1.0
    return by


def _age(scan: Scan) -> Floats:
    """How long the sensor has followed each; 0 where its age is not looked at. [s]"""
    return np.zeros(len(scan)) if scan.age_s is None else scan.age_s


def _learn_velocities(spread: LearnedSpread, scan: Scan, told: Matches) -> None:
    """Learn from velocities of road users whom others measure; what is expected was known before the scan."""
    assert scan.velocity_mps is not None
    found = told.detections[: told.gated]
    dx, dy = scan.velocity_mps[:, found] - [told.velocity_x_mps[: told.gated], told.velocity_y_mps[: told.gated]]
    known = np.isfinite(dx + dy)
    expected = told.velocity_variance[: told.gated][known]
    spread.add(_distance(scan)[found][known], _age(scan)[found][known], dx[known], dy[known], expected)
