"""Region: what serves whom, when to change, and what is said when it cannot see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.approaches import Approaches, compile_approaches
from lukou_cloud.region.core import RegionCore
from lukou_cloud.region.discharge import Discharge
from lukou_cloud.region.lineup import Seen
from lukou_cloud.region.queues import QueueEstimator, Situation
from lukou_cloud.region.settings import RegionSettings, TimingSettings
from lukou_cloud.region.timing import Timing
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import configuration_hash, load
from lukou_messages.objects import ObjectList
from lukou_messages.process import INVALID, VALID, Input
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
        Seen(k, (k,), 7.0 * place, 0.0, 30.0, 0) for k in range(len(approaches.lanes)) for place in range(int(queue[k]))
    )
    return Situation(queue, np.zeros((120, len(queue))), none, np.full(len(queue), 0.5), none, 0, 0, seen, none)


def test_lanes_are_served_by_the_stages_of_their_groups(approaches: Approaches) -> None:
    served = {
        stage: {name for k, name in enumerate(approaches.names) if approaches.serves[row, k]}
        for row, stage in enumerate(approaches.stages)
    }
    assert served["NS-left"] == {"k1_N_approach_4", "k1_S_approach_4"}
    assert {"k1_E_approach_1", "k1_E_approach_2", "k1_W_approach_3"} <= served["EW-through"]
    assert not served["NS-through"] & served["EW-through"]


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
    assert found.arrivals[:10, lane].sum() == pytest.approx(1.0, abs=0.3)
    later = estimator.update(7.0, objects)
    assert later.waited_s[lane] == pytest.approx(7.0)


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
    assert timing.decide(0, 20.0, crossing, frozenset({1, 2})).stage == 2
    assert timing.decide(0, 20.0, crossing, frozenset({1})).stage == 1


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


def region() -> RegionCore:
    settings = RegionSettings(
        map=str(DISTRICT / "district.net.xml"), configurations=(str(DISTRICT / "k1.signal.json"),)
    )
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
        two.restore(b'{"version": 9}')
