"""What a detector finds in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RIDER_OVERLAP = 0.5
"""Share of the narrower box's width that a rider and a two-wheeler have in common at least."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureDetections:
    """Road users in one picture; arrays of equal length, best first.

    Attributes
    ----------
    object_class : (n,) int64 array
        Values of `ObjectClass`.
    label : (n,) int64 array
        The model's own class index.
    score : (n,) float32 array
        0..1.
    x1, y1, x2, y2 : (n,) float32 array
        Box: left, top, right, bottom. [px of the given picture]
    ground_x, ground_y : (n,) float32 array
        Picture of the footprint's centre; nan where the model does not tell. [px]
    """

    object_class: NDArray[np.int64]
    label: NDArray[np.int64]
    score: Floats
    x1: Floats
    y1: Floats
    x2: Floats
    y2: Floats
    ground_x: Floats
    ground_y: Floats

    def __len__(self) -> int:
        return len(self.score)

    def take(self, rows: NDArray[np.bool_]) -> PictureDetections:
        """Some of them."""
        return PictureDetections(*(getattr(self, name)[rows] for name in PictureDetections.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class RawBoxes:
    """Candidates of an adapter, before suppression; in pixels of the model's picture.

    Attributes
    ----------
    label : (n,) int64 array
        Class index.
    score : (n,) float32 array
        0..1.
    boxes : (n, 4) float32 array
        x1, y1, x2, y2.
    ground : (n, 2) float32 array
        nan where unknown.
    """

    label: NDArray[np.int64]
    score: Floats
    boxes: Floats
    ground: Floats


def suppress(raw: RawBoxes, overlap: float, overlap_any: float, most: int) -> NDArray[np.int64]:
    """Indices that stay, best first: greedy suppression within classes, and between them at a higher overlap.

    Parameters
    ----------
    raw : RawBoxes
        Candidates.
    overlap, overlap_any : float
        Intersection over union above which the weaker of two boxes goes: of one class, of any two.
    most : int
        How many stay at most.
    """
    order = np.argsort(-raw.score, kind="stable")[: 4 * most]
    if len(order) == 0:
        return order
    boxes, label = raw.boxes[order], raw.label[order]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    area = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    shared = common / np.maximum(area[:, None] + area[None, :] - common, 1e-9)
    doubles = shared > np.where(label[:, None] == label[None, :], overlap, overlap_any)
    stays = np.ones(len(order), bool)
    for k in range(len(order) - 1):
        if stays[k]:
            stays[k + 1 :] &= ~doubles[k, k + 1 :]
    return np.asarray(order[stays][:most], dtype=np.int64)


def merged_riders(raw: RawBoxes, person: Sequence[int], two_wheeler: Sequence[int]) -> RawBoxes:
    """Persons on two-wheelers become one road user with them: the hull of both boxes, of the two-wheeler's class.

    Parameters
    ----------
    raw : RawBoxes
        After suppression.
    person, two_wheeler : sequence of int
        Labels of persons and of what they may ride.
    """
    walks = np.flatnonzero(np.isin(raw.label, person))
    rolls = np.flatnonzero(np.isin(raw.label, two_wheeler))
    if len(walks) == 0 or len(rolls) == 0:
        return raw
    a, b = raw.boxes[walks][:, None], raw.boxes[rolls][None]
    common = np.maximum(np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]), 0)
    beside = common / np.maximum(np.minimum(a[..., 2] - a[..., 0], b[..., 2] - b[..., 0]), 1e-6)
    height = np.maximum(b[..., 3] - b[..., 1], 1e-6)
    # a rider's feet are at the pedals: neither above the two-wheeler nor well below it, and its head is above
    sits = (a[..., 3] > b[..., 1] + 0.1 * height) & (a[..., 3] < b[..., 3] + 0.25 * height) & (a[..., 1] < b[..., 1])
    fits = np.where(sits & (beside > RIDER_OVERLAP), beside * np.sqrt(raw.score[walks][:, None]), 0.0)
    boxes, score, gone = raw.boxes.copy(), raw.score.copy(), np.zeros(len(raw.label), bool)
    for k in np.argsort(-fits.max(axis=0)):
        best = int(fits[:, k].argmax())
        if fits[best, k] > 0:
            fits[best] = 0
            rider, wheel = walks[best], rolls[k]
            gone[rider] = True
            boxes[wheel, :2] = np.minimum(boxes[wheel, :2], boxes[rider, :2])
            boxes[wheel, 2:] = np.maximum(boxes[wheel, 2:], boxes[rider, 2:])
            score[wheel] = max(score[wheel], score[rider])
    stays = np.flatnonzero(~gone)
    stays = stays[np.argsort(-score[stays], kind="stable")]
    return RawBoxes(raw.label[stays], score[stays], boxes[stays], raw.ground[stays])
