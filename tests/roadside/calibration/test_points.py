"""Calibration from map points: known cameras are found again, wrong points are told, covariances are honest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.parameters import camera_at, ground_deviation, vector_of
from lukou_roadside.calibration.points import PairNoise, Pairs, from_points, left_out_errors_m, read_pairs
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings

from .rendered_street import camera, ground_errors

BLANK = {"x_m": 0.0, "y_m": 0.0, "z_m": 8.0, "azimuth_rad": 0.0, "pitch_rad": -0.1, "roll_rad": 0.0}


def clicked(
    true: CameraSettings, rng: np.random.Generator, count: int, noise_px: float = 1.5, noise_m: float = 0.05
) -> Pairs:
    """Ground points within 70 m that the camera sees, clicked with errors."""
    view = Calibration(true)
    u, v = rng.uniform(0, true.width_px, 400), rng.uniform(0, true.height_px, 400)
    x, y = view.to_ground(u, v)
    chosen = np.flatnonzero(np.hypot(x - true.x_m, y - true.y_m) < 70)[:count]
    noisy = [
        column[chosen] + rng.normal(0, size, count)
        for column, size in ((u, noise_px), (v, noise_px), (x, noise_m), (y, noise_m))
    ]
    return Pairs(tuple(f"p{k}" for k in range(count)), *noisy, np.zeros(count))


def unseen(rng: np.random.Generator) -> CameraSettings:
    return camera(
        x_m=float(rng.uniform(-4000, 4000)), y_m=float(rng.uniform(-4000, 4000)), z_m=float(rng.uniform(5, 12)),
        azimuth_rad=float(rng.uniform(-3, 3)), pitch_rad=float(rng.uniform(-0.5, -0.18)), roll_rad=float(rng.normal(0, 0.03)),
        focal_x_px=float(rng.uniform(450, 1300)), distortion=(-0.18, 0.03, 0.0005, -0.0003) if rng.random() < 0.5 else (),
    )  # fmt: skip


def test_exact_points_give_the_exact_camera() -> None:
    true = camera()
    pairs = clicked(true, np.random.default_rng(2), 8, 0.0, 0.0)
    start = true.model_copy(update={**BLANK, "focal_x_px": 500.0})
    found = from_points(pairs, start, is_focal_known=False)
    np.testing.assert_allclose(vector_of(camera_at(start, found.vector))[:6], vector_of(true)[:6], atol=1e-3)
    assert camera_at(start, found.vector).focal_x_px == pytest.approx(800.0, abs=0.5)


@pytest.mark.parametrize("seed", range(6))
def test_unseen_cameras_with_wrong_points_among_the_right(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = unseen(rng)
    pairs = clicked(true, rng, 12)
    pairs.u_px[2] += 160.0
    pairs.v_px[7] -= 110.0
    start = true.model_copy(update={**BLANK, "focal_x_px": 0.85 * true.width_px})
    found = from_points(pairs, start, is_focal_known=False, noise=PairNoise(1.5, 0.05))
    wrong = np.flatnonzero(found.weights < 0.5)
    assert {2, 7} <= set(wrong.tolist())
    assert len(wrong) <= 4
    errors = ground_errors(true, camera_at(start, found.vector))
    told = [value or np.nan for value in ground_deviation(start, found.vector, found.covariance).values()]
    assert np.nanmax(errors[:2]) < 1.0
    assert not (errors > 4.0 * np.array(told) + 0.05).any()


@pytest.mark.slow
def test_deviations_are_honest() -> None:
    ratios = []
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        true = camera(azimuth_rad=float(rng.uniform(-3, 3)))
        pairs = clicked(true, rng, 10)
        found = from_points(pairs, true, is_focal_known=True, noise=PairNoise(1.5, 0.05))
        off = (found.vector - vector_of(true))[:6]
        off[3] = np.arctan2(np.sin(off[3]), np.cos(off[3]))
        ratios.append(float(off @ np.linalg.solve(found.covariance[:6, :6], off)) / 6.0)
    assert 0.5 < np.mean(ratios) < 1.8  # 40 x 6 degrees of freedom: 0.83 to 1.19 for exact normal errors


def test_left_out_points_tell_the_error_on_the_ground() -> None:
    true = camera()
    pairs = clicked(true, np.random.default_rng(4), 10)
    found = from_points(pairs, true, is_focal_known=True)
    errors = left_out_errors_m(pairs, true, found, PairNoise())
    assert errors is not None
    assert np.nanmedian(errors) < 1.0
    assert (
        left_out_errors_m(
            pairs.take(np.arange(5)),
            true,
            from_points(pairs.take(np.arange(5)), true, is_focal_known=True),
            PairNoise(),
        )
        is None
    )


def test_distortion_can_be_solved_for() -> None:
    true = camera(distortion=(-0.25, 0.0, 0.0, 0.0))
    pairs = clicked(true, np.random.default_rng(6), 30, 0.5, 0.01)
    start = true.model_copy(update={"distortion": ()})
    plain = from_points(pairs, start, is_focal_known=False, noise=PairNoise(0.5, 0.01))
    bent = from_points(pairs, start, is_focal_known=False, solve_distortion=True, noise=PairNoise(0.5, 0.01))
    assert bent.vector[7] == pytest.approx(-0.25, abs=0.05)
    assert bent.cost < 0.5 * plain.cost


def test_what_does_not_determine_a_camera_is_refused() -> None:
    true = camera()
    pairs = clicked(true, np.random.default_rng(1), 8)
    with pytest.raises(CalibrationError, match="at least 5"):
        from_points(pairs.take(np.arange(4)), true, is_focal_known=False)
    line = Pairs(pairs.names, pairs.u_px, pairs.v_px, np.linspace(0, 50, 8), np.linspace(0, 30, 8), np.zeros(8))
    with pytest.raises(CalibrationError, match="on one line"):
        from_points(line, true, is_focal_known=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "expected columns u,v,x,y"),
        ("u,v,x,y\n1,2,three,4\n", "line 2"),
        ("u,v,x,y\n1,2,inf,4\n", "line 2"),
        ("", "expected columns"),
    ],
)
def test_bad_tables_are_refused_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(text)
    with pytest.raises(CalibrationError, match=words):
        read_pairs(file)
