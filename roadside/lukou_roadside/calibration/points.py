"""Pose and focal length from points that are known in the picture and on the map."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.parameters import PARAMETERS, camera_at, pose_of, vector_of
from lukou_roadside.calibration.solver import Residuals, Solution, solve
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats, Ints

FOCAL_SHARES = np.geomspace(0.35, 4.0, 24)
"""Focal lengths that are tried where none is known, over the picture's width (110 to 14 degrees of view)."""

SUBSETS = 60
"""Random subsets of the points that are tried with each focal length, so that wrong points do no harm."""

STARTS = 6
"""Best starts that are refined."""

TRUNCATED = 8.0
"""Residual beyond which a point counts as wrong while starts are compared, in standard deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Points in the picture and on the map.

    Attributes
    ----------
    names : tuple of str
        Name of each, may be empty.
    u_px, v_px : (n,) float array
        In the picture, from its upper left corner. [px]
    x_m, y_m, z_m : (n,) float array
        On the map. [m]
    """

    names: tuple[str, ...]
    u_px: Floats
    v_px: Floats
    x_m: Floats
    y_m: Floats
    z_m: Floats

    def __len__(self) -> int:
        return len(self.u_px)

    def take(self, rows: Ints) -> Pairs:
        """Some of them."""
        columns = (self.u_px[rows], self.v_px[rows], self.x_m[rows], self.y_m[rows], self.z_m[rows])
        return Pairs(tuple(self.names[k] for k in rows), *columns)


@dataclass(frozen=True, slots=True)
class PairNoise:
    """Standard deviations of pairs.

    Attributes
    ----------
    pixel_px : float
        Of a clicked point. [px]
    map_m : float
        Of a point of the map; near the camera it is the larger error. [m]
    """

    pixel_px: float = 2.0
    map_m: float = 0.1

    def of(self, pairs: Pairs, camera: CameraSettings) -> Floats:
        """(n,) Both together, in the picture. [px]"""
        calibration = Calibration(camera)
        world = np.column_stack([pairs.x_m, pairs.y_m, pairs.z_m])
        distance = np.linalg.norm(world - calibration.position_map, axis=1)
        return np.asarray(np.hypot(self.pixel_px, self.map_m * calibration.focal_x_px / np.maximum(distance, 1.0)))


