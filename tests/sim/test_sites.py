"""Sites that the simulation makes: streets, demand, plans, and a short day under Lukou with the guard in the loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lukou_maps.signal_configuration import check, load, problems
from lukou_sim.bench.service import LOCKED_S, Locked
from lukou_sim.district import net
from lukou_sim.district.configurations import build
from lukou_sim.district.fixed_plan import Network, common_cycle, coordinated_plans, least_splits
from lukou_sim.sites import make
from lukou_sim.sites.flows import DAY, flows_xml
from lukou_sim.sites.kinds import KINDS, Kind
from lukou_sim.sites.persons import mean_delay, trips

TRIPS = """<tripinfos>
    <tripinfo id="a" depart="12" departDelay="2" arrival="90" timeLoss="20" waitingTime="5" vType="bus_0"/>
    <tripinfo id="b" depart="-1" departDelay="30" arrival="-1" timeLoss="0" waitingTime="0" vType="sedan_0"/>
    <personinfo id="p" depart="50" waitingTime="9"><walk timeLoss="7"/><walk timeLoss="3"/></personinfo>
</tripinfos>"""


@pytest.fixture(scope="module")
def tee(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kind, Path]:
    kind = KINDS["tee"]()
    return kind, net.build(tmp_path_factory.mktemp("tee"), kind.layout, "site")


def test_a_t_junction_has_lawful_stages_and_no_groups_for_what_is_not_there(tee: tuple[Kind, Path]) -> None:
    kind, road = tee
    configuration = build("k1", net=road, plan=kind.layout)
    assert not [problem for problem in problems(configuration) if not problem.is_warning]
    names = {group.name for group in configuration.groups}
    assert {"W-through", "E-left", "S-left", "S-pedestrian-near"} <= names
    assert not {"N-through", "W-left", "N-pedestrian-near"} & names
    programme = next(ElementTree.parse(road).getroot().iter("tlLogic"))
    links = {link for group in configuration.groups for link in group.links}
    assert links == set(range(len(programme[0].attrib["state"])))


@pytest.mark.parametrize("name", KINDS)
def test_demand_uses_roads_that_are_there_and_leaves_nobody_out(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]()
    road = net.build(tmp_path, kind.layout, "site")
    edges = {edge.attrib["id"] for edge in ElementTree.parse(road).getroot().iter("edge")}
    root = ElementTree.fromstring(flows_xml(kind, DAY, 900.0, 1.0))
    for routes in root.iter("routeDistribution"):
        shares = [float(route.attrib["probability"]) for route in routes]
        assert 0.9 < sum(shares) <= 1.001, routes.attrib["id"]
        for route in routes:
            used = route.attrib["edges"].split()
            assert set(used) <= edges and len(set(used)) == len(used)
    begins = [float(flow.attrib["begin"]) for flow in root if "begin" in flow.attrib]
    assert begins == sorted(begins) and {begin / 900 for begin in begins} == set(range(len(DAY)))


def test_plans_are_programmes_of_their_cycle_and_shifts_keep_minima(tee: tuple[Kind, Path]) -> None:
    kind, road = tee
    draft = check(replace(build("k1", net=road, plan=kind.layout), utc_offset_s=0))
    network = Network(kind.layout, kind.demand, {"k1": draft})
    plans = coordinated_plans(network, "noon", 0.5, common_cycle(network, 0.5) + 30)
    shifted = make._shifted(plans, network.drafts, "EW-left", 6.0)["k1"]
    before, after, least = dict(plans["k1"].splits_s), dict(shifted.splits_s), least_splits(draft)
    assert after["EW-left"] == before["EW-left"] + 6.0
    assert sum(after.values()) == plans["k1"].cycle_s
    assert all(after[stage] >= least[stage] for stage in after)
    calendar = (replace(draft.calendar[0], plan="noon"),)
    programme = ElementTree.fromstring(make.programme_xml("k1", replace(draft, plans=(shifted,), calendar=calendar)))
    assert sum(float(phase.attrib["duration"]) for phase in programme) == shifted.cycle_s
    assert {"y", "r", "G"} <= set("".join(phase.attrib["state"] for phase in programme))


def test_delay_is_people_s(tmp_path: Path) -> None:
    file = tmp_path / "tripinfo.xml"
    file.write_text(TRIPS)
    classes = {"bus_0": "bus", "sedan_0": "passenger"}
    bus, never, walk = trips(file, classes, 80.0)
    assert (bus.people, bus.scheduled_s, bus.delay_s) == (25.0, 10.0, 22.0)
    assert (
        (never.people, never.scheduled_s, never.delay_s) == (1.4, 50.0, 30.0) and walk.on_foot and walk.delay_s == 10.0
    )
    assert mean_delay(trips(file, classes, 80.0)) == pytest.approx((25 * 22 + 1.4 * 30 + 10) / 27.4)
    assert mean_delay(trips(file, classes, 80.0), 40.0, 60.0) == pytest.approx((1.4 * 30 + 10) / 2.4)


@pytest.mark.slow
def test_a_short_day_is_timed_lawfully_and_told_ends_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lukou_sim.bench.lawful import compare

    monkeypatch.setattr(make, "TRIED_S", 400.0)
    monkeypatch.setattr(make, "CYCLE_FACTORS", (1.0,))
    monkeypatch.setattr(make, "SHIFTS_S", ())
    make.make_site("tee", tmp_path / "tee", period_s=180.0)
    assert load(tmp_path / "tee" / "k1.signal.json").calendar[1].start == "00:03"
    assert len(json.loads((tmp_path / "tee" / "site.json").read_text())["periods"]) == len(DAY)
    found = compare([tmp_path / "tee"], [1], 10, 1, lambda _: None)["tee"]
    assert found["refusals"] == 0 and found["spat_colour_right"] == 1.0
    assert found["spat_end_within_1_s"] > 0.95
    assert found["person_delay_on_better"] < 1.1  # a quarter of an hour of one seed: `lukou bench lawful` measures
    assert set(found["person_delay_s"]["lukou"]) == {"day", *(part.name for part in DAY)}


def test_who_stands_inside_for_a_minute_is_locked_once_and_who_moves_begins_anew() -> None:
    locked = Locked()
    for second in range(200):
        locked.step("stuck", 10 <= second < 90)
        locked.step("waits", second % 59 != 0)
        locked.keep(["stuck", "waits", "new"])
    assert (locked.count, locked.beyond_s) == (1, 80.0 - LOCKED_S)
