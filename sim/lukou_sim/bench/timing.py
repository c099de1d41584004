"""Adaptive timing against the optimised fixed plan, seed by seed, each run in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Any


def compare(seeds: int, seconds: float, source: str, scenario: str) -> dict[str, Any]:
    """Run both plans for each seed; gains are shares of the fixed plan's delay."""
    runs = []
    for seed in range(1, seeds + 1):
        adaptive = _run(scenario, seed, seconds, source, "adaptive")
        fixed = _run(scenario, seed, seconds, "truth", "fixed")
        runs.append(
            {
                "seed": seed,
                "delay_s": adaptive["delay_s"],
                "delay_fixed_plan_s": fixed["delay_s"],
                "gain": 1 - adaptive["delay_s"] / fixed["delay_s"],
                "stops_per_vehicle": adaptive["stops_per_vehicle"],
                "stops_per_vehicle_fixed_plan": fixed["stops_per_vehicle"],
                "longest_wait_s": adaptive["longest_wait_s"],
                "longest_wait_fixed_plan_s": fixed["longest_wait_s"],
                "finished": adaptive["finished"],
                "finished_fixed_plan": fixed["finished"],
                "guard_refusals": adaptive["guard_refusals"],
            }
        )
        print(f"seed {seed}: gain {runs[-1]['gain']:+.1%}", file=sys.stderr, flush=True)
    return {
        "scenario": scenario,
        "seconds": seconds,
        "source": source,
        "median_gain": statistics.median(row["gain"] for row in runs),
        "runs": runs,
    }


def _run(scenario: str, seed: int, seconds: float, source: str, plan: str) -> dict[str, Any]:
    words = [sys.executable, "-m", "lukou_messages.cli", "sim", scenario, "--lockstep", "--json"]
    words += ["--seconds", str(seconds), "--seed", str(seed), "--source", source, "--plan", plan]
    done = subprocess.run(words, capture_output=True, text=True, timeout=3600, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[2:])}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
