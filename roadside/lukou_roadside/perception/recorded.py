"""Fusion of recorded measurements: folders with ``sensors.json`` and ``sync.csv`` or ``async.csv`` (also gzipped).

``sync``: one list of detections per 0.1 s frame. ``async``: scans of single sensors in the order of arrival; at frame
k only what has arrived by 0.1 k seconds is used, and the state is told for that instant.
"""

from __future__ import annotations

import csv
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from lukou_messages.errors import RecordingError
from lukou_roadside.perception.identities import Identities
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, RADAR, Floats, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import P_UU, P_UV, P_VV, P_XX, P_XY, P_YY, Tracks
from lukou_roadside.perception.tracking.warm import warm

FRAME_S = 0.1
"""Time from frame to frame. [s]"""

CLASSES = {"car": 1, "van": 1, "truck": 2, "bus": 3, "motorcycle": 4, "bicycle": 5, "pedestrian": 6}
"""Class names of the recordings as `lukou.v1.ObjectClass`."""

SYNC_COLUMNS = ("frame", "x", "y", "sxx", "sxy", "syy", "cls", "score")
ASYNC_COLUMNS = ("t_meas", "t_arr", "sensor", "kind", "scan", "x", "y", "sxx", "sxy", "syy", "rdot", "cls", "score")
"""Columns that there have to be; ``length,width,heading`` may be missing, and may be empty in any row."""

MOST_SENSORS = 32
"""So many sensors at most."""

MOST_DURATION_S = 86400.0
"""No recording is longer. [s]"""

FARTHEST = 1e8
"""No number is greater: coordinates of any grid in use are smaller. [m, s]"""

MOST_VARIANCE_M2 = 1e6
"""Whoever is less certain says nothing. [m^2]"""

AHEAD_S = 1.0
"""A clock may run ahead by so much before what it stamps is taken for nonsense. [s]"""

Row = dict[str, str]


