"""What becomes of encounters, and what experience makes of the warnings; states that must last."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.encounters import Encounter, Encounters
from lukou_cloud.edge.judge import Judge
from lukou_cloud.edge.lights import no_lights
from lukou_cloud.edge.measures import post_encroachment_time
from lukou_cloud.edge.road_users import Floats, RoadUsers
from lukou_cloud.edge.rules import OVERSPEED, STOPPED, WRONG_WAY
from lukou_cloud.edge.settings import ExperienceSettings, PredictionSettings, RuleSettings, WarningSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
SECOND = 1_000_000_000


def way(t_s: Floats, x0: float, y0: float, heading: float, speed: float) -> Floats:
    x, y = x0 + speed * np.cos(heading) * t_s, y0 + speed * np.sin(heading) * t_s
    return np.stack([x, y, np.full(len(t_s), heading), np.full(len(t_s), 2.0), np.full(len(t_s), 1.0)], axis=1)


@pytest.mark.parametrize(("late_s", "expected"), [(0.0, 0.0), (2.0, 1.4), (4.0, 3.4)])
def test_post_encroachment_time_of_two_crossing_cars(late_s: float, expected: float) -> None:
    """Both at 10 m/s through the origin; each covers the shared square from 3 m before to 3 m behind it: 0.6 s."""
    t = np.arange(0.0, 10.0, 0.1)
    a, b = way(t, -50.0, 0.0, 0.0, 10.0), way(t, 0.0, -50.0 - 10.0 * late_s, np.pi / 2, 10.0)
    assert post_encroachment_time(t, a, t, b)[0] == pytest.approx(expected, abs=0.11)


def test_ways_that_share_no_ground_have_no_post_encroachment_time() -> None:
    t = np.arange(0.0, 5.0, 0.1)
    assert post_encroachment_time(t, way(t, 0, 0, 0, 5), t, way(t, 0, 9, 0, 5))[0] == np.inf
    follower = way(t, -10.0, 0.0, 0.0, 5.0)
    assert post_encroachment_time(t, way(t, 0, 0, 0, 5), t, follower, 0.87)[0] == np.inf


def ended(encounters: Encounters, apart_s: float, count: int) -> None:
    for number in range(count):
        first, second = 2 * number + 1, 2 * number + 2
        one = Encounter(first, second, True, number * SECOND, number * SECOND, 1.0)
        for who, late_s, heading in ((first, 0.0, 0.0), (second, apart_s, np.pi / 2)):
            t = np.arange(0.0, 9.0, 0.2)
            table = way(t, -20.0 * np.cos(heading), -(20.0 + 10.0 * late_s) * np.sin(heading), heading, 10.0)
            one.ways[who] = [(one.began_ns + round(at * 1e9), *row) for at, row in zip(t, table.tolist(), strict=True)]
        encounters.open[first, second] = one
        encounters._close(one)


@pytest.mark.parametrize(("walkers", "counts"), [((9, 9, 9), 1.0), ((8, 9, 8), 2.0)])
def test_a_walker_who_meets_several_cars_is_counted_once(walkers: tuple[int, ...], counts: float) -> None:
    """One who does not look is one piece of evidence of the place's habits; after a restart, too."""
    encounters = Encounters(ExperienceSettings())
    for car, walker in enumerate(walkers):
        one = Encounter(car, walker, True, car * SECOND, car * SECOND, 1.0)
        for who, heading in ((car, 0.0), (walker, np.pi / 2)):
            t = np.arange(0.0, 9.0, 0.2)
            table = way(t, -20.0 * np.cos(heading), -20.0 * np.sin(heading), heading, 10.0)
            one.ways[who] = [(one.began_ns + round(at * 1e9), *row) for at, row in zip(t, table.tolist(), strict=True)]
        encounters.open[car, walker] = one
        assert encounters._close(one).post_encroachment_s == 0.0
        again = Encounters(ExperienceSettings())
        again.restore(encounters.state())
        encounters = again
    assert encounters.counts[True][0] == pytest.approx(counts, abs=0.01)


