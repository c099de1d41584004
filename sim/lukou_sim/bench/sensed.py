"""Recorded traffic as a roadside unit would have measured it: four cameras and four Doppler radars at one intersection.

Errors grow with distance, what is hidden behind others is missed the more the more of it is, seen from the mast's height, misses last, there is
clutter, clocks and directions carry small unknown biases, packets come late or never. The figures are those of tracking data of nominal noise that others simulated (`docs/warnings-measured.md`). Written as ``lukou track`` reads it (``sensors.json``, ``async.csv.gz``), beside ``truth.csv.gz``: who was in view, as
``lukou warn --objects`` reads lists. SUMO's lane changes are jumps; their sideways part is drawn out here over two seconds.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_sim.world.visibility import hidden_share

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FRAME_S = 0.1
AROUND_M = 170.0
"""Road users farther from the intersection are left out. [m]"""

JUMP_M, JUMP_FRAMES = 0.7, 10
"""A step aside that is longer than the first is a lane change; it is drawn out over so many frames before and after."""

CAMERA = {"fov": 1.4, "rmin": 5.0, "rmax": 110.0, "rate": 10.0}
RADAR = {"fov": 1.75, "rmin": 5.0, "rmax": 160.0, "rate": 15.0}
MAST_M = 20.0

NAMES = {1: "car", 2: "truck", 3: "bus", 4: "motorcycle", 5: "bicycle", 6: "pedestrian"}
HEIGHTS_M = {1: 1.5, 2: 3.2, 3: 3.2, 4: 1.5, 5: 1.7, 6: 1.7}
REFLECTIONS = {1: 0.5, 2: 1.2, 3: 1.2, 4: 0.2, 5: 0.2, 6: 0.2}
"""Returns of a radar beyond the first, about: the mean of Poisson's distribution, at least one."""
RADAR_DETECTED = {1: 0.93, 2: 0.93, 3: 0.93, 4: 0.93, 5: 0.74, 6: 0.53}
"""Probability that a radar sees who is in the open and moves."""

LIST_COLUMNS = (
    "t,id,object_class,x_m,y_m,vx_mps,vy_mps,ax_mps2,ay_mps2,yaw_rad,length_m,width_m,"
    "deviation_m,speed_deviation_mps,existence,unmeasured_s"
)  # fmt: skip
PACKET_COLUMNS = "t_meas,t_arr,sensor,kind,scan,x,y,sxx,sxy,syy,range,az,rdot,length,width,heading,cls,score"


