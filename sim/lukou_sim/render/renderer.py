"""Draw road users over a static background: projected faces in painter's order, shadows, noise; labels on demand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.render.camera import CameraModel, FloatArray
from lukou_sim.render.shapes import TEMPLATES

NEAREST_M = 1.0
"""Road users with a corner nearer than this along the optical axis are not drawn. [m]"""
SUB_PIXEL_BITS = 3
"""Corners are handed to OpenCV in eighths of a pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Road users to draw; arrays of equal length.

    Attributes
    ----------
    shape : (n,) int array
        `lukou_sim.render.shapes.Shape`.
    x, y, yaw : (n,) float array
        Centre of the footprint and heading in the map frame. [m, m, rad]
    length, width, height : (n,) float array
        Size. [m]
    colours : (n, 8, 3) float array
        Colour by slot: blue, green, red in 0..255.
    """

    shape: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    length: FloatArray
    width: FloatArray
    height: FloatArray
    colours: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a picture shows; arrays of equal length, one element per road user with a visible pixel.

    Attributes
    ----------
    index : (m,) int array
        Index into the scene.
    boxes : (m, 4) float array
        x1, y1, x2, y2 of the visible part's box. [px]
    ground : (m, 2) float array
        Projection of the footprint's centre. [px]
    visible_fraction : (m,) float array
        Visible pixels over the pixels of the whole silhouette, parts outside the picture included; 0..1.
    pixels : (m,) int array
        Visible pixels.
    """

    index: NDArray[np.int64]
    boxes: FloatArray
    ground: FloatArray
    visible_fraction: FloatArray
    pixels: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Faces:
    """Visible faces in painter's order: pixels in eighths (k, 4, 2), colours (k, 3), owner (k,), hull order."""

    corners: NDArray[np.int32]
    colours: list[tuple[float, ...]]
    owner: list[int]


