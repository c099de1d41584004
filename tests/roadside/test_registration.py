"""Sensors whose clock, direction or eyes are off, beside others that are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_maps.reading import load_map
from lukou_messages.objects import DetectionList
from lukou_messages.process import DEGRADED, VALID, Input, Output
from lukou_messages.v1.sensor_pb2 import ScanSector, SensorKind
from lukou_roadside.perception.core import PerceptionCore
from lukou_roadside.perception.settings import PerceptionSettings
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, Scan, View
from lukou_roadside.perception.tracking.settings import TrackerSettings

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
PLACES = ((60.0, 0.0), (0.0, 60.0), (-60.0, 0.0), (0.0, -60.0))
CARS = 8
RADIUS_M = 12.0 + 4.0 * np.arange(CARS)
SPEED_MPS = 8.0


def truth(time_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Cars on circles, every other one the other way round."""
    angle = np.where(np.arange(CARS) % 2, 1.0, -1.0) * SPEED_MPS / RADIUS_M * time_s + np.arange(CARS)
    return RADIUS_M * np.cos(angle), RADIUS_M * np.sin(angle)


def scan(sensor: int, time_s: float, rng: np.random.Generator, late_s: float, turned_rad: float, blind: bool) -> Scan:
    """What a camera at `PLACES` gives: stamps late, directions turned, or all but nothing."""
    view = View(*PLACES[sensor])
    x, y = truth(time_s)
    x, y = x - view.x_m, y - view.y_m
    x, y = np.cos(turned_rad) * x - np.sin(turned_rad) * y, np.sin(turned_rad) * x + np.cos(turned_rad) * y
    seen = rng.uniform(size=CARS) < (0.02 if blind else 0.95)
    x, y = (values[seen] + rng.normal(0, 0.3, int(seen.sum())) for values in (x + view.x_m, y + view.y_m))
    n = len(x)
    unknown = np.full(n, np.nan)
    return Scan(
        sensor=sensor,
        kind=CAMERA,
        time_s=time_s + late_s,
        sequence=round(time_s * 1000),
        x_m=x,
        y_m=y,
        variance_xx=np.full(n, 0.09),
        variance_xy=np.zeros(n),
        variance_yy=np.full(n, 0.09),
        views=(view,),
        object_class=np.ones(n, np.int64),
        score=np.full(n, 0.8),
        yaw_rad=unknown,
        length_m=unknown,
        width_m=unknown,
        range_rate_mps=unknown,
    )


def run(
    seconds: float,
    *,
    late_s: float = 0.0,
    turned_rad: float = 0.0,
    blind: bool = False,
    registers: bool = True,
    since_s: float = 0.0,
    until_s: float = np.inf,
) -> tuple[EventTimeTracker, float]:
    """A tracker after a while in which sensor 0 is off since an instant, and its mean error of position in the last 5 s. [m]"""
    rng = np.random.default_rng(3)
    tracker = EventTimeTracker(TrackerSettings(registers=registers))
    errors: list[float] = []
    for k in range(round(seconds * 10)):
        for sensor in range(4):
            off = sensor == 0 and since_s <= k * 0.1 < until_s
            tracker.add(
                scan(
                    sensor,
                    k * 0.1 + 0.02 * sensor,
                    rng,
                    late_s if off else 0.0,
                    turned_rad if off else 0.0,
                    blind and off,
                )
            )
        tracks = tracker.at(k * 0.1 + 0.06)
        if k * 0.1 > seconds - 5.0:
            x, y = truth(k * 0.1 + 0.06)
            shown = tracks.take(tracks.is_confirmed)
            distance = np.hypot(shown.state[:, 0] - x[:, None], shown.state[:, 1] - y[:, None])
            errors += distance.min(axis=1).tolist()
    return tracker, float(np.mean(errors))


def others(values: list[float]) -> float:
    return float(np.median(values[1:]))


def test_sensors_that_are_right_are_left_alone() -> None:
    tracker, _ = run(15.0)
    for sensor in range(4):
        told = tracker.registration.of(sensor)
        assert abs(told.clock_s) < 0.02
        assert abs(told.azimuth_rad) < 0.003
        assert told.found_share > 0.85
        assert tracker.registration.doubt(sensor) == ""


