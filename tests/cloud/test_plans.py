"""Plans of the region: the plan under which people wait least, and the walk there."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.core import RegionCore
from lukou_cloud.region.plan_model import Demand, PlanModel
from lukou_cloud.region.plans import FIRST_CYCLES, Plans
from lukou_cloud.region.settings import RegionSettings
from lukou_cloud.region.situation import Situation
from lukou_cloud.region.unseen import Unseen
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import configuration_hash, load, plan_at
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input
from lukou_messages.v1 import signal_pb2
from lukou_messages.v1.signal_pb2 import SignalPlan

TWO = PlanModel(
    serves=np.array([[True, False, False], [False, True, True]]),  # a lane each, and people in the second stage
    change_s=np.array([5.0, 5.0]),
    served_s=np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]]),
    least_s=np.array([10.0, 15.0]),
    most_s=np.array([80.0, 80.0]),
    red_s=np.array([150.0, 150.0]),
    forced_s=110.0,
    startup_s=2.0,
    walks=np.array([False, False, True]),
)

THREE = PlanModel(
    serves=np.eye(3, dtype=bool),
    change_s=np.full(3, 5.0),
    served_s=3.0 * np.eye(3),
    least_s=np.full(3, 10.0),
    most_s=np.full(3, 100.0),
    red_s=np.full(3, 150.0),
    forced_s=110.0,
    startup_s=2.0,
    walks=np.zeros(3, bool),
)


def demand(first, second, people=0.0):
    rates = np.array([first, second, people]) / 3600.0
    return Demand(rates, np.array([0.5, 0.5, 50.0]), np.zeros(3), np.zeros(3), np.array([1.0, 1.0, 0.7]))


def test_delay_is_that_of_the_highway_capacity_manual():
    """A lane of 600/h on 1800/h, g = 40 s of C = 90 s: X = 0.75, d1 = 18.75·... by hand."""
    greens = np.array([39.0, 41.0])  # effective green of the first lane: 39 + 3 - 2 = 40 of 90
    only = demand(600.0, 1e-9)
    share, load, capacity = 40 / 90, 600 / (1800 * 40 / 90), 1800 * 40 / 90
    uniform = 0.5 * 90 * (1 - share) ** 2 / (1 - load * share)
    incremental = 900 * 0.25 * ((load - 1) + ((load - 1) ** 2 + 8 * 0.5 * load / (capacity * 0.25)) ** 0.5)
    assert uniform == pytest.approx(20.83, abs=0.01)
    assert float(TWO.delay(only, greens)) == pytest.approx(600 / 3600 * (uniform + incremental), rel=1e-6)


def test_the_best_plan_is_that_of_all_whole_seconds():
    for rates in ((300, 200), (700, 300), (500, 900, 400), (1200, 200)):
        who = demand(*rates)
        every = [np.array([a, b], float) for a in range(10, 81) for b in range(15, 81)]
        every = [greens for greens in every if TWO.is_within(greens)]
        least = float(TWO.delay(who, np.array(every)).min())
        assert float(TWO.delay(who, TWO.best(who))) <= 1.01 * least


def test_a_lane_that_always_has_right_of_way_and_is_full_spoils_no_plan():
    always = replace(TWO, serves=np.array([[True, True, False], [False, True, True]]))
    full = demand(600.0, 3000.0)
    assert np.isfinite(always.delay(full, np.array([39.0, 41.0])))
    least = always.best(demand(600.0, 1e-9))
    assert always.best(full).tolist() == pytest.approx(
        least.tolist(), abs=2.0
    )  # it asks for no green that it has anyway


def test_a_queue_that_is_left_over_draws_green():
    who = demand(500, 500)
    held = replace(who, left_over=np.array([10.0, 0.0, 0.0]))
    assert TWO.best(held, cycle_s=100.0)[0] >= TWO.best(who, cycle_s=100.0)[0] + 5.0


def test_a_cycle_that_is_given_is_kept():
    greens = TWO.best(demand(700, 300), cycle_s=90.0)
    assert greens.sum() + TWO.change_s.sum() == 90.0
    assert greens[0] > greens[1]


def test_a_step_is_a_tenth_of_each_split_and_arrives():
    running, target = np.array([20.0, 40.0]), np.array([45.0, 15.0])
    for _ in range(20):
        before, running = running, TWO.towards(running, target, 0.1)
        assert (np.abs(running - before) <= 0.1 * (before + TWO.change_s) + 1e-9).all()
        assert TWO.may_follow(before, running)
    assert (running == target).all()


def test_from_a_plan_beyond_the_forced_stage_time_only_shorter_ones_follow():
    beyond = np.array([20.0, 95.0])  # the first stage is red for 105 s
    model = replace(TWO, most_s=np.array([120.0, 120.0]), forced_s=90.0)
    assert not model.is_within(beyond)
    assert model.may_follow(beyond, np.array([20.0, 90.0]))
    assert not model.may_follow(beyond, np.array([20.0, 96.0]))
    assert not model.may_follow(beyond, beyond)


def test_what_was_aimed_at_is_given_up_when_the_calendar_has_a_plan_to_which_it_does_not_lead_back():
    rates = np.array([450.0, 450.0, 510.0]) / 3600.0
    who = Demand(rates, np.full(3, 0.5), np.zeros(3), np.zeros(3), np.ones(3))
    before, own = THREE.best(who), np.array([71.0, 15.0, 15.0])
    home, cycle_s = replace(THREE, own_s=own[None]), float(before.sum() + 15.0)
    assert not home.leads_back(before)
    plans = Plans(home, np.ones(3), ("a", "b", "c"), 10.0, 0.1, target_s=before.tolist(), cycle_s=cycle_s)
    plans._aim(who, own, lambda: cycle_s)
    assert home.leads_back(np.array(plans.target_s))
    assert sum(plans.target_s) + 15.0 == cycle_s, "the common cycle stays"


def test_no_plan_is_aimed_at_from_which_the_way_back_leaves_a_stage_red_for_too_long():
    """Last stage long, and the first of the cabinet's own plan too: the one between would wait for both."""
    own = np.array([70.0, 15.0, 15.0])
    home = replace(THREE, own_s=own[None])
    who = Demand(
        np.array([100.0, 100.0, 900.0]) / 3600.0, np.full(3, 0.5), np.zeros(3), np.zeros(3), np.array([1.0, 1.0, 1.0])
    )
    assert not home.is_within(THREE.best(who))
    target = home.best(who)
    assert home.reds_s(target, own).max() <= 110.0
    running = own
    for _ in range(20):
        running = home.towards(running, target, 0.1)
        assert home.reds_s(running, own).max() <= 110.0
    assert (running == target).all()


