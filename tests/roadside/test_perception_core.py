"""The perception core fed with exact boxes and returns of moving cars at the district's first intersection."""

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lukou_hw.camera import NO_PICTURE, CameraFrame, CameraHealth
from lukou_hw.clock.watch import ClockQuality
from lukou_hw.radar import RadarScan
from lukou_maps.paths import PathCatalogue
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_messages.codec import encode
from lukou_messages.objects import DetectionList, ObjectList
from lukou_messages.process import DEGRADED, INVALID, VALID, Input, Output
from lukou_messages.v1.header_pb2 import Header
from lukou_messages.v1.sensor_pb2 import ScanSector, SensorKind
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.core import Each, PerceptionCore
from lukou_roadside.perception.settings import CameraSettings, PerceptionSettings, RadarSettings

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
START_NS = 1_800_000_000_000_000_000
LEGS = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


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


class Scene:
    """Cars at constant speed on lane paths through k1, seen without noise; it is its own detector."""

    def __init__(self, model: RoadModel, with_radars: bool = True) -> None:
        k1 = model.junctions.index["k1"]
        x, y = model.junctions.x_m[k1], model.junctions.y_m[k1]
        lanes = model.lanes
        wide = (lanes.participants & 2 > 0) & (lanes.width_m > 2.5)
        into = np.flatnonzero((lanes.kind == LaneKind.ROAD) & (lanes.junction == k1) & wide & (lanes.length_m > 20))[
            ::2
        ]
        catalogue = PathCatalogue(model)
        owner, path = catalogue.of_lanes(into)
        self.path = path[np.unique(owner, return_index=True)[1]]
        self.table = catalogue.table
        end = lanes.length_m[into]
        self.s0 = end - np.minimum(32.0, end - 1.0)
        self.speed = 6.0 + np.arange(len(self.path)) % 4
        self.cameras = tuple(
            CameraSettings(
                name=f"camera-{leg}",
                focal_x_px=500.0,
                x_m=x + 70 * e,
                y_m=y + 70 * n,
                z_m=10.0,
                azimuth_rad=math.atan2(-n, -e),
                pitch_rad=math.radians(-18),
            )
            for leg, (e, n) in LEGS.items()
        )
        self.radars = tuple(
            RadarSettings(
                name=f"radar-{leg}", x_m=x + 17 * e, y_m=y + 17 * n, boresight_rad=math.atan2(n, e), opening_rad=0.7
            )
            for leg, (e, n) in LEGS.items()
        )
        self.with_radars = with_radars
        self._boxes: dict[int, Boxes] = {}

    def truth(self, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.table.pose(self.path, self.s0 + self.speed * t)

    def frame(self, camera: CameraSettings, t: float) -> Input:
        x, y, _ = self.truth(t)
        calibration = Calibration(camera)
        u, v = calibration.to_picture(x, y, np.zeros(len(x)))
        inside = (u > 5) & (u < 635) & (v > 5) & (v < 380)
        u, v = u[inside], v[inside]
        picture = np.zeros((384, 640, 3), np.uint8)
        size = np.full(len(u), 20.0)
        named = np.ones(len(u), np.int64)
        self._boxes[id(picture)] = Boxes(named, size * 0 + 0.9, u - size, v - size, u + size, v + size, u, v)
        self._keep = [*getattr(self, "_keep", []), picture]
        at = START_NS + round(t * 1e9)
        return Input(
            f"device/{camera.name}", camera.name, 1, round(t * 10), at, CameraFrame(camera.name, picture, at, at)
        )

    def sweep(self, radar: RadarSettings, t: float) -> Input:
        x, y, h = self.truth(t)
        dx, dy = x - radar.x_m, y - radar.y_m
        r, az = np.hypot(dx, dy), np.arctan2(dy, dx) - radar.boresight_rad
        az = np.arctan2(np.sin(az), np.cos(az))
        rate = self.speed * np.cos(h - az - radar.boresight_rad)
        inside = (np.abs(az) < 0.35) & (r < 150)
        at = START_NS + round(t * 1e9)
        columns = [values[inside].astype(np.float32) for values in (r - 1.6, az, rate, r * 0)]
        return Input(
            f"device/{radar.name}", radar.name, 1, round(t * 10), at, RadarScan(radar.name, at, round(t * 10), *columns)
        )

    def detect(self, picture: np.ndarray) -> Boxes:
        return self._boxes[id(picture)]

    def core(self, model: RoadModel, each: Each = map) -> PerceptionCore:
        settings = PerceptionSettings(
            site="k1", map=str(DISTRICT), cameras=self.cameras, radars=self.radars if self.with_radars else ()
        )
        return PerceptionCore(settings, self, model, each)

    def run(
        self, core: PerceptionCore, seconds: float, without: tuple[str, ...] = (), begin: float = 0.0
    ) -> list[Output]:
        outputs: list[Output] = []
        for k in range(round(begin * 10), round((begin + seconds) * 10)):
            t = k * 0.1
            inputs = [self.sweep(radar, t) for radar in self.radars] if self.with_radars else []
            inputs += [self.frame(camera, t) for camera in self.cameras]
            inputs = [one for one in inputs if one.source not in without]
            for number, one in enumerate(inputs):
                outputs += [
                    one
                    for one in core.step(START_NS + round(t * 1e9) + (number + 1) * 5_000_000, [one])
                    if one.topic == "objects"
                ]
            outputs += [one for one in core.step(START_NS + round(t * 1e9) + 95_000_000, []) if one.topic == "objects"]
        return outputs


@pytest.fixture
def scene(model: RoadModel) -> Scene:
    return Scene(model)


def test_every_car_is_in_the_list_where_it_is(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    outputs = scene.run(core, 3.0)
    assert len(outputs) == 30
    last = outputs[-1]
    objects: ObjectList = last.value
    x, y, heading = scene.truth((last.measured_at_ns - START_NS) * 1e-9)
    distance = np.hypot(x[:, None] - objects.x_m, y[:, None] - objects.y_m)
    assert distance.min(axis=1).max() < 1.0
    assert len(objects) == len(x)
    nearest = distance.argmin(axis=1)
    speed = np.hypot(objects.velocity_x_mps, objects.velocity_y_mps)[nearest]
    assert speed == pytest.approx(scene.speed, abs=1.0)
    assert np.cos(objects.yaw_rad[nearest] - heading).min() > 0.9
    assert last.validity == VALID
    lane = np.array([objects.lane_names[k] for k in objects.lane[nearest]])
    truth = [model.lanes.names[k] for k in scene.table.lane_at(scene.path, scene.s0 + scene.speed * 2.9)]
    assert (lane == truth).mean() > 0.8


def test_a_list_waits_for_all_cameras_and_names_what_it_used(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    given = [core.step(START_NS + k, [scene.frame(camera, 0.0)]) for k, camera in enumerate(scene.cameras)]
    assert [len(outputs) for outputs in given] == [0, 0, 0, 1]
    used = given[-1][0].used
    assert [name for name, _ in used] == [f"device/camera-{leg}" for leg in LEGS]
    assert {at for _, at in used} == {START_NS}


def test_columns_are_complete_and_honest(scene: Scene, model: RoadModel) -> None:
    objects = scene.run(scene.core(model), 2.0)[-1].value
    assert {kind.name for kind in ObjectList.KINDS} == set(objects.columns())
    assert objects.sensor_names[:4] == tuple(f"camera-{leg}" for leg in LEGS)
    assert (objects.contributing_sensors > 0).all()
    assert len(objects.perceived_areas) == 4
    determinant = objects.position_variance_xx_m2 * objects.position_variance_yy_m2
    assert (determinant > objects.position_variance_xy_m2**2).all()


def test_a_silent_camera_is_said_and_not_waited_for(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    scene.run(core, 1.0)
    outputs = scene.run(core, 2.0, without=("camera-east",), begin=1.0)
    assert outputs[0].validity == DEGRADED  # at the deadline
    assert "camera-east late" in outputs[0].reason
    assert outputs[-1].validity == DEGRADED
    assert "camera-east silent" in outputs[-1].reason
    assert len(outputs[-1].value.perceived_areas) == 3
    back = scene.run(core, 1.0, begin=3.0)
    assert back[-1].validity == VALID


def test_late_pictures_after_a_silence_turn_no_time_back(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    scene.run(core, 1.0)
    silence = [o for k in range(10, 20) for o in core.step(START_NS + k * 100_000_000, []) if o.topic == "objects"]
    late = [scene.frame(camera, 1.7) for camera in scene.cameras]
    after = [o for o in core.step(START_NS + 2_000_000_000, late) if o.topic == "objects"]
    after += scene.run(core, 1.0, begin=2.0)
    told = [o.measured_at_ns for o in silence + after]
    assert silence
    assert len(after) > 5
    assert told == sorted(told)


def test_one_camera_that_comes_later_than_before_is_doubted_but_a_busy_box_is_not(
    scene: Scene, model: RoadModel
) -> None:
    def reasons(late: tuple[str, ...]) -> str:
        core = scene.core(model)
        told = ""
        for k in range(60):
            at_ns = START_NS + k * 100_000_000
            frames = [scene.frame(camera, k * 0.1 - 0.2 * (k > 30 and camera.name in late)) for camera in scene.cameras]
            outputs = core.step(at_ns + 20_000_000, frames)
            told = next((one.reason for one in reversed(outputs) if one.topic == "objects"), told)
        return told

    assert "camera-west measurements come 0.20 s later than before" in reasons(("camera-west",))
    assert "later than before" not in reasons(tuple(camera.name for camera in scene.cameras))


def test_a_lost_picture_is_said_at_once(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    scene.run(core, 1.0)
    at = START_NS + 1_000_000_000
    lost = CameraFrame("camera-west", NO_PICTURE, at, at, health=CameraHealth.LOST, reason="no picture for 1 s")
    core.step(at, [Input("device/camera-west", "camera-west", 1, 10, at, lost, INVALID)])
    outputs = scene.run(core, 0.3, without=("camera-west",), begin=1.0)
    assert "camera-west no picture for 1 s" in outputs[-1].reason


def test_blindness_is_invalid_and_never_quietly_extrapolated(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    scene.run(core, 2.0)
    outputs = [o for k in range(60) for o in core.step(START_NS + (20 + k) * 100_000_000, [])]
    assert outputs[-1].validity == INVALID
    assert outputs[-1].reason.startswith("no sensor")
    assert len(outputs[-1].value) == 0
    first_blind = next(o for o in outputs if o.validity == INVALID)
    assert (first_blind.value.unmeasured_s > 0.4).all()


def test_stale_frames_are_dropped_and_counted(scene: Scene, model: RoadModel) -> None:
    core = scene.core(model)
    frames = [scene.frame(scene.cameras[0], k * 0.1) for k in range(8)]
    core.step(START_NS + 750_000_000, frames)
    assert core.dropped_frames == 4


def test_sites_without_cameras_use_detections(scene: Scene, model: RoadModel) -> None:
    core = PerceptionCore(PerceptionSettings(site="k2", map=str(DISTRICT), sensors=("pole-a", "pole-b")), None, model)
    outputs: list[Output] = []
    for k in range(20):
        x, y, heading = scene.truth(k * 0.1)
        at = START_NS + k * 100_000_000
        inputs = []
        for name, kind in (("pole-a", SensorKind.SENSOR_KIND_CAMERA), ("pole-b", SensorKind.SENSOR_KIND_RADAR)):
            ones = np.ones(len(x))
            rate = scene.speed * np.cos(heading - np.arctan2(y, x))
            value = DetectionList.of(
                len(x),
                sensor=name,
                sensor_kind=kind,
                sensor_x_m=0.0,
                sensor_y_m=0.0,
                sectors=[ScanSector(azimuth_rad=0.0, opening_rad=6.283, range_min_m=0.0, range_max_m=2000.0)],
                object_class=ones * (1 if name == "pole-a" else 0),
                score=ones * 0.9,
                x_m=x,
                y_m=y,
                position_variance_xx_m2=ones * 0.1,
                position_variance_xy_m2=ones * 0.0,
                position_variance_yy_m2=ones * 0.1,
                range_rate_mps=rate,
            )
            inputs.append(Input("detections", "k2/sensors", 1, 2 * k, at, value))
        outputs += [one for one in core.step(at + 20_000_000, inputs) if one.topic == "objects"]
    assert len(outputs) == 20
    assert len(outputs[-1].value) == len(scene.path)
    assert outputs[-1].validity == VALID


def test_equal_inputs_give_equal_outputs(scene: Scene, model: RoadModel) -> None:
    first = scene.run(scene.core(model), 1.5)
    second = scene.run(scene.core(model), 1.5)
    assert [o.measured_at_ns for o in first] == [o.measured_at_ns for o in second]
    for a, b in zip(first, second, strict=True):
        for name, column in a.value.columns().items():
            assert np.array_equal(column, getattr(b.value, name)), name


def test_a_sensor_that_restarts_and_counts_from_one_again_doubles_no_identity(scene: Scene, model: RoadModel) -> None:
    core = PerceptionCore(PerceptionSettings(site="k2", map=str(DISTRICT), sensors=("pole-a",)), None, model)
    outputs: list[Output] = []
    for k in range(30):
        x, y, _ = scene.truth(k * 0.1)
        ones = np.ones(len(x))
        if (
            k >= 15
        ):  # after the restart everything stands 40 m away: new tracks beside the old ones, which are still believed
            x = x + 40.0
        value = DetectionList.of(
            len(x),
            sensor="pole-a",
            sensor_kind=SensorKind.SENSOR_KIND_CAMERA,
            sensor_x_m=0.0,
            sensor_y_m=0.0,
            sectors=[ScanSector(azimuth_rad=0.0, opening_rad=6.283, range_min_m=0.0, range_max_m=2000.0)],
            object_class=ones,
            score=ones * 0.95,
            x_m=x,
            y_m=y,
            position_variance_xx_m2=ones * 0.1,
            position_variance_xy_m2=ones * 0.0,
            position_variance_yy_m2=ones * 0.1,
        )
        at = START_NS + k * 100_000_000
        epoch, sequence = (1, k + 1) if k < 15 else (2, k - 14)
        outputs += [
            one
            for one in core.step(at + 20_000_000, [Input("detections", "k2/sensors", epoch, sequence, at, value)])
            if one.topic == "objects"
        ]
    identities = [np.asarray(one.value.id).tolist() for one in outputs]
    assert max(map(len, identities)) > len(scene.path)  # old and new beside each other
    assert all(len(set(one)) == len(one) for one in identities)


def test_pictures_taken_side_by_side_give_the_same_lists_bit_for_bit(model: RoadModel) -> None:
    def lists(each: Each) -> list[bytes]:
        scene = Scene(model)
        core, given = scene.core(model, each), []
        for k in range(15):
            at_ns = START_NS + k * 100_000_000
            inputs = [scene.sweep(radar, 0.1 * k) for radar in scene.radars]
            inputs += [scene.frame(camera, 0.1 * k) for camera in scene.cameras]
            given += [one for one in core.step(at_ns + 50_000_000, inputs) if one.topic == "objects"]
        return [encode("objects", Header(), one.value) for one in given]

    with ThreadPoolExecutor(3) as pool:
        several = lists(pool.map)
    assert len(several) == 15
    assert several == lists(map)


def test_a_step_shows_the_detector_every_picture_but_those_that_are_old_beside_newer_ones(model: RoadModel) -> None:
    scene, shown = Scene(model, with_radars=False), []

    def each(detect: Any, pictures: Iterable[np.ndarray]) -> Iterable[Any]:
        wanted = list(pictures)
        shown.append(len(wanted))
        return map(detect, wanted)

    core = scene.core(model, each)
    one, other = scene.cameras[:2]
    core.step(START_NS + 10**9, [scene.frame(one, 0.3), scene.frame(one, 0.9), scene.frame(other, 0.3)])
    assert shown == [2]
    assert core.dropped_frames == 1


def test_a_clock_that_may_be_off_widens_lists_and_says_so(model: RoadModel) -> None:
    def last(quality: ClockQuality) -> tuple[Output, PerceptionCore]:
        scene = Scene(model)
        core = scene.core(model)
        core.step(START_NS, [Input("device/clock", "clock", 0, 1, START_NS, quality)])
        return scene.run(core, 3.0)[-1], core

    good, _ = last(ClockQuality(0.02))
    unsure, core = last(ClockQuality(0.15, "the clock may be off by 150 ms"))
    assert good.validity == VALID and good.time_uncertainty_s is None
    assert unsure.validity == DEGRADED
    assert unsure.reason == "the clock may be off by 150 ms"
    assert unsure.time_uncertainty_s == pytest.approx(0.15 / math.sqrt(3.0))
    assert core.figures()["lists_of_unsure_clock"] >= 25
    assert core.faults() == ["the clock may be off by 150 ms"]
    before, after = good.value, unsure.value
    vx, vy = np.asarray(before.velocity_x_mps, np.float64), np.asarray(before.velocity_y_mps, np.float64)
    assert np.abs(vx).max() > 5.0
    variance = (0.15**2 - 0.02**2) / 3.0
    for name, way in (("xx", vx * vx), ("xy", vx * vy), ("yy", vy * vy)):
        column = f"position_variance_{name}_m2"
        more = np.asarray(getattr(after, column)) - np.asarray(getattr(before, column))
        assert more == pytest.approx(variance * way, abs=1e-4)
    assert np.asarray(after.x_m) == pytest.approx(np.asarray(before.x_m))
    timeless, _ = last(ClockQuality(math.inf, "nothing disciplines the clock"))
    assert timeless.validity == INVALID and timeless.time_uncertainty_s == math.inf
    assert np.isfinite(np.asarray(timeless.value.position_variance_xx_m2)).all()
