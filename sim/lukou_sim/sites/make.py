"""Make a site's folder: net, a day of demand, signal configurations with a fixed plan per period, found by simulation.

The demand's factor 1 is what saturates the most loaded entry under Webster's plan of a cycle of 120 s, as measured by overloading it. A
period's plan begins as Webster's (`lukou_sim.district.fixed_plan`) for each of several cycles; SUMO runs each with the period's demand. The
cycle with the least delay of people is kept, and its splits and platoon speed are moved as long as that makes it less.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import sumo

from lukou_maps.signal_configuration import CalendarEntry, Plan, SignalConfiguration, check, save
from lukou_maps.signal_four_leg import STAGES
from lukou_sim.cabinet.core import Cabinet
from lukou_sim.district import net
from lukou_sim.district.configurations import build
from lukou_sim.district.demand import vehicle_types_xml
from lukou_sim.district.fixed_plan import (
    Network,
    best_offsets,
    common_cycle,
    coordinated_plans,
    least_cycle,
    least_splits,
    load_factor,
)
from lukou_sim.sites.flows import DAY, Period, flows_xml, period_flows
from lukou_sim.sites.kinds import KINDS, Kind
from lukou_sim.sites.persons import mean_delay, trips

PERIOD_S = 900.0
WARM_UP_S, TRIED_S, TRIED_SEEDS = 300.0, 1200.0, (4711, 4712)
OVERLOAD = 1.4
SHIFTS_S = (6.0, 3.0)
"""Moved from all other stages to one, at every intersection; first coarse, then fine. [s]"""
PLATOON_SPEEDS_MPS = (8.0, 9.5, 13.0)
"""Tried beside the usual one: offsets follow. [m/s]"""
CYCLE_FACTORS = (0.75, 0.87, 1.0, 1.15, 1.3)
"""Cycles that are tried, on Webster's."""
LONGEST_CYCLE_S = 180.0
REFERENCE_CYCLE_S = 120.0
"""The demand's factor 1 just saturates the most loaded intersection at this cycle. [s]"""
RESOLVED_S = 60
"""Two who stand inside an intersection, each waiting for the other to go first, do so for ever in SUMO; people find a way. After this time
SUMO's others pass who stands there (``ignore-junction-blocker``); who stood so is counted (`bench.service`). [s]"""
MIDNIGHT_NS = 1_767_225_600 * 10**9
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
Tell = Callable[[str], None]


def make_site(name: str, folder: Path, tell: Tell = lambda _: None, period_s: float = PERIOD_S) -> Path:
    """Make a site.

    Parameters
    ----------
    name : str
        Of `KINDS`.
    folder : Path
        Made if it is not there.
    tell : callable
        Hears what is being done.
    period_s : float
        Length of each period; a multiple of 60. [s]

    Returns
    -------
    Path
        The ``.sumocfg``.

    Raises
    ------
    ValueError
        No such kind, or a length that the calendar cannot tell.
    """
    if name not in KINDS:
        raise ValueError(f"{name}: no such kind of site; one of {', '.join(KINDS)}")
    if period_s <= 0 or period_s % 60 or period_s * len(DAY) > 86400:
        raise ValueError(f"periods of {period_s:g} s: the calendar counts whole minutes of one day")
    kind = KINDS[name]()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.signal.json"):
        old.unlink()  # of another kind, made here before
    with tempfile.TemporaryDirectory(prefix="lukou-site-") as temporary:
        tell("net")
        built = net.build(Path(temporary), kind.layout, "site")
        road = folder / "site.net.xml"
        road.write_bytes(built.read_bytes())
        drafts = {
            each: check(replace(build(each, net=road, plan=kind.layout), utc_offset_s=0))
            for each in kind.layout.intersections
        }
        scale = _capacity(kind, drafts, road, Path(temporary))
        tell(f"saturated at {scale:.2f} times the flows of {name}")
        plans: dict[str, list[Plan]] = {each: [] for each in drafts}
        for period in DAY:
            for each, plan in _best_plan(kind, drafts, period, scale, road, Path(temporary), tell).items():
                plans[each].append(plan)
    calendar = tuple(
        CalendarEntry(EVERY_DAY, f"{minutes // 60:02d}:{minutes % 60:02d}", period.name)
        for minutes, period in zip(range(0, 1440, round(period_s / 60)), DAY, strict=False)
    )
    for each, draft in drafts.items():
        save(check(replace(draft, plans=tuple(plans[each]), calendar=calendar)), folder / f"{each}.signal.json")
    (folder / "demand.rou.xml").write_text(flows_xml(kind, DAY, period_s, scale))
    periods = [
        {**asdict(period), "begin_s": k * period_s, "end_s": (k + 1) * period_s, "cycle_s": plans[next(iter(drafts))][k].cycle_s}
        for k, period in enumerate(DAY)
    ]  # fmt: skip
    (folder / "site.json").write_text(json.dumps({"kind": name, "periods": periods}, indent=2) + "\n")
    configuration = folder / "site.sumocfg"
    configuration.write_text(_sumocfg(period_s * len(DAY)))
    return configuration


