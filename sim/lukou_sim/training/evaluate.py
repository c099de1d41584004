"""Average precision at an overlap of 0.5 per class, and the error of the ground points, of an exported model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lukou_sim.training.dataset import CLASSES, Pictures
from lukou_sim.training.recipe import CLASS_COUNT, MEAN, SCALE, STRIDE

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


class Judge:
    """Collects what a model finds beside what is there."""

    def __init__(self) -> None:
        self._hits: list[list[tuple[float, bool]]] = [[] for _ in CLASSES]
        self._wanted = np.zeros(CLASS_COUNT)
        self._ground: list[float] = []

    def add(self, found: FloatArray, truth: FloatArray) -> None:
        """One picture.

        Parameters
        ----------
        found : (n, 8) float array
            As `decode` gives it.
        truth : (m, 9) float array
            Labels, `lukou_sim.training.dataset.COLUMNS`.
        """
        for kind in range(CLASS_COUNT):
            mine, real = found[found[:, 0] == kind], truth[(truth[:, 0] == kind) & (truth[:, 8] > 0)]
            self._wanted[kind] += len(real)
            iou = overlaps(mine[:, 2:6], real[:, 1:5])
            spare = overlaps(mine[:, 2:6], truth[truth[:, 8] == 0][:, 1:5])
            used = np.zeros(len(real), bool)
            for row in range(len(mine)):
                best = int(np.argmax(np.where(used, -1, iou[row]))) if len(real) else -1
                if best >= 0 and not used[best] and iou[row, best] >= OVERLAP:
                    used[best] = True
                    self._hits[kind].append((mine[row, 1], True))
                    self._ground.append(float(np.hypot(*(mine[row, 6:8] - real[best, 5:7]))))
                elif not (spare.shape[1] and spare[row].max() > 0.3):
                    self._hits[kind].append((mine[row, 1], False))

    def figures(self) -> Figures:
        """Of all pictures so far."""
        rows = [np.array(sorted(h, reverse=True), dtype=np.float64).reshape(-1, 2) for h in self._hits]
        working = [row[row[:, 0] >= WORKING_SCORE] for row in rows]
        return Figures(
            {name: _average_precision(rows[k], self._wanted[k]) for k, name in enumerate(CLASSES)},
            {name: float(working[k][:, 1].sum() / max(1, self._wanted[k])) for k, name in enumerate(CLASSES)},
            {name: float(working[k][:, 1].mean()) if len(working[k]) else 0.0 for k, name in enumerate(CLASSES)},
            float(np.median(self._ground)) if self._ground else float("nan"),
        )


class Model:
    """An exported model on one thread.

    Parameters
    ----------
    file : Path
        Quantised (takes bytes) or in float.
    """

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._takes_bytes = self._session.get_inputs()[0].type == "tensor(uint8)"

    def find(self, picture: NDArray[np.uint8]) -> FloatArray:
        """(n, 8) rows of `decode` of a picture (h, w, 3)."""
        given = picture[None] if self._takes_bytes else normalised(picture)
        (cells,) = self._session.run(None, {"picture": given})
        return decode(cells[0])


def normalised(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1, h, w, 3) input of the network in float from an (h, w, 3) picture."""
    result: NDArray[np.float32] = ((picture.astype(np.float32) - MEAN) * SCALE)[None]
    return result


def evaluate(file: Path, data: Pictures, only: Iterable[int] | None = None) -> Figures:
    """Run a model over pictures and judge it."""
    model, judge = Model(file), Judge()
    for index in range(len(data.labels)) if only is None else only:
        judge.add(model.find(data.pictures[index]), data.labels[index].astype(np.float64))
    return judge.figures()


def _average_precision(rows: FloatArray, wanted: float) -> float:
    """Area under the precision envelope over recall."""
    if wanted == 0 or len(rows) == 0:
        return 0.0
    true = np.cumsum(rows[:, 1])
    recall, precision = true / wanted, true / np.arange(1, len(rows) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * envelope))
