"""Adapters: from a model's raw output to candidate boxes. One function per kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_roadside.detector.card import Card
from lukou_roadside.detector.detections import Floats, RawBoxes

_NEIGHBOURS = np.ones((3, 3), np.uint8)


def lukou_centre(output: Floats, card: Card) -> RawBoxes:
    """Peaks of the heat maps of Lukou's own detector.

    Parameters
    ----------
    output : (1, 6 + c, h, w) float32 array
        Heat per class as probabilities; left, top, right, bottom before their softplus, ground x, ground y; in cells
        from the cell's middle.
    card : Card
        Stride, classes, least score.
    """
    cells, stride = output[0], float(card.strides_px[0])
    classes = cells.shape[0] - 6
    parts = []
    for index in card.labels:
        heat = cells[index]
        peaks = (heat >= card.min_score) & (heat >= cv2.dilate(heat, _NEIGHBOURS))
        row, column = np.nonzero(peaks)
        parts.append((np.full(len(row), index), row, column))
    label, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
    *sides, ground_x, ground_y = cells[classes:, row, column]
    left, top, right, bottom = np.logaddexp(np.float32(0.0), np.array(sides))  # softplus, at the peaks only
    x, y = column + np.float32(0.5), row + np.float32(0.5)
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1) * stride
    ground = np.stack([x + ground_x, y + ground_y], axis=1) * stride
    return RawBoxes(label, cells[label, row, column], boxes.astype(np.float32), ground.astype(np.float32))


@lru_cache(maxsize=8)
def _grid(width_px: int, height_px: int, strides_px: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column, row and stride of each output row of YOLOX."""
    places, sizes = [], []
    for stride in strides_px:
        row, column = np.mgrid[0 : height_px // stride, 0 : width_px // stride]
        places.append(np.stack([column.ravel(), row.ravel()], axis=1))
        sizes.append(np.full((row.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def yolox(output: Floats, card: Card) -> RawBoxes:
    """YOLOX as exported without decoding (Ge et al., "YOLOX: Exceeding YOLO Series in 2021").

    Parameters
    ----------
    output : (1, n, 5 + c) float32 array
        Centre relative to the cell and logarithm of the size, both in cells; objectness; class probabilities.
    card : Card
        Strides, classes, least score.
    """
    rows = output[0]
    place, stride = _grid(card.width_px, card.height_px, card.strides_px)
    labels = np.array(sorted(card.labels))
    scores = rows[:, 4:5] * rows[:, 5 + labels]
    best = scores.argmax(axis=1)
    score = scores[np.arange(len(rows)), best]
    keep = np.flatnonzero(score >= card.min_score)
    centre = (rows[keep, :2] + place[keep]) * stride[keep]
    half = np.exp(rows[keep, 2:4]) * stride[keep] / 2
    ground = np.full((len(keep), 2), np.nan, np.float32)
    return RawBoxes(labels[best[keep]], score[keep], np.concatenate([centre - half, centre + half], axis=1), ground)


ADAPTERS: dict[str, Callable[[NDArray[np.float32], Card], RawBoxes]] = {"lukou_centre": lukou_centre, "yolox": yolox}
