"""Who walks beside a crosswalk or against red is warned of where everybody else keeps the rules."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.judge import Judge
from lukou_cloud.edge.lights import Light, Lights, LightTable, first_walk, no_lights
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.recorded import RecordedLights
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.settings import ExperienceSettings, PredictionSettings, RuleSettings, WarningSettings
from lukou_cloud.edge.walking import NEARBY_M, WalkingRules
from lukou_cloud.edge.warm import two_roads
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import load
from lukou_messages.v1.signal_pb2 import SignalColour, SignalGroupState, SignalState
from lukou_messages.v1.warning_pb2 import WarningKind
from tests.cloud.test_edge_core import CAR
from tests.cloud.test_edge_services import PEDESTRIAN, users_of

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
LANE = "k1_N_approach_3"
STEP_NS = 100_000_000
LEFT_S = 1.5
"""Nearer to the meeting anybody is warned of."""
Place = tuple[float, float, float]


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def predictor(model: RoadModel) -> Predictor:
    return Predictor(model, PredictionSettings())


def crosswalk_over(model: RoadModel, lane: str) -> int:
    row, table = model.lanes.names.index(lane), model.crosswalks
    return next(k for k in range(len(table)) if row in table.crossed_lanes[k].tolist())


def on_crosswalk(model: RoadModel, crosswalk: int, way_m: float) -> Place:
    """x, y and heading of one who has walked so far over it."""
    points = model.lanes.points(int(model.crosswalks.lane[crosswalk]))
    x, y = model.lanes.x_m[points], model.lanes.y_m[points]
    heading = float(np.arctan2(y[-1] - y[0], x[-1] - x[0]))
    return float(x[0]) + way_m * np.cos(heading), float(y[0]) + way_m * np.sin(heading), heading


def beside_lane(predictor: Predictor, before_m: float, aside_m: float = 0.0) -> Place:
    """x, y and heading of one who walks across a lane from its left, so far before its end and left of its middle."""
    lanes = predictor.model.lanes
    row = lanes.names.index(LANE)
    x, y, heading = predictor.ways.catalogue.geometry.pose(
        np.array([row]), np.array([float(lanes.length_m[row]) - before_m])
    )
    way = float(heading[0])
    return float(x[0]) - aside_m * np.sin(way), float(y[0]) + aside_m * np.cos(way), way - 0.5 * np.pi


def walker(place: Place, speed: float = 1.4, kind: int = PEDESTRIAN, turned: float = 0.0) -> RoadUsers:
    return users_of([(7, kind, place[0], place[1], place[2] + turned, speed)])


def shown(model: RoadModel, light: Light, for_s: float) -> Lights:
    """All crosswalks alike."""
    lights = no_lights(model)
    lights.light[first_walk(model) :], lights.for_s[first_walk(model) :] = int(light), for_s
    return lights


@pytest.mark.parametrize(
    ("way_m", "light", "for_s", "speed", "expected"),
    [
        (4.0, Light.RED, 20.0, 1.4, True),
        (0.3, Light.RED, 20.0, 1.4, True),
        (-0.3, Light.RED, 20.0, 1.4, False),  # may still stop, and mostly does
        (4.0, Light.RED, 4.5, 1.4, False),  # began to walk with green: four metres at 0.8 m/s, and one second
        (4.0, Light.RED, np.nan, 1.4, False),
        (4.0, Light.RED, 20.0, 0.2, False),
        (4.0, Light.GREEN, 20.0, 1.4, False),
        (4.0, Light.UNKNOWN, 20.0, 1.4, False),
    ],
)
def test_who_stepped_onto_a_crosswalk_with_red_breaks_the_rules(
    predictor: Predictor, way_m: float, light: Light, for_s: float, speed: float, expected: bool
) -> None:
    model = predictor.model
    place = on_crosswalk(model, crosswalk_over(model, LANE), way_m)
    lights = shown(model, light, for_s)
    assert WalkingRules(predictor).are_broken_by(walker(place, speed), 0, lights) == expected


@pytest.mark.parametrize(
    ("before_m", "turned", "kind", "expected"),
    [
        (20.0, 0.0, PEDESTRIAN, True),
        (20.0, 0.5 * np.pi, PEDESTRIAN, False),  # along the road
        (20.0, 0.0, CAR, False),
        (1.0, 0.0, PEDESTRIAN, False),  # a step beside the crosswalk
        (NEARBY_M + 30.0, 0.0, PEDESTRIAN, False),
    ],
)
def test_who_crosses_beside_a_crosswalk_that_is_near_breaks_them(
    predictor: Predictor, before_m: float, turned: float, kind: int, expected: bool
) -> None:
    users = walker(beside_lane(predictor, before_m), kind=kind, turned=turned)
    assert WalkingRules(predictor).are_broken_by(users, 0, no_lights(predictor.model)) == expected


def test_where_the_map_has_no_crosswalks_nobody_breaks_them() -> None:
    predictor = Predictor(two_roads(), PredictionSettings())
    assert not WalkingRules(predictor).are_broken_by(walker((-20.0, 0.0, 1.57)), 0, no_lights(predictor.model))


@pytest.mark.parametrize(("before_m", "expected"), [(25.0, True), (None, False)])
def test_in_a_calm_place_a_jaywalker_is_warned_of_and_who_crosses_with_green_is_not(
    model: RoadModel, predictor: Predictor, before_m: float | None, expected: bool
) -> None:
    judge = Judge(model, PredictionSettings(), WarningSettings(), ExperienceSettings(), RuleSettings())
    judge.encounters.counts = {False: [0.0, 200.0], True: [0.0, 200.0]}
    assert judge.encounters.required().vulnerable == pytest.approx(0.95)
    crosswalk = crosswalk_over(model, LANE)
    lights, told, likely = shown(model, Light.GREEN, 20.0), set(), 0.0
    if before_m is None:
        start = on_crosswalk(model, crosswalk, 0.0)
        meet_x, meet_y, _ = beside_lane(predictor, 0.0)
        way_m = abs((meet_x - start[0]) * np.cos(start[2]) + (meet_y - start[1]) * np.sin(start[2]))
        far_m = -3.0
    else:
        start, way_m, far_m = beside_lane(predictor, before_m, 6.0), 6.0, before_m
    for k in range(int((way_m / 1.5 - LEFT_S) * 10.0)):
        in_s = way_m / 1.5 - 0.1 * k  # until both meet
        gone = 1.5 * 0.1 * k
        person = (start[0] + gone * np.cos(start[2]), start[1] + gone * np.sin(start[2]), start[2])
        x, y, heading = beside_lane(predictor, far_m + 2.5 + 12.0 * in_s)
        rows = [(1, CAR, x, y, heading + 0.5 * np.pi, 12.0), (7, PEDESTRIAN, *person, 1.5)]
        found = judge.step(k * STEP_NS, k * STEP_NS, users_of(rows), lights)
        likely = max([likely, *found.dangers.probability.tolist()])
        told |= {episode.kind for episode, _ in found.changes.raised}
    assert (int(WarningKind.WARNING_KIND_VULNERABLE) in told) == expected
    assert 0.45 < likely < 0.95


def test_what_crosswalks_show_is_read_live_and_of_recordings(predictor: Predictor, tmp_path: Path) -> None:
    model, configuration = predictor.model, load(DISTRICT.parent / "k1.signal.json")
    crosswalk = crosswalk_over(model, LANE)
    line, link = first_walk(model) + crosswalk, int(model.crosswalks.link_index[crosswalk])
    group = next(one for one in configuration.groups if link in one.links)
    state = SignalGroupState(group=group.name, colour=SignalColour.SIGNAL_COLOUR_RED, started_at_ns=2_000_000_000)
    live = LightTable(model, [configuration]).of_states({"k1": SignalState(groups=[state])}, 9_000_000_000)
    assert (live.light[line], live.for_s[line]) == (Light.RED, 7.0)
    file = tmp_path / "tls_states.csv"
    letters = ["G" * (link + 1), "G" * link + "r"]
    file.write_text(f"t,tls,state\n0.0,k1,{letters[0]}\n10.0,k1,{letters[1]}\n")
    recorded = RecordedLights(model, file)
    assert recorded.at(5.0).light[line] == Light.GREEN
    assert (recorded.at(12.0).light[line], recorded.at(12.0).for_s[line]) == (Light.RED, pytest.approx(2.0))
