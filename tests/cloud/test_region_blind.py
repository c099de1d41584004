"""What the region does when it sees little, or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lukou_cloud.region.approaches import Approaches, compile_approaches
from lukou_cloud.region.queues import QueueEstimator
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.timing import Timing
from lukou_cloud.region.view import View
from lukou_maps.signal_configuration import cycle_position_s, plan_at
from lukou_messages.objects import ObjectList
from lukou_messages.process import INVALID, VALID, Input
from lukou_messages.v1.objects_pb2 import PerceivedArea
from lukou_messages.v1.traffic_pb2 import ViewLevel
from lukou_sim.district.layout import INTERSECTIONS
from tests.cloud.test_region import K1, ROAD, SECOND, T, commands, lanes_of, lists, region, signal, situation


@pytest.fixture(scope="module")
def approaches() -> Approaches:
    return compile_approaches(ROAD, K1)


def box(x_m: float, y_m: float, half_m: float, **more: object) -> PerceivedArea:
    x, y = (
        [x_m - half_m, x_m + half_m, x_m + half_m, x_m - half_m],
        [y_m - half_m, y_m - half_m, y_m + half_m, y_m + half_m],
    )
    return PerceivedArea(x_m=x, y_m=y, detection_probability=0.9, sensor="s", **more)  # type: ignore[arg-type]


def test_a_view_ends_where_nobody_looks(approaches: Approaches) -> None:
    view = View(ROAD, approaches, 300.0)
    assert (view.seen_m([]) == 300.0).all()  # a list that tells nothing of areas sees everything
    x, y = INTERSECTIONS["k1"]
    near = view.seen_m([box(x, y, 60.0)])
    motor = ~approaches.is_bicycle
    assert 35 < near[motor].min() <= near[motor].max() < 50  # the stop lines are 15 to 20 m out
    assert view.level(near) == ViewLevel.VIEW_LEVEL_FULL
    behind_a_mast = view.seen_m([box(x, y, 60.0), box(x - 30.0, y, 2.0, is_blind=True)])
    assert (behind_a_mast == near).all()
    half = view.seen_m([box(x, y + 100.0, 100.0)])  # what lies north
    assert view.level(half) == ViewLevel.VIEW_LEVEL_PARTIAL
    north = [k for k, name in enumerate(approaches.names) if name.startswith("k1_N")]
    south = [k for k, name in enumerate(approaches.names) if name.startswith("k1_S")]
    assert half[north].min() > 100 and half[south].max() == 0
    elsewhere = view.seen_m([box(x + 400.0, y, 60.0)])
    assert view.level(elsewhere) == ViewLevel.VIEW_LEVEL_BLIND
    poor = box(x, y, 60.0)
    poor.detection_probability = 0.2
    assert view.level(view.seen_m([poor])) == ViewLevel.VIEW_LEVEL_BLIND


def test_where_nobody_looks_the_usual_traffic_is_assumed(approaches: Approaches) -> None:
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    lane, other = approaches.names.index("k1_N_approach_2"), approaches.names.index("k1_S_approach_2")
    estimator._left[[lane, other]] = 0.1 * estimator._watched_s[[lane, other]]
    estimator.rates = estimator._left / estimator._watched_s
    seen_m = np.full(len(approaches.lanes), 300.0)
    seen_m[lane] = 0.0
    nobody = lanes_of([], [], 0.0)
    red = approaches.stages.index("EW-through")
    for second in range(61):
        found = estimator.update(float(second), nobody, red, seen_m=seen_m)
    assert found.queue[lane] == pytest.approx(6) and found.queue[other] == 0
    assert sum(one.lane == lane for one in found.seen) == 6
    assert estimator.rates[lane] == 0.1 and estimator.rates[other] < 0.09  # what is not seen teaches nothing
    for second in range(61, 91):
        found = estimator.update(float(second), nobody, approaches.stages.index("NS-through"), seen_m=seen_m)
    assert 0.5 < found.queue[lane] < 2.5  # so many could leave by now; more than the usual may have come
    for second in range(91, 151):
        found = estimator.update(float(second), nobody, approaches.stages.index("NS-through"), seen_m=seen_m)
    assert found.queue[lane] < 0.5  # less than half a vehicle is nobody


def test_a_vehicle_between_two_views_is_still_on_its_way(approaches: Approaches) -> None:
    estimator = QueueEstimator(approaches, dict(ROAD.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    lane, above = max(approaches.upstream.items(), key=lambda one: one[1].to_stop_m)
    seen_m = np.full(len(approaches.lanes), 100.0)
    start_m = 250.0
    estimator.update(0.0, lanes_of([ROAD.lanes.names[lane]], [above.to_stop_m - start_m], 10.0), seen_m=seen_m)
    nobody = lanes_of([], [], 0.0)
    for second in range(1, 20):
        found = estimator.update(float(second), nobody, seen_m=seen_m)
        left_m = start_m - 10.0 * second
        assert [round(one.to_stop_m) for one in found.seen] == ([round(left_m)] if left_m > 100.0 else [])


def test_an_intersection_that_nobody_watches_keeps_its_own_plan() -> None:
    core = region()
    x, y = INTERSECTIONS["k1"]

    def watched(now_ns: int, east_m: float) -> Input:
        none: dict[str, list[float]] = {
            c: [] for c in ("id", "object_class", "x_m", "y_m", "velocity_x_mps", "velocity_y_mps")
        }
        objects = ObjectList.of(0, perceived_areas=[box(x + east_m, y, 80.0)], **none)
        return Input("fused_objects", "district/edge", T, 1, now_ns, objects, VALID)

    assert len(commands(core.step(T, [signal(T), watched(T, 0.0)]))) == 1
    outputs = core.step(
        T + SECOND, [signal(T + SECOND), watched(T + SECOND, 300.0)]
    )  # the neighbour's unit alone is left
    [command] = commands(outputs)
    assert command.HasField("release")  # type: ignore[attr-defined]
    assert [o.value.kind for o in outputs if o.topic == "event"] == ["region.blind"]
    assert core.faults() == ["blind at k1"]
    assert len(commands(core.step(T + 2 * SECOND, [signal(T + 2 * SECOND), watched(T + 2 * SECOND, 0.0)]))) == 1
    assert core.faults() == []


def test_blindness_gives_the_control_back_and_never_means_no_vehicles() -> None:
    core = region()
    core.step(T, [signal(T), lists(T)])
    outputs = core.step(T + 2 * SECOND, [signal(T + 2 * SECOND)])
    [command] = commands(outputs)
    assert command.WhichOneof("action") == "release"  # type: ignore[attr-defined]
    [state] = [o for o in outputs if o.topic == "traffic"]
    assert state.validity == INVALID and "blind" in state.value.decision
    assert commands(core.step(T + 3 * SECOND, [signal(T + 3 * SECOND)])) == []
    assert len(commands(core.step(T + 4 * SECOND, [signal(T + 4 * SECOND), lists(T + 4 * SECOND)]))) == 1
    [command] = commands(core.step(T + 5 * SECOND, [signal(T + 5 * SECOND), lists(T + 5 * SECOND, INVALID)]))
    assert command.HasField("release")  # type: ignore[attr-defined]


def test_who_sees_nothing_times_by_the_cabinets_detectors_where_it_has_some() -> None:
    core, groups = region(), [group.name for group in K1.groups]
    began_ns = T - round(
        cycle_position_s(K1, plan_at(K1, T), T) * SECOND
    )  # in step with the plan: NS-through keeps time

    def turn(second: int, seen: bool, *called: str, **told: object) -> tuple[list[object], object, list[str]]:
        now = began_ns + second * SECOND
        fields = {"stage_started_at_ns": began_ns, "detected_groups": groups, "called_groups": called, **told}
        heard = signal(now, **fields)
        outputs = core.step(now, [heard, lists(now)] if seen else [heard])
        [state] = [o.value for o in outputs if o.topic == "traffic"]
        return commands(outputs), state, [o.value.kind for o in outputs if o.topic == "event"]

    turn(0, True)
    turn(1, True)
    [held], state, events = turn(4, False, "N-through", "N-left")
    assert state.view == ViewLevel.VIEW_LEVEL_DETECTORS and events == ["region.detectors_only"]
    assert held.stage_request.stage == "NS-through" and "by detectors" in state.decision
    assert core.faults() == ["detectors only at k1"]
    [left], _, events = turn(20, False, "N-left")
    assert left.stage_request.stage == "NS-left" and not events
    [released], state, events = turn(21, False, detected_groups=[])
    assert released.HasField("release") and state.view == ViewLevel.VIEW_LEVEL_BLIND and events == ["region.blind"]
    _, state, events = turn(22, True)
    assert state.view == ViewLevel.VIEW_LEVEL_FULL and events == ["region.sees"]


def test_where_few_are_seen_stages_stay_near_the_plan(approaches: Approaches) -> None:
    plans = tuple(
        replace(plan, splits_s=tuple((name, 60.0) for name, _ in plan.splits_s), cycle_s=240.0) for plan in K1.plans
    )
    timing = Timing(ROAD, replace(K1, plans=plans), approaches, TimingSettings())
    waiting = situation(approaches, k1_N_approach_4=8, k1_E_approach_2=10)
    few = replace(waiting, is_few=True)
    assert timing.decide(0, 20.0, waiting, frozenset({1})).stage == 1
    held = timing.decide(0, 20.0, few, frozenset({1}))
    assert held.stage == 0 and "near the plan" in held.why
    assert timing.decide(0, 31.0, few, frozenset({1})).stage == 1
    ended = timing.decide(0, 20.0, few, frozenset({1}), may_hold=False)
    assert ended.stage == 1 and "near the plan" not in ended.why  # the guard ends it


def test_where_few_are_seen_no_lane_is_red_for_ever(approaches: Approaches) -> None:
    free = replace(K1, limits=replace(K1.limits, fixed_order=False))
    timing = Timing(ROAD, free, approaches, TimingSettings())
    lanes = approaches.serves[:, : len(approaches.lanes)]
    longest_s = 1.5 * max(plan.cycle_s - dict(plan.splits_s)["EW-through"] for plan in K1.plans)
    long_red = np.where(lanes[2] & ~lanes[0], longest_s + 1.0, 10.0)
    nobody = replace(situation(approaches), is_few=True)
    others = frozenset({1, 2, 3})
    changed = timing.decide(0, 40.0, replace(nobody, red_s=long_red), others, red_s=np.full(4, 30.0))
    assert changed.stage == 2 and "somebody may wait unseen for EW-through" in changed.why
    assert not timing.outflow  # neighbours are not told of somebody who may be nobody
    soon = timing.decide(0, 40.0, replace(nobody, red_s=long_red - 2.0), others, red_s=np.full(4, 30.0))
    assert "unseen" not in soon.why  # where nobody is known every stage is as good, and the plan's order goes on
    assert timing.decide(0, 40.0, replace(nobody, red_s=long_red, is_few=False), others).stage == 0
