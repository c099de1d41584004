"""The same traffic as a roadside unit tracks it: ``lukou track`` on simulated sensors, then ``lukou warn`` on its lists.

Both systems see the same place: everybody in view of the unit's cameras, once exactly and once tracked. A collision counts if both are in view at the
contact. A track is named after the road user nearest to it when a warning about it is raised.
"""

from __future__ import annotations

import csv
import gzip
import math
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from lukou_maps.reading import load_map
from lukou_sim.bench.conflict_truth import STEP_S, Alarm, Truth, pair_of, read_alarms, read_truth, rows, score
from lukou_sim.bench.sensed import sense

SAME_M = 4.0
"""A track farther than this from everybody is nobody's. [m]"""

Places = dict[float, dict[str, tuple[float, float, int]]]
"""Per instant and name: position and class."""


def measure_tracked(runs: list[tuple[Path, Path]], seed: int, seconds: float) -> dict[str, Any]:
    """Figures with exact and with tracked road users.

    Parameters
    ----------
    runs : list of (Path, Path)
        Map file and folder of each recording.
    seed : int
        Of the sensors' errors.
    seconds : float
        Length of each recording to use; tracking takes about a tenth of it. [s]
    """
    truths: list[Truth] = []
    exact: list[list[Alarm]] = []
    tracked: list[list[Alarm]] = []
    for map_file, folder in runs:
        with tempfile.TemporaryDirectory() as place:
            out = Path(place)
            sense(folder, busiest_intersection(map_file), out, seed, seconds)
            _lukou(
                "track",
                out,
                "--input",
                "async",
                "--map",
                map_file,
                "--out",
                out / "t.csv",
                "--lists",
                out / "lists.csv.gz",
            )
            people, tracks = _places(out / "truth.csv.gz"), _places(out / "lists.csv.gz")
            truths.append(_in_view(read_truth(folder, rows(folder / "fcd.csv.gz", ";")), people))
            exact.append(_warned(map_file, folder, out / "truth.csv.gz"))
            tracked.append([_named(one, tracks, people) for one in _warned(map_file, folder, out / "lists.csv.gz")])
    return {"exact": score(truths, exact), "tracked": score(truths, tracked)}


def busiest_intersection(map_file: Path) -> tuple[float, float]:
    """Middle of the stop lines of the intersection with most connections. [m]"""
    model = load_map(map_file)
    of, lanes = model.connections.intersection, model.lanes
    if not (of >= 0).any():
        raise ValueError(f"{map_file}: expected a map with signals, found none")
    chosen = np.flatnonzero(of == np.bincount(of[of >= 0]).argmax())
    ends = lanes.point_start[model.connections.from_lane[chosen] + 1] - 1
    return float(lanes.x_m[ends].mean()), float(lanes.y_m[ends].mean())


def _lukou(*words: object) -> None:
    command = [sys.executable, "-m", "lukou_messages.cli", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"lukou {words[0]}: {done.stderr.strip()[-500:]}")


def _warned(map_file: Path, folder: Path, objects: Path) -> list[Alarm]:
    out = objects.with_suffix(".warnings")
    signals = ["--signals", folder / "tls_states.csv"] if (folder / "tls_states.csv").exists() else []
    _lukou("warn", "--map", map_file, "--objects", objects, *signals, "--out", out)
    return read_alarms(out)


def _places(path: Path) -> Places:
    found: Places = defaultdict(dict)
    with gzip.open(path, "rt") as stream:
        for row in csv.DictReader(stream):
            found[round(float(row["t"]), 1)][row["id"]] = float(row["x_m"]), float(row["y_m"]), int(row["object_class"])
    return found


def _in_view(truth: Truth, people: Places) -> Truth:
    """What of the truth happens in view."""

    def seen(names: tuple[str, ...], at: float) -> bool:
        return all(name in people.get(round(at, 1), {}) for name in names)

    truth.vehicle_hours = sum(kind < 5 for users in people.values() for _, _, kind in users.values()) * STEP_S / 3600.0
    truth.collisions = [one for one in truth.collisions if seen(one[0], one[1])]
    truth.red = [(name, at) for name, at in truth.red if seen((name,), at)]
    return truth


def _named(alarm: Alarm, tracks: Places, people: Places) -> Alarm:
    names = [_name(one, alarm.t_first, tracks, people) if one else "" for one in alarm.pair]
    return Alarm(alarm.t_first, alarm.t_last, alarm.kind, pair_of(*names))


def _name(track: str, at: float, tracks: Places, people: Places) -> str:
    for t in (round(at, 1), round(at + 0.5, 1), round(at - 0.5, 1)):
        where = tracks.get(t, {}).get(track)
        near = [
            (math.hypot(x - where[0], y - where[1]), name) for name, (x, y, _) in people.get(t, {}).items() if where
        ]
        if near and min(near)[0] < SAME_M:
            return min(near)[1]
    return f"nobody/{track}"
