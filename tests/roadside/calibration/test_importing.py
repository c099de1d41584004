"""Calibration files of others: each form is read, conventions are told apart, nonsense is refused with what was found."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from lukou_roadside.calibration import plain_yaml
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.importing import read_calibration
from lukou_roadside.calibration.parameters import vector_of
from lukou_roadside.perception.calibration import Calibration

from .rendered_street import camera

K = np.array([[810.0, 0, 481.5], [0, 805.0, 301.5], [0, 0, 1.0]])
D = np.array([-0.3, 0.1, 0.001, -0.002, 0.05])

ROS = """
image_width: 640
image_height: 480
camera_name: mast
camera_matrix:
  rows: 3
  cols: 3
  data: [430.15, 0., 309.2, 0., 430.6, 237.0, 0., 0., 1.]   # row by row
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.337, 0.111, -0.0002,
  -0.00003, 0.0]}
"""
KALIBR = """
cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [-0.01, 0.02, -0.003, 0.001]
  distortion_model: equidistant
  intrinsics: [458.6, 457.2, 367.2, 248.3]
  resolution: [752, 480]
  T_cam_imu:
  - [0.0, 1.0, 0.0, 0.05]
  - [-1.0, 0.0, 0.0, 0.06]
  - [0.0, 0.0, 1.0, 0.0]
  - [0.0, 0.0, 0.0, 1.0]
cam1:
  camera_model: pinhole
  distortion_coeffs: [0.1, 0.2, 0.0, 0.0]
  distortion_model: radtan
  intrinsics: [400.0, 400.0, 300.0, 200.0]
  resolution: [600, 400]