@pytest.mark.slow
@pytest.mark.parametrize("late_s", [0.2, -0.15])
def test_a_clock_that_is_off_is_found_and_corrected(late_s: float) -> None:
    tracker, error_m = run(25.0, late_s=late_s)
    clocks = [tracker.registration.of(sensor).clock_s for sensor in range(4)]
    assert clocks[0] - others(clocks) == pytest.approx(late_s, abs=0.05)
    assert ("clock late" if late_s > 0 else "clock early") in tracker.registration.doubt(0)
    assert [tracker.registration.doubt(sensor) for sensor in (1, 2, 3)] == ["", "", ""]
    _, without_m = run(25.0, late_s=late_s, registers=False)
    assert error_m < min(0.2, without_m)


@pytest.mark.slow
@pytest.mark.parametrize("turned_rad", [0.035, -0.035])
def test_a_camera_that_has_turned_is_found_and_corrected(turned_rad: float) -> None:
    tracker, error_m = run(25.0, turned_rad=turned_rad)
    azimuths = [tracker.registration.of(sensor).azimuth_rad for sensor in range(4)]
    assert azimuths[0] - others(azimuths) == pytest.approx(turned_rad, abs=0.012)
    assert "turned by" in tracker.registration.doubt(0)
    assert [tracker.registration.doubt(sensor) for sensor in (1, 2, 3)] == ["", "", ""]
    _, without_m = run(25.0, turned_rad=turned_rad, registers=False)
    assert error_m < min(0.2, without_m)


@pytest.mark.parametrize("late_s", [0.2, -0.2])
def test_a_clock_that_is_set_anew_is_named_within_seconds(late_s: float) -> None:
    tracker, _ = run(25.0, late_s=late_s, since_s=20.0)
    assert ("clock late" if late_s > 0 else "clock early") in tracker.registration.doubt(0)
    assert [tracker.registration.doubt(sensor) for sensor in (1, 2, 3)] == ["", "", ""]


@pytest.mark.parametrize("turned_rad", [0.035, -0.035])
def test_a_camera_that_turns_is_named_within_seconds(turned_rad: float) -> None:
    tracker, _ = run(25.0, turned_rad=turned_rad, since_s=20.0)
    assert "turned by" in tracker.registration.doubt(0)
    assert [tracker.registration.doubt(sensor) for sensor in (1, 2, 3)] == ["", "", ""]


@pytest.mark.parametrize(("late_s", "within_s"), [(-0.2, 2.5), (0.2, 1.5)])
def test_a_clock_that_is_right_again_is_not_blamed_for_long_though_it_is_trusted_less(
    late_s: float, within_s: float
) -> None:
    off, _ = run(12.0, late_s=late_s)
    again, _ = run(12.0 + within_s, late_s=late_s, until_s=12.0)
    assert "clock" in off.registration.doubt(0)
    assert [again.registration.doubt(sensor) for sensor in range(4)] == [""] * 4


def test_an_early_clock_whose_scans_arrive_sooner_has_been_set_anew() -> None:
    tracker, _ = run(12.0, late_s=-0.2)
    registration = tracker.registration
    assert "clock early" in registration.doubt(0)
    before = [registration.of(sensor).clock_s for sensor in range(4)]
    for sensor in range(4):
        registration.arrives_sooner(sensor, 0.2)
    after = [registration.of(sensor).clock_s for sensor in range(4)]
    assert after[0] == pytest.approx(before[0] + 0.2, abs=0.02)
    assert after[1:] == pytest.approx(before[1:], abs=0.02)  # their line has become faster: their clocks were right
    assert registration.doubt(0) == ""
    registration.arrives_sooner(9, 0.2)  # nobody


def test_nobody_is_corrected_by_a_sensor_whose_stamps_are_guessed() -> None:
    tracker = EventTimeTracker(TrackerSettings(registers=True))
    rng = np.random.default_rng(3)
    tracker.registration.guessed.add(0)
    for k in range(80):
        for sensor in range(2):
            tracker.add(scan(sensor, k * 0.1 + 0.02 * sensor, rng, 0.15 if sensor == 0 else 0.0, 0.0, False))
        tracker.at(k * 0.1 + 0.06)
    assert tracker.registration.of(1).clock_deviation_s == pytest.approx(0.05, abs=0.002)  # as before anything is known
    assert abs(tracker.registration.of(1).clock_s) < 0.01


