"""Identities over the gaps between views, on the project's own district."""

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from lukou_cloud.fusion import handover as handover_module
from lukou_cloud.fusion import overtaking
from lukou_cloud.fusion.association import Fusion
from lukou_cloud.fusion.gates import Gates, Way
from lukou_cloud.fusion.handover import HELD_BACK_S, LATER_S, REMEMBERED_S, Born, HandOver
from lukou_cloud.fusion.lost import CRUISING, leaving_mps, same_driver
from lukou_cloud.fusion.overtaking import in_order
from lukou_cloud.fusion.tracks import UnitTracks, unit_tracks
from lukou_cloud.fusion.trails import Trails
from lukou_maps.geometry import LaneGeometry
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_messages.objects import ObjectList

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
START_NS = 1_800_000_000_000_000_000
SPEED_MPS = 12.0


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def street(model: RoadModel) -> int:
    """The longest lane that cars may use."""
    lanes = model.lanes
    cars = (lanes.kind == LaneKind.ROAD) & ((lanes.participants & 2) > 0)
    return int(np.flatnonzero(cars)[np.argmax(lanes.length_m[cars])])


def vehicle(model: RoadModel, lane: int, s_m: float, *, length_m: float = 4.5, backward: bool = False) -> UnitTracks:
    x_m, y_m, yaw = LaneGeometry(model.lanes).pose(np.array([lane]), np.array([s_m]))
    yaw = yaw + np.pi * backward
    objects = ObjectList.of(
        1,
        lane_names=[model.lanes.names[lane]],
        id=np.array([1]),
        object_class=np.array([1]),
        x_m=x_m,
        y_m=y_m,
        velocity_x_mps=SPEED_MPS * np.cos(yaw),
        velocity_y_mps=SPEED_MPS * np.sin(yaw),
        length_m=np.array([length_m]),
        lane=np.array([0]),
        lane_s_m=np.array([s_m]),
    )
    return unit_tracks(objects, model.lanes.index)


def later(seconds: float) -> int:
    return START_NS + round(seconds * 1e9)


def way_s(model: RoadModel, lane: int, metres: float) -> float:
    """Time of a way on one lane for vehicles that keep `SPEED_MPS`."""
    limit = float(model.lanes.speed_limit_mps[lane])
    return metres / limit / min(max(SPEED_MPS / limit, 0.6), 1.2)


def appears(handover: HandOver, at_ns: int, tracks: UnitTracks, alive: Collection[int] = (), own: int = 100) -> int:
    """Who it is that appears; 0 for a stranger."""
    return handover.recognise(at_ns, {own: Born(at_ns, tracks, 0)}, set(alive), {own: SPEED_MPS}).get(own, 0)


def test_who_comes_after_the_time_of_the_way_is_recognised_once(model: RoadModel, street: int) -> None:
    handover = HandOver(model)
    handover.lose(7, START_NS, vehicle(model, street, 20.0), 0, SPEED_MPS)
    at = later(way_s(model, street, 80.0))
    assert appears(handover, at, vehicle(model, street, 100.0)) == 7
    assert appears(handover, at, vehicle(model, street, 100.0), {7}, own=101) == 0


@pytest.mark.parametrize("factor", [0.4, 6.0])
def test_who_comes_too_early_or_much_too_late_is_a_stranger(model: RoadModel, street: int, factor: float) -> None:
    handover = HandOver(model)
    handover.lose(7, START_NS, vehicle(model, street, 20.0), 0, SPEED_MPS)
    at = later(factor * way_s(model, street, 120.0))
    assert appears(handover, at, vehicle(model, street, 140.0)) == 0


def test_of_two_the_one_whose_time_fits_is_taken(model: RoadModel, street: int) -> None:
    handover = HandOver(model)
    for number, lost_s in ((7, 0.0), (8, 4.0)):
        handover.lose(number, later(lost_s), vehicle(model, street, 20.0), 0, SPEED_MPS)
    first = later(way_s(model, street, 80.0))
    assert appears(handover, first, vehicle(model, street, 100.0)) == 7
    assert appears(handover, first + 4 * 10**9, vehicle(model, street, 100.0), {7}, own=101) == 8


