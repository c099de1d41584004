"""Warnings on dangerous traffic with a physical truth: Lukou beside what others do, on the same runs.

Lukou runs as its users run it, by ``lukou warn``. Beside it: straight-line motion in free space (the common two-dimensional time to
collision), constant speed along the lanes of the map, and SUMO's own SSM device (vehicles only, and it looks back).
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from lukou_maps.matching import LaneMatcher
from lukou_maps.paths import PathCatalogue
from lukou_maps.reading import load_map
from lukou_sim.bench.conflict_truth import Alarm, Pair, Truth, pair_of, read_alarms, read_truth, rows, score

TIMES_S = np.arange(0.25, 2.51, 0.25)
"""Instants at which the baselines compare footprints. [s]"""

NEAR_M = 60.0
"""Pairs farther apart than this are not compared by the baselines. [m]"""

GAP_S = 0.5
"""Alarms of a pair that follow each other within this time are one. [s]"""

Frame = tuple[float, list[str], np.ndarray]
"""Instant, names, and per road user x, y, heading, speed, length, width, is vulnerable."""


def measure(runs: list[tuple[Path, Path]], baselines: bool = True) -> dict[str, Any]:
    """Figures of every system, pooled over the runs.

    Parameters
    ----------
    runs : list of (Path, Path)
        Map file and folder of each recording.
    baselines : bool
        Whether to run the others too; they take minutes.
    """
    truths: list[Truth] = []
    alarms: dict[str, list[list[Alarm]]] = defaultdict(list)
    speed: list[dict[str, Any]] = []
    for map_file, folder in runs:
        vehicles = rows(folder / "fcd.csv.gz", ";")
        truths.append(read_truth(folder, vehicles))
        raised, figures = lukou(map_file, folder)
        alarms["lukou"].append(raised)
        speed.append(figures)
        if baselines:
            frames = read_frames(folder, vehicles)
            alarms["free_space"].append(extrapolated(frames, straight))
            alarms["along_lanes"].append(extrapolated(frames, AlongLanes(map_file)))
            alarms["sumo_ssm"].append(ssm(folder))
    systems = {name: score(truths, found) for name, found in alarms.items()}
    return {"runs": len(runs), "systems": systems, "step_ms": [one["step_ms"] for one in speed], "warn": speed}


def lukou(map_file: Path, folder: Path) -> tuple[list[Alarm], dict[str, Any]]:
    """``lukou warn`` on a folder: its warnings and its figures."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "warnings.csv"
        objects = [
            part
            for name in ("fcd.csv.gz", "vru.csv.gz")
            if (folder / name).exists()
            for part in ("--objects", folder / name)
        ]
        signals = ["--signals", folder / "tls_states.csv"] if (folder / "tls_states.csv").exists() else []
        command = [
            sys.executable,
            "-m",
            "lukou_messages.cli",
            "warn",
            "--map",
            map_file,
            *objects,
            *signals,
            "--out",
            out,
            "--json",
        ]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"lukou warn on {folder}: {done.stderr.strip()[-500:]}")
        return read_alarms(out), json.loads(done.stdout)


def read_frames(folder: Path, vehicles: list[dict[str, str]]) -> list[Frame]:
    """All road users by instant."""
    sizes = {row["id"]: (float(row["length"]), float(row["width"])) for row in rows(folder / "vtypes.csv")}
    found: dict[float, list[tuple[str, tuple[float, ...]]]] = defaultdict(list)
    for row in vehicles:
        if not row["vehicle_id"]:
            continue
        length, width = sizes.get(row["vehicle_type"].split("@")[0], (4.3, 1.8))
        heading = math.radians(90.0 - float(row["vehicle_angle"]))
        x = float(row["vehicle_x"]) - 0.5 * length * math.cos(heading)
        y = float(row["vehicle_y"]) - 0.5 * length * math.sin(heading)
        one = (x, y, heading, float(row["vehicle_speed"]), length, width, 0.0)
        found[round(float(row["timestep_time"]), 1)].append((row["vehicle_id"], one))
    for row in rows(folder / "vru.csv.gz"):
        values = tuple(float(row[name]) for name in ("x", "y", "heading", "speed", "length", "width"))
        found[round(float(row["t"]), 1)].append((row["id"], (*values, 1.0)))
    return [(t, [name for name, _ in users], np.array([one for _, one in users])) for t, users in sorted(found.items())]


