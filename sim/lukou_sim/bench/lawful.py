"""``lukou bench lawful``: the timing that a city buys, beside the better of two baselines, part of the day by part of the day."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from lukou_sim.bench.scenario_folder import ScenarioFolder
from lukou_sim.bench.signals import Options, Run

BASELINES = ("plan", "actuated")
FLOORS = {
    "person_delay_on_better": 0.85,
    "worst_period_on_better": 1.02,
    "pedestrian_wait_mean_s": 45.0,
    "pedestrian_wait_p95_s": 90.0,
    "vehicle_wait_p99_cycles": 2.0,
    "split_failures_off_saturation": 0.05,
    "blocked_s_per_h_off_saturation": 0.0,
    "locked": 0.0,
    "refusals": 0.0,
}
"""At most."""
LEAST = {"arrivals_on_green": 0.6, "spat_end_within_1_s": 0.95, "spat_colour_right": 1.0}


def compare(
    folders: Sequence[Path],
    seeds: Sequence[int],
    commit_s: int,
    jobs: int,
    tell: Callable[[str], None],
    cabinet: str = "stages",
) -> dict[str, Any]:
    """Run every site with every seed under both baselines and lukou.

    Parameters
    ----------
    folders : sequence of Path
        Of `lukou site`.
    seeds : sequence of int
    commit_s : int
        Ends are told so long before. [s]
    jobs : int
        Runs at a time.
    tell : callable
        Hears what has been run.
    cabinet : str
        What cabinets take under lukou: ``stages`` or ``plans``; actuation always has those that take stages.
    """
    wanted = [(f, seed, controller) for f in folders for seed in seeds for controller in (*BASELINES, "lukou")]
    found: dict[tuple[Path, int, str], dict[str, Any]] = {}
    context = multiprocessing.get_context("spawn")  # libsumo is one per process
    with ProcessPoolExecutor(jobs, context, max_tasks_per_child=1) as pool:
        for key, figures in zip(wanted, pool.map(_run, [(*key, commit_s, cabinet) for key in wanted]), strict=True):
            found[key] = figures
            delay_s = figures["person_delay"]["day"]
            tell(f"{key[0].name}, seed {key[1]}, {key[2]}: {delay_s:.1f} s of delay per person")
    return {
        f.resolve().name: _site([{c: found[f, s, c] for c in (*BASELINES, "lukou")} for s in seeds]) for f in folders
    }


def _run(wanted: tuple[Path, int, str, int, str]) -> dict[str, Any]:
    folder, seed, controller, commit_s, cabinet = wanted
    return Run(ScenarioFolder.open(folder), Options(controller, seed, commit_s=commit_s, cabinet=cabinet)).run()


def _site(rows: Sequence[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Means over the seeds, against the baseline that is better over the day."""
    delays: dict[str, dict[str, float]] = {
        controller: {part: statistics.fmean(row[controller]["person_delay"][part] for row in rows) for part in rows[0]["plan"]["person_delay"]}
        for controller in (*BASELINES, "lukou")
    }  # fmt: skip
    better = min(BASELINES, key=lambda controller: delays[controller]["day"])
    least = {part: min(delays[controller][part] for controller in BASELINES) for part in delays["lukou"]}
    ratios = {part: delays["lukou"][part] / max(1e-9, least[part]) for part in least}
    day = [row["lukou"]["service"]["day"] for row in rows]
    figures: dict[str, Any] = {
        "seeds": len(rows),
        "person_delay_s": delays,
        "better_baseline": better,
        "person_delay_on_better": ratios["day"],  # in each part of the day, of the baseline that is better there
        "worst_period_on_better": max(ratio for part, ratio in ratios.items() if part != "day"),
        **{name: _mean([one[name] for one in day]) for name in ("pedestrian_wait_mean_s", "pedestrian_wait_p95_s")},
        "vehicle_wait_p99_cycles": _mean([one["vehicle_wait_p99_cycles"] for one in day]),
        **{
            name: _mean([row["lukou"][name] for row in rows])
            for name in ("split_failures_off_saturation", "blocked_s_per_h_off_saturation", "arrivals_on_green")
        },
        **{name: _mean([row["lukou"][name] for row in rows]) for name in ("spat_colour_right", "spat_end_within_1_s", "spat_end_told")},
        **{name: sum(row["lukou"][name] for row in rows) for name in ("locked", "locked_s")},
        "locked_on_baselines": {controller: sum(row[controller]["locked"] for row in rows) for controller in BASELINES},
        "refusals": sum(sum(row["lukou"]["guard_refusals"].values()) for row in rows),
        "decision_ms_p50": _mean([row["lukou"]["decision_ms"]["p50"] for row in rows]),
    }  # fmt: skip
    known = {name: value for name, value in figures.items() if value is not None}
    figures["missed"] = [name for name, most in FLOORS.items() if known.get(name, 0.0) > most]
    figures["missed"] += [name for name, least_one in LEAST.items() if known.get(name, 1.0) < least_one]
    figures["not_measured"] = [name for name in (*FLOORS, *LEAST) if name not in known]
    return figures


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
