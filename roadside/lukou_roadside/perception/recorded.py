"""Fusion of recorded measurements: folders with ``sensors.json`` and ``sync.csv`` or ``async.csv`` (also gzipped).

``sync``: one list of detections per 0.1 s frame. ``async``: scans of single sensors in the order of arrival; at frame
k only what has arrived by 0.1 k seconds is used, and the state is told for that instant.
"""

from __future__ import annotations

import csv
import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from lukou_roadside.perception.identities import Identities
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, RADAR, Floats, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracks import P_UU, P_UV, P_VV, P_XX, P_XY, P_YY, Tracks

FRAME_S = 0.1
"""Time from frame to frame. [s]"""

CLASSES = {"car": 1, "van": 1, "truck": 2, "bus": 3, "motorcycle": 4, "bicycle": 5, "pedestrian": 6}
"""Class names of the recordings as `lukou.v1.ObjectClass`."""

Row = dict[str, str]


class RecordedSensors:
    """Views of the sensors of one folder."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "sensors.json").read_text())
        self.duration_s = float(told["duration"])
        self.begin_s = float(told.get("begin", 0.0))
        self.number = {sensor["name"]: k for k, sensor in enumerate(told["sensors"])}
        self.views = {sensor["name"]: _view(sensor) for sensor in told["sensors"]}
        self.cameras = tuple(_view(sensor) for sensor in told["sensors"] if sensor["kind"] == "cam")


def _view(sensor: dict[str, float]) -> View:
    return View(sensor["x"], sensor["y"], sensor["yaw"], sensor["fov"], sensor["rmin"], sensor["rmax"])


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
    """

    rows: Floats
    milliseconds: list[float]
    covariances: Floats


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
    """
    folder = Path(folder)
    sensors = RecordedSensors(folder)
    tracker, identities = EventTimeTracker(settings or TrackerSettings()), Identities()
    arrivals = _sync_scans(folder, sensors) if kind == "sync" else _async_scans(folder, sensors, only)
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
        milliseconds.append((time.process_time() - begin) * 1e3)
        if listed is not None:
            listed(sensors.begin_s + now_s, tracks, list(sensors.number))
        shown = tracks.take(tracks.is_confirmed)
        rows.append(np.column_stack([np.full(len(shown), frame), identities.of(shown.birth), shown.state]))
        covariances.append(shown.values[[P_XX, P_XY, P_YY, P_UU, P_UV, P_VV]].T)
    return Tracked(np.concatenate(rows), milliseconds, np.concatenate(covariances))


def _opened(folder: Path, name: str) -> Iterator[Row]:
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    with plain.open() if plain.exists() else gzip.open(packed, "rt") as stream:
        yield from csv.DictReader(stream)


def _sync_scans(folder: Path, sensors: RecordedSensors) -> Iterator[tuple[float, Scan]]:
    for frame, rows in groupby(_opened(folder, "sync"), key=lambda row: int(row["frame"])):
        yield frame * FRAME_S, _scan(list(rows), 0, CAMERA, frame * FRAME_S, frame, sensors.cameras)


def _async_scans(folder: Path, sensors: RecordedSensors, only: str | None) -> Iterator[tuple[float, Scan]]:
    def packet(row: Row) -> tuple[str, str, str]:
        return row["t_arr"], row["sensor"], row["scan"]

    for (arrived, name, number), group in groupby(_opened(folder, "async"), key=packet):
        rows = list(group)
        if only is not None and rows[0]["kind"] != only:
            continue
        kind = CAMERA if rows[0]["kind"] == "cam" else RADAR
        measured = float(rows[0]["t_meas"])
        view = sensors.views[name]
        yield float(arrived), _scan(rows, sensors.number[name], kind, measured, int(number), (view,))


def _scan(rows: list[Row], sensor: int, kind: int, time_s: float, number: int, views: tuple[View, ...]) -> Scan:
    def column(name: str) -> Floats:
        return np.array([float(row.get(name) or "nan") for row in rows])

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
