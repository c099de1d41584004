"""Cameras that push pictures: against a real RTSP server that vanishes, comes back and goes silent; whose time a picture carries; USB."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from lukou_hw.camera import CameraHealth
from lukou_hw.camera.rtsp import RtspCamera, open_camera
from lukou_hw.camera.stream import StreamTime
from lukou_hw.camera.usb import KernelTime
from lukou_hw.camera.usb import open_camera as open_usb

from .frames import gather, is_lost, is_seen
from .rtsp_server import RtspServer

SECOND = 1_000_000_000
NOISE = np.random.default_rng(1).integers(0, 40, (64, 96, 3)).astype(np.uint8)


def numbered(number: int) -> np.ndarray:
    """Its number as the brightness of five blocks, five bits."""
    picture = NOISE.copy()
    for bit in range(5):
        if number >> bit & 1:
            picture[16:48, 16 * bit : 16 * bit + 16] = 230
    return picture


def number_of(picture: np.ndarray) -> int:
    return sum(1 << bit for bit in range(5) if picture[20:44, 16 * bit + 4 : 16 * bit + 12].mean() > 130)


@pytest.fixture
def server() -> Iterator[RtspServer]:
    made = RtspServer(numbered, rate_hz=15.0)
    yield made
    made.close()


@pytest.mark.slow
def test_pictures_come_whole_and_with_the_time_of_their_sending(server: RtspServer) -> None:
    camera = open_camera("c", server.address, latency_s=0.0)
    try:
        assert gather(camera, 10.0, is_seen), "no picture from a server that sends"
        frames = [frame for frame in gather(camera, 3.0) if is_seen(frame)]
    finally:
        camera.close()
    assert len(frames) > 20
    assert frames[0].picture.shape == (64, 96, 3)
    late, sendings = [], dict(server.sent_ns)  # the server goes on sending
    for frame in frames:
        # the 5 bits repeat every 32 pictures, 2 s: the sending nearest in time is meant
        sent = min(
            (at for k, at in sendings.items() if k % 32 == number_of(frame.picture)),
            key=lambda at: abs(at - frame.measured_at_ns),
        )
        late.append((frame.measured_at_ns - sent) * 1e-9)
    assert -0.15 < float(np.median(late)) < 0.25  # the decoder's own delay counts as latency
    assert np.percentile(late, 90) - np.percentile(late, 10) < 0.06
    steps = np.diff([frame.measured_at_ns for frame in frames])
    assert (steps > 0).all()


@pytest.mark.slow
def test_a_camera_that_vanishes_is_lost_and_comes_back(server: RtspServer) -> None:
    camera = RtspCamera("c", server.address, stale_s=0.5)
    second: RtspServer | None = None
    try:
        assert gather(camera, 10.0, is_seen)
        server.close()
        lost = gather(camera, 6.0, is_lost)
        assert is_lost(lost[-1])
        assert "no picture for" in lost[-1].reason
        assert camera.faults()
        assert not any(is_seen(frame) for frame in gather(camera, 1.0))
        second = RtspServer(numbered, rate_hz=15.0, port=server.port)
        back = gather(camera, 20.0, is_seen)
        assert is_seen(back[-1])
        assert back[-1].health is CameraHealth.OK
        assert camera.faults() == []
        assert camera.connections >= 2
    finally:
        camera.close()
        if second is not None:
            second.close()


@pytest.mark.slow
def test_a_half_open_connection_is_given_up_and_made_anew(server: RtspServer) -> None:
    camera = RtspCamera("c", server.address, stale_s=0.5)
    try:
        assert gather(camera, 10.0, is_seen)
        server.is_silent.set()
        assert is_lost(gather(camera, 3.0, is_lost)[-1])  # said in time, though the connection stands
        ends = time.monotonic() + 12.0
        while camera.connections < 2 and time.monotonic() < ends:
            server.is_silent.clear() if time.monotonic() > ends - 8.0 else None
            time.sleep(0.05)
        assert is_seen(gather(camera, 15.0, is_seen)[-1])
    finally:
        camera.close()


class Video:
    """Stands for OpenCV's reader where only its clock matters."""

    def __init__(self) -> None:
        self.position_ms = 0.0

    def get(self, what: int) -> float:
        assert what == cv2.CAP_PROP_POS_MSEC
        return self.position_ms


