"""One warning as text and picture: who, where from, where to, when, why, and what came of it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict

from lukou_cloud.edge.recorded_run import KINDS, Run, warn_recorded
from lukou_cloud.edge.settings import JudgeSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_messages.v1 import warning_pb2

RUN_FILE, WARNINGS_FILE = "run.json", "warnings.jsonl"
"""Files of a run's folder."""

AROUND_M = 45.0
"""The picture shows this much on each side of the meeting point. [m]"""

SCALE = 8.0
"""Pixels per metre."""

COLOURS = ("#d62728", "#1f77b4")
"""First and second road user."""


class ExplanationError(ValueError):
    """A warning cannot be explained; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A warning with the names of its road users and its times (in the time of its run). [s]"""

    identity: str
    kind: str
    names: tuple[str, ...]
    t_first: float
    t_last: float | None
    message: warning_pb2.Warning


def write_run(folder: Path, run: Run, about: dict[str, Any]) -> None:
    """Keep what explains the warnings of a run.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    run : Run
        The run.
    about : dict
        What was run: map, files, revision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILE).write_text(json.dumps(about, indent=1) + "\n")
    with (folder / WARNINGS_FILE).open("w") as stream:
        for one in run.warnings:
            row = {
                "id": one.identity,
                "kind": one.kind,
                "names": [name for name in (one.id_a, one.id_b) if name],
                "t_first": round(one.t_first, 3),
                "t_last": round(one.t_last, 3),
                "warning": MessageToDict(one.message, preserving_proto_field_name=True),
            }
            stream.write(json.dumps(row) + "\n")


def find(folder: Path, identity: str) -> Explained:
    """One warning of a run's folder, or of the archive of a live run.

    Raises
    ------
    ExplanationError
        If the folder holds no such warning.
    """
    if (folder / WARNINGS_FILE).exists():
        for line in (folder / WARNINGS_FILE).read_text().splitlines():
            row = json.loads(line)
            if row["id"] == identity:
                return _told(row)
        raise ExplanationError(f"{folder / WARNINGS_FILE}: no warning {identity}; its lines name all there are")
    for path in sorted(folder.rglob("*.sqlite")):
        found = _in_archive(path, identity)
        if found is not None:
            return found
    raise ExplanationError(
        f"{folder}: neither {WARNINGS_FILE} nor an archive with warning {identity}; make one with `lukou warn --run`"
    )


def _in_archive(path: Path, identity: str) -> Explained | None:
    """The first of a warning's records, with the instant of its last."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as archive:
        if not archive.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone():
            return None
        rows = archive.execute("SELECT measured_at_ns, payload FROM records WHERE topic = 'warning_log' ORDER BY 1")
        first: tuple[int, warning_pb2.Warning] | None = None
        last_ns = None
        for at_ns, payload in rows:
            one = warning_pb2.Warning.FromString(payload)
            if one.warning_id == identity:
                first, last_ns = first or (at_ns, one), at_ns
    if first is None or last_ns is None:
        return None
    at_ns, one = first
    names = tuple(str(user.object_id) for user in one.road_users)
    ended = last_ns * 1e-9 if last_ns != at_ns else None
    return Explained(identity, KINDS.get(one.kind, str(one.kind)), names, at_ns * 1e-9, ended, one)


def all_of(folder: Path) -> list[Explained]:
    """Every warning of a run's folder.

    Raises
    ------
    ExplanationError
        If the folder holds no run.
    """
    path = folder / WARNINGS_FILE
    if not path.exists():
        raise ExplanationError(f"{path} is not there: only runs of `lukou warn --run` can be replayed")
    return [_told(json.loads(line)) for line in path.read_text().splitlines()]


def _told(row: dict[str, Any]) -> Explained:
    message = ParseDict(row["warning"], warning_pb2.Warning())
    return Explained(row["id"], row["kind"], tuple(row["names"]), row["t_first"], row["t_last"], message)


def replayed(folder: Path, identity: str) -> list[str]:
    """Run a recording again until a warning is raised, with the settings of then, and compare the two.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    identity : str
        The warning.

    Returns
    -------
    list of str
        What is different; empty: nothing.

    Raises
    ------
    ExplanationError
        If the run's files are not there any more.
    """
    one = find(folder, identity)
    return _compared(one, _again(folder, one.t_first + 0.001))


def replayed_all(folder: Path) -> dict[str, list[str]]:
    """Run a recording again as a whole and compare every warning; warnings that are new are told as different, too.

    Parameters
    ----------
    folder : Path
        Folder of the run.

    Returns
    -------
    dict of str to list of str
        What is different, by identity; an empty list: nothing.

    Raises
    ------
    ExplanationError
        If the run's files are not there any more.
    """
    told = all_of(folder)
    again = _again(folder, float("inf"))
    result = {one.identity: _compared(one, again) for one in told}
    for raised in again.warnings:
        result.setdefault(raised.identity, ["it was not raised then"])
    return result


