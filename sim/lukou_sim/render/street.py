"""Empty streets: a plan of surfaces, markings and paths, and the background that a camera sees of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.render.camera import CameraModel, FloatArray

PathKind = Literal["vehicle", "bicycle", "walk"]
RESOLUTION_M = 0.08
"""Size of a pixel of the ground texture. [m]"""
EXTENT_M = 95.0
"""Half the side of the ground texture. [m]"""


@dataclass(slots=True)
class StreetPlan:
    """Streets around one centre.

    Attributes
    ----------
    centre : (x, y)
        Middle of the drawn part. [m]
    surfaces : list of (kind, polygon)
        Painted in order; kind is a key of `Look.surfaces`.
    markings : list of (n, 2) float array
        White polygons.
    paths : list of (kind, polyline)
        Centre lines that road users follow.
    """

    centre: tuple[float, float]
    surfaces: list[tuple[str, FloatArray]] = field(default_factory=list)
    markings: list[FloatArray] = field(default_factory=list)
    paths: list[tuple[PathKind, FloatArray]] = field(default_factory=list)

    def strip(self, kind: str, line: FloatArray, width_m: float) -> None:
        """Add a surface along a line."""
        self.surfaces.append((kind, band(line, width_m)))

    def stripes(self, line: FloatArray, width_m: float, on_m: float, off_m: float) -> None:
        """Add white quadrilaterals along a line: `on_m` long, `off_m` apart."""
        lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        start = off_m / 2
        while start < lengths[-1]:
            end = min(start + on_m, lengths[-1])
            at = np.array([start, end])
            piece = np.column_stack([np.interp(at, lengths, line[:, 0]), np.interp(at, lengths, line[:, 1])])
            if end - start > 0.1:
                self.markings.append(band(piece, width_m))
            start += on_m + off_m


@dataclass(frozen=True, slots=True)
class Look:
    """Colours (blue, green, red), unevenness and weather of a street."""

    surfaces: dict[str, tuple[float, float, float]] = field(
        default_factory=lambda: {
            "ground": (105, 130, 120),
            "green": (70, 110, 85),
            "sidewalk": (165, 168, 172),
            "asphalt": (98, 96, 94),
            "bicycle": (90, 92, 118),
            "refuge": (150, 155, 160),
        }
    )
    marking: float = 215.0
    wear: float = 0.25
    texture: float = 7.0
    sky: tuple[float, float, float] = (225, 215, 205)
    haze: float = 0.15
    gain: float = 1.0
    buildings: int = 14


def band(line: FloatArray, width_m: float) -> FloatArray:
    """(2n, 2) Polygon of a constant width around a line."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]]) * width_m / 2
    return np.concatenate([line + normal, (line - normal)[::-1]])


