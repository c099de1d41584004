"""Probability that a sensor detects what is there: in view, not too far, not hidden behind another road user."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan, View
from lukou_roadside.perception.tracking.sweeps import Sweeps
from lukou_roadside.perception.tracking.tracks import CONFIRMED, LENGTH, VX, VY, WIDTH, YAW_X, YAW_Y, Tracks, X, Y

CAMERA_DETECTION = 0.93
"""Probability that a camera's detector finds a road user near and in plain view."""

RADAR_DETECTION = 0.8
"""Probability that a radar returns something of a moving road user in plain view."""

HIDDEN_DETECTION = 0.35
"""Share of the detection probability that is left where the centre lies behind another road user."""

FAR_SHARE = 0.6
"""Share of the detection probability that is left at the farthest distance."""

STANDING_RADAR_SHARE = 0.3
"""Share left for a radar looking at something that hardly moves along its line of sight."""

STANDING_RADAR_MPS = 0.7
"""Less along its line of sight is hardly a movement for a radar. [m/s]"""

OUT_OF_VIEW = 0.02
"""Detection probability outside every view: the view is not known to the metre."""

LEAST_WEIGHT = 0.05
"""Below this weight the direction of a road user is not known. (length of the mean direction vector, 0 to 1)"""

LEAST_WIDTH_M = 1.2
"""Who is narrower hides nobody. [m]"""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Every track as one view sees it; or as several do, a row for each.

    Attributes
    ----------
    ux, uy : (n,) float array
        Unit vector from the sensor.
    distance_m : (n,) float array
        Distance. [m]
    along_m, across_m : (n,) float array
        Extent of the footprint along and across the line of sight. [m]
    """

    ux: Floats
    uy: Floats
    distance_m: Floats
    along_m: Floats
    across_m: Floats


def sight(tracks: Tracks, view: View) -> Sight:
    """How `view` sees the tracks."""
    return _sight(tracks, view.x_m, view.y_m)


def sights(tracks: Tracks, sweeps: Sweeps) -> Sight:
    """How the radars of `sweeps` see the tracks, (sweeps, n)."""
    return _sight(tracks, sweeps.radar_x_m, sweeps.radar_y_m)


def _sight(tracks: Tracks, from_x_m: Floats | float, from_y_m: Floats | float) -> Sight:
    values = tracks.values
    dx, dy = values[X] - from_x_m, values[Y] - from_y_m
    distance = np.maximum(np.sqrt(dx * dx + dy * dy), 1e-3)
    ux, uy = dx / distance, dy / distance
    yaw_x, yaw_y, length, width = values[YAW_X], values[YAW_Y], values[LENGTH], values[WIDTH]
    weight2, along = yaw_x * yaw_x + yaw_y * yaw_y, yaw_x * ux + yaw_y * uy
    # where the direction is not known: half way between along and across
    cos2 = np.where(weight2 > LEAST_WEIGHT**2, along * along / np.maximum(weight2, LEAST_WEIGHT**2), 0.5)
    cos, sin = np.sqrt(cos2), np.sqrt(np.maximum(1.0 - cos2, 0.0))
    return Sight(ux, uy, distance, cos * length + sin * width, sin * length + cos * width)


def detection_probability(tracks: Tracks, scan: Scan, first: Sight | None = None) -> Floats:
    """Probability that `scan` holds a detection of each track.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scan.
    scan : Scan
        The scan; only its views and kind matter.
    first : Sight, optional
        Of the scan's first view, where it is known already.

    Returns
    -------
    (n,) float array
        Probability; the best of all views.
    """
    base = (CAMERA_DETECTION if scan.kind == CAMERA else RADAR_DETECTION) * scan.presence
    if not scan.views:
        return np.full(len(tracks), base)
    first = first or sight(tracks, scan.views[0])
    best = np.full(len(tracks), OUT_OF_VIEW)
    for view in scan.views:
        seen = first if view is scan.views[0] else sight(tracks, view)
        np.maximum(best, base * _share(tracks, seen, view), out=best)
    if scan.kind != CAMERA:
        radial = np.abs(first.ux * tracks.values[VX] + first.uy * tracks.values[VY])
        best = np.where(radial > STANDING_RADAR_MPS, best, best * STANDING_RADAR_SHARE)
    return best


def sight_line(x_m: Floats, y_m: Floats, view: View) -> tuple[Floats, Floats, Floats]:
    """Unit vector from the sensor to points, and their distance. [1, 1, m]"""
    dx, dy = x_m - view.x_m, y_m - view.y_m
    distance = np.maximum(np.hypot(dx, dy), 1e-3)
    return dx / distance, dy / distance, distance


def _share(tracks: Tracks, seen: Sight, view: View) -> Floats:
    """Share of the full detection probability of each track in one view; 0 outside."""
    ux, uy, distance = seen.ux, seen.uy, seen.distance_m
    facing = ux * math.cos(view.azimuth_rad) + uy * math.sin(view.azimuth_rad)
    visible = facing > math.cos(min(view.opening_rad / 2.0, math.pi))
    visible &= (distance > view.range_min_m) & (distance < view.range_max_m)
    share = visible * (1.0 - (1.0 - FAR_SHARE) / view.range_max_m * distance)
    blocking = (visible & (tracks.values[CONFIRMED] > 0.5) & (seen.across_m > LEAST_WIDTH_M)).nonzero()[0]
    if len(blocking) == 0:
        return np.asarray(share)
    rows = visible.nonzero()[0]
    bx, by, far = ux[blocking], uy[blocking], distance[blocking]
    half_angle = 0.5 * seen.across_m[blocking] / far
    rx, ry = ux[rows][:, None], uy[rows][:, None]
    # sine of the angle between the sight lines of every track in view and every blocker
    behind = np.abs(rx * by - ry * bx) < half_angle
    behind &= distance[rows][:, None] > far + 1.0
    if view.opening_rad > math.pi:
        behind &= rx * bx + ry * by > 0
    share[rows[np.logical_or.reduce(behind, axis=1)]] *= HIDDEN_DETECTION
    return np.asarray(share)


def return_probability(tracks: Tracks, sweeps: Sweeps, seen: Sight) -> Floats:
    """Probability that each sweep holds a return of each track: `detection_probability` of several radars at once.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the sweeps.
    sweeps : Sweeps
        The sweeps; only where the radars stand and look matters.
    seen : Sight
        How they see the tracks.

    Returns
    -------
    (sweeps, n) float array
        Probability.
    """
    ux, uy, distance, values = seen.ux, seen.uy, seen.distance_m, tracks.values
    facing = ux * np.cos(sweeps.azimuth_rad) + uy * np.sin(sweeps.azimuth_rad)
    visible = facing > np.cos(np.minimum(0.5 * sweeps.opening_rad, math.pi))
    visible &= (distance > sweeps.range_min_m) & (distance < sweeps.range_max_m)
    share = visible * (1.0 - (1.0 - FAR_SHARE) / sweeps.range_max_m * distance)
    # every track in view of a radar beside every one that may hide it from the same radar
    hides = visible & (values[CONFIRMED] > 0.5) & (seen.across_m > LEAST_WIDTH_M)
    watched, hiding = visible.ravel().nonzero()[0], hides.ravel().nonzero()[0]
    rx, ry, far = (one.take(watched)[:, None] for one in (ux, uy, distance))
    bx, by, near, across = (one.take(hiding) for one in (ux, uy, distance, seen.across_m))
    behind = np.abs(rx * by - ry * bx) < 0.5 * across / near
    behind &= far > near + 1.0
    behind &= (watched // len(tracks))[:, None] == hiding // len(tracks)
    if (sweeps.opening_rad > math.pi).any():
        behind &= rx * bx + ry * by > 0
    share.ravel()[watched[behind.any(axis=1)]] *= HIDDEN_DETECTION
    moving = np.abs(ux * values[VX] + uy * values[VY]) > STANDING_RADAR_MPS
    share *= RADAR_DETECTION * sweeps.presence * np.where(moving, 1.0, STANDING_RADAR_SHARE)
    return np.asarray(np.maximum(share, OUT_OF_VIEW * np.where(moving, 1.0, STANDING_RADAR_SHARE)))
