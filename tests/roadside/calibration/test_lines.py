"""Calibration from lane lines and vanishing points, and the watch for a camera that has moved, on rendered pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lukou_roadside.calibration.edges import find_segments
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.lane_lines import lane_lines
from lukou_roadside.calibration.lines import Rough, from_lines
from lukou_roadside.calibration.parameters import camera_at
from lukou_roadside.calibration.vanishing import Search, map_directions, orientations
from lukou_roadside.calibration.watch import MountingWatch

from .rendered_street import camera, district, ground_errors, picture

pytestmark = pytest.mark.slow  # renders streets


def test_vanishing_points_tell_the_direction_of_view() -> None:
    true = camera()
    lines = lane_lines(district(), (true.x_m, true.y_m))
    angles, shares = map_directions(lines)
    assert len(angles) >= 2  # the district's streets cross at right angles
    assert shares[0] > 0.2
    start = true.model_copy(update={"azimuth_rad": true.azimuth_rad + 0.2, "pitch_rad": -0.3, "roll_rad": 0.0})
    search = Search(math.radians(20), (math.radians(-45), math.radians(-5)), math.radians(3), np.ones(1))
    _, vector = orientations(find_segments(picture(true), 30.0), lines, start, search)[0]
    off = np.degrees(vector[3:6] - [true.azimuth_rad, true.pitch_rad, true.roll_rad])
    assert np.abs(off).max() < 1.0


@pytest.mark.parametrize(
    ("change", "knows_focal"),
    [
        ({}, True),
        ({"azimuth_rad": 1.3, "pitch_rad": -0.33, "z_m": 6.5}, True),
        ({"distortion": (-0.2, 0.04, 0.0, 0.0)}, True),
        ({}, False),
    ],
)
def test_a_rendered_camera_is_found_from_its_lanes(change: dict[str, object], knows_focal: bool) -> None:
    true = camera(**change)
    start = true.model_copy(
        update={
            "x_m": true.x_m + 1.5,
            "y_m": true.y_m - 1.8,
            "z_m": 8.0,
            "azimuth_rad": true.azimuth_rad + 0.15,
            "pitch_rad": -0.3,
            "roll_rad": 0.0,
        }
        | ({} if knows_focal else {"focal_x_px": 0.95 * true.width_px})
    )
    fit = from_lines(picture(true), district(), start, Rough(is_focal_known=knows_focal))
    errors = ground_errors(true, camera_at(start, fit.solution.vector))
    assert np.nanmax(errors[:2]) < 0.8
    assert fit.found_share > 0.6


def test_a_map_that_is_elsewhere_is_refused() -> None:
    with pytest.raises(CalibrationError, match="no lanes within 90 m"):
        from_lines(picture(camera()), district(), camera(x_m=9000.0), Rough())


@pytest.mark.parametrize(
    ("azimuth", "pitch", "roll"),
    [(0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (-1.0, 1.2, 0.0), (0.0, -2.0, 1.0), (5.0, 3.0, 0.0)],
)
def test_the_watch_measures_a_turn(azimuth: float, pitch: float, roll: float) -> None:
    before = camera()
    now = before.model_copy(
        update={
            "azimuth_rad": before.azimuth_rad + math.radians(azimuth),
            "pitch_rad": before.pitch_rad + math.radians(pitch),
            "roll_rad": before.roll_rad + math.radians(roll),
        }
    )
    told = MountingWatch(before, district()).judged(picture(now))
    assert told.is_sure
    assert told.has_moved == (azimuth != 0.0 or pitch != 0.0)
    found = np.degrees([told.azimuth_rad, told.pitch_rad, told.roll_rad])
    np.testing.assert_allclose(found, [azimuth, pitch, roll], atol=0.25)
    assert ("left" in told.words) == (azimuth > 0.3)


def test_the_watch_says_nothing_of_a_picture_without_lanes() -> None:
    grey = np.random.default_rng(1).normal(90, 3, (600, 960, 3)).clip(0, 255).astype(np.uint8)
    told = MountingWatch(camera(), district()).judged(grey)
    assert not told.has_moved
    assert "not recognised" in told.words
