"""Direction of view and focal length from vanishing points: lines of the picture that run where the map's roads run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_roadside.calibration.lane_lines import LineSamples
from lukou_roadside.calibration.parameters import vector_of
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats

DIRECTIONS = 5
"""Directions of the map that count: the commonest."""

ACROSS_RAD = np.radians(1.5)
"""Standard deviation of a segment's direction against the line to its vanishing point. [rad]"""

KEPT = 12
"""Orientations handed on."""


@dataclass(frozen=True, slots=True)
class Search:
    """Range in which the direction of view is looked for.

    Attributes
    ----------
    azimuth_rad : float
        Either side of the start's azimuth. [rad]
    pitch_rad : (float, float)
        Lowest and highest pitch. [rad]
    roll_rad : float
        Either side of level. [rad]
    focal_factors : (k,) float array
        Factors on the start's focal length; one where it is known.
    """

    azimuth_rad: float
    pitch_rad: tuple[float, float]
    roll_rad: float
    focal_factors: Floats


def map_directions(lines: LineSamples) -> tuple[Floats, Floats]:
    """Commonest directions of lines on the ground, modulo half a turn, and their shares.

    Returns
    -------
    direction_rad, share : (k,) float array
        Up to `DIRECTIONS`. [rad, 1]
    """
    bins = 90
    angle = np.mod(lines.direction_rad, np.pi)
    count = np.bincount(np.minimum((angle / np.pi * bins).astype(np.int64), bins - 1), minlength=bins).astype(float)
    found, shares = [], []
    for _ in range(DIRECTIONS):
        smooth = count + np.roll(count, 1) + np.roll(count, -1)
        peak = int(np.argmax(smooth))
        if smooth[peak] < 0.04 * len(angle) or smooth[peak] <= 0:
            break
        off = np.mod(angle - (peak + 0.5) * np.pi / bins + np.pi / 2, np.pi) - np.pi / 2
        mine = np.abs(off) < 1.5 * np.pi / bins
        found.append((peak + 0.5) * np.pi / bins + float(off[mine].mean()))
        shares.append(float(mine.mean()))
        count[np.arange(peak - 1, peak + 2) % bins] = 0.0
    return np.array(found), np.array(shares)


