"""Probability that a sensor detects what is there: in view, not too far, not hidden behind another road user."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Scan, View
from lukou_roadside.perception.tracking.tracks import Tracks

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

OUT_OF_VIEW = 0.02
"""Detection probability outside every view: the view is not known to the metre."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """Every track as one view sees it.

    Attributes
    ----------
    view : View
        The view.
    ux, uy : (n,) float array
        Unit vector from the sensor.
    distance_m : (n,) float array
        Distance. [m]
    along_m, across_m : (n,) float array
        Extent of the footprint along and across the line of sight. [m]
    """

    view: View
    ux: Floats
    uy: Floats
    distance_m: Floats
    along_m: Floats
    across_m: Floats


def sight(tracks: Tracks, view: View) -> Sight:
    """How `view` sees the tracks."""
    ux, uy, distance = sight_line(tracks.state[:, 0], tracks.state[:, 1], view)
    cos, sin = _turned(tracks, ux, uy)
    cos, sin = np.abs(cos), np.abs(sin)
    along = cos * tracks.length_m + sin * tracks.width_m
    across = sin * tracks.length_m + cos * tracks.width_m
    return Sight(view, ux, uy, distance, along, across)


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
    base = CAMERA_DETECTION if scan.kind == CAMERA else RADAR_DETECTION
    if not scan.views:
        return np.full(len(tracks), base)
    first = first or sight(tracks, scan.views[0])
    best = np.full(len(tracks), OUT_OF_VIEW)
    for view in scan.views:
        seen = first if view is first.view else sight(tracks, view)
        np.maximum(best, base * _share(tracks, seen), out=best)
    if scan.kind != CAMERA:
        radial = np.abs(first.ux * tracks.state[:, 2] + first.uy * tracks.state[:, 3])
        best = np.where(radial > 0.7, best, best * STANDING_RADAR_SHARE)
    return best


def sight_line(x_m: Floats, y_m: Floats, view: View) -> tuple[Floats, Floats, Floats]:
    """Unit vector from the sensor to points, and their distance. [1, 1, m]"""
    dx, dy = x_m - view.x_m, y_m - view.y_m
    distance = np.maximum(np.hypot(dx, dy), 1e-3)
    return dx / distance, dy / distance, distance


def _share(tracks: Tracks, seen: Sight) -> Floats:
    """Share of the full detection probability of each track in one view; 0 outside."""
    view, ux, uy, distance = seen.view, seen.ux, seen.uy, seen.distance_m
    facing = ux * math.cos(view.azimuth_rad) + uy * math.sin(view.azimuth_rad)
    visible = (distance > view.range_min_m) & (distance < view.range_max_m)
    visible &= facing > math.cos(min(view.opening_rad / 2.0, math.pi))
    share = np.where(visible, 1.0 - (1.0 - FAR_SHARE) * np.minimum(distance / view.range_max_m, 1.0), 0.0)
    half_width = 0.5 * seen.across_m
    candidates = np.flatnonzero(visible & tracks.is_confirmed & (half_width > 0.6))
    if len(candidates) == 0:
        return share
    # sine of the angle between the sight lines of every track in view and every blocker
    rows = np.flatnonzero(visible)
    off = np.abs(ux[rows, None] * uy[candidates] - uy[rows, None] * ux[candidates])
    behind = distance[rows, None] > distance[candidates] + 1.0
    behind &= off * distance[candidates] < half_width[candidates]
    behind &= ux[rows, None] * ux[candidates] + uy[rows, None] * uy[candidates] > 0
    share[rows[behind.any(axis=1)]] *= HIDDEN_DETECTION
    return share


def _turned(tracks: Tracks, ux: Floats, uy: Floats) -> tuple[Floats, Floats]:
    weight = np.hypot(tracks.yaw_x, tracks.yaw_y)
    is_known = weight > 0.05
    safe = np.where(is_known, weight, 1.0)
    fx, fy = tracks.yaw_x / safe, tracks.yaw_y / safe
    diagonal = np.sqrt(0.5)  # where the direction is not known: half way between along and across
    return np.where(is_known, fx * ux + fy * uy, diagonal), np.where(is_known, fx * uy - fy * ux, diagonal)
