"""Adapters: from a model's raw outputs to candidate boxes. One function per kind, all of one shape.

Each takes the outputs in the order in which the model (or the card's ``outputs``) names them, and the card; it gives boxes in
pixels of the model's picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lukou_roadside.detector.card import Card
from lukou_roadside.detector.detections import Floats, RawBoxes

Outputs = Sequence[NDArray[np.generic]]


class OutputError(ValueError):
    """A model's outputs have another form than its kind says."""


def lukou_centre(outputs: Outputs, card: Card) -> RawBoxes:
    """Peaks of the heat maps of Lukou's own detector.

    Parameters
    ----------
    outputs : one (1, 6 + c, h, w) float32 array
        Heat per class as probabilities; left, top, right, bottom before their softplus, ground x, ground y; in cells
        from the cell's middle.
    card : Card
        Stride, classes, least score.
    """
    cells, stride = _floats(outputs[0])[0], float(card.strides_px[0])
    classes = cells.shape[0] - 6
    heat = cells[:classes]
    label, row, column = np.unravel_index(np.flatnonzero(heat >= card.min_score), heat.shape)
    near = np.array([-1, 0, 1])
    rows = np.clip(row[:, None, None] + near[:, None], 0, heat.shape[1] - 1)
    columns = np.clip(column[:, None, None] + near, 0, heat.shape[2] - 1)
    is_peak = heat[label, row, column] >= heat[label[:, None, None], rows, columns].max(axis=(1, 2))
    has_name = np.zeros(classes, bool)
    has_name[list(card.labels)] = True
    is_peak &= has_name[label]
    label, row, column = label[is_peak], row[is_peak], column[is_peak]
    *sides, ground_x, ground_y = cells[classes:, row, column]
    left, top, right, bottom = np.logaddexp(np.float32(0.0), np.array(sides))  # softplus, at the peaks only
    x, y = column + np.float32(0.5), row + np.float32(0.5)
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1) * stride
    ground = np.stack([x + ground_x, y + ground_y], axis=1) * stride
    return RawBoxes(label, cells[label, row, column], boxes.astype(np.float32), ground.astype(np.float32))


def yolox(outputs: Outputs, card: Card) -> RawBoxes:
    """YOLOX as exported without decoding (Ge et al., "YOLOX: Exceeding YOLO Series in 2021").

    Parameters
    ----------
    outputs : one (1, n, 5 + c) float32 array
        Centre relative to the cell and logarithm of the size, both in cells; objectness; class probabilities.
    card : Card
        Strides, classes, least score.
    """
    rows = _floats(outputs[0])[0]
    place, stride = _grid(card.width_px, card.height_px, card.strides_px)
    _expect_rows(rows, len(place), card)
    label, score, keep = _best(rows[:, 4:5] * rows[:, 5:], card)
    centre = (rows[keep, :2] + place[keep]) * stride[keep]
    half = np.exp(np.minimum(rows[keep, 2:4], 20.0)) * stride[keep] / 2
    return _without_ground(label, score, np.concatenate([centre - half, centre + half], axis=1))


def yolov5(outputs: Outputs, card: Card) -> RawBoxes:
    """YOLOv5 and v7 as exported: decoded, but with objectness and classes apart and without suppression.

    Parameters
    ----------
    outputs : one (1, n, 5 + c) float32 array
        Centre and size in pixels; objectness; class probabilities.
    card : Card
        Classes, least score.
    """
    rows = _floats(outputs[0])[0]
    label, score, keep = _best(rows[:, 4:5] * rows[:, 5:], card)
    return _without_ground(label, score, _corners(rows[keep, :4]))


def yolov8(outputs: Outputs, card: Card) -> RawBoxes:
    """YOLOv8 and v11 as exported: decoded, without objectness and suppression.

    Parameters
    ----------
    outputs : one (1, 4 + c, n) float32 array
        Centre and size in pixels; class probabilities. Also (1, n, 4 + c), told apart by the shorter axis.
    card : Card
        Classes, least score.
    """
    rows = _floats(outputs[0])[0]
    if rows.shape[0] < rows.shape[1]:
        rows = rows.T
    label, score, keep = _best(rows[:, 4:], card)
    return _without_ground(label, score, _corners(rows[keep, :4]))