def _again(folder: Path, until_s: float) -> Run:
    """The run of a folder once more."""
    path = folder / RUN_FILE
    if not path.exists():
        raise ExplanationError(f"{path} is not there: only runs of `lukou warn --run` can be replayed")
    try:
        about = json.loads(path.read_text())
        settings = JudgeSettings.model_validate(about["settings"])
    except (ValueError, KeyError) as error:
        raise ExplanationError(
            f"{path} cannot be replayed by this version: {error}; run `lukou warn --run` again"
        ) from None
    files = [Path(name) for name in (about["map"], *about["objects"], about["signals"]) if name]
    absent = [str(file) for file in files if not file.exists()]
    if absent:
        raise ExplanationError(f"{', '.join(absent)} of this run is gone; put it back to replay")
    signals = Path(about["signals"]) if about["signals"] else None
    objects = [Path(name) for name in about["objects"]]
    return warn_recorded(load_map(about["map"]), objects, signals, settings, until_s=until_s)


def _compared(one: Explained, again: Run) -> list[str]:
    """What is different between a warning and the same one of another run."""
    same = next((raised for raised in again.warnings if raised.identity == one.identity), None)
    if same is None:
        return ["its being raised"]
    told = ("kind", same.kind, one.kind), ("road users", [n for n in (same.id_a, same.id_b) if n], list(one.names))
    different = [what for what, now, then in told if now != then]
    if abs(same.t_first - one.t_first) > 0.001:
        different.append("time")
    fields = {field.name for field, _ in [*same.message.ListFields(), *one.message.ListFields()]}
    return different + sorted(f for f in fields if getattr(same.message, f) != getattr(one.message, f))


def text(one: Explained) -> str:
    """A warning in words, a few lines."""
    m = one.message
    lasted = "still standing" if one.t_last is None else f"active until {one.t_last:.1f} s"
    lines = [
        f"warning {one.identity}: {one.kind}, raised at {one.t_first:.1f} s, {lasted}",
        f"why: {m.why}",
        f"advice: {m.advice}; severity {m.severity:.2f}",
    ]
    for name, user in zip(one.names, m.road_users, strict=False):
        end = f"to ({user.path_x_m[-1]:.1f}, {user.path_y_m[-1]:.1f})" if len(user.path_x_m) > 1 else "standing there"
        place = f"({user.path_x_m[0]:.1f}, {user.path_y_m[0]:.1f})" if user.path_x_m else "?"
        lines.append(f"  {name}: {user.speed_mps:.1f} m/s, lane {user.lane or 'none'}, expected from {place} {end}")
    return "\n".join(lines)


def picture(one: Explained, model: RoadModel) -> str:
    """A warning as SVG: lanes, both expected paths, the meeting point."""
    m = one.message
    centre = np.array([m.meeting_x_m, m.meeting_y_m])
    size = 2.0 * AROUND_M * SCALE

    def points(x_m: Any, y_m: Any) -> str:
        x, y = (np.asarray(x_m) - centre[0] + AROUND_M) * SCALE, (AROUND_M - np.asarray(y_m) + centre[1]) * SCALE
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size:.0f}" height="{size:.0f}" font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="#f4f4f0"/>',
    ]
    lanes = model.lanes
    near = (np.abs(lanes.x_m - centre[0]) < 2.0 * AROUND_M) & (np.abs(lanes.y_m - centre[1]) < 2.0 * AROUND_M)
    for lane in range(len(lanes)):
        rows = lanes.points(lane)
        if not near[rows].any():
            continue
        colour = "#c8c8c8" if lanes.kind[lane] <= LaneKind.JUNCTION else "#e8e4d0"
        line = points(lanes.x_m[rows], lanes.y_m[rows])
        width = max(float(lanes.width_m[lane]) * SCALE - 2.0, 1.0)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width:.1f}"/>')
    for k, (name, user) in enumerate(zip(one.names, m.road_users, strict=False)):
        line, colour = points(user.path_x_m, user.path_y_m), COLOURS[k % len(COLOURS)]
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="4" stroke-dasharray="9 4"/>'
        )
        x, y = line.split(" ")[0].split(",")
        parts.append(f'<circle cx="{x}" cy="{y}" r="8" fill="{colour}"/>')
        label = f"{name} {user.speed_mps:.1f} m/s"
        parts.append(f'<text x="{float(x) + 12:.1f}" y="{y}" font-size="16" fill="{colour}">{escape(label)}</text>')
    middle = size / 2.0
    parts.append(f'<circle cx="{middle}" cy="{middle}" r="14" fill="none" stroke="#000" stroke-width="3"/>')
    head = f"{one.identity} · {one.kind} · {m.time_to_collision_s:.1f} s · p {m.probability:.2f}"
    parts.append(f'<text x="12" y="26" font-size="18">{escape(head)}</text></svg>')
    return "\n".join(parts) + "\n"
