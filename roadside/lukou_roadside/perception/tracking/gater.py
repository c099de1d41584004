"""How well every detection of a scan agrees with every track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Ints, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import CLASS, P_UU, P_UV, P_VV, P_XX, P_XY, P_YY, VX, VY, Tracks, X, Y
from lukou_roadside.perception.tracking.visibility import Sight, sight

RETURN_OFFSET = 0.35
"""Radar returns come from the near side: mean distance from the centre, as a share of the extent along the line of sight."""

RETURN_SPREAD_ALONG = 0.18
"""Standard deviation of a return along the line of sight, as a share of the extent in that direction."""

RETURN_SPREAD_ACROSS = 0.25
"""Standard deviation of a return across the line of sight, as a share of the extent in that direction."""

LOG_TWO_PI = float(np.log(2.0 * np.pi))

CLASS_LEVEL = 1.6
"""Added to the logarithm of the probability that a class is so named, so that the usual right name says nothing new."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Rows are tracks, columns are detections.

    Attributes
    ----------
    dx_m, dy_m : (n, m) float array
        Detection less expectation. [m]
    s_xx, s_xy, s_yy : (n, m) float array
        Covariance of that difference. [m^2]
    distance2 : (n, m) float array
        Squared Mahalanobis distance, range rate included.
    log_likelihood : (n, m) float array
        Logarithm of the density of the detection if it is of the track, class included.
    """

    dx_m: Floats
    dy_m: Floats
    s_xx: Floats
    s_xy: Floats
    s_yy: Floats
    distance2: Floats
    log_likelihood: Floats

    def at(self, rows: Ints, detections: Ints) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Differences and their covariance of some pairs: dx, dy, s_xx, s_xy, s_yy."""
        flat = rows * self.dx_m.shape[1] + detections
        return (
            self.dx_m.take(flat),
            self.dy_m.take(flat),
            self.s_xx.take(flat),
            self.s_xy.take(flat),
            self.s_yy.take(flat),
        )


def agreement(tracks: Tracks, scan: Scan, settings: TrackerSettings, seen: Sight | None = None) -> Agreement:
    """Compare all tracks with all detections of one scan.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scan.
    scan : Scan
        Detections of one sensor.
    settings : TrackerSettings
        Factors on the stated covariances.
    seen : Sight, optional
        Of the scan's first view, where it is known already.
    """
    values, is_camera = tracks.values, scan.kind == CAMERA
    factor = settings.camera_variance_factor if is_camera else settings.radar_variance_factor
    x_m, y_m, p_xx, p_xy, p_yy = values[X], values[Y], values[P_XX], values[P_XY], values[P_YY]
    if not is_camera and scan.views:
        seen = seen or sight(tracks, scan.views[0])
        ux, uy, along, across = seen.ux, seen.uy, seen.along_m, seen.across_m
        x_m, y_m = x_m - ux * along * RETURN_OFFSET, y_m - uy * along * RETURN_OFFSET
        v_across = (across * RETURN_SPREAD_ACROSS) ** 2
        more = (along * RETURN_SPREAD_ALONG) ** 2 - v_across
        p_xx, p_xy, p_yy = p_xx + v_across + more * ux * ux, p_xy + more * ux * uy, p_yy + v_across + more * uy * uy
    dx, dy = scan.x_m - x_m[:, None], scan.y_m - y_m[:, None]
    s_xx = scan.variance_xx * factor + p_xx[:, None]
    s_xy = scan.variance_xy * factor + p_xy[:, None]
    s_yy = scan.variance_yy * factor + p_yy[:, None]
    determinant = np.maximum(s_xx * s_yy - s_xy * s_xy, 1e-9)
    distance2 = (dx * (s_yy * dx - 2.0 * s_xy * dy) + s_xx * dy * dy) / determinant
    if not is_camera and seen is not None:
        distance2 += _doppler_distance2(tracks, scan, settings, seen)
    log_likelihood = -0.5 * (distance2 + np.log(determinant)) - LOG_TWO_PI
    if is_camera:
        named = np.log(np.maximum(values[CLASS].T @ classes.CONFUSION, 1e-4)) + CLASS_LEVEL
        named[:, 0] = 0.0
        log_likelihood += named.take(scan.object_class, axis=1)
    return Agreement(dx, dy, s_xx, s_xy, s_yy, distance2, log_likelihood)


def _doppler_distance2(tracks: Tracks, scan: Scan, settings: TrackerSettings, seen: Sight) -> Floats:
    ux, uy, values = seen.ux, seen.uy, tracks.values
    radial = ux * values[VX] + uy * values[VY]
    variance = ux * ux * values[P_UU] + 2.0 * ux * uy * values[P_UV] + uy * uy * values[P_VV]
    variance += settings.doppler_deviation_mps**2 + (0.05 * radial) ** 2
    difference = scan.range_rate_mps - radial[:, None]
    squared = difference * difference / variance[:, None]
    unknown = np.isnan(scan.range_rate_mps)
    if unknown.any():
        squared[:, unknown] = 0.0
    return np.asarray(squared)
