"""Room behind an intersection: where a queue comes back, and when it does not matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.approaches import compile_approaches
from lukou_cloud.region.movements import ways_of
from lukou_cloud.region.room import DRAIN_PER_S, ExitRoom
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import load

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
ROAD = load_map(DISTRICT / "district.net.xml")
K1 = load(DISTRICT / "k1.signal.json")
EXITS = ways_of(ROAD, K1, compile_approaches(ROAD, K1).lanes).exits


def test_a_free_exit_takes_everybody() -> None:
    room, drain = ExitRoom(ROAD, EXITS).left([(EXITS[0][0], 30.0, 9.0)])
    assert np.isinf(room).all() and not drain.any()


def test_one_free_lane_is_enough() -> None:
    leaves = next(k for k, lanes in enumerate(EXITS) if len(lanes) > 1)
    room, _ = ExitRoom(ROAD, EXITS).left([(EXITS[leaves][0], 10.0, 0.0)])
    assert np.isinf(room).all()


@pytest.mark.parametrize(("end_m", "moving", "expected"), [(36.0, 0, 4), (36.0, 1, 3), (8.0, 0, 0), (2.0, 3, 0)])
def test_room_ends_where_the_queue_ends(end_m: float, moving: int, expected: int) -> None:
    leaves = 1
    lanes = EXITS[leaves]
    vehicles = [(lane, end_m, 0.0) for lane in lanes] + [(lanes[0], 60.0, 0.0)]
    vehicles += [(lane, 1.0, 5.0) for lane in lanes for _ in range(moving)]
    room, drain = ExitRoom(ROAD, EXITS).left(vehicles)
    assert room[leaves] == expected * len(lanes) and drain[leaves] == pytest.approx(DRAIN_PER_S * len(lanes))
    assert np.isinf(np.delete(room, leaves)).all()


def test_a_queue_further_away_than_one_looks_is_no_matter() -> None:
    room, _ = ExitRoom(ROAD, EXITS).left([(lane, 200.0, 0.0) for lane in EXITS[0]])
    assert np.isinf(room).all()
