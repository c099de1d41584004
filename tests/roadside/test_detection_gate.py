"""What can be no road user is refused and counted: off the map's area, or of a size that its class never has."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lukou_hw.camera import CameraFrame
from lukou_hw.camera.reading import frame_input
from lukou_maps.reading import load_map
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.core import PerceptionCore
from lukou_roadside.perception.detection_gate import DetectionGate, inside_polygon, off_the_lanes
from lukou_roadside.perception.projection import Projector
from lukou_roadside.perception.settings import CameraSettings, GateSettings, PerceptionSettings

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
CAR, BUS, BICYCLE, PEDESTRIAN = 1, 3, 5, 6
SIZE = {CAR: (4.6, 1.8, 1.5), BUS: (12.0, 2.5, 3.1), BICYCLE: (1.8, 0.6, 1.7), PEDESTRIAN: (0.5, 0.5, 1.7)}
SETTINGS = {
    "name": "camera-north", "focal_x_px": 500.0, "x_m": 0.0, "y_m": 0.0, "z_m": 10.0, "azimuth_rad": 0.0,
    "pitch_rad": math.radians(-18.0),
}  # fmt: skip


@dataclass
class Boxes:
    object_class: np.ndarray
    score: np.ndarray
    x1: np.ndarray
    y1: np.ndarray
    x2: np.ndarray
    y2: np.ndarray
    ground_x: np.ndarray
    ground_y: np.ndarray


def boxes(calibration: Calibration, *rows: tuple[int, float, float, float, float]) -> Boxes:
    """Exact boxes of upright cuboids: class, x, y, yaw, factor on the size of the class."""
    table = []
    for named, x, y, yaw, factor in rows:
        length, width, height = (value * factor for value in SIZE[named])
        along, across, up = (g.ravel() for g in np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [0.0, height]))
        cos, sin = math.cos(yaw), math.sin(yaw)
        east = x + along * length * cos - across * width * sin
        north = y + along * length * sin + across * width * cos
        u, v = calibration.to_picture(east, north, up)
        (gu,), (gv,) = calibration.to_picture(np.array([x]), np.array([y]), np.zeros(1))
        table.append((named, 0.9, u.min(), v.min(), u.max(), v.max(), gu, gv))
    columns = np.array(table).T
    return Boxes(columns[0].astype(int), *columns[1:])


def gate(outside: object = None, **settings: object) -> tuple[Projector, DetectionGate]:
    calibration = Calibration(CameraSettings.model_validate(SETTINGS))
    made = DetectionGate(calibration, GateSettings.model_validate(settings), outside)  # type: ignore[arg-type]
    return Projector(calibration, 0, gate=made), made


@given(
    st.sampled_from([CAR, BUS, BICYCLE, PEDESTRIAN]), st.floats(16, 95), st.floats(-12, 12), st.floats(-3.1, 3.1),
    st.floats(0.85, 1.15),
)  # fmt: skip
def test_true_road_users_stay_at_any_place_and_heading(named: int, x: float, y: float, yaw: float, size: float) -> None:
    projector, made = gate()
    scan = projector.scan(boxes(projector.calibration, (named, x, y, yaw, size)), 0.0, 1)
    assert len(scan.x_m) == 1
    assert made.wrong_size == 0


@pytest.mark.parametrize(
    ("named", "size"), [(CAR, 3.0), (CAR, 0.3), (BUS, 3.0), (BUS, 0.2), (PEDESTRIAN, 2.6), (PEDESTRIAN, 0.25), (BICYCLE, 2.6)]
)  # fmt: skip
def test_what_is_too_large_or_too_small_goes_and_is_counted(named: int, size: float) -> None:
    projector, made = gate()
    scan = projector.scan(
        boxes(projector.calibration, (named, 45.0, 0.0, 0.3, size), (CAR, 45.0, 8.0, 0.0, 1.0)), 0.0, 1
    )
    assert scan.object_class.tolist() == [CAR]
    assert (made.wrong_size, made.off_area) == (1, 0)


def test_sizes_are_not_judged_where_the_site_says_so() -> None:
    projector, made = gate(size_tolerance=0.0)
    assert len(projector.scan(boxes(projector.calibration, (CAR, 45.0, 0.0, 0.3, 2.2)), 0.0, 1).x_m) == 1
    assert made.wrong_size == 0


def test_what_the_edge_of_the_picture_cuts_may_be_small() -> None:
    projector, made = gate()
    one = boxes(projector.calibration, (BUS, 30.0, 0.0, 0.0, 1.0))
    one.x1[:], one.x2[:] = 0.0, 6.0
    one.y2[:] = one.y1 + 8.0
    projector.scan(one, 0.0, 1)
    assert made.wrong_size == 0


def test_off_the_area_goes_and_its_own_uncertainty_is_granted() -> None:
    def outside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.abs(y) - 5.0  # a road along x, ten metres wide

    projector, made = gate(outside, map_margin_m=2.0)
    calibration = projector.calibration
    near = boxes(calibration, (CAR, 25.0, 6.5, 0.0, 1.0), (CAR, 25.0, 10.0, 0.0, 1.0))
    assert projector.scan(near, 0.0, 1).y_m == pytest.approx([6.5], abs=0.1)
    assert made.off_area == 1
    far = boxes(calibration, (CAR, 100.0, 9.5, 0.0, 1.0))  # here a place is uncertain by metres
    assert len(projector.scan(far, 0.0, 2).x_m) == 1
    _, every = gate(outside, map_margin_m=math.inf)
    place = np.array([25.0]), np.array([80.0]), np.zeros(1)
    assert every.keep(np.array([CAR]), tuple(np.array([v]) for v in (300.0, 150, 330, 170)), place, np.ones(1)).all()  # type: ignore[arg-type]


def test_excluded_areas() -> None:
    park = ((20.0, -3.0), (40.0, -3.0), (40.0, 3.0), (20.0, 3.0))
    projector, made = gate(excluded_areas=(park,))
    scan = projector.scan(boxes(projector.calibration, (CAR, 30.0, 0.0, 0.0, 1.0), (CAR, 50.0, 0.0, 0.0, 1.0)), 0.0, 1)
    assert scan.x_m == pytest.approx([50.0], abs=0.1)
    assert made.off_area == 1
    hexagon = np.array([[math.cos(a), math.sin(a)] for a in np.arange(6) * math.pi / 3])
    assert inside_polygon(np.array([0.0, 0.9, 0.0]), np.array([0.0, 0.0, 0.9]), hexagon).tolist() == [True, True, False]


def test_the_maps_lanes_are_the_area_and_health_tells_what_was_dropped() -> None:
    model = load_map(DISTRICT)
    outside = off_the_lanes(model)
    k1 = model.junctions.index["k1"]
    x, y = float(model.junctions.x_m[k1]), float(model.junctions.y_m[k1])
    assert outside(np.array([x]), np.array([y]))[0] < 8.0
    assert outside(np.array([x + 45.0]), np.array([y + 45.0]))[0] > 8.0

    class Detector:
        def detect(self, picture: np.ndarray) -> Boxes:
            calibration = Calibration(camera)
            return boxes(
                calibration, (CAR, x, y, 0.0, 1.0), (CAR, x + 35.0, y + 35.0, 0.0, 1.0), (CAR, x, y - 5, 0.0, 2.5)
            )

    camera = CameraSettings.model_validate(
        {**SETTINGS, "x_m": x, "y_m": y + 70.0, "azimuth_rad": -math.pi / 2, "angle_deviation_rad": 0.0005}
    )
    settings = PerceptionSettings.model_validate({"site": "k1", "map": str(DISTRICT), "cameras": [camera]})
    core = PerceptionCore(settings, Detector(), model)
    now_ns = 1_800_000_000_000_000_000
    frame = CameraFrame("camera-north", np.zeros((384, 640, 3), np.uint8), now_ns, now_ns)
    core.step(now_ns, [frame_input(frame, 1, 1)])
    figures = core.figures()
    assert figures["detections_off_area"] == 1
    assert figures["detections_of_wrong_size"] == 1
    assert core.detections_in(frame).y_m == pytest.approx([y], abs=0.1)
    with pytest.raises(LookupError, match="camera-west"):
        core.detections_in(CameraFrame("camera-west", frame.picture, now_ns, now_ns))