class RecordedSensors:
    """Views of the sensors of one folder.

    Raises
    ------
    RecordingError
        ``sensors.json`` cannot be read or lacks something.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "sensors.json"
        try:
            told = json.loads(path.read_text())
            self.duration_s = float(told["duration"])
            self.begin_s = float(told.get("begin", 0.0))
            self.number = {str(sensor["name"]): k for k, sensor in enumerate(told["sensors"])}
            self.views = {str(sensor["name"]): _view(sensor) for sensor in told["sensors"]}
            self.cameras = tuple(_view(sensor) for sensor in told["sensors"] if sensor["kind"] == "cam")
        except OSError as error:
            raise RecordingError(f"{path}: {error.strerror}; name a folder with this file") from error
        except KeyError as error:
            raise RecordingError(f"{path}: {error} is missing; see the format in docs/perception.md") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise RecordingError(f"{path}: {error}; see the format in docs/perception.md") from error
        if not self.number or not 0.0 < self.duration_s < MOST_DURATION_S:
            raise RecordingError(
                f"{path}: {len(self.number)} sensors and {self.duration_s} s; at least one and up to a day are wanted"
            )
        if len(self.number) > MOST_SENSORS or len(self.number) < len(told["sensors"]):
            raise RecordingError(
                f"{path}: {len(told['sensors'])} sensors, {len(self.number)} names; at most {MOST_SENSORS}, each with its own"
            )


def _view(sensor: dict[str, float]) -> View:
    view = View(*(float(sensor[key]) for key in ("x", "y", "yaw", "fov", "rmin", "rmax")))
    if not np.isfinite([view.x_m, view.y_m, view.azimuth_rad, view.opening_rad, view.range_max_m]).all():
        raise ValueError(f"a sensor with a number that is none: {sensor}")
    return view


class Tracked(NamedTuple):
    """What tracking a folder gives.

    Attributes
    ----------
    rows : (n, 6) float array
        frame, id, x, y, velocity x, velocity y.
    milliseconds : list of float
        CPU time of each frame.
    covariances : (n, 6) float array
        Of each row: position xx, xy, yy and velocity xx, xy, yy. [m^2, m^2/s^2]
    refused : dict
        Measurements that were not used, by why.
    """

    rows: Floats
    milliseconds: list[float]
    covariances: Floats
    refused: dict[str, int]


def track_folder(
    folder: str | Path,
    kind: Literal["sync", "async"],
    settings: TrackerSettings | None = None,
    only: Literal["cam", "rad"] | None = None,
    listed: Callable[[float, Tracks, Sequence[str]], None] | None = None,
) -> Tracked:
    """Track all measurements of one folder.

    Parameters
    ----------
    folder : path
        Folder as described at the head of this module.
    kind : {"sync", "async"}
        Which recording.
    settings : TrackerSettings, optional
        Settings of the tracker.
    only : {"cam", "rad"}, optional
        Use the sensors of this kind alone.
    listed : callable, optional
        Takes instant, tracks and names of sensors of each frame, for example to publish them.

    Raises
    ------
    RecordingError
        A file is missing, empty, or lacks columns. What is wrong with single rows is counted, and they are left out.
    """
    folder = Path(folder)
    sensors, refused = RecordedSensors(folder), Counter[str]()
    warm()
    tracker, identities = EventTimeTracker(settings or TrackerSettings()), Identities()
    arrivals = iter(
        _sync_scans(folder, sensors, refused) if kind == "sync" else _async_scans(folder, sensors, only, refused)
    )
    waiting = next(arrivals, None)
    rows, milliseconds, covariances = [], [], []
    for frame in range(round(sensors.duration_s / FRAME_S)):
        now_s = frame * FRAME_S
        arrived = []
        while waiting is not None and waiting[0] <= now_s + 1e-9:
            arrived.append(waiting[1])
            waiting = next(arrivals, None)
        begin = time.process_time()
        for scan in arrived:
            tracker.add(scan)
        tracks = tracker.at(now_s)
        tracker.settle()
        milliseconds.append((time.process_time() - begin) * 1e3)
        if listed is not None:
            listed(sensors.begin_s + now_s, tracks, list(sensors.number))
        shown = tracks.take(tracks.is_confirmed)
        rows.append(np.column_stack([np.full(len(shown), frame), identities.of(shown.birth), shown.state]))
        covariances.append(shown.values[[P_XX, P_XY, P_YY, P_UU, P_UV, P_VV]].T)
    refused["too late to be worked in"] += tracker.late
    return Tracked(
        np.concatenate(rows), milliseconds, np.concatenate(covariances), {k: n for k, n in refused.items() if n}
    )


def _rows(folder: Path, name: str, columns: Sequence[str]) -> Iterator[Row]:
    """Rows of a file, which has to have these columns."""
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    path = plain if plain.exists() else packed
    try:
        with path.open() if path is plain else gzip.open(path, "rt") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise RecordingError(f"{path}: no column {', '.join(missing)}; wanted are {', '.join(columns)}")
            yield from reader
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{path}: {error}; it has to be CSV, plain or gzipped") from error


def _good(rows: Iterator[Row], numbers: Sequence[str], refused: Counter[str]) -> Iterator[Row]:
    """Rows whose numbers are numbers and whose covariances are positive definite; the others are counted."""
    for row in rows:
        try:
            values = [float(row[name]) for name in numbers]
            xx, xy, yy = (float(row[name]) for name in ("sxx", "sxy", "syy"))
        except (TypeError, ValueError):
            refused["no number where there has to be one"] += 1
            continue
        if not np.isfinite(values).all() or any(abs(value) > FARTHEST for value in values):
            refused["not finite"] += 1
        elif not (xx > 0.0 and yy > 0.0 and xx * yy - xy * xy > 0.0 and xx + yy < MOST_VARIANCE_M2):
            refused["covariance not positive definite"] += 1
        else:
            yield row


def _sync_scans(folder: Path, sensors: RecordedSensors, refused: Counter[str]) -> list[tuple[float, Scan]]:
    frames: dict[int, list[Row]] = {}
    for row in _good(_rows(folder, "sync", SYNC_COLUMNS), ("frame", "x", "y", "score"), refused):
        frames.setdefault(round(float(row["frame"])), []).append(row)
    return [
        (frame * FRAME_S, _scan(frames[frame], 0, CAMERA, frame * FRAME_S, frame, sensors.cameras))
        for frame in sorted(frames)
    ]


def _async_scans(
    folder: Path, sensors: RecordedSensors, only: str | None, refused: Counter[str]
) -> list[tuple[float, Scan]]:
    packets: dict[tuple[float, str, int], list[Row]] = {}
    numbers = ("t_meas", "t_arr", "scan", "x", "y", "score")
    for row in _good(_rows(folder, "async", ASYNC_COLUMNS), numbers, refused):
        if row["sensor"] not in sensors.views or row["kind"] not in ("cam", "rad"):
            refused["of no sensor or kind in sensors.json"] += 1
        elif float(row["t_arr"]) < float(row["t_meas"]) - AHEAD_S:
            refused["arrived before it was measured"] += 1
        elif only is None or row["kind"] == only:
            packets.setdefault((float(row["t_arr"]), row["sensor"], round(float(row["scan"]))), []).append(row)
    made = []
    for (arrived, name, number), rows in sorted(packets.items(), key=lambda one: one[0]):
        kind = CAMERA if rows[0]["kind"] == "cam" else RADAR
        at_s, view = float(rows[0]["t_meas"]), sensors.views[name]
        made.append((arrived, _scan(rows, sensors.number[name], kind, at_s, number, (view,))))
    return made


def _scan(rows: list[Row], sensor: int, kind: int, time_s: float, number: int, views: tuple[View, ...]) -> Scan:
    def column(name: str) -> Floats:
        return np.array([_number(row.get(name)) for row in rows])

    return Scan(
        sensor=sensor,
        kind=kind,
        time_s=time_s,
        sequence=number,
        x_m=column("x"),
        y_m=column("y"),
        variance_xx=column("sxx"),
        variance_xy=column("sxy"),
        variance_yy=column("syy"),
        views=views,
        object_class=np.array([CLASSES.get(row["cls"], 0) for row in rows]),
        score=column("score"),
        yaw_rad=column("heading"),
        length_m=column("length"),
        width_m=column("width"),
        range_rate_mps=column("rdot"),
    )


def _number(text: str | None) -> float:
    """A number that may be missing: nan where it is."""
    try:
        value = float(text or "nan")
    except ValueError:
        return float("nan")
    return value if abs(value) < FARTHEST else float("nan")
