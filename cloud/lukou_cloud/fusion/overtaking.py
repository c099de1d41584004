"""Who has overtaken whom between two views: those who follow each other on a lane mostly arrive as they left.

The likeliest assignment of single vehicles knows nothing of that: where two leave a lane one after the other and travel times are as uncertain as they are
apart, it exchanges them for a few tenths of a second. So exchanges of two are tried, with overtaking counted (pairwise exchange as in S. Lin, B.
Kernighan, "An Effective Heuristic Algorithm for the Traveling-Salesman Problem", 1973), the best first. All exchanges are weighed at once:
when a view comes back after a gap, everybody in it appears together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lukou_cloud.fusion.tracks import Booleans, Floats, Ints

OVERTAKING = -1.0
"""Log-likelihood of overtaking one who left on the same lane, and as much of one who arrived on the same."""

LEAST_GAIN = 1e-9
"""An exchange that gains less is none."""

Place = tuple[int, int]
"""Instant [ns] and lane."""


def in_order(gain: Floats, chosen: list[int], left: Sequence[Place], arrived: Sequence[Place]) -> list[int]:
    """Exchange pairs where overtaking would be less likely than what it explains better.

    Parameters
    ----------
    gain : (n, m) float array
        Log-likelihood that who appeared (row) is who was lost (column), over that of a stranger; the columns beyond those of `left` are strangers. Not
        above 0: he is none of them.
    chosen : list of n int
        Column of each row, each at most once.
    left : sequence of (int, int)
        When and on which lane each of the lost was seen last.
    arrived : sequence of (int, int)
        When and on which lane each appeared.

    Returns
    -------
    list of n int
        The columns after all exchanges that pay.
    """
    columns, count = np.array(chosen, np.int64), len(chosen)
    if count < 2 or not left:
        return chosen
    came, stranger = np.array(arrived, np.int64).reshape(-1, 2), np.arange(gain.shape[1]) >= len(left)
    # strangers follow nobody: their place is never looked at
    went = np.concatenate([np.array(left, np.int64), np.zeros((int(stranger.sum()), 2), np.int64)])
    came_after, came_here = _order(came)
    for _ in range(2 * count):
        went_after, went_here = _order(went[columns])
        told = np.where(stranger[columns], 0.0, gain[:, columns])  # of each row, if it had the column of another
        better = _better(
            np.maximum(gain[:, columns], 0.0), told > 0.0, (went_after, went_here), (came_after, came_here)
        )
        best = int(better.argmax())
        a, b = divmod(best, count)
        if better[a, b] <= LEAST_GAIN:
            break
        columns[[a, b]] = columns[[b, a]]
    return [int(column) for column in columns]


def _order(places: Ints) -> tuple[Floats, Floats]:
    """Whether each was later (1) or earlier (-1) than each other, and whether on the same lane; (n, n)."""
    at_ns, lane = places.T
    return np.sign(at_ns[:, None] - at_ns).astype(np.float64), (lane[:, None] == lane).astype(np.float64)


def _better(value: Floats, counts: Booleans, went: tuple[Floats, Floats], came: tuple[Floats, Floats]) -> Floats:
    """What is gained if two rows exchange their columns, (n, n).

    Whoever would have the column of b but come as a has overtaken k where the signs of both orders differ; for signs s and t that is (s^2 t^2 - s t) / 2,
    and so a sum over k is a product of matrices.
    """
    (s, same_left), (t, same_come) = went, came
    mine = np.diag(counts)  # who overtakes, and is overtaken, has to be one of the lost
    s2, t2 = s * s, t * t
    each = (t2 * mine) @ (s2 * same_left).T + (t2 * same_come * mine) @ s2.T
    each -= (t * mine) @ (s * same_left).T + (t * same_come * mine) @ s.T
    each *= 0.5 * OVERTAKING * counts
    shared = OVERTAKING * (same_left + same_come)
    now = shared * (s * t < 0.0) * mine * mine[:, None]
    then = shared * (s * t > 0.0) * counts * counts.T
    held = value.diagonal() + each.diagonal()
    return np.asarray(value + value.T + each + each.T + then - (held + held[:, None] - now))