def gfl(outputs: Outputs, card: Card) -> RawBoxes:
    """Heads with distance distributions: NanoDet, PicoDet (Li et al., "Generalized Focal Loss", 2020, eq. 6).

    Parameters
    ----------
    outputs : arrays (1, n, c) and (1, n, 4 b) for each stride, or (1, n, c + 4 b) with all of them
        Class probabilities (logits with ``activation = "sigmoid"``); logits over `bins` distances per side, in cells.
    card : Card
        Strides, bins, classes, least score.
    """
    sides = 4 * card.bins
    arrays = [_rows_of_cells(_floats(one)) for one in outputs]
    if len(arrays) == 1:
        scores, logits = arrays[0][:, :-sides], arrays[0][:, -sides:]
    else:  # levels finest first, whether scores come first or pairs
        arrays.sort(key=lambda a: -len(a))
        scored, sided = [a for a in arrays if a.shape[1] != sides], [a for a in arrays if a.shape[1] == sides]
        if len(scored) != len(sided):
            widths = ", ".join(str(a.shape[1]) for a in arrays)
            raise OutputError(f"bins: {card.bins} bins make {sides} numbers of distance per row, found {widths}")
        scores, logits = np.concatenate(scored), np.concatenate(sided)
    place, stride = _grid(card.width_px, card.height_px, card.strides_px)
    _expect_rows(scores, len(place), card)
    label, score, keep = _best(scores, card)
    shares = logits[keep].reshape(-1, 4, card.bins)
    shares = np.exp(shares - shares.max(axis=2, keepdims=True))
    distance = (shares @ np.arange(card.bins, dtype=np.float32)) / shares.sum(axis=2) * stride[keep]
    # NanoDet counts from the corner of a cell's first pixel, PicoDet and later NanoDets from its middle
    centre = (place[keep] + np.float32(card.cell_offset)) * stride[keep]
    return _without_ground(label, score, np.concatenate([centre - distance[:, :2], centre + distance[:, 2:]], axis=1))


def end_to_end(outputs: Outputs, card: Card) -> RawBoxes:
    """Models that suppress doubles themselves.

    Parameters
    ----------
    outputs : one (n, k) or (1, n, k) array, or three: boxes (…, n, 4), scores and labels (…, n) in any order
        A single table has the columns that the card's ``columns`` name, in pixels of the model's picture. Of three
        arrays the boxes are the one with four columns, the labels are integers or the last.
    card : Card
        Columns, classes, least score.
    """
    arrays = [np.asarray(one) for one in outputs]
    tables = [a for a in arrays if a.ndim >= 2 and a.shape[-1] == len(card.columns) and a.shape[-1] > 4]
    if tables:
        table = _floats(tables[0]).reshape(-1, len(card.columns))
        at = {name: k for k, name in enumerate(card.columns)}
        boxes = table[:, [at["x1"], at["y1"], at["x2"], at["y2"]]]
        return _chosen(boxes, table[:, at["score"]], table[:, at["label"]].astype(np.int64), card)
    boxes, scores, labels = _boxes_scores_labels(arrays)
    return _chosen(boxes, scores, labels, card)


def detr(outputs: Outputs, card: Card) -> RawBoxes:
    """DETR and its relatives (RT-DETR, D-FINE).

    Parameters
    ----------
    outputs : labels, boxes, scores in any order; or logits (1, q, c) and boxes (1, q, 4)
        With three outputs the model has scaled its corners to the picture's size that it was told. With two, boxes are
        centre and size as shares of the picture, logits go through a sigmoid (a softmax where ``activation = "softmax"``,
        whose last class is "nothing").
    card : Card
        Size, classes, least score.
    """
    arrays = [np.asarray(one) for one in outputs]
    if len(arrays) >= 3:
        return _chosen(*_boxes_scores_labels(arrays), card)
    if len(arrays) != 2:
        raise OutputError(f"detr: expected 2 or 3 outputs, found {len(arrays)}")
    arrays.sort(key=lambda a: a.shape[-1] != 4 or a.min(initial=0.0) < 0 or a.max(initial=0.0) > 1)
    shares = _floats(arrays[0]).reshape(-1, 4)
    logits = _floats(arrays[1]).reshape(len(shares), -1)
    if card.activation == "softmax":
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = (powers / powers.sum(axis=1, keepdims=True))[:, :-1]
    else:
        scores = _sigmoid(logits)
    label, score, keep = _best(scores, card, activated=True)
    size = np.array([card.width_px, card.height_px] * 2, np.float32)
    return _without_ground(label, score, _corners(shares[keep]) * size)