def platoon(model: RoadModel, street: int, behind_s: float) -> tuple[HandOver, int, dict[int, int]]:
    """Two that follow each other by 1.5 s and are both late; the second appears some time after the first."""
    handover = HandOver(model)
    for number, lost_s in ((7, 0.0), (8, 1.5)):
        handover.lose(number, later(lost_s), vehicle(model, street, 20.0), 0, SPEED_MPS)
    at = later(way_s(model, street, 80.0) + 0.95)
    first = appears(handover, at, vehicle(model, street, 100.0))
    at += round(behind_s * 1e9)
    second, speeds = {101: Born(at, vehicle(model, street, 100.0), 0)}, {101: SPEED_MPS, first: SPEED_MPS}
    return handover, first, handover.recognise(at, second, {first}, speeds)


def test_a_late_platoon_keeps_its_order_because_its_vehicles_are_told_apart_together(
    model: RoadModel, street: int
) -> None:
    _, first, changed = platoon(model, street, 1.5)
    assert first == 8  # alone, the first is taken for the one behind it
    assert changed == {8: 7, 101: 8}


def test_an_identity_is_not_changed_after_it_was_held_back(model: RoadModel, street: int) -> None:
    handover, _, changed = platoon(model, street, HELD_BACK_S + 0.1)
    assert 8 not in changed
    assert 8 not in handover.lost


@pytest.mark.parametrize(("later_standing", "changes"), [(0.0, True), (50.0, False)])
def test_who_has_been_there_for_a_while_is_renamed_only_where_it_explains_much_more(
    model: RoadModel, street: int, monkeypatch: pytest.MonkeyPatch, later_standing: float, changes: bool
) -> None:
    monkeypatch.setattr(handover_module, "LATER_STANDING", later_standing)
    _, first, changed = platoon(model, street, LATER_S + 0.1)
    assert first == 8
    assert (8 in changed) == changes


def test_who_brakes_behind_the_gap_is_known_by_the_speed_with_which_he_came(model: RoadModel, street: int) -> None:
    handover, at = HandOver(model), later(way_s(model, street, 80.0))
    handover.lose(7, START_NS, vehicle(model, street, 20.0), 0, SPEED_MPS)
    assert appears(handover, at, vehicle(model, street, 100.0)) == 7
    pace = handover.births[100].found.pace
    for behind_s, speed_mps in ((0.8, 0.9 * SPEED_MPS), (2.0, 0.1 * SPEED_MPS)):
        handover.recognise(at + round(behind_s * 1e9), {}, {7}, {7: speed_mps})
    assert handover.births[100].found.pace == pytest.approx(0.9 * pace)


def test_who_was_picking_up_speed_goes_on_to_do_so_and_chance_or_braking_change_little() -> None:
    assert leaving_mps(9.0, 11.5) > 11.5
    assert leaving_mps(13.0, 13.4) == pytest.approx(13.0, abs=0.15)
    assert leaving_mps(13.0, 11.0) == 13.0


