"""Shapes of road users as a few convex blocks each, in a unit box (x forward, y left, z up) that is scaled to their size."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Slot(IntEnum):
    """Which colour of a road user a face has."""

    PAINT = 0
    GLASS = 1
    SECOND = 2
    BLACK = 3
    SKIN = 4
    TROUSERS = 5
    LAMP_FRONT = 6
    LAMP_REAR = 7


class Shape(IntEnum):
    """Index into `TEMPLATES`."""

    SEDAN = 0
    VAN = 1
    TRUCK = 2
    BUS = 3
    TWO_WHEELER = 4
    PEDESTRIAN = 5


@dataclass(frozen=True, slots=True)
class Template:
    """Faces of one shape.

    Attributes
    ----------
    vertices : (f, 4, 3) float array
        Corners of the quadrilateral faces, counter-clockwise from outside, in the unit box: x and y in -0.5..0.5, z in 0..1.
    slots : (f,) int array
        Colour slot per face.
    blocks : (f,) int array
        Index of the block that the face belongs to; within a column the lower is drawn first.
    columns : (f,) float array
        Where along x the column of blocks stands to which the face belongs; the column farther away is drawn first. Columns
        of infinity lie below all others.
    """

    vertices: NDArray[np.float64]
    slots: NDArray[np.int64]
    blocks: NDArray[np.int64]
    columns: NDArray[np.float64]


UNLIT_SHARE = 0.35
"""Share of two-wheelers that have no light."""

_Rectangle = tuple[float, float, float, float]
_Block = tuple[_Rectangle, float, _Rectangle, float, Slot, Slot, Slot, Slot]
"""(rear, front, right, left) below at z0 and above at z1; slots of sides, top, front, rear."""


def _block_faces(block: _Block) -> tuple[list[list[tuple[float, float, float]]], list[int]]:
    (a0, a1, b0, b1), z0, (c0, c1, d0, d1), z1, side, top, front, rear = block
    low = [(a0, b0, z0), (a1, b0, z0), (a1, b1, z0), (a0, b1, z0)]
    high = [(c0, d0, z1), (c1, d0, z1), (c1, d1, z1), (c0, d1, z1)]
    faces = [
        [low[0], low[1], high[1], high[0]],  # right
        [low[2], low[3], high[3], high[2]],  # left
        [low[1], low[2], high[2], high[1]],  # front
        [low[3], low[0], high[0], high[3]],  # rear
        high,
    ]
    return faces, [side, side, front, rear, top]


def _template(*blocks: _Block, columns: tuple[float, ...] = ()) -> Template:
    vertices, slots, indices = [], [], []
    for k, block in enumerate(blocks):
        faces, colours = _block_faces(block)
        vertices += faces
        slots += colours
        indices += [k] * len(faces)
    where = np.array(columns or (0.0,) * len(blocks))
    return Template(np.array(vertices), np.array(slots), np.array(indices), where[indices])


def _box(x0: float, x1: float, half_width: float, z0: float, z1: float, *slots: Slot) -> _Block:
    rectangle = (x0, x1, -half_width, half_width)
    side, top, front, rear = slots if len(slots) == 4 else (slots[0],) * 4
    return rectangle, z0, rectangle, z1, side, top, front, rear


_P, _G, _S, _B = Slot.PAINT, Slot.GLASS, Slot.SECOND, Slot.BLACK

TEMPLATES: tuple[Template, ...] = (
    _template(  # sedan
        _box(-0.46, 0.46, 0.47, 0.03, 0.22, _B),
        _box(-0.5, 0.5, 0.5, 0.18, 0.58, _P),
        ((-0.42, 0.22, -0.46, 0.46), 0.58, (-0.28, 0.06, -0.38, 0.38), 0.97, _G, _P, _G, _G),
        _box(-0.28, 0.06, 0.38, 0.97, 1.0, _P),
    ),
    _template(  # van, sport utility vehicle
        _box(-0.46, 0.46, 0.47, 0.03, 0.18, _B),
        _box(-0.5, 0.5, 0.5, 0.15, 0.55, _P),
        ((-0.49, 0.27, -0.48, 0.48), 0.55, (-0.46, 0.14, -0.42, 0.42), 0.9, _G, _P, _G, _G),
        _box(-0.46, 0.14, 0.42, 0.9, 1.0, _P),
    ),
    _template(  # box truck
        _box(-0.48, 0.48, 0.44, 0.05, 0.25, _B),
        _box(-0.5, 0.22, 0.5, 0.25, 1.0, _S),
        _box(0.25, 0.5, 0.48, 0.15, 0.48, _P),
        ((0.25, 0.5, -0.48, 0.48), 0.48, (0.25, 0.47, -0.46, 0.46), 0.72, _G, _P, _G, _P),
        columns=(np.inf, -0.14, 0.37, 0.37),
    ),
    _template(  # bus
        _box(-0.48, 0.48, 0.47, 0.03, 0.15, _B),
        _box(-0.5, 0.5, 0.5, 0.12, 0.45, _P),
        _box(-0.5, 0.5, 0.49, 0.45, 0.8, _G),
        _box(-0.5, 0.5, 0.5, 0.8, 1.0, _S, _S, _S, _S),
    ),
    _template(  # two-wheeler with rider
        _box(-0.5, -0.16, 0.12, 0.0, 0.36, _B),
        _box(0.16, 0.5, 0.12, 0.0, 0.36, _B),
        _box(-0.3, 0.3, 0.2, 0.2, 0.46, _P),
        _box(0.3, 0.36, 0.5, 0.55, 0.62, _B),
        _box(-0.2, 0.12, 0.42, 0.38, 0.56, Slot.TROUSERS),
        ((-0.22, 0.02, -0.36, 0.36), 0.54, (-0.1, 0.12, -0.46, 0.46), 0.84, _S, _S, _S, _S),
        _box(-0.04, 0.14, 0.2, 0.85, 1.0, Slot.SKIN, _B, Slot.SKIN, _B),
    ),
    _template(  # pedestrian
        _box(-0.3, 0.3, 0.34, 0.0, 0.48, Slot.TROUSERS),
        ((-0.3, 0.3, -0.42, 0.42), 0.45, (-0.3, 0.3, -0.5, 0.5), 0.84, _P, _P, _P, _P),
        _box(-0.22, 0.22, 0.24, 0.86, 1.0, Slot.SKIN, _B, Slot.SKIN, _B),
    ),
)

_FRONT_LAMPS: dict[Shape, tuple[float, tuple[tuple[float, float], ...], float, float]] = {
    # where along x the column stands; from y to y; from z to z
    Shape.SEDAN: (0.0, ((-0.46, -0.26), (0.26, 0.46)), 0.38, 0.5),
    Shape.VAN: (0.0, ((-0.46, -0.28), (0.28, 0.46)), 0.36, 0.48),
    Shape.TRUCK: (0.37, ((-0.44, -0.28), (0.28, 0.44)), 0.2, 0.28),
    Shape.BUS: (0.0, ((-0.46, -0.3), (0.3, 0.46)), 0.17, 0.25),
    Shape.TWO_WHEELER: (0.0, ((-0.16, 0.16),), 0.46, 0.54),
}
"""Lamps in the unit box; rear lamps stand at the same places."""


def _with_lamps(shape: Shape, template: Template) -> Template:
    """The template with lamps at its front and rear, drawn last."""
    if shape not in _FRONT_LAMPS:
        return template
    column, places, low, high = _FRONT_LAMPS[shape]
    faces, slots, columns = [], [], []
    for start, end in places:
        for x, slot, (a, b) in ((0.501, Slot.LAMP_FRONT, (start, end)), (-0.501, Slot.LAMP_REAR, (end, start))):
            faces.append([(x, a, low), (x, b, low), (x, b, high), (x, a, high)])
            slots.append(slot)
            columns.append(column if slot == Slot.LAMP_FRONT else -0.14 * (column > 0))
    return Template(
        np.concatenate([template.vertices, faces]),
        np.concatenate([template.slots, slots]),
        np.concatenate([template.blocks, np.full(len(faces), template.blocks.max() + 1)]),
        np.concatenate([template.columns, columns]),
    )


LIT_TEMPLATES = tuple(_with_lamps(Shape(k), template) for k, template in enumerate(TEMPLATES))
"""Templates of road users in the dark."""

VEHICLE_PAINTS = np.array(  # blue, green, red
    [
        (235, 235, 235), (225, 228, 230), (190, 190, 190), (150, 150, 148), (110, 108, 105), (45, 42, 40), (30, 30, 32),
        (40, 40, 170), (35, 30, 120), (150, 80, 30), (110, 60, 25), (60, 110, 70), (70, 130, 170), (160, 190, 205), (40, 160, 210),
    ]
)  # fmt: skip
CLOTHES = np.array(
    [
        (40, 40, 45), (60, 55, 50), (110, 105, 100), (220, 220, 225), (60, 60, 190), (40, 120, 220), (170, 110, 50), (120, 60, 40),
        (70, 140, 80), (140, 90, 150), (60, 200, 230), (200, 170, 90), (90, 85, 150),
    ]
)  # fmt: skip


def colours(rng: np.random.Generator, shape: int) -> NDArray[np.float64]:
    """(8, 3) Colours of one road user by slot, drawn at random. Blue, green, red in 0..255."""
    table = np.zeros((8, 3))
    person = shape in (Shape.TWO_WHEELER, Shape.PEDESTRIAN)
    table[Slot.PAINT] = (CLOTHES if shape == Shape.PEDESTRIAN else VEHICLE_PAINTS)[
        rng.integers(len(CLOTHES if shape == Shape.PEDESTRIAN else VEHICLE_PAINTS))
    ]
    if shape == Shape.BUS:
        table[Slot.PAINT] = ((60, 150, 60), (180, 110, 40), (50, 60, 190), (60, 170, 220))[rng.integers(4)]
    table[Slot.SECOND] = (
        CLOTHES[rng.integers(len(CLOTHES))] if person else VEHICLE_PAINTS[rng.integers(len(VEHICLE_PAINTS))]
    )
    if shape == Shape.BUS:
        table[Slot.SECOND] = table[Slot.PAINT] * 0.4 + 140
    table[Slot.GLASS] = np.array([70, 62, 55]) * rng.uniform(0.6, 1.3)
    table[Slot.BLACK] = rng.uniform(22, 50)
    table[Slot.SKIN] = np.array([130, 160, 205]) * rng.uniform(0.75, 1.1)
    table[Slot.TROUSERS] = CLOTHES[rng.integers(len(CLOTHES))] * 0.7
    table = table * rng.uniform(0.9, 1.1, (8, 1))
    if shape != Shape.TWO_WHEELER or rng.random() > UNLIT_SHARE:
        table[Slot.LAMP_FRONT], table[Slot.LAMP_REAR] = (232, 246, 255), (30, 25, rng.uniform(150, 255))
    return np.asarray(np.clip(table, 0, 255))
