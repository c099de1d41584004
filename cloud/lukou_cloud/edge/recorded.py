"""Warnings on recorded trajectories: SUMO's FCD output as CSV, walkers and two-wheelers, signal states.

``fcd.csv[.gz]``: columns ``timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_angle;vehicle_type;vehicle_speed;…`` (front bumper, degrees
clockwise from north), sizes from ``vtypes.csv`` beside it. ``vru.csv[.gz]``: ``t,id,x,y,heading,speed,cls,length,width`` (centre, radians from
east). Lists of tracked road users, as ``lukou track --lists`` writes them: ``t,id,object_class,x_m,y_m,vx_mps,vy_mps,ax_mps2,ay_mps2,yaw_rad,length_m,
width_m,deviation_m,speed_deviation_mps,existence,unmeasured_s``. Signals: ``t,tls,state`` with one of SUMO's letters per link, changes only.
"""

from __future__ import annotations

import csv
import gzip
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import TextIO

import numpy as np

from lukou_cloud.edge.lights import OF_LETTER, USUAL_YELLOW_S, Light, Lights, entered_lines, link_rows, no_lights
from lukou_cloud.edge.road_users import MOVING_MPS, Floats, Ints, RoadUsers, believed, speed_now
from lukou_cloud.edge.settings import WarningSettings
from lukou_maps.road_model import RoadModel
from lukou_maps.sumo import intersection_name

VULNERABLE_CLASSES = {"ped": 6, "pedestrian": 6, "bike": 5, "bicycle": 5, "motorcycle": 4}
"""Classes of the walkers' file as `lukou.v1.ObjectClass`."""

STEADY_S = 0.6
"""Intervals of one colour that differ by less were meant to be equal. [s]"""

OVERDUE_S = 0.3
"""A colour that lasts longer than foreseen by more than this is not foreseen any more. [s]"""

SHORT_M = 20.0
"""On shorter lanes positions lag or hurry for a second only, and make up for it on the next. [m]"""

DEFAULT_SIZE = (4.3, 1.8)
"""Length and width where none is told. [m]"""


MEASURED = (
    "x_m",
    "y_m",
    "heading_rad",
    "speed_mps",
    "acceleration_mps2",
    "length_m",
    "width_m",
    "deviation_m",
    "speed_deviation_mps",
    "existence",
    "unmeasured_s",
)
"""Real columns of a `Sighting`."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One road user at one instant: identity, class, centre, heading, speed, acceleration, size."""

    name: str
    object_class: int
    x_m: float
    y_m: float
    heading_rad: float
    speed_mps: float
    acceleration_mps2: float
    length_m: float
    width_m: float
    deviation_m: float = 0.1
    speed_deviation_mps: float = 0.1
    existence: float = 1.0
    unmeasured_s: float = 0.0


def read_trajectories(paths: list[Path]) -> list[tuple[float, list[Sighting]]]:
    """All road users of all files by instant, ascending."""
    frames: dict[float, list[Sighting]] = {}
    for path in paths:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
            head = stream.readline()
            stream.seek(0)
            tracked = "existence" in head
            rows = (
                _vehicles(stream, path)
                if "timestep_time" in head
                else _lists(stream)
                if tracked
                else _vulnerable(stream)
            )
            for t, sighting in rows:
                frame = frames.setdefault(round(t, 2), [])
                if sighting is not None:
                    frame.append(sighting)
    return sorted(frames.items())


def _sizes(folder: Path) -> dict[str, tuple[float, float]]:
    path = folder / "vtypes.csv"
    if not path.exists():
        return {}
    with path.open() as stream:
        return {row["id"]: (float(row["length"]), float(row["width"])) for row in csv.DictReader(stream)}