def ground_texture(plan: StreetPlan, look: Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(n, n, 3) Picture of the ground from above, north up."""
    size = int(2 * EXTENT_M / RESOLUTION_M)

    def pixels(polygon: FloatArray) -> NDArray[np.int32]:
        east = (polygon[:, 0] - plan.centre[0] + EXTENT_M) / RESOLUTION_M
        south = (plan.centre[1] + EXTENT_M - polygon[:, 1]) / RESOLUTION_M
        return np.column_stack([east, south]).round().astype(np.int32)

    texture = np.empty((size, size, 3), np.uint8)
    texture[:] = look.surfaces["ground"]
    for kind, polygon in plan.surfaces:
        colour = np.array(look.surfaces[kind]) + rng.normal(0, 2.0)
        cv2.fillPoly(texture, [pixels(polygon)], colour.tolist())
    paint = np.zeros((size, size), np.uint8)
    for polygon in plan.markings:
        cv2.fillPoly(paint, [pixels(polygon)], int(255 * rng.uniform(1 - look.wear, 1.0)))
    fine = _cloud(rng, size, 4) * look.texture + _cloud(rng, size, 60) * look.texture
    mixed = texture.astype(np.float32) + fine[..., None]
    alpha = (paint.astype(np.float32) / 255)[..., None]
    return np.clip(mixed * (1 - alpha) + (look.marking + fine[..., None] * 0.5) * alpha, 0, 255).astype(np.uint8)


def _cloud(rng: np.random.Generator, size: int, cell: int) -> NDArray[np.float32]:
    coarse = rng.normal(0, 1, (size // cell + 2, size // cell + 2)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def background(
    plan: StreetPlan, camera: CameraModel, look: Look, seed: int, texture: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """The empty street as a camera sees it.

    Parameters
    ----------
    plan : StreetPlan
        The street.
    camera : CameraModel
        The camera.
    look : Look
        Colours and weather.
    seed : int
        Of textures and buildings.
    texture : (n, n, 3) uint8 array, optional
        Of `ground_texture`, where several cameras see the same street.

    Returns
    -------
    (h, w, 3) uint8 array
        Blue, green, red.
    """
    rng = np.random.default_rng(seed)
    texture = ground_texture(plan, look, rng) if texture is None else texture
    scale = 2
    to_texture = np.array(
        [
            [1 / RESOLUTION_M, 0, (EXTENT_M - plan.centre[0]) / RESOLUTION_M],
            [0, -1 / RESOLUTION_M, (plan.centre[1] + EXTENT_M) / RESOLUTION_M],
            [0, 0, 1.0],
        ]
    )
    ground_from_pixel = camera.ground_from_pixel @ np.diag([1 / scale, 1 / scale, 1.0])
    size = (camera.width * scale, camera.height * scale)
    picture = cv2.warpPerspective(
        texture,
        to_texture @ ground_from_pixel,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=look.surfaces["ground"],
    )
    picture = cv2.resize(picture, (camera.width, camera.height), interpolation=cv2.INTER_AREA).astype(np.float32)
    distance = _ground_distance(camera)
    sky = np.isinf(distance)
    fade = np.where(sky, 1.0, 1 - np.exp(-np.where(sky, 0, distance) * look.haze / 60))[..., None]
    picture = picture * (1 - fade) + np.array(look.sky, np.float32) * fade
    gradient = np.linspace(1.0, 0.94, camera.height, dtype=np.float32)[:, None, None]
    picture = np.where(sky[..., None], picture * gradient, picture)
    picture = _with_buildings(picture, plan, camera, look, rng)
    return np.clip(picture * look.gain, 0, 255).astype(np.uint8)


def _ground_distance(camera: CameraModel) -> FloatArray:
    """(h, w) Distance over ground of what each pixel sees; infinite above the horizon. [m]"""
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = np.stack([u + 0.5, v + 0.5, np.ones_like(u)], axis=-1) @ np.linalg.inv(camera.projection[:, :3]).T
    below = rays[..., 2] < -1e-4
    depth = np.where(below, -camera.position_map[2] / np.where(below, rays[..., 2], -1.0), np.inf)
    return np.asarray(np.where(below, depth * np.hypot(rays[..., 0], rays[..., 1]), np.inf))


def _with_buildings(
    picture: FloatArray, plan: StreetPlan, camera: CameraModel, look: Look, rng: np.random.Generator
) -> FloatArray:
    """Draw blocks of houses far from the streets, behind everything that moves."""
    drawn = np.ascontiguousarray(picture)
    position = camera.position_map
    places = rng.uniform(-260, 260, (look.buildings * 6, 2)) + np.array(plan.centre)
    free = np.abs(places - np.array(plan.centre)).min(axis=1) > 48  # off both axes of the crossing
    free &= np.hypot(*(places - position[:2]).T) > 55
    chosen = places[free][: look.buildings]
    order = np.argsort(-np.hypot(*(chosen - position[:2]).T))
    for place in chosen[order]:
        half, height = rng.uniform(8, 18, 2), rng.uniform(6, 40)
        tone = rng.uniform(90, 190) * np.array([1.0, rng.uniform(0.92, 1.05), rng.uniform(0.9, 1.1)])
        corners = place + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        for k in np.argsort([-np.hypot(*((corners[k] + corners[k - 3]) / 2 - position[:2])) for k in range(4)])[2:]:
            a, b = corners[k], corners[k - 3]
            wall = np.array([[*a, 0], [*b, 0], [*b, height], [*a, height]])
            pixels, depths = camera.project(wall)
            if depths.min() > 2 and np.abs(pixels).max() < 6000:
                cv2.fillConvexPoly(drawn, pixels.round().astype(np.int32), (tone * rng.uniform(0.8, 1.0)).tolist())
    return drawn
