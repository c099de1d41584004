"""Average precision at an overlap of 0.5 per class, and the error of the ground points, of an exported model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.training.dataset import CLASSES, Pictures
from lukou_sim.training.export import normalised, session
from lukou_sim.training.network import CLASS_COUNT, STRIDE

FloatArray = NDArray[np.float64]
MIN_SCORE = 0.05
MOST = 200
OVERLAP = 0.5
WORKING_SCORE = 0.3
"""Score at which recall and precision are told."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an evaluation found, by class name.

    Attributes
    ----------
    average_precision : dict
        At overlap 0.5, over all recalls.
    recall, precision : dict
        At score `WORKING_SCORE`.
    ground_error_px : float
        Median distance between predicted and true ground points of found road users. [px]
    """

    average_precision: dict[str, float]
    recall: dict[str, float]
    precision: dict[str, float]
    ground_error_px: float

    @property
    def mean(self) -> float:
        """Mean of the average precisions."""
        return float(np.mean(list(self.average_precision.values())))


def decode(cells: NDArray[np.float32]) -> FloatArray:
    """(n, 8) rows of class, score, x1, y1, x2, y2, ground x, ground y from one output (10, h, w)."""
    rows = []
    for kind in range(CLASS_COUNT):
        heat = cells[kind]
        peaks = (heat >= MIN_SCORE) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
        y, x = np.nonzero(peaks)
        *sides, ground_x, ground_y = cells[CLASS_COUNT:, y, x].astype(np.float64)
        left, top, right, bottom = np.logaddexp(0.0, sides)  # softplus
        centre_x, centre_y = x + 0.5, y + 0.5
        geometry = [centre_x - left, centre_y - top, centre_x + right, centre_y + bottom]
        geometry += [centre_x + ground_x, centre_y + ground_y]
        rows.append(np.column_stack([np.full(len(x), kind), heat[y, x], *(np.array(geometry) * STRIDE)]))
    table = np.concatenate(rows)
    table = table[np.argsort(-table[:, 1])][:MOST]
    kept = cv2.dnn.NMSBoxesBatched(
        np.column_stack([table[:, 2:4], table[:, 4:6] - table[:, 2:4]]).tolist(),
        table[:, 1].tolist(),
        table[:, 0].astype(int).tolist(),
        MIN_SCORE,
        0.6,
    )
    return np.asarray(table[np.asarray(kept, dtype=int)])


def overlaps(a: FloatArray, b: FloatArray) -> FloatArray:
    """(n, m) Intersection over union of boxes."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    area_a, area_b = np.prod(a[:, 2:] - a[:, :2], axis=1), np.prod(b[:, 2:] - b[:, :2], axis=1)
    return np.asarray(common / np.maximum(area_a[:, None] + area_b[None] - common, 1e-9))


def evaluate(file: Path, data: Pictures, only: Iterable[int] | None = None) -> Figures:
    """Run a model over pictures and judge it."""
    run = session(file)
    takes_bytes = run.get_inputs()[0].type == "tensor(uint8)"
    hits: list[list[tuple[float, bool]]] = [[] for _ in CLASSES]
    wanted = np.zeros(CLASS_COUNT)
    ground: list[float] = []
    for index in range(len(data.labels)) if only is None else only:
        picture = data.pictures[index]
        (cells,) = run.run(None, {"picture": picture[None] if takes_bytes else normalised(picture)})
        found, truth = decode(cells[0]), data.labels[index].astype(np.float64)
        for kind in range(CLASS_COUNT):
            mine, real = found[found[:, 0] == kind], truth[(truth[:, 0] == kind) & (truth[:, 8] > 0)]
            wanted[kind] += len(real)
            iou = overlaps(mine[:, 2:6], real[:, 1:5])
            spare = overlaps(mine[:, 2:6], truth[truth[:, 8] == 0][:, 1:5])
            used = np.zeros(len(real), bool)
            for row in range(len(mine)):
                best = int(np.argmax(np.where(used, -1, iou[row]))) if len(real) else -1
                if best >= 0 and not used[best] and iou[row, best] >= OVERLAP:
                    used[best] = True
                    hits[kind].append((mine[row, 1], True))
                    ground.append(float(np.hypot(*(mine[row, 6:8] - real[best, 5:7]))))
                elif not (spare.shape[1] and spare[row].max() > 0.3):
                    hits[kind].append((mine[row, 1], False))
    rows = [np.array(sorted(h, reverse=True), dtype=np.float64).reshape(-1, 2) for h in hits]
    working = [row[row[:, 0] >= WORKING_SCORE] for row in rows]
    return Figures(
        {name: _average_precision(rows[k], wanted[k]) for k, name in enumerate(CLASSES)},
        {name: float(working[k][:, 1].sum() / max(1, wanted[k])) for k, name in enumerate(CLASSES)},
        {name: float(working[k][:, 1].mean()) if len(working[k]) else 0.0 for k, name in enumerate(CLASSES)},
        float(np.median(ground)) if ground else float("nan"),
    )


def _average_precision(rows: FloatArray, wanted: float) -> float:
    """Area under the precision envelope over recall."""
    if wanted == 0 or len(rows) == 0:
        return 0.0
    true = np.cumsum(rows[:, 1])
    recall, precision = true / wanted, true / np.arange(1, len(rows) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * envelope))