def _shown_share(stream: TextIO) -> dict[str, float]:
    """How fast positions move on each lane, as a share of the speeds told there; the stream is read and rewound.

    SUMO drives along a lane by its told length; parallel lanes of a bend have one length and different shapes, and it shows positions by
    the shape. Whoever sees positions sees other speeds than those told. That is a property of the map, so the whole recording tells it.
    """
    table = csv.reader(stream, delimiter=";")
    head = next(table)
    wanted = ("vehicle_id", "vehicle_lane", "vehicle_pos", "vehicle_x", "vehicle_y")
    told: dict[str, float] = defaultdict(float)
    shown: dict[str, float] = defaultdict(float)
    length: dict[str, float] = defaultdict(float)
    if set(wanted) <= set(head):
        last: dict[str, tuple[str, float, float, float]] = {}
        chosen = itemgetter(*map(head.index, wanted))
        for row in table:
            name, lane, *numbers = chosen(row) if len(row) == len(head) else ("", "")
            if not name or not all(numbers):
                continue
            pos, x, y = map(float, numbers)
            before = last.get(name)
            last[name] = lane, pos, x, y
            if before is not None and before[0] == lane and pos > before[1]:
                told[lane] += pos - before[1]
                shown[lane] += math.hypot(x - before[2], y - before[3])
                length[lane] = max(length[lane], pos)
    stream.seek(0)
    return {lane: shown[lane] / way for lane, way in told.items() if length[lane] > SHORT_M}


def _vehicles(stream: TextIO, path: Path) -> Iterator[tuple[float, Sighting | None]]:
    sizes, shares = _sizes(path.parent), _shown_share(stream)
    for row in csv.DictReader(stream, delimiter=";"):
        t = float(row["timestep_time"])
        if not row["vehicle_id"]:
            yield t, None
            continue
        length, width = sizes.get(row["vehicle_type"].split("@")[0], DEFAULT_SIZE)
        heading = math.radians(90.0 - float(row["vehicle_angle"]))
        share = shares.get(row.get("vehicle_lane", ""), 1.0)
        object_class = 4 if length < 2.8 else 1 if length < 6.5 else 3 if length > 11.0 else 2
        yield (
            t,
            Sighting(
                row["vehicle_id"],
                object_class,
                float(row["vehicle_x"]) - 0.5 * length * math.cos(heading),
                float(row["vehicle_y"]) - 0.5 * length * math.sin(heading),
                heading,
                float(row["vehicle_speed"]) * share,
                float(row.get("vehicle_acceleration") or 0.0) * share,
                length,
                width,
            ),
        )


def _vulnerable(stream: Iterator[str]) -> Iterator[tuple[float, Sighting | None]]:
    for row in csv.DictReader(stream):
        named = VULNERABLE_CLASSES.get(row["cls"], 6)
        size = float(row["length"]), float(row["width"])
        where = float(row["x"]), float(row["y"]), float(row["heading"]), float(row["speed"])
        yield float(row["t"]), Sighting(row["id"], named, *where, 0.0, *size)


def _lists(stream: Iterator[str]) -> Iterator[tuple[float, Sighting | None]]:
    for row in csv.DictReader(stream):
        vx, vy, ax, ay, yaw = (float(row[name]) for name in ("vx_mps", "vy_mps", "ax_mps2", "ay_mps2", "yaw_rad"))
        heading = math.atan2(vy, vx) if math.hypot(vx, vy) > MOVING_MPS else yaw
        rest = ("length_m", "width_m", "deviation_m", "speed_deviation_mps", "existence", "unmeasured_s")
        yield (
            float(row["t"]),
            Sighting(
                row["id"],
                int(row["object_class"]),
                float(row["x_m"]),
                float(row["y_m"]),
                heading,
                math.hypot(vx, vy),
                ax * math.cos(heading) + ay * math.sin(heading),
                *(float(row[name]) for name in rest),
            ),
        )


