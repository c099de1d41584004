"""Lanes are looked up a few times a second, and everybody is carried along them in between."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.lane_choice import KEPT_NS, Choice, LaneChoice
from lukou_cloud.edge.lane_loops import of_turns
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.settings import PredictionSettings
from lukou_cloud.edge.turn_shares import TURN_SHARE, fork_shares
from lukou_cloud.edge.ways import Ways
from lukou_maps.reading import load_map
from lukou_maps.road_model import Turn

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
STEP_NS = 100_000_000


@pytest.fixture
def choice() -> LaneChoice:
    return LaneChoice(Ways(load_map(DISTRICT), 2.5), PredictionSettings())


def column(choice: LaneChoice, way_m: float, count: int = 3) -> RoadUsers:
    """Cars one behind another on an approach, the last one first, `way_m` after the begin."""
    model = choice.ways.model
    lane = np.full(count, model.lanes.index["k1_N_approach_3"])
    x_m, y_m, heading = choice.ways.catalogue.geometry.pose(lane, 10.0 + way_m + 15.0 * np.arange(count))
    whole, known = np.ones(count), np.full(count, 0.1)
    return RoadUsers(
        np.arange(1, count + 1), np.ones(count, np.int64), x_m, y_m, heading, 8.0 * whole, 0.0 * whole, 4.5 * whole,
        1.8 * whole, known, known, np.ones(count, np.bool_),
    )  # fmt: skip


def step(choice: LaneChoice, users: RoadUsers, now_ns: int | None) -> Choice:
    return choice.step(users, np.cos(users.heading_rad), np.sin(users.heading_rad), now_ns)


def test_between_looks_everybody_is_where_a_look_would_find_them(choice: LaneChoice) -> None:
    step(choice, column(choice, 0.0), STEP_NS)
    carried = step(choice, column(choice, 0.8), 2 * STEP_NS)
    assert carried.looked_ns == STEP_NS
    looked = step(choice, column(choice, 0.8), None)
    assert carried.path.tolist() == looked.path.tolist()
    assert carried.leader.tolist() == looked.leader.tolist()
    assert carried.s_m == pytest.approx(looked.s_m, abs=0.02)
    assert carried.gap_m == pytest.approx(looked.gap_m, abs=0.02)
    assert np.isfinite(carried.gap_m).any()


def test_who_falls_back_comes_nearer_to_the_follower(choice: LaneChoice) -> None:
    first = step(choice, column(choice, 0.0), STEP_NS)
    slower = column(choice, 0.8)
    place = column(choice, 0.0)
    slower = replace(slower, x_m=np.append(slower.x_m[:2], place.x_m[2]), y_m=np.append(slower.y_m[:2], place.y_m[2]))
    carried = step(choice, slower, 2 * STEP_NS)
    behind = carried.user == 1
    assert carried.gap_m[behind] == pytest.approx(first.gap_m[behind] - 0.8, abs=0.02)


@pytest.mark.parametrize("later_ns", [KEPT_NS, -STEP_NS])
def test_lanes_are_looked_up_again_after_a_while_or_when_time_jumps(choice: LaneChoice, later_ns: int) -> None:
    step(choice, column(choice, 0.0), 10 * STEP_NS)
    assert step(choice, column(choice, 0.8), 10 * STEP_NS + later_ns).looked_ns == 10 * STEP_NS + later_ns


def test_a_new_road_user_is_looked_up_at_once(choice: LaneChoice) -> None:
    step(choice, column(choice, 0.0), STEP_NS)
    assert step(choice, column(choice, 0.8, count=4), 2 * STEP_NS).looked_ns == 2 * STEP_NS


def test_order_and_who_leaves_do_not_matter(choice: LaneChoice) -> None:
    step(choice, column(choice, 0.0), STEP_NS)
    rows = np.array([2, 0])  # the one in the middle is gone
    carried = step(choice, column(choice, 0.8).take(rows), 2 * STEP_NS)
    assert carried.looked_ns == STEP_NS
    assert sorted(carried.user.tolist()) == carried.user.tolist()
    looked = step(choice, column(choice, 0.8).take(rows), None)
    assert carried.id.tolist() == [3, 1]
    assert carried.path.tolist() == looked.path.tolist()
    assert carried.s_m == pytest.approx(looked.s_m, abs=0.02)
    assert np.isinf(carried.gap_m).all()  # until the next look nobody is known to be ahead
    assert (carried.leader == -1).all()


def test_a_state_continues_where_paths_have_other_numbers(choice: LaneChoice) -> None:
    step(choice, column(choice, 0.0), STEP_NS)
    state = json.loads(json.dumps(choice.state()))
    again = LaneChoice(Ways(choice.ways.model, 2.5), PredictionSettings())
    again.ways.prepare(np.arange(20))  # asked in another order
    again.restore(state)
    one, other = (step(each, column(each, 0.8), 2 * STEP_NS) for each in (choice, again))
    assert other.looked_ns == STEP_NS
    routes = [
        [each.ways.table.lanes[path].tolist() for path in told.path] for each, told in ((choice, one), (again, other))
    ]
    assert routes[0] == routes[1]
    assert one.s_m.tolist() == other.s_m.tolist()


def test_a_way_is_not_more_probable_because_it_forks_later(choice: LaneChoice) -> None:
    model = choice.ways.model
    shares, connections = fork_shares(model), model.connections
    total = np.bincount(connections.from_lane, weights=shares)
    assert total[np.unique(connections.from_lane)] == pytest.approx(1.0)  # what forks once more adds nothing
    forks = np.flatnonzero(np.bincount(connections.from_lane) > 1)
    a, b = np.flatnonzero(connections.from_lane == forks[0])[:2].tolist()
    expected = TURN_SHARE[Turn(connections.turn[a])] / TURN_SHARE[Turn(connections.turn[b])]
    assert shares[a] / shares[b] == pytest.approx(expected)


def test_what_is_left_out_of_a_forking_way_goes_to_the_rest_of_it(choice: LaneChoice) -> None:
    lanes = np.arange(len(choice.ways.model.lanes))
    choice.ways.prepare(lanes)
    row, path = choice.ways.catalogue.of_lanes(lanes)
    one, other = path[row == np.bincount(row).argmax()][:2].tolist()  # of one lane, by different lanes after it
    least = choice.settings.least_probability
    rows, paths = choice.ways.rows, np.array([one, one, one, other])  # three parts of a way that forks later
    several = of_turns(paths, least * np.array([0.9, 0.8, 0.7, 5.0]), rows, least)
    assert several == pytest.approx(least * np.array([2.4, 0.0, 0.0, 5.0]))  # too small by themselves, not together
    mixed = of_turns(paths, least * np.array([4.0, 0.5, 2.0, 0.5]), rows, least)
    assert mixed == pytest.approx(least * np.array([6.5 * 4.0 / 6.0, 0.0, 6.5 * 2.0 / 6.0, 0.5]))
    assert len(of_turns(paths[:0], np.zeros(0), rows, least)) == 0
