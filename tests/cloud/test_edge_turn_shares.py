"""Where those on a lane go next is learned from who is seen to."""

import json
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.turn_shares import HALF_LIFE, LEAST_SHARE, PRIOR_WEIGHT, TurnShares, fork_shares
from lukou_cloud.edge.ways import Ways
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def fork(model: RoadModel) -> tuple[int, int, int]:
    """A lane of a road, and its two least and most usual connections."""
    lanes = model.connections.from_lane
    lane = next(k for k in np.flatnonzero(np.bincount(lanes) > 1).tolist() if model.lanes.kind[k] == LaneKind.ROAD)
    rows = np.flatnonzero(lanes == lane)
    rows = rows[np.argsort(fork_shares(model)[rows])]
    return lane, int(rows[0]), int(rows[-1])


def drive(shares: TurnShares, model: RoadModel, number: int, connection: int) -> int | None:
    """From one lane over its connection, by the lane inside the junction, to the next."""
    connections = model.connections
    shares.see(number, int(connections.from_lane[connection]))
    if connections.via_lane[connection] >= 0:
        assert shares.see(number, int(connections.via_lane[connection])) is None
    return shares.see(number, int(connections.to_lane[connection]))


def test_shares_are_the_usual_ones_until_somebody_is_seen(model: RoadModel, fork: tuple[int, int, int]) -> None:
    lane, rare, _ = fork
    shares, usual = TurnShares(model), fork_shares(model)
    assert shares.share.tolist() == usual.tolist()
    assert drive(shares, model, 7, rare) == lane
    assert shares.share[rare] == pytest.approx((1.0 + PRIOR_WEIGHT * usual[rare]) / (1.0 + PRIOR_WEIGHT))
    rows = model.connections.from_lane == lane
    assert shares.share[rows].sum() == pytest.approx(1.0)
    assert (shares.share[~rows] == usual[~rows]).all()


def test_what_was_seen_long_ago_counts_less(model: RoadModel, fork: tuple[int, int, int]) -> None:
    _, rare, common = fork
    shares = TurnShares(model)
    for number in range(round(8 * HALF_LIFE)):
        drive(shares, model, number, rare)
    assert shares.share[rare] > 0.85  # the others keep a part
    for number in range(round(HALF_LIFE)):
        drive(shares, model, 10_000 + number, common)
    assert shares.share[rare] == pytest.approx(0.5, abs=0.02)


def test_no_turn_is_forgotten_and_nobody_counts_twice(model: RoadModel, fork: tuple[int, int, int]) -> None:
    lane, rare, common = fork
    shares, usual = TurnShares(model), fork_shares(model)
    for number in range(round(8 * HALF_LIFE)):
        drive(shares, model, number, common)
    rows = model.connections.from_lane == lane
    assert 0.9 * LEAST_SHARE / (1.0 + LEAST_SHARE) < shares.share[rare] < LEAST_SHARE < usual[rare]
    assert shares.share[rows].sum() == pytest.approx(1.0)
    assert shares.see(10_002, lane) is None
    assert shares.see(10_002, int(model.connections.to_lane[rare])) == lane
    once = shares.state()["seen"]
    for _ in range(5):  # its place flickers over the boundary
        assert shares.see(10_002, lane) is None
        assert shares.see(10_002, int(model.connections.to_lane[rare])) is None
    assert shares.state()["seen"] == once


def test_a_change_of_lanes_is_no_turn(model: RoadModel, fork: tuple[int, int, int]) -> None:
    lane, rare, _ = fork
    shares = TurnShares(model)
    beside = int(
        next(k for k in np.flatnonzero(model.lanes.kind == LaneKind.ROAD) if k not in model.connections.to_lane)
    )
    assert shares.see(1, lane) is None
    assert shares.see(1, beside) is None
    assert shares.see(1, int(model.connections.to_lane[rare])) is None
    shares.see(2, lane)
    shares.forget(set())  # out of sight: another one with the same number may come
    assert shares.see(2, int(model.connections.to_lane[rare])) is None
    assert shares.share.tolist() == fork_shares(model).tolist()


def test_ways_follow_and_go_on_after_a_restart(model: RoadModel, fork: tuple[int, int, int]) -> None:
    lane, rare, common = fork
    ways, again = Ways(model, 2.5), Ways(model, 2.5)
    ways.prepare(np.array([lane]))
    before = ways.usual.copy()
    for number in range(20):
        for one in (lane, int(model.connections.to_lane[rare])):
            ways.learn(number, one)
    taken = [set(ways.table.connections[path].tolist()) for path in range(len(ways.table))]
    for path, connections in enumerate(taken):
        assert (ways.usual[path] > before[path]) == (rare in connections)
        assert (ways.usual[path] < before[path]) == (common in connections)
    again.restore_shares(json.loads(json.dumps(ways.shares.state())))
    again.prepare(np.array([lane]))
    assert again.usual.tolist() == ways.usual.tolist()
