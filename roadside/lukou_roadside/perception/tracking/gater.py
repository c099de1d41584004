"""How well every detection of a scan agrees with every track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import Tracks
from lukou_roadside.perception.tracking.visibility import Sight, sight

RETURN_OFFSET = 0.35
"""Radar returns come from the near side: mean distance from the centre, as a share of the extent along the line of sight."""

RETURN_SPREAD_ALONG = 0.18
"""Standard deviation of a return along the line of sight, as a share of the extent in that direction."""

RETURN_SPREAD_ACROSS = 0.25
"""Standard deviation of a return across the line of sight, as a share of the extent in that direction."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Rows are tracks, columns are detections.

    Attributes
    ----------
    dx_m, dy_m : (n, m) float array
        Detection less expectation. [m]
    s_xx, s_xy, s_yy : (n, m) float array
        Covariance of that difference. [m^2]
    r_xx, r_xy, r_yy : (n, m) float array
        Part of it that comes from the detection. [m^2]
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
    r_xx: Floats
    r_xy: Floats
    r_yy: Floats
    distance2: Floats
    log_likelihood: Floats


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
    factor = settings.camera_variance_factor if scan.kind == CAMERA else settings.radar_variance_factor
    x_m, y_m = tracks.state[:, 0], tracks.state[:, 1]
    r_xx, r_xy, r_yy = (
        np.repeat(variance[None] * factor, len(tracks), axis=0)
        for variance in (scan.variance_xx, scan.variance_xy, scan.variance_yy)
    )
    if scan.kind != CAMERA and scan.views:
        seen = seen or sight(tracks, scan.views[0])
        ux, uy, along, across = seen.ux, seen.uy, seen.along_m, seen.across_m
        x_m, y_m = x_m - ux * along * RETURN_OFFSET, y_m - uy * along * RETURN_OFFSET
        v_along, v_across = (along * RETURN_SPREAD_ALONG) ** 2, (across * RETURN_SPREAD_ACROSS) ** 2
        r_xx = r_xx + (v_along * ux * ux + v_across * uy * uy)[:, None]
        r_xy = r_xy + ((v_along - v_across) * ux * uy)[:, None]
        r_yy = r_yy + (v_along * uy * uy + v_across * ux * ux)[:, None]
    dx, dy = scan.x_m - x_m[:, None], scan.y_m - y_m[:, None]
    p = tracks.covariance
    s_xx, s_xy, s_yy = r_xx + p[:, 0, 0, None], r_xy + p[:, 0, 1, None], r_yy + p[:, 1, 1, None]
    determinant = np.maximum(s_xx * s_yy - s_xy * s_xy, 1e-9)
    distance2 = (s_yy * dx * dx - 2.0 * s_xy * dx * dy + s_xx * dy * dy) / determinant
    log_likelihood = -0.5 * (distance2 + np.log(determinant)) - np.log(2.0 * np.pi)
    if scan.kind == CAMERA:
        named = np.log(np.maximum(tracks.class_weight @ classes.CONFUSION, 1e-4))
        log_likelihood = log_likelihood + np.where(scan.object_class > 0, named[:, scan.object_class] + 1.6, 0.0)
    elif seen is not None:
        doppler = _doppler_distance2(tracks, scan, settings, seen)
        distance2, log_likelihood = distance2 + doppler, log_likelihood - 0.5 * doppler
    return Agreement(dx, dy, s_xx, s_xy, s_yy, r_xx, r_xy, r_yy, distance2, log_likelihood)


def _doppler_distance2(tracks: Tracks, scan: Scan, settings: TrackerSettings, seen: Sight) -> Floats:
    ux, uy = seen.ux, seen.uy
    radial = ux * tracks.state[:, 2] + uy * tracks.state[:, 3]
    p = tracks.covariance
    variance = ux * ux * p[:, 2, 2] + 2.0 * ux * uy * p[:, 2, 3] + uy * uy * p[:, 3, 3]
    variance = variance + settings.doppler_deviation_mps**2 + (0.05 * radial) ** 2
    difference = scan.range_rate_mps - radial[:, None]
    return np.where(np.isnan(difference), 0.0, difference**2 / variance[:, None])
