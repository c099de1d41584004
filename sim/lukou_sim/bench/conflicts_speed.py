"""How long a step takes for how many road users: recorded traffic thinned to the nearest of an intersection, through ``lukou warn``."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lukou_sim.bench.conflicts_tracked import busiest_intersection
from lukou_sim.bench.sensed import LIST_COLUMNS, Scene, list_row, scenes

COUNTS = (30, 100, 200)
"""Road users for which budgets are set: 1, 2 and 4 ms in the median, 2.5 times that in the 99th percentile."""

FAR_M = 5000.0
"""Traffic of a whole town may be needed to find so many. [m]"""


def measure_speed(
    map_file: Path, folder: Path, counts: Sequence[int] = COUNTS, seconds: float = 60.0
) -> dict[str, dict[str, Any]]:
    """CPU time of a 0.1 s step (prediction, pairs, warnings) by the number of road users.

    Parameters
    ----------
    map_file, folder : Path
        Map and recording; numbers that it never has around its busiest intersection are left out.
    counts : sequence of int
        How many road users are kept of each instant, the nearest ones.
    seconds : float
        Length of the recording to use. [s]
    """
    centre = busiest_intersection(map_file)
    recorded = scenes(folder, centre, seconds, FAR_M)
    found = {}
    for count in counts:
        full = [scene for scene in recorded if len(scene.names) >= count]
        if len(full) < len(recorded) // 2 or not full:
            continue
        with tempfile.TemporaryDirectory() as place:
            lists = Path(place) / "lists.csv.gz"
            _write(full, centre, count, lists)
            told = _warned(map_file, folder, lists)
        found[str(count)] = {"p50_ms": told["step_ms"]["p50"], "p99_ms": told["step_ms"]["p99"], "steps": told["steps"]}
    return found


def _write(recorded: list[Scene], centre: tuple[float, float], count: int, out: Path) -> None:
    with gzip.open(out, "wt", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(LIST_COLUMNS.split(","))
        for scene in recorded:
            distance = np.hypot(scene.users[:, 1] - centre[0], scene.users[:, 2] - centre[1])
            for k in np.argsort(distance)[:count].tolist():
                table.writerow(list_row(scene, k))


def _warned(map_file: Path, folder: Path, lists: Path) -> dict[str, Any]:
    signals = ["--signals", folder / "tls_states.csv"] if (folder / "tls_states.csv").exists() else []
    words = ["warn", "--map", map_file, "--objects", lists, *signals, "--out", lists.with_suffix(".csv"), "--json"]
    command = [sys.executable, "-m", "lukou_messages.cli", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"lukou warn: {done.stderr.strip()[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told
