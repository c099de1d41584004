"""Who has overtaken whom between two views: those who follow each other on a lane mostly arrive as they left.

The likeliest assignment of single vehicles knows nothing of that: where two leave a lane one after the other and travel times are as uncertain as they are
apart, it exchanges them for a few tenths of a second. So exchanges of two are tried, with overtaking counted (pairwise exchange as in S. Lin, B.
Kernighan, "An Effective Heuristic Algorithm for the Traveling-Salesman Problem", 1973: those who appear together are few).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

from lukou_cloud.edge.road_users import Floats

WITHIN_LANE, BETWEEN_LANES = -2.0, -1.0
"""Log-likelihood of overtaking one who left and arrived on the same lane; who only left or only arrived on the same."""

MOST_ROUNDS = 4
"""So often all pairs are looked at."""

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
    chosen = list(chosen)

    def together(row: int, column: int, other: int, others: int) -> float:
        if column >= len(left) or others >= len(left) or min(gain[row, column], gain[other, others]) <= 0.0:
            return 0.0
        return _overtaking(left[column], left[others], arrived[row], arrived[other])

    for _ in range(MOST_ROUNDS):
        if not _exchanged(gain, chosen, together):
            break
    return chosen


def _exchanged(gain: Floats, chosen: list[int], together: Callable[[int, int, int, int], float]) -> bool:
    better = False
    for a, b in combinations(range(len(chosen)), 2):
        rest = [k for k in range(len(chosen)) if k not in (a, b)]

        def total(first: int, second: int, a: int = a, b: int = b, rest: list[int] = rest) -> float:
            value = max(float(gain[a, first]), 0.0) + max(float(gain[b, second]), 0.0) + together(a, first, b, second)
            return value + sum(together(a, first, k, chosen[k]) + together(b, second, k, chosen[k]) for k in rest)

        if total(chosen[b], chosen[a]) > total(chosen[a], chosen[b]) + 1e-9:
            chosen[a], chosen[b] = chosen[b], chosen[a]
            better = True
    return better


def _overtaking(left_a: Place, left_b: Place, arrived_a: Place, arrived_b: Place) -> float:
    if (left_a[0] - left_b[0]) * (arrived_a[0] - arrived_b[0]) >= 0:
        return 0.0
    same = (left_a[1] == left_b[1]) + (arrived_a[1] == arrived_b[1])
    return (0.0, BETWEEN_LANES, WITHIN_LANE)[same]
