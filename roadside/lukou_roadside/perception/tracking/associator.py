"""Which detection belongs to which track."""

from __future__ import annotations

import numpy as np

from lukou_messages import assignment
from lukou_roadside.perception.tracking.compiled import compiled
from lukou_roadside.perception.tracking.gater import Agreement
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints

least_cost = compiled(assignment.least_cost)

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
    if len(agreement.rows) == 0:
        return agreement.rows
    is_chosen, shared, track, detection = _alone(agreement.rows, agreement.detections)
    if len(shared) == 0:
        return is_chosen.nonzero()[0]
    few, many = (track, detection) if track.max() <= detection.max() else (detection, track)
    # staying apart costs 0, so every pair inside the gate is worth making
    cost = np.full((few.max() + 1, many.max() + 1), FORBIDDEN)
    pair = np.full(cost.shape, -1)
    worth = 20.0 + agreement.log_likelihood[shared] + log_prior[agreement.rows[shared]]
    cost[few, many] = np.nan_to_num(-worth, nan=FORBIDDEN, posinf=FORBIDDEN, neginf=-FORBIDDEN)
    pair[few, many] = shared
    made = pair[np.arange(len(cost)), least_cost(cost)]
    is_chosen[made[made >= 0]] = True
    return is_chosen.nonzero()[0]


@compiled
def _alone(rows: Ints, detections: Ints) -> tuple[Booleans, Ints, Ints, Ints]:
    """Pairs of which neither belongs to another pair, which need no comparison: most do; the others, their tracks and detections numbered anew."""
    of_row, of_detection = np.zeros(rows.max() + 1, np.int64), np.zeros(detections.max() + 1, np.int64)
    for pair in range(len(rows)):
        of_row[rows[pair]] += 1
        of_detection[detections[pair]] += 1
    is_alone = np.empty(len(rows), np.bool_)
    for pair in range(len(rows)):
        is_alone[pair] = of_row[rows[pair]] == 1 and of_detection[detections[pair]] == 1
    shared = (~is_alone).nonzero()[0]
    return is_alone, shared, _numbered(rows[shared], of_row), _numbered(detections[shared], of_detection)


@compiled
def _numbered(values: Ints, number: Ints) -> Ints:
    """Each one's number among those that are present; `number` is written over."""
    number[:] = -1
    made, count = np.empty(len(values), np.int64), 0
    for place in range(len(values)):
        if number[values[place]] < 0:
            number[values[place]] = count
            count += 1
        made[place] = number[values[place]]
    return made


@compiled
def many_to_one(rows: Ints, detections: Ints, log_likelihood: Floats) -> Ints:
    """Each detection to its most likely track; a track may get several (radar returns of a truck).

    Parameters
    ----------
    rows, detections : (k,) int array
        Track and detection of each pair, ordered by detection.
    log_likelihood : (k,) float array
        Of each pair.

    Returns
    -------
    (m,) int array
        Pairs chosen, by detection.
    """
    chosen, count = np.empty(len(rows), np.int64), 0
    for pair in range(len(rows)):
        if count and detections[chosen[count - 1]] == detections[pair]:
            if log_likelihood[pair] >= log_likelihood[chosen[count - 1]]:
                chosen[count - 1] = pair
        else:
            chosen[count] = pair
            count += 1
    return chosen[:count].copy()
