"""Lenses agree with OpenCV, and taking distortion out is the inverse of putting it in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.lens import Lens, LensKind
from lukou_roadside.perception.settings import CameraSettings

LENSES: list[tuple[LensKind, tuple[float, ...]]] = [
    ("radial_tangential", (-0.2167, 0.0525, -0.0018, -0.0004, 1.3219)),
    ("radial_tangential", (-0.3, 0.09, 0.001, -0.002)),
    ("radial_tangential", (0.1, -0.2, 0.001, 0.002, 0.3, 0.2, 0.1, 0.05)),
    ("fisheye", (-0.02, 0.01, 0.003, -0.001)),
]


@pytest.mark.parametrize(("kind", "coefficients"), LENSES)
def test_agrees_with_opencv_and_back(kind: LensKind, coefficients: tuple[float, ...]) -> None:
    points = np.random.default_rng(1).uniform(-0.6, 0.6, (200, 2))
    rays = np.column_stack([points, np.ones(200)])[:, None]
    project = cv2.fisheye.projectPoints if kind == "fisheye" else cv2.projectPoints
    expected = project(rays, np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients))[0][:, 0]
    lens = Lens(kind, coefficients)
    x, y = lens.distorted(*points.T)
    np.testing.assert_allclose(np.column_stack([x, y]), expected, atol=1e-12)
    np.testing.assert_allclose(np.column_stack(lens.undistorted(x, y)), points, atol=1e-9)


def test_what_the_lens_cannot_show_is_nowhere() -> None:
    lens = Lens("radial_tangential", (-0.3, 0.0, 0.0, 0.0))  # folds back at r = sqrt(1 / 0.9)
    assert lens.largest_radius == pytest.approx(np.sqrt(1 / 0.9), abs=0.01)
    x, _ = lens.distorted(np.array([0.5, 1.5, 3.0]), np.zeros(3))
    assert np.isfinite(x).tolist() == [True, False, False]
    back, _ = lens.undistorted(np.array([0.4, 2.0]), np.zeros(2))
    assert np.isfinite(back).tolist() == [True, False]


def test_a_bent_camera_projects_to_the_ground_and_back() -> None:
    for kind, coefficients in LENSES:
        camera = Calibration(
            CameraSettings(
                name="c",
                focal_x_px=500.0,
                x_m=3.0,
                y_m=4.0,
                z_m=8.0,
                azimuth_rad=0.7,
                pitch_rad=-0.4,
                lens=kind,
                distortion=coefficients,
            )
        )
        u, v = np.array([20.0, 320.0, 600.0]), np.array([370.0, 200.0, 300.0])
        x, y = camera.to_ground(u, v)
        back_u, back_v = camera.to_picture(x, y, np.zeros(3))
        np.testing.assert_allclose([back_u, back_v], [u, v], atol=1e-6)


def test_a_wrong_number_of_coefficients_is_refused() -> None:
    with pytest.raises(ValidationError, match="distortion has 3 numbers"):
        CameraSettings(
            name="c", focal_x_px=500.0, x_m=0, y_m=0, z_m=8.0, azimuth_rad=0, pitch_rad=0, distortion=(0.1, 0.2, 0.3)
        )
