"""Which detection belongs to which track."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from lukou_roadside.perception.tracking.gater import Agreement
from lukou_roadside.perception.tracking.scan import Floats, Ints

FORBIDDEN = 1e6
"""Cost of a pair outside the gate."""


def one_to_one(agreement: Agreement, log_prior: Floats) -> Ints:
    """Global nearest neighbour: each track at most one detection and the other way round.

    Parameters
    ----------
    agreement : Agreement
        Of all pairs inside the gate.
    log_prior : (n,) float array
        Added to the log-likelihood of each track's pairs: how much it speaks for a pair that the track exists.

    Returns
    -------
    (k,) int array
        Pairs chosen, as indices into those of `agreement`, ascending.
    """
    rows, detections = agreement.rows, agreement.detections
    if len(rows) == 0:
        return rows
    # a pair of which neither belongs to another pair needs no comparison: most do
    alone = (np.bincount(rows)[rows] == 1) & (np.bincount(detections)[detections] == 1)
    shared = (~alone).nonzero()[0]
    if len(shared) == 0:
        return np.arange(len(rows))
    row, track = _numbered(rows[shared])
    column, detection = _numbered(detections[shared])
    # staying apart costs 0, so every pair inside the gate is worth making
    cost, pair = np.full((row, column), FORBIDDEN), np.full((row, column), -1)
    cost[track, detection] = -20.0 - agreement.log_likelihood[shared] - log_prior[rows[shared]]
    pair[track, detection] = shared
    made = pair[linear_sum_assignment(cost)]
    return np.sort(np.concatenate([alone.nonzero()[0], made[made >= 0]]))


def _numbered(values: Ints) -> tuple[int, Ints]:
    """How many different ones there are, and each one's number among them."""
    present = np.zeros(int(values.max()) + 1, np.int64)
    present[values] = 1
    number = present.cumsum() - 1
    return int(number[-1]) + 1, number[values]


def many_to_one(agreement: Agreement) -> Ints:
    """Each detection to its most likely track; a track may get several (radar returns of a truck).

    Returns
    -------
    (k,) int array
        Pairs chosen, as indices into those of `agreement`, by detection.
    """
    order = np.lexsort((agreement.log_likelihood, agreement.detections))
    detections = agreement.detections[order]
    is_best = np.ones(len(order), np.bool_)
    is_best[:-1] = detections[1:] != detections[:-1]
    return np.asarray(order[is_best])
