"""Edges and straight segments of a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_roadside.perception.tracking.scan import Floats

CHANNELS = 8
"""Edges are kept by direction in so many channels of 22.5 degrees."""

FARTHEST_PX = 40.0
"""An edge farther than this says nothing. [px]"""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of one picture, ready to be asked for the nearest.

    Attributes
    ----------
    nearest : (CHANNELS, h, w, 2) int16 array
        Column and row of the nearest edge of about that direction, for every pixel.
    distance : (CHANNELS, h, w) float32 array
        How far it is. [px]
    count : int
        Edge pixels.
    """

    nearest: NDArray[np.int16]
    distance: NDArray[np.float32]
    count: int


def find_edges(picture: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None) -> Edges:
    """Edges by direction (J. Canny, "A Computational Approach to Edge Detection" (1986)), with thresholds from the picture's own contrast.

    Parameters
    ----------
    picture : (h, w, 3) or (h, w) uint8 array
        Best an average of many pictures, without traffic.
    mask : (h, w) bool array, optional
        False where edges do not count, for example above the horizon.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.2)
    dx = cv2.Sobel(smooth, cv2.CV_16S, 1, 0)
    dy = cv2.Sobel(smooth, cv2.CV_16S, 0, 1)
    size = np.hypot(dx, dy)
    area = size[mask] if mask is not None and mask.any() else size
    high = float(np.clip(np.percentile(area, 92), 25.0, 160.0))
    found = cv2.Canny(dx, dy, 0.5 * high, high, L2gradient=True) > 0
    if mask is not None:
        found &= mask
    rows, columns = np.nonzero(found)
    # direction of the line, at right angles to the gradient, modulo half a turn
    direction = np.mod(np.arctan2(dy[rows, columns], dx[rows, columns]) + np.pi / 2, np.pi)
    channel = np.floor(direction / np.pi * CHANNELS).astype(np.int64) % CHANNELS
    shape = grey.shape[:2]
    nearest = np.zeros((CHANNELS, *shape, 2), np.int16)
    distance = np.full((CHANNELS, *shape), FARTHEST_PX * 4, np.float32)
    for k in range(CHANNELS):
        mine = (channel == k) | (channel == (k + 1) % CHANNELS) | (channel == (k - 1) % CHANNELS)
        if not mine.any():
            continue
        free = np.ones(shape, np.uint8)
        free[rows[mine], columns[mine]] = 0
        distance[k], labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
        places = np.zeros((int(labels.max()) + 1, 2), np.int16)
        places[labels[rows[mine], columns[mine]]] = np.column_stack([columns[mine], rows[mine]])
        nearest[k] = places[labels]
    return Edges(nearest, distance, len(rows))


def channel_of(direction_u: Floats, direction_v: Floats) -> NDArray[np.int64]:
    """Channel of lines with a direction in the picture."""
    angle = np.mod(np.arctan2(direction_v, direction_u), np.pi)
    return np.floor(np.nan_to_num(angle) / np.pi * CHANNELS).astype(np.int64) % CHANNELS


def find_segments(picture: NDArray[np.uint8], least_px: float) -> Floats:
    """(n, 4) Straight segments, u1, v1, u2, v2 (R. Grompone von Gioi et al., "LSD: a Line Segment Detector" (2012)). [px]"""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    if found is None:
        return np.zeros((0, 4))
    segments = np.asarray(found, np.float64).reshape(-1, 4)
    return segments[np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1]) >= least_px]
