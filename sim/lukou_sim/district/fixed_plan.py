"""The optimised fixed plan: Webster's cycle and splits for the district's own demand, and offsets along the platoons.

F. V. Webster, "Traffic signal settings", Road Research Technical Paper 39, 1958: optimal cycle (1.5 L + 5) / (1 - Y), greens
in proportion to the flow ratios of the critical movements. One cycle for all four intersections, of the most loaded one, unless
simulating the neighbourhood of that cycle has found a better one (`fixed_plan_search`); pedestrians' minima are kept;
offsets maximise the flow that arrives on green, over all combinations in steps of 4 s.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lukou_maps.signal_configuration import CalendarEntry, Plan, SignalConfiguration, changes, save
from lukou_sim.district.configurations import build, configuration_path
from lukou_sim.district.demand import Demand, load_demand, turning_flows
from lukou_sim.district.layout import DISTRICT, OPPOSITE, Layout

SATURATION_PER_LANE = 1850.0
"""Through traffic of passenger cars in SUMO with a time gap of 1.1 s. [1/h]"""
SATURATION_LEFT = 1750.0
SATURATION_RIGHT_SHARE = 0.4
"""A right turner takes 1 / 0.4 of a through vehicle's time: it yields to people walking and to bicycles. Measured: a lane of
through and right-turning vehicles discharges 0.2 to 0.35 vehicles/s, and plans made with 0.4 have less delay than with 0.85."""
START_LOSS_S, YELLOW_USED_S = 2.0, 1.5
SEARCHED_CYCLE_S = {"peak": 92.0, "light": 84.0}
"""`fixed_plan_search` (mean delay_all of 3 seeds of 20 minutes after 5 of warm-up). Peak: 79.4 s of delay at a cycle of 84 s, 74.4 at
92, 75.3 at 96, 75.3 at 100; with right turns at 0.85: 78.8 at 84, 75.3 at 92, 77.0 at 100, 79.9 at 110, 82.8 at 121 (Webster's).
Light: 66.3 at 80, 61.8 at 84, 65.7 at 92. [s]"""
PLATOON_SPEED_MPS = 11.5
LONGEST_CYCLE_S, SHORTEST_CYCLE_S = 150.0, 80.0
PERIODS = (("peak", 1.0), ("day", 0.78), ("light", 0.7), ("night", 0.45))
CALENDAR = (("00:00", "light"),)
"""The demo may start at any time of the real day while its demand is that of its scenario's hour, so the calendar names the
plan of the default demo's demand; a scenario may name another one. A site of a real city would list them all."""
OFFSET_STEP_S = 4.0
Splits = dict[str, float]


@dataclass(frozen=True)
class Network:
    """What plans are made for.

    Attributes
    ----------
    layout : Layout
    demand : Demand
    drafts : mapping of str to SignalConfiguration
        Of every intersection; their plans do not matter.
    """

    layout: Layout
    demand: Demand
    drafts: Mapping[str, SignalConfiguration]


def district(demand: Demand | None = None) -> Network:
    """The district, with its own demand or another."""
    return Network(DISTRICT, demand or load_demand(), {name: build(name) for name in DISTRICT.intersections})


def critical_ratios(network: Network, intersection: str, factor: float) -> Splits:
    """Flow ratio of the critical movement of each stage."""
    layout = network.layout
    flows = turning_flows(network.demand, factor, layout)
    found: Splits = {stage.name: 0.0 for stage in network.drafts[intersection].stages}
    for leg in layout.legs(intersection):
        axis = "NS" if leg in "NS" else "EW"
        to_left, straight, right = flows[intersection, leg]
        goes_on = (intersection, OPPOSITE[leg]) not in layout.missing
        lanes = 2 if goes_on else 1  # without a way straight on, its second lane turns left too
        through = (straight + right / SATURATION_RIGHT_SHARE) / (lanes * SATURATION_PER_LANE)
        left = to_left / ((1 if goes_on else 2) * SATURATION_LEFT)
        for stage, ratio in ((f"{axis}-through", through), (f"{axis}-left", left)):
            if stage in found:
                found[stage] = max(found[stage], ratio)
    return found


def _stage_facts(configuration: SignalConfiguration) -> dict[str, tuple[float, float]]:
    """Per stage: its shortest split, and the part of its split in which its vehicles do not discharge. [s]"""
    order = [stage.name for stage in configuration.stages]
    between = changes(configuration)
    facts = {}
    for first, second in zip(order, order[1:] + order[:1], strict=True):
        change = between[first, second]
        kind = "left" if first.endswith("left") else "through"
        legs = [leg for leg in first.split("-")[0] if f"{leg}-{kind}" in change.endings]
        ends = max(change.endings[f"{leg}-{kind}"].flashing_ends for leg in legs)
        lost = (change.duration - ends) / 10 - YELLOW_USED_S + START_LOSS_S
        facts[first] = ((change.earliest + change.duration) / 10, lost)
    return facts


def webster_cycle(ratios: Splits, lost_s: float) -> float:
    """Optimal cycle, within the bounds of practice. [s]"""
    total = min(sum(ratios.values()), 0.95)
    cycle = (1.5 * lost_s + 5) / (1 - total)
    return float(math.ceil(min(max(cycle, SHORTEST_CYCLE_S), LONGEST_CYCLE_S)))


def splits_for(configuration: SignalConfiguration, ratios: Splits, cycle_s: float) -> Splits:
    """Splits that equalise the saturation of the critical movements, none below its minimum; whole seconds."""
    facts = _stage_facts(configuration)
    at_minimum: set[str] = set()
    while True:
        free = [stage for stage in facts if stage not in at_minimum]
        room = cycle_s - sum(facts[s][0] for s in at_minimum) - sum(facts[s][1] for s in free)
        total = sum(ratios[s] for s in free)
        splits = {
            s: facts[s][0] if s in at_minimum else facts[s][1] + room * ratios[s] / max(total, 1e-6) for s in facts
        }
        short = {s for s in free if splits[s] < facts[s][0] - 1e-9}
        if not short:
            break
        at_minimum |= short
    whole = {s: float(math.ceil(facts[s][0]) if s in at_minimum else round(v)) for s, v in splits.items()}
    longest = max(whole, key=lambda s: whole[s])
    whole[longest] += cycle_s - sum(whole.values())
    return whole


def best_offsets(
    network: Network,
    splits: Mapping[str, Splits],
    cycle_s: float,
    factor: float,
    speed_mps: float = PLATOON_SPEED_MPS,
) -> dict[str, float]:
    """Offsets that maximise the flow of through platoons that meets green at the next intersection; the first has 0.

    All combinations for up to four intersections; above, one after the other until none gets better by itself. [s]
    """
    layout = network.layout
    flows = turning_flows(network.demand, factor, layout)
    links = []
    for (name, leg), neighbour in layout.neighbours.items():
        # Traffic that arrives at `name` on `leg` comes straight through `neighbour`, where it arrived on the same leg.
        if (neighbour, leg) in layout.missing or (name, OPPOSITE[leg]) in layout.missing:
            continue
        axis = "NS" if leg in "NS" else "EW"
        start_up, green_up = _window(splits[neighbour], axis)
        start, green = _window(splits[name], axis)
        travel = layout.leg_length_m(name, leg) / speed_mps
        links.append((neighbour, name, start_up + travel, green_up, start, green, flows[neighbour, leg][1]))

    def worth(offsets: Mapping[str, float]) -> float:
        total = 0.0
        for upstream, downstream, leaves, green_up, start, green, flow in links:
            moments = offsets[upstream] + leaves + np.arange(0, min(green_up, 25.0), 1.0)
            phase = (moments - offsets[downstream] - start) % cycle_s
            total += flow * float(np.mean(phase < green))
        return total

    names, steps = list(layout.intersections), [float(step) for step in np.arange(0, cycle_s, OFFSET_STEP_S)]
    if len(names) <= 4:
        tried = itertools.product([0.0], *([steps] * (len(names) - 1)))
        return max((dict(zip(names, offsets, strict=True)) for offsets in tried), key=worth)
    offsets = dict.fromkeys(names, 0.0)
    for _ in range(len(names)):
        before = worth(offsets)
        for name in names[1:]:
            offsets = max(({**offsets, name: step} for step in steps), key=worth)
        if worth(offsets) <= before:
            break
    return offsets


def _window(splits: Splits, axis: str) -> tuple[float, float]:
    """Start within the cycle, and length, of the through green of an axis. [s]"""
    start = 0.0
    for stage, split in splits.items():
        if stage == f"{axis}-through":
            return start, split - 6.0
        start += split
    return 0.0, 0.0


def plans(network: Network) -> dict[str, list[Plan]]:
    """The plans of every intersection of the district."""
    made: dict[str, list[Plan]] = {name: [] for name in network.drafts}
    for period, factor in PERIODS:
        cycle_s = SEARCHED_CYCLE_S.get(period) or common_cycle(network, factor)
        for name, plan in coordinated_plans(network, period, factor, cycle_s).items():
            made[name].append(plan)
    return made


def least_splits(configuration: SignalConfiguration) -> Splits:
    """What every stage needs at least, in whole seconds."""
    return {stage: float(math.ceil(fact[0])) for stage, fact in _stage_facts(configuration).items()}


def least_cycle(network: Network) -> float:
    """What the minima need, at the intersection that needs most. [s]"""
    return max(sum(least_splits(draft).values()) for draft in network.drafts.values())


def common_cycle(network: Network, factor: float) -> float:
    """Webster's cycle of the most loaded intersection, none below what any intersection's minima need. [s]"""
    cycles = [least_cycle(network)]
    for name, draft in network.drafts.items():
        lost_s = sum(fact[1] for fact in _stage_facts(draft).values())
        cycles.append(webster_cycle(critical_ratios(network, name, factor), lost_s))
    return max(cycles)


def coordinated_plans(network: Network, period: str, factor: float, cycle_s: float) -> dict[str, Plan]:
    """Plan of every intersection for one period and a common cycle."""
    splits = {
        name: splits_for(draft, critical_ratios(network, name, factor), cycle_s)
        for name, draft in network.drafts.items()
    }
    offsets = best_offsets(network, splits, cycle_s, factor)
    return {name: Plan(period, cycle_s, offsets[name], tuple(splits[name].items())) for name in network.drafts}


def write() -> None:
    """Write the district's configurations with their optimised plans."""
    calendar = [CalendarEntry((1, 2, 3, 4, 5, 6, 7), start, plan) for start, plan in CALENDAR]
    for name, its_plans in plans(district()).items():
        save(build(name, plans=its_plans, calendar=calendar), configuration_path(name))


def saturation(network: Network, intersection: str, plan: Plan, factor: float = 1.0) -> Splits:
    """Degree of saturation of each stage's critical movement under a plan."""
    facts, ratios = _stage_facts(network.drafts[intersection]), critical_ratios(network, intersection, factor)
    return {stage: ratios[stage] * plan.cycle_s / (split - facts[stage][1]) for stage, split in plan.splits_s}


def load_factor(network: Network, degree: float, cycle_s: float) -> float:
    """Factor on the demand at which the most loaded intersection has a degree of saturation, all greens shared at best."""
    worst = 0.0
    for name, draft in network.drafts.items():
        lost_s = sum(fact[1] for fact in _stage_facts(draft).values())
        worst = max(worst, sum(critical_ratios(network, name, 1.0).values()) / (1.0 - lost_s / cycle_s))
    return degree / worst