def test_who_is_recognised_at_the_last_moment_keeps_his_identity(
    model: RoadModel, street: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    handover, on_the_way_s = HandOver(model), way_s(model, street, 80.0)
    monkeypatch.setattr(handover_module, "REMEMBERED_S", on_the_way_s + 0.5)
    handover.lose(7, START_NS, vehicle(model, street, 20.0), 0, SPEED_MPS)
    assert appears(handover, later(on_the_way_s), vehicle(model, street, 100.0)) == 7
    stranger = {101: Born(later(on_the_way_s + 1.0), vehicle(model, street, 20.0), 0)}
    assert handover.recognise(later(on_the_way_s + 1.0), stranger, {7}, {7: SPEED_MPS, 101: SPEED_MPS}) == {}


def test_where_vehicles_go_and_how_long_they_take_is_learned() -> None:
    gates, straight, aside = Gates(), Way(1, 2, 10, 20), Way(1, 3, 10, 20)
    usual, late_s = (10.0, 0.0), 10.5
    before = gates.share(straight, 10.0, 0.0) - gates.share(aside, 10.0, 1.0)
    punctual = gates.time(aside, late_s, usual, 0.15)
    for _ in range(40):
        gates.took(aside, late_s, usual)
    assert before > 0.0 > gates.share(straight, 10.0, 0.0) - gates.share(aside, 10.0, 1.0)
    assert gates.time(aside, late_s, usual, 0.15) > punctual + 1.0
    for _ in range(1000):
        gates.took(straight, 10.0, usual)
    assert gates.share(aside, 10.0, 1.0) < gates.share(straight, 10.0, 0.0) <= 0.0
    after = Gates()
    after.restore(json.loads(json.dumps(gates.state())))
    assert after == gates


def test_times_are_learned_for_roads_so_that_rare_lanes_know_them_too_and_only_from_who_is_sure() -> None:
    gates, usual = Gates(), (10.0, 0.0)
    for _ in range(40):
        gates.took(Way(1, 2, 10, 20), 10.4, usual)
        gates.took(Way(1, 2, 10, 20), 9.4, usual, is_sure=False)
    late_s, deviation_s = gates.late(Way(5, 6, 10, 20), 10.4, usual)
    other_s, other_deviation_s = gates.late(Way(5, 6, 10, 21), 10.4, usual)
    assert abs(late_s) < 0.1 < 0.35 < other_s
    assert deviation_s < 0.5 * other_deviation_s


def test_the_time_of_who_drives_otherwise_here_than_there_is_less_certain() -> None:
    gates, way = Gates(), Way(1, 2, 10, 20)
    steady, braking = (gates.late(way, 10.0, (10.0, apart_s))[1] for apart_s in (0.0, 2.0))
    assert braking == pytest.approx(steady + 0.33 * 2.0)


def test_who_should_have_come_long_ago_counts_as_missing() -> None:
    gates, way, usual = Gates(), Way(1, 2, 10, 20), (10.0, 0.0)
    assert gates.overdue(way, 12.0, usual, 0.15) == 0.0  # nobody is known to come this way
    for _ in range(100):
        gates.took(way, 10.0, usual)
    due, overdue = gates.overdue(way, 10.0, usual, 0.15), gates.overdue(way, 12.0, usual, 0.15)
    assert gates.overdue(way, 8.0, usual, 0.15) < 0.01 < due < overdue - 0.5


def test_of_two_in_each_others_wake_the_one_of_the_same_pace_is_taken(model: RoadModel, street: int) -> None:
    handover = HandOver(model)
    for number, lost_s, speed_mps in ((7, 0.0, 0.85 * SPEED_MPS), (8, 0.9, SPEED_MPS)):
        handover.lose(number, later(lost_s), vehicle(model, street, 20.0), 0, speed_mps)
    at, limit = later(way_s(model, street, 80.0) + 0.45), float(model.lanes.speed_limit_mps[street])
    assert 0.85 * SPEED_MPS / limit > CRUISING
    assert appears(handover, at, vehicle(model, street, 100.0)) == 8


def test_paces_that_agree_speak_for_one_driver_and_those_that_differ_against() -> None:
    assert same_driver(0.0) > 0.5 > 0.0 > max(same_driver(0.1), same_driver(0.3))


def test_a_mean_speed_is_nearer_to_the_truth_than_those_that_are_told(model: RoadModel, street: int) -> None:
    rng, trails, before, off = np.random.default_rng(3), None, None, []
    for step in range(60):
        tracks = vehicle(model, street, 20.0 + 0.1 * SPEED_MPS * step + rng.normal(0.0, 0.3))
        tracks.vx_mps[:] *= 1.0 + rng.normal(0.0, 0.05)
        trails = Trails.begun(tracks) if trails is None else trails.followed(before.id, tracks, 0.1)
        before = tracks
        off += [trails.speed_at(0, tracks) - SPEED_MPS] * (step >= 10)
    assert np.sqrt(np.mean(np.square(off))) < 0.03 * SPEED_MPS


def test_who_is_seen_elsewhere_turned_round_or_long_gone_is_not_taken(model: RoadModel, street: int) -> None:
    at = later(way_s(model, street, 80.0))
    for alive, lost, when in (
        ({7}, vehicle(model, street, 20.0), at),
        (set(), vehicle(model, street, 20.0, backward=True), at),
        (set(), vehicle(model, street, 20.0), later(REMEMBERED_S + 1.0)),
    ):
        handover = HandOver(model)
        handover.lose(7, START_NS, lost, 0, SPEED_MPS)
        assert appears(handover, when, vehicle(model, street, 100.0), alive) == 0


def test_a_bus_is_not_taken_for_a_car_that_fits_better(model: RoadModel, street: int) -> None:
    handover = HandOver(model)
    handover.lose(7, START_NS, vehicle(model, street, 20.0, length_m=12.0), 0, SPEED_MPS)
    handover.lose(8, START_NS, vehicle(model, street, 20.0, length_m=4.4), 0, SPEED_MPS)
    at = later(way_s(model, street, 80.0))
    assert appears(handover, at, vehicle(model, street, 100.0)) == 8


def test_a_snapshot_keeps_who_was_lost(model: RoadModel, street: int) -> None:
    before, after = HandOver(model), HandOver(model)
    before.lose(7, START_NS, vehicle(model, street, 20.0), 0, SPEED_MPS)
    before.watch(vehicle(model, street, 20.0))
    assert appears(before, later(way_s(model, street, 80.0)), vehicle(model, street, 100.0)) == 7
    after.restore(json.loads(json.dumps(before.state())))
    assert after.lost == before.lost
    assert after.births == before.births
    assert after.state() == before.state()


def test_two_who_left_one_behind_the_other_arrive_so_though_exchanged_they_would_fit_a_little_better() -> None:
    gain = np.array([[2.4, 2.6, 0.0, 0.0], [2.9, 2.5, 0.0, 0.0]])  # exchanged 5.5, in order 4.9
    left, second = [(0, 3), (1, 3)], 10**9
    assert in_order(gain, [1, 0], left, [(9, 7), (10, 7)]) == [0, 1]
    assert in_order(gain, [1, 0], left, [(9, 7), (10, 8)]) == [0, 1]
    assert in_order(gain, [1, 0], [(0, 3), (1, 4)], [(9, 7), (10, 8)]) == [1, 0]
    assert in_order(gain, [1, 0], [(1, 3), (0, 3)], [(second, 7), (2 * second, 7)]) == [1, 0]


def test_overtaking_that_explains_much_more_is_believed_and_a_stranger_overtakes_nobody() -> None:
    gain = np.array([[1.0, 5.0, 0.0, 0.0], [5.0, 1.0, 0.0, 0.0]])
    assert in_order(gain, [1, 0], [(0, 3), (1, 3)], [(9, 7), (10, 7)]) == [1, 0]
    assert in_order(np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]]), [1, 2], [(0, 3), (1, 3)], [(9, 7), (10, 7)]) == [1, 2]