@pytest.mark.parametrize(("braking", "counts"), [(4.5, False), (6.5, True)])
def test_between_vehicles_only_emergencies_come_true(braking: float, counts: bool) -> None:
    """Passing 0.9 s after each other is usual at a junction; braking beyond any service brake is not."""
    encounters = Encounters(ExperienceSettings())
    one = Encounter(1, 2, False, 0, 0, 1.0, braking)
    for who, late_s, heading in ((1, 0.0, 0.0), (2, 1.5, np.pi / 2)):
        t = np.arange(0.0, 9.0, 0.2)
        table = way(t, -20.0 * np.cos(heading), -(20.0 + 10.0 * late_s) * np.sin(heading), heading, 10.0)
        one.ways[who] = [(round(at * 1e9), *row) for at, row in zip(t, table.tolist(), strict=True)]
    encounters.open[1, 2] = one
    outcome = encounters._close(one)
    assert outcome.is_near_miss
    assert 0.5 < outcome.post_encroachment_s < 1.2
    assert encounters.counts[False] == pytest.approx([float(counts), 1.0])


@pytest.mark.parametrize(("vanished", "late_s", "counts"), [(False, 4.0, 1.0), (True, 4.0, 0.0), (True, 0.0, 1.0)])
def test_who_vanishes_before_both_are_past_tells_nothing_unless_they_met(
    vanished: bool, late_s: float, counts: float
) -> None:
    """Tracks are lost and come back with another identity: that is no sign that the rules are kept."""
    encounters = Encounters(ExperienceSettings())
    one = Encounter(1, 2, True, 0, 3 * SECOND, 1.0)
    for who, late, heading in ((1, 0.0, 0.0), (2, late_s, np.pi / 2)):
        t = np.arange(0.0, 3.6 if vanished and who == 2 else 9.0, 0.2)
        table = way(t, -20.0 * np.cos(heading), -(20.0 + 10.0 * late) * np.sin(heading), heading, 10.0)
        one.ways[who] = [(round(at * 1e9), *row) for at, row in zip(t, table.tolist(), strict=True)]
    encounters.open[1, 2] = one
    encounters._close(one)
    assert encounters.counts[True][1] == counts


def test_experience_asks_for_more_where_nothing_comes_of_encounters_and_for_less_where_much_does() -> None:
    settings = ExperienceSettings()
    calm, wild = Encounters(settings), Encounters(settings)
    usual = calm.required()
    assert usual.vulnerable == pytest.approx(settings.vulnerable_probability)
    assert usual.crossing == pytest.approx(settings.crossing_probability)
    ended(calm, 4.0, 60)
    ended(wild, 0.0, 60)
    assert calm.required().vulnerable == settings.most_vulnerable_probability
    assert wild.required().vulnerable == settings.least_vulnerable_probability
    assert wild.required().same_way == pytest.approx(settings.probability)
    assert wild.required().crossing == pytest.approx(settings.crossing_probability)
    again = Encounters(settings)
    again.restore(wild.state())
    assert again.state() == wild.state()


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


def one_car(model: RoadModel, lane: str, s_m: float, speed: float, turned: float = 0.0) -> RoadUsers:
    index = np.array([model.lanes.index[lane]])
    judge = Judge(model, PredictionSettings(), WarningSettings(), ExperienceSettings(), RuleSettings())
    x, y, heading = judge.predictor.ways.catalogue.geometry.pose(index, np.array([s_m]))
    single = {name: np.array([value]) for name, value in (("length_m", 4.5), ("width_m", 1.8), ("deviation_m", 0.2))}
    return RoadUsers(
        id=np.array([7]),
        object_class=np.array([1]),
        x_m=x,
        y_m=y,
        heading_rad=heading + turned,
        speed_mps=np.array([speed]),
        acceleration_mps2=np.zeros(1),
        speed_deviation_mps=np.array([0.2]),
        is_trusted=np.ones(1, np.bool_),
        **single,
    )


@pytest.mark.parametrize(
    ("speed", "turned", "lasts_s", "expected"),
    [
        (8.0, np.pi, 0.5, set()),
        (8.0, np.pi, 1.5, {WRONG_WAY}),
        (8.0, 0.0, 1.5, set()),
        (0.0, 0.0, 10.0, set()),
        (0.0, 0.0, 21.0, {STOPPED}),
        (30.0, 0.0, 1.5, {OVERSPEED}),
    ],
)
def test_states_that_last_are_told(
    model: RoadModel, speed: float, turned: float, lasts_s: float, expected: set[int]
) -> None:
    judge = Judge(model, PredictionSettings(), WarningSettings(), ExperienceSettings(), RuleSettings())
    users, told = one_car(model, "k1_N_approach_3", 20.0, speed, turned), set()
    for k in range(round(lasts_s * 10) + 1):
        found = judge.step(k * SECOND // 10, k * SECOND // 10, users, no_lights(model)).dangers
        told |= set(found.kind.tolist())
    assert told == expected
