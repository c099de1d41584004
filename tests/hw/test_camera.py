"""Camera drivers: files, a network camera that comes and goes, judgement of silence and of frozen pictures."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lukou_hw.camera import CameraHealth
from lukou_hw.camera.file import FileCamera, open_camera
from lukou_hw.camera.rtsp import RtspCamera
from lukou_hw.camera.watch import CameraWatch
from lukou_messages.process import INVALID, VALID

SECOND = 1_000_000_000


def pictures(folder: Path, count: int) -> Path:
    for k in range(count):
        cv2.imwrite(str(folder / f"{k:02d}.png"), np.full((8, 12, 3), 20 * k, np.uint8))
    return folder


def test_folder_plays_at_its_rate_and_counts_what_was_skipped(tmp_path: Path) -> None:
    camera = open_camera("c", str(pictures(tmp_path, 4)), rate_hz=10)
    (first,) = camera.poll(SECOND)
    assert first.value.picture.shape == (8, 12, 3)
    assert first.topic == "device/c"
    assert first.measured_at_ns == SECOND
    assert camera.poll(SECOND + 50_000_000) == []
    (late,) = camera.poll(SECOND + 310_000_000)  # pictures 1 and 2 were due and are gone
    assert late.value.picture[0, 0, 0] == 60
    assert late.value.dropped == 2
    assert late.measured_at_ns == SECOND + 300_000_000


def test_end_of_a_folder_is_told(tmp_path: Path) -> None:
    camera = FileCamera("c", str(pictures(tmp_path, 1)), rate_hz=1, repeat=False)
    assert camera.poll(SECOND)[0].validity == VALID
    (end,) = camera.poll(2 * SECOND)
    assert end.value.health is CameraHealth.LOST
    assert end.validity == INVALID
    assert camera.poll(3 * SECOND) == []
    assert camera.faults()


def test_nothing_to_play_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a video or a folder"):
        FileCamera("c", str(tmp_path))


def test_watch_says_lost_once_per_second_and_back() -> None:
    watch = CameraWatch("c", stale_s=0.5, frozen_s=2.0)
    noise = np.random.default_rng(1).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    assert watch.seen(noise, SECOND) is CameraHealth.OK
    assert watch.silence(SECOND + SECOND // 4) is None
    lost = watch.silence(2 * SECOND)
    assert lost is not None
    assert lost.picture.size == 0
    assert watch.silence(2 * SECOND + 1) is None
    assert watch.silence(3 * SECOND) is not None
    assert watch.faults() == ["c: no picture"]
    assert watch.seen(noise + 1, 4 * SECOND) is CameraHealth.OK
    assert watch.faults() == []


def test_watch_finds_a_frozen_picture() -> None:
    watch = CameraWatch("c", stale_s=0.5, frozen_s=1.0)
    still = np.random.default_rng(1).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    healths = [watch.seen(still, k * SECOND // 10) for k in range(1, 15)]
    assert healths[0] is CameraHealth.OK
    assert healths[-1] is CameraHealth.FROZEN


@pytest.mark.parametrize("level", [0.0, 40.0, 255.0])
def test_watch_finds_a_picture_that_shows_nothing(level: float) -> None:
    watch, rng = CameraWatch("c", stale_s=0.5, frozen_s=1.0), np.random.default_rng(1)
    covered = np.clip(rng.normal(level, 8.0, (384, 640, 3)), 0, 255).astype(np.uint8)
    assert watch.seen(covered, SECOND) is CameraHealth.BLIND
    assert watch.faults() == ["c: picture shows nothing"]
    dim = covered.copy()
    dim[200:260, 100:300] //= 2
    dim[200:260, 300:400] += 20
    assert watch.seen(dim, 2 * SECOND) is CameraHealth.OK
    assert watch.faults() == []


class Stream:
    """Stands for OpenCV's reader: three pictures, then gone."""

    opened = 0

    def __init__(self, address: str) -> None:
        Stream.opened += 1
        self._left = 3

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.005)
        self._left -= 1
        return (self._left >= 0, np.full((4, 4, 3), max(0, self._left), np.uint8))

    def get(self, what: int) -> float:
        return 0.0

    def release(self) -> None:
        return None


def test_network_camera_reconnects_and_gives_the_newest() -> None:
    Stream.opened = 0
    camera = RtspCamera("c", "rtsp://somewhere", stale_s=0.3, opener=Stream)
    try:
        deadline = time.monotonic() + 5
        got: list[Any] = []
        while Stream.opened < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
            got += camera.poll(time.time_ns())
        assert Stream.opened >= 2
        healths = {one.value.health for one in got}
        assert CameraHealth.OK in healths
        assert sum(one.value.picture.size > 0 for one in got) <= 3 * Stream.opened
        assert [one.sequence for one in got] == list(range(1, len(got) + 1))
    finally:
        camera.close()
    assert not any(thread.name == "camera c" for thread in threading.enumerate())
