"""``lukou calibrate``: what a user types, what comes out, and that the result can be used as a site file's camera."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_roadside.calibration.verb import app
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings

from .rendered_street import NET, camera, ground_errors, picture


def run(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr


def write_pairs(file: Path, true: CameraSettings) -> None:
    view = Calibration(true)
    u, v = np.meshgrid(np.linspace(60, 900, 4), np.linspace(180, 560, 4))
    x, y = view.to_ground(u.ravel(), v.ravel())
    rows = [
        f"p{k},{u.ravel()[k]:.2f},{v.ravel()[k]:.2f},{x[k]:.3f},{y[k]:.3f}" for k in range(len(x)) if np.isfinite(x[k])
    ]
    rows[3] = rows[3].replace(",", ",9", 1)  # a wrong one
    file.write_text("name,u,v,x,y\n" + "\n".join(rows) + "\n")


def test_points_to_site_file_and_report(tmp_path: Path) -> None:
    true = camera()
    write_pairs(tmp_path / "pairs.csv", true)
    out, told = tmp_path / "camera.toml", tmp_path / "report.json"
    code, stdout, stderr = run(
        "points",
        tmp_path / "pairs.csv",
        "--size",
        "960x600",
        "--name",
        "north",
        "--out",
        out,
        "--report",
        told,
        "--json",
    )
    assert code == 0, stderr
    figures = json.loads(stdout)
    assert figures["schema_version"] == 1
    assert [row["name"] for row in figures["pairs"] if not row["is_used"]] == ["p3"]
    assert figures["left_out_error_m"]["median"] < 0.1
    assert json.loads(told.read_text())["camera"]["name"] == "north"
    got = CameraSettings.model_validate(tomllib.loads(out.read_text())["perception"]["cameras"][0])
    assert np.nanmax(ground_errors(true, got)[:2]) < 0.1


def test_import_then_points_keeps_the_lens(tmp_path: Path) -> None:
    true = camera(distortion=(-0.2, 0.05, 0.0, 0.0))
    (tmp_path / "lens.json").write_text(json.dumps({
        "image_width": 960, "image_height": 600, "camera_matrix": [[800, 0, 479.5], [0, 800, 299.5], [0, 0, 1]],
        "dist_coeffs": [-0.2, 0.05, 0, 0],
    }))  # fmt: skip
    code, words, stderr = run("import", tmp_path / "lens.json", "--name", "north", "--out", tmp_path / "lens.toml")
    assert code == 0, stderr
    assert "the file's pose was not read" in words
    assert "azimuth_rad" not in (tmp_path / "lens.toml").read_text()
    write_pairs(tmp_path / "pairs.csv", true)
    code, stdout, stderr = run("points", tmp_path / "pairs.csv", "--camera", tmp_path / "lens.toml", "--json")
    assert code == 0, stderr
    figures = json.loads(stdout)
    assert figures["camera"]["distortion"] == [-0.2, 0.05, 0.0, 0.0]
    assert figures["camera"]["focal_x_px"] == 800.0  # known, so kept
    assert figures["residual_px"]["median"] < 0.1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("points", "nowhere.csv", "--size", "640x384"), "nowhere.csv"), (("points", "pairs.csv"), "--size"),
        (("points", "pairs.csv", "--size", "big"), "1920x1080"), (("import", "nowhere.yaml"), "nowhere.yaml"),
        (("lines", "nowhere.png", "--map", "x.xml", "--near", "1,2", "--toward", "3,4"), "nowhere.png"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs(tmp_path / "pairs.csv", camera())
    code, stdout, stderr = run(*words)
    assert code == 2
    assert stdout == ""
    assert problem in stderr
    assert "Traceback" not in stderr


@pytest.mark.slow
def test_lines_check_and_page(tmp_path: Path) -> None:
    true = camera()
    street = tmp_path / "street.png"
    cv2.imwrite(str(street), picture(true))
    out, drawing = tmp_path / "camera.toml", tmp_path / "drawing.png"
    toward = f"{true.x_m + 30 * np.cos(true.azimuth_rad)},{true.y_m + 30 * np.sin(true.azimuth_rad)}"
    near = f"{true.x_m + 1},{true.y_m - 1}"
    code, stdout, stderr = run(
        "lines",
        street,
        "--map",
        NET,
        "--near",
        near,
        "--toward",
        toward,
        "--focal",
        800,
        "--out",
        out,
        "--drawing",
        drawing,
        "--json",
    )
    assert code == 0, stderr
    assert json.loads(stdout)["found_share"] > 0.6
    got = CameraSettings.model_validate(tomllib.loads(out.read_text())["perception"]["cameras"][0])
    assert np.nanmax(ground_errors(true, got)[:2]) < 0.8
    assert cv2.imread(str(drawing)).shape == (600, 960, 3)

    code, stdout, stderr = run("check", out, "--map", NET, "--picture", street, "--json")
    assert code == 0, stderr
    assert not json.loads(stdout)["has_moved"]
    cv2.imwrite(str(street), picture(true.model_copy(update={"azimuth_rad": true.azimuth_rad + 0.035})))
    code, stdout, stderr = run("check", out, "--map", NET, "--picture", street, "--json")
    assert code == 1
    assert "to the left" in json.loads(stdout)["warnings"][0]

    code, _, stderr = run(
        "page", "--picture", street, "--map", NET, "--near", "340,660", "--out", tmp_path / "page.html"
    )
    assert code == 0, stderr
    text = (tmp_path / "page.html").read_text()
    assert "data:image/jpeg;base64," in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