ADAPTERS: dict[str, Callable[[Outputs, Card], RawBoxes]] = {
    "lukou_centre": lukou_centre,
    "yolox": yolox,
    "yolov5": yolov5,
    "yolov8": yolov8,
    "gfl": gfl,
    "end_to_end": end_to_end,
    "detr": detr,
}


@lru_cache(maxsize=8)
def _grid(width_px: int, height_px: int, strides_px: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row of each cell of all levels, and its stride."""
    places, sizes = [], []
    for stride in strides_px:
        row, column = np.mgrid[0 : -(-height_px // stride), 0 : -(-width_px // stride)]
        places.append(np.stack([column.ravel(), row.ravel()], axis=1))
        sizes.append(np.full((row.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _floats(output: NDArray[np.generic]) -> Floats:
    return np.asarray(output, dtype=np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -50, 50))), np.float32)


def _rows_of_cells(array: Floats) -> Floats:
    """(n, k) from (1, n, k) or, where a head was exported as a picture, (1, k, h, w)."""
    if array.ndim == 4:
        return np.asarray(array[0].reshape(array.shape[1], -1).T)
    return array.reshape(-1, array.shape[-1])


def _expect_rows(rows: Floats, count: int, card: Card) -> None:
    if len(rows) != count:
        raise OutputError(
            f"strides_px: {card.strides_px} at {card.width_px} x {card.height_px} px make {count} cells, "
            f"the model has {len(rows)}; correct the strides or the size in the card"
        )


def _best(scores: Floats, card: Card, activated: bool = False) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Best label of each row among the card's, its score, and the rows whose score counts."""
    labels = np.array(sorted(card.labels))
    if labels[-1] >= scores.shape[1]:
        raise OutputError(f"labels: the card names class {labels[-1]}, the model has {scores.shape[1]} classes")
    wanted = scores[:, labels]
    if card.activation == "sigmoid" and not activated:
        wanted = _sigmoid(wanted)
    best = wanted.argmax(axis=1)
    score = wanted[np.arange(len(wanted)), best]
    keep = np.flatnonzero(score >= card.min_score)
    return labels[best[keep]], score[keep], keep


def _corners(centres: Floats) -> Floats:
    """x1, y1, x2, y2 from centre and size."""
    half = centres[:, 2:4] / 2
    return np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)


def _boxes_scores_labels(arrays: Sequence[NDArray[np.generic]]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Three (or, with a count, four) outputs told apart by their form."""
    boxes = next((a for a in arrays if a.ndim >= 2 and a.shape[-1] == 4), None)
    if boxes is None or boxes.size == 0:
        return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64)
    count = boxes.size // 4
    others = [a for a in arrays if a is not boxes and a.size == count]
    if len(others) > 2:  # of a single box, a count of boxes has its size too
        others = [a for a in others if a.ndim >= boxes.ndim - 1]
    flat = [a.reshape(-1) for a in others]
    whole = [a for a in flat if np.issubdtype(a.dtype, np.integer)]
    parts = [a for a in flat if not np.issubdtype(a.dtype, np.integer)]
    if len(parts) == 2:  # labels as floats: the array of whole numbers, or the last
        first, second = _floats(parts[0]), _floats(parts[1])
        first_is_whole = bool(np.all(first == np.round(first))) and not np.all(second == np.round(second))
        whole, parts = ([parts[0]], [parts[1]]) if first_is_whole else ([parts[1]], [parts[0]])
    if not whole or len(parts) != 1:
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise OutputError(
            f"outputs: expected boxes (n, 4), scores (n) and labels (n), found {shapes}; name them in the card"
        )
    return _floats(boxes).reshape(-1, 4), _floats(parts[0]), whole[-1].astype(np.int64)


def _chosen(boxes: Floats, score: Floats, label: NDArray[np.int64], card: Card) -> RawBoxes:
    """Rows of wanted classes whose score counts."""
    keep = np.flatnonzero((score >= card.min_score) & np.isin(label, np.array(sorted(card.labels))))
    return _without_ground(label[keep], score[keep], boxes[keep])


def _without_ground(label: NDArray[np.int64], score: Floats, boxes: Floats) -> RawBoxes:
    """Boxes of a model that tells no ground points; such with numbers that are none are left out."""
    sound = np.isfinite(boxes).all(axis=1) & np.isfinite(score)
    ground = np.full((int(sound.sum()), 2), np.nan, np.float32)
    return RawBoxes(label[sound], score[sound].astype(np.float32), boxes[sound].astype(np.float32), ground)
