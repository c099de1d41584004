"""Driver ``camera.rtsp``: a network camera read by OpenCV in a thread of its own; newest picture wins, reconnects for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera.reading import CameraFrame, frame_input
from lukou_hw.camera.watch import CameraWatch
from lukou_messages.process import Input, Output
from lukou_messages.v1.header_pb2 import TimeSource

RECONNECT_S = (0.5, 10.0)
"""First and longest pause before a new connection; doubled each time. [s]"""


def _open(address: str) -> Any:
    return cv2.VideoCapture(address)


class RtspCamera:
    """A network camera.

    The instant of a picture is the box's clock when the picture had been decoded, less `latency_s`: RTSP through OpenCV does not
    hand on the camera's own time.

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
        self.name = name
        self._address, self._latency_ns, self._opener = address, round(latency_s * 1e9), opener
        self._watch = CameraWatch(name, stale_s, frozen_s)
        self._lock = threading.Lock()
        self._newest: tuple[int, NDArray[np.uint8]] | None = None
        self._dropped, self._sequence, self._epoch = 0, 0, 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read_for_ever, name=f"camera {name}", daemon=True)
        self._thread.start()

    def poll(self, now_ns: int) -> Sequence[Input]:
        """The newest picture since the last call, or that the camera is lost."""
        self._epoch = self._epoch or now_ns
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is None:
            lost = self._watch.silence(now_ns)
            return [] if lost is None else [self._numbered(lost)]
        at_ns, picture = newest
        health = self._watch.seen(picture, at_ns)
        at_ns -= self._latency_ns
        frame = CameraFrame(
            self.name,
            picture,
            at_ns,
            at_ns,
            time_source=TimeSource.TIME_SOURCE_LOCAL,
            time_uncertainty_s=0.05,
            health=health,
            dropped=self._dropped,
            reason="" if not self._watch.faults() else self._watch.faults()[0],
        )
        return [self._numbered(frame)]

    def _numbered(self, frame: CameraFrame) -> Input:
        self._sequence += 1
        return frame_input(frame, self._epoch, self._sequence)

    def _read_for_ever(self) -> None:
        pause = RECONNECT_S[0]
        while not self._stopping.is_set():
            video = self._opener(self._address)
            while video.isOpened() and not self._stopping.is_set():
                there, image = video.read()
                if not there:
                    break
                pause = RECONNECT_S[0]
                with self._lock:
                    self._dropped += self._newest is not None
                    self._newest = time.time_ns(), np.asarray(image, dtype=np.uint8)
            video.release()
            self._stopping.wait(pause)
            pause = min(2 * pause, RECONNECT_S[1])

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored."""

    def close(self) -> None:
        """End the thread; OpenCV may take a moment to give up reading."""
        self._stopping.set()
        self._thread.join(timeout=2.0)

    def faults(self) -> list[str]:
        """Words for the health report."""
        return self._watch.faults()


def open_camera(
    name: str, address: str, latency_s: float = 0.1, stale_s: float = 1.0, frozen_s: float = 5.0
) -> RtspCamera:
    """Entry point of the driver."""
    return RtspCamera(name, address, latency_s, stale_s, frozen_s)
