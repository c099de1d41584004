"""What the perception core tells of its sensors, and what it does with a camera that has moved."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from lukou_hw.camera import CameraFrame, CameraHealth
from lukou_messages.codec import decode, encode
from lukou_messages.errors import Refused
from lukou_messages.process import DEGRADED, INVALID, VALID, Input, Output
from lukou_messages.v1.header_pb2 import Header
from lukou_messages.v1.sensor_pb2 import SensorReport
from lukou_roadside.calibration.watch import Judgement
from lukou_roadside.perception import mounting_work
from lukou_roadside.perception.core import PerceptionCore
from lukou_roadside.perception.mounting import PICTURES, MountingReading, WatchedCamera
from lukou_roadside.perception.mounting_work import Comparisons
from lukou_roadside.perception.operator_picture import operator_picture
from lukou_roadside.perception.settings import PerceptionSettings, PictureSettings

from .calibration.rendered_street import NET, camera, district, picture
from .test_perception_core import START_NS, Boxes, Scene


def settings(**more: object) -> PerceptionSettings:
    values = {"site": "k1", "map": str(NET), "cameras": [camera(name="north"), camera(name="south")], **more}
    return PerceptionSettings.model_validate(values)


class Eye:
    """A detector that finds one car where it is told to."""

    def __init__(self) -> None:
        self.u, self.v = 300.0, 400.0

    def detect(self, image: np.ndarray) -> Boxes:
        one = np.ones(1)
        u, v = one * self.u, one * self.v
        return Boxes(np.ones(1, np.int64), 0.9 * one, u - 40, v - 50, u + 40, v, u, v)


def frames(t: float, names: Sequence[str] = ("north", "south")) -> list[Input]:
    at = START_NS + round(t * 1e9)
    image = np.full((600, 960, 3), 90, np.uint8)
    return [Input(f"device/{name}", name, 1, round(10 * t) + 1, at, CameraFrame(name, image, at, at)) for name in names]


def run(
    core: PerceptionCore,
    seconds: float,
    begin: float = 0.0,
    names: Sequence[str] = ("north", "south"),
    delay_s: float = 0.04,
) -> list[Output]:
    outputs: list[Output] = []
    for k in range(round(seconds * 10)):
        t = begin + 0.1 * k
        outputs += core.step(START_NS + round((t + delay_s) * 1e9), frames(t, names))
    return outputs


def reports(outputs: Sequence[Output]) -> list[SensorReport]:
    return [one.value for one in outputs if one.topic == "sensor_report"]


def test_rate_latency_shares_and_residuals_are_told_by_sensor() -> None:
    core = PerceptionCore(settings(), Eye(), district())
    last = reports(run(core, 6.0))[-1]
    north = last.sensors[0]
    assert north.sensor == "north"
    assert north.state == VALID
    assert north.rate_hz == pytest.approx(10.0, abs=0.2)
    assert north.latency_p50_ms == pytest.approx(40.0, abs=1.0)
    assert len(reports(run(core, 3.0, 6.0))) in (2, 3)  # once a second
    expected = sum(one.expected for one in north.ranges)
    assert expected > 5
    assert sum(one.found for one in north.ranges) == pytest.approx(expected)
    assert max(one.residual_p95_m for one in north.ranges) < 0.5


def test_a_sensor_that_finds_nothing_is_seen_to_find_nothing() -> None:
    class OneBlind(Eye):
        calls = 0

        def detect(self, image: np.ndarray) -> Boxes:
            OneBlind.calls += 1
            found = super().detect(image)
            if OneBlind.calls % 2:
                return found
            none = np.zeros(0)
            return Boxes(np.zeros(0, np.int64), none, none, none, none, none, none, none)

    last = reports(run(PerceptionCore(settings(), OneBlind(), district()), 8.0))[-1]
    north, south = last.sensors
    assert sum(one.expected for one in south.ranges) > 10
    assert sum(one.found for one in south.ranges) == 0
    assert sum(one.expected for one in north.ranges) == 0  # the blind one is no judge of the other


def test_a_silent_sensor_is_invalid_and_says_why() -> None:
    core = PerceptionCore(settings(), Eye(), district())
    run(core, 2.0)
    last = reports(run(core, 3.0, 2.0, names=("north",)))[-1]
    assert [one.state for one in last.sensors] == [VALID, INVALID]
    assert "silent" in last.sensors[1].reason


def turned(degrees: float, pitch: float = 0.0, share: float = 0.9) -> Judgement:
    return Judgement(0.4, share, math.radians(degrees), math.radians(pitch), 0.0, 0.0005)


def told(core: PerceptionCore, judgement: Judgement, t: float) -> list[Output]:
    at = START_NS + round(t * 1e9)
    reading = MountingReading("north", at, judgement)
    return list(core.step(at, [Input("device/north-mounting", "north", 1, 1, at, reading)]))


def test_a_moved_camera_is_said_widened_and_used_as_it_looks() -> None:
    core = PerceptionCore(settings(cameras=[camera(name="north")]), Eye(), district())
    before = [one for one in run(core, 2.0, names=("north",)) if one.topic == "objects"][-1]
    assert before.validity == VALID
    told(core, turned(0.0, -2.0), 2.0)
    assert "down" in core.faults()[0]
    told(core, turned(0.0, -2.05), 2.05)  # a second comparison agrees
    outputs = run(core, 6.0, 2.1, names=("north",))
    after = [one for one in outputs if one.topic == "objects"][-1]
    assert after.validity == DEGRADED
    assert "north has moved: 2.0 degrees down" in after.reason or "2.1 degrees down" in after.reason
    quality = reports(outputs)[-1].sensors[0]
    assert quality.state == DEGRADED
    assert quality.mounting.has_moved
    # the same pixel, seen by a camera that looks two degrees lower, is nearer
    place = camera()
    distance = [math.hypot(one.value.x_m[0] - place.x_m, one.value.y_m[0] - place.y_m) for one in (before, after)]
    assert distance[1] < 0.95 * distance[0]
    # and it is known less well than by one that was mounted so, which puts it at the same place
    mounted_so = camera(name="north", pitch_rad=place.pitch_rad - math.radians(2.05))
    still = PerceptionCore(settings(cameras=[mounted_so]), Eye(), district())
    run(still, 2.0, names=("north",))
    unmoved = [one for one in run(still, 6.0, 2.1, names=("north",)) if one.topic == "objects"][-1]
    spread = [
        float(one.value.position_variance_xx_m2[0] + one.value.position_variance_yy_m2[0]) for one in (unmoved, after)
    ]
    assert unmoved.value.x_m[0] == pytest.approx(after.value.x_m[0], abs=0.3)
    assert spread[1] > 1.03 * spread[0]
    for k in range(2):
        told(core, turned(0.0), 8.2 + 0.01 * k)
    assert core.faults() == []
    last = [one for one in run(core, 1.0, 8.3, names=("north",)) if one.topic == "objects"][-1]
    assert last.validity == VALID


def test_one_comparison_alone_only_widens_and_two_correct() -> None:
    core = PerceptionCore(settings(cameras=[camera(name="north")]), Eye(), district())
    run(core, 1.0, names=("north",))
    mounting, one = core._sensors["north"].mounting, core._settings.cameras[0]
    for at_s, turn, share in ((1.0, 2.0, 0.8), (1.1, 5.0, 0.8), (1.2, 3.0, 0.2), (1.3, 3.0, 0.8)):
        told(core, turned(turn, share=share), at_s)  # with a fifth of the lines recognised it says nothing
        used = mounting.turned(one)
        assert used.azimuth_rad == one.azimuth_rad
        assert used.angle_deviation_rad > np.radians(1.9)
    projector = core._projectors["north"]
    told(core, turned(3.1), 1.4)
    assert core._projectors["north"] is not projector
    used = mounting.turned(one)
    assert used.azimuth_rad == pytest.approx(one.azimuth_rad + np.radians(3.1))
    assert used.angle_deviation_rad < np.radians(0.5)
    told(core, turned(0.0), 1.5)  # seen once that it is back
    assert mounting.turned(one).angle_deviation_rad > np.radians(2.9)
    told(core, turned(0.0), 1.6)
    assert mounting.turned(one).azimuth_rad == one.azimuth_rad
    assert mounting.turned(one).angle_deviation_rad == one.angle_deviation_rad


def test_stamps_from_the_future_are_said() -> None:
    core = PerceptionCore(settings(cameras=[camera(name="north")]), Eye(), district())
    last = [one for one in run(core, 2.0, names=("north",), delay_s=-0.2) if one.topic == "objects"][-1]
    assert last.validity == DEGRADED
    assert "north clock off: stamps lie 0.20 s in the future" in last.reason


def test_pictures_are_sent_seldom_small_and_coarse_and_only_if_asked_for() -> None:
    core = PerceptionCore(settings(), Eye(), district())
    assert not [one for one in run(core, 2.0) if one.topic == "picture"]
    core = PerceptionCore(settings(pictures={"period_s": 1.0, "width_px": 320}), Eye(), district())
    sent = [one for one in run(core, 4.0) if one.topic == "picture"]
    assert {one.value.camera for one in sent} == {"north", "south"}
    assert 6 <= len(sent) <= 9
    header = Header(
        source="k1/perception", epoch=START_NS, sequence=1, measured_at_ns=START_NS, sent_at_ns=START_NS, validity=VALID
    )
    value = decode("picture", encode("picture", header, sent[0].value)).value
    assert (value.width_px, value.height_px) == (320, 200)
    assert value.boxes[0].left == pytest.approx(260 / 960)
    value.jpeg = b"GIF89a" + bytes(100)
    with pytest.raises(Refused, match="bad_picture"):
        decode("picture", encode("picture", header, value))


def test_a_list_waits_for_neither_learning_nor_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    core = PerceptionCore(settings(pictures={"period_s": 1.0, "width_px": 320}), Eye(), district())
    done: list[str] = []
    learn, listed = core._tracker._learn, core._list

    def learnt(step: Any) -> None:
        done.append("learnt")
        learn(step)

    def told(*given: Any) -> Output:
        done.append("list")
        return listed(*given)

    monkeypatch.setattr(core._tracker, "_learn", learnt)
    monkeypatch.setattr(core, "_list", told)
    drawn = steps_that_learnt = 0
    for k in range(30):
        at_ns, done[:] = START_NS + round((0.1 * k + 0.04) * 1e9), []
        outputs = core.step(at_ns, frames(0.1 * k, ("north", "south")))
        if "list" in done:  # the next step learns from this one's scans
            assert "learnt" not in done[done.index("list") :]
        steps_that_learnt += "learnt" in done
        told_ns = [one.measured_at_ns for one in outputs if one.topic == "objects"]
        pictured_ns = [one.measured_at_ns for one in outputs if one.topic == "picture"]
        assert all(picture < told for picture in pictured_ns for told in told_ns)
        drawn += len(pictured_ns)
    assert drawn >= 4
    assert steps_that_learnt > 20


def test_road_users_cannot_be_recognised() -> None:
    stripes = np.zeros((600, 960, 3), np.uint8)
    stripes[:, ::2] = 255
    made = operator_picture("c", stripes, Eye().detect(stripes), PictureSettings(width_px=960, quality=95))
    plain = operator_picture(
        "c", stripes, Eye().detect(stripes), PictureSettings(width_px=960, quality=95, coarsens=False)
    )
    assert made is not None
    assert plain is not None
    seen = [cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), 0)[355:395, 265:335].astype(float) for one in (made, plain)]
    assert np.abs(np.diff(seen[0], axis=1)).mean() < 5.0
    assert np.abs(np.diff(seen[1], axis=1)).mean() > 50.0
    assert made.is_coarsened


class Camera:
    """A driver that gives the same picture at 10 Hz."""

    name = "mast"

    def __init__(self, image: np.ndarray) -> None:
        self.image, self.closed = image, False

    def poll(self, now_ns: int) -> list[Input]:
        frame = CameraFrame(self.name, self.image, now_ns, now_ns, health=CameraHealth.OK)
        return [Input("device/mast", "mast", 1, 1, now_ns, frame)]

    def send(self, outputs: Sequence[Output]) -> None:
        return None

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons that these tests wait for need not give way."""
    monkeypatch.setattr(mounting_work, "NICENESS", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("_hurried")
def test_the_watch_runs_beside_the_camera_and_tells_a_turn() -> None:
    before = camera()
    now = before.model_copy(update={"azimuth_rad": before.azimuth_rad - math.radians(2)})
    driver = Camera(picture(now))
    comparisons = Comparisons(str(NET))
    device = WatchedCamera(driver, before, comparisons.judged, comparisons.close, period_s=1.0)
    try:
        readings: list[MountingReading] = []
        for k in range(PICTURES * 3):
            got = device.poll(START_NS + k * 100_000_000)
            assert isinstance(got[0].value, CameraFrame)  # frames pass
            readings += [one.value for one in got[1:]]
        for _ in range(400):
            if readings:
                break
            device._thread.join(0.05)
            readings += [one.value for one in device.poll(START_NS)[1:]]
    finally:
        device.close()
    assert driver.closed
    assert not device._thread.is_alive()
    assert readings[0].judgement.has_moved
    assert math.degrees(readings[0].judgement.azimuth_rad) == pytest.approx(-2.0, abs=0.3)


def test_the_scene_of_the_core_s_tests_is_told_well() -> None:
    scene = Scene(district())
    core = scene.core(district())
    outputs = []
    for k in range(40):
        outputs += core.step(
            START_NS + k * 100_000_000 + 50_000_000, [scene.frame(one, 0.1 * k) for one in scene.cameras]
        )
    last = reports(outputs)[-1]
    for one in last.sensors[:4]:
        near = [r for r in one.ranges if r.to_m <= 60.0]  # farther boxes of this scene are larger than road users are
        assert sum(r.found for r in near) >= 0.9 * sum(r.expected for r in near)


@pytest.mark.slow
@pytest.mark.usefixtures("_hurried")
def test_a_comparison_that_fails_is_left_out_and_the_next_one_begins_anew() -> None:
    settings, image = camera(), picture(camera())
    comparisons = Comparisons(str(NET))
    try:
        first = comparisons.judged(settings, [image] * 3)
        assert first is not None
        assert not first.has_moved
        process = comparisons._process
        assert process is not None
        assert os.getsid(process.pid) == process.pid  # within the cameras' session it could not give way to them
        process.kill()
        process.wait()
        assert comparisons.judged(settings, [image] * 3) == first
        process = comparisons._process
        assert process is not None and process.stdin is not None
        process.stdin.close()  # as when whoever asks is killed
        assert process.wait(5.0) == 0
    finally:
        comparisons.close()
    assert comparisons.judged(settings, [image]) is None
