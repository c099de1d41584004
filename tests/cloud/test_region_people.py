"""Region: who walks over a refuge is expected at the crosswalk behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.approaches import compile_approaches
from lukou_cloud.region.lineup import OVERDUE_S, Seen, _overdue
from lukou_cloud.region.people import STEPS_OFF_S, Crosswalks
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.situation import Situation
from lukou_cloud.region.timing import Timing
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import load
from lukou_messages.columns import NOT_ONE
from lukou_messages.objects import ObjectList

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
HALVES = np.array([[[0.0, 0.0], [0.0, 9.0]], [[0.0, 12.0], [0.0, 24.0]], [[20.0, 0.0], [29.0, 0.0]]])
"""Two halves of a crossing, 3 m apart, and a crosswalk round the corner."""


def walker(x_m: float, y_m: float, vx_mps: float, vy_mps: float) -> ObjectList:
    return ObjectList.of(
        1, lane_names=[], id=[1], object_class=[6], x_m=[x_m], y_m=[y_m], velocity_x_mps=[vx_mps], velocity_y_mps=[vy_mps],
        lane=[NOT_ONE], lane_s_m=[0.0],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("place", "speed", "expected"),
    [
        ((0.5, 3.0), (0.0, 1.5), [(1, 6.0)]),  # on the first half
        ((0.5, 10.5), (0.0, 1.5), [(1, 1.0)]),  # on the refuge
        ((0.5, 21.0), (0.0, -1.2), [(0, 10.0)]),  # the other way
        ((0.5, 3.0), (0.0, -1.5), []),  # nearly across
        ((0.5, 15.0), (0.0, 1.5), []),  # on the second half already
        ((6.0, 3.0), (0.0, 1.5), []),  # beside
        ((25.0, 0.0), (-1.5, 0.0), []),  # behind it there is no other in line
    ],
)
def test_who_walks_over_a_refuge_is_expected_behind_it(
    place: tuple[float, float], speed: tuple[float, float], expected: list[tuple[int, float]]
) -> None:
    found = Crosswalks(HALVES, 4).coming(walker(*place, *speed), np.array([True]))
    assert found == tuple((crossing, pytest.approx(s + STEPS_OFF_S)) for crossing, s in expected)


def test_a_walk_is_not_ended_before_those_on_the_first_half_who_can_still_reach_the_second() -> None:
    road, configuration = load_map(DISTRICT / "district.net.xml"), load(DISTRICT / "k1.signal.json")
    approaches = compile_approaches(road, configuration)
    timing = Timing(road, configuration, approaches, TimingSettings())
    lanes = len(approaches.lanes)
    red = next(k for k in range(lanes) if approaches.serves[1, k] and not approaches.serves[0, k])
    walks = int(np.flatnonzero(approaches.serves[0, lanes:])[0])
    none = np.zeros(approaches.serves.shape[1])
    waiting = tuple(Seen(red, (red,), 7.0 * k, 0.0, 0.0, 30.0, 0) for k in range(3))
    nobody = Situation(
        none, none, none + 0.5, none, none[lanes:], 0, 0, waiting, none, view_m=np.full(lanes, 300.0)
    )  # fmt: skip

    def stage(coming: tuple[tuple[int, float], ...]) -> int:
        return timing.decide(0, 20.0, replace(nobody, coming=coming), frozenset({1})).stage

    assert stage(()) == 1
    assert stage(((walks, 4.0),) * 3) == 0
    assert stage(((walks, 60.0),) * 3) == 1


def test_who_is_seen_on_the_way_over_a_refuge_is_one_of_those_who_usually_come() -> None:
    road, configuration = load_map(DISTRICT / "district.net.xml"), load(DISTRICT / "k1.signal.json")
    lineup = Timing(road, configuration, compile_approaches(road, configuration), TimingSettings()).lineup
    usual, fewer = (lineup._walkers(0.2, 0, 1.0, told) for told in (0, 3))
    assert fewer[0][0] == pytest.approx(usual[0][0] + 15.0), "three at 0.2 a second are those of fifteen seconds"
    assert sum(one[3] for one in usual) - sum(one[3] for one in fewer) == pytest.approx(3.0)


def test_who_waits_on_foot_is_overdue_from_the_same_wait_on_whether_here_or_yet_to_come() -> None:
    found = _overdue([(30.0, 2.0), (-70.0, 1.0)], 200)  # two come in 30 s; one has waited for 70 s
    assert np.flatnonzero(np.diff(found)).tolist() == [OVERDUE_S - 71, OVERDUE_S + 29]
    assert found[0] == 0.0 and found[int(OVERDUE_S) - 70] == 1.0 and found[-1] == 3.0


def test_a_crowd_that_has_waited_too_long_ends_a_green_that_it_would_let_go_on_when_it_has_just_come() -> None:
    road, configuration = load_map(DISTRICT / "district.net.xml"), load(DISTRICT / "k1.signal.json")
    approaches = compile_approaches(road, configuration)
    timing = Timing(road, configuration, approaches, TimingSettings())
    lanes = len(approaches.lanes)
    walks = approaches.serves[:, lanes:]
    kerb = int(np.flatnonzero(walks[2] & ~walks[0])[0])
    green = int(np.flatnonzero(approaches.serves[0, :lanes])[0])
    none = np.zeros(approaches.serves.shape[1])
    coming = tuple(Seen(green, (green,), 80.0 + 20.0 * k, 13.0, 6.0 + 2.0 * k, 0.0, 0) for k in range(6))
    crowd = np.where(np.arange(walks.shape[1]) == kerb, 20.0, 0.0)
    waits = Situation(
        none, none, none + 0.5, none, crowd, 0, 20, coming, none, view_m=np.full(lanes, 300.0)
    )  # fmt: skip

    def stage(wait_s: float) -> int:
        people = tuple((kerb, wait_s, 1.0) for _ in range(20))
        return timing.decide(0, 30.0, replace(waits, on_foot=people), frozenset({1})).stage

    assert stage(0.0) == 0
    assert stage(80.0) == 1
