"""Who is expected to pass a stop line against red, and who passes it lawfully with the last of yellow or by a turn."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.dangers import RED_LIGHT, dangers
from lukou_cloud.edge.lights import Light, Lights, LightTable, no_lights
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.recorded import RecordedLights
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.settings import PredictionSettings, WarningSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import Turn
from lukou_maps.signal_configuration import load
from lukou_messages.v1.signal_pb2 import SignalColour, SignalGroupState, SignalState

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(load_map(DISTRICT), PredictionSettings())


def car(predictor: Predictor, lane: str, before_m: float, speed: float, acceleration: float = 0.0) -> RoadUsers:
    """A car whose front is so far before the end of a lane."""
    lanes = predictor.model.lanes
    row = lanes.names.index(lane)
    middle = np.array([float(lanes.length_m[row]) - before_m - 2.25])
    x, y, heading = predictor.ways.catalogue.geometry.pose(np.array([row]), middle)
    one = np.ones(1)
    return RoadUsers(
        id=np.array([1]),
        object_class=np.array([1]),
        x_m=x,
        y_m=y,
        heading_rad=heading,
        speed_mps=speed * one,
        acceleration_mps2=acceleration * one,
        length_m=4.5 * one,
        width_m=1.8 * one,
        deviation_m=0.1 * one,
        speed_deviation_mps=0.1 * one,
        is_trusted=np.ones(1, np.bool_),
    )


def shown(predictor: Predictor, lane: str, told: dict[Turn, tuple[Light, float]]) -> Lights:
    """What the connections of a lane show, by turn, and when that ends."""
    model, lights = predictor.model, no_lights(predictor.model)
    for row in np.flatnonzero(model.connections.from_lane == model.lanes.names.index(lane)):
        lights.light[row], lights.ends_in_s[row] = told[Turn(model.connections.turn[row])]
    return lights


def runs_red(predictor: Predictor, users: RoadUsers, lights: Lights) -> bool:
    predictor.lanes.last_lane.clear()
    found, _, _ = dangers(users, lights, predictor, WarningSettings())
    return bool((found.is_onset & (found.kind == RED_LIGHT)).any())


@pytest.mark.parametrize(("before_m", "expected"), [(12.0, True), (14.5, False)])
def test_who_cannot_stop_any_more_runs_red(predictor: Predictor, before_m: float, expected: bool) -> None:
    # 11 m/s: 11.0 m of braking with 5.5 m/s^2 and 2.2 m of reaction
    lane = "k1_N_approach_3"
    users = car(predictor, lane, before_m, 11.0)
    assert runs_red(predictor, users, shown(predictor, lane, {Turn.STRAIGHT: (Light.RED, 30.0)})) == expected


@pytest.mark.parametrize(
    ("acceleration", "ends_s", "expected"), [(0.0, 1.0, False), (0.0, 0.8, True), (-4.0, 1.0, True)]
)
def test_who_brakes_comes_after_the_yellow_has_ended(
    predictor: Predictor, acceleration: float, ends_s: float, expected: bool
) -> None:
    # 10.5 m at 11.9 m/s: 0.88 s, or 1.08 s while 4 m/s^2 are braked, which is too little to stop
    lane = "k1_N_approach_3"
    users = car(predictor, lane, 10.5, 11.9, acceleration)
    assert runs_red(predictor, users, shown(predictor, lane, {Turn.STRAIGHT: (Light.YELLOW, ends_s)})) == expected


@pytest.mark.parametrize(("ends_s", "expected"), [(3.0, False), (0.1, True)])
def test_the_last_of_yellow_for_the_turn_is_more_likely_than_running_red_straight_on(
    predictor: Predictor, ends_s: float, expected: bool
) -> None:
    lane = "k1_N_approach_1"
    lights = shown(predictor, lane, {Turn.STRAIGHT: (Light.RED, 30.0), Turn.RIGHT: (Light.YELLOW, ends_s)})
    assert runs_red(predictor, car(predictor, lane, 6.0, 8.0), lights) == expected


@pytest.mark.parametrize(
    ("red_for_s", "speed", "expected"),
    [(1.0, 7.5, False), (1.0, 8.0, False), (30.0, 7.5, False), (1.0, 12.5, True), (8.0, 18.0, True)],
)
def test_only_who_is_too_fast_to_turn_is_likely_to_run_a_red_instead_of_turning_with_green(
    predictor: Predictor, red_for_s: float, speed: float, expected: bool
) -> None:
    lane = "k1_N_approach_1"
    lights = shown(predictor, lane, {Turn.STRAIGHT: (Light.RED, 30.0), Turn.RIGHT: (Light.GREEN, 30.0)})
    lights.for_s[lights.light == Light.RED] = red_for_s
    assert runs_red(predictor, car(predictor, lane, 0.75 * speed, speed), lights) == expected


@pytest.mark.parametrize(("acceleration", "expected"), [(0.0, False), (2.5, True)])
def test_who_accelerates_towards_a_red_light_cannot_stop_as_soon(
    predictor: Predictor, acceleration: float, expected: bool
) -> None:
    # 9 m/s: 7.4 m of braking and 1.8 m of reaction, with 2.5 m/s^2 8.2 and 1.9 m
    lane = "k1_N_approach_3"
    users = car(predictor, lane, 9.6, 9.0, acceleration)
    assert runs_red(predictor, users, shown(predictor, lane, {Turn.STRAIGHT: (Light.RED, 30.0)})) == expected


def test_a_green_that_should_have_ended_is_followed_by_yellow_yet(predictor: Predictor) -> None:
    # the next signal state is late: nobody who is about to pass runs red
    lane = "k1_N_approach_3"
    lights = shown(predictor, lane, {Turn.STRAIGHT: (Light.GREEN, 0.0)})
    assert not runs_red(predictor, car(predictor, lane, 10.0, 11.9), lights)


@pytest.mark.parametrize(("told_s", "expected"), [(2, 7.0), (None, np.nan)])
def test_how_long_a_red_has_been_shown_is_read_where_it_is_told(
    predictor: Predictor, told_s: int | None, expected: float
) -> None:
    configuration = load(DISTRICT.parent / "k1.signal.json")
    group = configuration.groups[0]
    red = SignalGroupState(group=group.name, colour=SignalColour.SIGNAL_COLOUR_RED)
    if told_s is not None:
        red.started_at_ns = told_s * 1_000_000_000
    state = SignalState(intersection="k1", groups=[red])
    lights = LightTable(predictor.model, [configuration]).of_states({"k1": state}, 9_000_000_000)
    row = predictor.model.connection_of_link["k1", group.links[0]]
    assert lights.for_s[row] == pytest.approx(expected, nan_ok=True)


def test_of_a_recording_it_is_known_from_the_first_change_on(predictor: Predictor, tmp_path: Path) -> None:
    links = 1 + max(link for name, link in predictor.model.connection_of_link if name == "k1")
    file = tmp_path / "tls_states.csv"
    states = (("0.0", "r" * links), ("10.0", "G" * links), ("12.0", "r" * links), ("14.0", "r" * (links - 1) + "G"))
    file.write_text("t,tls,state\n" + "".join(f"{t},k1,{state}\n" for t, state in states))
    lights, first = RecordedLights(predictor.model, file), predictor.model.connection_of_link["k1", 0]
    assert np.isnan(lights.at(5.0).for_s[first]).all()
    assert lights.at(15.0).for_s[first] == pytest.approx(3.0)
    assert lights.at(15.0).for_s[predictor.model.connection_of_link["k1", links - 1]] == pytest.approx(1.0)
