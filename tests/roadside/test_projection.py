"""From pixels to the map and back."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.projection import Projector
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats, Ints


def camera(**changes: object) -> CameraSettings:
    values: dict[str, object] = {
        "name": "camera-north",
        "focal_x_px": 500.0,
        "x_m": 10.0,
        "y_m": 70.0,
        "z_m": 10.0,
        "azimuth_rad": -math.pi / 2,
        "pitch_rad": math.radians(-18.0),
    }
    return CameraSettings.model_validate(values | changes)


@dataclass
class OneBox:
    object_class: Ints
    score: Floats
    x1: Floats
    y1: Floats
    x2: Floats
    y2: Floats
    ground_x: Floats
    ground_y: Floats


def box(calibration: Calibration, x_m: float, y_m: float, length: float, width: float, height: float) -> OneBox:
    """Exact box of an upright cuboid that points south, and its ground point."""
    xs, ys, zs = np.meshgrid([x_m - width / 2, x_m + width / 2], [y_m - length / 2, y_m + length / 2], [0.0, height])
    u, v = calibration.to_picture(xs.ravel(), ys.ravel(), zs.ravel())
    gu, gv = calibration.to_picture(np.array([x_m]), np.array([y_m]), np.zeros(1))
    one = np.ones(1)
    return OneBox(np.array([1]), one * 0.9, one * u.min(), one * v.min(), one * u.max(), one * v.max(), gu, gv)


def test_the_optical_axis_meets_the_ground_where_trigonometry_says() -> None:
    calibration = Calibration(camera())
    x_m, y_m = calibration.to_ground(np.array([320.0]), np.array([192.0]))
    assert x_m[0] == pytest.approx(10.0)
    assert y_m[0] == pytest.approx(70.0 - 10.0 / math.tan(math.radians(18.0)))


@given(st.floats(0, 640), st.floats(60, 384), st.floats(-0.2, 0.1), st.floats(-0.3, 0.3), st.floats(-0.1, 0.1))
def test_there_and_back(u: float, v: float, k1: float, azimuth: float, roll: float) -> None:
    settings = camera(azimuth_rad=azimuth, roll_rad=roll, distortion=(k1, 0.01, 0.001, -0.001, 0.0))
    calibration = Calibration(settings)
    x_m, y_m = calibration.to_ground(np.array([u]), np.array([v]), 1.5)
    if math.isnan(x_m[0]):
        return
    back_u, back_v = calibration.to_picture(x_m, y_m, np.array([1.5]))
    assert back_u[0] == pytest.approx(u, abs=0.1)
    assert back_v[0] == pytest.approx(v, abs=0.1)


def test_nothing_stands_above_the_horizon() -> None:
    x_m, _ = Calibration(camera()).to_ground(np.array([320.0]), np.array([5.0]))
    assert math.isnan(x_m[0])


@pytest.mark.parametrize("distance", [20.0, 35.0, 60.0])
def test_ground_points_are_exact_and_boxes_are_corrected(distance: float) -> None:
    calibration = Calibration(camera())
    y_m = 70.0 - distance
    seen = box(calibration, 12.0, y_m, 4.5, 1.8, 1.5)
    projector = Projector(calibration, 0, heading=lambda x, y, named: np.full(len(x), -math.pi / 2))
    exact = projector.scan(seen, 0.0, 0)
    assert np.hypot(exact.x_m[0] - 12.0, exact.y_m[0] - y_m) < 1e-6
    seen.ground_x = seen.ground_y = np.array([np.nan])
    raw_x, raw_y = calibration.to_ground((seen.x1 + seen.x2) / 2, seen.y2)
    corrected = projector.scan(seen, 0.0, 0)
    error = np.hypot(corrected.x_m[0] - 12.0, corrected.y_m[0] - y_m)
    assert error < 0.6 * np.hypot(raw_x[0] - 12.0, raw_y[0] - y_m)
    assert error < 1.2


def test_covariance_grows_with_distance_and_points_along_the_sight_line() -> None:
    calibration = Calibration(camera())
    projector = Projector(calibration, 0)
    near = projector.scan(box(calibration, 10.0, 50.0, 4.5, 1.8, 1.5), 0.0, 0)
    far = projector.scan(box(calibration, 10.0, -10.0, 4.5, 1.8, 1.5), 0.0, 0)
    assert far.variance_yy[0] > 4 * near.variance_yy[0]
    assert far.variance_yy[0] > 4 * far.variance_xx[0]
    assert near.variance_xx[0] * near.variance_yy[0] > near.variance_xy[0] ** 2


def test_covariance_agrees_with_a_simulation_of_its_noise() -> None:
    calibration = Calibration(camera(angle_deviation_rad=0.0, pixel_deviation_px=2.0))
    projector = Projector(calibration, 0)
    seen = box(calibration, 14.0, 25.0, 0.5, 0.5, 1.7)
    seen.object_class = np.array([6])
    told = projector.scan(seen, 0.0, 0)
    rng = np.random.default_rng(3)
    size = np.array([seen.x2[0] - seen.x1[0], seen.y2[0] - seen.y1[0]])
    noise = rng.normal(size=(4000, 2)) * np.sqrt(2.0**2 + (0.035 * size) ** 2)
    x_m, y_m = calibration.to_ground(seen.ground_x + noise[:, 0], seen.ground_y + noise[:, 1])
    assert told.variance_xx[0] == pytest.approx(np.var(x_m) + 0.15**2, rel=0.15)
    assert told.variance_yy[0] == pytest.approx(np.var(y_m) + 0.15**2, rel=0.15)


def test_the_ground_may_be_sloped() -> None:
    calibration = Calibration(camera())
    slope = 0.03
    x_true, y_true = 13.0, 20.0
    u, v = calibration.to_picture(np.array([x_true]), np.array([y_true]), np.array([slope * y_true]))
    seen = OneBox(np.array([1]), np.ones(1), u - 10, v - 20, u + 10, v, u, v)
    flat = Projector(calibration, 0).scan(seen, 0.0, 0)
    sloped = Projector(calibration, 0, height=lambda x, y: slope * y).scan(seen, 0.0, 0)
    assert abs(flat.y_m[0] - y_true) > 1.5
    assert abs(sloped.y_m[0] - y_true) < 0.1


def test_the_view_is_the_wedge_of_the_picture() -> None:
    calibration = Calibration(camera())
    view = calibration.view
    assert view.opening_rad == pytest.approx(2 * math.atan(320 / 500))
    assert 5.0 < view.range_min_m < 20.0
    x_m, y_m = calibration.outline()
    assert np.isfinite(x_m).all()
    assert np.hypot(x_m - 10.0, y_m - 70.0).max() < 111.0


@pytest.mark.parametrize("length", [6.5, 8.5, 11.0])
def test_a_truck_of_any_length_stands_where_its_box_says(length: float) -> None:
    """Without a ground point: the fitted cuboid, not the usual length, tells how far the middle is behind the bottom edge."""
    settings = camera(pixel_deviation_px=0.5, angle_deviation_rad=1e-4)
    calibration = Calibration(settings)
    seen = box(calibration, 11.5, 35.0, length, 2.5, 3.0)
    blind = replace(seen, object_class=np.array([2]), ground_x=np.full(1, np.nan), ground_y=np.full(1, np.nan))
    south = Projector(calibration, 0, heading=lambda x, y, named: np.full(len(x), -math.pi / 2))
    scan = south.scan(blind, 0.0, 1)
    assert math.hypot(scan.x_m[0] - 11.5, scan.y_m[0] - 35.0) < 0.9
    assert abs(scan.length_m[0] - length) < 0.8 * abs(8.5 - length) + 0.3  # nearer than the usual length
    unknown = Projector(calibration, 0).scan(blind, 0.0, 1)
    assert math.isnan(unknown.length_m[0])


def test_noisy_boxes_scatter_as_the_fitted_covariance_says() -> None:
    calibration = Calibration(camera(pixel_deviation_px=1.5, angle_deviation_rad=1e-4))
    projector = Projector(calibration, 0, heading=lambda x, y, named: np.full(len(x), -math.pi / 2))
    rng = np.random.default_rng(3)
    exact = box(calibration, 12.0, 25.0, 4.5, 1.8, 1.5)
    nees = []
    for _ in range(300):
        shift = rng.normal(0, 1.5, 4)
        noisy = replace(
            exact, x1=exact.x1 + shift[0], y1=exact.y1 + shift[1], x2=exact.x2 + shift[2], y2=exact.y2 + shift[3],
            ground_x=np.full(1, np.nan), ground_y=np.full(1, np.nan),
        )  # fmt: skip
        scan = projector.scan(noisy, 0.0, 1)
        off = np.array([scan.x_m[0] - 12.0, scan.y_m[0] - 25.0])
        variance = np.array([[scan.variance_xx[0], scan.variance_xy[0]], [scan.variance_xy[0], scan.variance_yy[0]]])
        nees.append(float(off @ np.linalg.solve(variance, off)))
    assert 0.5 < np.mean(nees) < 2.3  # 2 where nothing but the edges errs; heading and shape have their share too


def test_a_box_that_no_vehicle_explains_keeps_the_plain_estimate() -> None:
    calibration = Calibration(camera())
    seen = box(calibration, 11.0, 35.0, 4.5, 1.8, 1.5)
    odd = replace(
        seen, y1=seen.y2 - 3.0, ground_x=np.full(1, np.nan), ground_y=np.full(1, np.nan)
    )  # only its feet are seen
    projector = Projector(calibration, 0, heading=lambda x, y, named: np.full(len(x), -math.pi / 2))
    assert np.isfinite(projector.scan(odd, 0.0, 1).x_m).all()
