"""``lukou calibrate tracks VIDEO``: a rendered video of traffic, followed by the shipped detector, brings a camera back to its lanes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_roadside.calibration.report import as_toml
from lukou_roadside.calibration.verb import app
from lukou_roadside.perception.settings import CameraSettings
from lukou_sim.demo.sites import camera_section
from lukou_sim.district.cameras import cameras
from lukou_sim.world.pictures import Pictures
from lukou_sim.world.scenario import load_scenario
from lukou_sim.world.world import World

from .rendered_street import NET, ground_errors

SECONDS, RATE_HZ = 40, 5


def film(file: Path, camera: str) -> None:
    """What a camera of k1 sees of the busy morning."""
    world = World(load_scenario("demo").model_copy(update={"dangers": ()}), 5, sensors=False)
    pictures = Pictures(5)
    video = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), RATE_HZ, (640, 384))
    for step in range(SECONDS * 10):
        world.step()
        if step % (10 // RATE_HZ) == 0:
            video.write(pictures.render(camera, world.traffic.road_users()))
    video.release()
    world.close()


@pytest.mark.slow
def test_a_camera_that_is_off_is_brought_back_by_a_video(tmp_path: Path) -> None:
    model = next(one for one in cameras("k1") if one.name == "camera-north")
    section = camera_section(model, "", 10.0)
    true = CameraSettings.model_validate(
        {key: value for key, value in section.items() if key not in ("driver", "options")}
    )
    moved = {"x_m": true.x_m + 0.6, "y_m": true.y_m - 0.5, "azimuth_rad": true.azimuth_rad + 0.012}
    start = true.model_copy(update={**moved, "pitch_rad": true.pitch_rad - 0.01})
    (tmp_path / "start.toml").write_text(as_toml(start, True))
    film(tmp_path / "north.avi", model.name)
    words = ["tracks", tmp_path / "north.avi", "--camera", tmp_path / "start.toml", "--map", NET, "--json"]
    words += ["--out", tmp_path / "found.toml", "--drawing", tmp_path / "drawing.png"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["passes"] >= 20
    assert figures["after_m"] < 0.5 * figures["before_m"]
    found = CameraSettings.model_validate(
        tomllib.loads((tmp_path / "found.toml").read_text())["perception"]["cameras"][0]
    )
    before, after = ground_errors(true, start), ground_errors(true, found)
    assert np.nanmin(before) > 0.7
    assert np.nanmax(after) < 0.4
    assert cv2.imread(str(tmp_path / "drawing.png")) is not None


def test_no_video_and_a_video_of_another_size_are_told(tmp_path: Path) -> None:
    (tmp_path / "start.toml").write_text(as_toml(CameraSettings(name="c", focal_x_px=500.0, x_m=320.0, y_m=730.0, z_m=10.0,
                                                               azimuth_rad=-1.57, pitch_rad=-0.3), True))  # fmt: skip
    (tmp_path / "text.avi").write_text("no video")
    video = cv2.VideoWriter(str(tmp_path / "small.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (320, 240))
    for _ in range(5):
        video.write(np.zeros((240, 320, 3), np.uint8))
    video.release()
    for name, words in (("text.avi", "text.avi"), ("small.avi", "320")):
        call = ["tracks", tmp_path / name, "--camera", tmp_path / "start.toml", "--map", NET]
        done = CliRunner().invoke(app, [str(word) for word in call])
        assert done.exit_code == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
