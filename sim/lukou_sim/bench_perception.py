"""How good a list of road users is, measured against the truth of the simulation.

Figures ``objects_recall``, ``objects_precision`` and ``position_error_m``: Hungarian assignment within a gate of 2 m, class
ignored, each list at its own time; truth are the road users near the junction that at least one sensor can see. A road
user in the list that stands on a true one that is too far or too hidden to count is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lukou_messages.objects import ObjectList, TruthList
from lukou_messages.v1.objects_pb2 import ObjectClass

GATE_M = 2.0
"""Largest distance of a match. [m]"""

RADIUS_M = 60.0
"""Truth counts within this distance of the junction's centre. [m]"""

LEAST_VISIBLE = 0.2
"""Truth counts where at least this share is visible to one sensor."""

Floats = NDArray[np.float64]
Table = dict[str, float | int | None]


@dataclass
class _Tally:
    truth: int = 0
    found: int = 0
    errors_m: list[float] = field(default_factory=list)


@dataclass
class PerceptionScore:
    """Collects lists and truth, and gives the figures.

    Attributes
    ----------
    x_m, y_m : float
        Centre of the junction. [m]
    """

    x_m: float
    y_m: float
    listed: int = 0
    right: int = 0
    lists: int = 0
    same_class: int = 0
    _tally: dict[str, _Tally] = field(default_factory=dict)

    def add(self, measured_at_ns: int, objects: ObjectList, truths: Sequence[tuple[int, TruthList]]) -> bool:
        """Compare one list with the truth of its own instant.

        Parameters
        ----------
        measured_at_ns : int
            Instant of the list.
        objects : ObjectList
            The list.
        truths : sequence of (int, TruthList)
            Truth lists with their instants, ascending.

        Returns
        -------
        bool
            False where there is no truth within 0.3 s, and the list was not counted.
        """
        truth = at_time(truths, measured_at_ns)
        if truth is None:
            return False
        self.lists += 1
        x, y, named, visible = truth
        counts = (np.hypot(x - self.x_m, y - self.y_m) <= RADIUS_M) & (visible >= LEAST_VISIBLE)
        ox, oy = np.asarray(objects.x_m, np.float64), np.asarray(objects.y_m, np.float64)
        near = np.hypot(ox - self.x_m, oy - self.y_m) <= RADIUS_M
        distance = np.hypot(x[:, None] - ox[None, :], y[:, None] - oy[None, :])
        matched_truth, matched_object = _assigned(distance)
        of_object = np.full(len(ox), -1)
        of_object[matched_object] = matched_truth
        judged = near & ((of_object < 0) | counts[np.maximum(of_object, 0)])
        self.listed += int(judged.sum())
        self.right += int((judged & (of_object >= 0)).sum())
        found = np.zeros(len(x), np.bool_)
        found[matched_truth] = True
        errors = np.full(len(x), np.nan)
        errors[matched_truth] = distance[matched_truth, matched_object]
        self.same_class += int(
            (named[matched_truth] == objects.object_class[matched_object])[counts[matched_truth]].sum()
        )
        for k in np.flatnonzero(counts):
            for key in ("all", ObjectClass.Name(int(named[k]))):
                tally = self._tally.setdefault(key, _Tally())
                tally.truth += 1
                if found[k]:
                    tally.found += 1
                    tally.errors_m.append(float(errors[k]))
        return True

    def figures(self) -> dict[str, object]:
        """Recall, precision and position error, unfiltered and by class; null where nothing was there."""
        everything = self._tally.get("all", _Tally())
        by_class = {
            key.removeprefix("OBJECT_CLASS_").lower(): _row(tally)
            for key, tally in sorted(self._tally.items())
            if key != "all"
        }
        return {
            "objects_recall": _row(everything)["recall"],
            "objects_precision": round(self.right / self.listed, 4) if self.listed else None,
            "position_error_m": _row(everything)["position_error_m"],
            "position_error_p95_m": _row(everything)["position_error_p95_m"],
            "class_accuracy": round(self.same_class / everything.found, 4) if everything.found else None,
            "lists": self.lists,
            "by_class": by_class,
        }


def _row(tally: _Tally) -> Table:
    errors = tally.errors_m
    return {
        "truth": tally.truth,
        "recall": round(tally.found / tally.truth, 4) if tally.truth else None,
        "position_error_m": round(float(np.median(errors)), 3) if errors else None,
        "position_error_p95_m": round(float(np.percentile(errors, 95)), 3) if errors else None,
    }


def _assigned(distance: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs within the gate that are most in number and then nearest."""
    cost = np.where(distance < GATE_M, distance - 100.0, 0.0)
    rows, columns = linear_sum_assignment(cost)
    kept = distance[rows, columns] < GATE_M
    return rows[kept], columns[kept]


def at_time(
    truths: Sequence[tuple[int, TruthList]], at_ns: int
) -> tuple[Floats, Floats, NDArray[np.int64], Floats] | None:
    """Truth at an instant: x, y, class, visible share; moved along its own velocity from the nearest list.

    None where no list is within 0.3 s.
    """
    if not truths:
        return None
    stamps = np.array([stamp for stamp, _ in truths])
    k = int(np.abs(stamps - at_ns).argmin())
    dt = (at_ns - int(stamps[k])) * 1e-9
    if abs(dt) > 0.3:
        return None
    truth = truths[k][1]
    x = truth.x_m.astype(np.float64) + np.nan_to_num(truth.velocity_x_mps.astype(np.float64)) * dt
    y = truth.y_m.astype(np.float64) + np.nan_to_num(truth.velocity_y_mps.astype(np.float64)) * dt
    visible = truth.visible_fraction.astype(np.float64) if truth.has("visible_fraction") else np.ones(len(truth))
    return x, y, truth.object_class.astype(np.int64), visible
