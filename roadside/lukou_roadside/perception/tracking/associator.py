"""Which detection belongs to which track."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from lukou_roadside.perception.tracking.gater import Agreement
from lukou_roadside.perception.tracking.scan import Floats, Ints

FORBIDDEN = 1e6
"""Cost of a pair outside the gate."""


def one_to_one(agreement: Agreement, gate: float, log_prior: Floats) -> tuple[Ints, Ints]:
    """Global nearest neighbour: each track at most one detection and the other way round.

    Parameters
    ----------
    agreement : Agreement
        Of all pairs.
    gate : float
        Largest squared Mahalanobis distance.
    log_prior : (n,) float array
        Added to the log-likelihood of each track's pairs: how much it speaks for a pair that the track exists.

    Returns
    -------
    track, detection : (k,) int array
        Pairs, by track.
    """
    inside = agreement.distance2 < gate
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows) == 0:
        return rows, columns
    # staying apart costs 0, so only pairs that are better than the edge of the gate are worth making
    cost = np.where(inside, -20.0 - agreement.log_likelihood - log_prior[:, None], FORBIDDEN)
    cost = cost[rows[:, None], columns]
    track, detection = linear_sum_assignment(cost)
    kept = cost[track, detection] < FORBIDDEN / 2.0
    return rows[track[kept]], columns[detection[kept]]


def many_to_one(agreement: Agreement, gate: float) -> tuple[Ints, Ints]:
    """Each detection to its most likely track; a track may get several (radar returns of a truck).

    Returns
    -------
    track, detection : (k,) int array
        Pairs, by detection.
    """
    if agreement.distance2.size == 0:
        none = np.zeros(0, np.int64)
        return none, none
    likelihood = np.where(agreement.distance2 < gate, agreement.log_likelihood, -np.inf)
    track = likelihood.argmax(axis=0)
    detection = np.flatnonzero(likelihood.max(axis=0) > -np.inf)
    return track[detection], detection
