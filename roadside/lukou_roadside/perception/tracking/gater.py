"""Which detections of a scan may be of which tracks, and how well they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import CLASS, P_UU, P_UV, P_VV, P_XX, P_XY, P_YY, VX, VY, Tracks, X, Y
from lukou_roadside.perception.tracking.visibility import Sight

RETURN_OFFSET = 0.35
"""Radar returns come from the near side: mean distance from the centre, as a share of the extent along the line of sight."""

RETURN_SPREAD_ALONG = 0.18
"""Standard deviation of a return along the line of sight, as a share of the extent in that direction."""

RETURN_SPREAD_ACROSS = 0.25
"""Standard deviation of a return across the line of sight, as a share of the extent in that direction."""

LOG_TWO_PI = float(np.log(2.0 * np.pi))

CLASS_LEVEL = 1.6
"""Added to the logarithm of the probability that a class is so named, so that the usual right name says nothing new."""

_VELOCITY = np.array([VX, VY, P_UU, P_UV, P_VV])
"""Rows of the state that tell the velocity and how sure it is."""


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

    def take(self, pairs: Ints | Booleans) -> Agreement:
        """Only some pairs."""
        return Agreement(
            self.rows[pairs],
            self.detections[pairs],
            self.innovations[:, pairs],
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
    values, factor = tracks.values, settings.camera_variance_factor
    p_xx, p_xy, p_yy = values[P_XX], values[P_XY], values[P_YY]
    v_xx, v_xy, v_yy = scan.variance_xx * factor, scan.variance_xy * factor, scan.variance_yy * factor
    gate = settings.gate
    # no pair is inside the gate that is outside in one direction alone; few are left
    dx = scan.x_m - values[X][:, None]
    flat = (dx * dx < gate * v_xx + (gate * p_xx)[:, None]).ravel().nonzero()[0]
    rows, detections = np.divmod(flat, max(len(scan), 1))
    dy, s_yy = scan.y_m.take(detections) - values[Y].take(rows), v_yy.take(detections) + p_yy.take(rows)
    near = (dy * dy < gate * s_yy).nonzero()[0]
    flat, rows, detections, dy, s_yy = flat[near], rows[near], detections[near], dy[near], s_yy[near]
    s_xx = v_xx.take(detections) + p_xx.take(rows)
    s_xy = v_xy.take(detections) + p_xy.take(rows)
    innovations = np.array([dx.take(flat), dy, s_xx, s_xy, s_yy])
    distance2, log_determinant = _distance2(innovations)
    named = scan.object_class.take(detections)
    likely = (_possible_classes(values).take(rows, axis=1) * classes.CONFUSION.take(named, axis=1)).sum(axis=0)
    log_named = (named != 0) * np.log(np.maximum(likely, 1e-4))
    log_likelihood = -0.5 * (distance2 + log_determinant) - LOG_TWO_PI + log_named + (named != 0) * CLASS_LEVEL
    # what is named otherwise has to be nearer: a walker whom no track is of is not the car that just passes
    distance2 -= 2.0 * log_named
    return _inside(Agreement(rows, detections, innovations, distance2, log_likelihood), gate)


def _possible_classes(values: Floats) -> Floats:
    """Probabilities of the classes of each track, but for those that are never as fast, (COUNT, n)."""
    vx, vy, uu, _, vv = values[_VELOCITY]
    variance = classes.SPEED_DEVIATION_MPS[:, None] ** 2 + 0.5 * (uu + vv)
    weight = values[CLASS] * np.exp(-0.5 * (vx * vx + vy * vy) / variance) + 1e-6 / classes.COUNT
    return np.asarray(weight / weight.sum(axis=0))


def agreement_of_returns(tracks: Tracks, sweeps: Sweeps, settings: TrackerSettings, seen: Sight) -> Agreement:
    """Compare all tracks with all returns of several radars, each with where the track was at the return's own instant.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the sweeps.
    sweeps : Sweeps
        The sweeps.
    settings : TrackerSettings
        The gate, and the factor on the stated covariances.
    seen : Sight
        How the radars see the tracks.
    """
    values, factor, gate = tracks.values, settings.radar_variance_factor, settings.gate
    v_xx, v_xy, v_yy = sweeps.variance_xx * factor, sweeps.variance_xy * factor, sweeps.variance_yy * factor
    ux, uy, along = seen.ux, seen.uy, seen.along_m
    v_across = (seen.across_m * RETURN_SPREAD_ACROSS) ** 2
    more = (along * RETURN_SPREAD_ALONG) ** 2 - v_across
    # rows: what a radar expects of a track, for every radar; columns: tracks
    near_side = along * RETURN_OFFSET
    expected = np.empty((5, *ux.shape))
    since = (sweeps.times_s - sweeps.time_s)[:, None]
    expected[0] = values[X] + since * values[VX] - ux * near_side
    expected[1] = values[Y] + since * values[VY] - uy * near_side
    expected[2], expected[3] = values[P_XX] + v_across + more * ux * ux, values[P_XY] + more * ux * uy
    expected[4] = values[P_YY] + v_across + more * uy * uy
    of = sweeps.sweep
    # no pair is inside the gate that is outside in one direction alone; few are left
    dx = sweeps.x_m[:, None] - expected[0].take(of, axis=0)
    flat = (dx * dx < (gate * expected[2]).take(of, axis=0) + (gate * v_xx)[:, None]).ravel().nonzero()[0]
    detections, rows = np.divmod(flat, max(len(tracks), 1))
    at = of.take(detections) * len(tracks) + rows
    dy, s_yy = sweeps.y_m.take(detections) - expected[1].take(at), expected[4].take(at) + v_yy.take(detections)
    near = (dy * dy < gate * s_yy).nonzero()[0]
    flat, detections, rows, at, dy, s_yy = (one[near] for one in (flat, detections, rows, at, dy, s_yy))
    s_xx, s_xy = expected[2].take(at) + v_xx.take(detections), expected[3].take(at) + v_xy.take(detections)
    innovations = np.array([dx.take(flat), dy, s_xx, s_xy, s_yy])
    distance2, log_determinant = _distance2(innovations)
    rate = sweeps.range_rate_mps[detections]
    line = np.array([ux.take(at), uy.take(at)])
    distance2 += _rate_distance2(values[_VELOCITY].take(rows, axis=1), line, rate, settings)
    log_likelihood = -0.5 * (distance2 + log_determinant) - LOG_TWO_PI
    return _inside(Agreement(rows, detections, innovations, distance2, log_likelihood), gate)


def _distance2(innovations: Floats) -> tuple[Floats, Floats]:
    """Squared Mahalanobis distance, and logarithm of the determinant of the covariance."""
    dx, dy, s_xx, s_xy, s_yy = innovations
    determinant = np.maximum(s_xx * s_yy - s_xy * s_xy, 1e-9)
    return (dx * (s_yy * dx - 2.0 * s_xy * dy) + s_xx * dy * dy) / determinant, np.log(determinant)


def _rate_distance2(moved: Floats, line: Floats, rate: Floats, settings: TrackerSettings) -> Floats:
    (vx, vy, uu, uv, vv), (ux, uy) = moved, line
    radial = ux * vx + uy * vy
    variance = ux * ux * uu + 2.0 * ux * uy * uv + uy * uy * vv
    variance += settings.doppler_deviation_mps**2 + (0.05 * radial) ** 2
    difference = rate - radial
    squared = difference * difference / variance
    return np.where(squared == squared, squared, 0.0)  # a return without a rate says nothing of it


def _inside(compared: Agreement, gate: float) -> Agreement:
    inside = (compared.distance2 < gate).nonzero()[0]
    return compared if len(inside) == len(compared.rows) else compared.take(inside)
