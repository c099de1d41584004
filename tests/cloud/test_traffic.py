"""Traffic state: who has passed the line has left, who was lost on the way has not."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from lukou_cloud.region.traffic import TrafficMeter
from lukou_messages.objects import ObjectList

LENGTH_M, LIMIT_MPS = 200.0, 10.0


def meter() -> TrafficMeter:
    approaches: Any = SimpleNamespace(
        lanes=[5],
        length_m=np.array([LENGTH_M]),
        speed_mps=np.array([LIMIT_MPS]),
        names=["a_0"],
        intersection="k1",
    )
    return TrafficMeter(approaches, {"a_0": 5})


def seen(to_stop_m: dict[int, float], speed_mps: float) -> ObjectList:
    count = len(to_stop_m)
    return ObjectList.of(
        count,
        id=np.array(list(to_stop_m), np.int64),
        object_class=np.ones(count, np.int64),
        x_m=np.zeros(count),
        y_m=np.zeros(count),
        lane=np.zeros(count, np.int64),
        lane_s_m=LENGTH_M - np.array(list(to_stop_m.values())),
        velocity_x_mps=np.full(count, speed_mps),
        velocity_y_mps=np.zeros(count),
        lane_names=("a_0",),
    )


def run(one: TrafficMeter, at_s: float, to_stop_m: dict[int, float], speed_mps: float = LIMIT_MPS) -> Any:
    situation: Any = SimpleNamespace(pedestrians=0, waited_s=np.zeros(1))
    return one.update(at_s, seen(to_stop_m, speed_mps), situation, [0.0], [0], "", 1.0)


def test_who_passes_the_line_has_left_with_the_delay_of_his_stop() -> None:
    one = meter()
    for k in range(10):  # 100 m at the limit, then a stop of twenty seconds at the line, then on
        run(one, float(k), {1: 100.0 - 10.0 * k + 2.0})
    for k in range(20):
        run(one, 10.0 + k, {1: 2.0}, 0.0)
    state = [run(one, 30.0 + k, {}) for k in range(5)][-1]
    assert state.vehicles_left == 1
    assert 18.0 < state.delay_s < 21.0
    assert state.stops_per_vehicle == 1.0


def test_who_vanishes_on_the_way_was_lost_and_has_not_left() -> None:
    one = meter()
    run(one, 0.0, {1: 150.0})
    for k in range(6):
        state = run(one, 1.0 + k, {})
    assert state.vehicles_left == 0
    assert not one.trips


def test_a_gap_of_two_seconds_is_no_second_trip() -> None:
    one = meter()
    run(one, 0.0, {1: 60.0}, 0.0)
    run(one, 1.0, {})
    run(one, 2.0, {})
    run(one, 3.0, {1: 60.0}, 0.0)
    assert one.trips[1].since_s == 0.0
    assert one.trips[1].stops == 1