class Renderer:
    """Draws scenes for one camera.

    Parameters
    ----------
    camera : CameraModel
        The camera.
    background : (h, w, 3) uint8 array
        The empty street as this camera sees it (`lukou_sim.render.street`).
    sun_azimuth_rad, sun_elevation_rad : float
        Where the sun stands. [rad]
    shadow : float
        Brightness of shaded ground, 0..1; 1 draws no shadows.
    noise : float
        Standard deviation of the pixel noise; 0: none.
    seed : int
        Of the noise.
    farthest_m : float
        Road users farther along the optical axis are left out: a few pixels that nobody needs. [m]
    """

    def __init__(
        self,
        camera: CameraModel,
        background: NDArray[np.uint8],
        *,
        sun_azimuth_rad: float = 0.9,
        sun_elevation_rad: float = 0.8,
        shadow: float = 0.55,
        noise: float = 4.0,
        seed: int = 0,
        farthest_m: float = np.inf,
    ) -> None:
        self.camera = camera
        self._background = background
        self._shaded = cv2.convertScaleAbs(background, alpha=shadow) if shadow < 1 else None
        self._shadow_mask = np.zeros(background.shape[:2], np.uint8)
        horizontal = math.cos(sun_elevation_rad)
        self._to_sun = np.array(
            [
                horizontal * math.cos(sun_azimuth_rad),
                horizontal * math.sin(sun_azimuth_rad),
                math.sin(sun_elevation_rad),
            ]
        )
        self._noise: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
        if noise > 0:
            rng = np.random.default_rng(seed)
            field = rng.normal(0, noise, (background.shape[0] + 64, background.shape[1] + 64, 3))
            self._noise = (np.clip(field, 0, 255).astype(np.uint8), np.clip(-field, 0, 255).astype(np.uint8))
        self._frame = 0
        self.farthest_m = farthest_m

    def render(self, scene: Scene) -> NDArray[np.uint8]:
        """(h, w, 3) Picture: blue, green, red."""
        picture, _ = self._draw(self._in_sight(scene), None)
        return picture

    def _in_sight(self, scene: Scene) -> Scene:
        """Those whose middle is not far outside the picture; the rest need not be transformed."""
        pixels, depths = self.camera.project(np.column_stack([scene.x, scene.y, scene.height / 2]))
        margin = self.camera.focal_px * (scene.length + 6.0) / np.maximum(depths, 1.0)
        keep = (depths > -2.0) & (pixels[:, 0] > -margin) & (pixels[:, 0] < self.camera.width + margin)
        keep |= np.abs(depths) < 12.0
        keep &= depths < self.farthest_m
        return Scene(*(getattr(scene, name)[keep] for name in Scene.__slots__))

    def render_labelled(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.int32], Labels]:
        """Picture, mask of scene indices (-1: background) and labels."""
        mask = np.full(self._background.shape[:2], -1, np.int32)
        picture, faces = self._draw(scene, mask)
        return picture, mask, self._labels(scene, faces, mask)

    def _draw(self, scene: Scene, mask: NDArray[np.int32] | None) -> tuple[NDArray[np.uint8], _Faces]:
        picture = self._background.copy()
        if self._shaded is not None:
            self._draw_shadows(scene, picture)
        faces = self._faces(scene)
        fill = cv2.fillConvexPoly
        for corners, colour in zip(faces.corners, faces.colours, strict=True):
            fill(picture, corners, colour, cv2.LINE_8, SUB_PIXEL_BITS)
        if mask is not None:
            for corners, owner in zip(faces.corners, faces.owner, strict=True):
                fill(mask, corners, (owner,), cv2.LINE_8, SUB_PIXEL_BITS)
        if self._noise is not None:
            self._frame += 1
            row, column = (self._frame * 37) % 64, (self._frame * 23) % 64
            height, width = picture.shape[:2]
            window = np.s_[row : row + height, column : column + width]
            cv2.add(picture, self._noise[0][window], picture)
            cv2.subtract(picture, self._noise[1][window], picture)
        return picture, faces

    def _draw_shadows(self, scene: Scene, picture: NDArray[np.uint8]) -> None:
        """Shade the ground under each road user and along its shadow (hull of the footprint and the shifted roof)."""
        if len(scene.x) == 0:
            return
        corners = _footprints(scene)  # (n, 4, 2)
        shift = -self._to_sun[:2] / self._to_sun[2] * (scene.height * 0.9)[:, None]
        ground = np.concatenate([corners, corners + shift[:, None, :]], axis=1).reshape(-1, 2)
        pixels, depths = self.camera.project(np.column_stack([ground, np.zeros(len(ground))]))
        near = depths.reshape(-1, 8).min(axis=1) > NEAREST_M
        inside = near & _touches(pixels.reshape(-1, 8, 2), *picture.shape[:2])
        self._shadow_mask[:] = 0
        for polygon in pixels.reshape(-1, 8, 2)[inside]:
            hull = cv2.convexHull(polygon.astype(np.float32))
            cv2.fillConvexPoly(self._shadow_mask, (hull * 8).astype(np.int32), 255, cv2.LINE_8, SUB_PIXEL_BITS)
        cv2.copyTo(self._shaded, self._shadow_mask, picture)

    def _faces(self, scene: Scene) -> _Faces:
        """Faces that look at the camera, far road users first, in each road user far blocks first."""
        position = self.camera.position_map
        collected = []
        for shape in np.unique(scene.shape):
            template = TEMPLATES[shape]
            who = np.flatnonzero(scene.shape == shape)
            size = np.column_stack([scene.length[who], scene.width[who], scene.height[who]])
            local = template.vertices[None] * size[:, None, None, :]  # (m, f, 4, 3)
            cos, sin = np.cos(scene.yaw[who])[:, None, None], np.sin(scene.yaw[who])[:, None, None]
            world = np.empty_like(local)
            world[..., 0] = local[..., 0] * cos - local[..., 1] * sin + scene.x[who, None, None]
            world[..., 1] = local[..., 0] * sin + local[..., 1] * cos + scene.y[who, None, None]
            world[..., 2] = local[..., 2]
            a, b = world[:, :, 1] - world[:, :, 0], world[:, :, 3] - world[:, :, 0]
            normal = np.empty_like(a)  # cross product; numpy's own is slow on small arrays
            normal[..., 0] = a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1]
            normal[..., 1] = a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2]
            normal[..., 2] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
            facing = np.einsum("mfk,mfk->mf", normal, position - world[:, :, 0]) > 0
            light = 0.62 + 0.38 * np.clip(
                (normal @ self._to_sun) / np.sqrt(np.einsum("mfk,mfk->mf", normal, normal) + 1e-12), -0.3, 1
            )
            colour = scene.colours[who][:, template.slots] * light[..., None]
            block = np.broadcast_to(template.blocks, facing.shape)
            # Distance of each face's column, as a growing key from far to near.
            along = (position[0] - scene.x[who]) * cos[:, 0, 0] + (position[1] - scene.y[who]) * sin[:, 0, 0]
            column = np.where(np.isinf(template.columns), -np.inf, np.sign(along)[:, None] * template.columns)
            m, f = np.nonzero(facing)
            collected.append((world[m, f], colour[m, f], who[m], block[m, f], column[m, f]))
        if not collected:
            return _Faces(np.zeros((0, 4, 2), np.int32), [], [])
        world, colour, owner, block, column = (np.concatenate(parts) for parts in zip(*collected, strict=True))
        pixels, depths = self.camera.project(world.reshape(-1, 3))
        pixels, depths = pixels.reshape(-1, 4, 2), depths.reshape(-1, 4)
        keep = (depths.min(axis=1) > NEAREST_M) & _touches(pixels, *self._background.shape[:2])
        distance = np.hypot(scene.x - position[0], scene.y - position[1])[owner]
        order = np.lexsort((block, column, owner, -distance))
        order = order[keep[order]]
        return _Faces((pixels[order] * 8).astype(np.int32), colour[order].tolist(), owner[order].tolist())

    def _labels(self, scene: Scene, faces: _Faces, mask: NDArray[np.int32]) -> Labels:
        count = len(scene.x)
        ground, _ = self.camera.project(np.column_stack([scene.x, scene.y, np.zeros(count)]))
        rows: list[list[float]] = []
        owners = np.array(faces.owner)
        for index in np.unique(owners):
            polygons = faces.corners[owners == index]
            x1, y1 = np.floor(polygons.min(axis=(0, 1)) / 8).astype(int)
            x2, y2 = np.ceil(polygons.max(axis=(0, 1)) / 8).astype(int)
            whole = np.zeros((y2 - y1 + 2, x2 - x1 + 2), np.uint8)
            for polygon in polygons:
                cv2.fillConvexPoly(whole, polygon - np.array([x1, y1], np.int32) * 8, 1, cv2.LINE_8, SUB_PIXEL_BITS)
            left, top = max(x1, 0), max(y1, 0)
            part = mask[top : max(y2 + 2, 0), left : max(x2 + 2, 0)] == index
            pixels = int(cv2.countNonZero(part.view(np.uint8))) if part.size else 0
            if pixels == 0:
                continue
            ys, xs = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
            box = [float(v) for v in (left + xs[0], top + ys[0], left + xs[-1] + 1, top + ys[-1] + 1)]
            rows.append([index, *box, pixels / max(1, int(whole.sum())), pixels])
        table = np.array(rows, dtype=np.float64).reshape(-1, 7)
        index_column = table[:, 0].astype(np.int64)
        return Labels(index_column, table[:, 1:5], ground[index_column], table[:, 5], table[:, 6].astype(np.int64))


def _footprints(scene: Scene) -> FloatArray:
    """(n, 4, 2) Corners of the footprints in the map frame. [m]"""
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    local = unit[None] * np.column_stack([scene.length, scene.width])[:, None, :]
    cos, sin = np.cos(scene.yaw)[:, None], np.sin(scene.yaw)[:, None]
    x = local[..., 0] * cos - local[..., 1] * sin + scene.x[:, None]
    y = local[..., 0] * sin + local[..., 1] * cos + scene.y[:, None]
    return np.stack([x, y], axis=-1)


def _touches(polygons: FloatArray, height: int, width: int) -> NDArray[np.bool_]:
    """Whether the box around each polygon meets the picture and is of sane size."""
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    inside = (high[:, 0] > 0) & (high[:, 1] > 0) & (low[:, 0] < width) & (low[:, 1] < height)
    return np.asarray(inside & (np.abs(polygons).max(axis=(1, 2)) < 8000))
