"""Fit a camera so that the map's lines fall on the edges of its picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.calibration.edges import FARTHEST_PX, Edges, channel_of
from lukou_roadside.calibration.lane_lines import LineSamples
from lukou_roadside.calibration.parameters import camera_at
from lukou_roadside.calibration.solver import Residuals, Solution, solve
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints

LEAST_SPACING_PX = 3.0
"""Samples nearer than this in the picture tell the same: thinned out. [px]"""

EDGE_DEVIATION_PX = 1.0
"""Standard deviation of an edge across its line. [px]"""

MAP_DEVIATION_M = 0.08
"""Standard deviation of a line of the map against its paint or kerb. [m]"""

OBSERVATIONS_PER_LINE = 3.0
"""All samples of one line count as so many observations: they share the errors of paint, kerb and map."""

GATES_PX = (24.0, 12.0, 6.0, 4.0, 4.0)
"""How far an edge may be, round after round. [px]"""

FITS_PX = 3.0
"""An edge this near counts as found. [px]"""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Map lines in the picture; columns of equal length.

    Attributes
    ----------
    row : (n,) int array
        Index into the samples.
    u_px, v_px : (n,) float array
        Place. [px]
    normal_u, normal_v : (n,) float array
        Unit vector across the line.
    across_px : (n,) float array
        Pixels per metre across the line.
    weight : (n,) float array
        Length of the line that the sample stands for. [px]
    """

    row: Ints
    u_px: Floats
    v_px: Floats
    normal_u: Floats
    normal_v: Floats
    across_px: Floats
    weight: Floats


def see(camera: CameraSettings, lines: LineSamples) -> Seen:
    """Where a camera shows the map's lines."""
    calibration = Calibration(camera)
    u, v = calibration.to_picture(lines.x_m, lines.y_m, lines.z_m)
    ahead_u, ahead_v = calibration.to_picture(
        lines.x_m + 0.1 * np.cos(lines.direction_rad), lines.y_m + 0.1 * np.sin(lines.direction_rad), lines.z_m
    )
    along_u, along_v = (ahead_u - u) / 0.1, (ahead_v - v) / 0.1
    density = np.hypot(along_u, along_v)  # pixels per metre along the line
    inside = (u >= 1) & (u < camera.width_px - 1) & (v >= 1) & (v < camera.height_px - 1) & (density > 0.2)
    inside &= np.isfinite(density)
    row = np.flatnonzero(inside)
    along_u, along_v, density = along_u[row], along_v[row], density[row]
    normal_u, normal_v = -along_v / density, along_u / density
    side_u, side_v = calibration.to_picture(
        lines.x_m[row] - 0.1 * np.sin(lines.direction_rad[row]),
        lines.y_m[row] + 0.1 * np.cos(lines.direction_rad[row]),
        lines.z_m[row],
    )
    across_px = np.abs((side_u - u[row]) * normal_u + (side_v - v[row]) * normal_v) / 0.1
    weight = np.minimum(density * 0.5, 40.0)
    return Seen(row, u[row], v[row], normal_u, normal_v, np.nan_to_num(across_px), weight)


def score(camera: CameraSettings, lines: LineSamples, edges: Edges, sigma_px: float = 4.0) -> float:
    """How well the map's lines fall on edges, 0 to 1; lines outside of the picture do not count, too few of them cost."""
    seen = see(camera, lines)
    if len(seen.row) < 20:
        return 0.0
    distance = _distance(seen, edges)
    near = np.exp(-0.5 * (distance / sigma_px) ** 2)
    least = 3.0 * camera.width_px
    return float((near * seen.weight).sum() / (seen.weight.sum() + least))


def found_share(camera: CameraSettings, lines: LineSamples, edges: Edges) -> float:
    """Share of the lines' length in the picture that has an edge within `FITS_PX`."""
    seen = see(camera, lines)
    total = float(seen.weight.sum())
    return float((seen.weight * (_distance(seen, edges) < FITS_PX)).sum()) / total if total > 0 else 0.0


