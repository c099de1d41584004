"""Which detections of a scan may be of which tracks, and how well they agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import CLASS, P_UU, P_UV, P_VV, P_XX, P_XY, P_YY, VX, VY, Tracks, X, Y
from lukou_roadside.perception.tracking.visibility import ACROSS_M, ALONG_M, UX, UY

RETURN_OFFSET = 0.35
"""Radar returns come from the near side: mean distance from the centre, as a share of the extent along the line of sight."""

RETURN_SPREAD_ALONG = 0.18
"""Standard deviation of a return along the line of sight, as a share of the extent in that direction."""

RETURN_SPREAD_ACROSS = 0.25
"""Standard deviation of a return across the line of sight, as a share of the extent in that direction."""

LOG_TWO_PI = math.log(2.0 * math.pi)

CLASS_LEVEL = 1.6
"""Added to the logarithm of the probability that a class is so named, so that the usual right name says nothing new."""

RATE_SHARE = 0.05
"""Standard deviation of a range rate that comes from turning bodies and wheels, as a share of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Pairs of a track and a detection inside the gate.

    Attributes
    ----------
    rows, detections : (k,) int array
        Track and detection of each pair.
    innovations : (5, k) float array
        Detection less expectation, and the covariance of that difference: dx, dy, s_xx, s_xy, s_yy. [m, m^2]
    distance2 : (k,) float array
        Squared Mahalanobis distance, range rate included.
    log_likelihood : (k,) float array
        Logarithm of the density of the detection if it is of the track, class included.
    """

    rows: Ints
    detections: Ints
    innovations: Floats
    distance2: Floats
    log_likelihood: Floats

    @classmethod
    def of(cls, pairs: Ints, found: Floats) -> Agreement:
        """Of tracks and detections, (2, k), and the other attributes one below the other, (7, k)."""
        return cls(pairs[0], pairs[1], found[:5], found[5], found[6])

    def take(self, pairs: Ints) -> Agreement:
        """Only some pairs."""
        return Agreement(
            self.rows[pairs],
            self.detections[pairs],
            self.innovations.take(pairs, axis=1),
            self.distance2[pairs],
            self.log_likelihood[pairs],
        )


def agreement(tracks: Tracks, scan: Scan, settings: TrackerSettings) -> Agreement:
    """Compare all tracks with all detections of one scan.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scan.
    scan : Scan
        Detections of whole road users by one sensor.
    settings : TrackerSettings
        The gate, and the factor on the stated covariances.
    """
    measured = _measured(scan, settings.camera_variance_factor)
    return Agreement.of(*_agreement(tracks.values, measured, scan.object_class, settings.gate))


def _measured(scan: Scan | Sweeps, factor: float) -> Floats:
    """Place and its covariance, (5, n)."""
    xx, xy, yy = factor * scan.variance_xx, factor * scan.variance_xy, factor * scan.variance_yy
    return np.array([scan.x_m, scan.y_m, xx, xy, yy])


@compiled
def _agreement(values: Floats, measured: Floats, object_class: Ints, gate: float) -> tuple[Ints, Floats]:
    x_m, y_m, r_xx, r_xy, r_yy = measured[0], measured[1], measured[2], measured[3], measured[4]
    candidates = 0
    for k in range(values.shape[1]):
        for detection in range(len(x_m)):
            dx = x_m[detection] - values[X, k]
            candidates += dx * dx < gate * (r_xx[detection] + values[P_XX, k])
    pairs, found, count = np.empty((2, candidates), np.int64), np.empty((7, candidates)), 0
    possible = np.empty(classes.COUNT)
    for k in range(values.shape[1]):
        is_known = False
        for detection in range(len(x_m)):
            dx, dy = x_m[detection] - values[X, k], y_m[detection] - values[Y, k]
            # no pair is inside the gate that is outside in one direction alone; few are left
            s_xx = r_xx[detection] + values[P_XX, k]
            if not dx * dx < gate * s_xx:
                continue
            s_yy = r_yy[detection] + values[P_YY, k]
            if not dy * dy < gate * s_yy:
                continue
            s_xy = r_xy[detection] + values[P_XY, k]
            distance2, likelihood = _distance2(dx, dy, s_xx, s_xy, s_yy)
            named = object_class[detection]
            if named != 0:
                if not is_known:
                    _possible_classes(values, k, possible)
                    is_known = True
                likely = 0.0
                for number in range(classes.COUNT):
                    likely += possible[number] * classes.CONFUSION[number, named]
                log_named = math.log(max(likely, 1e-4))
                likelihood += log_named + CLASS_LEVEL
                # what is named otherwise has to be nearer: a walker whom no track is of is not the car that just passes
                distance2 -= 2.0 * log_named
            if distance2 < gate:
                pairs[0, count], pairs[1, count] = k, detection
                _note(found, count, dx, dy, s_xx, s_xy, s_yy, distance2, likelihood)
                count += 1
    return pairs[:, :count].copy(), found[:, :count].copy()


@compiled
def _possible_classes(values: Floats, k: int, possible: Floats) -> None:
    """Probabilities of the classes of a track, but for those that are never as fast, (COUNT,); written into `possible`."""
    squared = values[VX, k] ** 2 + values[VY, k] ** 2
    uncertain, total = 0.5 * (values[P_UU, k] + values[P_VV, k]), 0.0
    for number in range(classes.COUNT):
        variance = classes.SPEED_DEVIATION_MPS[number] ** 2 + uncertain
        possible[number] = values[CLASS.start + number, k] * math.exp(-0.5 * squared / variance) + 1e-6 / classes.COUNT
        total += possible[number]
    for number in range(classes.COUNT):
        possible[number] /= total


def agreement_of_returns(tracks: Tracks, sweeps: Sweeps, settings: TrackerSettings, seen: Floats) -> Agreement:
    """Compare all tracks with all returns of several radars, each with where the track was at the return's own instant.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the sweeps.
    sweeps : Sweeps
        The sweeps.
    settings : TrackerSettings
        The gate, and the factor on the stated covariances.
    seen : (sweeps, 5, n) float array
        How the radars see the tracks: `visibility.sights`.
    """
    expected = _expected(tracks.values, seen, sweeps.times_s - sweeps.time_s)
    measured = _measured(sweeps, settings.radar_variance_factor), sweeps.range_rate_mps, sweeps.sweep
    rate_variance = settings.doppler_deviation_mps**2
    return Agreement.of(*_agreement_of_returns(tracks.values, seen, expected, *measured, rate_variance, settings.gate))


@compiled
def _agreement_of_returns(
    values: Floats,
    seen: Floats,
    expected: Floats,
    measured: Floats,
    range_rate_mps: Floats,
    sweep: Ints,
    rate_variance: float,
    gate: float,
) -> tuple[Ints, Floats]:
    x_m, y_m, r_xx, r_xy, r_yy = measured[0], measured[1], measured[2], measured[3], measured[4]
    candidates = 0
    for detection in range(len(x_m)):
        at = expected[sweep[detection]]
        for k in range(values.shape[1]):
            dx = x_m[detection] - at[0, k]
            candidates += dx * dx < gate * (r_xx[detection] + at[2, k])
    pairs, found, count = np.empty((2, candidates), np.int64), np.empty((7, candidates)), 0
    for detection in range(len(x_m)):
        at, lines, rate = expected[sweep[detection]], seen[sweep[detection]], range_rate_mps[detection]
        for k in range(values.shape[1]):
            dx, dy = x_m[detection] - at[0, k], y_m[detection] - at[1, k]
            s_xx = r_xx[detection] + at[2, k]
            if not dx * dx < gate * s_xx:
                continue
            s_yy = r_yy[detection] + at[4, k]
            if not dy * dy < gate * s_yy:
                continue
            s_xy = r_xy[detection] + at[3, k]
            distance2, likelihood = _distance2(dx, dy, s_xx, s_xy, s_yy)
            if rate == rate:  # a return without a rate says nothing of it
                ux, uy = lines[UX, k], lines[UY, k]
                radial = ux * values[VX, k] + uy * values[VY, k]
                variance = ux * ux * values[P_UU, k] + 2.0 * ux * uy * values[P_UV, k] + uy * uy * values[P_VV, k]
                squared = (rate - radial) ** 2 / (variance + rate_variance + (RATE_SHARE * radial) ** 2)
                distance2 += squared
                likelihood -= 0.5 * squared
            if distance2 < gate:
                pairs[0, count], pairs[1, count] = k, detection
                _note(found, count, dx, dy, s_xx, s_xy, s_yy, distance2, likelihood)
                count += 1
    return pairs[:, :count].copy(), found[:, :count].copy()


@compiled
def _expected(values: Floats, seen: Floats, since_s: Floats) -> Floats:
    """Where every radar expects returns of every track: x, y, xx, xy, yy, (sweeps, 5, n)."""
    made = np.empty((len(since_s), 5, values.shape[1]))
    for sweep in range(len(since_s)):
        for k in range(values.shape[1]):
            ux, uy, along = seen[sweep, UX, k], seen[sweep, UY, k], seen[sweep, ALONG_M, k]
            across = (seen[sweep, ACROSS_M, k] * RETURN_SPREAD_ACROSS) ** 2
            more, near_side = (along * RETURN_SPREAD_ALONG) ** 2 - across, along * RETURN_OFFSET
            made[sweep, 0, k] = values[X, k] + since_s[sweep] * values[VX, k] - ux * near_side
            made[sweep, 1, k] = values[Y, k] + since_s[sweep] * values[VY, k] - uy * near_side
            made[sweep, 2, k] = values[P_XX, k] + across + more * ux * ux
            made[sweep, 3, k] = values[P_XY, k] + more * ux * uy
            made[sweep, 4, k] = values[P_YY, k] + across + more * uy * uy
    return made


@compiled
def _distance2(dx: float, dy: float, s_xx: float, s_xy: float, s_yy: float) -> tuple[float, float]:
    """Squared Mahalanobis distance, and the logarithm of the density there."""
    determinant = max(s_xx * s_yy - s_xy * s_xy, 1e-9)
    distance2 = (dx * (s_yy * dx - 2.0 * s_xy * dy) + s_xx * dy * dy) / determinant
    return distance2, -0.5 * (distance2 + math.log(determinant)) - LOG_TWO_PI


@compiled
def _note(
    found: Floats,
    place: int,
    dx: float,
    dy: float,
    s_xx: float,
    s_xy: float,
    s_yy: float,
    distance2: float,
    likelihood: float,
) -> None:
    found[0, place], found[1, place] = dx, dy
    found[2, place], found[3, place], found[4, place] = s_xx, s_xy, s_yy
    found[5, place], found[6, place] = distance2, likelihood
