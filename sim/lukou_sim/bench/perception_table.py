"""Figures of perception by class and range: what is found, how exactly, under which identity.

Truth counts where a camera of the site sees at least a fifth of it; its range is that to the nearest such camera. A listed road
user that stands on a true one that does not count, or that no camera has in its picture, is neither right nor wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lukou_messages.objects import ObjectList
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.render.camera import CameraModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GATE_M = 2.0
"""Largest distance of a match. [m]"""
LEAST_VISIBLE = 0.2
RANGES_M = ((0.0, 30.0), (30.0, 60.0), (60.0, 100.0))
GROUPS = ("car", "truck_bus", "two_wheeler", "pedestrian")
GROUP_OF: dict[int, int] = {
    ObjectClass.OBJECT_CLASS_CAR: 0,
    ObjectClass.OBJECT_CLASS_TRUCK: 1,
    ObjectClass.OBJECT_CLASS_BUS: 1,
    ObjectClass.OBJECT_CLASS_BICYCLE: 2,
    ObjectClass.OBJECT_CLASS_MOTORCYCLE: 2,
    ObjectClass.OBJECT_CLASS_PEDESTRIAN: 3,
}


@dataclass(frozen=True, slots=True, eq=False)
class TruthFrame:
    """Who is truly there at one instant; arrays of equal length.

    Attributes
    ----------
    names : sequence of str
        Identities.
    group : (n,) int array
        Index into `GROUPS`.
    x, y, vx, vy : (n,) float array
        Place and velocity. [m, m/s]
    range_m : (n,) float array
        Distance from the nearest camera that sees it; nan where none does. [m]
    """

    names: Sequence[str]
    group: Ints
    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    range_m: Floats


@dataclass(slots=True)
class _Cell:
    truth: int = 0
    found: int = 0
    listed: int = 0
    right: int = 0
    same_class: int = 0
    changes: int = 0
    tracks: set[str] = field(default_factory=set)
    position_m: list[float] = field(default_factory=list)
    speed_mps: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        return {
            "truth": self.truth,
            "recall": _share(self.found, self.truth),
            "precision": _share(self.right, self.listed),
            "position_error_m": _percentile(self.position_m, 50),
            "position_error_p95_m": _percentile(self.position_m, 95),
            "speed_error_mps": _percentile(self.speed_mps, 50),
            "speed_error_p95_mps": _percentile(self.speed_mps, 95),
            "class_accuracy": _share(self.same_class, self.found),
            "tracks": len(self.tracks),
            "identity_changes_per_100_tracks": round(100 * self.changes / len(self.tracks), 1) if self.tracks else None,
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _percentile(values: list[float], q: float) -> float | None:
    return round(float(np.percentile(values, q)), 3) if values else None


class PerceptionTable:
    """Collects lists beside the truth of their instant.

    Parameters
    ----------
    cameras : sequence of CameraModel
        Of the site.
    """

    def __init__(self, cameras: Sequence[CameraModel]) -> None:
        self._cameras = cameras
        self._cells: dict[tuple[int, int], _Cell] = defaultdict(_Cell)
        self._last: dict[str, int] = {}
        self._pairs: dict[str, int] = {}
        self.present: dict[str, list[bool]] = defaultdict(list)

    def add(self, truth: TruthFrame, objects: ObjectList) -> None:
        """Compare one list with the truth of its instant."""
        x, y = np.asarray(objects.x_m, np.float64), np.asarray(objects.y_m, np.float64)
        distance = np.hypot(truth.x[:, None] - x[None, :], truth.y[:, None] - y[None, :])
        of_truth, of_object = assigned(distance, GATE_M)
        match = np.full(len(truth.names), -1)
        match[of_truth] = of_object
        self._continue(truth, distance, objects)
        for k in np.flatnonzero(np.isfinite(truth.range_m)):
            self._judge_truth(truth, int(k), objects, int(match[k]))
        self._judge_objects(truth, objects, of_truth, of_object)

    def _continue(self, truth: TruthFrame, distance: Floats, objects: ObjectList) -> None:
        """Pairs by identity, after K. Bernardin and R. Stiefelhagen, "Evaluating Multiple Object Tracking Performance" (2008): who was
        paired stays so while within the gate, and only the others are assigned anew; else two who walk abreast would change all the time."""
        row = {int(identity): j for j, identity in enumerate(objects.id)}
        held = [(k, row[self._pairs[name]]) for k, name in enumerate(truth.names) if self._pairs.get(name) in row]
        held = [(k, j) for k, j in held if distance[k, j] < GATE_M]
        free = distance.copy()
        for k, j in held:
            free[k, :], free[:, j] = np.inf, np.inf
        new = zip(*(each.tolist() for each in assigned(np.minimum(free, 1e6), GATE_M)), strict=True)
        self._pairs = {truth.names[k]: int(objects.id[j]) for k, j in [*held, *new]}

    def _judge_truth(self, truth: TruthFrame, k: int, objects: ObjectList, j: int) -> None:
        name = truth.names[k]
        self.present[name].append(j >= 0)
        cell = self._cell(truth.group[k], truth.range_m[k])
        if cell is None:
            return
        cell.truth += 1
        if j < 0:
            return
        cell.found += 1
        cell.tracks.add(name)
        cell.position_m.append(float(np.hypot(truth.x[k] - objects.x_m[j], truth.y[k] - objects.y_m[j])))
        off_x, off_y = truth.vx[k] - objects.velocity_x_mps[j], truth.vy[k] - objects.velocity_y_mps[j]
        cell.speed_mps.append(float(np.hypot(off_x, off_y)))
        cell.same_class += int(GROUP_OF.get(int(objects.object_class[j]), -1) == truth.group[k])
        identity = self._pairs.get(name)
        if identity is not None:
            cell.changes += int(self._last.get(name, identity) != identity)
            self._last[name] = identity

    def _judge_objects(self, truth: TruthFrame, objects: ObjectList, of_truth: Ints, of_object: Ints) -> None:
        stands_on = np.full(len(objects), -1)
        stands_on[of_object] = of_truth
        ranges = self.range_in_pictures(np.asarray(objects.x_m, np.float64), np.asarray(objects.y_m, np.float64))
        for j in range(len(objects)):
            k = int(stands_on[j])
            if k >= 0 and not np.isfinite(truth.range_m[k]):
                continue
            cell = self._cell(GROUP_OF.get(int(objects.object_class[j]), -1), ranges[j] if k < 0 else truth.range_m[k])
            if cell is not None:
                cell.listed += 1
                cell.right += int(k >= 0)

    def range_in_pictures(self, x: Floats, y: Floats) -> Floats:
        """(n,) Distance from the nearest camera that has these places in its picture; nan: none has. [m]"""
        nearest = np.full(len(x), np.nan)
        for camera in self._cameras:
            pixels, depths = camera.project(np.column_stack([x, y, np.full(len(x), 0.7)]))
            inside = (depths > 1) & (pixels >= 0).all(axis=1) & (pixels < (camera.width, camera.height)).all(axis=1)
            away = np.hypot(x - camera.position_map[0], y - camera.position_map[1])
            nearest = np.where(inside, np.fmin(nearest, away), nearest)
        return nearest

    def _cell(self, group: int, range_m: float) -> _Cell | None:
        for number, (low, high) in enumerate(RANGES_M):
            if low <= range_m < high and group >= 0:
                return self._cells[int(group), number]
        return None

    def figures(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Figures by class, then by range."""
        return {
            name: {
                f"{low:.0f}-{high:.0f} m": self._cells[group, number].figures()
                for number, (low, high) in enumerate(RANGES_M)
            }
            for group, name in enumerate(GROUPS)
        }


def assigned(distance: Floats, gate_m: float) -> tuple[Ints, Ints]:
    """Pairs within the gate that are most in number and then nearest."""
    cost = np.where(distance < gate_m, distance - 100.0, 0.0)
    rows, columns = linear_sum_assignment(cost)
    kept = distance[rows, columns] < gate_m
    return np.asarray(rows[kept], np.int64), np.asarray(columns[kept], np.int64)
