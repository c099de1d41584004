"""The real perception of k1 on rendered pictures and simulated sweeps, not in real time, beside the truth.

Pictures, detector, projection, tracker and list are those of the demo; only the shell and the drivers are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import libsumo
import numpy as np

from lukou_hw.camera.reading import CameraFrame, frame_input
from lukou_messages.process import Input
from lukou_messages.site import load_spec
from lukou_sim.bench.perception_table import GROUP_OF, LEAST_VISIBLE, PerceptionTable, TruthFrame, assigned
from lukou_sim.demo.sites import CAMERA_SITE, CAMERAS, RADARS, perception_settings
from lukou_sim.district import NET
from lukou_sim.district.cameras import cameras
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.render.weather import Weather
from lukou_sim.world.scenario import Scenario
from lukou_sim.world.world import World

CONDITIONS: dict[str, Weather] = {
    "day": Weather(),
    "night": Weather(darkness=1.0),
    "rain": Weather(rain_mm_per_h=15.0, sway_deg=0.1),
    "fog": Weather(visibility_m=120.0),
    "night_rain": Weather(darkness=1.0, rain_mm_per_h=15.0, sway_deg=0.1),
}
SETTLING_S = 5.0
"""Not judged at the start: tracks need some lists to be confirmed. [s]"""
PICTURE_EVERY = 5
"""Pictures to the map are judged every so many steps, one camera in turn."""
PICTURE_GATE_M = 5.0
"""A detection is paired with the true vehicle nearest to it within this. [m]"""
PICTURE_RANGES_M = ((0.0, 40.0), (40.0, 80.0))
STANDING_COUNT = 4
STANDING_APART_M = 15.0

Tell = Callable[[float], None]


class Bench:
    """Perception of k1 that is fed by a world.

    Parameters
    ----------
    scenario : Scenario
        Traffic; its weather is replaced.
    weather : Weather
        Weather and light.
    seed : int
        Of everything random.
    only : sequence of str
        Names of the cameras that perception has; none: all of k1.
    """

    def __init__(self, scenario: Scenario, weather: Weather, seed: int, only: Sequence[str] = ()) -> None:
        self.world = World(scenario.model_copy(update={"weather": weather}), seed)
        self.cameras = tuple(camera for camera in cameras(CAMERA_SITE) if not only or camera.name in only)
        spec = load_spec("perception")
        section = perception_settings(CAMERA_SITE, str(NET), dict.fromkeys(CAMERAS, ""), dict.fromkeys(RADARS, 0), 10.0)
        names = {camera.name for camera in self.cameras}
        section["cameras"] = [camera for camera in section["cameras"] if camera["name"] in names]
        self.core: Any = spec.make_core(spec.settings.model_validate(section))
        self.table = PerceptionTable(self.cameras)
        self.picture_errors: dict[int, list[float]] = {k: [] for k in range(len(PICTURE_RANGES_M))}
        self._epoch, self._step = self.world.now_ns, 0

    def step(self, judged: bool = True) -> None:
        """One tenth of a second."""
        world = self.world
        world.step()
        self._step += 1
        frames = [self._frame(camera.name) for camera in self.cameras]
        inputs = [frame_input(frame, self._epoch, self._step) for frame in frames]
        inputs += [
            Input(f"device/{scan.radar}", scan.radar, self._epoch, self._step, scan.measured_at_ns, scan)
            for scan in world.radar_scans()
        ]
        truth = self.truth()
        for output in self.core.step(world.now_ns, inputs):
            if judged and output.topic == "objects" and output.measured_at_ns == world.now_ns:
                self.table.add(truth, output.value)
        if judged and self._step % PICTURE_EVERY == 0:
            number = self._step // PICTURE_EVERY % len(frames)
            self._judge_picture(frames[number], number)

    def _frame(self, name: str) -> CameraFrame:
        picture = self.world.picture(name)
        assert picture is not None  # no scenario of a bench loses cameras
        return CameraFrame(name, picture, self.world.now_ns, self.world.now_ns, time_uncertainty_s=0.001)

    def truth(self) -> TruthFrame:
        """Who is there, with the distance to the nearest camera that sees it."""
        users, views = self.world.users, self.world.views
        nearest = np.full(len(users), np.nan)
        for camera in self.cameras:
            index, visible = views.by_sensor[CAMERA_SITE, camera.name]
            seen = index[visible >= LEAST_VISIBLE]
            away = np.hypot(users.x[seen] - camera.position_map[0], users.y[seen] - camera.position_map[1])
            nearest[seen] = np.fmin(nearest[seen], away)
        group = np.array([GROUP_OF.get(int(kind), -1) for kind in users.kind], np.int64)
        vx, vy = users.speed * np.cos(users.yaw), users.speed * np.sin(users.yaw)
        return TruthFrame(users.names, group, users.x, users.y, vx, vy, nearest)

    def _judge_picture(self, frame: CameraFrame, number: int) -> None:
        """Error of vehicles' places from one picture alone, without track or radar."""
        scan = self.core.detections_in(frame)
        users, camera = self.world.users, self.cameras[number]
        index, visible = self.world.views.by_sensor[CAMERA_SITE, camera.name]
        group = np.array([GROUP_OF.get(int(kind), -1) for kind in users.kind[index]], np.int64)
        real = index[(visible >= LEAST_VISIBLE) & (group >= 0) & (group <= 1)]
        vehicle = np.array([0 <= GROUP_OF.get(int(kind), -1) <= 1 for kind in scan.object_class], bool)
        x, y = scan.x_m[vehicle], scan.y_m[vehicle]
        distance = np.hypot(users.x[real][:, None] - x[None, :], users.y[real][:, None] - y[None, :])
        rows, columns = assigned(distance, PICTURE_GATE_M)
        away = np.hypot(users.x[real] - camera.position_map[0], users.y[real] - camera.position_map[1])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            for k, (low, high) in enumerate(PICTURE_RANGES_M):
                if low <= away[row] < high:
                    self.picture_errors[k].append(float(distance[row, column]))

    def stop_vehicles(self) -> list[str]:
        """Let a few vehicles that cameras see plainly break down near the junction; their names."""
        users, (x, y) = self.world.users, INTERSECTIONS[CAMERA_SITE]
        truth = self.truth()
        near = np.hypot(users.x - x, users.y - y) < 45.0
        chosen: list[int] = []
        vehicles = (truth.group >= 0) & (truth.group <= 1)
        for k in np.flatnonzero(near & np.isfinite(truth.range_m) & vehicles).tolist():
            apart = [np.hypot(users.x[k] - users.x[other], users.y[k] - users.y[other]) for other in chosen]
            if len(chosen) < STANDING_COUNT and min(apart, default=np.inf) > STANDING_APART_M:
                chosen.append(k)
        names = [users.names[k] for k in chosen]
        for name in names:
            libsumo.vehicle.setSpeed(name, 0.0)
        return names

    def close(self) -> None:
        """End the simulation."""
        self.world.close()


