"""Health of a camera from what its driver sees: silence, pictures that do not change, and pictures that show nothing."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera.reading import NO_PICTURE, CameraFrame, CameraHealth

REPEAT_LOST_S = 1.0
"""A lost camera is told of again this often. [s]"""

CELLS = 24
"""A picture's content is judged on about so many cells along each side, in which noise averages out."""

LEAST_CONTRAST = 1.0
"""With a smaller standard deviation of its cells a picture shows nothing. [0..255]"""


def shows_nothing(picture: NDArray[np.uint8]) -> bool:
    """Whether a picture has no content but noise: a covered lens, all black, all white. Of a tiny one nothing is said.

    Parameters
    ----------
    picture : (h, w, 3) uint8 array
        Any size.
    """
    rows = picture[:: 2 if picture.shape[0] >= 4 * CELLS else 1]
    if min(rows.shape[:2]) < CELLS:
        return False
    green = cv2.extractChannel(rows, 1)
    height, width = (side // CELLS for side in green.shape)
    sums = cv2.integral(green)[: height * CELLS + 1 : height, : width * CELLS + 1 : width]
    cells = np.diff(np.diff(sums, axis=0), axis=1) / (height * width)
    return bool(cells.std() < LEAST_CONTRAST)


@dataclass
class CameraWatch:
    """Judges one camera.

    Attributes
    ----------
    name : str
        Name of the camera.
    stale_s : float
        Silence after which it is lost. [s]
    frozen_s : float
        Time of identical pictures after which it is frozen; a real sensor's noise never repeats. [s]
    """

    name: str
    stale_s: float
    frozen_s: float
    health: CameraHealth = CameraHealth.OK
    _last_ns: int = 0
    _told_ns: int = 0
    _changed_ns: int = 0
    _print: int = -1

    def seen(self, picture: NDArray[np.uint8], at_ns: int) -> CameraHealth:
        """Judge a new picture taken at `at_ns`."""
        self._last_ns = at_ns
        print_ = zlib.crc32(picture[:: max(1, picture.shape[0] // 32)].tobytes())
        if print_ != self._print:
            self._print, self._changed_ns = print_, at_ns
        frozen = at_ns - self._changed_ns > self.frozen_s * 1e9
        blind = CameraHealth.BLIND if shows_nothing(picture) else CameraHealth.OK
        self.health = CameraHealth.FROZEN if frozen else blind
        return self.health

    def silence(self, now_ns: int) -> CameraFrame | None:
        """A reading without a picture when the camera has just been lost, and each second while it stays so."""
        if self._last_ns == 0:
            self._last_ns = now_ns
        silent_s = (now_ns - self._last_ns) / 1e9
        if silent_s <= self.stale_s:
            return None
        if self.health is CameraHealth.LOST and now_ns - self._told_ns < REPEAT_LOST_S * 1e9:
            return None
        self.health, self._told_ns = CameraHealth.LOST, now_ns
        reason = f"no picture for {silent_s:.1f} s"
        return CameraFrame(self.name, NO_PICTURE, now_ns, now_ns, health=CameraHealth.LOST, reason=reason)

    def faults(self) -> list[str]:
        """Words for the health report."""
        words = {
            CameraHealth.LOST: "no picture",
            CameraHealth.FROZEN: "picture does not change",
            CameraHealth.BLIND: "picture shows nothing",
        }
        return [f"{self.name}: {words[self.health]}"] if self.health in words else []
