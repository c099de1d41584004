"""What is a danger of one instant and what is not: queues, doubled tracks, people who stand at the edge of the way."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.dangers import REAR_END, RED_LIGHT, VULNERABLE, dangers
from lukou_cloud.edge.episodes import Episodes
from lukou_cloud.edge.judge import _unsure_and_late
from lukou_cloud.edge.lights import no_lights
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import MOST_DOUBT_MPS, SPEED, SPEED_DEVIATION, RoadUsers, least_speed, speed_now
from lukou_cloud.edge.settings import PredictionSettings, WarningSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
CAR, BICYCLE, PEDESTRIAN = 1, 5, 6


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(load_map(DISTRICT), PredictionSettings())


class Lane:
    """Places along a straight lane of cars: s ahead, d to the left."""

    def __init__(self, predictor: Predictor) -> None:
        lanes = predictor.model.lanes
        fit = [k for k, name in enumerate(lanes.names) if name == "k1_N_approach_3"]
        assert lanes.kind[fit[0]] == LaneKind.ROAD
        self.x, self.y, self.heading = (
            float(value[0]) for value in predictor.ways.catalogue.geometry.pose(np.array(fit), np.array([30.0]))
        )

    def users(self, *rows: tuple[int, float, float, float, float]) -> RoadUsers:
        """Rows of class, s, d, speed, angle to the lane."""
        table = np.array(rows, np.float64)
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        kind, s, d, speed, angle = table.T
        count = len(table)
        return RoadUsers(
            id=np.arange(1, count + 1),
            object_class=kind.astype(np.int64),
            x_m=self.x + s * cos - d * sin,
            y_m=self.y + s * sin + d * cos,
            heading_rad=self.heading + angle,
            speed_mps=speed,
            acceleration_mps2=np.zeros(count),
            length_m=np.where(kind == CAR, 4.5, np.where(kind == BICYCLE, 1.8, 0.5)),
            width_m=np.where(kind == CAR, 1.8, np.where(kind == BICYCLE, 0.65, 0.5)),
            deviation_m=np.full(count, 0.2),
            speed_deviation_mps=np.full(count, 0.2),
            is_trusted=np.ones(count, np.bool_),
        )


def onsets(predictor: Predictor, users: RoadUsers) -> list[int]:
    predictor.lanes.last_lane.clear()
    found, _, _ = dangers(users, no_lights(predictor.model), predictor, WarningSettings())
    return [int(kind) for kind, begins in zip(found.kind, found.is_onset, strict=True) if begins]


@pytest.mark.parametrize(("gap", "speed", "expected"), [(0.6, 1.8, []), (9.0, 11.0, [REAR_END]), (0.0, 5.0, [])])
def test_creeping_up_and_doubled_tracks_are_no_rear_end_danger(
    predictor: Predictor, gap: float, speed: float, expected: list[int]
) -> None:
    lane = Lane(predictor)
    users = lane.users((CAR, 0.0, 0.0, speed, 0.0), (CAR, 4.5 + gap, 0.0, 0.0, 0.0))
    assert onsets(predictor, users) == expected


@pytest.mark.parametrize(("acceleration", "expected"), [(0.0, [REAR_END]), (-0.5, [REAR_END]), (-2.5, [])])
def test_the_braking_of_the_follower_counts(predictor: Predictor, acceleration: float, expected: list[int]) -> None:
    # 11.6 m/s and 19.5 m: 3.4 m/s² are needed now; 2.5 is less than four fifths of that, and yet enough for what is needed then
    users = Lane(predictor).users((CAR, 0.0, 0.0, 11.6, 0.0), (CAR, 24.0, 0.0, 0.0, 0.0))
    users.acceleration_mps2[:] = (acceleration, 0.0)
    assert onsets(predictor, users) == expected


@pytest.mark.parametrize(("acceleration", "expected"), [(1.9, [REAR_END]), (0.0, [])])
def test_who_still_picks_up_speed_towards_somebody_who_stands_is_warned(
    predictor: Predictor, acceleration: float, expected: list[int]
) -> None:
    users = Lane(predictor).users((CAR, 0.0, 0.0, 7.5, 0.0), (CAR, 19.0, 0.0, 0.0, 0.0))
    users.acceleration_mps2[:] = (acceleration, 0.0)
    users.speed_deviation_mps[:] = 0.1  # known exactly; who is tracked is warned a little later, see below
    assert onsets(predictor, users) == expected


@pytest.mark.parametrize(("gap", "deviation", "expected"), [(14.0, 0.1, 1), (14.0, 0.2, 0), (12.5, 0.2, 1)])
def test_of_the_reaction_time_something_is_over_when_somebody_tracked_is_seen_to_pick_up_speed(
    predictor: Predictor, gap: float, deviation: float, expected: int
) -> None:
    """The tracked acceleration is that of a quarter of a second ago; that of a recording is of now."""
    users = Lane(predictor).users((CAR, 0.0, 0.0, 7.5, 0.0), (CAR, 4.5 + gap, 0.0, 0.0, 0.0))
    users.acceleration_mps2[:] = (1.7, 0.0)
    users.speed_deviation_mps[:] = deviation
    assert len(onsets(predictor, users)) == expected


@pytest.mark.parametrize(("whose", "deviation", "expected"), [(0, 1.99, 1), (0, 2.01, 0), (1, 2.01, 0)])
def test_a_speed_that_is_hardly_known_begins_no_warning(
    predictor: Predictor, whose: int, deviation: float, expected: int
) -> None:
    users = Lane(predictor).users((CAR, 0.0, 0.0, 12.0, 0.0), (PEDESTRIAN, 20.0, -1.0, 1.3, np.pi / 2))
    users.speed_deviation_mps[whose] = deviation
    assert len(onsets(predictor, users)) == expected


@pytest.mark.parametrize(
    ("deviation", "acceleration", "expected"), [(0.1, 0.0, [REAR_END]), (0.9, 0.0, []), (0.9, 1.5, [REAR_END])]
)
def test_who_may_have_begun_to_brake_unseen_is_no_rear_end_danger_yet_but_who_picks_up_speed_is(
    predictor: Predictor, deviation: float, acceleration: float, expected: list[int]
) -> None:
    users = Lane(predictor).users((CAR, 0.0, 0.0, 11.0, 0.0), (CAR, 18.5, 0.0, 0.0, 0.0))
    users.speed_deviation_mps[:] = deviation
    users.acceleration_mps2[0] = acceleration
    assert onsets(predictor, users) == expected


def test_doubt_begins_no_rear_end_warning_and_ends_none(predictor: Predictor) -> None:
    # 1.6 m/s behind somebody who stands, known to 1.1 m/s: the least it may be is standing
    users = Lane(predictor).users((CAR, 0.0, 0.0, 1.6, 0.0), (CAR, 6.0, 0.0, 0.0, 0.0))
    users.speed_deviation_mps[:] = 1.1
    found, _, _ = dangers(users, no_lights(predictor.model), predictor, WarningSettings())
    assert (found.kind.tolist(), found.is_onset.tolist()) == ([REAR_END], [False])


def test_a_tracked_speed_is_brought_to_now_and_a_sure_one_is_not() -> None:
    braking, known = np.array([-4.0, -4.0, 2.0, -4.0]), np.array([0.2, 0.1, 0.2, 0.2])
    assert speed_now(np.array([6.0, 6.0, 6.0, 0.3]), braking, known).tolist() == [5.6, 6.0, 6.2, 0.0]


def test_no_speed_is_doubted_without_bound(predictor: Predictor) -> None:
    users = Lane(predictor).users((CAR, 0.0, 0.0, 11.0, 0.0), (CAR, 20.0, 0.0, 1.0, 0.0))
    users.speed_deviation_mps[:] = (9.0, 0.1)
    speed, doubt = users.columns[[SPEED, SPEED_DEVIATION]]
    assert [least_speed(speed[k], doubt[k], 5.0) for k in range(2)] == [11.0 - MOST_DOUBT_MPS, 1.0]


@pytest.mark.parametrize(("aside", "expected"), [(0.0, [VULNERABLE]), (0.8, []), (2.0, [])])
def test_drivers_pass_those_who_stand_at_the_edge(predictor: Predictor, aside: float, expected: list[int]) -> None:
    users = Lane(predictor).users((CAR, 0.0, 0.0, 10.0, 0.0), (PEDESTRIAN, 20.0, aside, 0.1, 1.5))
    assert onsets(predictor, users) == expected


@pytest.mark.parametrize(("pace", "expected"), [(0.0, []), (1.9, [VULNERABLE])])
def test_a_car_that_stands_is_no_danger_to_a_walker(predictor: Predictor, pace: float, expected: list[int]) -> None:
    speed = 10.0 if pace else 0.0
    walker = (PEDESTRIAN, 20.0 if pace else 3.0, -3.3 if pace else -1.6, pace or 1.9, np.pi / 2)
    assert onsets(predictor, Lane(predictor).users((CAR, 0.0, 0.0, speed, 0.0), walker)) == expected


def test_a_slow_car_that_seems_to_stand_across_its_lane_is_no_danger_to_those_beside(predictor: Predictor) -> None:
    users = Lane(predictor).users((CAR, 10.0, 0.0, 2.5, -1.4), (BICYCLE, 0.0, -4.0, 5.0, 0.0))
    assert onsets(predictor, users) == []


def test_a_warning_is_raised_only_while_its_danger_is_at_onset() -> None:
    episodes, key, step = Episodes(WarningSettings()), (1, 2, 3), 100_000_000
    for k, begins in enumerate((True, True, False)):
        assert not episodes.step(k * step, [(key, REAR_END, begins)]).raised
    assert len(episodes.step(3 * step, [(key, REAR_END, True)]).raised) == 1


def test_a_danger_that_the_next_measurements_may_undo_stands_a_step_longer_before_it_is_warned_of() -> None:
    episodes, sure, unsure, step = Episodes(WarningSettings()), (0, 2, 3), (0, 4, 5), 100_000_000
    seen = [(sure, VULNERABLE, True), (unsure, VULNERABLE, True)]
    raised = [[one.key for one, _ in episodes.step(k * step, seen, (), {unsure}).raised] for k in range(5)]
    assert raised == [[], [], [sure], [unsure], []]
    asked_again = Episodes(WarningSettings())
    for k in range(3):
        asked_again.step(k * step, seen[1:], (), {unsure})
    assert not asked_again.step(2 * step, []).raised  # at the same instant, with nothing new


def test_a_danger_that_is_seen_late_has_stood_a_step_already() -> None:
    episodes, exact, tracked, step = Episodes(WarningSettings()), (0, 2, 3), (0, 4, 5), 100_000_000
    seen = [(exact, VULNERABLE, True), (tracked, VULNERABLE, True)]
    raised = [[one.key for one, _ in episodes.step(k * step, seen, (), (), {tracked}).raised] for k in range(4)]
    assert raised == [[], [tracked], [exact], []]


@pytest.mark.parametrize(
    ("deviation", "unsure", "late"), [(0.1, set(), set()), (0.2, set(), {(1, 2, 0)}), (0.4, {(1, 2, 0)}, set())]
)
def test_dangers_with_walkers_are_late_where_speeds_are_tracked_and_unsure_where_they_are_not_well_known(
    predictor: Predictor, deviation: float, unsure: set[tuple[int, int, int]], late: set[tuple[int, int, int]]
) -> None:
    users = Lane(predictor).users((CAR, 0.0, 0.0, 12.0, 0.0), (PEDESTRIAN, 20.0, -1.0, 1.3, np.pi / 2))
    users.speed_deviation_mps[:] = (deviation, 0.1)
    found, _, _ = dangers(users, no_lights(predictor.model), predictor, WarningSettings())
    assert _unsure_and_late(users, found, [((1, 2, 0), VULNERABLE, True)], [0]) == (unsure, late)
    assert _unsure_and_late(users, found, [((1, 2, 0), REAR_END, True)], [0]) == (set(), set())


def test_lists_that_come_a_little_early_or_late_delay_no_warning() -> None:
    episodes, key, step = Episodes(WarningSettings()), (0, 2, 3), 100_000_000
    raised = [
        len(episodes.step(k * step + late_ms * 1_000_000, [(key, VULNERABLE, True)]).raised)
        for k, late_ms in enumerate((8, 0, -7, 3))
    ]
    assert raised == [0, 0, 1, 0]


def test_red_lights_are_warned_of_at_once() -> None:
    episodes, step = Episodes(WarningSettings()), 100_000_000
    seen = [((1, 2, 3), REAR_END, True), ((RED_LIGHT, 2, 0), RED_LIGHT, True)]
    assert [one.kind for one, _ in episodes.step(step, seen).raised] == [RED_LIGHT]
    assert not episodes.step(2 * step, seen).raised
    assert [one.kind for one, _ in episodes.step(3 * step, seen).raised] == [REAR_END]


@pytest.mark.parametrize(("here", "ends_s"), [({2, 3}, 2.1), ({2}, 0.9), ((), 0.9)])
def test_a_warning_outlasts_its_danger_longer_while_both_are_seen(here: set[int], ends_s: float) -> None:
    episodes, key, step = Episodes(WarningSettings(onset_s=0.0)), (0, 2, 3), 100_000_000
    assert episodes.step(step, [(key, REAR_END, True)], {2, 3}).raised
    ended = next(k for k in range(1, 40) if episodes.step((1 + k) * step, [], here).ended)
    assert ended == round(ends_s / 0.1)