def test_delays_of_the_network_do_not_move_the_instant() -> None:
    clock, video, rng = StreamTime(latency_s=0.1), Video(), np.random.default_rng(3)
    start = 1_800_000_000 * SECOND
    off = []
    for k in range(200):
        taken = k * 0.1
        video.position_ms = 1e3 * taken
        arrived = start + round((taken + 0.1 + rng.exponential(0.05)) * SECOND)
        stamp = clock.stamp(video, arrived)
        off.append((stamp.at_ns - start) * 1e-9 - taken)
    assert abs(np.median(off[50:])) < 0.01
    assert np.ptp(off[50:]) < 0.01  # arrivals alone would scatter by 0.2 s
    assert stamp.uncertainty_s == 0.02
    video.position_ms = 0.0  # the stream counts from zero again
    stamp = clock.stamp(video, start + 30 * SECOND)
    assert (stamp.at_ns - start) * 1e-9 == pytest.approx(29.9)
    assert stamp.uncertainty_s == 0.05


def test_a_camera_whose_clock_drifts_is_followed() -> None:
    clock, video = StreamTime(latency_s=0.0), Video()
    start = 1_800_000_000 * SECOND
    for k in range(6000):
        video.position_ms = 1e3 * k * 0.1 * (1 - 1e-4)  # 0.1 per mille slow: 60 ms in ten minutes
        stamp = clock.stamp(video, start + round(k * 0.1 * SECOND))
    assert (stamp.at_ns - start) * 1e-9 == pytest.approx(599.9, abs=0.01)


def test_a_stream_without_time_is_stamped_by_its_arrival() -> None:
    clock, video = StreamTime(latency_s=0.1), Video()
    for k in range(30):
        stamp = clock.stamp(video, (1000 + k) * SECOND)
    assert stamp.at_ns == 1029 * SECOND - SECOND // 10
    assert stamp.uncertainty_s == 0.05


def test_usb_takes_the_kernel_s_stamp_and_falls_back() -> None:
    video = Video()
    clock = KernelTime(exposure_s=0.02, latency_s=0.08, monotonic_ns=lambda: 500 * SECOND)
    video.position_ms = 499_950.0  # got 50 ms ago
    stamp = clock.stamp(video, 10_000 * SECOND)
    assert stamp.at_ns == pytest.approx(10_000 * SECOND - 0.07 * SECOND, abs=1000)
    assert stamp.uncertainty_s == 0.01
    for nonsense in (0.0, 400_000.0, 501_000.0):
        video.position_ms = nonsense
        stamp = clock.stamp(video, 10_000 * SECOND)
        assert stamp.at_ns == pytest.approx(10_000 * SECOND - 0.08 * SECOND, abs=1000)
        assert stamp.uncertainty_s == 0.04


def test_an_absent_usb_camera_is_lost_and_stops_nothing() -> None:
    camera = open_usb("c", "/dev/video-that-is-not-there", stale_s=0.2)
    try:
        assert is_lost(gather(camera, 3.0, is_lost)[-1])
    finally:
        camera.close()
    with pytest.raises(ValueError, match="four characters"):
        open_usb("c", compression="JPEG2")


@pytest.mark.skipif(not os.path.exists("/dev/video0"), reason="no USB camera at this machine: plug one in")
def test_a_usb_camera_that_is_there_gives_pictures() -> None:
    camera = open_usb("c", "/dev/video0")
    try:
        frames = gather(camera, 10.0, is_seen)
        assert is_seen(frames[-1])
        assert abs(frames[-1].measured_at_ns - time.time_ns()) < 2 * SECOND
    finally:
        camera.close()
