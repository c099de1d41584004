"""Two vehicles whose ways cross: what makes a collision likely, and what does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.crossing import EMERGENCY_FACTOR
from lukou_cloud.edge.dangers import CROSSING, LEFT_TURN, Dangers, dangers
from lukou_cloud.edge.hard_braking import LATELY_NS, Emergencies
from lukou_cloud.edge.lights import no_lights
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.settings import PredictionSettings, WarningSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RightOfWay

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(load_map(DISTRICT), PredictionSettings())


def crossing_lanes(predictor: Predictor) -> tuple[int, int, float, float]:
    """Two lanes inside a junction of which the first yields, and where on each they meet."""
    lanes, areas = predictor.model.lanes, predictor.model.conflict_areas
    for k in range(len(areas.lane_a)):
        a, b = int(areas.lane_a[k]), int(areas.lane_b[k])
        is_inside = lanes.kind[a] == LaneKind.JUNCTION and lanes.kind[b] == LaneKind.JUNCTION
        _, _, (ha, hb) = predictor.ways.catalogue.geometry.pose(
            np.array([a, b]), np.array([areas.a_from_m[k], areas.b_from_m[k]])
        )
        across = abs(np.sin(ha - hb)) > 0.9 and areas.a_from_m[k] > 12.0 and areas.b_from_m[k] > 12.0
        if is_inside and across and areas.right_of_way[k] == RightOfWay.A_YIELDS:
            return a, b, float(areas.a_from_m[k]), float(areas.b_from_m[k])
    raise AssertionError("the district has crossing ways")


def two_cars(predictor: Predictor, speeds: tuple[float, float]) -> RoadUsers:
    """Both ten metres before the place where their lanes meet."""
    a, b, at_a, at_b = crossing_lanes(predictor)
    x, y, heading = predictor.ways.catalogue.geometry.pose(np.array([a, b]), np.array([at_a - 10.0, at_b - 10.0]))
    two = np.ones(2)
    return RoadUsers(
        id=np.array([1, 2]),
        object_class=np.array([1, 1]),
        x_m=x,
        y_m=y,
        heading_rad=heading,
        speed_mps=np.array(speeds),
        acceleration_mps2=np.zeros(2),
        length_m=4.5 * two,
        width_m=1.8 * two,
        deviation_m=0.1 * two,
        speed_deviation_mps=0.1 * two,
        is_trusted=np.ones(2, np.bool_),
    )


def judged(predictor: Predictor, users: RoadUsers, braked: tuple[bool, bool]) -> Dangers:
    predictor.lanes.last_lane.clear()
    found, _, _ = dangers(users, no_lights(predictor.model), predictor, WarningSettings(), braked=np.array(braked))
    return found


def test_ways_that_cross_at_one_time_are_a_danger_and_more_so_after_an_emergency(predictor: Predictor) -> None:
    users = two_cars(predictor, (8.0, 8.0))
    calm, tense = judged(predictor, users, (False, False)), judged(predictor, users, (True, False))
    assert set(calm.kind.tolist()) <= {CROSSING, LEFT_TURN} and len(calm) == 1
    assert 0.03 < calm.probability[0] < 0.4
    odds = [one.probability[0] / (1.0 - one.probability[0]) for one in (calm, tense)]
    assert odds[1] / odds[0] == pytest.approx(EMERGENCY_FACTOR, rel=0.02)


def test_who_comes_later_is_no_danger(predictor: Predictor) -> None:
    assert not judged(predictor, two_cars(predictor, (14.0, 3.0)), (True, True)).is_onset.any()


def test_emergencies_are_remembered_for_a_while_and_not_those_of_walkers(predictor: Predictor) -> None:
    emergencies, users = Emergencies(), two_cars(predictor, (8.0, 8.0))
    users.acceleration_mps2[:] = (-8.0, -4.4)
    assert emergencies.step(0, users).tolist() == [True, False]
    users.acceleration_mps2[:] = 0.0
    assert emergencies.step(LATELY_NS, users).tolist() == [True, False]
    assert emergencies.step(LATELY_NS + 1, users).tolist() == [False, False]
    users.acceleration_mps2[:] = -8.0
    walkers = replace(users, object_class=np.full(2, 6))
    assert not emergencies.step(0, walkers).any()
