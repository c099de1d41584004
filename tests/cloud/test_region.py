"""Region: what serves whom, and when to change."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.approaches import Approaches, compile_approaches
from lukou_cloud.region.core import RegionCore
from lukou_cloud.region.discharge import Discharge
from lukou_cloud.region.lineup import Seen
from lukou_cloud.region.neighbours import ACROSS_S, Neighbours, behind_m
from lukou_cloud.region.queues import QueueEstimator
from lukou_cloud.region.reach import ReachShare
from lukou_cloud.region.settings import RegionSettings, TimingSettings
from lukou_cloud.region.situation import Situation
from lukou_cloud.region.timing import Timing
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import configuration_hash, load
from lukou_messages.columns import NOT_ONE
from lukou_messages.objects import ObjectList
from lukou_messages.process import VALID, Input
from lukou_messages.v1 import signal_pb2

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
ROAD = load_map(DISTRICT / "district.net.xml")
K1 = load(DISTRICT / "k1.signal.json")
T = 1_790_000_000 * 10**9
SECOND = 10**9


@pytest.fixture(scope="module")
def approaches() -> Approaches:
    return compile_approaches(ROAD, K1)


def situation(approaches: Approaches, **queues: float) -> Situation:
    queue = np.zeros(approaches.serves.shape[1])
    for name, count in queues.items():
        queue[approaches.names.index(name)] = count
    none = np.zeros(len(queue))
    seen = tuple(
        Seen(k, (k,), 7.0 * place, 0.0, 0.0, 30.0, 0)
        for k in range(len(approaches.lanes))
        for place in range(int(queue[k]))
    )
    view_m = np.full(len(approaches.lanes), 300.0)
    return Situation(
        queue, none, np.full(len(queue), 0.5), none, queue[len(approaches.lanes) :], 0, 0,
        seen, none, view_m=view_m,
    )  # fmt: skip


def test_lanes_are_served_by_the_stages_of_their_groups(approaches: Approaches) -> None:
    served = {
        stage: {name for k, name in enumerate(approaches.names) if approaches.serves[row, k]}
        for row, stage in enumerate(approaches.stages)
    }
    assert served["NS-left"] == {"k1_N_approach_4", "k1_S_approach_4"}
    assert {"k1_E_approach_1", "k1_E_approach_2", "k1_W_approach_3"} <= served["EW-through"]
    assert not served["NS-through"] & served["EW-through"]


@pytest.mark.parametrize(
    ("standing", "share", "begins"), [(2, 1.0, True), (3, 1.0, False), (1, 0.3, False), (1, 0.6, True)]
)
def test_who_stands_inside_is_not_crossed(approaches: Approaches, standing: int, share: float, begins: bool) -> None:
    """Where few are seen, each of them stands for others."""
    timing = Timing(ROAD, K1, approaches, TimingSettings())
    inside = next(lane for lane, k in timing.ways.inner.items() if not timing.junction.right[1, k])
    waiting = situation(approaches, k1_N_approach_4=8, k1_S_approach_4=8)
    waiting = replace(waiting, inside=(inside,) * standing, share=share)
    assert (timing.decide(0, 20.0, waiting, frozenset({1})).stage == 1) is begins


def test_a_running_stage_is_held_for_its_queue_and_left_for_another(approaches: Approaches) -> None:
    timing = Timing(ROAD, K1, approaches, TimingSettings())
    busy = situation(approaches, k1_N_approach_2=12, k1_S_approach_2=10, k1_E_approach_4=1)
    held = timing.decide(0, 20.0, busy, frozenset({1}))
    assert held.stage == 0 and held.hold_s >= 5
    waiting = situation(approaches, k1_N_approach_4=8, k1_E_approach_2=10)
    left = timing.decide(0, 20.0, waiting, frozenset({1}))
    assert left.stage == 1 and left.cost < left.alternative
    assert "change to NS-left" in left.why


def test_nothing_is_ordered_that_the_guard_would_refuse(approaches: Approaches) -> None:
    timing = Timing(ROAD, K1, approaches, TimingSettings())
    waiting = situation(approaches, k1_N_approach_4=8, k1_E_approach_2=10)
    assert timing.decide(0, 20.0, waiting, frozenset()).stage == 0
    assert timing.decide(0, 2.0, waiting, frozenset({1})).stage == 0  # minimum green


def test_queues_count_who_stands_and_expect_who_comes(approaches: Approaches) -> None:
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    lane = approaches.names.index("k1_N_approach_2")
    length = float(approaches.length_m[lane])
    objects = ObjectList.of(
        3, lane_names=["k1_N_approach_2"], id=[1, 2, 3], object_class=[1, 1, 1], x_m=[0, 0, 0], y_m=[0, 0, 0],
        velocity_x_mps=[0, 0.5, 12], velocity_y_mps=[0, 0, 0], lane=[0, 0, 0], lane_s_m=[length - 1, length - 9, length - 60],
    )  # fmt: skip
    found = estimator.update(0.0, objects)
    assert found.queue[lane] == 2 and found.vehicles == 3
    assert found.seen[2].lane == lane and found.seen[2].arrival_s == pytest.approx(60.0 / 12.0, abs=0.5)
    later = estimator.update(7.0, objects)
    assert later.waited_s[lane] == pytest.approx(7.0)


def unsure(speed_mps: float, lane: str, before_line_m: float, deviation: float) -> ObjectList:
    """One vehicle, its place and speed told with a deviation. [m, m/s]"""
    length = float(ROAD.lanes.length_m[ROAD.lanes.index[lane]])
    names = ("position_variance_xx_m2", "position_variance_yy_m2", "velocity_variance_xx_m2ps2", "velocity_variance_yy_m2ps2",
             "position_variance_xy_m2", "velocity_variance_xy_m2ps2")  # fmt: skip
    told = {name: [0.0 if "xy" in name else deviation**2] for name in names}
    return ObjectList.of(
        1, lane_names=[lane], id=[1], object_class=[1], x_m=[0], y_m=[0], velocity_x_mps=[speed_mps], velocity_y_mps=[0],
        lane=[0], lane_s_m=[length - before_line_m], **told,
    )  # fmt: skip


@pytest.mark.parametrize(("deviation", "stays"), [(1.0, True), (0.1, False)])
def test_who_stood_stands_on_his_lane_as_far_as_place_and_speed_are_unsure(
    approaches: Approaches, deviation: float, stays: bool
) -> None:
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    lane, beside = (approaches.names.index(f"k1_N_approach_{k}") for k in (2, 3))
    estimator.update(0.0, unsure(0.3, "k1_N_approach_2", 9.0, deviation))
    assert estimator.update(1.0, unsure(2.5, "k1_N_approach_2", 9.0, deviation)).queue[lane] == (1 if stays else 0)
    found = estimator.update(2.0, unsure(0.3, "k1_N_approach_3", 9.0, deviation))
    assert (found.queue[lane], found.queue[beside]) == ((1, 0) if stays else (0, 1))


def test_who_drives_is_no_queue_however_unsure_his_speed_is_told(approaches: Approaches) -> None:
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    lane = approaches.names.index("k1_N_approach_2")
    estimator.update(0.0, unsure(0.3, "k1_N_approach_2", 30.0, 50.0))
    assert estimator.update(1.0, unsure(5.0, "k1_N_approach_2", 25.0, 50.0)).queue[lane] == 0


def test_green_that_goes_on_in_a_change_counts(approaches: Approaches) -> None:
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    first, second = (approaches.stages.index(name) for name in ("NS-through", "NS-left"))
    through, left = (approaches.names.index(name) for name in ("k1_N_approach_2", "k1_N_approach_4"))
    nobody = lanes_of([], [], 0.0)
    estimator.update(0.0, nobody, first)
    before = estimator.green_share.copy()
    estimator.update(1.0, nobody, -1, changing=(first, second, 1.0))
    begun = estimator.green_share.copy()
    assert begun[through] > before[through] and begun[left] < before[left]
    estimator.update(2.0, nobody, -1, changing=(first, second, 60.0))
    assert estimator.green_share[through] < begun[through]


def test_neighbours_feed_a_street_that_is_one_edge_from_signal_to_signal(approaches: Approaches) -> None:
    there = compile_approaches(ROAD, load(DISTRICT / "k2.signal.json"))
    here = Timing(ROAD, K1, approaches, TimingSettings())
    number = there.names.index("k2_W_approach_2")
    lane = there.lanes[number]
    here.ways = replace(here.ways, to_lane=np.full_like(here.ways.to_lane, lane))
    other = Timing(ROAD, load(DISTRICT / "k2.signal.json"), there, TimingSettings())
    neighbours = Neighbours({"k1": (approaches, here, ReachShare()), "k2": (there, other, ReachShare())})
    here.planned_ns, here.outflow = T, [(2.0, lane), (8.0, lane)]
    expected, fed = neighbours.expected(T + 5 * SECOND, "k2")
    drive_s = there.length_m[number] / there.speed_mps[number]
    assert [at_s for at_s, *_ in expected] == pytest.approx([3.0 + ACROSS_S + drive_s])  # the first has left by now
    assert number in fed and expected[0][1] == there.beside[number]
    assert neighbours.expected(T + 60 * SECOND, "k2") == ([], frozenset())  # too old


def test_who_is_in_view_behind_one_signal_is_seen_on_the_way_to_the_next(approaches: Approaches) -> None:
    ways = Timing(ROAD, K1, approaches, TimingSettings()).ways
    near, far = behind_m(ROAD, [ways], 60.0), behind_m(ROAD, [ways], 300.0)
    assert set(ways.to_lane.tolist()) <= set(far) > set(near)
    assert max(near.values()) <= 60.0 and not set(approaches.lanes) & set(far)
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings(view_m=30.0))
    lane = approaches.names.index("k1_N_approach_2")
    seen = lanes_of(["k1_N_approach_2"], [float(approaches.length_m[lane]) - 50.0], 10.0)
    assert not estimator.update(0.0, seen).seen
    estimator.behind_m = {approaches.lanes[lane]: -100.0}
    assert [one.to_stop_m for one in estimator.update(1.0, seen).seen] == pytest.approx([50.0])


def lanes_of(names: list[str], s_m: list[float], speed_mps: float) -> ObjectList:
    n = len(names)
    held = sorted(set(names))
    return ObjectList.of(
        n, lane_names=held, id=range(1, n + 1), object_class=[1] * n, x_m=[0.0] * n, y_m=[0.0] * n, velocity_x_mps=[speed_mps] * n,
        velocity_y_mps=[0.0] * n, lane=[held.index(name) for name in names], lane_s_m=s_m,
    )  # fmt: skip


def test_a_lane_that_yields_to_people_is_learned_to_discharge_slowly() -> None:
    discharge = Discharge(np.array([0.5, 0.5]))
    green, standing = np.array([True, True]), np.array([10.0, 10.0])
    discharge.learn(~green, standing, np.zeros(2), 1.0)
    for second in range(20):
        discharge.learn(green, standing, np.array([second % 2, second % 4 == 0], float), 1.0)
    assert discharge.flow[0] == pytest.approx(0.5, abs=0.02)
    assert 0.25 < discharge.flow[1] < 0.45
    before = discharge.flow.copy()
    discharge.due[:] = 0.0
    discharge.learn(green, np.zeros(2), np.zeros(2), 1.0)  # nobody is due: nothing is learned
    assert (discharge.flow == before).all()


def test_a_stage_is_left_out_only_where_the_guard_allows_it(approaches: Approaches) -> None:
    timing = Timing(ROAD, K1, approaches, TimingSettings())
    crossing = situation(approaches, k1_E_approach_3=10, k1_W_approach_3=10)
    red = np.array([0.0, 30.0, 20.0, 10.0])
    assert timing.decide(0, 20.0, crossing, frozenset({1, 2}), red_s=red).stage == 2
    assert timing.decide(0, 20.0, crossing, frozenset({1}), red_s=red).stage == 1
    late = np.array([0.0, 140.0, 20.0, 10.0])  # a round of some 80 s more would be too long
    assert timing.decide(0, 20.0, crossing, frozenset({1, 2}), red_s=late).stage == 1
    assert timing.decide(0, 20.0, crossing, frozenset({1, 2})).stage == 1  # nobody knows for how long it has been red


def test_who_walks_is_left_out_only_while_no_wait_becomes_an_alarm(approaches: Approaches) -> None:
    junction = Timing(ROAD, K1, approaches, TimingSettings()).junction
    assert junction.max_red_s.tolist() == [K1.limits.waiting_alarm_s, 180.0] * 2
    assert junction.left_out(0, 2, 1) == 0 and junction.left_out(0, 2, 0) == -1
    assert junction.left_out(2, 0, 0) == 0 and junction.left_out(3, 0, 0) == 1  # another round has begun


def test_a_change_is_ordered_in_the_step_in_which_the_minimum_ends() -> None:
    core = region()
    names = ["k1_E_approach_3", "k1_W_approach_3"]
    waiting = ObjectList.of(
        12, lane_names=names, id=range(1, 13), object_class=[1] * 12, x_m=[0] * 12, y_m=[0] * 12, velocity_x_mps=[0] * 12,
        velocity_y_mps=[0] * 12, lane=[k % 2 for k in range(12)], lane_s_m=[90 - 3 * k for k in range(12)],
    )  # fmt: skip
    seen = Input("fused_objects", "district/edge", T, 1, T, waiting, VALID)
    early = signal(T, stage_started_at_ns=T - 13_500_000_000, allowed_stages=["NS-through"])
    [held] = commands(core.step(T, [early, seen]))
    assert held.stage_request.stage == "NS-through"  # type: ignore[attr-defined]
    assert commands(core.step(T + SECOND // 5, [])) == []
    at = T + 2 * SECOND // 5
    later = signal(at, stage_started_at_ns=T - 13_500_000_000, allowed_stages=["NS-through", "NS-left", "EW-through"])
    [change] = commands(core.step(at, [later]))
    assert change.stage_request.stage in ("NS-left", "EW-through")  # type: ignore[attr-defined]
    assert commands(core.step(at + SECOND // 5, [])) == []


def region(**timing: object) -> RegionCore:
    settings = RegionSettings(
        map=str(DISTRICT / "district.net.xml"), configurations=(str(DISTRICT / "k1.signal.json"),),
        timing=TimingSettings(**timing),  # type: ignore[arg-type]
    )  # fmt: skip
    return RegionCore(settings, ROAD, [K1])


def signal(now_ns: int, **changes: object) -> Input:
    fields = {
        "intersection": "k1", "configuration_hash": configuration_hash(K1), "configuration_version": 1,
        "mode": signal_pb2.CONTROL_MODE_AUTOMATIC, "authority": signal_pb2.AUTHORITY_LOCAL_PLAN, "stage": "NS-through",
        "stage_started_at_ns": now_ns - 20 * SECOND, "guard_nonce": 77, "allowed_stages": ["NS-through", "NS-left"],
    }  # fmt: skip
    value = signal_pb2.SignalState(**{**fields, **changes})  # type: ignore[arg-type]
    return Input("signal", "k1/signal", T, 1, now_ns, value, VALID)


def lists(now_ns: int, validity: int = VALID) -> Input:
    objects = ObjectList.of(
        0, id=[], object_class=[], x_m=[], y_m=[], velocity_x_mps=[], velocity_y_mps=[], lane=[], lane_s_m=[]
    )
    return Input("fused_objects", "district/edge", T, 1, now_ns, objects, validity)


def commands(outputs: object) -> list[object]:
    return [o.value for o in outputs if o.topic == "command"]  # type: ignore[attr-defined]


def test_an_end_that_was_told_comes_when_it_was_told_whatever_comes_up(approaches: Approaches) -> None:
    timing = Timing(ROAD, K1, approaches, TimingSettings(commit_s=10))
    assert timing.lead_s(1, 2) == 10  # arrows end at once
    assert timing.lead_s(0, 1) == 4  # people flash first, and two-wheelers still have green
    assert Timing(ROAD, K1, approaches, TimingSettings()).commit_s == K1.limits.commit_s
    core = region(commit_s=10)
    names = ["k1_E_approach_3", "k1_N_approach_4"]
    crossing, own = (
        ObjectList.of(
            12, lane_names=names, id=range(1, 13), object_class=[1] * 12, x_m=[0] * 12, y_m=[0] * 12, velocity_x_mps=[0] * 12,
            velocity_y_mps=[0] * 12, lane=[lane] * 12, lane_s_m=[90 - 3 * k for k in range(12)],
        )
        for lane in (0, 1)
    )  # fmt: skip
    began, asked, told = T - 15 * SECOND, [], []
    for second in range(14):
        now = T + second * SECOND
        state = signal(now, stage="NS-left", stage_started_at_ns=began, allowed_stages=["NS-left", "EW-through"])
        queue = crossing if second == 0 else own  # after the decision, everybody waits where green would end
        [command] = commands(core.step(now, [state, Input("fused_objects", "e", T, 1, now, queue, VALID)]))
        asked.append(command.stage_request.stage)  # type: ignore[attr-defined]
        told.append(second + command.stage_request.expected_duration_s)  # type: ignore[attr-defined]
        if asked[-1] == "EW-through":
            break
    assert asked == ["NS-left"] * 10 + ["EW-through"]
    assert told[:10] == [10.0] * 10


def test_who_was_told_to_follow_gives_way_to_the_order_where_the_guard_does_not_allow_it() -> None:
    core = region(commit_s=10)
    core.step(T, [signal(T, stage="NS-left", allowed_stages=["NS-left"]), lists(T)])
    core._intersections["k1"].told = (1, 3, T + SECOND)
    asked = []
    for second in range(1, 5):
        now = T + second * SECOND
        state = signal(
            now, stage="NS-left", stage_started_at_ns=T - 20 * SECOND, allowed_stages=["NS-left", "EW-through"]
        )
        [command] = commands(core.step(now, [state, lists(now)]))
        asked.append(command.stage_request.stage)  # type: ignore[attr-defined]
    assert asked[0] == "EW-through"


def test_what_was_told_of_a_stage_does_not_hold_for_the_same_stage_again() -> None:
    core = region(commit_s=10)
    place = core._intersections["k1"]
    place.told = (0, 1, T - 60 * SECOND)
    [command] = commands(core.step(T, [signal(T, stage_started_at_ns=T - 20 * SECOND), lists(T)]))
    assert place.told is None and command.stage_request.stage == "NS-through"  # type: ignore[attr-defined]


def test_what_the_guard_ends_now_is_not_held_for_the_sake_of_telling() -> None:
    core = region(commit_s=10)
    must_end = signal(T, stage="NS-left", stage_started_at_ns=T - 50 * SECOND, allowed_stages=["EW-through"])
    [command] = commands(core.step(T, [must_end, lists(T)]))
    assert command.stage_request.stage == "EW-through"  # type: ignore[attr-defined]
    core._intersections["k1"].told = (1, 2, T + 9 * SECOND)
    later = T + SECOND
    must_end = signal(later, stage="NS-left", stage_started_at_ns=T - 50 * SECOND, allowed_stages=["EW-through"])
    [command] = commands(core.step(later, [must_end, lists(later)]))
    assert command.stage_request.stage == "EW-through"  # type: ignore[attr-defined]


def test_who_waits_on_foot_is_expected_and_grows_impatient(approaches: Approaches) -> None:
    ends = np.array([[[0.0, 0.0], [12.0, 0.0]]])
    single = replace(approaches, crossings=approaches.crossings[:1])
    estimator = QueueEstimator(single, dict(ROAD.lanes.index), ends, TimingSettings())
    lanes = len(approaches.lanes)
    walker = ObjectList.of(
        1, lane_names=[], id=[1], object_class=[6], x_m=[0.5], y_m=[0.0], velocity_x_mps=[0.0], velocity_y_mps=[0.0],
        lane=[NOT_ONE], lane_s_m=[0.0],
    )  # fmt: skip
    first = estimator.update(0.0, walker)
    assert first.walkers.tolist() == [1.0] and first.pedestrians == 1
    later = estimator.update(90.0, walker)
    assert later.walkers[0] == pytest.approx(4.0)  # 45 s beyond patience
    assert later.rates[lanes] > 0  # somebody came: more will


def test_commands_carry_what_the_guard_demands() -> None:
    [command] = commands(region().step(T, [signal(T), lists(T)]))
    assert command.guard_nonce == 77 and command.expected_stage == "NS-through"  # type: ignore[attr-defined]
    assert command.configuration_hash == configuration_hash(K1) and command.fencing_epoch > 0  # type: ignore[attr-defined]
    assert command.expires_at_ns > T and 1 <= command.lease_s <= 15  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [
        {"mode": signal_pb2.CONTROL_MODE_OBSERVE},
        {"mode": signal_pb2.CONTROL_MODE_ADVISE},
        {"configuration_hash": "0" * 64},
        {"authority": signal_pb2.AUTHORITY_OFFICER_REMOTE},
        {"stage": ""},
    ],
)
def test_no_command_where_none_is_wanted(change: dict[str, object]) -> None:
    assert commands(region().step(T, [signal(T, **change), lists(T)])) == []


def test_a_snapshot_continues_with_the_same_commands() -> None:
    one, two = region(), region()
    for second in range(5):
        now = T + second * SECOND
        one.step(now, [signal(now), lists(now)])
    one.step(T + 5 * SECOND - SECOND // 2, [signal(T, stage="NS-left", allowed_stages=["NS-left", "EW-through"])])
    two.restore(one.snapshot())
    now = T + 5 * SECOND
    assert one.step(now, [signal(now), lists(now)]) == two.step(now, [signal(now), lists(now)])
    with pytest.raises(ValueError, match="version"):
        two.restore(b'{"version": 0}')
    elsewhere = json.loads(one.snapshot()) | {"map": 1}
    with pytest.raises(ValueError, match="another map"):
        two.restore(json.dumps(elsewhere).encode())
