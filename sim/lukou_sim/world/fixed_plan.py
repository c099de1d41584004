"""The same minutes on the fixed plan: what adaptive timing is compared with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from lukou_sim.world.delay import DelayStatistics
from lukou_sim.world.scenario import load_scenario
from lukou_sim.world.world import World


def fixed_plan_delay(scenario: Path | str, seconds: float, seed: int, timeout_s: float = 600.0) -> DelayStatistics:
    """The same minutes and demand with every cabinet on its local plan, without sensors, in a process of its own.

    Parameters
    ----------
    scenario : Path or str
        Scenario file or name.
    seconds : float
        Length of the period after the warm-up. [s]
    seed : int
        As the run to compare with.
    timeout_s : float
        Longest wall time. [s]

    Raises
    ------
    subprocess.CalledProcessError, subprocess.TimeoutExpired
        Where the process fails or does not end.
    """
    command = [sys.executable, "-m", "lukou_sim.world.fixed_plan", str(scenario), str(seconds), str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout_s)
    return DelayStatistics(**json.loads(done.stdout.splitlines()[-1]))


def _main(arguments: list[str]) -> None:
    scenario = load_scenario(arguments[0])
    world = World(scenario, int(arguments[2]), sensors=False, lasts_s=float(arguments[1]))
    while world.elapsed_s < float(arguments[1]) - 1e-6:
        world.step()
    print(json.dumps(asdict(world.close())))


if __name__ == "__main__":
    _main(sys.argv[1:])
