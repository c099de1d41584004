"""``lukou bench calibration``: runs the command itself and compares with the truth that only it knows."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_sim.bench.calibration import HEIGHT, WIDTH, View, _compared, _on_ground
from lukou_sim.bench.verb import app
from lukou_sim.render.camera import look

TRUE = View(
    look("mast", (3.0, -5.0, 8.0), 0.7, -0.3, focal_px=900.0, width=WIDTH, height=HEIGHT, roll_rad=0.02),
    0.7,
    -0.3,
    0.02,
    (-0.2, 0.03),
)


def site(**change: float) -> dict[str, object]:
    camera = {
        "focal_x_px": 900.0, "x_m": 3.0, "y_m": -5.0, "z_m": 8.0, "azimuth_rad": 0.7, "pitch_rad": -0.3, "roll_rad": 0.02,
        "distortion": [-0.2, 0.03, 0.0, 0.0],
    }  # fmt: skip
    return {"perception": {"cameras": [{**camera, **change}]}}


def test_the_judge_finds_no_error_in_the_truth_and_the_right_one_in_a_lie() -> None:
    points = np.array([[25.0, 10.0, 0.0], [30.0, 20.0, 0.0]])
    pixels, depth = TRUE.pixels(points)
    assert (depth > 10).all()
    camera = site()["perception"]["cameras"][0]  # type: ignore[index]
    np.testing.assert_allclose(_on_ground(camera, pixels), points[:, :2], atol=1e-4)
    exact = _compared(TRUE, site(), {})  # type: ignore[arg-type]
    assert exact["ground_20_m"] == pytest.approx(0.0, abs=1e-4)
    turned = _compared(TRUE, site(azimuth_rad=0.71), {})  # type: ignore[arg-type]
    assert turned["ground_40_m"] == pytest.approx(0.4, abs=0.01)  # 10 mrad at 40 m
    assert turned["angle_deg"] == pytest.approx(math.degrees(0.01))


@pytest.mark.slow
def test_every_method_is_measured() -> None:
    done = CliRunner().invoke(app, ["calibration", "--cameras", "1", "--seed", "4", "--json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    assert figures["cameras"] == 1
    assert {row["method"] for row in figures["rows"]} == set(figures["methods"])
    known = figures["methods"]["points_focal_known"]
    assert known["found"] == 1.0
    assert known["ground_20_m"]["median"] < 1.0
    missing = CliRunner().invoke(app, ["calibration", "--map", str(Path("nowhere.net.xml"))])
    assert missing.exit_code == 2
