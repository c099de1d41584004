"""Weather: what fog, night, rain, dirt, glare and wind do to pictures and radars; a clear day stays as it was."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.district.cameras import RadarPose
from lukou_sim.render.camera import look
from lukou_sim.render.renderer import Labels, Renderer, Scene
from lukou_sim.render.shapes import Shape, colours
from lukou_sim.render.street import StreetPlan
from lukou_sim.render.weather import LAMP_SPACING_M, Weather, light_at, street_lamps
from lukou_sim.sensors import radar
from lukou_sim.training.streets import CONDITIONS, random_weather
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.scenario import Scenario, load_scenario

CAMERA = look("c", (0.0, 0.0, 10.0), 0.0, -0.3, focal_px=500.0)
GREY = np.full((384, 640, 3), 90, np.uint8)
LAMPS = np.array([[25.0, 8.0], [60.0, -8.0]])


def cars(*places: tuple[float, float, float]) -> Scene:
    count = len(places)
    rng = np.random.default_rng(1)
    table = np.array([colours(rng, Shape.SEDAN) for _ in range(count)]).reshape(count, 8, 3)
    table[:, :6] = (40, 40, 200)
    pose = np.array(places).reshape(count, 3)
    size = np.tile([4.6, 1.8, 1.5], (count, 1))
    return Scene(np.full(count, int(Shape.SEDAN)), *pose.T, *size.T, table)


def labels(weather: Weather, *places: tuple[float, float, float]) -> Labels:
    return Renderer(CAMERA, GREY, noise=0, weather=weather, lamps=LAMPS).render_labelled(cars(*places))[2]


def picture(weather: Weather, *places: tuple[float, float, float], seed: int = 0) -> np.ndarray:
    return Renderer(CAMERA, GREY, noise=0, weather=weather, lamps=LAMPS, seed=seed).render(cars(*places))


def test_a_clear_day_is_drawn_as_without_weather() -> None:
    plain = Renderer(CAMERA, GREY, seed=4).render(cars((30.0, 0.0, 0.0)))
    np.testing.assert_array_equal(
        plain, Renderer(CAMERA, GREY, seed=4, weather=Weather()).render(cars((30.0, 0.0, 0.0)))
    )


def test_contrast_in_fog_falls_as_koschmieder_says() -> None:
    """2 % of it is left at the visibility."""
    clear = labels(Weather(), (60.0, 0.0, 0.0)).contrast[0]
    foggy = labels(Weather(visibility_m=60.0), (60.0, 0.0, 0.0)).contrast[0]
    assert foggy < 0.08 * clear
    near = labels(Weather(visibility_m=60.0), (15.0, 0.0, 0.0)).contrast[0]
    assert near > 4 * foggy


def test_night_is_dark_except_under_lamps_and_before_headlights() -> None:
    night = Weather(darkness=1.0)
    under, between = (light_at(night, LAMPS, np.array([x]), np.array([y]))[0].mean() for x, y in ((25, 8), (42, 0)))
    assert under > 2 * between
    street = picture(night).mean()
    assert street < 0.5 * GREY.mean()
    towards = picture(night, (40.0, 0.0, math.pi))
    assert towards.max() > 230  # its headlights
    assert picture(night, (40.0, 0.0, 0.0))[..., 2].max() > 120  # its rear lamps are red
    (column, row), _ = CAMERA.project(np.array([[32.0, 0.0, 0.0], [32.0, 0.0, 0.0]]))[0][0], None
    spot = np.s_[int(row) - 2 : int(row) + 2, int(column) - 2 : int(column) + 2]
    assert towards[spot].mean() > picture(night)[spot].mean() + 15  # the road before it is lit


def test_lamps_stand_apart_along_sidewalks() -> None:
    plan = StreetPlan((0.0, 0.0))
    plan.paths = [("walk", np.array([[0.0, 0.0], [90.0, 0.0]])), ("vehicle", np.array([[0.0, 5.0], [90.0, 5.0]]))]
    lamps = street_lamps(plan)
    assert len(lamps) == 3
    np.testing.assert_allclose(np.diff(lamps[:, 0]), LAMP_SPACING_M)
    assert (lamps[:, 1] == 0).all()


def test_sway_moves_labels_with_the_picture() -> None:
    renderer = Renderer(CAMERA, GREY, shadow=1.0, noise=0, weather=Weather(sway_deg=0.4))
    rows = []
    for _ in range(30):
        shown, mask, found = renderer.render_labelled(cars((40.0, 0.0, 0.0)))
        changed = np.argwhere(mask >= 0)
        assert found.boxes[0][1] == changed[:, 0].min()
        rows.append(found.boxes[0][0])
        assert shown.shape == GREY.shape
    swing = (max(rows) - min(rows)) / 2
    assert 1.0 < swing <= 500 * math.radians(0.4) + 1.5


@pytest.mark.parametrize(
    "weather",
    [Weather(rain_mm_per_h=20.0), Weather(dirt=0.8), Weather(glare=0.8, sun_azimuth_deg=0.0, sun_elevation_deg=8.0)],
)
def test_lens_and_rain_change_the_picture_and_are_seeded(weather: Weather) -> None:
    one, other, third = (picture(weather, (30.0, 0.0, 0.0), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, other)
    assert np.abs(one.astype(int) - picture(Weather(), (30.0, 0.0, 0.0))).mean() > 1.0
    if weather.glare == 0:
        assert (one != third).any()


def test_glare_comes_from_the_sun() -> None:
    ahead, behind = (
        picture(Weather(glare=0.8, sun_azimuth_deg=azimuth, sun_elevation_deg=8.0)).mean() for azimuth in (0.0, 180.0)
    )
    assert ahead > behind + 10


def test_rain_costs_a_radar_range_and_adds_clutter_nearby() -> None:
    pose = RadarPose("r", 0.0, 0.0, 6.0, 0.0, math.radians(40), 5.0, 150.0)
    one = np.ones(1)
    walker = RoadUsers(
        ("u",), one.astype(int), np.array([int(Shape.PEDESTRIAN)]), np.array([int(ObjectClass.OBJECT_CLASS_PEDESTRIAN)]),
        110 * one, 0 * one, 0 * one, 2 * one, 0 * one, 0.5 * one, 0.5 * one, 1.7 * one,
    )  # fmt: skip

    def counts(rain: float) -> tuple[int, float]:
        rng = np.random.default_rng(2)
        sweeps = [radar.sweep(pose, walker, one, 0, k, rng, rain) for k in range(400)]
        ranges = np.concatenate([sweep.range_m for sweep in sweeps])
        rates = np.concatenate([sweep.range_rate_mps for sweep in sweeps])
        return int(((np.abs(ranges - 110) < 2) & (np.abs(rates - 2) < 0.5)).sum()), float((ranges < 40).sum() / 400)

    dry, wet = counts(0.0), counts(30.0)
    assert wet[0] < 0.8 * dry[0]
    assert wet[1] > dry[1] + 1.0


def test_random_weather_is_of_the_kind_asked_for() -> None:
    rng = np.random.default_rng(0)
    for name in CONDITIONS:
        made = [random_weather(rng, name) for _ in range(20)]
        assert all((one.darkness > 0.5) == ("night" in name) for one in made)
        assert all((one.rain_mm_per_h > 0) == ("rain" in name) for one in made)
        assert all((one.visibility_m < 1000) == (name == "fog") for one in made)


def test_shipped_scenarios_say_their_weather() -> None:
    assert load_scenario("demo").weather.is_clear
    assert load_scenario("night").weather.darkness == 1.0
    assert load_scenario("rain").weather.rain_mm_per_h > 5
    assert load_scenario("fog").weather.visibility_m < 200
    with pytest.raises(ValueError, match="darkness"):
        Scenario.model_validate({"name": "x", "weather": {"darkness": 2}})