def measure(
    scenario: Scenario,
    conditions: Iterable[str],
    seconds: float,
    standing_s: float,
    seed: int,
    tell: Tell | None = None,
    only: Sequence[str] = (),
) -> dict[str, Any]:
    """Run every condition for some seconds, then let vehicles stand by day.

    Parameters
    ----------
    scenario : Scenario
        Traffic.
    conditions : iterable of str
        Keys of `CONDITIONS`.
    seconds : float
        Judged in each. [s]
    standing_s : float
        How long vehicles stand; 0: not measured. [s]
    seed : int
        Of everything random.
    tell : callable, optional
        Told the share that is done, 0..1.
    only : sequence of str
        Names of the cameras; none: all.
    """
    names = list(conditions)
    whole = max(1.0, len(names) * (seconds + SETTLING_S) + (standing_s + 2 * SETTLING_S if standing_s > 0 else 0))
    done = 0.0
    figures: dict[str, Any] = {"conditions": {}}

    def progressing(steps: int) -> Iterable[int]:
        nonlocal done
        for number in range(steps):
            yield number
            done += 0.1
            if tell is not None and number % 10 == 0:
                tell(done / whole)

    for name in names:
        bench = Bench(scenario, CONDITIONS[name], seed, only)
        for number in progressing(round((seconds + SETTLING_S) * 10)):
            bench.step(number >= SETTLING_S * 10)
        figures["conditions"][name] = {
            "by_class_and_range": bench.table.figures(),
            "picture_to_map": _picture_figures(bench.picture_errors),
        }
        bench.close()
    if standing_s > 0:
        figures["standing"] = _standing(scenario, standing_s, seed, progressing)
    return figures


def _standing(scenario: Scenario, seconds: float, seed: int, steps: Callable[[int], Iterable[int]]) -> dict[str, Any]:
    """Share of the time that vehicles which stand are in the list, while a camera sees them."""
    bench = Bench(scenario, CONDITIONS["day"], seed)
    stopped: list[str] = []
    for number in steps(round((seconds + 2 * SETTLING_S) * 10)):
        bench.step(number >= 2 * SETTLING_S * 10)
        if number == round(SETTLING_S * 10):
            stopped = bench.stop_vehicles()
    present = {name: bench.table.present[name] for name in stopped if bench.table.present[name]}
    bench.close()
    return {
        "vehicles": len(present),
        "seconds": seconds,
        "least_present": round(min((float(np.mean(each)) for each in present.values()), default=0.0), 4),
        "mean_present": round(float(np.mean([np.mean(each) for each in present.values()])), 4) if present else None,
    }


def _picture_figures(errors: dict[int, list[float]]) -> dict[str, Any]:
    """Median and p95 by range."""
    rows = {}
    for k, (low, high) in enumerate(PICTURE_RANGES_M):
        found = errors[k]
        rows[f"{low:.0f}-{high:.0f} m"] = {
            "vehicles": len(found),
            "median_m": round(float(np.median(found)), 3) if found else None,
            "p95_m": round(float(np.percentile(found, 95)), 3) if found else None,
        }
    return rows


def lines(figures: dict[str, Any]) -> Iterable[str]:
    """The figures as a table for people."""
    head = f"{'':<12}{'range':<10}{'truth':>7}{'recall':>8}{'precis.':>8}{'position m':>15}{'speed m/s':>15}{'class':>7}{'id changes':>11}"
    for condition, found in figures["conditions"].items():
        yield f"{condition}"
        yield head
        for name, rows in found["by_class_and_range"].items():
            for span, row in rows.items():
                position = f"{_text(row['position_error_m'])} / {_text(row['position_error_p95_m'])}"
                speed = f"{_text(row['speed_error_mps'])} / {_text(row['speed_error_p95_mps'])}"
                yield (
                    f"{name:<12}{span:<10}{row['truth']:>7}{_text(row['recall'], 3):>8}{_text(row['precision'], 3):>8}"
                    f"{position:>15}{speed:>15}{_text(row['class_accuracy']):>7}{_text(row['identity_changes_per_100_tracks'], 0):>11}"
                )
        for span, row in found["picture_to_map"].items():
            yield f"picture to map, vehicles, {span}: median {_text(row['median_m'])} m, p95 {_text(row['p95_m'])} m of {row['vehicles']}"
        yield ""
    if "standing" in figures:
        row = figures["standing"]
        yield f"{row['vehicles']} vehicles standing for {row['seconds']:.0f} s: in the list {_text(row['least_present'], 4)} of the time at least"


def _text(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
