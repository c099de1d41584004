"""Speed advice: arithmetic of arriving just in time, forecasts that are used and those that are not, queues."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.edge.speed_advice import ClosedTimes, slowed_speed
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, load
from lukou_messages.process import Input
from lukou_messages.v1.advice_pb2 import AdviceAction, SpeedAdvice
from lukou_messages.v1.signal_pb2 import SignalColour, SignalGroupState, SignalState
from lukou_messages.v1.vehicle_pb2 import TurnIntention, VehicleReport
from tests.cloud.test_edge_core import Street, objects, turn

FOLDER = Path(__file__).parents[2] / "sim/lukou_sim/district"
DISTRICT = FOLDER / "district.net.xml"
T = 1_800_000_000_000_000_000
SECOND, STEP_NS = 10**9, 100_000_000
RED, GREEN, YELLOW = SignalColour.SIGNAL_COLOUR_RED, SignalColour.SIGNAL_COLOUR_GREEN, SignalColour.SIGNAL_COLOUR_YELLOW
AHEAD_M, SPEED = 80.0, 12.0


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def configuration() -> SignalConfiguration:
    return load(FOLDER / "k1.signal.json")


def test_slowing_down_in_time_arrives_in_time() -> None:
    for distance, time_s, speed in ((100.0, 12.0, 14.0), (60.0, 8.0, 12.0), (200.0, 17.0, 13.0)):
        slow = slowed_speed(distance, time_s, speed, 1.2)
        braked_s = (speed - slow) / 1.2
        assert 0.0 < slow < speed
        np.testing.assert_allclose(0.5 * (speed + slow) * braked_s + slow * (time_s - braked_s), distance)
    assert slowed_speed(100.0, 5.0, 14.0, 1.2) == 14.0  # comes later anyway
    assert slowed_speed(20.0, 60.0, 14.0, 1.2) == 0.0  # nothing is slow enough


def test_closed_times_are_learned_where_they_repeat_and_only_then() -> None:
    closed, key = ClosedTimes(), ("k1", "N")

    def shown(at_s: float, colour: int) -> None:
        group = SignalGroupState(group="N", colour=colour)  # type: ignore[arg-type]
        closed.take(T + round(at_s * 1e9), SignalState(intersection="k1", groups=[group]))

    for at_s, colour in ((0, RED), (10, GREEN), (30, YELLOW), (33, RED), (70, GREEN)):  # the first red was seen in part
        shown(at_s, colour)
    assert np.isnan(closed.usual_s(key))
    for at_s, colour in ((90, YELLOW), (93, RED), (130.5, GREEN)):
        shown(at_s, colour)
    assert closed.usual_s(key) == pytest.approx(40.5)
    for at_s, colour in ((150, YELLOW), (153, RED), (205, GREEN)):
        shown(at_s, colour)
    assert np.isnan(closed.usual_s(key))
    shown(206, SignalColour.SIGNAL_COLOUR_DARK)
    assert closed.lasted[key] == []


def advised(
    model: RoadModel,
    configuration: SignalConfiguration,
    group: SignalGroupState | None,
    queue: int = 0,
    intention: int = TurnIntention.TURN_INTENTION_STRAIGHT,
) -> SpeedAdvice:
    """The advice to a connected vehicle 80 m before the line of a straight way at k1, when its group is as given."""
    street, edge = Street(model), EdgeCore(EdgeSettings(map=str(DISTRICT)), model, [configuration])
    path = street.path_of(int(street.straight[0]))
    line = street.line_m(path)
    link = int(model.connections.link_index[street.straight[0]])
    name = next(one.name for one in configuration.groups if link in one.links)
    one = street.on(path, line - AHEAD_M - 2.25, SPEED, 5)
    standing = [street.on(path, line - 3.0 - 7.0 * k, 0.0, 10 + k) for k in range(queue)]
    report = VehicleReport(
        temporary_id=8, object_class=1, x_m=one["x_m"], y_m=one["y_m"], yaw_rad=one["yaw_rad"], speed_mps=SPEED,
        length_m=4.5, width_m=1.8, intention=intention,  # type: ignore[arg-type]
    )  # fmt: skip
    told = []
    for k in range(3):
        at = T + k * STEP_NS
        inputs = [objects(at, [one, *standing]), Input("vehicle", "world", 1, k, at, report)]
        if group is not None:
            groups = [SignalGroupState(group=other.name, colour=RED) for other in configuration.groups]
            for other in groups:
                if other.group == name:
                    other.MergeFrom(group)
            state = SignalState(intersection="k1", groups=groups)
            inputs.append(Input("signal", "k1/signal", 1, k, at, state))
        told += [output.value for output in turn(edge, at, inputs) if output.topic == "advice"]
    assert len(told) == 1
    advice: SpeedAdvice = told[0]
    assert advice.temporary_id == 8
    return advice


def foreseen(colour: int, in_s: float, confidence: float = 0.7, committed: bool = False) -> SignalGroupState:
    ends = T + round(in_s * 1e9)
    return SignalGroupState(colour=colour, likely_end_at_ns=ends, min_end_at_ns=ends, confidence=confidence, is_committed=committed)  # type: ignore[arg-type]  # fmt: skip


def test_before_a_red_that_ends_it_slows_down_to_arrive_just_then(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    one = advised(model, configuration, foreseen(RED, 10.0))
    assert one.action == AdviceAction.ADVICE_ACTION_SLOW
    assert one.stop_line_m == pytest.approx(AHEAD_M, abs=1.0)
    assert 5.5 < one.speed_mps < SPEED
    assert one.passes_from_ns == pytest.approx(T + 11 * SECOND, abs=SECOND // 5)  # a second of margin
    assert one.confidence == pytest.approx(0.7)
    assert one.intersection == "k1"
    assert one.object_id > 0


def test_a_queue_makes_it_later_and_slower(model: RoadModel, configuration: SignalConfiguration) -> None:
    free, queued = (advised(model, configuration, foreseen(RED, 8.0), queue) for queue in (0, 2))
    assert (free.queued_vehicles, queued.queued_vehicles) == (0, 2)
    assert queued.passes_from_ns - free.passes_from_ns == pytest.approx((2.0 + 2 * 1.9) * 1e9, abs=2e6)
    assert queued.speed_mps < free.speed_mps


def test_a_green_that_lasts_is_kept_and_never_above_the_limit(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    one = advised(model, configuration, foreseen(GREEN, 20.0))
    assert one.action == AdviceAction.ADVICE_ACTION_KEEP
    assert SPEED <= one.speed_mps <= 13.9
    hurried = advised(model, configuration, foreseen(GREEN, 7.3))
    assert hurried.action == AdviceAction.ADVICE_ACTION_KEEP
    assert SPEED < hurried.speed_mps <= 13.9


def test_a_long_red_means_to_expect_a_stop(model: RoadModel, configuration: SignalConfiguration) -> None:
    one = advised(model, configuration, foreseen(RED, 60.0))
    assert one.action == AdviceAction.ADVICE_ACTION_STOP
    assert one.speed_mps == pytest.approx(5.5)


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (None, "signals of k1 are not known"),
        (SignalGroupState(colour=RED), "not foreseen"),
        (foreseen(RED, 10.0, confidence=0.3), "not foreseen"),
        (foreseen(GREEN, 2.0), "not foreseen"),  # ends too soon, and the next one is not known
        (SignalGroupState(colour=SignalColour.SIGNAL_COLOUR_FLASHING_YELLOW), "not foreseen"),
    ],
)
def test_what_is_not_known_gives_no_speed_and_says_so(
    model: RoadModel, configuration: SignalConfiguration, group: SignalGroupState | None, said: str
) -> None:
    one = advised(model, configuration, group)
    assert one.action == AdviceAction.ADVICE_ACTION_NONE
    assert not one.HasField("speed_mps")
    assert said in one.why
