"""``python -m lukou_sim.district.fixed_plan_search``: which common cycle gives the fixed plan its least delay in SUMO."""

from __future__ import annotations

import argparse

from lukou_maps.signal_configuration import CalendarEntry
from lukou_sim.district import fixed_plan
from lukou_sim.district.configurations import build


def mean_delay(cycle_s: float, factor: float, seeds: list[int], seconds: float) -> float:
    """Mean delay_all over seeds of the plan for a share of the peak's demand, with one cycle, in scenario ``calm``. [s]"""
    from lukou_sim.world.scenario import load_scenario
    from lukou_sim.world.world import World

    peak = fixed_plan.coordinated_plans(fixed_plan.district(), "peak", factor, cycle_s)
    calendar = [CalendarEntry((1, 2, 3, 4, 5, 6, 7), "00:00", "peak")]
    configurations = {name: build(name, plans=[plan], calendar=calendar) for name, plan in peak.items()}
    scenario = load_scenario("calm").model_copy(update={"demand_scale": factor})
    delays = []
    for seed in seeds:
        world = World(scenario, seed, sensors=False, configurations=configurations)
        while world.elapsed_s < seconds - 1e-6:
            world.step()
        delays.append(world.close().delay_s or 0.0)
    return sum(delays) / len(delays)


def main() -> None:
    """Print a line per cycle."""
    parser = argparse.ArgumentParser(prog="python -m lukou_sim.district.fixed_plan_search", description=__doc__)
    parser.add_argument("--cycles", type=float, nargs="+", default=[84, 92, 96, 100, 110, 121], help="seconds")
    parser.add_argument("--factor", type=float, default=1.0, help="share of the peak's demand")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=1200.0)
    options = parser.parse_args()
    for cycle_s in options.cycles:
        print(
            f"{cycle_s:6.1f} s  {mean_delay(cycle_s, options.factor, options.seeds, options.seconds):6.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