def _capacity(kind: Kind, drafts: Mapping[str, SignalConfiguration], road: Path, folder: Path) -> float:
    """Factor on the flows at which the first entry is saturated: what gets through it when there is too much."""
    network = Network(kind.layout, kind.demand, drafts)
    scale = load_factor(network, OVERLOAD, REFERENCE_CYCLE_S)
    for _ in range(4):
        overload = Period("overload", 1.0)
        plans = coordinated_plans(network, "overload", scale, max(REFERENCE_CYCLE_S, least_cycle(network)))
        (folder / "demand.rou.xml").write_text(flows_xml(kind, [overload], TRIED_S, scale))
        tripinfo = _simulate(drafts, plans, road, folder, TRIED_SEEDS[0])
        served = min(_served(tripinfo, place) for place, flow in kind.demand.vehicles_per_h.items() if flow > 0)
        if served < 0.9:
            return scale * served
        scale *= OVERLOAD
    return scale


def _served(tripinfo: Path, place: str) -> float:
    """Vehicles from an entry that got out after the warm-up, on those that should have begun in as long a time."""
    ended = begun = 0
    for trip in trips(tripinfo, {}, TRIED_S):
        if trip.name.startswith(f"overload.car.{place}."):
            begun += trip.scheduled_s >= WARM_UP_S
            ended += trip.ended_s >= WARM_UP_S
    return ended / max(1, begun)


def _best_plan(
    kind: Kind, drafts: Mapping[str, SignalConfiguration], period: Period, scale: float, road: Path, folder: Path, tell: Tell
) -> dict[str, Plan]:  # fmt: skip
    demand = replace(kind.demand, vehicles_per_h=period_flows(kind, period, scale))
    network = Network(kind.layout, demand, drafts)
    (folder / "demand.rou.xml").write_text(flows_xml(kind, [period], TRIED_S, scale))
    best_s, best = float("inf"), dict[str, Plan]()

    def better(tried: dict[str, Plan], what: str) -> bool:
        nonlocal best_s, best
        delay_s = _delay_s(drafts, tried, road, folder)
        if delay_s < best_s:
            best_s, best = delay_s, tried
            tell(f"{period.name}: {what}, {delay_s:.1f} s of delay")
            return True
        return False

    for cycle_s in _cycles(network):
        better(coordinated_plans(network, period.name, 1.0, cycle_s), f"cycle {cycle_s:g} s")
    if len(drafts) > 1:
        for speed in PLATOON_SPEEDS_MPS:
            splits = {name: dict(plan.splits_s) for name, plan in best.items()}
            cycle_s = next(iter(best.values())).cycle_s
            offsets = best_offsets(network, splits, cycle_s, 1.0, speed)
            better(
                {name: replace(plan, offset_s=offsets[name]) for name, plan in best.items()}, f"platoons at {speed} m/s"
            )
    for shift_s in SHIFTS_S:
        for stage in STAGES:
            while better(_shifted(best, drafts, stage, shift_s), f"{shift_s:g} s more for {stage}"):
                pass
    return best


def _shifted(
    plans: Mapping[str, Plan], drafts: Mapping[str, SignalConfiguration], stage: str, by_s: float
) -> dict[str, Plan]:
    """Plans with more for one stage, from the longest of the others as far as their minima allow."""
    shifted = {}
    for name, plan in plans.items():
        splits, least = dict(plan.splits_s), least_splits(drafts[name])
        for _ in range(round(by_s)):
            spare = {s: v - least[s] for s, v in splits.items() if s != stage and v - least[s] >= 1.0}
            if stage in splits and spare:
                splits[max(spare, key=lambda s: splits[s])] -= 1.0
                splits[stage] += 1.0
        shifted[name] = replace(plan, splits_s=tuple(splits.items()))
    return shifted