def test_sensors_whose_stamps_are_guessed_still_see_who_is_there() -> None:
    tracker = EventTimeTracker(TrackerSettings(registers=True))
    rng = np.random.default_rng(3)
    tracker.registration.guessed |= {1, 2, 3}
    for k in range(200):
        for sensor in range(4):
            tracker.add(scan(sensor, k * 0.1 + 0.02 * sensor, rng, 0.0, 0.0, sensor == 0 and k > 60))
        tracker.at(k * 0.1 + 0.06)
    assert "of what the others see" in tracker.registration.doubt(0)


def test_a_blinded_camera_is_noticed_by_what_the_others_see() -> None:
    tracker, _ = run(10.0, blind=True)
    assert "of what the others see" in tracker.registration.doubt(0)
    assert tracker.registration.doubt(1) == ""


def test_a_single_sensor_is_compared_with_nobody() -> None:
    rng = np.random.default_rng(1)
    tracker = EventTimeTracker()
    for k in range(150):
        tracker.add(scan(0, k * 0.1, rng, 0.2, 0.03, False))
        tracker.state()
    told = tracker.registration.of(0)
    assert told.clock_s == 0.0
    assert told.azimuth_rad == 0.0
    assert np.isnan(told.found_share)


@pytest.mark.slow
def test_the_list_says_why_it_is_degraded_and_is_less_certain() -> None:
    model = load_map(DISTRICT)
    spread, validity, reasons = [], [], []
    for late_s in (0.0, 0.2):
        names = ("pole-a", "pole-b", "pole-c")
        core = PerceptionCore(PerceptionSettings(site="k2", map=str(DISTRICT), sensors=names), None, model)
        rng = np.random.default_rng(2)
        outputs: list[Output] = []
        for k in range(250):
            inputs = []
            for sensor, name in enumerate(names):
                one = scan(sensor, k * 0.1, rng, 0.0, 0.0, False)
                ones = np.ones(len(one))
                value = DetectionList.of(
                    len(one),
                    sensor=name,
                    sensor_kind=SensorKind.SENSOR_KIND_CAMERA,
                    sensor_x_m=one.views[0].x_m,
                    sensor_y_m=one.views[0].y_m,
                    sectors=[ScanSector(azimuth_rad=0.0, opening_rad=6.283, range_min_m=0.0, range_max_m=200.0)],
                    object_class=ones,
                    score=ones * 0.8,
                    x_m=one.x_m,
                    y_m=one.y_m,
                    position_variance_xx_m2=ones * 0.09,
                    position_variance_xy_m2=ones * 0.0,
                    position_variance_yy_m2=ones * 0.09,
                )
                at = 1_800_000_000_000_000_000 + round((k * 0.1 + (late_s if sensor == 0 else 0.0)) * 1e9)
                inputs.append(Input("detections", "k2/sensors", 1, 3 * k + sensor, at, value))
            outputs += [
                one
                for one in core.step(1_800_000_000_000_000_000 + round((k * 0.1 + 0.25) * 1e9), inputs)
                if one.topic == "objects"
            ]
        validity.append(outputs[-1].validity)
        reasons.append(outputs[-1].reason)
        spread.append(float(np.median(outputs[-1].value.position_variance_xx_m2)))
    assert validity == [VALID, DEGRADED]
    assert "pole-a clock late by 0." in reasons[1]
    assert spread[1] > 1.05 * spread[0]


@pytest.mark.parametrize("late_s", [-0.06, 0.06])
def test_the_first_scans_are_not_counted_again_and_again(late_s: float) -> None:
    """Scans wait before they are worked in for good; the first ones were corrected by nothing, and say so."""
    rng = np.random.default_rng(5)
    tracker = EventTimeTracker(TrackerSettings())
    most = 0.0
    for k in range(60):
        for sensor in range(4):
            tracker.add(scan(sensor, k * 0.1 + 0.02 * sensor, rng, late_s if sensor == 0 else 0.0, 0.0, False))
        tracker.at(k * 0.1 + 0.06)
        most = max(most, abs(tracker.registration.of(0).clock_s))
    assert most < 0.12
