"""Cameras that push pictures: read by OpenCV in a thread of its own; newest picture wins, reconnects for ever, tells where its time comes from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera.reading import CameraFrame, frame_input
from lukou_hw.camera.watch import CameraWatch
from lukou_messages.process import Input, Output
from lukou_messages.v1.header_pb2 import TimeSource

RECONNECT_S = (0.5, 10.0)
"""First and longest pause before a new connection; doubled each time. [s]"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a picture was taken.

    Attributes
    ----------
    at_ns : int
        Instant of the exposure, nanoseconds POSIX UTC.
    uncertainty_s : float
        Standard uncertainty. [s]
    """

    at_ns: int
    uncertainty_s: float


class Stamper(Protocol):
    """Says when pictures were taken."""

    def stamp(self, video: Any, arrived_ns: int) -> Stamp:
        """Of the picture just read, which had been decoded at `arrived_ns`."""

    def restart(self) -> None:
        """The stream begins anew."""


@dataclass
class StreamTime:
    """The stream's own clock, set by the quickest arrivals: what network and decoder add to the others vanishes.

    Arrival less stream time is the camera's clock offset plus a delay that is never negative; the running least of it is the offset plus the
    shortest delay (V. Paxson, "On Calibrating Measurements of Packet Transit Times" (1998)). It may rise slowly, since the clocks drift.

    Attributes
    ----------
    latency_s : float
        From exposure to decoded picture when nothing delays it, measured once per camera model. [s]
    arrival_uncertainty_s, stream_uncertainty_s : float
        Of an instant told by the arrival alone, and by the stream's clock. [s]
    drift : float
        By how much the camera's clock may run off. [1]
    """

    latency_s: float = 0.1
    arrival_uncertainty_s: float = 0.05
    stream_uncertainty_s: float = 0.02
    drift: float = 200e-6
    _offset_s: float | None = None
    _last: tuple[float, int] = field(default=(-1.0, 0))
    _steady: int = 0

    def restart(self) -> None:
        """Forget the offset: a new connection counts from zero again."""
        self._offset_s, self._last, self._steady = None, (-1.0, 0), 0

    def stamp(self, video: Any, arrived_ns: int) -> Stamp:
        """Instant of the picture just read."""
        told_s = float(video.get(cv2.CAP_PROP_POS_MSEC)) * 1e-3
        before_s, before_ns = self._last
        arrived_s = arrived_ns * 1e-9
        if not told_s > before_s or told_s - before_s > 5.0:  # no stream time, or it has jumped
            self.restart()
            self._last = told_s, arrived_ns
            return Stamp(arrived_ns - round(self.latency_s * 1e9), self.arrival_uncertainty_s)
        self._last = told_s, arrived_ns
        self._steady += 1
        offset = arrived_s - told_s
        if self._offset_s is None:
            self._offset_s = offset
        else:
            self._offset_s = min(offset, self._offset_s + self.drift * (arrived_ns - before_ns) * 1e-9)
        at_ns = round((told_s + self._offset_s - self.latency_s) * 1e9)
        return Stamp(at_ns, self.stream_uncertainty_s if self._steady > 20 else self.arrival_uncertainty_s)


class StreamCamera:
    """A camera behind OpenCV.

    Parameters
    ----------
    name : str
        Name of the camera.
    opener : callable
        Opens the stream; gives something like ``cv2.VideoCapture``.
    stamper : Stamper
        Says when pictures were taken.
    stale_s, frozen_s : float
        Silence after which the camera is lost, time of identical pictures after which it is frozen. [s]
    """

    def __init__(
        self, name: str, opener: Callable[[], Any], stamper: Stamper, stale_s: float = 1.0, frozen_s: float = 5.0
    ) -> None:
        self.name = name
        self._opener, self._stamper = opener, stamper
        self._watch = CameraWatch(name, stale_s, frozen_s)
        self._lock = threading.Lock()
        self._newest: tuple[int, Stamp, NDArray[np.uint8]] | None = None
        self._dropped, self._sequence, self._epoch = 0, 0, 0
        self.connections = 0
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
        arrived_ns, stamp, picture = newest
        health = self._watch.seen(picture, arrived_ns)
        frame = CameraFrame(
            self.name,
            picture,
            stamp.at_ns,
            stamp.at_ns,
            time_source=TimeSource.TIME_SOURCE_LOCAL,
            time_uncertainty_s=stamp.uncertainty_s,
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
            video = self._opener()
            self._stamper.restart()
            self.connections += bool(video.isOpened())
            while video.isOpened() and not self._stopping.is_set():
                there, image = video.read()
                if not there:
                    break
                pause = RECONNECT_S[0]
                arrived_ns = time.time_ns()
                stamp = self._stamper.stamp(video, arrived_ns)
                with self._lock:
                    self._dropped += self._newest is not None
                    self._newest = arrived_ns, stamp, np.asarray(image, dtype=np.uint8)
            video.release()
            self._stopping.wait(pause)
            pause = min(2 * pause, RECONNECT_S[1])

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored."""

    def close(self) -> None:
        """End the thread; OpenCV may take a moment to give up reading."""
        self._stopping.set()
        self._thread.join(timeout=3.0)

    def faults(self) -> list[str]:
        """Words for the health report."""
        return self._watch.faults()
