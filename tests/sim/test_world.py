"""The world: legal signals move traffic, dangers happen, snapshots continue, statistics count everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.world.delay import statistics
from lukou_sim.world.scenario import Danger, Failure, Scenario, load_scenario
from lukou_sim.world.world import STEP_NS, World

START = 1_767_225_600_000_000_000


@pytest.fixture
def worlds() -> Iterator[list[World]]:
    opened: list[World] = []
    yield opened
    for world in opened:
        world.traffic.close()
        world.traffic.forget()


def test_shipped_scenarios_load_and_the_demo_is_dangerous_enough() -> None:
    demo = load_scenario()
    assert len(demo.dangers) >= 6
    assert len({danger.kind for danger in demo.dangers}) >= 4
    assert load_scenario("calm").dangers == ()
    assert demo.dangers_until(demo.duration_s) == demo.dangers
    again = demo.dangers_until(demo.duration_s + 60)
    assert again[: len(demo.dangers)] == demo.dangers
    assert [(each.id, each.at_s) for each in again[len(demo.dangers) :]] == [("d1.2", 320), ("d2.2", 345)]
    assert load_scenario("blind").failures
    with pytest.raises(FileNotFoundError, match="calm, demo"):
        load_scenario("storm")
    with pytest.raises(ValidationError):
        Scenario(name="x", dangers=({"id": "a", "kind": "meteor", "at_s": 0},))  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_minute_of_everything(worlds: list[World]) -> None:
    failures = (Failure(kind="camera_lost", sensor="camera-north", at_s=0, for_s=1),)
    scenario = Scenario(name="t", duration_s=60, warm_up_s=60, connected_share=0.5, failures=failures)
    world = World(scenario, 3, start_ns=START)
    worlds.append(world)
    assert world.now_ns == START
    reported: set[int] = set()
    for _ in range(50):
        world.step()
        truth = world.truth()
        assert len(truth) == len(world.users) > 50
        assert np.all((truth.visible_fraction >= 0) & (truth.visible_fraction <= 1))
        reported |= {one.temporary_id for one in world.vehicle_reports()}
    assert world.now_ns == START + 50 * STEP_NS
    kinds = set(world.users.kind.tolist())
    assert {
        ObjectClass.OBJECT_CLASS_CAR,
        ObjectClass.OBJECT_CLASS_BICYCLE,
        ObjectClass.OBJECT_CLASS_PEDESTRIAN,
    } <= kinds
    motor = sum(kind in (1, 2, 3) for kind in world.users.kind.tolist())
    assert 0.3 * motor < len(reported) < 0.75 * motor
    for site in ("k2", "k3", "k4"):
        scans = world.detections(site)
        assert [scan.sensor for scan in scans] == ["sensor-northeast", "sensor-southwest"]
        assert sum(map(len, scans)) > 5
    assert len(world.radar_scans()) == 4
    picture = world.picture("camera-east")
    assert picture is not None
    assert picture.shape == (384, 640, 3)
    assert (world.picture("camera-north") is None) == (world.elapsed_s < 1)
    numbers = dict(zip(world.users.names, world.users.number.tolist(), strict=True))
    world.step()
    for name, number in zip(world.users.names, world.users.number.tolist(), strict=True):
        assert numbers.get(name, number) == number


@pytest.mark.slow
def test_snapshot_continues_where_it_was(worlds: list[World]) -> None:
    world = World(Scenario(name="t", warm_up_s=40), 5, start_ns=START)
    worlds.append(world)
    for _ in range(30):
        world.step()
    snapshot = world.snapshot()
    before, stages = world.users, {name: cabinet.states() for name, cabinet in world.cabinets.items()}
    for _ in range(100):
        world.step()
    world.restore(snapshot)
    assert world.now_ns == START + 30 * STEP_NS
    assert {name: cabinet.states() for name, cabinet in world.cabinets.items()} == stages
    assert set(world.users.names) == set(before.names)  # people too
    order = [world.users.names.index(name) for name in before.names]
    np.testing.assert_allclose(world.users.x[order], before.x, atol=0.2)
    np.testing.assert_array_equal(world.users.number[order], before.number)
    world.step()
    with pytest.raises(ValueError, match="scenario"):
        other = world.scenario.model_copy(update={"name": "other"})
        world.scenario = other
        world.restore(snapshot)


@pytest.mark.slow
def test_scheduled_dangers_happen_and_are_told(worlds: list[World]) -> None:
    kinds = ("jaywalker", "rear_end", "red_light")
    dangers = tuple(Danger(id=kind, kind=kind, at_s=0, within_s=100) for kind in kinds)  # type: ignore[arg-type]
    world = World(Scenario(name="t", warm_up_s=90, dangers=dangers), 1, start_ns=START)
    worlds.append(world)
    told = {}
    runs = 0
    for _ in range(1000):
        world.step()
        people = world.users.kind == ObjectClass.OBJECT_CLASS_PEDESTRIAN
        assert world.users.speed[people].max(initial=0.0) < 8.0  # also of those who have just been put on the street
        for event in world.truth().message.events:
            if event.scheduled:
                told[event.scheduled] = event
                assert event.kind == event.scheduled
                assert event.x_m > 0
            runs += event.kind == "red_light" and not event.scheduled
    assert set(told) | set(world.missed_dangers) == set(kinds)
    assert len(told) >= 2
    if "red_light" in told:
        assert runs >= 1  # the run itself is seen by the truth, apart from the schedule


def test_statistics_count_everybody(tmp_path: Path) -> None:
    file = tmp_path / "tripinfo.xml"
    file.write_text(
        """<tripinfos>
        <tripinfo id="early" depart="1" departDelay="0" timeLoss="99" waitingTime="50" waitingCount="3" arrival="40"/>
        <tripinfo id="done" depart="12" departDelay="2" timeLoss="8" waitingTime="5" waitingCount="1" arrival="60"/>
        <tripinfo id="driving" depart="30" departDelay="0" timeLoss="20" waitingTime="18" waitingCount="2" arrival="-1"/>
        <tripinfo id="waiting" depart="-1" departDelay="55" timeLoss="0" waitingTime="0" waitingCount="0" arrival="-1"/>
        </tripinfos>"""
    )
    scheduled = {"early": 1.0, "done": 10.0, "driving": 30.0, "waiting": 60.0, "unknown": 90.0, "later": 120.0}
    found = statistics(file, scheduled, 10.0, 100.0)
    assert found.scheduled == 4
    assert found.finished == 1
    assert found.delay_s == pytest.approx((10 + 20 + 40 + 10) / 4)
    assert found.stops_per_vehicle == pytest.approx(3 / 4)
    assert found.longest_wait_s == 18
