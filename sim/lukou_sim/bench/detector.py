"""The shipped detector on rendered streets of cameras that its training has never seen: average precision, and places on the map.

Boxes are judged as the training judges them; places are those that the roadside's perception gives for one picture alone, its
suppression, gates and projection included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera.reading import CameraFrame
from lukou_messages.site import load_spec
from lukou_sim.bench.perception_table import GROUP_OF, assigned
from lukou_sim.demo.sites import camera_section
from lukou_sim.district import NET
from lukou_sim.render.renderer import Scene
from lukou_sim.training.dataset import MIN_VISIBLE, RandomCamera
from lukou_sim.training.evaluate import Judge, Model

Floats = NDArray[np.float64]
PICTURE_GATE_M = 5.0
RANGES_M = ((0.0, 40.0), (40.0, 80.0))
INSIDE_95 = 5.991
"""Square of a place's error over its covariance that an honest one exceeds once in twenty times (chi-squared, two components)."""


class _Places:
    """Errors of vehicles' places from one picture alone."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []

    def add(self, scan: Any, scene: Scene, labels: NDArray[np.float32], camera: Floats) -> None:
        """Pair the vehicles of a scan with those that are plainly there."""
        real = np.flatnonzero((labels[:, 7] >= MIN_VISIBLE) & (labels[:, 8] > 0) & (labels[:, 0] <= 1))
        vehicle = np.flatnonzero([0 <= GROUP_OF.get(int(kind), -1) <= 1 for kind in scan.object_class])
        off_x = scene.x[real][:, None] - scan.x_m[vehicle][None, :]
        off_y = scene.y[real][:, None] - scan.y_m[vehicle][None, :]
        away = np.hypot(scene.x - camera[0], scene.y - camera[1])
        for row, column in zip(*assigned(np.hypot(off_x, off_y), PICTURE_GATE_M), strict=True):
            k, j, error = real[row], vehicle[column], (off_x[row, column], off_y[row, column])
            covariance = np.array(
                [[scan.variance_xx[j], scan.variance_xy[j]], [scan.variance_xy[j], scan.variance_yy[j]]]
            )
            normal = float(np.array(error) @ np.linalg.solve(covariance, np.array(error)))
            self.rows.append((float(away[k]), float(np.hypot(*error)), normal))

    def figures(self) -> dict[str, Any]:
        """By range."""
        table = np.array(self.rows, np.float64).reshape(-1, 3)
        found = {}
        for low, high in RANGES_M:
            some = table[(table[:, 0] >= low) & (table[:, 0] < high)]
            found[f"{low:.0f}-{high:.0f} m"] = {
                "vehicles": len(some),
                "median_m": round(float(np.median(some[:, 1])), 3) if len(some) else None,
                "p95_m": round(float(np.percentile(some[:, 1], 95)), 3) if len(some) else None,
                "in_95_ellipse": round(float((some[:, 2] < INSIDE_95).mean()), 3) if len(some) else None,
            }
        return found


def measure(
    model: Path | None,
    conditions: Iterable[str],
    cameras: int,
    pictures: int,
    seed: int,
    tell: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Judge a detector of the project's own kind.

    Parameters
    ----------
    model : Path, optional
        ONNX file made by `make detector`; none: the shipped one.
    conditions : iterable of str
        Of `lukou_sim.training.streets.CONDITIONS`.
    cameras, pictures : int
        Cameras per condition, pictures of each.
    seed : int
        Of cameras, streets and traffic; the training's own seeds are 1 and above 1,000,000.
    tell : callable, optional
        Told the share that is done, 0..1.
    """
    from lukou_sim.training.__main__ import DEFAULT_OUT, NAME

    names = list(conditions)
    file = DEFAULT_OUT / f"{NAME}.onnx" if model is None else model
    found: dict[str, Any] = {"model": file.name, "cameras": cameras, "pictures": cameras * pictures, "conditions": {}}
    run, cpu_ms = Model(file), []
    for condition in names:
        judge, places = Judge(), _Places()
        for number in range(cameras):
            camera = RandomCamera(seed, number, condition=condition)
            core = _core(camera, file.with_suffix(".toml"))
            for _ in range(pictures):
                picture, labels, scene = camera.shoot()
                judge.add(run.find(picture), labels.astype(np.float64))
                began = time.process_time()
                scan = core.detections_in(CameraFrame(camera.camera.name, picture, 0, 0, time_uncertainty_s=0.001))
                cpu_ms.append(1e3 * (time.process_time() - began))
                places.add(scan, scene, labels, camera.camera.position_map)
            if tell is not None:
                tell((names.index(condition) * cameras + number + 1) / (len(names) * cameras))
        figures = judge.figures()
        found["conditions"][condition] = {
            "map50": round(figures.mean, 3),
            "average_precision50": {name: round(value, 3) for name, value in figures.average_precision.items()},
            "picture_to_map": places.figures(),
        }
    found["cpu_ms_per_picture"] = round(float(np.median(cpu_ms)), 2)
    return found


def _core(camera: RandomCamera, card: Path) -> Any:
    """Perception of a site with this camera alone; its streets are on no map, so the map's area is not asked."""
    spec = load_spec("perception")
    section = camera_section(camera.camera, "", 10.0)
    settings = {"site": "bench", "map": str(NET), "cameras": [section], "detector": str(card)}
    return spec.make_core(spec.settings.model_validate({**settings, "gate": {"map_margin_m": float("inf")}}))


def lines(figures: dict[str, Any]) -> Iterable[str]:
    """The figures as a table for people."""
    yield f"{figures['model']}: {figures['pictures']} pictures of {figures['cameras']} cameras per condition"
    yield f"{'':<12}{'mAP50':>7}" + "".join(f"{name:>13}" for name in ("car", "truck_bus", "two_wheeler", "pedestrian"))
    for condition, found in figures["conditions"].items():
        precision = found["average_precision50"]
        yield f"{condition:<12}{found['map50']:>7.3f}" + "".join(f"{value:>13.3f}" for value in precision.values())
        for span, row in found["picture_to_map"].items():
            if row["vehicles"]:
                yield (
                    f"  vehicles on the map, {span}: median {row['median_m']:.2f} m, p95 {row['p95_m']:.2f} m, "
                    f"{100 * row['in_95_ellipse']:.0f} % in the 95 % ellipse, of {row['vehicles']}"
                )
    yield f"CPU per picture, from the picture to the map: {figures['cpu_ms_per_picture']} ms (median)"
