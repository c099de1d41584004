"""Driver ``camera.simulated`` and the world's end of it: raw pictures over ipc, stale ones are dropped, nobody waits.

A frame is two parts: a head (`HEAD`, little-endian: magic, sequence, due, measured, height, width) and the pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from lukou_hw.camera.reading import CameraFrame, frame_input
from lukou_hw.camera.watch import CameraWatch
from lukou_messages.process import Input, Output
from lukou_messages.v1.header_pb2 import TimeSource

HEAD = struct.Struct("<4sIqqHH")
MAGIC = b"LKCF"
CAMERA_LATENCY_NS = 20_000_000
"""From the middle of a picture's exposure until the roadside unit has it: assumed for a camera that sends raw pictures (GigE, USB3, CSI), half of an
exposure of 10 ms and the read-out and transfer of one picture at 60 per second; cameras with an encoder take several times as long. [ns]"""
QUEUE = 8
"""Frames that wait on either side at most."""
LATE_S = 0.35
"""A frame that is older than the newest by more is dropped. [s]"""


class SimulatedCamera:
    """Receives the frames of one simulated camera.

    Parameters
    ----------
    name : str
        Name of the camera.
    endpoint : str
        Where the world sends, for example ``ipc:///run/lukou/camera-north``.
    stale_s, frozen_s : float
        Silence after which the camera is lost, time of identical pictures after which it is frozen. [s]
    """

    def __init__(self, name: str, endpoint: str, stale_s: float = 0.5, frozen_s: float = 2.0) -> None:
        self.name = name
        self._socket: Any = zmq.Context.instance().socket(zmq.PULL)
        self._socket.setsockopt(zmq.RCVHWM, QUEUE)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, 32 << 20)
        self._socket.connect(endpoint)
        self.wake: Any = self._socket
        self._watch = CameraWatch(name, stale_s, frozen_s)
        self.dropped = 0
        self.refused = 0
        self._last_sequence = -1
        self._room = QUEUE
        self._epoch = self._sequence = 0

    def poll(self, now_ns: int) -> Sequence[Input]:
        """Frames that wait, oldest first; those of more than `LATE_S` before the newest are dropped and counted, gaps in the numbers too.

        After a short stall every picture is still used, since the detector is faster than the cameras and catches up. Where it does not, because
        the box is overloaded, fewer may wait each time until only the newest is given: late pictures shall not become the rule.
        """
        self._epoch = self._epoch or now_ns
        waiting: list[tuple[tuple[Any, ...], Any]] = []
        while True:
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            head = self._head(parts)
            if head is None:
                self.refused += 1
                continue
            sequence = head[1]
            if self._last_sequence >= 0 and 0 < sequence - self._last_sequence < 1000:
                self.dropped += sequence - self._last_sequence - 1
            self._last_sequence = sequence
            waiting.append((head, parts[1]))
        if not waiting:
            lost = self._watch.silence(now_ns)
            return [] if lost is None else [self._numbered(lost)]
        newest_ns = waiting[-1][0][3]
        kept = [one for one in waiting if newest_ns - one[0][3] <= LATE_S * 1e9][-self._room :]
        self._room = QUEUE if len(waiting) == 1 else max(1, len(kept) - 1)
        self.dropped += len(waiting) - len(kept)
        return [self._numbered(self._frame(*one)) for one in kept]

    def _frame(self, head: tuple[Any, ...], pixels: Any) -> CameraFrame:
        _, _, due_ns, measured_ns, height, width = head
        picture: NDArray[np.uint8] = np.frombuffer(pixels.buffer, np.uint8).reshape(height, width, 3)
        health = self._watch.seen(picture, measured_ns)
        faults = self._watch.faults()
        return CameraFrame(
            self.name,
            picture,
            measured_ns,
            due_ns,
            time_source=TimeSource.TIME_SOURCE_SIMULATION,
            time_uncertainty_s=0.001,
            health=health,
            dropped=self.dropped,
            reason=faults[0] if faults else "",
        )

    def _head(self, parts: list[Any]) -> tuple[Any, ...] | None:
        if len(parts) != 2 or len(parts[0].buffer) != HEAD.size:
            return None
        head = HEAD.unpack(parts[0].buffer)
        return head if head[0] == MAGIC and len(parts[1].buffer) == head[4] * head[5] * 3 else None

    def _numbered(self, frame: CameraFrame) -> Input:
        self._sequence += 1
        return frame_input(frame, self._epoch, self._sequence)

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored."""

    def close(self) -> None:
        """Release the socket."""
        self._socket.close(0)

    def faults(self) -> list[str]:
        """Words for the health report."""
        return self._watch.faults()


def open_camera(name: str, endpoint: str, stale_s: float = 0.5, frozen_s: float = 2.0) -> SimulatedCamera:
    """Entry point of the driver."""
    return SimulatedCamera(name, endpoint, stale_s, frozen_s)


class CameraFeed:
    """The world's end: offers pictures to whoever listens.

    Parameters
    ----------
    name : str
        Name of the camera.
    endpoint : str
        Where to offer the frames.
    """

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self._socket: Any = zmq.Context.instance().socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, QUEUE)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.bind(endpoint)
        self._sequence = 0
        self.unsent = 0

    def offer(self, picture: NDArray[np.uint8], due_ns: int, measured_ns: int | None = None) -> None:
        """Send a picture; a full queue or an absent receiver costs the frame, never time.

        Parameters
        ----------
        picture : (h, w, 3) uint8 array
            Must not be changed afterwards.
        due_ns : int
            Instant that it shows, nanoseconds POSIX UTC.
        measured_ns : int, optional
            Its time stamp, where the camera's clock is off.
        """
        self._sequence += 1
        height, width = picture.shape[:2]
        stamp_ns = due_ns if measured_ns is None else measured_ns
        head = HEAD.pack(MAGIC, self._sequence, due_ns, stamp_ns, height, width)
        try:
            self._socket.send_multipart([head, np.ascontiguousarray(picture)], zmq.NOBLOCK, copy=False)
        except zmq.Again:
            self.unsent += 1

    def poll(self, now_ns: int) -> Sequence[Input]:
        """Nothing."""
        return []

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored; see `offer`."""

    def close(self) -> None:
        """Release the socket."""
        self._socket.close(0)
