"""Several edges and one region: every road user once, under one identity, on the project's own district."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.region.approaches import compile_approaches
from lukou_cloud.region.core import RegionCore
from lukou_cloud.region.edges import Edges, Everybody
from lukou_cloud.region.settings import RegionSettings
from lukou_cloud.region.view import View
from lukou_maps.geometry import LaneGeometry
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind
from lukou_maps.signal_configuration import load
from lukou_messages.objects import ObjectList
from lukou_messages.process import DEGRADED, INVALID, VALID, Input
from lukou_messages.v1.objects_pb2 import PerceivedArea
from lukou_messages.v1.traffic_pb2 import ViewLevel
from tests.cloud.test_edge_core import turn

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
ROAD = load_map(DISTRICT / "district.net.xml")
T, TENTH = 1_790_000_000 * 10**9, 100_000_000
NORTH, SOUTH = "north/edge", "south/edge"
SPEED_MPS = 12.0
AREA = PerceivedArea(x_m=[-900, 900, 900, -900], y_m=[-900, -900, 900, 900])

Place = tuple[int, float, float, float, float]
"""Identity, x, y, velocity x, y."""


def edges(**settings: Any) -> Edges:
    return Edges(RegionSettings(map="-", configurations=(), edges=(NORTH, SOUTH), **settings), ROAD)


def listed(places: Sequence[Place], variance: float = 0.05, areas: Sequence[PerceivedArea] = (AREA,)) -> ObjectList:
    ids, x_m, y_m, vx, vy = np.array(places, float).reshape(-1, 5).T
    much, none = np.full(len(ids), variance), np.zeros(len(ids))
    return ObjectList.of(
        len(ids), perceived_areas=list(areas), id=ids.astype(np.int64), object_class=np.ones(len(ids), np.int64), x_m=x_m, y_m=y_m,
        velocity_x_mps=vx, velocity_y_mps=vy, existence_probability=np.full(len(ids), 0.9), unmeasured_s=none,
        position_variance_xx_m2=much, position_variance_xy_m2=none, position_variance_yy_m2=much,
    )  # fmt: skip


def told(source: str, at_ns: int, objects: ObjectList, epoch: int = 1, validity: int = VALID) -> Input:
    return Input("fused_objects", source, epoch, at_ns // TENTH, at_ns, objects, validity)


def step(region: Edges, at_ns: int, *inputs: Input) -> Everybody:
    region.take(at_ns, inputs)
    found = region.everybody(at_ns)
    assert found is not None
    return found


def by_place(found: Everybody) -> dict[tuple[int, int], int]:
    """Identities by whole metres."""
    columns = (np.round(found.objects.x_m), np.round(found.objects.y_m), found.objects.id)
    return {(int(x), int(y)): int(number) for x, y, number in zip(*columns, strict=True)}


def row(first: int, x_m: Sequence[float], y_m: float = 0.0, vx: float = 0.0) -> list[Place]:
    return [(first + k, x, y_m, vx, 0.0) for k, x in enumerate(x_m)]


def test_a_region_with_one_edge_takes_its_list_as_it_is() -> None:
    region = Edges(RegionSettings(map="-", configurations=()), ROAD)
    objects = listed(row(7, [0, 10]))
    assert step(region, T, told(NORTH, T, objects)).objects is objects
    assert region.told(T) is None and not region.faults()


def test_where_two_edges_look_everybody_is_listed_once_and_keeps_his_identity() -> None:
    region, shared, rng = edges(), np.arange(5) * 12.0, np.random.default_rng(4)
    names = []
    for k in range(30):
        at, moved = T + k * 2 * TENTH, 12.0 * 0.2 * k
        there = [
            listed([(one, x + rng.normal(0, 0.2), rng.normal(0, 0.2), 12.0, 0.0) for one, x, *_ in users])
            for users in (row(10, [*(shared + moved), 200 + moved]), row(1, [*(shared + moved), -200 + moved]))
        ]
        found = step(region, at, told(NORTH, at, there[0]), told(SOUTH, at, there[1]))
        order = np.argsort(found.objects.x_m)
        names.append(found.objects.id[order].tolist())
        assert found.objects.contributing_sensors[order].tolist() == [2, 3, 3, 3, 3, 3, 1]
    assert len({tuple(one) for one in names}) == 1


@pytest.mark.parametrize("common", [1.0, 0.5, 0.0])
def test_covariances_are_honest_whatever_part_of_the_evidence_both_edges_hold(common: float) -> None:
    """Normalised error squared: 2 where both hold the same; taken for independent, the same evidence would give 4."""
    rng, variance, errors2, best = np.random.default_rng(11), 0.05, [], []
    for run in range(8):
        region, at = edges(), T + run * 10**10
        x_m, y_m = (grid.ravel() for grid in np.meshgrid(np.arange(12) * 25.0, np.arange(12) * 25.0))
        same, *own = (rng.normal(0.0, np.sqrt(variance), (2, len(x_m))) for _ in range(3))
        errors = [np.sqrt(common) * same + np.sqrt(1.0 - common) * one for one in own]
        lists = [
            listed(
                [(k + 1, x, y, 0.0, 0.0) for k, (x, y) in enumerate(zip(x_m + e[0], y_m + e[1], strict=True))], variance
            )
            for e in errors
        ]
        found = step(region, at, told(NORTH, at, lists[0]), told(SOUTH, at, lists[1])).objects
        assert len(found) == len(x_m)
        off = np.array([found.x_m - 25.0 * np.round(found.x_m / 25.0), found.y_m - 25.0 * np.round(found.y_m / 25.0)])
        errors2 += ((off**2).sum(axis=0) / found.position_variance_xx_m2).tolist()
        best.append(float(found.position_variance_xx_m2.min()))
        assert found.existence_probability.max() <= 0.9 + 1e-6  # who is told twice is not surer to exist
    assert np.mean(errors2) == pytest.approx(1.0 + common, abs=0.15)
    assert min(best) >= variance * 0.999


def test_two_who_drive_side_by_side_are_never_exchanged() -> None:
    region, rng = edges(), np.random.default_rng(5)
    names = set()
    for k in range(60):
        at, x = T + k * 2 * TENTH, 10.0 * 0.2 * k
        lists = [
            listed([(one, x + rng.normal(0, 0.4), y + rng.normal(0, 0.4), 10.0, 0.0) for one, y in users])
            for users in (((3, 0.0), (4, 3.0)), ((8, 3.0), (9, 0.0)))
        ]
        found = step(region, at, told(NORTH, at, lists[0]), told(SOUTH, at, lists[1])).objects
        assert len(found) == 2
        names.add(tuple(found.id[np.argsort(found.y_m)].tolist()))
    assert len(names) == 1


def test_two_who_turn_out_to_be_one_become_one_though_other_edges_report_in_between() -> None:
    region, counts = edges(), []
    for k in range(10):
        at = T + k * 2 * TENTH
        apart = max(8.0 - 4.0 * k, 0.0)
        lists = (told(NORTH, at, listed(row(1, [0.0]))), told(SOUTH, at, listed(row(1, [apart]))))
        counts.append(len(step(region, at, *lists, told("west/edge", at, listed(row(1, [700.0])))).objects))
    assert (counts[0], counts[-1]) == (3, 2)


def on_street(number: int, s_m: float) -> ObjectList:
    """A vehicle on the longest lane that cars may use."""
    lanes = ROAD.lanes
    cars = (lanes.kind == LaneKind.ROAD) & ((lanes.participants & 2) > 0)
    lane = int(np.flatnonzero(cars)[np.argmax(lanes.length_m[cars])])
    x_m, y_m, yaw = LaneGeometry(lanes).pose(np.array([lane]), np.array([s_m]))
    return ObjectList.of(
        1, perceived_areas=[AREA], lane_names=[lanes.names[lane]], id=[number], object_class=[1], x_m=x_m, y_m=y_m, velocity_x_mps=SPEED_MPS * np.cos(yaw),
        velocity_y_mps=SPEED_MPS * np.sin(yaw), length_m=[4.5], lane=[0], lane_s_m=[s_m],
    )  # fmt: skip


@pytest.mark.parametrize(("late", "is_same"), [(1.0, True), (0.4, False)])
def test_who_leaves_one_edge_is_known_in_the_next_after_the_time_of_the_way(late: float, is_same: bool) -> None:
    region, nobody = edges(), listed([])
    first = [
        step(
            region,
            T + k * TENTH,
            told(NORTH, T + k * TENTH, on_street(5, 20.0 + 1.2 * k)),
            told(SOUTH, T + k * TENTH, nobody),
        )
        for k in range(10)
    ][-1]
    left_ns = T + 9 * TENTH
    way_ns = round(late * 80.0 / SPEED_MPS * 10) * TENTH
    for k in range(2, way_ns // TENTH, 2):
        at = left_ns + k * TENTH
        assert len(step(region, at, told(NORTH, at, nobody), told(SOUTH, at, nobody)).objects) == 0
    at = left_ns + way_ns
    found = step(region, at, told(NORTH, at, nobody), told(SOUTH, at, on_street(77, 20.0 + 1.2 * 9 + 80.0)))
    assert (found.objects.id[0] == first.objects.id[0]) == is_same


def test_who_is_told_only_between_two_steps_is_not_missed() -> None:
    """Both lists that came between two steps count: who left in the second of them left then, and the first says where he was."""
    region, at = edges(), T + TENTH
    region.take(at, [told(NORTH, T, listed(row(5, [0.0]))), told(NORTH, at, listed([])), told(SOUTH, at, listed([]))])
    at += 2 * TENTH
    found = step(region, at, told(NORTH, at, listed(row(9, [0.5]))), told(SOUTH, at, listed([])))
    assert found.objects.id.tolist() == [1]


def test_an_edge_is_believed_who_goes_on_in_its_own_list() -> None:
    """Its own identities over its own gaps, as it finds them out: at once, or after it had taken him for a stranger."""
    region = edges()
    before = by_place(step(region, T, told(NORTH, T, listed(row(5, [0.0], vx=10.0))), told(SOUTH, T, listed([]))))
    for k in range(1, 40):
        at = T + k * 5 * TENTH
        step(region, at, told(NORTH, at, listed([])), told(SOUTH, at, listed([])))
    at = T + 20 * 10**9
    stranger = by_place(
        step(region, at, told(NORTH, at, listed(row(9, [300.0], vx=10.0))), told(SOUTH, at, listed([])))
    )
    assert stranger[300, 0] != before[0, 0]
    at += 2 * TENTH
    again = by_place(step(region, at, told(NORTH, at, listed(row(5, [302.0], vx=10.0))), told(SOUTH, at, listed([]))))
    assert again[302, 0] == before[0, 0]


def silence(region: Edges, at: int, *, areas: Sequence[PerceivedArea] = (AREA,)) -> tuple[Everybody, list[Any]]:
    """The south falls silent; the list and the changes 2 s later."""
    both = [
        told(NORTH, at, listed(row(1, [0, 20]), areas=areas)),
        told(SOUTH, at, listed(row(1, [20, 40]), areas=areas)),
    ]
    assert len(step(region, at, *both).objects) == 3
    changes = []
    for k in range(1, 11):
        now = at + k * 2 * TENTH
        changes += region.take(now, [told(NORTH, now, listed(row(1, [0, 20]), areas=areas))])
    found = region.everybody(now)
    assert found is not None
    return found, changes


def test_an_edge_that_falls_silent_leaves_with_its_road_users_and_what_it_watched() -> None:
    region = edges()
    found, changes = silence(region, T)
    assert sorted(by_place(found)) == [(0, 0), (20, 0)]
    assert len(found.objects.perceived_areas) == 1
    assert (found.validity, found.reason) == (DEGRADED, f"{SOUTH} silent")
    assert [(edge, is_back) for edge, is_back, _ in changes] == [(SOUTH, False)]
    assert region.faults() == [f"{SOUTH} is silent: its road users are not known"]


def test_blindness_of_a_silent_edge_is_not_taken_for_empty_streets_where_nobody_tells_areas() -> None:
    region, k1 = edges(), load(DISTRICT / "k1.signal.json")
    found, _ = silence(region, T, areas=())
    view = View(ROAD, compile_approaches(ROAD, k1), 300.0)
    assert view.level(view.seen_m(found.objects.perceived_areas)) == ViewLevel.VIEW_LEVEL_BLIND
    assert any("no perceived areas" in fault for fault in region.faults())


@pytest.mark.parametrize(("epoch", "first"), [(1, 1), (2, 1), (2, 101)])
def test_an_edge_that_comes_back_doubles_nobody(epoch: int, first: int) -> None:
    """After 2 s: with the identities that it had, or begun anew with others, which may be the same numbers for others."""
    region = edges()
    before = by_place(
        step(region, T, told(NORTH, T, listed(row(1, [0, 20]))), told(SOUTH, T, listed(row(1, [20, 40]))))
    )
    silence(region, T + 2 * TENTH)
    at = T + 24 * TENTH
    south = row(first, [40, 20]) if epoch == 2 else row(first, [20, 40])
    inputs = [told(NORTH, at, listed(row(1, [0, 20]))), told(SOUTH, at, listed(south), epoch)]
    after = by_place(step(region, at, *inputs))
    assert len(after) == 3 and after[0, 0] == before[0, 0] and after[20, 0] == before[20, 0]
    assert after[40, 0] == before[40, 0] or epoch == 2  # nobody but the edge that was away knows who stands there
    changes = []
    for k in range(1, 20):
        now = at + k * 2 * TENTH
        changes += region.take(now, [told(NORTH, now, listed(row(1, [0, 20]))), told(SOUTH, now, listed(south), epoch)])
    assert [(edge, is_back) for edge, is_back, _ in changes] == [(SOUTH, True)]
    assert not region.faults()


def test_an_edge_that_says_that_it_sees_nothing_is_not_heard() -> None:
    region = edges()
    step(region, T, told(NORTH, T, listed(row(1, [0]))), told(SOUTH, T, listed(row(1, [40]))))
    at = T + 2 * TENTH
    found = step(region, at, told(NORTH, at, listed(row(1, [0]))), told(SOUTH, at, listed([]), validity=INVALID))
    assert list(by_place(found)) == [(0, 0)] and found.validity == DEGRADED
    region.take(at + TENTH, [told(NORTH, at + TENTH, listed([]), validity=INVALID)])
    nobody = region.told(at + TENTH)
    assert region.everybody(at + TENTH) is None
    assert nobody is not None and nobody.validity == INVALID and len(nobody.value.perceived_areas) == 1


def test_an_expected_edge_that_never_comes_is_missed_but_not_at_once() -> None:
    region, said = edges(), []
    for k in range(20):
        at = T + k * 5 * TENTH
        said += [(round((at - T) * 1e-9, 1), *one) for one in region.take(at, [told(NORTH, at, listed(row(1, [0])))])]
        found = region.everybody(at)
        assert found is not None and found.reason == f"{SOUTH} silent"
    assert [one[:3] for one in said] == [(6.5, SOUTH, False)]


def test_an_edge_that_was_renamed_is_forgotten_but_not_one_that_is_expected() -> None:
    region, said = edges(), []
    old, new = "old/edge", "new/edge"
    for k in range(0, 700, 10):
        at = T + k * 10**9
        lists = [told(NORTH, at, listed(row(1, [0]))), told(new if k else old, at, listed(row(1, [40])))]
        said += [(k, *one) for one in region.take(at, lists)]
    forgotten = [(k, edge, words) for k, edge, _, words in said if "not among the expected" in words]
    assert [one[:2] for one in forgotten] == [(610, old)] and "told nothing for 600 s" in forgotten[0][2]
    found = region.everybody(at)
    assert found is not None and found.reason == f"{SOUTH} silent"  # is expected, and stays missed
    assert [old in word for word in region.faults()] == [False] and old not in json.dumps(region.state())


def test_lists_from_the_future_and_late_ones_are_counted_and_not_used() -> None:
    region = edges()
    step(region, T, told(NORTH, T, listed(row(1, [0]))), told(SOUTH, T, listed(row(1, [40]))))
    late = told(NORTH, T - 5 * TENTH, listed(row(1, [-5])))
    early = told(SOUTH, T + 5 * TENTH, listed(row(1, [45])))
    assert sorted(by_place(step(region, T + TENTH, late, early))) == [(0, 0), (40, 0)]
    step(region, T + 2 * TENTH, told(NORTH, T, listed(row(1, [0]))))  # nothing new
    assert region.figures() == {"lists_ahead": 1.0, "lists_outdated": 1.0}


@pytest.mark.parametrize("first", [31, 0xFFFFFFFE])
def test_a_second_edge_that_turns_up_renames_nobody(first: int) -> None:
    region = Edges(RegionSettings(map="-", configurations=()), ROAD)
    before = by_place(step(region, T, told(NORTH, T, listed(row(first, [0, 20])))))
    at = T + 2 * TENTH
    after = by_place(
        step(region, at, told(NORTH, at, listed(row(first, [0, 20]))), told(SOUTH, at, listed(row(first, [20, 40]))))
    )
    assert before.items() <= after.items() and len(set(after.values())) == 3


def test_a_snapshot_continues_with_the_same_identities() -> None:
    first, second = edges(), edges()
    step(first, T, told(NORTH, T, on_street(5, 20.0)), told(SOUTH, T, listed(row(1, [20, 40]))))
    at = T + 2 * TENTH
    step(first, at, told(NORTH, at, listed([])), told(SOUTH, at, listed(row(1, [20]))))
    second.restore(json.loads(json.dumps(first.state())))
    assert second.state() == first.state()
    at = T + 4 * TENTH
    for region in (first, second):
        step(region, at, told(NORTH, at, on_street(9, 25.0)), told(SOUTH, at, listed(row(1, [20, 40]))))
    assert second.state() == first.state()


def test_a_snapshot_of_one_edge_leaves_nothing_of_what_was_before() -> None:
    alone = Edges(RegionSettings(map="-", configurations=()), ROAD)
    step(alone, T, told(NORTH, T, listed(row(7, [0, 10]))))
    state = json.loads(json.dumps(alone.state()))
    used = Edges(RegionSettings(map="-", configurations=()), ROAD)
    step(used, T, told(NORTH, T, listed(row(1, [50]))), told(SOUTH, T, listed(row(1, [90]))))
    used.restore(state)
    assert used.state() == state and used.told(T) is None
    grown = edges()  # a second edge is expected since
    grown.restore(state)
    found = grown.everybody(T)
    assert found is not None and by_place(found) == {(0, 0): 7, (10, 0): 8}
    assert (found.validity, found.reason) == (DEGRADED, f"{SOUTH} silent")


def test_a_region_of_one_edge_takes_no_list_from_the_future_and_no_late_one() -> None:
    region, there = Edges(RegionSettings(map="-", configurations=()), ROAD), {(0, 0): 1}
    assert by_place(step(region, T, told(NORTH, T, listed(row(1, [0]))))) == there
    assert by_place(step(region, T + TENTH, told(NORTH, T + 5 * TENTH, listed(row(1, [45]))))) == there
    assert by_place(step(region, T + 2 * TENTH, told(NORTH, T - TENTH, listed(row(1, [-5]))))) == there
    assert region.figures() == {"lists_ahead": 1.0, "lists_outdated": 1.0}


def test_nobody_new_gets_the_identity_of_one_who_is_there_or_may_come_back() -> None:
    region = Edges(RegionSettings(map="-", configurations=()), ROAD)
    step(region, T, told(NORTH, T, listed([*row(1, [0, 20]), *row(0xF0000000, [40])])))  # it numbers at random
    at = T + 2 * TENTH
    north = listed([*row(1, [0]), *row(0xF0000000, [40])])  # the second is lost
    found = by_place(step(region, at, told(NORTH, at, north), told(SOUTH, at, listed(row(1, [300, 320])))))
    assert found == {(0, 0): 1, (40, 0): 0xF0000000, (300, 0): 3, (320, 0): 4}


def test_the_region_counts_nobody_twice_in_its_queues_and_tells_one_list() -> None:
    k1 = load(DISTRICT / "k1.signal.json")
    core = RegionCore(RegionSettings(map="-", configurations=("-",), edges=(NORTH, SOUTH)), ROAD, [k1])
    approaches = compile_approaches(ROAD, k1)
    lane = approaches.names.index("k1_N_approach_2")
    number, length_m = approaches.lanes[lane], float(approaches.length_m[lane])
    s_m = length_m - np.array([2.0, 10.0, 18.0])
    x_m, y_m, _ = LaneGeometry(ROAD.lanes).pose(np.full(3, number), s_m)

    def queue(first: int) -> ObjectList:
        return ObjectList.of(
            3, lane_names=["k1_N_approach_2"], perceived_areas=[AREA], id=np.arange(first, first + 3), object_class=[1, 1, 1], x_m=x_m, y_m=y_m,
            velocity_x_mps=np.zeros(3), velocity_y_mps=np.zeros(3), lane=[0, 0, 0], lane_s_m=s_m,
        )  # fmt: skip

    outputs = core.step(T, [told(NORTH, T, queue(1)), told(SOUTH, T, queue(51))])
    traffic = next(one.value for one in outputs if one.topic == "traffic")
    assert (traffic.lanes[lane].vehicles, traffic.lanes[lane].queue) == (3, 3)
    (fused,) = [one for one in outputs if one.topic == "fused_objects"]
    assert len(fused.value) == 3 and fused.value.sensor_names == (NORTH, SOUTH)
    outputs = core.step(T + 2 * 10**9, [told(NORTH, T + 2 * 10**9, queue(1))])
    assert "region.edge_silent" in [one.value.kind for one in outputs if one.topic == "event"]


def test_a_region_with_more_road_users_than_a_list_tells_goes_on_and_says_so() -> None:
    region, x_m = edges(), np.arange(800) * 10.0 - 4000.0
    north, south = listed(row(1, list(x_m), -50.0)), listed(row(1, list(x_m), 50.0))
    found = step(region, T, told(NORTH, T, north), told(SOUTH, T, south))
    assert len(found.objects) == 1024
    assert (found.validity, found.reason) == (DEGRADED, "1024 of 1600 road users told")
    near = found.around(0.0, 50.0)
    away = np.hypot(near.x_m, near.y_m - 50.0)
    assert len(near) == 1024 and away.max() < 2700.0
    assert {(x, y) for x in range(-2000, 2001, 10) for y in (-50, 50)} <= set(zip(near.x_m, near.y_m, strict=True))


def test_values_at_the_bounds_of_what_is_believed_stop_nothing() -> None:
    region = edges()
    far = listed([(1, 59_999.0, -59_999.0, 100.0, -100.0)], variance=1e8)
    step(region, T, told(NORTH, T, far), told(SOUTH, T, listed([])))
    at = T + 8 * TENTH
    found = step(region, at, told(SOUTH, at, listed(row(1, [0.0]))))
    assert (found.objects.x_m.max(), found.objects.y_m.min()) == (60_000.0, -60_000.0)


def shaped(x_m: float, y_m: float, variances: tuple[float, float, float]) -> ObjectList:
    """One road user with variances xx, xy, yy of his place and of his velocity."""
    xx, xy, yy = ([one] for one in variances)
    return ObjectList.of(
        1, perceived_areas=[AREA], id=[1], object_class=[1], x_m=[x_m], y_m=[y_m], velocity_x_mps=[0], velocity_y_mps=[0],
        position_variance_xx_m2=xx, position_variance_xy_m2=xy, position_variance_yy_m2=yy,
        velocity_variance_xx_m2ps2=xx, velocity_variance_xy_m2ps2=xy, velocity_variance_yy_m2ps2=yy,
    )  # fmt: skip


def test_whoever_is_joined_stands_between_his_two_places_whatever_variances_are_told() -> None:
    """Covariances of one shape: what they weigh is a number, so that the joined place lies on the line between both."""
    rng, joined = np.random.default_rng(6), 0
    for k in range(150):
        xx, yy = 10.0 ** rng.uniform(-4.0, 8.0, 2)
        xy = rng.choice([-1.0, 1.0]) * min(np.sqrt(xx * yy) * rng.uniform(0.0, 2.0), 1e8)  # half of them are none
        places = np.array([[100.0, 200.0]] * 2) + rng.uniform(-2.0, 2.0, (2, 2))
        lists = [shaped(x, y, (xx, xy, yy)) for x, y in places]
        found = step(edges(), T + k, told(NORTH, T + k, lists[0]), told(SOUTH, T + k, lists[1])).objects
        if len(found) == 1:
            joined += 1
            at, slack = np.array([found.x_m[0], found.y_m[0]]), 1e-4
            assert (places.min(axis=0) - slack <= at).all() and (at <= places.max(axis=0) + slack).all()
        told_xy, told_xx, told_yy = (
            getattr(found, f"position_variance_{of}_m2").astype(float) for of in ("xy", "xx", "yy")
        )
        assert (told_xy**2 < told_xx * told_yy).all()
    assert 50 < joined < 150


def test_a_covariance_that_is_none_joins_nobody() -> None:
    wrong = (0.05, 0.5, 0.05)
    found = step(edges(), T, told(NORTH, T, shaped(0.0, 0.0, wrong)), told(SOUTH, T, shaped(2.4, 2.4, wrong)))
    assert sorted(by_place(found)) == [(0, 0), (2, 2)]


def test_no_legal_value_stops_region_or_edge() -> None:
    """Every column at both of its bounds, from a unit that is a little late, so that its tracks are carried on."""
    region, edge, at = edges(), EdgeCore(EdgeSettings(map="-", configurations=()), ROAD, []), T
    usual = {one.name: 0.0 if one.is_float else 1 for one in ObjectList.KINDS}
    for kind in ObjectList.KINDS:
        for bound in (1 if kind.name == "id" else kind.low, kind.high):
            odd = ObjectList.of(1, **{name: [value] for name, value in {**usual, kind.name: bound}.items()})
            at += 2 * TENTH
            lists = told(NORTH, at - TENTH, odd), told(SOUTH, at, listed([(1, 500.0, 500.0, 0.0, 0.0)]))
            inputs = [Input("objects", one.source, 1, 1, one.measured_at_ns, one.value, VALID) for one in lists]
            (fused,) = [one.value for one in turn(edge, at, inputs) if one.topic == "fused_objects"]
            assert len(step(region, at, *lists).objects) == len(fused) == 2, (kind.name, bound)


def test_all_who_come_back_at_once_hold_nothing_up() -> None:
    region, rng = edges(), np.random.default_rng(2)
    x_m, y_m = rng.uniform(-500, 500, (2, 300))
    south = [(k + 1, x, y, 10.0, 0.0) for k, (x, y) in enumerate(zip(x_m, y_m, strict=True))]
    step(region, T, told(NORTH, T, listed([])), told(SOUTH, T, listed(south)))
    at = T + 15 * TENTH
    step(region, at, told(NORTH, at, listed([])), told(SOUTH, at, listed([]), validity=INVALID))
    again = [(k + 1001, x + 17.0, y, 10.0, 0.0) for k, x, y, *_ in south]
    at += 2 * TENTH
    began = time.process_time()
    found = step(region, at, told(NORTH, at, listed([])), told(SOUTH, at, listed(again), 2))
    assert time.process_time() - began < 0.5
    assert len(found.objects) == 300
    assert np.isin(found.objects.id, np.arange(1, 301)).mean() > 0.95