def test_many_who_come_back_at_once_are_put_in_order_with_few_looks_at_all_exchanges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A unit that was silent brings its hundred vehicles in one list; trying every exchange took ten seconds, and the edge never caught up."""
    rng, count = np.random.default_rng(1), 120
    left, arrived = (
        [(int(at), int(rng.integers(0, 8))) for at in np.sort(rng.integers(0, 500, count))] for _ in range(2)
    )
    apart = np.abs(np.array([at for at, _ in arrived])[:, None] - np.array([at for at, _ in left]))
    likely = np.maximum(4.0 - 0.3 * apart + rng.normal(size=(count, count)), 0.0)
    gain = np.hstack([likely, np.zeros((count, count))])
    chosen = linear_sum_assignment(gain, maximize=True)[1].tolist()
    looks, better = [], overtaking._better
    monkeypatch.setattr(overtaking, "_better", lambda *given: looks.append(given) or better(*given))
    columns = in_order(gain, chosen, left, arrived)
    assert 1 < len(looks) <= 2 * count  # each judges all exchanges by a few products of matrices
    assert len(set(columns)) == count
    assert columns != chosen


@pytest.mark.parametrize("next_list", [False, True])
def test_who_appears_in_an_urgent_list_is_recognised_when_there_is_time(
    model: RoadModel, street: int, next_list: bool
) -> None:
    fusion, nobody = Fusion(9.0, 5.0, 1.0, HandOver(model)), vehicle(model, street, 20.0).take(np.zeros(0, np.int64))
    fusion.take({"west": (START_NS, vehicle(model, street, 20.0))})
    (known,) = fusion.units["west"].fused.tolist()
    fusion.take({"west": (later(0.1), nobody)})
    at = later(way_s(model, street, 80.0))
    fusion.take({"east": (at, vehicle(model, street, 100.0))}, is_urgent=True)
    assert fusion.units["east"].fused.tolist() != [known]
    again = Fusion(9.0, 5.0, 1.0, HandOver(model))  # a restart in between changes nothing
    again.restore(json.loads(json.dumps(fusion.state())), {"west": nobody, "east": vehicle(model, street, 100.0)})
    for one in (fusion, again):
        if next_list:  # the unit's next list comes first
            one.take({"east": (at + 100_000_000, vehicle(model, street, 101.2))}, is_urgent=True)
        else:
            assert one.recognise()
        assert one.units["east"].fused.tolist() == [known]
        assert not one.recognise()