def read_pairs(path: Path) -> Pairs:
    """Read a CSV with the columns ``u,v,x,y`` and, if wanted, ``z`` (nan where absent) and ``name``.

    Raises
    ------
    CalibrationError
        The file cannot be read, a column is missing, or a value is no number; with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CalibrationError(f"{path}: {error}") from None
    missing = [name for name in ("u", "v", "x", "y") if not rows or name not in rows[0]]
    if missing:
        raise CalibrationError(
            f"{path}: expected columns u,v,x,y[,z][,name] and at least one row; missing: {', '.join(missing)}"
        )
    values = []
    for number, row in enumerate(rows, 2):
        try:
            told = [float(row[name] or "nan") for name in ("u", "v", "x", "y")]
            told.append(float(row.get("z") or "nan"))
        except (TypeError, ValueError) as error:
            raise CalibrationError(f"{path}: line {number}: {error}") from None
        if not np.isfinite(told[:4]).all():
            raise CalibrationError(f"{path}: line {number}: u, v, x and y must be finite numbers")
        values.append(told)
    names = tuple(str(row.get("name") or f"point {k + 1}") for k, row in enumerate(rows))
    return Pairs(names, *np.array(values).T)


def from_points(
    pairs: Pairs,
    start: CameraSettings,
    *,
    is_focal_known: bool,
    solve_distortion: bool = False,
    noise: PairNoise | None = None,
    seed: int = 0,
) -> Solution:
    """Find the camera that sees map points where the picture shows them.

    Starts come from random subsets of the points by SQPnP (G. Terzakis, M. Lourakis, "A Consistently Fast and Globally Optimal Solution to
    the Perspective-n-Point Problem" (2020)) for a range of focal lengths; the best are refined over all points with Cauchy weights.

    Parameters
    ----------
    pairs : Pairs
        At least 4 points, 5 without a known focal length; more make it trustworthy.
    start : CameraSettings
        Size of the picture, lens, and the focal length where it is known; its pose does not count.
    is_focal_known : bool
        Whether the start's focal length holds.
    solve_distortion : bool
        Whether to solve for the first radial coefficient too; takes 8 points spread over the picture.
    noise : PairNoise, optional
        How well points are clicked and known.
    seed : int
        Of the subsets.

    Raises
    ------
    CalibrationError
        Too few points, all on one line, or no camera that sees them.
    """
    least = 4 + (not is_focal_known) + 3 * solve_distortion
    if len(pairs) < least:
        raise CalibrationError(
            f"{len(pairs)} points do not determine this camera; give at least {least}, better 8 spread over the picture"
        )
    spread = np.linalg.svd(np.column_stack([pairs.x_m, pairs.y_m]) - [pairs.x_m.mean(), pairs.y_m.mean()])[1]
    if spread[1] < 0.02 * spread[0] or spread[0] < 1.0:
        raise CalibrationError("the points lie on one line of the map; add some to its left and right")
    if np.ptp(pairs.u_px) < 10 or np.ptp(pairs.v_px) < 10:
        raise CalibrationError("the points lie on one line of the picture; spread them over the street")

    free = np.full(len(PARAMETERS), np.inf)
    free[6] = 0.0 if is_focal_known else np.inf
    free[7] = 0.2 if solve_distortion else 0.0

    noise = noise or PairNoise()
    solutions = []
    for vector in _starts(pairs, start, is_focal_known, noise.pixel_px, seed):
        for _ in range(2):  # once more with the errors' sizes as they are seen from the better place
            found = solve(_residuals(pairs, start, noise.of(pairs, camera_at(start, vector))), vector, free)
            vector = found.vector
        if vector[2] > pairs.z_m.min() and np.isfinite(vector).all():
            solutions.append(found)
    if not solutions:
        raise CalibrationError(
            "no camera above the ground sees these points so; check for mixed-up rows, and that v counts downwards"
        )
    best = min(solutions, key=lambda one: one.cost)
    if (best.weights > 0.5).sum() < least:
        raise CalibrationError(
            "no camera agrees with enough of the points; check them, the picture's size and the focal length"
        )
    return best


def left_out_errors_m(pairs: Pairs, start: CameraSettings, solution: Solution, noise: PairNoise) -> Floats | None:
    """(n,) Error on the ground of each good point when it takes no part; nan for outliers, None with too few points to tell. [m]"""
    good = np.flatnonzero(solution.weights > 0.5)
    free = np.where(np.diag(solution.covariance) > 0, np.inf, 0.0)
    free[7] = 0.2 if free[7] else 0.0
    if len(good) < 6:
        return None
    errors = np.full(len(pairs), np.nan)
    deviation_px = noise.of(pairs, camera_at(start, solution.vector))
    for k in good:
        rest = good[good != k]
        found = solve(_residuals(pairs.take(rest), start, deviation_px[rest]), solution.vector, free, iterations=10)
        camera = Calibration(camera_at(start, found.vector))
        x, y = camera.to_ground(pairs.u_px[[k]], pairs.v_px[[k]], pairs.z_m[[k]])
        errors[k] = float(np.hypot(x - pairs.x_m[k], y - pairs.y_m[k])[0])
    return errors


def _residuals(pairs: Pairs, start: CameraSettings, deviation_px: Floats) -> Residuals:
    def residuals(vector: Floats) -> Floats:
        u, v = Calibration(camera_at(start, vector)).to_picture(pairs.x_m, pairs.y_m, pairs.z_m)
        return np.column_stack([u - pairs.u_px, v - pairs.v_px]) / deviation_px[:, None]

    return residuals


def _starts(pairs: Pairs, start: CameraSettings, is_focal_known: bool, deviation_px: float, seed: int) -> list[Floats]:
    """Promising cameras, best first."""
    rng = np.random.default_rng(seed)
    world = np.column_stack([pairs.x_m, pairs.y_m, pairs.z_m])
    middle = world.mean(axis=0)
    size = min(len(pairs), 4 if is_focal_known else 5)
    subsets = [np.arange(len(pairs))]
    subsets += [rng.choice(len(pairs), size, replace=False) for _ in range(SUBSETS if len(pairs) > size else 0)]
    factors = [1.0] if is_focal_known else (FOCAL_SHARES * start.width_px / start.focal_x_px).tolist()
    found: list[tuple[float, Floats]] = []
    for factor in factors:
        camera = camera_at(start, np.array([0, 0, 0, 0, 0, 0, np.log(factor), vector_of(start)[7]]))
        lens = Calibration(camera)
        x, y = lens.lens.undistorted(
            (pairs.u_px - lens.centre_x_px) / lens.focal_x_px, (pairs.v_px - lens.centre_y_px) / lens.focal_y_px
        )
        seen = np.column_stack([x, y])
        for rows in subsets:
            if not np.isfinite(seen[rows]).all():
                continue
            vector = _posed(world[rows] - middle, seen[rows])
            if vector is None or vector[2] <= (world[rows] - middle)[:, 2].min():
                continue
            vector = np.array([*(vector[:3] + middle), *vector[3:], np.log(factor), vector_of(start)[7]])
            u, v = Calibration(camera_at(start, vector)).to_picture(*world.T)
            off = np.nan_to_num(np.hypot(u - pairs.u_px, v - pairs.v_px) / deviation_px, nan=np.inf)
            found.append((float(np.minimum(off, TRUNCATED * 2).sum()), vector))
    found.sort(key=lambda one: one[0])
    chosen: list[Floats] = []
    for _, vector in found:
        scales = np.array([1.0, 1.0, 1.0, 0.03, 0.03, 0.03, 0.03, 1.0])
        if all((np.abs(vector - other) > scales).any() for other in chosen):
            chosen.append(vector)
        if len(chosen) == STARTS:
            break
    return chosen


def _posed(world: Floats, seen: Floats) -> Floats | None:
    try:
        done, rotation, translation = cv2.solvePnP(world, seen, np.eye(3), None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return None
    if not done:
        return None
    axes = np.asarray(cv2.Rodrigues(rotation)[0], np.float64)
    return pose_of(axes, (-axes.T @ np.asarray(translation, np.float64)).ravel())
