"""Draw road users over a static background: projected faces in painter's order, shadows, noise; labels on demand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.compiled import compiled
from lukou_sim.render.camera import CameraModel, FloatArray
from lukou_sim.render.lens import Lens
from lukou_sim.render.night import Beams, bloom, is_lamp
from lukou_sim.render.shapes import LIT_TEMPLATES, TEMPLATES, Slot
from lukou_sim.render.weather import CLEAR, Street, Weather, light_at, relit

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
    contrast : (m,) float array
        How much the visible pixels differ from the empty street on average, before noise and lens. [0..255]
    """

    index: NDArray[np.int64]
    boxes: FloatArray
    ground: FloatArray
    visible_fraction: FloatArray
    pixels: NDArray[np.int64]
    contrast: FloatArray


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
    weather : Weather
        Weather and light; a clear day costs nothing.
    lamps : (n, 2) float array, optional
        Where street lamps stand (`lukou_sim.render.weather.street_lamps`). [m]
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
        weather: Weather = CLEAR,
        lamps: FloatArray | None = None,
    ) -> None:
        self.camera = self._view = camera
        self._weather = weather
        self._lamps = np.zeros((0, 2)) if lamps is None else lamps
        self._lens: Lens | None = None
        if weather.is_clear:
            shaded = cv2.convertScaleAbs(background, alpha=shadow) if shadow < 1 else None
            self._street = Street(background, shaded, background)
        else:
            shadow = 1 - (1 - shadow) * (1 - 0.8 * weather.overcast)
            self._street = relit(background, camera, weather, self._lamps, shadow=shadow, seed=seed)
            self._lens = Lens(camera, weather, seed)
            sun_azimuth_rad, sun_elevation_rad = _sun(weather, sun_azimuth_rad, sun_elevation_rad)
            noise *= 1 + weather.darkness  # the sensor's gain
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
        picture, _, _ = self._draw(self._in_sight(scene), None)
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
        mask = np.full(self._street.empty.shape[:2], -1, np.int32)
        picture, faces, difference = self._draw(scene, mask)
        assert difference is not None
        return picture, mask, self._labels(scene, faces, mask, difference)

    def _draw(
        self, scene: Scene, mask: NDArray[np.int32] | None
    ) -> tuple[NDArray[np.uint8], _Faces, NDArray[np.uint8] | None]:
        self._frame += 1
        street = self._street_now()
        picture = street.empty
        if street.shaded is not None:
            self._draw_shadows(scene, picture, street.shaded)
        beams = None
        if self._weather.has_headlights:
            place = scene.x, scene.y, scene.yaw
            front = scene.colours[:, Slot.LAMP_FRONT].max(axis=1, initial=0)
            beams = Beams(self._view, scene.shape, place, scene.length, front)
            picture = beams.shine(picture, street.beamed)
        empty = picture.copy() if mask is not None else None
        faces = self._faces(scene, beams)
        fill = cv2.fillConvexPoly
        for corners, colour in zip(faces.corners, faces.colours, strict=True):
            fill(picture, corners, colour, cv2.LINE_8, SUB_PIXEL_BITS)
        if mask is not None:
            for corners, owner in zip(faces.corners, faces.owner, strict=True):
                fill(mask, corners, (owner,), cv2.LINE_8, SUB_PIXEL_BITS)
        difference = None if empty is None else cv2.absdiff(picture, empty).max(axis=2)
        if self._weather.darkness > 0:
            picture = bloom(picture, self._weather.darkness, self._weather.wetness)
        if self._lens is not None:
            picture = self._lens.look_through(picture, self._frame)
        if self._noise is not None:
            row, column = (self._frame * 37) % 64, (self._frame * 23) % 64
            height, width = picture.shape[:2]
            window = np.s_[row : row + height, column : column + width]
            cv2.add(picture, self._noise[0][window], picture)
            cv2.subtract(picture, self._noise[1][window], picture)
        return picture, faces, difference

    def _street_now(self) -> Street:
        """The empty street as the wind holds the camera at this picture; the first of its pictures may be drawn on."""
        street, homography = self._street, None
        if self._lens is not None:
            self._view, homography = self._lens.sway(self._frame)
        if homography is None:
            return replace(street, empty=street.empty.copy())
        size = self.camera.width, self.camera.height

        def moved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
            return np.asarray(
                cv2.warpPerspective(picture, homography, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
            )

        shaded = None if street.shaded is None else moved(street.shaded)
        return Street(
            moved(street.empty), shaded, moved(street.beamed) if self._weather.has_headlights else street.beamed
        )

    def _draw_shadows(self, scene: Scene, picture: NDArray[np.uint8], shaded: NDArray[np.uint8]) -> None:
        """Shade the ground under each road user and along its shadow (hull of the footprint and the shifted roof)."""
        if len(scene.x) == 0:
            return
        corners = _footprints(scene)  # (n, 4, 2)
        shift = -self._to_sun[:2] / self._to_sun[2] * (scene.height * 0.9)[:, None]
        ground = np.concatenate([corners, corners + shift[:, None, :]], axis=1).reshape(-1, 2)
        pixels, depths = self._view.project(np.column_stack([ground, np.zeros(len(ground))]))
        near = depths.reshape(-1, 8).min(axis=1) > NEAREST_M
        inside = near & _touches(pixels.reshape(-1, 8, 2), *picture.shape[:2])
        self._shadow_mask[:] = 0
        for polygon in pixels.reshape(-1, 8, 2)[inside]:
            hull = cv2.convexHull(polygon.astype(np.float32))
            cv2.fillConvexPoly(self._shadow_mask, (hull * 8).astype(np.int32), 255, cv2.LINE_8, SUB_PIXEL_BITS)
        cv2.copyTo(shaded, self._shadow_mask, picture)

    def _faces(self, scene: Scene, beams: Beams | None) -> _Faces:
        """Faces that look at the camera, far road users first, in each road user far blocks first."""
        position = self.camera.position_map
        templates = LIT_TEMPLATES if beams is not None else TEMPLATES
        collected = []
        for shape in np.unique(scene.shape):
            template = templates[shape]
            who = np.flatnonzero(scene.shape == shape)
            place = np.array([scene.x, scene.y, scene.yaw, scene.length, scene.width, scene.height]).take(who, axis=1)
            world, facing, light = _placed(template.vertices, place, position, self._to_sun)
            colour = scene.colours[who][:, template.slots] * light[..., None]
            if self._lens is not None:
                lamps = is_lamp(template.slots)
                colour[:, lamps] = scene.colours[who][:, template.slots[lamps]]
                colour = self._in_weather(scene, who, colour, lamps, beams)
            block = np.broadcast_to(template.blocks, facing.shape)
            # Distance of each face's column, as a growing key from far to near.
            yaw = scene.yaw[who]
            along = (position[0] - scene.x[who]) * np.cos(yaw) + (position[1] - scene.y[who]) * np.sin(yaw)
            column = np.where(np.isinf(template.columns), -np.inf, np.sign(along)[:, None] * template.columns)
            m, f = np.nonzero(facing)
            collected.append((world[m, f], colour[m, f], who[m], block[m, f], column[m, f]))
        if not collected:
            return _Faces(np.zeros((0, 4, 2), np.int32), [], [])
        world, colour, owner, block, column = (np.concatenate(parts) for parts in zip(*collected, strict=True))
        pixels, depths = self._view.project(world.reshape(-1, 3))
        pixels, depths = pixels.reshape(-1, 4, 2), depths.reshape(-1, 4)
        keep = (depths.min(axis=1) > NEAREST_M) & _touches(pixels, *self._street.empty.shape[:2])
        distance = np.hypot(scene.x - position[0], scene.y - position[1])[owner]
        order = np.lexsort((block, column, owner, -distance))
        order = order[keep[order]]
        return _Faces((pixels[order] * 8).astype(np.int32), colour[order].tolist(), owner[order].tolist())

    def _in_weather(
        self, scene: Scene, who: NDArray[np.int64], colour: FloatArray, lamps: NDArray[np.bool_], beams: Beams | None
    ) -> FloatArray:
        """(m, f, 3) Colours of faces in the light of their place, faded by the air between them and the camera."""
        x, y = scene.x[who], scene.y[who]
        light = light_at(self._weather, self._lamps, x, y)
        if beams is not None:
            light = np.maximum(light, 0.8 * beams.on(x, y)[:, None])
        distance = np.sqrt((x - self.camera.position_map[0]) ** 2 + (y - self.camera.position_map[1]) ** 2)
        clear = np.exp(-distance * self._weather.extinction_per_m)[:, None, None]
        clear = np.where(lamps[:, None], np.sqrt(clear), clear)  # lamps outshine the air
        shown = np.where(lamps[:, None], colour, colour * light[:, None, :])
        return np.asarray(np.minimum(shown * clear + self._weather.fog_colour * (1 - clear), 255))

    def _labels(self, scene: Scene, faces: _Faces, mask: NDArray[np.int32], difference: NDArray[np.uint8]) -> Labels:
        count = len(scene.x)
        ground, _ = self._view.project(np.column_stack([scene.x, scene.y, np.zeros(count)]))
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
            window = difference[top : max(y2 + 2, 0), left : max(x2 + 2, 0)]
            contrast = float(window[part].mean())
            rows.append([index, *box, pixels / max(1, int(whole.sum())), pixels, contrast])
        table = np.array(rows, dtype=np.float64).reshape(-1, 8)
        who = table[:, 0].astype(np.int64)
        return Labels(who, table[:, 1:5], ground[who], table[:, 5], table[:, 6].astype(np.int64), table[:, 7])


def _sun(weather: Weather, azimuth_rad: float, elevation_rad: float) -> tuple[float, float]:
    """Where the sun stands: as the weather says, or as drawn; overcast light comes from above."""
    if weather.sun_azimuth_deg is not None:
        azimuth_rad = math.radians(weather.sun_azimuth_deg)
    if weather.sun_elevation_deg is not None:
        elevation_rad = math.radians(max(weather.sun_elevation_deg, 8.0))  # longer shadows leave the street
    share = weather.overcast
    return azimuth_rad, elevation_rad * (1 - share) + 1.4 * share


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


@compiled
def _placed(
    vertices: FloatArray, place: FloatArray, position: FloatArray, to_sun: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_], FloatArray]:
    """Faces of one shape where road users stand.

    Parameters
    ----------
    vertices : (f, 4, 3) float array
        Corners of each face of a road user of length, width and height 1.
    place : (6, m) float array
        Of each road user: x, y, direction, length, width, height. [m, m, rad, m, m, m]
    position, to_sun : (3,) float array
        The camera, and the direction of the sun.

    Returns
    -------
    (m, f, 4, 3) float array, (m, f) bool array, (m, f) float array
        Corners, whether each face looks at the camera, and how bright it is.
    """
    count, faces = place.shape[1], len(vertices)
    world, facing, light = np.empty((count, faces, 4, 3)), np.empty((count, faces), np.bool_), np.empty((count, faces))
    a, b, normal = np.empty(3), np.empty(3), np.empty(3)
    for k in range(count):
        x, y, yaw, length, width, height = place[:, k]
        cos, sin = math.cos(yaw), math.sin(yaw)
        for face in range(faces):
            corners = world[k, face]
            for corner in range(4):
                ahead, beside = vertices[face, corner, 0] * length, vertices[face, corner, 1] * width
                corners[corner, 0], corners[corner, 1] = ahead * cos - beside * sin + x, ahead * sin + beside * cos + y
                corners[corner, 2] = vertices[face, corner, 2] * height
            for axis in range(3):
                a[axis], b[axis] = corners[1, axis] - corners[0, axis], corners[3, axis] - corners[0, axis]
            towards, lit, squared = 0.0, 0.0, 1e-12
            for axis in range(3):
                normal[axis] = a[(axis + 1) % 3] * b[(axis + 2) % 3] - a[(axis + 2) % 3] * b[(axis + 1) % 3]
                towards += normal[axis] * (position[axis] - corners[0, axis])
                lit += normal[axis] * to_sun[axis]
                squared += normal[axis] * normal[axis]
            facing[k, face] = towards > 0.0
            light[k, face] = 0.62 + 0.38 * min(max(lit / math.sqrt(squared), -0.3), 1.0)
    return world, facing, light