def _cycles(network: Network) -> list[float]:
    least, webster = least_cycle(network), common_cycle(network, 1.0)
    return sorted({float(min(max(least, round(webster * factor)), LONGEST_CYCLE_S)) for factor in CYCLE_FACTORS})


def _delay_s(drafts: Mapping[str, SignalConfiguration], plans: Mapping[str, Plan], road: Path, folder: Path) -> float:
    """Mean delay of people under plans, over the seeds. [s]"""
    delays = [
        mean_delay(trips(_simulate(drafts, plans, road, folder, seed), vehicle_classes(), TRIED_S), WARM_UP_S)
        for seed in TRIED_SEEDS
    ]
    return sum(delays) / len(delays)


def _simulate(
    drafts: Mapping[str, SignalConfiguration], plans: Mapping[str, Plan], road: Path, folder: Path, seed: int
) -> Path:
    """One SUMO run of the demand in `folder` under plans; its trip file."""
    rows = []
    for name, plan in plans.items():
        calendar = (CalendarEntry(EVERY_DAY, "00:00", plan.name),)
        rows.append(programme_xml(name, replace(drafts[name], plans=(plan,), calendar=calendar)))
    (folder / "plans.add.xml").write_text("\n".join(["<additional>", *rows, "</additional>", ""]))
    tripinfo = folder / "tripinfo.xml"
    subprocess.run(
        [
            *(str(Path(sumo.SUMO_HOME) / "bin" / "sumo"), "-n", str(road), "-r", str(folder / "demand.rou.xml")),
            *("-a", str(folder / "plans.add.xml"), "--seed", str(seed), "--end", str(TRIED_S)),
            *simulation_arguments(tripinfo),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return tripinfo


def simulation_arguments(tripinfo: Path) -> list[str]:
    """No teleports, and every trip in the trip file."""
    return [
        *("--time-to-teleport", "-1", "--no-step-log", "true", "--no-warnings", "true", "--xml-validation", "never"),
        *("--tripinfo-output", str(tripinfo), "--tripinfo-output.write-unfinished", "true"),
        *("--tripinfo-output.write-undeparted", "true", "--duration-log.disable", "true", "--collision.action", "none"),
        *("--ignore-junction-blocker", str(RESOLVED_S)),
    ]


def vehicle_classes() -> dict[str, str]:
    """SUMO's vehicle class by the type's name."""
    types = ElementTree.fromstring(f"<types>{vehicle_types_xml()}</types>")
    return {each.attrib["id"]: each.attrib["vClass"] for each in types.iter("vType")}


def programme_xml(name: str, configuration: SignalConfiguration) -> str:
    """A cycle of the plan in force at midnight as a SUMO programme: what the cabinet shows, second by second."""
    cabinet = Cabinet(configuration, MIDNIGHT_NS)
    cycle_s = round(configuration.plans[0].cycle_s)
    shown: list[str] = []
    for second in range(2 * cycle_s):
        cabinet.step(MIDNIGHT_NS + second * 10**9)
        if second >= cycle_s:  # the first one may still come into step
            shown.append(cabinet.link_states())
    rows = [f'    <tlLogic id="{name}" type="static" programID="plan" offset="0">']
    rows += [f'        <phase duration="{length}" state="{letters}"/>' for letters, length in _runs(shown)]
    return "\n".join([*rows, "    </tlLogic>"])


def _runs(shown: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Equal neighbours together, with their number."""
    length = 0
    for k, letters in enumerate(shown):
        length += 1
        if k + 1 == len(shown) or shown[k + 1] != letters:
            yield letters, length
            length = 0


def _sumocfg(end_s: float) -> str:
    return f"""<configuration>
    <input><net-file value="site.net.xml"/><route-files value="demand.rou.xml"/></input>
    <time><begin value="0"/><end value="{end_s:g}"/></time>
    <processing><ignore-junction-blocker value="{RESOLVED_S}"/></processing>
</configuration>
"""
