"""``lukou look``: the perception view as files."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_messages.codec import encode
from lukou_messages.objects import ObjectList
from lukou_messages.recording import RecordingWriter
from lukou_messages.v1.header_pb2 import Header, Validity
from lukou_messages.v1.sensor_pb2 import CameraPicture, PictureBox
from lukou_roadside.perception.look_verb import app
from lukou_roadside.perception.view_picture import BOX, COASTED, MEASURED, SIGMAS_95, SIZE_PX, Image, map_picture

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
START_NS = 1_800_000_000_000_000_000
RADIUS_M = 70.0


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


def road_users() -> ObjectList:
    """One that is measured in the middle, one that is coasted 30 m east of it; both stand, 4 m long and turned north."""
    return ObjectList.of(
        2,
        id=np.array([7, 8]),
        object_class=np.array([1, 1]),
        x_m=np.array([300.0, 330.0]),
        y_m=np.array([600.0, 600.0]),
        yaw_rad=np.full(2, np.pi / 2),
        length_m=np.full(2, 4.0),
        width_m=np.full(2, 2.0),
        unmeasured_s=np.array([0.0, 1.0]),
        position_variance_xx_m2=np.array([4.0, 4.0]),
        position_variance_xy_m2=np.zeros(2),
        position_variance_yy_m2=np.array([36.0, 36.0]),
    )


def at(image: Image, x_m: float, y_m: float) -> tuple[int, ...]:
    scale = SIZE_PX / (2.0 * RADIUS_M)
    row, column = round(0.5 * SIZE_PX - (y_m - 600.0) * scale), round(0.5 * SIZE_PX + (x_m - 300.0) * scale)
    return tuple(int(value) for value in image[row, column])


def test_everybody_stands_where_he_is_with_his_ellipse(model: RoadModel) -> None:
    image = map_picture(model, road_users(), (300.0, 600.0), RADIUS_M)
    assert at(image, 300.0, 600.0) == MEASURED
    assert at(image, 330.0, 600.0) == COASTED
    assert at(image, 300.0, 601.5) == MEASURED != at(image, 301.9, 600.0)  # long to the north, not to the east
    edge = [at(image, 300.0, 600.0 + SIGMAS_95 * 6.0 + off) for off in (-0.25, 0.0, 0.25)]
    assert any(np.hypot(*(np.array(colour[:2]) - MEASURED[:2])) < 60.0 for colour in edge)  # smoothed
    assert at(image, 300.0 + SIGMAS_95 * 6.0, 600.0) != MEASURED


def recorded(folder: Path) -> Path:
    grey = np.full((90, 160, 3), 120, np.uint8)
    jpeg = cv2.imencode(".jpg", grey)[1].tobytes()
    box = PictureBox(object_class=1, score=0.8, left=0.25, top=0.5, right=0.5, bottom=0.9)
    sent = CameraPicture(camera="north", width_px=160, height_px=90, jpeg=jpeg, boxes=[box])
    with RecordingWriter(folder / "r.mcap") as writer:
        for k in range(20):
            ns = START_NS + k * 100_000_000
            header = Header(
                source="k1/perception", epoch=1, sequence=k + 1, measured_at_ns=ns, sent_at_ns=ns,
                validity=Validity.VALIDITY_VALID,
            )  # fmt: skip
            writer.write("objects", encode("objects", header, road_users()))
            if k in (5, 15):
                writer.write("picture", encode("picture", header, sent))
        return writer.path


def test_a_recording_becomes_pictures_of_cameras_and_map(tmp_path: Path) -> None:
    options = [
        "--map",
        str(DISTRICT),
        "--recording",
        str(recorded(tmp_path)),
        "--out",
        str(tmp_path / "view"),
        "--json",
    ]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    files = [Path(name) for name in json.loads(done.stdout)["files"]]
    assert sorted(path.name.rsplit("-", 1)[0] for path in files) == ["k1-map"] * 2 + ["k1-north"] * 2
    beside = cv2.imread(str(next(path for path in files if "north" in path.name)))
    assert beside is not None
    assert beside.shape[1] == round(160 * SIZE_PX / 90) + SIZE_PX
    head = beside.shape[0] - SIZE_PX
    edge = beside[head + round(0.7 * SIZE_PX), round(0.25 * 160 * SIZE_PX / 90)]
    assert tuple(int(value) for value in edge) == BOX
    assert CliRunner().invoke(app, [*options, "--site", "k2"]).exit_code == 1


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--map", str(DISTRICT), "--taps", str(tmp_path), "--out", str(tmp_path / "view")])
    assert done.exit_code == 2
    assert "--taps" in done.output
