"""Driver ``camera.usb``: a camera at this machine's USB, through Video4Linux."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2

from lukou_hw.camera.stream import Stamp, StreamCamera

LONGEST_AGE_S = 2.0
"""A stamp of the kernel that is older than this, or of the future, is not believed. [s]"""


@dataclass
class KernelTime:
    """The instant at which the kernel got the first byte of a picture, which Video4Linux stamps by the monotonic clock.

    Attributes
    ----------
    exposure_s : float
        From the middle of the exposure to that instant: read-out and half the exposure. [s]
    latency_s : float
        From exposure to decoded picture, used where the kernel's stamp is not there or cannot be true. [s]
    monotonic_ns : callable
        The monotonic clock.
    """

    exposure_s: float = 0.02
    latency_s: float = 0.08
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    def restart(self) -> None:
        """Nothing is kept."""

    def stamp(self, video: Any, arrived_ns: int) -> Stamp:
        """Instant of the picture just read."""
        told_s = float(video.get(cv2.CAP_PROP_POS_MSEC)) * 1e-3
        age_s = self.monotonic_ns() * 1e-9 - told_s
        if told_s > 0.0 and 0.0 <= age_s < LONGEST_AGE_S:
            return Stamp(arrived_ns - round((age_s + self.exposure_s) * 1e9), 0.01)
        return Stamp(arrived_ns - round(self.latency_s * 1e9), 0.04)


def open_camera(
    name: str,
    device: str = "/dev/video0",
    width_px: int = 1280,
    height_px: int = 720,
    rate_hz: float = 30.0,
    compression: str = "MJPG",
    exposure_s: float = 0.02,
    stale_s: float = 1.0,
    frozen_s: float = 5.0,
) -> StreamCamera:
    """Entry point of the driver.

    Parameters
    ----------
    name : str
        Name of the camera.
    device : str
        For example ``/dev/video0``, or a name under ``/dev/v4l/by-id`` that stays the same over restarts.
    width_px, height_px, rate_hz : int, int, float
        What is asked of the camera; it may give something else. [px, px, 1/s]
    compression : str
        Four characters of the format asked for: MJPG saves the bus, YUYV the processor.
    exposure_s : float
        From the middle of the exposure to the first byte. [s]
    stale_s, frozen_s : float
        Silence after which the camera is lost, time of identical pictures after which it is frozen. [s]
    """
    if len(compression) != 4:
        raise ValueError(f"{name}: compression {compression!r}: expected four characters, for example MJPG")

    def opened() -> Any:
        video = cv2.VideoCapture(device, cv2.CAP_V4L2)
        if video.isOpened():
            video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*compression))
            video.set(cv2.CAP_PROP_FRAME_WIDTH, width_px)
            video.set(cv2.CAP_PROP_FRAME_HEIGHT, height_px)
            video.set(cv2.CAP_PROP_FPS, rate_hz)
            video.set(cv2.CAP_PROP_BUFFERSIZE, 2)
        return video

    return StreamCamera(name, opened, KernelTime(exposure_s), stale_s, frozen_s)
