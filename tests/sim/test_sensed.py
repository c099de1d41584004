"""Recorded traffic as a roadside unit would measure it."""

import csv
import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lukou_sim.bench.sensed import JUMP_FRAMES, Errors, _draw_out_lane_changes, _seen_from, _Sensor, _sensors, sense

FCD = "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_angle;vehicle_type;vehicle_speed;vehicle_acceleration"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A car that passes the intersection eastwards at 10 m/s, and a walker who stands."""
    with gzip.open(tmp_path / "fcd.csv.gz", "wt") as stream:
        stream.write(FCD + "\n")
        for k in range(100):
            stream.write(f"{100 + 0.1 * k:.1f};car;{-50 + k:.1f};3.0;90;car;10.0;0.0\n")
    with gzip.open(tmp_path / "vru.csv.gz", "wt") as stream:
        stream.write("t,id,x,y,heading,speed,cls,length,width\n")
        for k in range(100):
            stream.write(f"{100 + 0.1 * k:.1f},ped,20.0,-20.0,0.0,0.0,ped,0.5,0.5\n")
    (tmp_path / "vtypes.csv").write_text("id,length,width\ncar,5.0,1.8\n")
    return tmp_path


def table(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as stream:
        return list(csv.DictReader(stream))


def test_what_is_measured_lies_near_the_truth_and_comes_later(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sensed"
    quiet = Errors(clutter=0.0, radar_clutter=0.0)
    seen = sense(folder, (0.0, 0.0), out, seed=3, seconds=9.0, errors=quiet)
    told = json.loads((out / "sensors.json").read_text())
    assert told["begin"] == 100.0 and told["duration"] == pytest.approx(9.0)
    assert seen == len(table(out / "truth.csv.gz"))
    off = []
    for row in table(out / "async.csv.gz"):
        t = float(row["t_meas"])
        assert float(row["t_arr"]) > t
        to_car = math.hypot(float(row["x"]) - (-52.5 + 10.0 * t), float(row["y"]) - 3.0)
        to_walker = math.hypot(float(row["x"]) - 20.0, float(row["y"]) + 20.0)
        off.append(min(to_car, to_walker))
    assert len(off) > 200
    assert np.median(off) < 1.5  # radars see the side that is turned to them
    assert max(off) < 5.0  # half a car and four deviations


def test_the_same_seed_measures_the_same_and_another_does_not(folder: Path, tmp_path: Path) -> None:
    def measured(seed: int, name: str) -> list[dict[str, Any]]:
        sense(folder, (0.0, 0.0), tmp_path / name, seed=seed, seconds=3.0)
        return list(table(tmp_path / name / "async.csv.gz"))

    assert measured(1, "a") == measured(1, "b")
    assert measured(1, "a") != measured(2, "c")


def test_a_truck_hides_who_is_in_its_shadow_seen_from_the_mast_and_nobody_beyond() -> None:
    """From 8 m a truck of 3.2 m, 10 to 12.5 m away, throws a shadow to 20.8 m: no line of sight is hidden for ever."""
    sensor = {"x": 0.0, "y": 0.0, "h": 8.0}
    truck, near, far = (
        (11.25, np.pi / 2, 10.0, 2.5, 3.2),
        (14.0, np.pi / 2, 4.5, 1.8, 1.5),
        (24.0, np.pi / 2, 4.5, 1.8, 1.5),
    )
    columns = np.array([(x, 0.0, *rest) for x, *rest in (truck, near, far)]).T
    distance, _, hidden = _seen_from(sensor, columns)
    assert distance.tolist() == [11.25, 14.0, 24.0]
    assert hidden.tolist() == [0.0, 1.0, 0.0]


def test_misses_of_a_camera_last() -> None:
    """Missed once, missed again a tenth of a second later several times as often as usual: so it is in the shared tracking data."""
    sensor = _Sensor(_sensors((0.0, 0.0))[0], Errors(), np.random.default_rng(5))
    names = [f"car{k}" for k in range(400)]
    missed = np.array([sensor._drops(names) for _ in range(100)])
    after = missed[1:][missed[:-1]].mean()
    assert missed.mean() == pytest.approx(Errors().dropped, abs=0.004)
    assert after == pytest.approx(1.0 - 0.1 / Errors().dropped_s, abs=0.05)


def test_a_lane_change_in_one_step_is_drawn_out() -> None:
    way = np.zeros((60, 8))
    way[:, 1] = np.arange(60.0)
    way[30:, 2] = 3.2
    _draw_out_lane_changes(way)
    assert np.abs(np.diff(way[:, 2])).max() < 3.2 / JUMP_FRAMES
    assert way[0, 2] == 0.0 and way[-1, 2] == 3.2