"""
KITTI = """P0: 7.2e+02 0 6.1e+02 0 0 7.2e+02 1.7e+02 0 0 0 1 0
P2: 7.215377e+02 0.0 6.095593e+02 4.485728e+01 0.0 7.215377e+02 1.728540e+02 2.163791e-01 0.0 0.0 1.0 2.745884e-03
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: 0 -1 0 0 0 0 -1 -1.73 1 0 0 -0.27
"""


@pytest.mark.parametrize("ending", ["yml", "xml", "json"])
def test_what_opencv_writes_is_read(tmp_path: Path, ending: str) -> None:
    true = camera()
    view = Calibration(true)
    file = tmp_path / f"camera.{ending}"
    store = cv2.FileStorage(str(file), cv2.FILE_STORAGE_WRITE)
    for name, value in (
        ("image_width", 960),
        ("image_height", 600),
        ("camera_matrix", K),
        ("distortion_coefficients", D),
    ):
        store.write(name, value)
    store.write("rvec", cv2.Rodrigues(view.camera_from_map)[0])
    store.write("tvec", -view.camera_from_map @ view.position_map)
    store.release()
    told = read_calibration(file)
    assert (told.width_px, told.height_px) == (960, 600)
    assert (told.focal_x_px, told.focal_y_px, told.centre_x_px, told.centre_y_px) == (
        810.0,
        805.0,
        482.0,
        302.0,
    )  # from the corner
    assert told.distortion == pytest.approx(D)
    assert told.pose is not None
    np.testing.assert_allclose(told.pose, vector_of(true)[:6], atol=1e-9)


def test_ros_camera_info(tmp_path: Path) -> None:
    file = tmp_path / "camera_info.yaml"
    file.write_text(ROS)
    told = read_calibration(file)
    assert (told.width_px, told.height_px, told.lens) == (640, 480, "radial_tangential")
    assert (told.focal_x_px, told.centre_y_px) == (430.15, 237.5)
    assert told.distortion == (-0.337, 0.111, -0.0002, -0.00003, 0.0)
    assert told.pose is None


def test_kalibr_with_two_cameras(tmp_path: Path) -> None:
    file = tmp_path / "camchain.yaml"
    file.write_text(KALIBR)
    first, second = read_calibration(file), read_calibration(file, "cam1")
    assert (first.lens, first.distortion) == ("fisheye", (-0.01, 0.02, -0.003, 0.001))
    assert (first.width_px, first.focal_y_px) == (752, 457.2)
    assert (second.lens, second.focal_x_px) == ("radial_tangential", 400.0)
    with pytest.raises(CalibrationError, match="no camera 'cam7'"):
        read_calibration(file, "cam7")


def test_kitti_in_the_frame_of_its_lidar(tmp_path: Path) -> None:
    file = tmp_path / "000000.txt"
    file.write_text(KITTI)
    told = read_calibration(file)
    assert told.focal_x_px == pytest.approx(721.5377)
    assert told.pose is not None
    # a level camera that looks along the lidar's x axis, 0.27 m ahead; number 2 stands 6 cm to the left of number 0
    np.testing.assert_allclose(told.pose, [0.27 - 0.00275, 0.0598, -1.73, 0.0, 0.0, 0.0], atol=2e-3)


@pytest.mark.parametrize("form", ["camera from map", "map from camera", "map from body", "body from map", "projection"])
def test_conventions_of_extrinsics_are_told_apart(tmp_path: Path, form: str) -> None:
    true = camera(azimuth_rad=-2.1, pitch_rad=-0.22)
    view = Calibration(true)
    axes, place = view.camera_from_map, view.position_map
    body = np.array([[0, 0, 1.0], [-1, 0, 0], [0, -1, 0]]) @ axes
    matrix = {
        "camera from map": np.column_stack([axes, -axes @ place]),
        "map from camera": np.column_stack([axes.T, place]),
        "body from map": np.column_stack([body, -body @ place]),
        "map from body": np.column_stack([body.T, place]),
        "projection": -3.0 * K @ np.column_stack([axes, -axes @ place]),  # scale and sign mean nothing
    }[form]
    file = tmp_path / "camera.json"
    file.write_text(json.dumps({"intrinsic_camera_matrix": K.tolist(), "some_pose": matrix.tolist()}))
    assert read_calibration(file).pose is None  # never guessed which matrix is meant
    assert "some_pose" in read_calibration(file).matrices
    told = read_calibration(
        file, extrinsics="some_pose" if form == "projection" else f"some_pose={form.replace(' ', '_')}"
    )
    assert told.pose is not None
    np.testing.assert_allclose(told.pose, vector_of(true)[:6], atol=1e-6)


def test_a_clear_convention_need_not_be_told(tmp_path: Path) -> None:
    axes, place = Calibration(camera(azimuth_rad=0.5)).camera_from_map, Calibration(camera()).position_map
    file = tmp_path / "camera.json"
    file.write_text(json.dumps({"K": K.tolist(), "pose": np.column_stack([axes.T, place]).tolist()}))
    told = read_calibration(file, extrinsics="pose")
    assert told.how == "pose, map from camera"
    assert told.pose is not None
    np.testing.assert_allclose(told.pose, [*place, 0.5, -0.27, 0.012], atol=1e-9)
    with pytest.raises(CalibrationError, match="expected one of camera_from_map"):
        read_calibration(file, extrinsics="pose=sideways")


def test_a_frame_that_is_not_level_is_refused(tmp_path: Path) -> None:
    view = Calibration(camera())
    turned = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # the file's z lies in the map's plane
    axes = view.camera_from_map @ turned
    file = tmp_path / "camera.json"
    file.write_text(
        json.dumps({"K": K.tolist(), "projection": (K @ np.column_stack([axes, -axes @ view.position_map])).tolist()})
    )
    with pytest.raises(CalibrationError, match="not level"):
        read_calibration(file, extrinsics="projection")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting property name"), ("[1, 2]", "expected `key: value`"), ("a: 1\nb: 2\n", "no intrinsics found; .* the file has a, b"),
        ("K: [1, 2, 3]\n", "no camera matrix"), ("camera_matrix: [800, 90, 400, 0, 800, 300, 0, 0, 1]\n", "right angles"),
        ("K: [800, 0, 400, 0, 800, 300, 0, 0, 1]\nD: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n", "9 coefficients"), ("K: [800, 0,\n", "not closed"),
        ("", "no intrinsics"), ("one two three\n", "expected `key: value`"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "camera.txt"
    file.write_text(text)
    with pytest.raises(CalibrationError, match=words):
        read_calibration(file)


def test_plain_yaml() -> None:
    text = "%YAML:1.0\n---\na: 1\nb: !!opencv-matrix\n  rows: 2\n  data: [ 1., 2.e-1,\n    -3 ]\nc: {x: 1, y: [2, 3]}\nd:\n- [1, 2]\n- name: z\n  v: 2\n"
    told = plain_yaml.parse(text + "e: a word # and a remark\n")
    assert told["b"] == {"rows": 2.0, "data": [1.0, 0.2, -3.0]}
    assert told["c"] == {"x": 1.0, "y": [2.0, 3.0]}
    assert told["d"] == [[1.0, 2.0], {"name": "z", "v": 2.0}]
    assert told["e"] == "a word"
    assert math.isclose(told["a"], 1.0)
