"""Pose and focal length from one picture of the empty street and the map: vanishing points first, then lane lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lukou_maps.road_model import RoadModel
from lukou_roadside.calibration.alignment import aligned, found_share
from lukou_roadside.calibration.edges import find_edges, find_segments
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.ground_lines import GroundLines, edge_points
from lukou_roadside.calibration.judge import Judge
from lukou_roadside.calibration.lane_lines import lane_lines
from lukou_roadside.calibration.parameters import PARAMETERS, camera_at
from lukou_roadside.calibration.solver import Solution
from lukou_roadside.calibration.vanishing import Search, orientations
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats

FOCAL_FACTORS = np.geomspace(0.55, 1.8, 9)
"""Factors on the guessed focal length where it is not known."""

REFINED = 14
"""Best coarse places that are refined."""

LEAST_SHARE = 0.42
"""With a smaller share of the map's lines on edges the result is refused: on rendered cameras all below were wrong, nearly all above right."""

RIVAL_SCORE = 0.04
"""A place whose score is lower by this is e times less likely."""

AMBIGUOUS = 0.94
"""A second, different place with this share of the best's score makes the result ambiguous."""


@dataclass(frozen=True, slots=True)
class Rough:
    """How far the start may be off.

    Attributes
    ----------
    place_m, height_m : float
        Horizontally and vertically. [m]
    azimuth_rad : float
        Direction of view over ground. [rad]
    is_focal_known : bool
        Whether the start's focal length holds to 3 %.
    """

    place_m: float = 4.0
    height_m: float = 3.0
    azimuth_rad: float = np.radians(20.0)
    is_focal_known: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LineFit:
    """What was found.

    Attributes
    ----------
    solution : Solution
        Parameters and covariance.
    found_share : float
        Share of the map's lines in the picture that lie on edges.
    vanishing_share : float
        Share of the picture's segments that run to vanishing points of the map's directions.
    rival : (8,) float array or None
        Another place that fits nearly as well.
    """

    solution: Solution
    found_share: float
    vanishing_share: float
    rival: Floats | None


def from_lines(
    picture: NDArray[np.uint8], model: RoadModel, start: CameraSettings, rough: Rough, seed: int = 0
) -> LineFit:
    """Find the camera from lane lines.

    Parameters
    ----------
    picture : (h, w, 3) uint8 array
        The street, best without traffic (an average of some minutes).
    model : RoadModel
        The map.
    start : CameraSettings
        Lens, rough place, rough direction, guessed or known focal length.
    rough : Rough
        How far the start may be off.
    seed : int
        Of the random part of the search.

    Raises
    ------
    CalibrationError
        The picture and the map share too little.
    """
    near = start.x_m, start.y_m
    lines = lane_lines(model, near)
    if len(lines) < 40:
        raise CalibrationError("the map has no lanes within 90 m of the camera; check its place")
    factors = np.ones(1) if rough.is_focal_known else FOCAL_FACTORS
    search = Search(rough.azimuth_rad, (np.radians(-50.0), np.radians(-4.0)), np.radians(3.0), factors)
    segments = find_segments(picture, 0.03 * start.width_px)
    turned = orientations(segments, lines, start, search)
    if not turned:
        raise CalibrationError(
            "no straight lines in the picture; give a sharper one by daylight, or use `lukou calibrate points`"
        )
    edges = find_edges(picture)
    judge = Judge(lines, edges, GroundLines(lines, model, near), edge_points(segments))
    prior = np.zeros(len(PARAMETERS))
    prior[:3] = rough.place_m, rough.place_m, rough.height_m
    prior[3:6] = rough.azimuth_rad, np.radians(10.0), np.radians(2.0)
    prior[6] = 0.03 if rough.is_focal_known else 0.4
    fits: list[tuple[float, Solution]] = []
    for vector in _coarse(turned, start, judge, rough, seed):
        found = aligned(start, vector, prior, lines, edges)
        if found is not None and found.vector[2] > lines.z_m.min() + 1.0:
            fits.append((judge.score(camera_at(start, found.vector), sigma_px=2.0), found))
    if not fits:
        raise CalibrationError(
            "the map's lanes meet no edges of the picture; check place and direction, or use `lukou calibrate points`"
        )
    fits.sort(key=lambda one: -one[0])
    best = fits[0][1]
    final = aligned(start, best.vector, np.where(prior > 0, np.inf, 0.0), lines, edges, (5.0, 4.0, 4.0)) or best
    if np.abs(final.vector - best.vector)[:2].max() > 1.5:
        final = best
    rival = next(
        (one.vector for told, one in fits[1:] if told > AMBIGUOUS * fits[0][0] and _differ(one.vector, best.vector)),
        None,
    )
    share = found_share(camera_at(start, final.vector), lines, edges)
    if share < LEAST_SHARE:
        raise CalibrationError(
            f"in the best place found only {share:.0%} of the map's lines lie on edges of the picture, too few to trust; "
            "give --focal and a nearer --near, or use `lukou calibrate points`"
        )
    return LineFit(_with_rivals(final, fits), share, turned[0][0], rival)


def _with_rivals(final: Solution, fits: list[tuple[float, Solution]]) -> Solution:
    """The result with the covariance of the mixture of all places that fit about as well."""
    weight = np.array([np.exp((told - fits[0][0]) / RIVAL_SCORE) for told, _ in fits])
    off = np.array([one.vector - final.vector for _, one in fits])
    off[0] = 0.0
    off[:, 3] = np.arctan2(np.sin(off[:, 3]), np.cos(off[:, 3]))
    spread = np.einsum("n,np,nq->pq", weight / weight.sum(), off, off)
    return replace(final, covariance=final.covariance + spread)


def _differ(a: Floats, b: Floats) -> bool:
    return bool(np.hypot(*(a - b)[:2]) > 1.0 or np.abs(a - b)[3:5].max() > 0.02)


def _coarse(
    turned: list[tuple[float, Floats]], start: CameraSettings, judge: Judge, rough: Rough, seed: int
) -> list[Floats]:
    """Places on a grid for each likely orientation; the best, unlike each other."""
    lines, few = judge.lines, judge.with_few_lines(700, seed)
    offsets = np.arange(-rough.place_m, rough.place_m + 1e-6, 1.0)
    heights = np.linspace(-rough.height_m, rough.height_m, 5)
    tried: list[tuple[float, Floats]] = []
    for told, vector in turned[:6]:
        for dz in heights:
            for dx in offsets:
                for dy in offsets:
                    if dx * dx + dy * dy > (rough.place_m + 0.5) ** 2:
                        continue
                    moved = vector.copy()
                    moved[:3] += dx, dy, dz
                    if moved[2] < lines.z_m.min() + 2.5:
                        continue
                    tried.append((told * few.score(camera_at(start, moved), sigma_px=6.0), moved))
    tried.sort(key=lambda one: -one[0])
    chosen: list[Floats] = []
    for _, vector in tried:
        apart = [np.abs(vector - other) for other in chosen]
        if all((off[:3] > [1.1, 1.1, 1.6]).any() or off[3:5].max() > 0.02 for off in apart):
            chosen.append(vector)
        if len(chosen) == REFINED:
            break
    return chosen
