"""Probability that a sensor detects what is there: in view, not too far, not hidden behind another road user."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.scan import CAMERA, Booleans, Floats, Scan, View
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


def detection_probability(tracks: Tracks, scan: Scan) -> Floats:
    """Probability that `scan` holds a detection of each track.

    Parameters
    ----------
    tracks : Tracks
        Tracks at the time of the scan.
    scan : Scan
        The scan; only its views and kind matter.

    Returns
    -------
    (n,) float array
        Probability; the best of all views.
    """
    base = CAMERA_DETECTION if scan.kind == CAMERA else RADAR_DETECTION
    if not scan.views:
        return np.full(len(tracks), base)
    best = np.full(len(tracks), OUT_OF_VIEW)
    for view in scan.views:
        np.maximum(best, base * _share(tracks, view), out=best)
    if scan.kind != CAMERA:
        ux, uy, _ = sight_line(tracks.state[:, 0], tracks.state[:, 1], scan.views[0])
        radial = np.abs(ux * tracks.state[:, 2] + uy * tracks.state[:, 3])
        best = np.where(radial > 0.7, best, best * STANDING_RADAR_SHARE)
    return best


def in_view(x_m: Floats, y_m: Floats, view: View) -> Booleans:
    """Whether points are within a view."""
    ux, uy, distance = sight_line(x_m, y_m, view)
    facing = ux * np.cos(view.azimuth_rad) + uy * np.sin(view.azimuth_rad)
    inside = (distance > view.range_min_m) & (distance < view.range_max_m)
    return np.asarray(inside & (facing > np.cos(min(view.opening_rad / 2.0, np.pi))))


def sight_line(x_m: Floats, y_m: Floats, view: View) -> tuple[Floats, Floats, Floats]:
    """Unit vector from the sensor to points, and their distance. [1, 1, m]"""
    dx, dy = x_m - view.x_m, y_m - view.y_m
    distance = np.maximum(np.hypot(dx, dy), 1e-3)
    return dx / distance, dy / distance, distance


def _share(tracks: Tracks, view: View) -> Floats:
    """Share of the full detection probability of each track in one view; 0 outside."""
    x_m, y_m = tracks.state[:, 0], tracks.state[:, 1]
    ux, uy, distance = sight_line(x_m, y_m, view)
    visible = in_view(x_m, y_m, view)
    share = np.where(visible, 1.0 - (1.0 - FAR_SHARE) * np.clip(distance / view.range_max_m, 0.0, 1.0), 0.0)
    half_width = 0.5 * across_extent(tracks, ux, uy)
    candidates = np.flatnonzero(visible & tracks.is_confirmed & (half_width > 0.6))
    if len(candidates) == 0:
        return share
    # sine of the angle between the sight lines of every track and every blocker
    off = np.abs(ux[:, None] * uy[None, candidates] - uy[:, None] * ux[None, candidates])
    nearer = distance[:, None] > distance[None, candidates] + 1.0
    behind = nearer & (off * distance[None, candidates] < half_width[None, candidates])
    same_side = ux[:, None] * ux[None, candidates] + uy[:, None] * uy[None, candidates] > 0
    return np.where((behind & same_side).any(axis=1), share * HIDDEN_DETECTION, share)


def across_extent(tracks: Tracks, ux: Floats, uy: Floats) -> Floats:
    """Extent of each footprint across a direction. [m]"""
    cos, sin = _turned(tracks, ux, uy)
    return np.asarray(np.abs(sin) * tracks.length_m + np.abs(cos) * tracks.width_m)


def along_extent(tracks: Tracks, ux: Floats, uy: Floats) -> Floats:
    """Extent of each footprint along a direction. [m]"""
    cos, sin = _turned(tracks, ux, uy)
    return np.asarray(np.abs(cos) * tracks.length_m + np.abs(sin) * tracks.width_m)


def _turned(tracks: Tracks, ux: Floats, uy: Floats) -> tuple[Floats, Floats]:
    weight = np.hypot(tracks.yaw_x, tracks.yaw_y)
    is_known = weight > 0.05
    safe = np.where(is_known, weight, 1.0)
    fx, fy = tracks.yaw_x / safe, tracks.yaw_y / safe
    diagonal = np.sqrt(0.5)  # where the direction is not known: half way between along and across
    return np.where(is_known, fx * ux + fy * uy, diagonal), np.where(is_known, fx * uy - fy * ux, diagonal)
