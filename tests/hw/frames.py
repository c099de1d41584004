"""What a camera gives within a while, and what a frame is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lukou_hw.camera import CameraFrame, CameraHealth


def gather(
    camera: Any, seconds: float, until: Callable[[CameraFrame], bool] = lambda frame: False
) -> list[CameraFrame]:
    frames: list[CameraFrame] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for one in camera.poll(time.time_ns()):
            frames.append(one.value)
            if until(one.value):
                return frames
        time.sleep(0.01)
    return frames


def is_seen(frame: CameraFrame) -> bool:
    return frame.picture.size > 0


def is_lost(frame: CameraFrame) -> bool:
    return frame.health is CameraHealth.LOST
