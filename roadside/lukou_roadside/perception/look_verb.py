"""``lukou look``: the perception view as files, from a running site's taps or from a recording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from lukou_maps.reading import load_map
from lukou_messages.codec import decode
from lukou_messages.errors import SettingsError
from lukou_messages.objects import ObjectList
from lukou_messages.recording import read_recording
from lukou_messages.report import WRONG_USAGE, plain_errors, print_json
from lukou_messages.transport.taps import heard
from lukou_messages.v1.header_pb2 import Header, Validity
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.sensor_pb2 import CameraPicture
from lukou_messages.verbs.status import newest_taps
from lukou_roadside.perception.view_picture import camera_picture, map_picture, view

app = typer.Typer(add_completion=False)

TOPICS = ("objects", "picture")

TOGETHER_NS = 300_000_000
"""A list belongs to a picture if no more lies between them. [ns]"""

CLASS_NAMES = {
    number: name.removeprefix("OBJECT_CLASS_").lower().replace("_", " ") for name, number in ObjectClass.items()
}


@dataclass(frozen=True)
class Heard:
    """One message."""

    topic: str
    header: Header
    value: Any


@app.command()
def look(
    map_file: Annotated[Path, typer.Option("--map", help="Map file of the site")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures")] = Path("view"),
    recording: Annotated[
        Path | None, typer.Option(help="Recording (.mcap) with object lists; without it, what runs here is looked at")
    ] = None,
    taps: Annotated[
        Path | None, typer.Option(help="Folder of the site's taps (*.tap); by default those of the newest demo")
    ] = None,
    site: Annotated[str, typer.Option(help="Only this site; empty: all")] = "",
    seconds: Annotated[float, typer.Option(min=0.5, max=3600, help="So long (of what runs here) [s]")] = 5.0,
    every: Annotated[float, typer.Option(min=0.1, help="One picture per camera and so many seconds [s]")] = 1.0,
    radius: Annotated[float, typer.Option(min=10.0, max=1000.0, help="Half of the map's width [m]")] = 70.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Write pictures of what perception follows: the map with everybody, beside it the picture of each camera that sends any."""
    with plain_errors("lukou look --help", WRONG_USAGE):
        if recording is None:
            heard = _live(taps or newest_taps(), seconds)
        else:
            heard = _recorded(recording)
        model = load_map(map_file)
        out.mkdir(parents=True, exist_ok=True)
        written = Pictures(model, out, every, radius).write(one for one in heard if _of(one, site))
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        print(f"{len(written)} pictures in {out}" if written else "no object list was heard: is perception running?")
    if not written:
        raise SystemExit(1)


class Pictures:
    """Puts together what belongs together, and writes it."""

    def __init__(self, model: Any, out: Path, every_s: float, radius_m: float) -> None:
        self._model, self._out, self._every_ns, self._radius_m = model, out, round(every_s * 1e9), radius_m
        self._lists: dict[str, Heard] = {}
        self._centre: dict[str, tuple[float, float]] = {}
        self._last_ns: dict[tuple[str, str], int] = {}

    def write(self, heard: Iterator[Heard]) -> list[Path]:
        """All pictures of some messages; their paths."""
        written: list[Path] = []
        for one in heard:
            name = one.header.source.partition("/")[0]
            if one.topic == "objects":
                self._lists[name] = one
                camera, sent = "", None
            else:
                camera, sent = one.value.camera, one.value
            told = self._lists.get(name)
            if told is None or abs(told.header.measured_at_ns - one.header.measured_at_ns) > TOGETHER_NS:
                continue
            if self._is_due(name, camera, one.header.measured_at_ns):
                written.append(self._written(name, camera, told, sent))
        return written

    def _is_due(self, name: str, camera: str, at_ns: int) -> bool:
        last_ns = self._last_ns.get((name, camera))
        if last_ns is not None and 0 <= at_ns - last_ns < self._every_ns - 50_000_000:
            return False
        self._last_ns[name, camera] = at_ns
        return True

    def _written(self, name: str, camera: str, told: Heard, sent: CameraPicture | None) -> Path:
        objects: ObjectList = told.value
        if name not in self._centre and (len(objects) or objects.perceived_areas):
            self._centre[name] = _middle(objects)
        lanes = self._model.lanes
        centre = self._centre.get(name, (float(np.mean(lanes.x_m)), float(np.mean(lanes.y_m))))
        at = datetime.fromtimestamp(told.header.measured_at_ns * 1e-9, UTC)
        validity = Validity.Name(told.header.validity).removeprefix("VALIDITY_").lower()
        words = [
            f"{name} {camera}   {at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 100_000} UTC   {len(objects)} road users"
        ]
        words.append(f"{validity} {told.header.validity_reason}"[:120])
        picture = None if sent is None else camera_picture(sent, CLASS_NAMES)
        image = view(map_picture(self._model, objects, centre, self._radius_m), picture, words)
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", f"{name}-{camera or 'map'}")
        path = self._out / f"{stem}-{told.header.measured_at_ns // 100_000_000}.png"
        if not cv2.imwrite(str(path), image):
            raise SettingsError([f"{path}: cannot be written; name another folder with --out"])
        return path


def _middle(objects: ObjectList) -> tuple[float, float]:
    """Middle of what the sensors watch; of the road users where no sensor tells what it watches."""
    areas = objects.perceived_areas
    if not areas:
        return float(np.median(objects.x_m)), float(np.median(objects.y_m))
    outlines = [(np.asarray(area.x_m, np.float64), np.asarray(area.y_m, np.float64)) for area in areas]
    x_m, y_m = (float(np.mean([np.mean(outline[k]) for outline in outlines])) for k in (0, 1))
    return x_m, y_m


def _of(one: Heard, site: str) -> bool:
    return not site or one.header.source.partition("/")[0] == site


def _recorded(path: Path) -> Iterator[Heard]:
    for one in read_recording(path, set(TOPICS)):
        yield Heard(one.topic, one.header, decode(one.topic, one.payload).value)


def _live(taps: Path, seconds: float) -> Iterator[Heard]:
    """What perception processes say for some seconds."""
    paths = [path for path in sorted(taps.glob("*.tap")) if "perception" in path.stem]
    if not paths:
        raise SettingsError([f"{taps}: no perception process has a tap here; name the folder with --taps"])
    for topic, decoded in heard(paths, TOPICS, seconds):
        yield Heard(topic, decoded.header, decoded.value)
