"""Unsure sight: as far off as was asked for, on lanes found anew, with as many phantoms."""

from pathlib import Path

import numpy as np
import pytest

from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_sim.bench.unsure import FIRST_FALSE, ID, LANE, SPEED, S, Sight, UnsureSight, X, Y

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def road() -> RoadModel:
    return load_map(DISTRICT)


def queue(road: RoadModel) -> np.ndarray:
    """Two hundred vehicles, in the middle of the lanes that lead to signals."""
    lanes = np.unique(road.connections.from_lane[road.connections.intersection >= 0])
    lane = np.resize(lanes, 200)
    s_m = 0.5 * road.lanes.length_m[lane]
    return np.column_stack([np.arange(200), np.ones(200), lane, s_m, np.full(200, 8.0), np.zeros((200, 2))])


def test_places_and_speeds_are_off_as_asked_and_most_lanes_are_found_again(road: RoadModel) -> None:
    table = queue(road)
    sight = UnsureSight(road, Sight(1.0, 1.0, 0.0), 200.0, seed=1)
    told = np.array([sight.told(table) for _ in range(20)])
    assert told.shape == (20, 200, 7)
    assert np.std(told[:, :, SPEED]) == pytest.approx(1.0, rel=0.1)
    same = told[:, :, LANE] == table[:, LANE]
    assert 0.7 < same.mean() < 0.995  # 1 m across lanes 3 m wide: some are on the one beside
    along = (told[:, :, S] - table[:, S])[same]
    assert np.std(along) == pytest.approx(1.0, rel=0.15)


def test_who_walks_is_off_too_and_stays_without_a_lane(road: RoadModel) -> None:
    walker = np.array([[7.0, 6.0, -1.0, 0.0, 1.2, 300.0, 600.0]])
    sight = UnsureSight(road, Sight(1.0, 0.0, 0.0), 200.0, seed=1)
    told = np.concatenate([sight.told(walker) for _ in range(300)])
    assert (told[:, LANE] == -1).all()
    assert (told[:, SPEED] == 1.2).all()
    assert np.std(told[:, X]) == pytest.approx(1.0, rel=0.15)
    assert np.mean(told[:, Y]) == pytest.approx(600.0, abs=0.3)


def test_phantoms_are_the_share_asked_for_and_last_for_seconds(road: RoadModel) -> None:
    table = queue(road)
    sight = UnsureSight(road, Sight(0.0, 0.0, 0.05), 200.0, seed=1)
    lists = [sight.told(table) for _ in range(60)]
    assert all((told[:200] == table).all() for told in lists)
    false = [told[told[:, ID] >= FIRST_FALSE] for told in lists]
    assert np.mean([len(one) / len(told) for one, told in zip(false, lists, strict=True)]) == pytest.approx(
        0.05, rel=0.1
    )
    identities = np.concatenate([one[:, ID] for one in false])
    lives = np.unique(identities, return_counts=True)[1]
    assert 2.0 < lives.mean() < 8.0
    assert all((one[:, S] <= road.lanes.length_m[one[:, LANE].astype(int)]).all() for one in false)


def test_equal_seeds_tell_equal_lists(road: RoadModel) -> None:
    first, second = (UnsureSight(road, Sight(1.0, 1.0, 0.1), 200.0, seed=3) for _ in range(2))
    for _ in range(5):
        assert np.array_equal(first.told(queue(road)), second.told(queue(road)))
