"""Road users of one instant as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.render.shapes import Shape

FloatArray = NDArray[np.float64]

SHAPES: dict[str, tuple[Shape, int]] = {
    "sedan": (Shape.SEDAN, ObjectClass.OBJECT_CLASS_CAR),
    "van": (Shape.VAN, ObjectClass.OBJECT_CLASS_CAR),
    "truck": (Shape.TRUCK, ObjectClass.OBJECT_CLASS_TRUCK),
    "bus": (Shape.BUS, ObjectClass.OBJECT_CLASS_BUS),
    "ebike": (Shape.TWO_WHEELER, ObjectClass.OBJECT_CLASS_BICYCLE),
    "bicycle": (Shape.TWO_WHEELER, ObjectClass.OBJECT_CLASS_BICYCLE),
    "pedestrian": (Shape.PEDESTRIAN, ObjectClass.OBJECT_CLASS_PEDESTRIAN),
}
"""Shape and class by the first part of a SUMO type's name."""


@dataclass(frozen=True, slots=True, eq=False)
class RoadUsers:
    """All road users; arrays of equal length in a stable order.

    Attributes
    ----------
    names : tuple of str
        SUMO's ids.
    number : (n,) int array
        Identity counted from 1 in the order of first sight.
    shape, kind : (n,) int array
        `Shape` and `ObjectClass`.
    x, y : (n,) float array
        Centre of the footprint in the map frame. [m]
    yaw : (n,) float array
        Direction of the front from east. [rad]
    speed : (n,) float array
        Along the front. [m/s]
    acceleration : (n,) float array
        Along the front. [m/s^2]
    length, width, height : (n,) float array
        Size. [m]
    """

    names: tuple[str, ...]
    number: NDArray[np.int64]
    shape: NDArray[np.int64]
    kind: NDArray[np.int64]
    x: FloatArray
    y: FloatArray
    yaw: FloatArray
    speed: FloatArray
    acceleration: FloatArray
    length: FloatArray
    width: FloatArray
    height: FloatArray

    def __len__(self) -> int:
        return len(self.names)

    def near(self, centre: tuple[float, float], radius_m: float) -> NDArray[np.int64]:
        """Indices of those within a radius."""
        return np.flatnonzero((self.x - centre[0]) ** 2 + (self.y - centre[1]) ** 2 < radius_m**2)

    def footprints(self, shrink_m: float = 0.0) -> FloatArray:
        """(n, 4, 2) Corners, `shrink_m` taken off every side. [m]"""
        unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
        size = np.column_stack([self.length, self.width]) - 2 * shrink_m
        local = unit[None] * np.maximum(size, 0.05)[:, None, :]
        cos, sin = np.cos(self.yaw)[:, None], np.sin(self.yaw)[:, None]
        return np.stack(
            [
                local[..., 0] * cos - local[..., 1] * sin + self.x[:, None],
                local[..., 0] * sin + local[..., 1] * cos + self.y[:, None],
            ],
            axis=-1,
        )


def touching(footprints: FloatArray, centres: FloatArray, reach_m: float = 13.0) -> list[tuple[int, int]]:
    """Pairs of rectangles that overlap (separating axes).

    Parameters
    ----------
    footprints : (n, 4, 2) float array
        Corners in order. [m]
    centres : (n, 2) float array
        Their centres. [m]
    reach_m : float
        No two centres farther apart than this can overlap. [m]
    """
    from scipy.spatial import cKDTree

    if len(centres) < 2:
        return []
    pairs = cKDTree(centres).query_pairs(reach_m, output_type="ndarray")
    if len(pairs) == 0:
        return []
    a, b = footprints[pairs[:, 0]], footprints[pairs[:, 1]]
    apart = np.zeros(len(pairs), bool)
    for rectangle in (a, b):
        for corner in (0, 1):
            axis = rectangle[:, corner + 1] - rectangle[:, corner]
            on_a, on_b = np.einsum("nkd,nd->nk", a, axis), np.einsum("nkd,nd->nk", b, axis)
            apart |= (on_a.max(axis=1) <= on_b.min(axis=1)) | (on_b.max(axis=1) <= on_a.min(axis=1))
    return [(int(i), int(j)) for i, j in pairs[~apart]]