@dataclass(frozen=True, slots=True)
class Errors:
    """How a unit errs: shares, standard deviations, latencies. [1, m, rad, s]

    A camera detects with `detected` (1 - `hidden_lost` h^2), h the hidden share of the silhouette, less the share `dropped` of time, lost in gaps of `dropped_s` on average.
    """

    detected: float = 0.95
    hidden_lost: float = 0.9
    dropped: float = 0.02
    dropped_s: float = 0.4
    depth_per_m2: float = 1.7e-4
    across_rad: float = 0.0015
    clutter: float = 0.2
    camera_s: float = 0.12
    radar_still: float = 0.48
    radar_hidden_lost: float = 0.7
    radar_rad: float = 0.009
    radar_clutter: float = 4.2
    radar_s: float = 0.04
    late: float = 0.012
    lost: float = 0.003
    bias_m: float = 0.18
    bias_rad: float = 0.0025
    bias_s: float = 0.003


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Road users of one instant: names, and rows of class, x, y, heading, speed, acceleration, length, width."""

    t: float
    names: list[str]
    users: Floats


def scenes(folder: Path, centre: tuple[float, float], seconds: float, around_m: float = AROUND_M) -> list[Scene]:
    """Road users around a place, frame by frame, with lane changes drawn out."""
    ways: dict[str, list[tuple[float, Floats]]] = defaultdict(list)
    sizes = {row["id"]: (float(row["length"]), float(row["width"])) for row in _rows(folder / "vtypes.csv", ",")}
    begin = math.inf
    for row in _rows(folder / "fcd.csv.gz", ";"):
        t = round(float(row["timestep_time"]), 1)
        begin = min(begin, t)
        if t > begin + seconds:
            break
        if not row["vehicle_id"]:
            continue
        length, width = sizes.get(row["vehicle_type"].split("@")[0], (4.3, 1.8))
        heading = math.radians(90.0 - float(row["vehicle_angle"]))
        x = float(row["vehicle_x"]) - 0.5 * length * math.cos(heading)
        y = float(row["vehicle_y"]) - 0.5 * length * math.sin(heading)
        kind = 4 if length < 2.8 else 1 if length < 6.5 else 3 if length > 11.0 else 2
        motion = float(row["vehicle_speed"]), float(row.get("vehicle_acceleration") or 0.0)
        ways[row["vehicle_id"]].append((t, np.array([kind, x, y, heading, *motion, length, width])))
    for row in _rows(folder / "vru.csv.gz", ","):
        t = round(float(row["t"]), 1)
        if begin <= t <= begin + seconds:
            kind = 5 if row["cls"].startswith("bi") else 6
            told = (float(row[name]) for name in ("x", "y", "heading", "speed"))
            ways[row["id"]].append((t, np.array([kind, *told, 0.0, float(row["length"]), float(row["width"])])))
    found: dict[float, list[tuple[str, Floats]]] = defaultdict(list)
    for name, way in ways.items():
        table = np.array([one for _, one in way])
        _draw_out_lane_changes(table)
        near = np.hypot(table[:, 1] - centre[0], table[:, 2] - centre[1]) < around_m
        for (t, _), one, is_near in zip(way, table, near, strict=True):
            if is_near:
                found[t].append((name, one))
    return [
        Scene(t, [name for name, _ in users], np.array([one for _, one in users])) for t, users in sorted(found.items())
    ]


def _draw_out_lane_changes(table: Floats) -> None:
    step = np.diff(table[:, 1:3], axis=0)
    heading = table[1:, 3]
    aside = step[:, 1] * np.cos(heading) - step[:, 0] * np.sin(heading)
    for k in np.flatnonzero(np.abs(aside) > JUMP_M).tolist():
        jump = aside[k] * np.array([-np.sin(heading[k]), np.cos(heading[k])])
        for j in range(max(k + 1 - JUMP_FRAMES, 0), min(k + 1 + JUMP_FRAMES, len(table))):
            share = 0.5 * (1.0 - abs(j - k - 0.5) / JUMP_FRAMES)
            table[j, 1:3] += jump * (share if j <= k else -share)


def sense(
    folder: Path, centre: tuple[float, float], out: Path, seed: int, seconds: float, errors: Errors = Errors()
) -> int:
    """Write what a unit at a place measures of a recording.

    Parameters
    ----------
    folder : Path
        Recorded traffic as `lukou_sim.bench.conflict_truth` describes it.
    centre : (float, float)
        Middle of the intersection. [m]
    out : Path
        Folder to write to.
    seed : int
        Of the errors.
    seconds : float
        Length of the recording to use. [s]
    errors : Errors
        How the unit errs.

    Returns
    -------
    int
        Road users in view, summed over the frames.
    """
    out.mkdir(parents=True, exist_ok=True)
    recorded = scenes(folder, centre, seconds)
    sensors = _sensors(centre)
    begin, duration = recorded[0].t, recorded[-1].t - recorded[0].t
    told = {"begin": begin, "duration": duration, "sensors": sensors}
    (out / "sensors.json").write_text(json.dumps(told))
    at = {round((scene.t - begin) / FRAME_S): scene for scene in recorded}
    packets: list[tuple[float, list[list[Any]]]] = []
    for number, sensor in enumerate(sensors):
        packets += _Sensor(sensor, errors, np.random.default_rng([seed, number])).scans(at, duration)
    with gzip.open(out / "async.csv.gz", "wt", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(PACKET_COLUMNS.split(","))
        for _, rows in sorted(packets, key=lambda packet: packet[0]):
            table.writerows(rows)
    return _write_truth(recorded, [sensor for sensor in sensors if sensor["kind"] == "cam"], out / "truth.csv.gz")


def _sensors(centre: tuple[float, float]) -> list[dict[str, Any]]:
    found = []
    for k in range(4):
        yaw = k * math.pi / 2.0 + 0.4
        place = {"x": centre[0] - MAST_M * math.cos(yaw), "y": centre[1] - MAST_M * math.sin(yaw), "h": 8.0, "yaw": yaw}
        found.append({"name": f"cam{k}", "site": 0, "kind": "cam", **place, **CAMERA})
        found.append({"name": f"rad{k}", "site": 0, "kind": "rad", **place, **RADAR})
    return found


class _Sensor:
    """One camera or radar with its own biases."""

    def __init__(self, told: dict[str, Any], errors: Errors, rng: np.random.Generator) -> None:
        self.told, self.errors, self.rng = told, errors, rng
        self.is_camera = told["kind"] == "cam"
        self.bias_s, self.bias_rad = rng.normal(0.0, errors.bias_s), rng.normal(0.0, errors.bias_rad)
        self.bias_m = rng.normal(0.0, errors.bias_m, 2)
        self.spots: dict[str, Floats] = {}
        self.dropped: dict[str, bool] = {}

    def scans(self, at: dict[int, Scene], duration_s: float) -> list[tuple[float, list[list[Any]]]]:
        """Packets by the time of their arrival."""
        e, rng, period = self.errors, self.rng, 1.0 / self.told["rate"]
        found, number, t = [], 0, float(rng.uniform(0.0, period))
        while t < duration_s - FRAME_S:
            scene = at.get(int(t / FRAME_S))
            usual = e.camera_s if self.is_camera else e.radar_s
            arrives = (
                t + usual * math.exp(rng.normal(0.0, 0.13)) + (rng.uniform(0.1, 0.4) if rng.random() < e.late else 0.0)
            )
            places = self._detections(scene, t - int(t / FRAME_S) * FRAME_S) if scene is not None else []
            places += self._clutter()
            if rng.random() >= e.lost and places:
                head = [f"{t + self.bias_s:.4f}", f"{arrives:.4f}", self.told["name"], self.told["kind"], number]
                found.append((arrives, [[*head, *self._placed(place)] for place in places]))
            number, t = number + 1, t + period * (1.0 + rng.normal(0.0, 0.01))
        return found

    def _detections(self, scene: Scene, since_s: float) -> list[tuple[Any, ...]]:
        told, e, rng = self.told, self.errors, self.rng
        kind, x, y, heading, speed, _, length, width = scene.users.T
        x, y = x + speed * np.cos(heading) * since_s, y + speed * np.sin(heading) * since_s
        height = np.array([HEIGHTS_M[int(k)] for k in kind])
        distance, bearing, hidden = _seen_from(told, np.array([x, y, heading, length, width, height]))
        inside = _in_view(told, distance, bearing)
        rate = speed * np.cos(heading - bearing)
        if self.is_camera:
            chance = e.detected * (1.0 - e.hidden_lost * hidden**2)
            chance = chance * np.minimum(1.0, (told["rmax"] + 15.0 - distance) / 35.0) * ~self._drops(scene.names)
        else:
            chance = np.array([RADAR_DETECTED[int(k)] for k in kind]) * (1.0 - e.radar_hidden_lost * hidden**2)
            chance = chance * np.where(np.abs(rate) > 0.3, 1.0, e.radar_still)
        found: list[tuple[Any, ...]] = []
        for k in np.flatnonzero(inside & (rng.random(len(x)) < chance)):
            if self.is_camera:
                along, across = 0.1 + e.depth_per_m2 * distance[k] ** 2, math.hypot(0.1, e.across_rad * distance[k])
                size = length[k] * rng.normal(1.0, 0.07), width[k] * rng.normal(1.0, 0.07)
                yaw = heading[k] + rng.normal(0.0, 0.07) + (math.pi if rng.random() < 0.03 else 0.0)
                named = NAMES[int(kind[k])] if rng.random() < 0.93 else NAMES[int(rng.integers(1, 7))]
                score = min(rng.normal(0.78, 0.13), 1.0)
                off = rng.normal(0.0, along), rng.normal(0.0, across)
                told_of = (f"{max(size[0], 0.3):.3f}", f"{max(size[1], 0.2):.3f}", f"{yaw:.4f}", named, f"{score:.3f}")
                found.append((x[k], y[k], bearing[k], *off, along, across, "nan", *told_of))
                continue
            deep = (
                abs(math.cos(heading[k] - bearing[k])) * length[k] + abs(math.sin(heading[k] - bearing[k])) * width[k]
            )
            wide = (
                abs(math.sin(heading[k] - bearing[k])) * length[k] + abs(math.cos(heading[k] - bearing[k])) * width[k]
            )
            # what reflects wanders over the body within about a second
            spot = self.spots.get(scene.names[k])
            spot = rng.normal(size=2) if spot is None else 0.935 * spot + 0.355 * rng.normal(size=2)
            self.spots[scene.names[k]] = spot
            across = math.hypot(0.13, e.radar_rad * distance[k])
            for _ in range(max(1, int(rng.poisson(REFLECTIONS[int(kind[k])])))):
                off = (
                    -deep * (0.34 + 0.1 * spot[0] + 0.1 * rng.normal()) + rng.normal(0.0, 0.25),
                    wide * (0.17 * spot[1] + 0.12 * rng.normal()) + rng.normal(0.0, e.radar_rad * distance[k]),
                )
                doppler = f"{rate[k] + rng.normal(0.0, 0.13):.4f}"
                found.append((x[k], y[k], bearing[k], *off, 0.25, across, doppler, "nan", "nan", "nan", "", "0.7"))
        return found

    def _drops(self, names: list[str]) -> Flags:
        """Who is missed for a while, whatever is seen of him."""
        e, ends = self.errors, 1.0 / (self.errors.dropped_s * self.told["rate"])
        begins = ends * e.dropped / (1.0 - e.dropped)
        drawn = self.rng.random(len(names))
        before = [self.dropped.get(name) for name in names]
        chance = np.array([e.dropped if was is None else 1.0 - ends if was else begins for was in before])
        now = drawn < chance
        self.dropped = dict(zip(names, now.tolist(), strict=True))
        return np.asarray(now)

    def _clutter(self) -> list[tuple[Any, ...]]:
        told, e, rng = self.told, self.errors, self.rng
        found: list[tuple[Any, ...]] = []
        for _ in range(int(rng.poisson(e.clutter if self.is_camera else e.radar_clutter))):
            # evenly over the ground
            distance = math.sqrt(rng.uniform(told["rmin"] ** 2, told["rmax"] ** 2))
            bearing = told["yaw"] + rng.uniform(-0.5, 0.5) * told["fov"]
            x, y = told["x"] + distance * math.cos(bearing), told["y"] + distance * math.sin(bearing)
            if self.is_camera:
                along, across = 0.1 + e.depth_per_m2 * distance**2, math.hypot(0.1, e.across_rad * distance)
                named, score = NAMES[int(rng.integers(1, 7))], f"{min(rng.normal(0.55, 0.12), 1.0):.3f}"
                yaw = f"{rng.uniform(-3.1, 3.1):.3f}"
                found.append((x, y, bearing, 0.0, 0.0, along, across, "nan", "4.5", "1.8", yaw, named, score))
            else:
                across, doppler = (
                    e.radar_rad * distance + 0.1,
                    f"{rng.normal(0.0, 0.2 if rng.random() < 0.35 else 6.0):.4f}",
                )
                found.append((x, y, bearing, 0.0, 0.0, 0.25, across, doppler, "nan", "nan", "nan", "", "0.6"))
        return found

    def _placed(self, place: tuple[Any, ...]) -> list[Any]:
        x, y, bearing, off_along, off_across, along, across, doppler, *rest = place
        cos, sin = math.cos(bearing), math.sin(bearing)
        dx = x + off_along * cos - off_across * sin - self.told["x"]
        dy = y + off_along * sin + off_across * cos - self.told["y"]
        c, s = math.cos(self.bias_rad), math.sin(self.bias_rad)
        xx, yy = along**2 * cos**2 + across**2 * sin**2, along**2 * sin**2 + across**2 * cos**2
        xy = (along**2 - across**2) * cos * sin
        where = (
            f"{self.told['x'] + c * dx - s * dy + self.bias_m[0]:.3f}",
            f"{self.told['y'] + s * dx + c * dy + self.bias_m[1]:.3f}",
        )
        return [*where, f"{xx:.4f}", f"{xy:.4f}", f"{yy:.4f}", "nan", "nan", doppler, *rest]


def _seen_from(sensor: dict[str, Any], columns: Floats) -> tuple[Floats, Floats, Floats]:
    """Distance and bearing of road users, and the share of each that others hide; `columns` as `hidden_share` takes them. [m, rad, 1]"""
    dx, dy = columns[0] - sensor["x"], columns[1] - sensor["y"]
    hidden = hidden_share(columns, np.array([sensor["x"], sensor["y"], sensor["h"]]))
    return np.hypot(dx, dy), np.arctan2(dy, dx), hidden


def _in_view(sensor: dict[str, Any], distance: Floats, bearing: Floats) -> NDArray[np.bool_]:
    aside = np.abs((bearing - sensor["yaw"] + np.pi) % (2.0 * np.pi) - np.pi)
    return np.asarray((distance > sensor["rmin"]) & (distance < sensor["rmax"]) & (aside < 0.5 * sensor["fov"]))


def _write_truth(recorded: list[Scene], cameras: list[dict[str, Any]], out: Path) -> int:
    """Everybody in view of a camera, exactly, as a list."""
    total = 0
    with gzip.open(out, "wt", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(LIST_COLUMNS.split(","))
        for scene in recorded:
            x, y = scene.users[:, 1], scene.users[:, 2]
            seen = np.zeros(len(x), np.bool_)
            for camera in cameras:
                dx, dy = x - camera["x"], y - camera["y"]
                seen |= _in_view(camera, np.hypot(dx, dy), np.arctan2(dy, dx))
            for k in np.flatnonzero(seen).tolist():
                table.writerow(list_row(scene, k))
                total += 1
    return total


def list_row(scene: Scene, k: int) -> list[Any]:
    """One road user of a scene, exactly, as a row of a list."""
    kind, x, y, heading, speed, acceleration, length, width = scene.users[k].tolist()
    cos, sin = math.cos(heading), math.sin(heading)
    moves = (speed * cos, speed * sin, acceleration * cos, acceleration * sin, heading)
    row = (x, y, *moves, length, width, 0.1, 0.1, 1.0, 0.0)
    return [f"{scene.t:.1f}", scene.names[k], int(kind), *(f"{value:.3f}" for value in row)]


def _rows(path: Path, delimiter: str) -> Any:
    if not path.exists():
        return
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        yield from csv.DictReader(stream, delimiter=delimiter)