def situation(first, second):
    flows = np.array([0.5, 0.5, 50.0])
    rates = np.array([first, second, 0.0]) / 3600.0
    return Situation(
        np.zeros(3), np.zeros(3), flows, np.zeros(3), np.zeros(1), 0, 0, rates=rates, hidden_rates=np.zeros(2)
    )


def drive(plans, who, cycles, begin_s=1_000_000):
    """A cabinet that runs what is asked from its next cycle on; returns its plans, one per cycle."""
    greens, start_s, shown = [25.0, 25.0], float(begin_s), []
    for _ in range(cycles):
        cycle_s = sum(greens) + 10.0
        running = SignalPlan(greens_s=greens, cycle_s=cycle_s, offset_s=start_s % cycle_s)
        following, asked = running, 0
        for second in range(0, int(cycle_s), 4):
            request, why = plans.decide(round((start_s + second) * 1e9), running, following, who)
            assert why
            if request is not None:
                asked += 1
                assert cycle_s - second >= plans.lead_s
                assert request.offset_s == pytest.approx((start_s + cycle_s) % request.cycle_s, abs=0.051)
                following = SignalPlan(
                    greens_s=[split.green_s for split in request.splits],
                    cycle_s=request.cycle_s,
                    offset_s=request.offset_s,
                )
        assert asked <= 1
        shown.append(list(greens))
        start_s, greens = start_s + cycle_s, [round(green, 1) for green in following.greens_s]
    return shown


def plans_of_two():
    return Plans(TWO, np.array([1.0, 1.0, 0.7]), ("a", "b"), 10.0, 0.1)


def test_the_walk_begins_at_the_cabinets_own_plan_and_ends_at_the_best():
    shown = drive(plans_of_two(), situation(900, 300), 12)
    assert shown[: FIRST_CYCLES - 1] == [[25.0, 25.0]] * (FIRST_CYCLES - 1)
    best = TWO.best(demand(900, 300))
    assert shown[-1] == best.tolist()
    for before, after in pairwise(shown):
        assert all(abs(b - a) <= 0.1 * (a + 5.0) + 1e-6 for a, b in zip(before, after, strict=True))


def test_a_little_more_traffic_changes_no_plan():
    plans = plans_of_two()
    settled = drive(plans, situation(900, 300), 12)[-1]
    kept = plans.target_s
    drive(plans, situation(915, 305), 3, begin_s=2_000_000)
    assert plans.target_s == kept == settled


