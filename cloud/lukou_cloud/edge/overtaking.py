"""Who has overtaken whom between two views: those who follow each other on a lane mostly arrive as they left.

The likeliest assignment of single vehicles knows nothing of that: where two leave a lane one after the other and travel times are as uncertain as they are
apart, it exchanges them for a few tenths of a second. So exchanges of two are tried, with overtaking counted (pairwise exchange as in S. Lin, B.
Kernighan, "An Effective Heuristic Algorithm for the Traveling-Salesman Problem", 1973: those who appear together are few).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lukou_cloud.edge.road_users import Floats, Ints

PENALTY = np.array([0.0, -1.0, -2.0])
"""Log-likelihood of overtaking one who neither left nor arrived on the same lane; who did one of both; who did both."""

MOST_ROUNDS = 4
"""So often all pairs are looked at."""

MOST_TRIED = 200
"""Pairs tried in one of these rounds, the most promising: a unit that comes back brings all its road users at once."""

LEAST_GAIN = 1e-9

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
    if len(chosen) < 2 or not left:
        return list(chosen)
    order = _Order(gain, np.array(chosen, np.int64), left, arrived)
    for _ in range(MOST_ROUNDS):
        pairs = [(a, b) for a, b in order.promising() if order.exchanged(a, b)]
        if not pairs:
            break
    return [int(column) for column in order.columns]


class _Order:
    """An assignment whose pairs can be exchanged; parameters as of `in_order`."""

    def __init__(self, gain: Floats, columns: Ints, left: Sequence[Place], arrived: Sequence[Place]) -> None:
        self.columns = columns
        beyond = gain.shape[1] - len(left)
        self._value = np.maximum(gain, 0.0)
        self._is_one = (gain > 0.0) & (np.arange(gain.shape[1]) < len(left))
        self._left = np.pad(np.array(left, np.int64), ((0, beyond), (0, 0)))
        self._arrived = np.array(arrived, np.int64)

    def promising(self) -> list[tuple[int, int]]:
        """Pairs that may pay to exchange: both lose less by themselves than they pay now for overtaking."""
        rows = np.arange(len(self.columns))
        paid = -self._paid(rows[:, None], self.columns[:, None], rows[None, :], self.columns[None, :]).sum(axis=1)
        crossed = self._value[:, self.columns]  # [a, b]: a as the one that b is now
        own = np.diag(crossed)
        most = np.triu(crossed + crossed.T - own[:, None] - own + paid[:, None] + paid, 1)
        a, b = np.nonzero(most > LEAST_GAIN)
        kept = np.sort(np.argsort(-most[a, b], kind="stable")[:MOST_TRIED])
        return list(zip(a[kept].tolist(), b[kept].tolist(), strict=True))

    def exchanged(self, a: int, b: int) -> bool:
        """Exchange two if that pays; whether it did."""
        pair, now = np.array([a, b]), self.columns[[a, b]]
        pays = self._total(pair, now[::-1]) > self._total(pair, now) + LEAST_GAIN
        if pays:
            self.columns[pair] = now[::-1]
        return pays

    def _total(self, pair: Ints, columns: Ints) -> float:
        """Log-likelihood of two, with what they overtake among themselves and of the others."""
        others = np.delete(np.arange(len(self.columns)), pair)
        of_others = self._paid(pair[:, None], columns[:, None], others[None, :], self.columns[others][None, :])
        among = self._paid(pair[:1], columns[:1], pair[1:], columns[1:])
        return float(self._value[pair, columns].sum() + of_others.sum() + among.sum())

    def _paid(self, row: Ints, column: Ints, other: Ints, others: Ints) -> Floats:
        """What it costs that rows with these columns and others with theirs have overtaken each other; nothing with strangers, or with oneself."""
        left, lefts, at, ats = self._left[column], self._left[others], self._arrived[row], self._arrived[other]
        is_same = (left[..., 1] == lefts[..., 1]).astype(np.int64) + (at[..., 1] == ats[..., 1])
        is_overtaking = (left[..., 0] < lefts[..., 0]) & (at[..., 0] > ats[..., 0])
        is_overtaking |= (left[..., 0] > lefts[..., 0]) & (at[..., 0] < ats[..., 0])
        is_overtaking &= self._is_one[row, column] & self._is_one[other, others]
        return np.where(is_overtaking, PENALTY[is_same], 0.0)