def orientations(
    segments: Floats, lines: LineSamples, start: CameraSettings, search: Search
) -> list[tuple[float, Floats]]:
    """Directions of view under which the picture's segments run to the vanishing points of the map's directions.

    The world is a few horizontal directions and the vertical, as in G. Schindler, F. Dellaert, "Atlanta World" (2004); the score is the
    length of the segments that agree with one of them.

    Parameters
    ----------
    segments : (n, 4) float array
        Of the picture. [px]
    lines : LineSamples
        Of the map.
    start : CameraSettings
        Lens, size, focal length and azimuth to begin with.
    search : Search
        Range.

    Returns
    -------
    list of (float, (8,) float array)
        Share of the segments' length that agrees, and parameters as in `parameters`, best first; places are the start's.
    """
    angles, shares = map_directions(lines)
    if len(segments) == 0 or len(angles) == 0:
        return []
    world = np.column_stack([np.cos(angles), np.sin(angles), np.zeros(len(angles))])
    world = np.vstack([world, [0.0, 0.0, 1.0]])
    trust = np.append(0.6 + 0.4 * shares / shares.max(), 0.6)
    camera = Calibration(start)
    ends = []
    for k in (0, 2):
        x, y = camera.lens.undistorted(
            (segments[:, k] - camera.centre_x_px) / camera.focal_x_px,
            (segments[:, k + 1] - camera.centre_y_px) / camera.focal_y_px,
        )
        ends.append(np.column_stack([x, y]))
    good = np.isfinite(ends[0]).all(axis=1) & np.isfinite(ends[1]).all(axis=1)
    middle, along = (ends[0] + ends[1])[good] / 2, (ends[1] - ends[0])[good]
    length = np.hypot(*along.T)
    along /= length[:, None]
    weight = np.minimum(length, 0.25)

    base = vector_of(start)
    grid = _grid(base, search)
    score = np.concatenate(
        [
            _scores(start, part, world, trust, middle, along, weight)
            for part in np.array_split(grid, max(1, len(grid) // 256))
        ]
    )
    found: list[tuple[float, Floats]] = []
    for k in np.argsort(-score):
        if all((np.abs(grid[k] - other)[3:7] > [0.04, 0.04, 0.05, 0.1]).any() for _, other in found):
            found.append((float(score[k]), grid[k]))
        if len(found) == KEPT:
            break
    polished = [_polished(start, one, world, trust, middle, along, weight) for _, one in found]
    return sorted(polished, key=lambda one: -one[0])


def _grid(base: Floats, search: Search) -> Floats:
    azimuth = base[3] + np.arange(-search.azimuth_rad, search.azimuth_rad + 1e-9, np.radians(2.0))
    pitch = np.arange(search.pitch_rad[0], search.pitch_rad[1] + 1e-9, np.radians(2.0))
    roll = np.linspace(-search.roll_rad, search.roll_rad, 3) if search.roll_rad > 0 else np.zeros(1)
    mesh = np.stack(np.meshgrid(azimuth, pitch, roll, np.log(search.focal_factors), indexing="ij"), axis=-1).reshape(
        -1, 4
    )
    grid = np.tile(base, (len(mesh), 1))
    grid[:, 3:7] = mesh
    return grid


def _scores(
    start: CameraSettings, vectors: Floats, world: Floats, trust: Floats, middle: Floats, along: Floats, weight: Floats
) -> Floats:
    """(h,) Share of the length that agrees."""
    axes = _axes(vectors)  # (h, 3, 3)
    focal = np.exp(vectors[:, 6])
    vanishing = np.einsum("hij,dj->hdi", axes, world)
    # picture coordinates refer to the start's focal length: a longer one moves vanishing points outwards
    vanishing[..., :2] *= focal[:, None, None]
    to_x = vanishing[:, :, None, 0] - vanishing[:, :, None, 2] * middle[None, None, :, 0]
    to_y = vanishing[:, :, None, 1] - vanishing[:, :, None, 2] * middle[None, None, :, 1]
    across = to_x * along[None, None, :, 1] - to_y * along[None, None, :, 0]
    sine2 = across * across / np.maximum(to_x * to_x + to_y * to_y, 1e-12)
    agrees = np.exp(-0.5 * sine2 / ACROSS_RAD**2) * trust[None, :, None]
    return np.asarray((agrees.max(axis=1) * weight).sum(axis=1) / weight.sum())


def _polished(
    start: CameraSettings, vector: Floats, world: Floats, trust: Floats, middle: Floats, along: Floats, weight: Floats
) -> tuple[float, Floats]:
    """Climb to the top of the score by random steps that shrink."""
    rng = np.random.default_rng(0)
    best, top = vector.copy(), -1.0
    has_focal = 0.08 if vector[6] != 0.0 else 0.0
    for size in (1.0, 0.5, 0.25, 0.12):
        tries = np.tile(best, (120, 1))
        tries[1:, 3:7] += rng.normal(0, 1, (119, 4)) * np.array([0.02, 0.02, 0.015, has_focal]) * size
        score = _scores(start, tries, world, trust, middle, along, weight)
        k = int(np.argmax(score))
        best, top = tries[k], float(score[k])
    return top, best


def _axes(vectors: Floats) -> Floats:
    """(h, 3, 3) Rows right, down, forward of each camera."""
    azimuth, pitch, roll = vectors[:, 3], vectors[:, 4], vectors[:, 5]
    zero = np.zeros_like(azimuth)
    forward = np.stack([np.cos(pitch) * np.cos(azimuth), np.cos(pitch) * np.sin(azimuth), np.sin(pitch)], axis=-1)
    right = np.stack([np.sin(azimuth), -np.cos(azimuth), zero], axis=-1)
    down = np.cross(forward, right)
    c, s = np.cos(roll)[:, None], np.sin(roll)[:, None]
    return np.stack([c * right + s * down, c * down - s * right, forward], axis=1)
