"""Random traffic on the paths of a street plan: queues and flows of vehicles, two-wheelers, people."""

from __future__ import annotations

import numpy as np

from lukou_sim.render.camera import FloatArray
from lukou_sim.render.renderer import Scene
from lukou_sim.render.shapes import Shape, colours
from lukou_sim.render.street import PathKind, StreetPlan

_LOW_HIGH: dict[Shape, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    Shape.SEDAN: ((4.1, 5.0), (1.72, 1.92), (1.38, 1.58)),
    Shape.VAN: ((4.3, 5.4), (1.8, 2.05), (1.62, 2.1)),
    Shape.TRUCK: ((5.5, 11.0), (2.1, 2.55), (2.5, 3.9)),
    Shape.BUS: ((8.5, 12.5), (2.45, 2.6), (2.9, 3.3)),
    Shape.TWO_WHEELER: ((1.6, 2.0), (0.55, 0.8), (1.55, 1.8)),
    Shape.PEDESTRIAN: ((0.35, 0.6), (0.42, 0.65), (1.5, 1.88)),
}
"""Length, width, height from..to. [m]"""


def random_scene(plan: StreetPlan, rng: np.random.Generator) -> Scene:
    """Road users on the plan's paths, none overlapping another."""
    density = rng.uniform(0.12, 0.9)
    rows: list[tuple[Shape, float, float, float]] = []
    for kind, line in plan.paths:
        rows += _along(kind, line, density, rng)
    for _ in range(rng.poisson(2)):  # people where nobody expects them
        rows.append((Shape.PEDESTRIAN, *(np.array(plan.centre) + rng.uniform(-40, 40, 2)), rng.uniform(-np.pi, np.pi)))
    rng.shuffle(rows)  # type: ignore[arg-type]
    return _without_overlap(rows, rng)


def _along(
    kind: PathKind, line: FloatArray, density: float, rng: np.random.Generator
) -> list[tuple[Shape, float, float, float]]:
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if lengths[-1] < 1.0:
        return []
    rows = []
    queue = kind != "walk" and rng.random() < 0.25
    mean_gap = {"vehicle": 22.0, "bicycle": 16.0, "walk": 14.0}[kind] / density
    mean_gap = mean_gap * (2.5 if lengths[-1] < 40 and kind == "vehicle" else 1.0)  # many turning paths overlap
    at = lengths[-1] - rng.uniform(0, 6) if queue else lengths[-1] - rng.exponential(mean_gap)
    while at > 0:
        shape = _shape(kind, rng)
        x, y = np.interp(at, lengths, line[:, 0]), np.interp(at, lengths, line[:, 1])
        ahead = min(at + 1.0, lengths[-1])
        dx, dy = (np.interp(ahead, lengths, line[:, k]) - np.interp(ahead - 1.0, lengths, line[:, k]) for k in (0, 1))
        yaw = np.arctan2(dy, dx) + (rng.integers(2) * np.pi if kind == "walk" else 0.0) + rng.normal(0, 0.06)
        spread = {"vehicle": 0.25, "bicycle": 0.6, "walk": 1.1}[kind]
        sideways = rng.normal(0, spread)
        rows.append((shape, float(x - np.sin(yaw) * sideways), float(y + np.cos(yaw) * sideways), float(yaw)))
        mean_length = 2.0 if shape in (Shape.TWO_WHEELER, Shape.PEDESTRIAN) else 5.5
        at -= mean_length + (rng.uniform(0.8, 3.5) if queue else rng.exponential(mean_gap))
        if queue and rng.random() < 0.12:
            queue = False
    return rows


def _shape(kind: PathKind, rng: np.random.Generator) -> Shape:
    if kind == "vehicle":
        return Shape(rng.choice([0, 1, 2, 3, 4], p=[0.48, 0.24, 0.13, 0.11, 0.04]))
    if kind == "bicycle":
        return Shape.TWO_WHEELER
    return Shape.PEDESTRIAN if rng.random() < 0.95 else Shape.TWO_WHEELER


def _without_overlap(rows: list[tuple[Shape, float, float, float]], rng: np.random.Generator) -> Scene:
    """Keep each road user whose footprint, as five discs along its length, is free of the earlier ones."""
    count = len(rows)
    shape = np.array([row[0] for row in rows], dtype=np.int64)
    pose = np.array([row[1:] for row in rows], dtype=np.float64).reshape(count, 3)
    size = np.array([[rng.uniform(*span) for span in _LOW_HIGH[row[0]]] for row in rows]).reshape(count, 3)
    along = np.linspace(-0.45, 0.45, 5)[None, :] * size[:, :1]
    discs = pose[:, None, :2] + along[..., None] * np.stack([np.cos(pose[:, 2]), np.sin(pose[:, 2])], axis=-1)[:, None]
    kept: list[int] = []
    for k in range(count):
        if kept:
            gap = np.hypot(*(discs[kept][:, :, None] - discs[k][None, None]).transpose(3, 0, 1, 2)).min(axis=(1, 2))
            if (gap < (size[kept, 1] + size[k, 1]) / 2 + 0.15).any():
                continue
        kept.append(k)
    tables = np.array([colours(rng, int(shape[k])) for k in kept]).reshape(len(kept), 8, 3)
    x, y, yaw = pose[kept].T
    length, width, height = size[kept].T
    return Scene(shape[kept], x, y, yaw, length, width, height, tables)