def aligned(
    start: CameraSettings,
    vector: Floats,
    prior_deviation: Floats,
    lines: LineSamples,
    edges: Edges,
    gates_px: tuple[float, ...] = GATES_PX,
    *,
    mean: Floats | None = None,
) -> Solution | None:
    """Move a camera until the map's lines fall on edges.

    For each sample of a line the nearest edge of about its direction is taken, and the distance across the line minimised, again and again
    (C. Harris, "Tracking with Rigid Models" (1992); T. Drummond, R. Cipolla, "Real-Time Visual Tracking of Complex Structures" (2002)).

    Parameters
    ----------
    start : CameraSettings
        Lens and focal length that `vector` refers to.
    vector, prior_deviation : (8,) float array
        Where to begin and how far it may be off; 0: fixed.
    lines, edges
        The map's lines and the picture's edges.
    gates_px : tuple of float
        How far an edge may be, round after round. [px]
    mean : (8,) float array, optional
        Middle of the prior; `vector` if not given.

    Returns
    -------
    Solution or None
        None where too few lines meet edges.
    """
    prior, found = vector if mean is None else mean, None
    for gate in gates_px:
        camera = camera_at(start, vector)
        seen = see(camera, lines)
        keep = _thinned(seen, camera)
        target, distance = _targets(seen, edges)
        keep &= distance < gate
        if keep.sum() < 25:
            return None
        rows = _residuals(start, lines, seen, target, keep)
        per_line = float(keep.sum()) / len(np.unique(lines.line[seen.row[keep]]))
        shared = max(1.0, per_line / OBSERVATIONS_PER_LINE)
        found = solve(rows, vector, prior_deviation, prior=prior, rows_per_observation=shared, iterations=6)
        vector = found.vector
    return found


def _residuals(start: CameraSettings, lines: LineSamples, seen: Seen, target: Floats, keep: Booleans) -> Residuals:
    chosen = np.flatnonzero(keep)
    points = lines.take(seen.row[chosen])
    normal_u, normal_v, target = seen.normal_u[chosen], seen.normal_v[chosen], target[chosen]
    deviation_px = np.hypot(EDGE_DEVIATION_PX, MAP_DEVIATION_M * seen.across_px[chosen])

    def residuals(at: Floats) -> Floats:
        u, v = Calibration(camera_at(start, at)).to_picture(points.x_m, points.y_m, points.z_m)
        across = (u - target[:, 0]) * normal_u + (v - target[:, 1]) * normal_v
        return np.asarray((across / deviation_px)[:, None])

    return residuals


def _thinned(seen: Seen, camera: CameraSettings) -> Booleans:
    """One sample per cell of the picture and line, so that what is far away does not count for more than it shows."""
    cell = (np.floor(seen.u_px / LEAST_SPACING_PX) * 100003 + np.floor(seen.v_px / LEAST_SPACING_PX)).astype(np.int64)
    _, first = np.unique(cell, return_index=True)
    keep = np.zeros(len(seen.row), np.bool_)
    keep[first] = True
    return keep


def _pixels(seen: Seen, edges: Edges) -> tuple[Ints, Ints, Ints]:
    channel = channel_of(-seen.normal_v, seen.normal_u)
    height, width = edges.distance.shape[1:]
    column = np.clip(seen.u_px.astype(np.int64), 0, width - 1)
    row = np.clip(seen.v_px.astype(np.int64), 0, height - 1)
    return channel, row, column


def _distance(seen: Seen, edges: Edges) -> Floats:
    channel, row, column = _pixels(seen, edges)
    return np.minimum(edges.distance[channel, row, column].astype(np.float64), FARTHEST_PX)


def _targets(seen: Seen, edges: Edges) -> tuple[Floats, Floats]:
    """Nearest edges, at the middle of their pixels, and their distance across the line. [px]"""
    channel, row, column = _pixels(seen, edges)
    target = edges.nearest[channel, row, column].astype(np.float64) + 0.5
    across = (seen.u_px - target[:, 0]) * seen.normal_u + (seen.v_px - target[:, 1]) * seen.normal_v
    far = edges.distance[channel, row, column] > FARTHEST_PX
    return target, np.where(far, np.inf, np.abs(across))
