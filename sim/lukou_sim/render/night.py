"""Headlights on the road and light that spills around what is bright."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.render.camera import CameraModel, FloatArray
from lukou_sim.render.shapes import Shape, Slot

COARSE = 4
"""Light is spread in a picture this many times smaller."""
BEAMS: tuple[tuple[float, float, int], ...] = ((15.0, 3.4, 110), (8.0, 2.2, 190))
"""Low beams on the ground: reach, half width at the end, strength of 255. [m, m]"""
NEAREST_M = 1.0


class Beams:
    """Where headlights shine on the ground of one picture.

    Parameters
    ----------
    camera : CameraModel
        The camera at this instant.
    shape, x, y, yaw, length, front : arrays of n
        Road users: shape, place, heading, length and the brightest colour of their front lamps.
    """

    def __init__(
        self,
        camera: CameraModel,
        shape: NDArray[np.int64],
        place: tuple[FloatArray, FloatArray, FloatArray],
        length: FloatArray,
        front: FloatArray,
    ) -> None:
        x, y, yaw = place
        self._camera = camera
        self._mask = np.zeros((camera.height // COARSE, camera.width // COARSE), np.uint8)
        lit = np.flatnonzero((shape != Shape.PEDESTRIAN) & (front > 60))
        cos, sin = np.cos(yaw[lit]), np.sin(yaw[lit])
        for reach, half, strength in BEAMS:
            along = length[lit][:, None] / 2 + np.array([0.3, 0.3, reach, reach])
            narrow = np.where(shape[lit] == Shape.TWO_WHEELER, 0.5, 1.0)[:, None]
            across = np.array([-0.8, 0.8, half, -half]) * narrow
            corners = np.stack(
                [
                    x[lit, None] + along * cos[:, None] - across * sin[:, None],
                    y[lit, None] + along * sin[:, None] + across * cos[:, None],
                    np.zeros_like(along),
                ],
                axis=-1,
            )
            pixels, depths = camera.project(corners.reshape(-1, 3))
            polygons = pixels.reshape(-1, 4, 2)
            near = depths.reshape(-1, 4).min(axis=1) > NEAREST_M
            for polygon in polygons[near & (np.abs(polygons).max(axis=(1, 2)) < 4000)]:
                cv2.fillConvexPoly(self._mask, (polygon / COARSE).round().astype(np.int32), strength)
        self._mask = np.asarray(cv2.GaussianBlur(self._mask, (0, 0), 1.6), dtype=np.uint8)

    def shine(self, picture: NDArray[np.uint8], beamed: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The street with the light of all beams on it."""
        size = picture.shape[1], picture.shape[0]
        weight = cv2.resize(self._mask, size, interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
        return np.asarray(cv2.blendLinear(beamed, picture, weight, 1 - weight), dtype=np.uint8)

    def on(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """(n,) How much of the beams falls on road users at these places, 0..1."""
        pixels, _ = self._camera.project(np.column_stack([x, y, np.zeros(len(x))]))
        rows = np.clip(pixels[:, 1] / COARSE, 0, self._mask.shape[0] - 1).astype(int)
        columns = np.clip(pixels[:, 0] / COARSE, 0, self._mask.shape[1] - 1).astype(int)
        return np.asarray(self._mask[rows, columns] / 255.0)


def bloom(picture: NDArray[np.uint8], darkness: float, wetness: float) -> NDArray[np.uint8]:
    """Let bright lamps spill over their surroundings; on a wet road they are mirrored below themselves.

    Parameters
    ----------
    picture : (h, w, 3) uint8 array
        The picture.
    darkness, wetness : float
        By day little outshines its surroundings; how wet the road is. 0..1
    """
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA)
    threshold = 250.0 - 100.0 * darkness
    bright = cv2.subtract(small, (threshold,) * 3 + (0.0,)).astype(np.float32) * (2.0 * darkness)
    spread = cv2.GaussianBlur(bright, (0, 0), 1.4) * 1.1 + cv2.GaussianBlur(bright, (0, 0), 6.0) * 2.5
    if wetness > 0.1:
        kernel = np.concatenate([np.zeros(16), np.linspace(1, 0, 16)])[:, None]
        # flipped, because filter2D correlates: what is above sheds light below
        below = cv2.filter2D(bright, -1, (kernel / kernel.sum())[::-1].astype(np.float32), anchor=(0, 16))
        spread += cv2.GaussianBlur(below, (0, 0), 0.7) * 1.2 * wetness
    return np.asarray(
        cv2.add(picture, cv2.resize(np.minimum(spread, 255).astype(np.uint8), (width, height))), dtype=np.uint8
    )


def is_lamp(slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which colour slots shine by themselves."""
    return np.asarray(slots >= Slot.LAMP_FRONT)
