"""``lukou bench tracking``: Lukou beside others on the same recorded measurements, with how honest its covariances are.

Lukou runs as its users run it, by ``lukou track``: with all sensors, and with the cameras alone, which fusion must beat. Beside it norfair and Stone
Soup, where they are installed, on the cameras' detections in the order of arrival. They are no dependency: they live in an environment of their own.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from lukou_messages.errors import SettingsError
from lukou_sim.bench.tracking_scores import Floats, Frame, consistency, scores

FRAME_S = 0.1
MATCH_M = 2.0
"""Covariances are judged on pairs nearer than this: what is farther is another road user. [m]"""

PEERS = ("norfair", "stonesoup")
"""Other trackers, by the names of their packages."""

ON_S, FARTHEST_M = 0.5, 20.0
"""Pairs are made by the distances now and so much later; no distance counts for more. [s, m]"""


def measure(folder: Path, kind: str, peers: Path = Path(sys.executable), limit_s: float = 300.0) -> dict[str, Any]:
    """Figures of every tracker on one folder.

    Parameters
    ----------
    folder : Path
        With ``sensors.json``, ``gt.csv`` and the measurements (also gzipped).
    kind : str
        ``sync`` or ``async``.
    peers : Path
        Interpreter of the environment in which other trackers are installed.
    limit_s : float
        None of them is waited for longer. [s]

    Returns
    -------
    dict
        Figures by tracker; None for one that is not installed, has not finished, or has nothing to do.
    """
    truth = _Truth(folder)
    figures: dict[str, Any] = {"lukou": _lukou(folder, kind, truth, [])}
    figures["lukou_cameras_only"] = _lukou(folder, kind, truth, ["--only", "cam"]) if kind == "async" else None
    for name in PEERS:
        figures[name] = _peer(name, peers, folder, kind, truth, limit_s)
    return figures


class _Truth:
    """Truth by frame, and where the cameras look."""

    def __init__(self, folder: Path) -> None:
        sensors = json.loads((folder / "sensors.json").read_text())
        self.frames = round(float(sensors["duration"]) / FRAME_S)
        self.cameras = [one for one in sensors["sensors"] if one["kind"] == "cam"]
        rows = _rows(folder, "gt")
        names = sorted({row["id"] for row in rows})
        number = {name: k for k, name in enumerate(names)}
        self.frame = np.array([int(row["frame"]) for row in rows])
        self.of = np.array([number[row["id"]] for row in rows])
        self.state = np.array([[float(row[key]) for key in ("x", "y", "vx", "vy")] for row in rows])

    def watched(self, x_m: Floats, y_m: Floats) -> np.ndarray:
        """Whether a place is in view of a camera: what is tracked elsewhere is neither right nor wrong."""
        inside = np.zeros(len(x_m), np.bool_)
        for one in self.cameras:
            dx, dy = x_m - one["x"], y_m - one["y"]
            distance = np.hypot(dx, dy)
            off = (np.arctan2(dy, dx) - one["yaw"] + np.pi) % (2.0 * np.pi) - np.pi
            inside |= (distance < one["rmax"]) & (distance > one["rmin"]) & (np.abs(off) < one["fov"] / 2.0)
        return inside

    def compared(self, tracks: Floats) -> list[Frame]:
        """Frames of truth beside (frame, id, x, y, vx, vy)."""
        tracks = tracks[self.watched(tracks[:, 2], tracks[:, 3])]
        _, number = np.unique(tracks[:, 1], return_inverse=True)
        made = []
        for k in range(self.frames):
            mine, theirs = np.flatnonzero(self.frame == k), np.flatnonzero(tracks[:, 0] == k)
            difference = self.state[mine][:, None, :] - tracks[theirs][None, :, 2:6]
            distance = np.hypot(difference[..., 0], difference[..., 1])
            made.append(Frame(self.of[mine], number[theirs], distance, (difference[..., 2:] ** 2).sum(axis=2)))
        return made


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.gz"
    if not plain.exists() and not packed.exists():
        raise SettingsError(
            [f"{folder}: neither {plain.name} nor {packed.name}; name a folder of recorded measurements"]
        )
    with plain.open() if plain.exists() else gzip.open(packed, "rt") as stream:
        return list(csv.DictReader(stream))


def _lukou(folder: Path, kind: str, truth: _Truth, options: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        out, covariances = Path(place) / "tracks.csv", Path(place) / "covariances.csv"
        command = [sys.executable, "-m", "lukou_messages.cli", "track", str(folder), "--input", kind, "--json"]
        command += ["--out", str(out), "--covariances", str(covariances), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SettingsError([f"lukou track failed: {done.stderr.strip()[-300:]}; install lukou-roadside"])
        tracks = np.loadtxt(out, delimiter=",", skiprows=1, ndmin=2)
        uncertain = np.loadtxt(covariances, delimiter=",", skiprows=1, ndmin=2)
    figures: dict[str, Any] = scores(truth.compared(tracks))
    figures["frame_ms"] = json.loads(done.stdout)["frame_ms"]["p50"]
    figures |= _honesty(truth, tracks, uncertain)
    return figures


def _honesty(truth: _Truth, tracks: Floats, uncertain: Floats) -> dict[str, Any]:
    """Consistency of position and of velocity, each of two components, over the pairs of track and road user, one to one.

    Who passes another within the gate is told apart by where both will be `ON_S` later: a car and the walker whom it passes are no pair for one frame.
    """
    of, frame, error2 = [], [], []
    for k in range(truth.frames):
        mine, theirs = np.flatnonzero(truth.frame == k), np.flatnonzero(tracks[:, 0] == k)
        if not len(mine) or not len(theirs):
            continue
        difference = truth.state[mine][:, None, :] - tracks[theirs][None, :, 2:6]
        distance = np.hypot(difference[..., 0], difference[..., 1])
        later = np.hypot(*(difference[..., k] + ON_S * difference[..., 2 + k] for k in (0, 1)))
        cost = distance**2 + np.minimum(later, FARTHEST_M) ** 2
        rows, columns = linear_sum_assignment(np.where(distance < MATCH_M, cost, 4.0 * FARTHEST_M**2))
        near = distance[rows, columns] < MATCH_M
        rows, columns = rows[near], columns[near]
        error, p = difference[rows, columns], uncertain[theirs[columns]]
        of.append(truth.of[mine[rows]])
        frame.append(np.full(len(columns), k))
        error2.append(np.column_stack([_squared(error[:, :2], p[:, :3]), _squared(error[:, 2:], p[:, 3:])]))
    who, when, both = np.concatenate(of), np.concatenate(frame), np.concatenate(error2)
    return {"position": consistency(who, when, both[:, 0]), "velocity": consistency(who, when, both[:, 1])}


def _squared(error: Floats, p: Floats) -> Floats:
    """Squared error over covariance (xx, xy, yy)."""
    x, y, (xx, xy, yy) = error[:, 0], error[:, 1], p.T
    return np.asarray((yy * x * x - 2.0 * xy * x * y + xx * y * y) / np.maximum(xx * yy - xy * xy, 1e-12))


def _peer(name: str, python: Path, folder: Path, kind: str, truth: _Truth, limit_s: float) -> dict[str, Any] | None:
    """Another tracker on the cameras' detections, each frame with what has arrived since the last; None where it is not installed or does not finish."""
    if subprocess.run([str(python), "-c", f"import {name}"], capture_output=True, check=False).returncode != 0:
        return None
    with tempfile.TemporaryDirectory() as place:
        found, out = Path(place) / "detections.csv", Path(place) / "tracks.csv"
        columns = ("x", "y", "sxx", "sxy", "syy")
        rows = [
            [_frame(row, kind), *(float(row[key]) for key in columns)]
            for row in _rows(folder, kind)
            if kind == "sync" or row["kind"] == "cam"
        ]
        np.savetxt(found, rows, delimiter=",", header="frame," + ",".join(columns), comments="")
        command = [str(python), str(Path(__file__).with_name("tracking_peers.py")), name, str(truth.frames)]
        try:
            done = subprocess.run([*command, str(found), str(out)], capture_output=True, text=True, timeout=limit_s)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode != 0:
            raise SettingsError([f"{name} failed: {done.stderr.strip()[-300:]}"])
        figures: dict[str, Any] = scores(truth.compared(np.loadtxt(out, delimiter=",", skiprows=1, ndmin=2)))
    figures["frame_ms"] = round(float(done.stdout.split()[-1]), 2)
    return figures


def _frame(row: dict[str, str], kind: str) -> int:
    """The frame that first knows of a measurement."""
    return int(row["frame"]) if kind == "sync" else int(np.ceil(float(row["t_arr"]) / FRAME_S - 1e-9))
