"""A network camera against GStreamer's RTSP server, where the system has one: pictures, a server that is killed and comes back, and one that hangs."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lukou_hw.camera import CameraHealth
from lukou_hw.camera.rtsp import RtspCamera

from .frames import gather, is_lost, is_seen

PYTHON = Path("/usr/bin/python3")
PROBE = """
import gi
gi.require_version("GstRtspServer", "1.0")
gi.require_version("Gst", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert Gst.ElementFactory.find("rtpjpegpay") and Gst.ElementFactory.find("jpegenc")
"""


def has_gstreamer() -> bool:
    try:
        return subprocess.run([PYTHON, "-c", PROBE], capture_output=True, check=False, timeout=20.0).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not has_gstreamer(),
        reason="no GStreamer RTSP server: install gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-good and python3-gi",
    ),
]


class Server:
    """The server as a process of its own, on one port for all its lives."""

    def __init__(self) -> None:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = int(held.getsockname()[1])
        self.process = self._started()

    def _started(self) -> subprocess.Popen[str]:
        script = Path(__file__).with_name("gstreamer_server.py")
        process = subprocess.Popen([PYTHON, script, str(self.port)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "listening"
        return process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def restart(self) -> None:
        self.process = self._started()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.kill()


@pytest.fixture
def camera(server: Server) -> Iterator[RtspCamera]:
    made = RtspCamera("c", f"rtsp://127.0.0.1:{server.port}/stream", latency_s=0.0, stale_s=0.8)
    yield made
    made.close()


def test_pictures_come_in_order_at_the_rate_of_the_camera(camera: RtspCamera) -> None:
    assert gather(camera, 15.0, is_seen)
    frames = [frame for frame in gather(camera, 3.0) if is_seen(frame)]
    assert frames[0].picture.shape == (240, 320, 3)
    assert len(frames) > 30  # of 45
    steps = np.diff([frame.measured_at_ns for frame in frames]) * 1e-9
    assert (steps > 0.0).all()
    assert np.median(steps) == pytest.approx(1.0 / 15.0, rel=0.1)
    assert len({frame.picture.tobytes() for frame in frames}) > 0.9 * len(frames)


def test_a_server_that_is_killed_is_lost_and_found_again(server: Server, camera: RtspCamera) -> None:
    assert gather(camera, 15.0, is_seen)
    server.kill()
    assert is_lost(gather(camera, 6.0, is_lost)[-1])
    assert camera.faults()
    server.restart()
    back = gather(camera, 25.0, is_seen)[-1]
    assert is_seen(back)
    assert back.health is CameraHealth.OK
    assert camera.faults() == []


def test_a_server_that_hangs_is_lost_and_found_again(server: Server, camera: RtspCamera) -> None:
    assert gather(camera, 15.0, is_seen)
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert is_lost(gather(camera, 6.0, is_lost)[-1])
        gather(camera, 4.0)
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert is_seen(gather(camera, 25.0, is_seen)[-1])