class RecordedLights:
    """Signal states by time, with the ends that a countdown which has watched the last cycles would tell.

    A link's red or green is expected to last as long as last time, unless the last two times differ; what has not
    been seen, or varies (actuated signals), is not foreseen.
    """

    def __init__(self, model: RoadModel, path: Path | None) -> None:
        self._model = model
        changes: dict[str, list[tuple[float, str]]] = {}
        if path is not None:
            with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
                for row in csv.DictReader(stream):
                    changes.setdefault(intersection_name(row["tls"]), []).append((float(row["t"]), row["state"]))
        self._times = {name: [t for t, _ in told] for name, told in changes.items()}
        self._rows, self._lights, self._ends, self._begins = {}, {}, {}, {}
        lines = model.stop_lines  # whether a waiting area may be entered is not told by links
        entered = [lines.connections[line] for line in entered_lines(model)]
        self._untold = np.concatenate([np.zeros(0, np.int64), *entered])
        for name, told in changes.items():
            rows, links = link_rows(model, name, len(told[0][1]))
            light = np.array([[int(OF_LETTER.get(letter, Light.UNKNOWN)) for letter in state] for _, state in told])
            self._rows[name], self._lights[name] = rows, light[:, links]
            times = np.array(self._times[name])
            self._ends[name], self._begins[name] = (
                _learned_ends(times, light)[:, links],
                _begins(times, light)[:, links],
            )

    def at(self, t: float) -> Lights:
        """Lights at an instant."""
        lights = no_lights(self._model)
        for name, times in self._times.items():
            k = bisect_right(times, t + 1e-6) - 1
            if k >= 0:
                rows, left = self._rows[name], self._ends[name][k] - t
                lights.light[rows] = self._lights[name][k]
                lights.ends_in_s[rows] = np.where(left > -OVERDUE_S, np.maximum(left, 0.0), np.nan)
                lights.for_s[rows] = t - self._begins[name][k]
        lights.light[self._untold] = Light.UNKNOWN
        return lights


def _begins(t: Floats, light: Ints) -> Floats:
    """When each link began to show what it shows from each change on; nan: before the recording."""
    begins = np.full(light.shape, np.nan)
    for k in range(1, len(t)):
        begins[k] = np.where(light[k] == light[k - 1], begins[k - 1], t[k])
    return begins


def _learned_ends(t: Floats, light: Ints) -> Floats:
    """When what each link shows from each change on will end, by what was seen before that change only; nan: unknown."""
    ends = np.full(light.shape, np.nan)
    for link in range(light.shape[1]):
        lasted: dict[int, list[float]] = {}
        began, end = t[0], np.nan
        for k in range(len(t)):
            if k > 0 and light[k, link] != light[k - 1, link]:
                before = lasted.setdefault(int(light[k - 1, link]), [])
                before.append(t[k] - began if began > t[0] else np.nan)
                began, shown = t[k], int(light[k, link])
                last = lasted.get(shown, [])[-2:]
                steady = bool(last) and abs(last[0] - last[-1]) < STEADY_S  # nan, seen in part only, is not steady
                usual = USUAL_YELLOW_S if shown == Light.YELLOW else np.nan
                end = began + (last[-1] if steady else usual)
            ends[k, link] = end
    return ends


def road_users(
    frame: list[Sighting], numbers: dict[str, int], names: dict[int, str], settings: WarningSettings | None = None
) -> RoadUsers:
    """Road users of one instant; names that are new get a number in both tables."""
    trust = settings or WarningSettings()
    for one in frame:
        if one.name not in numbers:
            numbers[one.name] = len(numbers) + 1
            names[len(numbers)] = one.name
    table = np.array([[getattr(one, name) for name in MEASURED] for one in frame]).reshape(-1, len(MEASURED))
    columns = np.ascontiguousarray(table.T)  # what is taken of a column that is none is copied whole first
    x, y, heading, speed, acceleration, length, width, deviation, speed_deviation, existence, unmeasured = columns
    object_class = np.array([one.object_class for one in frame], np.int64)
    return RoadUsers(
        id=np.array([numbers[one.name] for one in frame], np.int64),
        object_class=object_class,
        x_m=x,
        y_m=y,
        heading_rad=heading,
        speed_mps=speed_now(speed, acceleration, speed_deviation),
        acceleration_mps2=believed(acceleration, speed_deviation, object_class),
        length_m=length,
        width_m=width,
        deviation_m=deviation,
        speed_deviation_mps=speed_deviation,
        is_trusted=(existence >= trust.least_existence) & (unmeasured <= trust.unmeasured_s),
    )
