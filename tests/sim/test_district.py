"""The district: committed files are what the scripts make, and what a traffic engineer would expect of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lukou_maps.signal_configuration import GroupType, configuration_hash, problems
from lukou_sim.district import FOLDER, NET, configurations, fixed_plan, net
from lukou_sim.district.demand import departures, load_demand, routes_xml, turning_flows
from lukou_sim.district.layout import INTERSECTIONS, LEGS


def test_committed_files_are_those_of_the_metadata() -> None:
    metadata = json.loads((FOLDER / "metadata.json").read_text())
    for name, digest in metadata["sha256"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.slow
def test_net_is_reproducible(tmp_path: Path) -> None:
    assert net.build(tmp_path).read_bytes() == NET.read_bytes()


def test_net_has_four_signals_with_split_crosswalks_and_a_place_on_earth() -> None:
    root = ElementTree.parse(NET).getroot()
    assert {tl.attrib["id"] for tl in root.iter("tlLogic")} == set(INTERSECTIONS)
    crossings = [edge.attrib["id"] for edge in root.iter("edge") if edge.attrib.get("function") == "crossing"]
    assert len(crossings) == 4 * 8
    location = root.find("location")
    assert location is not None
    assert "+zone=51" in location.attrib["projParameter"]


def test_every_link_has_exactly_one_group() -> None:
    for name in INTERSECTIONS:
        configuration = configurations.load_configuration(name)
        links = [link for group in configuration.groups for link in group.links]
        assert sorted(links) == list(range(32))
        assert not [problem for problem in problems(configuration) if not problem.is_warning]


@pytest.mark.slow
def test_configurations_are_reproducible() -> None:
    plans = fixed_plan.plans(fixed_plan.district())
    for name in INTERSECTIONS:
        committed = configurations.load_configuration(name)
        made = configurations.build(name, plans=plans[name], calendar=committed.calendar)
        assert configuration_hash(made) == configuration_hash(committed)


def test_pedestrians_have_time_to_reach_the_refuge() -> None:
    for name in INTERSECTIONS:
        for group in configurations.load_configuration(name).groups:
            if group.type is GroupType.PEDESTRIAN:
                assert group.flashing_green_s >= (group.crossing_length_m or 0) / 1.0
                assert (group.crossing_length_m or 0) == (12.4 if group.name.endswith("near") else 9.1)


def test_plans_are_webster_and_the_peak_is_near_saturation() -> None:
    district = fixed_plan.district()
    for name in INTERSECTIONS:
        configuration = configurations.load_configuration(name)
        peak = configuration.plan_by_name["peak"]
        degree = fixed_plan.saturation(district, name, peak)
        assert 0.5 < max(degree.values()) < 1.15
        critical = [degree["NS-through"], degree["EW-through"]]  # lefts may stand at their minimum
        assert max(critical) - min(critical) < 0.1  # the splits equalise the critical movements
        assert sum(split for _, split in peak.splits_s) == peak.cycle_s
    assert (
        fixed_plan.webster_cycle({"a": 0.3, "b": 0.3}, 14.0) == 80.0
    )  # (1.5 * 14 + 5) / 0.4 = 65, raised to the least


def test_flows_are_in_equilibrium() -> None:
    demand = load_demand()
    flows = turning_flows(demand)
    entering = sum(demand.vehicles_per_h.values())
    leaving = sum(
        flow
        for (name, leg), turns in flows.items()
        for to, flow in zip(("left", "straight", "right"), turns, strict=True)
        if _leaves(name, leg, to)
    )
    assert leaving == pytest.approx(entering, rel=1e-6)


def _leaves(name: str, leg: str, turn: str) -> bool:
    from lukou_sim.district.layout import LEFT_OF, NEIGHBOURS, OPPOSITE, RIGHT_OF

    to = {"left": LEFT_OF, "straight": OPPOSITE, "right": RIGHT_OF}[turn][leg]  # type: ignore[index]
    return (name, to) not in NEIGHBOURS


def test_departures_are_poisson_with_the_asked_mean() -> None:
    demand = load_demand()
    counts = [len(departures(600, demand, 8.0, 3600, np.random.default_rng(seed))) for seed in range(200)]
    assert np.mean(counts) == pytest.approx(600 * 0.925, rel=0.03)  # the hour from 8 falls from 1 to 0.85
    assert np.var(counts) > np.mean(counts)  # the fluctuation adds to the Poisson part


def test_equal_seeds_give_equal_routes_and_others_differ() -> None:
    demand = load_demand()
    one, again, other = (routes_xml(demand, seed=s, start_hour=8, duration_s=120) for s in (1, 1, 2))
    assert one == again
    assert one != other
    kinds = {each.attrib["id"].split(".")[0] for each in ElementTree.fromstring(one) if "id" in each.attrib}
    assert {"sedan", "ebike", "person"} <= kinds
    assert len(LEGS) == 4


def test_traffic_that_goes_on_begins_as_without_and_does_not_thin_out() -> None:
    demand = load_demand()
    short = routes_xml(demand, seed=1, start_hour=8, duration_s=120).splitlines()
    longer = routes_xml(demand, seed=1, start_hour=8, duration_s=120, further_s=1200)
    assert longer.splitlines()[: len(short) - 1] == short[:-1]
    root = ElementTree.fromstring(longer)
    departs = [float(each.attrib["depart"]) for each in root if "depart" in each.attrib]
    assert departs == sorted(departs)
    other = routes_xml(demand, seed=1, start_hour=8, duration_s=120, further_s=5000).splitlines()
    assert other[: len(longer.splitlines()) - 2] == longer.splitlines()[:-2], (
        "how long it goes on changes nothing before"
    )
    first, last = (sum(1 for at in departs if begin <= at < begin + 600) for begin in (120, 720))
    assert first > 0.6 * last > 0.36 * first
    assert len({each.attrib["id"] for each in root if "depart" in each.attrib}) == len(departs)
