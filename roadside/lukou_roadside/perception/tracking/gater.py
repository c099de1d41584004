"""Which detections of a scan may be of which tracks, and how well they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import CAMERA, Booleans, Floats, Ints, Scan
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

_VELOCITY = np.array([VX, VY, P_UU, P_UV, P_VV])
"""Rows of the state that tell the velocity and how sure it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Pairs of a track and a detection inside the gate, by track and then by detection.

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


def agreement(tracks: Tracks, scan: Scan, settings: TrackerSettings, seen: Sight | None = None) -> Agreement:
    """Compare all tracks with all detections of one scan.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scan.
    scan : Scan
        Detections of one sensor.
    settings : TrackerSettings
        The gate, and factors on the stated covariances.
    seen : Sight, optional
        Of the scan's first view, where it is known already.
    """
    values, is_camera = tracks.values, scan.kind == CAMERA
    factor = settings.camera_variance_factor if is_camera else settings.radar_variance_factor
    x_m, y_m, p_xx, p_xy, p_yy = values[X], values[Y], values[P_XX], values[P_XY], values[P_YY]
    v_xx, v_xy, v_yy = scan.variance_xx * factor, scan.variance_xy * factor, scan.variance_yy * factor
    if not is_camera and scan.views:
        seen = seen or sight(tracks, scan.views[0])
        ux, uy, along, across = seen.ux, seen.uy, seen.along_m, seen.across_m
        x_m, y_m = x_m - ux * along * RETURN_OFFSET, y_m - uy * along * RETURN_OFFSET
        v_across = (across * RETURN_SPREAD_ACROSS) ** 2
        more = (along * RETURN_SPREAD_ALONG) ** 2 - v_across
        p_xx, p_xy, p_yy = p_xx + v_across + more * ux * ux, p_xy + more * ux * uy, p_yy + v_across + more * uy * uy
    dx, dy, gate = scan.x_m - x_m[:, None], scan.y_m - y_m[:, None], settings.gate
    # no pair is inside the gate that is outside in one direction alone; few are left
    near = dx * dx < gate * v_xx + (gate * p_xx)[:, None]
    near &= dy * dy < gate * v_yy + (gate * p_yy)[:, None]
    flat = near.ravel().nonzero()[0]
    rows, detections = np.divmod(flat, max(len(scan), 1))
    dx, dy = dx.take(flat), dy.take(flat)
    s_xx = v_xx.take(detections) + p_xx.take(rows)
    s_xy = v_xy.take(detections) + p_xy.take(rows)
    s_yy = v_yy.take(detections) + p_yy.take(rows)
    determinant = np.maximum(s_xx * s_yy - s_xy * s_xy, 1e-9)
    distance2 = (dx * (s_yy * dx - 2.0 * s_xy * dy) + s_xx * dy * dy) / determinant
    if not is_camera and seen is not None:
        distance2 += _doppler_distance2(tracks, scan, settings, seen, rows, detections)
    log_likelihood = -0.5 * (distance2 + np.log(determinant)) - LOG_TWO_PI
    if is_camera:
        named = scan.object_class.take(detections)
        likely = (values[CLASS].take(rows, axis=1) * classes.CONFUSION.take(named, axis=1)).sum(axis=0)
        log_likelihood += (named != 0) * (np.log(np.maximum(likely, 1e-4)) + CLASS_LEVEL)
    inside = (distance2 < gate).nonzero()[0]
    compared = Agreement(rows, detections, np.array([dx, dy, s_xx, s_xy, s_yy]), distance2, log_likelihood)
    return compared if len(inside) == len(rows) else compared.take(inside)


def _doppler_distance2(
    tracks: Tracks, scan: Scan, settings: TrackerSettings, seen: Sight, rows: Ints, detections: Ints
) -> Floats:
    ux, uy = seen.ux.take(rows), seen.uy.take(rows)
    vx, vy, uu, uv, vv = tracks.values[_VELOCITY].take(rows, axis=1)
    radial = ux * vx + uy * vy
    variance = ux * ux * uu + 2.0 * ux * uy * uv + uy * uy * vv
    variance += settings.doppler_deviation_mps**2 + (0.05 * radial) ** 2
    difference = scan.range_rate_mps.take(detections) - radial
    squared = difference * difference / variance
    return np.where(squared == squared, squared, 0.0)  # a return without a rate says nothing of it
