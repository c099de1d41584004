"""The watch for cameras that have moved, beside perception: now and then the street's picture is compared with the map, elsewhere."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera import CameraFrame, CameraHealth
from lukou_messages.process import Device, Input, Output
from lukou_roadside.calibration.watch import Judgement
from lukou_roadside.perception.settings import CameraSettings

PICTURES = 9
"""Pictures whose median is compared: moving traffic vanishes in it."""

Compare = Callable[[CameraSettings, Sequence[NDArray[np.uint8]]], Judgement | None]
"""Says where a camera looks by some of its pictures; takes its time."""


@dataclass(frozen=True, slots=True)
class MountingReading:
    """One comparison, as a reading of the camera's device.

    Attributes
    ----------
    camera : str
        Name of the camera.
    compared_at_ns : int
        Instant of the last picture used, nanoseconds POSIX UTC.
    judgement : Judgement
        Where the camera looks.
    """

    camera: str
    compared_at_ns: int
    judgement: Judgement


class WatchedCamera:
    """A camera's driver with the watch behind it; frames pass through untouched.

    Parameters
    ----------
    camera : Device
        The driver.
    settings : CameraSettings
        The camera's calibration.
    compare : callable
        Compares pictures with the map; called in a thread that does nothing else.
    end : callable
        Gives up a comparison that runs.
    period_s : float
        From comparison to comparison. [s]
    """

    def __init__(
        self, camera: Device, settings: CameraSettings, compare: Compare, end: Callable[[], None], period_s: float
    ) -> None:
        self.name = camera.name
        self.wake: Any = getattr(camera, "wake", None)
        self._camera, self._settings, self._compare, self._end = camera, settings, compare, end
        self._step_ns = round(period_s / (PICTURES + 1) * 1e9)
        self._next_ns = self._epoch = self._sequence = 0
        self._pictures: list[NDArray[np.uint8]] = []
        self._work: queue.Queue[tuple[int, list[NDArray[np.uint8]]] | None] = queue.Queue(maxsize=1)
        self._done: queue.Queue[MountingReading] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name=f"mounting {self.name}", daemon=True)
        self._thread.start()

    def poll(self, now_ns: int) -> Sequence[Input]:
        """Frames of the camera, and what the watch has found."""
        inputs = list(self._camera.poll(now_ns))
        for one in inputs:
            if isinstance(one.value, CameraFrame) and one.value.health is CameraHealth.OK and one.value.picture.size:
                self._sample(one.value)
        with contextlib.suppress(queue.Empty):
            while True:
                inputs.append(self._reading(now_ns, self._done.get_nowait()))
        return inputs

    def _sample(self, frame: CameraFrame) -> None:
        at_ns = frame.measured_at_ns
        if at_ns < self._next_ns or frame.picture.shape[:2] != (self._settings.height_px, self._settings.width_px):
            return
        self._next_ns = at_ns + self._step_ns
        self._pictures.append(frame.picture.copy())
        if len(self._pictures) == PICTURES:
            with contextlib.suppress(queue.Full):  # the last comparison still runs: leave this one out
                self._work.put_nowait((at_ns, self._pictures))
            self._pictures = []

    def _reading(self, now_ns: int, reading: MountingReading) -> Input:
        self._epoch, self._sequence = self._epoch or now_ns, self._sequence + 1
        return Input(
            f"device/{self.name}-mounting", self.name, self._epoch, self._sequence, reading.compared_at_ns, reading
        )

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            judgement = self._compare(self._settings, work[1])
            if judgement is not None:
                self._done.put(MountingReading(self.name, work[0], judgement))

    def send(self, outputs: Sequence[Output]) -> None:
        """To the camera."""
        self._camera.send(outputs)

    def close(self) -> None:
        """Release the camera and end the thread."""
        self._camera.close()
        self._end()
        with contextlib.suppress(queue.Empty):
            self._work.get_nowait()
        self._work.put(None)
        self._thread.join(timeout=2.0)

    def faults(self) -> list[str]:
        """Words for the health report."""
        faults: list[str] = getattr(self._camera, "faults", list)()
        return faults
