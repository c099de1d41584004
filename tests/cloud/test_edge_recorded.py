"""Recordings of SUMO as they are read."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.recorded import read_trajectories
from lukou_cloud.edge.road_users import MOST_PICKED_UP_MPS2, PEDESTRIAN, believed, road_users_of
from lukou_cloud.edge.settings import WarningSettings
from lukou_cloud.fusion.tracks import UnitTracks
from lukou_messages.v1.objects_pb2 import ObjectClass

CAR = int(ObjectClass.OBJECT_CLASS_CAR)
HEAD = "timestep_time;vehicle_id;vehicle_x;vehicle_y;vehicle_angle;vehicle_type;vehicle_speed;vehicle_pos;vehicle_lane;vehicle_acceleration\n"


def recorded(folder: Path, shown: float, length_m: float) -> list[float]:
    """Speeds read of one who is told to drive at 10 m/s along a lane that is shown shorter than it is told."""
    rows = [(0.1 * k, min(1.0 * k, length_m)) for k in range(80)]
    text = "".join(f"{t:.2f};a;{way * shown:.3f};0.0;90;car;10.0;{way:.3f};e_0;-1.0\n" for t, way in rows)
    file = folder / "fcd.csv"
    file.write_text(HEAD + text + "8.00;;;;;;;;;\n")
    frames = read_trajectories([file])
    assert len(frames) == 81
    assert {one.acceleration_mps2 / one.speed_mps for _, frame in frames for one in frame} == {-0.1}
    return sorted({one.speed_mps for _, frame in frames for one in frame})


def test_speeds_are_those_that_positions_show(tmp_path: Path) -> None:
    assert recorded(tmp_path, 0.93, 60.0) == pytest.approx([9.3])
    assert recorded(tmp_path, 1.0, 60.0) == pytest.approx([10.0])
    assert recorded(tmp_path, 0.8, 15.0) == [10.0]  # over in a second, and made up for on the next lane


def test_only_tracked_road_users_are_not_believed_to_pick_up_speed_faster_than_cars_do() -> None:
    told, exactly, tracked = np.array([-6.0, 1.5, 3.5]), np.full(3, 0.1), np.full(3, 0.4)
    cars = np.full(3, CAR)
    assert believed(told, exactly, cars).tolist() == told.tolist()
    assert believed(told, tracked, cars).tolist() == [-6.0, 1.5, MOST_PICKED_UP_MPS2]


def test_a_tracked_speed_is_as_sure_as_the_velocity_along_the_way() -> None:
    made = UnitTracks(np.full((3, 1), CAR), np.zeros((26, 1)))
    made.vy_mps[:], made.vxx[:], made.vyy[:] = 8.0, 9.0, 0.09
    assert road_users_of(made, WarningSettings()).speed_deviation_mps.tolist() == pytest.approx([0.3])


def test_walkers_have_no_acceleration_that_lasts() -> None:
    told = np.array([-0.4, 0.4])
    assert believed(told, np.full(2, 0.06), np.array([PEDESTRIAN, CAR])).tolist() == [0.0, 0.4]
