"""The world process: feeds arrive at the drivers of hw, late steps are made up for, a restart goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lukou_hw.camera import CameraHealth
from lukou_hw.radar.udp import UdpRadar
from lukou_messages.codec import decode
from lukou_messages.transport.sockets import SubscriptionSocket
from lukou_sim.sensors.camera import CAMERA_LATENCY_NS, CameraFeed, SimulatedCamera
from lukou_sim.world.process import SPEC, WorldCore, WorldSettings
from lukou_sim.world.world import STEP_NS

SECOND = 1_000_000_000


def received(camera: SimulatedCamera, wanted: int) -> list[Any]:
    got: list[Any] = []
    deadline = time.monotonic() + 3
    while len(got) < wanted and time.monotonic() < deadline:
        got += [one for one in camera.poll(SECOND) if one.value.picture.size]
        time.sleep(0.01)
    return got


def connected(tmp_path: Path) -> tuple[CameraFeed, SimulatedCamera, int]:
    """A feed and a driver that hear each other, and how many frames that took."""
    endpoint = f"ipc://{tmp_path}/camera"
    feed, camera = CameraFeed("c", endpoint), SimulatedCamera("c", endpoint)
    for sent in range(1, 200):
        feed.offer(np.full((4, 6, 3), sent % 250, np.uint8), sent * STEP_NS)
        if received_now := [one for one in camera.poll(SECOND) if one.value.picture.size]:
            assert received_now[-1].value.due_ns <= sent * STEP_NS
            return feed, camera, sent
        time.sleep(0.02)
    raise AssertionError("nothing came")


def test_frames_that_waited_a_little_are_used_and_stale_ones_counted(tmp_path: Path) -> None:
    feed, camera, sent = connected(tmp_path)
    try:
        time.sleep(0.1)
        camera.poll(SECOND)
        sent += 1
        feed.offer(np.zeros((4, 6, 3), np.uint8), sent * STEP_NS)
        assert len(received(camera, 1)) == 1
        before = camera.dropped
        for k in range(1, 4):
            feed.offer(np.full((4, 6, 3), k, np.uint8), (sent + k) * STEP_NS)
        time.sleep(0.2)
        got = received(camera, 3)
        assert [one.value.picture[0, 0, 0] for one in got] == [1, 2, 3]
        assert [one.value.due_ns for one in got] == [(sent + k) * STEP_NS for k in (1, 2, 3)]
        assert camera.dropped == before
        for k in range(4, 11):
            feed.offer(np.full((4, 6, 3), k, np.uint8), (sent + k) * STEP_NS)
        time.sleep(0.2)
        got = received(camera, 2)  # three waited last time: the queue does not become the rule
        assert len(got) >= 2  # what becomes visible to the receiver a moment later comes in another poll
        first = [int(one.value.picture[0, 0, 0]) for one in got]
        assert first[0] >= 8 and np.diff(first[:2]).tolist() == [1]
        assert camera.dropped - before == first[0] - 4
        assert got[-1].value.health is CameraHealth.OK
        for k in (11, 12):
            feed.offer(np.full((4, 6, 3), k, np.uint8), (sent + k) * STEP_NS)
            time.sleep(0.1)
            assert len(received(camera, 1)) == 1
        for k in range(13, 20):
            feed.offer(np.full((4, 6, 3), k, np.uint8), (sent + k) * STEP_NS)
        time.sleep(0.2)
        late = [int(one.value.picture[0, 0, 0]) for one in received(camera, 4)][:4]
        assert np.diff(late).tolist() == [1, 1, 1]  # 0.35 s at most, once the queue was gone
    finally:
        feed.close()
        camera.close()


def test_an_absent_receiver_costs_no_time(tmp_path: Path) -> None:
    feed = CameraFeed("c", f"ipc://{tmp_path}/camera")
    began = time.monotonic()
    for k in range(50):
        feed.offer(np.zeros((384, 640, 3), np.uint8), k)
    assert time.monotonic() - began < 1.0
    assert feed.unsent == 50
    feed.close()


def test_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError):
        WorldSettings.model_validate({"scenari": "demo"})
    with pytest.raises(ValidationError):
        WorldSettings.model_validate({"cabinets": {"k1": {"protocol": "morse", "port": 1}}})


@pytest.fixture
def open_things() -> Iterator[list[Any]]:
    things: list[Any] = []
    yield things
    for thing in things:
        thing.close()


@pytest.mark.slow
def test_the_process_feeds_its_drivers(tmp_path: Path, open_things: list[Any]) -> None:
    import zmq

    radar = UdpRadar("radar-north", 0)
    camera = SimulatedCamera("camera-north", f"ipc://{tmp_path}/north")
    scans = SubscriptionSocket(zmq.Context.instance(), f"ipc://{tmp_path}/k2", ("detections",), None, None)
    settings = WorldSettings(
        frames={"camera-north": f"ipc://{tmp_path}/north"},
        radars={"radar-north": radar.port},
        detections={"k2": f"ipc://{tmp_path}/k2"},
        statistics_file=tmp_path / "figures.json",
    )
    core = SPEC.make_core(settings)
    assert isinstance(core, WorldCore)
    open_things += [*SPEC.make_devices(settings), radar, camera]
    core._preparing.join()
    begin = time.time_ns() // STEP_NS * STEP_NS + 3 * SECOND
    frames: list[Any] = []
    sweeps: list[Any] = []
    topics: set[str] = set()
    for k in range(40):
        now = begin + k * STEP_NS + 4_000_000
        outputs = core.step(now, [])
        topics |= {one.topic for one in outputs}
        assert all(one.measured_at_ns == begin + k * STEP_NS for one in outputs)
        frames += [one for one in camera.poll(now) if one.value.picture.size]
        sweeps += radar.poll(now)
        time.sleep(0.005)
    assert topics == {"truth", "vehicle"}
    assert len(frames) > 20
    assert frames[-1].value.picture.shape == (384, 640, 3)
    assert len(sweeps) > 30
    # what is shown at an instant was computed ahead, and pictures come a camera's latency later
    before = begin + 39 * STEP_NS
    assert core.step(before + 60_000_000, []) == []
    assert core.world.now_ns == before + STEP_NS
    time.sleep(0.1)
    camera.poll(now)
    assert {one.measured_at_ns for one in core.step(before + STEP_NS, [])} == {before + STEP_NS}
    assert not [one for one in camera.poll(now) if one.value.picture.size]
    assert core.step(before + STEP_NS + CAMERA_LATENCY_NS, []) == []
    time.sleep(0.1)
    shown = [one.value.due_ns for one in camera.poll(now) if one.value.picture.size]
    assert shown == [before + STEP_NS]
    packets = scans.drain()
    assert packets
    decoded = decode("detections", packets[-1].payload)
    assert decoded.header.source == "k2/sensors"
    # the next instant is computed as soon as pictures have left; two more were missed and are made up for
    assert core.world.now_ns == before + 2 * STEP_NS
    late = core.step(begin + 44 * STEP_NS, [])
    assert [one.measured_at_ns for one in late if one.topic == "truth"] == [before + 2 * STEP_NS, begin + 44 * STEP_NS]
    assert core.figures()["late_steps"] == 2
    core.step(begin + 44 * STEP_NS + 3 * SECOND, [])
    assert core.figures()["stood_still_s"] == pytest.approx(2.9)
    snapshot = core.snapshot()
    core.restore(snapshot)
    assert core.figures()["interrupted"] == 1
    assert core.step(begin + 45 * STEP_NS + 3 * SECOND, [])
    scans.socket.close(0)


@pytest.mark.slow
def test_an_instant_without_pictures_is_computed_out_of_the_cameras_way(tmp_path: Path, open_things: list[Any]) -> None:
    settings = WorldSettings(frames={"camera-north": f"ipc://{tmp_path}/north"}, frame_rate_hz=5.0)
    core = SPEC.make_core(settings)
    assert isinstance(core, WorldCore)
    open_things += SPEC.make_devices(settings)
    with_pictures = (time.time_ns() // (2 * STEP_NS) + 10) * 2 * STEP_NS
    core.step(with_pictures - STEP_NS, [])
    core.step(with_pictures, [])
    core._has_shown = True

    def computed_at(ms: int) -> int:
        core.step(with_pictures + ms * 1_000_000, [])
        return (core.world.now_ns - with_pictures) // 1_000_000

    assert [computed_at(ms) for ms in (20, 60, 80, 100, 120)] == [0, 0, 100, 100, 200]
    assert core._never_drawn == 0
    late = [one for one in core.step(with_pictures + 3 * STEP_NS + 20_000_000, []) if one.topic == "truth"]
    assert [one.measured_at_ns for one in late] == [with_pictures + k * STEP_NS for k in (2, 3)]
    assert computed_at(320) == 400
    assert core._never_drawn == 0  # what was late has no pictures
    assert computed_at(720) == 800
    assert core._never_drawn == 1
