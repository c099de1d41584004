"""What lies between the scene and the sensor: falling rain, drops and dirt on the lens, stray light, a mast in the wind."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.render.camera import CameraModel, FloatArray
from lukou_sim.render.weather import Weather

SPARE = 96
"""The field of streaks is larger than the picture by this much on each axis, to be shifted. [px]"""
DROP_FRAMES = 40
"""Drops stay on the lens for so many pictures."""
FRAME_S = 0.1
"""Time from picture to picture, for the sway. [s]"""


class Lens:
    """Effects of one camera's lens and mount.

    Parameters
    ----------
    camera : CameraModel
        The camera.
    weather : Weather
        Weather.
    seed : int
        Of streaks, drops, dirt and the phases of the sway.
    """

    def __init__(self, camera: CameraModel, weather: Weather, seed: int) -> None:
        self._camera, self._weather, self._seed = camera, weather, seed
        rng = np.random.default_rng((seed, 11))
        self._streaks = _streaks(camera, weather, rng) if weather.rain_mm_per_h > 0.5 else None
        self._phases = rng.uniform(0, 2 * np.pi, 4)
        self._transmission, self._veil = _dirt_and_glare(camera, weather, rng)
        self._drops: tuple[int, NDArray[np.float32]] | None = None

    def sway(self, frame: int) -> tuple[CameraModel, FloatArray | None]:
        """The camera as the wind holds it at a picture, and the homography from its steady picture (none: steady)."""
        largest = math.radians(self._weather.sway_deg)
        if largest == 0:
            return self._camera, None
        at, phases = frame * FRAME_S, self._phases
        # the arm nods less than it turns
        turn = self._weather.mast_turn_rad(at, (phases[0], phases[1]))
        nod = (
            largest * 0.6 * (0.7 * math.sin(2 * math.pi * 0.31 * at + phases[2]) + 0.3 * math.sin(4.1 * at + phases[3]))
        )
        rotation = np.array([[1.0, 0, turn], [0, 1.0, nod], [-turn, -nod, 1.0]])
        rotation = np.linalg.qr(rotation)[0] @ np.diag(np.sign(np.diag(np.linalg.qr(rotation)[1])))
        cx, cy = self._camera.centre_px
        intrinsics = np.array([[self._camera.focal_px, 0, cx], [0, self._camera.focal_px, cy], [0, 0, 1.0]])
        moved = replace(self._camera, camera_from_map=rotation @ self._camera.camera_from_map)
        return moved, intrinsics @ rotation @ np.linalg.inv(intrinsics)

    def look_through(self, picture: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
        """The picture behind rain, drops, dirt and stray light."""
        if self._streaks is not None:
            height, width = picture.shape[:2]
            row, column = (frame * 53) % SPARE, (frame * 31) % SPARE
            picture = cv2.add(picture, self._streaks[row : row + height, column : column + width])
            picture = self._behind_drops(picture, frame)
        if self._transmission is not None:
            picture = cv2.multiply(picture, self._transmission, scale=1 / 255)
        if self._veil is not None:
            picture = cv2.add(picture, self._veil)
        return np.asarray(picture, dtype=np.uint8)

    def _behind_drops(self, picture: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
        age, (height, width) = frame // DROP_FRAMES, picture.shape[:2]
        if self._drops is None or self._drops[0] != age:
            rng = np.random.default_rng((self._seed, 12, age))
            mask = np.zeros((height, width), np.uint8)
            for _ in range(rng.poisson(1.2 * self._weather.rain_mm_per_h**0.7)):
                centre = int(rng.uniform(0, width)), int(rng.uniform(0, height))
                axes = (int(rng.uniform(3, 13)), int(rng.uniform(4, 18)))
                cv2.ellipse(mask, centre, axes, float(rng.normal(0, 15)), 0, 360, 255, -1)
            self._drops = age, cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32) * (0.85 / 255)
        weight = self._drops[1]
        small = cv2.resize(picture, None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA)
        blurred = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(cv2.blendLinear(blurred, picture, weight, 1 - weight), dtype=np.uint8)


def _streaks(camera: CameraModel, weather: Weather, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Falling drops, blurred by the exposure."""
    field = np.zeros((camera.height + SPARE, camera.width + SPARE), np.uint8)
    slope = rng.normal(0, 0.12)
    brightness = 70 * (1 - 0.6 * weather.darkness)
    for _ in range(int(90 * weather.rain_mm_per_h**0.6)):
        x, y = rng.uniform(0, field.shape[1]), rng.uniform(-20, field.shape[0])
        long = rng.uniform(5, 26)
        start, end = (int(x), int(y)), (int(x + slope * long + rng.normal(0, 0.6)), int(y + long))
        cv2.line(field, start, end, int(rng.uniform(0.2, 1) * brightness), 1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(field, (0, 0), 0.7)
    return np.asarray(cv2.merge([soft] * 3), dtype=np.uint8)


def _dirt_and_glare(
    camera: CameraModel, weather: Weather, rng: np.random.Generator
) -> tuple[NDArray[np.uint8] | None, NDArray[np.uint8] | None]:
    """Share of light that passes, of 255, and light that is added."""
    through = np.ones((camera.height, camera.width, 3))
    veil = np.zeros((camera.height, camera.width, 3))
    if weather.dirt > 0:
        spots = _dirt(camera, weather.dirt, rng)[..., None]
        through *= 1 - 0.8 * spots
        veil += spots * np.array([45.0, 55.0, 60.0]) * (1 - 0.8 * weather.darkness)
    if weather.glare > 0:
        added = weather.glare * _stray_light(camera, weather)[..., None] * np.array([0.88, 0.95, 1.0])
        through *= 1 - 0.5 * np.minimum(added / 255, 1)
        veil += added
    if weather.dirt == 0 and weather.glare == 0:
        return None, None
    return (through * 255).astype(np.uint8), np.clip(veil, 0, 255).astype(np.uint8)


def _dirt(camera: CameraModel, amount: float, rng: np.random.Generator) -> FloatArray:
    """(h, w) How opaque the lens is: specks, out of focus, and a film along the lower edge."""
    mask = np.zeros((camera.height, camera.width), np.uint8)
    for _ in range(int(60 * amount)):
        centre = int(rng.uniform(0, camera.width)), int(rng.uniform(0, camera.height))
        size = int(rng.gamma(2.0, 3.5)) + 2
        cv2.ellipse(mask, centre, (size, int(size * rng.uniform(0.6, 1.4))), float(rng.uniform(0, 180)), 0, 360, int(rng.uniform(90, 230)), -1)  # fmt: skip
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.5 + 2 * rng.random()), dtype=np.float64) / 255
    film = 0.25 * amount * np.linspace(0, 1, camera.height)[:, None] ** 2
    return np.asarray(np.clip(soft + film, 0, 0.95))


def _stray_light(camera: CameraModel, weather: Weather) -> FloatArray:
    """(h, w) Light that a low sun throws into the lens by the angle between it and each pixel's ray; 0..255."""
    azimuth = math.radians(weather.sun_azimuth_deg or 0.0)
    height = math.radians(10.0 if weather.sun_elevation_deg is None else weather.sun_elevation_deg)
    to_sun = np.array([math.cos(height) * math.cos(azimuth), math.cos(height) * math.sin(azimuth), math.sin(height)])
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = np.stack([u + 0.5, v + 0.5, np.ones_like(u)], axis=-1) @ np.linalg.inv(camera.projection[:, :3]).T
    rays /= np.sqrt((rays**2).sum(axis=2, keepdims=True))
    angle = np.degrees(np.arccos(np.clip(rays @ to_sun, -1, 1)))
    return np.asarray(np.minimum(255, 300 * np.exp(-((angle / 7) ** 2)) + 130 * np.exp(-angle / 18)))
