"""A building stands before one of four cameras: what it hides is learned, and is neither held against who is there nor against the camera."""

from __future__ import annotations

import numpy as np
import pytest

from lukou_roadside.perception.tracking.coverage import Coverage, Watched
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, Scan, View

PLACES = ((60.0, 0.0), (0.0, 60.0), (-60.0, 0.0), (0.0, -60.0))
RADIUS_M = 12.0 + 4.0 * np.arange(8)
SPEED_MPS = 8.0
WALL_X_M = 15.0
"""Camera 0 finds nobody beyond."""


def truth(time_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Cars on circles, every other one the other way round."""
    angle = np.where(np.arange(8) % 2, 1.0, -1.0) * SPEED_MPS / RADIUS_M * time_s + np.arange(8)
    return RADIUS_M * np.cos(angle), RADIUS_M * np.sin(angle)


def scan(sensor: int, time_s: float, rng: np.random.Generator, finds: float = 0.95) -> Scan:
    """What a camera sees."""
    x, y = truth(time_s)
    seen = rng.uniform(size=8) < finds
    if sensor == 0:
        seen &= x > WALL_X_M
    x, y = (values[seen] + rng.normal(0, 0.3, int(seen.sum())) for values in (x, y))
    n, unknown = len(x), np.full(len(x), np.nan)
    variance = np.full(n, 0.09), np.zeros(n), np.full(n, 0.09)
    looks = np.ones(n, np.int64), np.full(n, 0.55), *(4 * [unknown])
    return Scan(sensor, CAMERA, time_s, round(time_s * 1000), x, y, *variance, (View(*PLACES[sensor]),), *looks)


def run(
    tracker: EventTimeTracker,
    begin_s: float,
    end_s: float,
    sensors: tuple[int, ...],
    blind: int = -1,
    hertz: int = 5,
    finds: float = 0.02,
) -> None:
    """Watch for a while with some of the cameras, one of them covered."""
    rng = np.random.default_rng([3, round(begin_s)])
    for k in range(round(begin_s * hertz), round(end_s * hertz)):
        for sensor in sensors:
            tracker.add(scan(sensor, k / hertz + 0.02 * sensor, rng, finds if sensor == blind else 0.95))
        tracker.at(k / hertz + 0.1)


@pytest.fixture(scope="module")
def taught() -> EventTimeTracker:
    """A tracker after ninety seconds with four cameras."""
    tracker = EventTimeTracker()
    run(tracker, 0.0, 90.0, (0, 1, 2, 3))
    return tracker


@pytest.mark.slow
def test_what_a_building_hides_is_learned_and_the_camera_is_not_blamed(taught: EventTimeTracker) -> None:
    learned = taught.registration.coverage(0)
    hidden, plain = learned.of(View(*PLACES[0]), np.array([-20.0, 30.0]), np.array([5.0, 5.0]))
    assert hidden < 0.1
    assert plain == 1.0
    assert taught.registration.coverage(1).hidden == 0
    assert taught.registration.of(0).found_share > 0.75  # of what it can see; seven tenths of all is hidden
    assert not taught.registration.doubt(0)


@pytest.mark.slow
def test_who_is_hidden_from_one_camera_stays_in_the_list_that_another_makes(taught: EventTimeTracker) -> None:
    at_first = EventTimeTracker()
    run(at_first, 0.0, 15.0, (0, 2))  # nothing is known of the building yet: its misses outweigh the other camera
    without = at_first.at(15.0).is_confirmed.sum()
    run(taught, 90.0, 105.0, (0, 2))
    assert without <= 6
    assert taught.at(105.0).is_confirmed.sum() >= 7  # the eighth has passed each place twice


@pytest.mark.slow
def test_a_camera_that_is_covered_is_named_for_as_long_as_it_is() -> None:
    tracker, everyone = EventTimeTracker(), (0, 1, 2, 3)
    run(tracker, 0.0, 10.0, everyone, hertz=10)
    for begin_s, end_s in ((10.0, 18.0), (18.0, 60.0)):
        run(tracker, begin_s, end_s, everyone, blind=1, hertz=10)
        assert "of what the others see" in tracker.registration.doubt(1)
    run(tracker, 60.0, 70.0, everyone, hertz=10)
    assert not tracker.registration.doubt(1)


@pytest.mark.slow
def test_a_camera_that_loses_its_sight_slowly_is_named_once_it_is_blind() -> None:
    tracker, everyone = EventTimeTracker(), (0, 1, 2, 3)
    run(tracker, 0.0, 10.0, everyone)
    run(tracker, 10.0, 130.0, everyone, blind=1, finds=0.45)  # dirt everywhere: no place hides so much
    run(tracker, 130.0, 150.0, everyone, blind=1)
    assert "of what the others see" in tracker.registration.doubt(1)


def test_who_stands_teaches_nothing_and_who_passes_once_a_cell() -> None:
    coverage, view = Coverage(), View(0.0, 0.0)
    one = np.ones(1)
    for _ in range(100):
        coverage.add(view, 0.0, Watched(30.0 * one, 0.0 * one, 0.0 * one, 0.0 * one, 0.9 * one, one < 0.0), 0.1)
    coverage.learn(21.0)
    assert coverage.expected.sum() == 0.0
    for k in range(100):  # ten metres, two cells
        coverage.add(view, 0.0, Watched((30.2 + 0.1 * k) * one, one, one, 0.0 * one, 0.9 * one, one < 0.0), 0.1)
    coverage.learn(19.0)
    assert coverage.expected.sum() == 0.0  # the sensor may have failed
    coverage.learn(21.0)
    assert 0.0 < coverage.expected.max() < 2.0


def test_a_cell_is_plain_again_once_detections_come() -> None:
    coverage, view = Coverage(), View(0.0, 0.0)

    def passes(times: int, found: bool) -> float:
        for _ in range(times):
            here = np.array([31.0]), np.array([1.0]), np.array([60.0]), np.array([0.0])
            coverage.add(view, 0.0, Watched(*here, np.array([0.9]), np.array([found])), 0.1)
        coverage.learn(21.0)
        return float(coverage.of(view, np.array([31.0]), np.array([1.0]))[0])

    assert passes(2, False) == 1.0
    assert passes(10, False) < 0.1
    assert coverage.hidden == 9
    assert passes(60, True) == 1.0


@pytest.mark.parametrize(("plain", "expected"), [(0, True), (1, False)])
def test_a_sensor_that_finds_little_everywhere_has_not_the_place_to_blame(plain: int, expected: bool) -> None:
    coverage, view = Coverage(), View(0.0, 0.0)
    for k in range(4):
        here = 30.0 * np.cos(k + np.zeros(20)), 30.0 * np.sin(k + np.zeros(20)), np.full(20, 60.0), np.full(20, 60.0)
        coverage.add(view, 0.0, Watched(*here, np.full(20, 0.9), np.full(20, k < plain)), 0.1)
    coverage.learn(21.0)
    assert coverage.is_mostly_hidden == expected
