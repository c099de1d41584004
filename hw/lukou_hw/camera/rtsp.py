"""Driver ``camera.rtsp``: a network camera, or anything else that OpenCV's FFmpeg can open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2

from lukou_hw.camera.stream import StreamCamera, StreamTime

OPEN_MS, READ_MS = 5000, 2500
"""A connection that takes longer to open, or brings no picture for longer, is given up: a half-open one would hold the reader for ever. [ms]"""


def _open(address: str) -> Any:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
    return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)


class RtspCamera(StreamCamera):
    """A network camera.

    The instant of a picture is the stream's own time, set to the box's clock by the quickest arrivals (`StreamTime`), less `latency_s`; where the stream
    tells no time, that of the arrival. The camera's absolute clock (RTCP sender reports) is not handed on by OpenCV, so it is not used.

    Parameters
    ----------
    name : str
        Name of the camera.
    address : str
        For example ``rtsp://camera.example/stream``; credentials belong in the environment, not in site files.
    latency_s : float
        From exposure to decoded picture, measured once per camera model. [s]
    stale_s, frozen_s : float
        Silence after which the camera is lost, time of identical pictures after which it is frozen. [s]
    opener : callable, optional
        Opens the address; for tests.
    """

    def __init__(
        self,
        name: str,
        address: str,
        latency_s: float = 0.1,
        stale_s: float = 1.0,
        frozen_s: float = 5.0,
        opener: Callable[[str], Any] = _open,
    ) -> None:
        super().__init__(name, lambda: opener(address), StreamTime(latency_s), stale_s, frozen_s)


def open_camera(
    name: str, address: str, latency_s: float = 0.1, stale_s: float = 1.0, frozen_s: float = 5.0
) -> RtspCamera:
    """Entry point of the driver."""
    return RtspCamera(name, address, latency_s, stale_s, frozen_s)
