"""Driver ``camera.file``: a folder of pictures, or a video file, played at its rate; for trying and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera.reading import CameraFrame, CameraHealth, frame_input
from lukou_messages.process import Input, Output
from lukou_messages.v1.header_pb2 import TimeSource

PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


class FileCamera:
    """A camera that plays files.

    Parameters
    ----------
    name : str
        Name of the camera.
    path : str
        Folder of pictures, played in the order of their names, or video file.
    rate_hz : float, optional
        Pictures per second; a video's own by default, 10 for a folder. [1/s]
    repeat : bool
        Whether to begin again at the end; otherwise the camera is lost then.

    Raises
    ------
    FileNotFoundError
        Neither a video nor a folder with pictures stands there.
    """

    def __init__(self, name: str, path: str, rate_hz: float | None = None, repeat: bool = True) -> None:
        self.name = name
        self._path, self._repeat = Path(path), repeat
        self._files: list[Path] = []
        self._video: cv2.VideoCapture | None = None
        own_rate = 10.0
        if self._path.is_dir():
            self._files = sorted(file for file in self._path.iterdir() if file.suffix.lower() in PICTURES)
        elif self._path.is_file():
            self._video = cv2.VideoCapture(str(self._path))
            own_rate = self._video.get(cv2.CAP_PROP_FPS) or 25.0
        if not self._files and (self._video is None or not self._video.isOpened()):
            raise FileNotFoundError(f"{name}: {path}: expected a video or a folder with {', '.join(PICTURES)}")
        self._period_ns = round(1e9 / (rate_hz or own_rate))
        self._due_ns, self._epoch, self._sequence, self._next, self._dropped = 0, 0, 0, 0, 0
        self._ended = False

    def poll(self, now_ns: int) -> Sequence[Input]:
        """The picture that is due, if one is; those that became due meanwhile are skipped and counted."""
        if self._due_ns == 0:
            self._epoch = self._due_ns = now_ns
        if now_ns < self._due_ns or self._ended:
            return []
        late = (now_ns - self._due_ns) // self._period_ns
        for _ in range(late):
            self._read(skip=True)
        self._dropped += late
        due_ns = self._due_ns + late * self._period_ns
        self._due_ns = due_ns + self._period_ns
        picture = self._read(skip=False)
        health = CameraHealth.OK
        if picture is None:
            self._ended, health = True, CameraHealth.LOST
            picture = np.zeros((0, 0, 3), np.uint8)
        self._sequence += 1
        frame = CameraFrame(
            self.name,
            picture,
            due_ns,
            due_ns,
            time_source=TimeSource.TIME_SOURCE_LOCAL,
            health=health,
            dropped=self._dropped,
            reason="" if health is CameraHealth.OK else f"{self._path.name} has ended",
        )
        return [frame_input(frame, self._epoch, self._sequence)]

    def _read(self, skip: bool) -> NDArray[np.uint8] | None:
        if self._video is not None:
            there, image = (self._video.grab(), None) if skip else self._video.read()
            if not there and self._repeat:
                self._video.release()
                self._video = cv2.VideoCapture(str(self._path))
                there, image = self._video.read()
            return np.asarray(image, dtype=np.uint8) if there and image is not None else None
        if self._next >= len(self._files):
            if not self._repeat:
                return None
            self._next = 0
        file = self._files[self._next]
        self._next += 1
        image = None if skip else cv2.imread(str(file), cv2.IMREAD_COLOR)
        return None if image is None else np.asarray(image, dtype=np.uint8)

    def send(self, outputs: Sequence[Output]) -> None:
        """Ignored."""

    def close(self) -> None:
        """Release the file."""
        if self._video is not None:
            self._video.release()

    def faults(self) -> list[str]:
        """Words for the health report."""
        return [f"{self.name}: {self._path.name} has ended"] if self._ended else []


def open_camera(name: str, path: str, rate_hz: float | None = None, repeat: bool = True) -> FileCamera:
    """Entry point of the driver."""
    return FileCamera(name, path, rate_hz, repeat)
