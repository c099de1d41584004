"""Small pictures for an operator's eye: packed seldom, coarse where people are, and only where the site's settings allow it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_messages.v1.sensor_pb2 import CameraPicture, PictureBox
from lukou_roadside.perception.projection import Boxes
from lukou_roadside.perception.settings import PictureSettings

MOST_BYTES = 120 * 1024
"""A picture that packs larger is packed again with half the quality. [B]"""

COARSE_CELLS = 6
"""A road user is left with so many cells along the longer side of its box."""

MARGIN = 0.12
"""Boxes are widened by this share before they are made coarse: a detector's edges are not exact."""


def operator_picture(
    camera: str, picture: NDArray[np.uint8], boxes: Boxes, settings: PictureSettings
) -> CameraPicture | None:
    """Pack one picture.

    Parameters
    ----------
    camera : str
        Name of the camera.
    picture : (h, w, 3) uint8 array
        Blue, green, red; not changed.
    boxes : Boxes
        What was found in it.
    settings : PictureSettings
        Size, quality, whether road users are made coarse.

    Returns
    -------
    CameraPicture or None
        None where it cannot be packed small enough.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, settings.width_px / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else picture.copy()
    columns = [np.asarray(getattr(boxes, name), np.float64) for name in ("x1", "y1", "x2", "y2")]
    shares = np.stack([columns[0] / width, columns[1] / height, columns[2] / width, columns[3] / height], axis=-1)
    shares = np.clip(shares, 0.0, 1.0)
    if settings.coarsens:
        for box in shares:
            _coarsen(small, box)
    packed = _packed(small, settings.quality)
    if packed is None:
        return None
    made = CameraPicture(
        camera=camera, width_px=size[0], height_px=size[1], jpeg=packed, is_coarsened=settings.coarsens
    )
    named, score = np.asarray(boxes.object_class), np.asarray(boxes.score)
    for k, (left, top, right, bottom) in enumerate(shares.tolist()):
        made.boxes.append(
            PictureBox(
                object_class=int(named[k]), score=float(score[k]), left=left, top=top, right=right, bottom=bottom
            )
        )
    return made


def _coarsen(picture: NDArray[np.uint8], box: NDArray[np.float64]) -> None:
    """Replace what stands in a box by a few cells."""
    height, width = picture.shape[:2]
    dx, dy = MARGIN * (box[2] - box[0]), MARGIN * (box[3] - box[1])
    left, right = int(max(0.0, box[0] - dx) * width), int(np.ceil(min(1.0, box[2] + dx) * width))
    top, bottom = int(max(0.0, box[1] - dy) * height), int(np.ceil(min(1.0, box[3] + dy) * height))
    part = picture[top:bottom, left:right]
    if part.size == 0:
        return
    cell = max(part.shape[:2]) / COARSE_CELLS
    few = max(1, round(part.shape[1] / cell)), max(1, round(part.shape[0] / cell))
    coarse = cv2.resize(part, few, interpolation=cv2.INTER_AREA)
    picture[top:bottom, left:right] = cv2.resize(coarse, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _packed(picture: NDArray[np.uint8], quality: int) -> bytes | None:
    for one in (quality, quality // 2):
        done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, one])
        if done and len(packed) <= MOST_BYTES:
            return packed.tobytes()
    return None