def straight(users: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Everybody goes on straight at constant speed: x, y, heading of (road user, instant)."""
    way = users[:, 3, None] * TIMES_S
    heading = np.repeat(users[:, 2, None], len(TIMES_S), axis=1)
    return users[:, 0, None] + way * np.cos(heading), users[:, 1, None] + way * np.sin(heading), heading


class AlongLanes:
    """Vehicles on a lane go on along it at constant speed, all others straight."""

    def __init__(self, map_file: Path) -> None:
        model = load_map(map_file)
        self._matcher, self._catalogue = LaneMatcher(model), PathCatalogue(model)

    def __call__(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `straight`."""
        x, y, heading = straight(users)
        found = self._matcher.match(users[:, 0], users[:, 1], users[:, 2])
        on = np.flatnonzero((found.lane >= 0) & (users[:, 6] == 0.0) & (np.abs(found.d_m) < 2.0))
        owner, path = self._catalogue.of_lanes(found.lane[on])
        first, index = np.unique(owner, return_index=True)
        on, path = on[first], path[index]
        way = users[on, 3, None] * TIMES_S
        x[on], y[on], heading[on] = self._catalogue.table.pose(path[:, None], found.s_m[on, None] + way)
        return x, y, heading


def extrapolated(frames: list[Frame], motion: Any) -> list[Alarm]:
    """Alarms wherever extrapolated footprints overlap within 2.5 s."""
    open_: dict[Pair, list[float]] = {}
    alarms: list[Alarm] = []
    for t, names, users in frames:
        for a, b in meeting(users, motion):
            pair = pair_of(names[a], names[b])
            known = open_.get(pair)
            if known is not None and t - known[1] <= GAP_S:
                known[1] = t
                continue
            if known is not None:
                alarms.append(Alarm(known[0], known[1], "contact", pair))
            open_[pair] = [t, t]
    return alarms + [Alarm(first, last, "contact", pair) for pair, (first, last) in open_.items()]


def meeting(users: np.ndarray, motion: Any) -> list[tuple[int, int]]:
    """Pairs whose footprints overlap at one of the instants, one of them moving, at most one vulnerable."""
    a, b = np.triu_indices(len(users), 1)
    near = (np.abs(users[a, 0] - users[b, 0]) < NEAR_M) & (np.abs(users[a, 1] - users[b, 1]) < NEAR_M)
    near &= (users[a, 3] + users[b, 3] > 0.5) & (users[a, 6] + users[b, 6] < 2.0)
    a, b = a[near], b[near]
    if len(a) == 0:
        return []
    x, y, heading = motion(users)
    close = (np.hypot(x[a] - x[b], y[a] - y[b]) < 0.5 * (users[a, 4] + users[b, 4])[:, None] + 2.0).any(axis=1)
    a, b = a[close], b[close]
    hit = overlap(x, y, heading, users[:, 4] / 2.0, users[:, 5] / 2.0, a, b).any(axis=1)
    return list(zip(a[hit].tolist(), b[hit].tolist(), strict=True))


def overlap(
    x: np.ndarray,
    y: np.ndarray,
    heading: np.ndarray,
    half_length: np.ndarray,
    half_width: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Whether rectangles overlap, by their separating axes, per pair and instant."""
    dx, dy = x[b] - x[a], y[b] - y[a]
    turn = np.abs(heading[a] - heading[b])
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    apart = np.zeros(dx.shape, np.bool_)
    for one, other in ((a, b), (b, a)):
        c, s = np.cos(heading[one]), np.sin(heading[one])
        l1, w1, l2, w2 = (
            v[:, None] for v in (half_length[one], half_width[one], half_length[other], half_width[other])
        )
        apart |= np.abs(dx * c + dy * s) > l1 + l2 * cos + w2 * sin
        apart |= np.abs(dy * c - dx * s) > w1 + l2 * sin + w2 * cos
    return np.asarray(~apart)


def ssm(folder: Path) -> list[Alarm]:
    """SUMO's SSM device as a detector: every encounter that it reports is an alarm from its begin to its end."""
    return sorted(
        {
            Alarm(float(row["begin"]), float(row["end"]), "contact", pair_of(row["veh_a"], row["veh_b"]))
            for row in rows(folder / "conflicts.csv")  # each encounter stands there once per driver
        },
        key=lambda one: one.t_first,
    )
