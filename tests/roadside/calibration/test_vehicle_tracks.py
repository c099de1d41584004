"""Refining from tracks of vehicles: a camera that is a metre and some degrees off is brought back to the lanes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_maps.geometry import LaneGeometry
from lukou_maps.road_model import LaneKind, Participants
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.parameters import camera_at
from lukou_roadside.calibration.vehicle_tracks import PixelTracks, Trust, from_tracks, read_tracks
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings

from .rendered_street import camera, district, ground_errors


def driven(true: CameraSettings, rng: np.random.Generator, vehicles: int) -> PixelTracks:
    """Vehicles along lanes and over the junction, each a little left or right of the middle, as the camera sees them."""
    model = district()
    lanes, geometry, view = model.lanes, LaneGeometry(model.lanes), Calibration(true)
    last = lanes.point_start[1:] - 1
    near = np.hypot(lanes.x_m[last] - true.x_m, lanes.y_m[last] - true.y_m) < 80
    entries = np.flatnonzero(
        (lanes.kind == LaneKind.ROAD)
        & ((lanes.participants & int(Participants.CAR)) > 0)
        & (lanes.length_m > 15)
        & near
    )
    rows: list[tuple[float, float, float, float]] = []
    for vehicle in range(vehicles):
        lane, aside, speed, t = int(rng.choice(entries)), rng.normal(0, 0.25), rng.uniform(5, 14), 0.0
        s = max(0.0, float(lanes.length_m[lane]) - 80.0)
        for _ in range(4):
            along = np.arange(s, lanes.length_m[lane], speed * 0.2)
            x, y, heading = geometry.pose(np.full(len(along), lane), along)
            u, v = view.to_picture(x - np.sin(heading) * aside, y + np.cos(heading) * aside, np.zeros(len(along)))
            u, v = u + rng.normal(0, 2, len(u)), v + rng.normal(0, 2, len(v))
            inside = (u > 0) & (u < true.width_px) & (v > 0) & (v < true.height_px)
            rows += [(t + 0.2 * k, float(vehicle), u[k], v[k]) for k in np.flatnonzero(inside)]
            t += 0.2 * len(along)
            following = lanes.successors[lane]
            if len(following) == 0:
                break
            lane, s = int(rng.choice(following)), 0.0
    table = np.array(rows)
    table = table[np.lexsort((table[:, 0], table[:, 1]))]
    return PixelTracks(table[:, 0], table[:, 1].astype(np.int64), table[:, 2], table[:, 3])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_start_that_is_off_is_brought_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = camera(azimuth_rad=1.72 + float(rng.normal(0, 0.2)))
    off = rng.normal(0, 1, 5) * [0.6, 0.6, 0.2, 0.015, 0.015]
    start = true.model_copy(
        update={
            "x_m": true.x_m + off[0], "y_m": true.y_m + off[1], "z_m": true.z_m + off[2],
            "azimuth_rad": true.azimuth_rad + off[3], "pitch_rad": true.pitch_rad + off[4], "focal_x_px": 1.01 * true.focal_x_px,
        }
    )  # fmt: skip
    fit = from_tracks(driven(true, rng, 60), district(), start, Trust())
    after = ground_errors(true, camera_at(start, fit.solution.vector))
    assert np.nanmax(after) < 0.6
    assert fit.after_m < fit.before_m
    assert fit.passes >= 8


@pytest.mark.slow
def test_too_few_vehicles_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "tracks.csv"
    file.write_text("t,id,u,v\n" + "".join(f"{0.2 * k},1,{300 + 8 * k},{300 + k}\n" for k in range(40)))
    with pytest.raises(CalibrationError, match="fewer than 8 passes"):
        from_tracks(read_tracks(file), district(), camera(), Trust())


def test_bad_tables_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "tracks.csv"
    for text, words in (("t,id\n1,2\n", "expected columns t,id,u,v"), ("t,id,u,v\n1,2,3,x\n", "line 2")):
        file.write_text(text)
        with pytest.raises(CalibrationError, match=words):
            read_tracks(file)
