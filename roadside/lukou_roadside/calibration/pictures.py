"""Pictures to calibrate from: one, or the empty street of a video."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_roadside.calibration.errors import CalibrationError

MOST = 61
"""Frames of a video whose median is taken; spread over its length."""

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture; of a video or a folder of pictures the median, in which moving traffic vanishes.

    Raises
    ------
    CalibrationError
        Nothing can be read.
    """
    if not path.exists():
        raise CalibrationError(f"{path}: there is no such file")
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        step = max(1, len(files) // MOST)
        frames = [image for file in files[::step] if (image := _read(file)) is not None]
    elif path.suffix.lower() in PICTURES:
        image = _read(path)
        frames = [] if image is None else [image]
    else:
        frames = _frames(path)
    frames = [frame for frame in frames if frame.shape == frames[0].shape]
    if not frames:
        raise CalibrationError(f"{path}: neither a picture nor a video that can be read")
    return frames[0] if len(frames) == 1 else median(frames)


def median(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """(h, w, 3) The middle value of each pixel, in strips that keep memory small."""
    whole = np.empty_like(frames[0])
    for top in range(0, whole.shape[0], 64):
        whole[top : top + 64] = np.median(np.stack([frame[top : top + 64] for frame in frames]), axis=0)
    return whole


def _read(path: Path) -> NDArray[np.uint8] | None:
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _frames(path: Path) -> list[NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    step = max(1, count // MOST)
    frames: list[NDArray[np.uint8]] = []
    number = 0
    while len(frames) < MOST:
        there = video.grab()
        if not there:
            break
        if number % step == 0:
            got, image = video.retrieve()
            if got:
                frames.append(np.asarray(image, dtype=np.uint8))
        number += 1
    video.release()
    return frames