def test_a_snapshot_goes_on_with_the_same_plans():
    first, second = plans_of_two(), plans_of_two()
    drive(first, situation(900, 300), 6)
    second.restore(json.loads(json.dumps(first.state())))
    assert drive(first, situation(300, 900), 4, 3_000_000) == drive(second, situation(300, 900), 4, 3_000_000)


def test_a_plan_that_is_not_of_these_stages_is_left_alone():
    running = SignalPlan(greens_s=[10.0], cycle_s=15.0)
    request, why = plans_of_two().decide(10**18, running, running, situation(900, 300))
    assert request is None
    assert "not known" in why


DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
ROAD = load_map(DISTRICT / "district.net.xml")
K1 = load(DISTRICT / "k1.signal.json")
T, SECOND = 1_790_000_000 * 10**9, 10**9


@cache
def place():
    return region()._intersections["k1"]


def region():
    settings = RegionSettings(
        map=str(DISTRICT / "district.net.xml"), configurations=(str(DISTRICT / "k1.signal.json"),)
    )
    return RegionCore(settings, ROAD, [K1])


def told(now_ns, left_s, **changes):
    """The signal of a cabinet that takes plans, whose cycle ends in `left_s`, and two who stand at it."""
    own, model, approaches = K1.plans[0], place().plans.model, place().approaches
    length_m = float(approaches.length_m[approaches.names.index("k1_N_approach_2")])
    greens_s = [split - change for (_, split), change in zip(own.splits_s, model.change_s, strict=True)]
    plan = SignalPlan(greens_s=greens_s, cycle_s=own.cycle_s, offset_s=(now_ns / 1e9 + left_s) % own.cycle_s)
    fields = {
        "intersection": "k1", "configuration_hash": configuration_hash(K1), "configuration_version": 1,
        "mode": signal_pb2.CONTROL_MODE_AUTOMATIC, "authority": signal_pb2.AUTHORITY_LOCAL_PLAN, "stage": "EW-left",
        "stage_started_at_ns": now_ns - 5 * SECOND, "guard_nonce": 77, "plan": plan, "next_plan": plan,
    }  # fmt: skip
    value = signal_pb2.SignalState(**{**fields, **changes})
    objects = ObjectList.of(
        2, lane_names=["k1_N_approach_2"], id=[1, 2], object_class=[1, 1], x_m=[0, 0], y_m=[0, 0], velocity_x_mps=[0, 0],
        velocity_y_mps=[0, 0], lane=[0, 0], lane_s_m=[length_m - 1.0, length_m - 8.5],
    )  # fmt: skip
    return [
        Input("signal", "k1/signal", now_ns, 1, now_ns, value, VALID),
        Input("fused_objects", "district/edge", now_ns, 1, now_ns, objects, VALID),
    ]


def commands(outputs):
    return [one.value for one in outputs if one.topic == "command"]


def test_the_region_asks_a_cabinet_that_takes_plans_for_plans_only_and_a_snapshot_goes_on(monkeypatch):
    monkeypatch.setattr(Unseen, "is_few", property(lambda self: False))
    one, two = region(), region()
    one._intersections["k1"].plans.cycles = FIRST_CYCLES
    found = []
    for second in range(10):
        now = T + second * SECOND
        if second == 5:
            two.restore(one.snapshot())
        outputs = one.step(now, told(now, 20.0 - second, lease_remaining_s=4.0))
        found += [(second, command.WhichOneof("action")) for command in commands(outputs)]
        if second >= 5:
            assert two.step(now, told(now, 20.0 - second, lease_remaining_s=4.0)) == outputs
        if any(command.HasField("plan_request") for command in commands(outputs)):
            [plan] = [command.plan_request for command in commands(outputs)]
            assert [split.stage for split in plan.splits] == [stage.name for stage in K1.stages]
            assert {one.topic for one in outputs} >= {"command", "command_log", "traffic"}
    assert [action for _, action in found].count("plan_request") == 1
    own_s = np.array([split for _, split in plan_at(K1, T).splits_s]) - place().plans.model.change_s
    assert one._intersections["k1"].plans.model.own_s.tolist() == [own_s.tolist()], "the way back is to the calendar's"


def test_who_sees_nothing_leaves_a_cabinet_that_takes_plans_its_own():
    core = region()
    core.step(T, told(T, 50.0, lease_remaining_s=4.0))
    groups = [group.name for group in K1.groups]
    later = T + 5 * SECOND
    seen_no_more = told(later, 45.0, lease_remaining_s=4.0, detected_groups=groups)[:1]
    [command] = commands(core.step(later, seen_no_more))
    assert command.WhichOneof("action") == "release"
