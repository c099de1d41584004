"""What a camera gives and what a camera driver must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lukou_messages.process import INVALID, VALID, Input, Output
from lukou_messages.v1.header_pb2 import TimeSource

NO_PICTURE: NDArray[np.uint8] = np.zeros((0, 0, 3), dtype=np.uint8)
"""Picture of a frame that only tells that the camera is lost."""


class CameraHealth(StrEnum):
    """State of a camera as its driver sees it."""

    OK = "ok"
    LOST = "lost"
    """No picture arrives; the frame carries `NO_PICTURE`."""
    FROZEN = "frozen"
    """Pictures arrive but have not changed in a single pixel for longer than a real sensor's noise allows."""
    BLIND = "blind"
    """Pictures arrive but show nothing: the lens is covered, or all is black or white."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """One picture of one camera.

    Attributes
    ----------
    camera : str
        Name of the camera within its site, for example ``camera-north``.
    picture : (h, w, 3) uint8 array
        Blue, green, red; (0, 0, 3) where `health` is LOST. Read-only by agreement.
    measured_at_ns : int
        Instant of the exposure, nanoseconds POSIX UTC.
    due_ns : int
        Instant at which the frame was due by the camera's period; for a real camera the same as `measured_at_ns`.
    time_source : int
        Value of `TimeSource`: where `measured_at_ns` comes from.
    time_uncertainty_s : float
        Standard uncertainty of `measured_at_ns`. [s]
    health : CameraHealth
        State of the camera.
    dropped : int
        Frames that the driver threw away unread since its start, because newer ones had come.
    reason : str
        Why the health is not OK.
    """

    camera: str
    picture: NDArray[np.uint8]
    measured_at_ns: int
    due_ns: int
    time_source: int = TimeSource.TIME_SOURCE_LOCAL
    time_uncertainty_s: float = 0.02
    health: CameraHealth = CameraHealth.OK
    dropped: int = 0
    reason: str = ""


class Camera(Protocol):
    """A camera driver, polled by the process shell; never waits.

    `poll` gives readings of type `CameraFrame` on topic ``device/<name>``: each new picture once, and one reading without
    a picture when the camera is lost. The first picture after that says that it is back.
    """

    name: str

    def poll(self, now_ns: int) -> Sequence[Input]:
        """What has been read since the last call, without waiting."""

    def send(self, outputs: Sequence[Output]) -> None:
        """Cameras take no orders: ignored."""

    def close(self) -> None:
        """Release everything."""


def frame_input(frame: CameraFrame, epoch: int, sequence: int) -> Input:
    """Wrap a frame as the shell's input; the validity follows its health."""
    return Input(
        topic=f"device/{frame.camera}",
        source=frame.camera,
        epoch=epoch,
        sequence=sequence,
        measured_at_ns=frame.measured_at_ns,
        value=frame,
        validity=VALID if frame.health is CameraHealth.OK else INVALID,
    )
