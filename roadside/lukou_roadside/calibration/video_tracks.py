"""Tracks of vehicles in a video: the detector's ground points, linked from picture to picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.vehicle_tracks import PixelTracks
from lukou_roadside.detector import SHIPPED_CARD, CardError, load_detector
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Floats

RATE_HZ = 5.0
"""Pictures used in a second. [1/s]"""

LEAST_SCORE = 0.4
"""Detections below this are not followed."""

JUMP_SHARE, JUMP_PX = 0.9, 6.0
"""A vehicle moves from picture to picture by at most this share of its box, and this. [1, px]"""

LOST = 3
"""Pictures without its detection after which a track ends."""

LONGEST_S = 1200.0
"""Of a longer video only so much is used. [s]"""


def tracks_of(video_file: Path, camera: CameraSettings, card: Path | None) -> PixelTracks:
    """Follow vehicles through a video.

    Parameters
    ----------
    video_file : Path
        The video.
    camera : CameraSettings
        For the size of the picture.
    card : Path, optional
        Card of the detector; the shipped one if not given.

    Raises
    ------
    CalibrationError
        The video or the card cannot be read, or the picture has another size.
    """
    try:
        detector = load_detector(card or SHIPPED_CARD)
    except CardError as error:
        raise CalibrationError(str(error)) from None
    video = cv2.VideoCapture(str(video_file))
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    step = max(1, round(rate / RATE_HZ))
    linker, number = _Linker(), 0
    while number / rate < LONGEST_S and video.grab():
        if number % step == 0:
            there, image = video.retrieve()
            if not there:
                break
            picture = np.asarray(image, dtype=np.uint8)
            if picture.shape[:2] != (camera.height_px, camera.width_px):
                raise CalibrationError(
                    f"{video_file}: {picture.shape[1]} x {picture.shape[0]}, the camera is {camera.width_px} x {camera.height_px}"
                )
            linker.add(number / rate, detector.detect(picture))
        number += 1
    video.release()
    if number == 0:
        raise CalibrationError(f"{video_file}: not a video that can be read")
    return linker.tracks()


class _Linker:
    """Greedy linking by distance in the picture, each track by its last step."""

    def __init__(self) -> None:
        self._open: list[tuple[int, int, Floats, Floats]] = []  # id, missed, place, step
        self._rows: list[tuple[float, int, float, float]] = []
        self._next = 0

    def add(self, time_s: float, found: object) -> None:
        named = np.asarray(found.object_class, np.int64)  # type: ignore[attr-defined]
        score = np.asarray(found.score)  # type: ignore[attr-defined]
        keep = np.isin(named, (classes.CAR, classes.TRUCK, classes.BUS)) & (score > LEAST_SCORE)
        columns = {
            name: np.asarray(getattr(found, name), np.float64)[keep]
            for name in ("x1", "y1", "x2", "y2", "ground_x", "ground_y")
        }
        u = np.where(np.isnan(columns["ground_x"]), (columns["x1"] + columns["x2"]) / 2, columns["ground_x"])
        v = np.where(np.isnan(columns["ground_y"]), columns["y2"], columns["ground_y"])
        size = np.maximum(columns["x2"] - columns["x1"], columns["y2"] - columns["y1"])
        free = set(range(len(u)))
        still: list[tuple[int, int, Floats, Floats]] = []
        for who, missed, place, step in self._open:
            expected = place + step * (missed + 1)
            reach = [(float(np.hypot(u[k] - expected[0], v[k] - expected[1])), k) for k in free]
            best = min(reach, default=(np.inf, -1))
            if best[0] < JUMP_SHARE * (size[best[1]] if best[1] >= 0 else 0.0) + JUMP_PX:
                k = best[1]
                free.discard(k)
                now = np.array([u[k], v[k]])
                still.append((who, 0, now, 0.5 * step + 0.5 * (now - place) / (missed + 1)))
                self._rows.append((time_s, who, float(u[k]), float(v[k])))
            elif missed < LOST:
                still.append((who, missed + 1, place, step))
        for k in sorted(free):
            self._next += 1
            still.append((self._next, 0, np.array([u[k], v[k]]), np.zeros(2)))
            self._rows.append((time_s, self._next, float(u[k]), float(v[k])))
        self._open = still

    def tracks(self) -> PixelTracks:
        rows = np.array(self._rows).reshape(-1, 4)
        rows = rows[np.lexsort((rows[:, 0], rows[:, 1]))]
        return PixelTracks(rows[:, 0], rows[:, 1].astype(np.int64), rows[:, 2], rows[:, 3])
