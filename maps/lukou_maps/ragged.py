"""Lists of different lengths in two arrays (compressed sparse rows)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """One list of integers per row.

    Attributes
    ----------
    start : (n + 1,) int array
        Row k holds ``values[start[k]:start[k + 1]]``.
    values : (m,) int array
        All lists, one after the other.
    """

    start: Ints
    values: Ints

    @classmethod
    def of(cls, rows: Sequence[Iterable[int]]) -> Ragged:
        """Build from Python lists."""
        lists = [list(row) for row in rows]
        start = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(row) for row in lists], out=start[1:])
        return cls(start, np.array([value for row in lists for value in row], np.int64))

    @classmethod
    def grouped(cls, keys: Ints, values: Ints, count: int) -> Ragged:
        """Row k holds the values whose key is k, in the order given.

        Parameters
        ----------
        keys : (m,) int array
            Row of each value, 0 to count - 1.
        values : (m,) int array
            Values.
        count : int
            Number of rows.
        """
        start = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(keys, minlength=count), out=start[1:])
        return cls(start, values[np.argsort(keys, kind="stable")])

    def __len__(self) -> int:
        return len(self.start) - 1

    def __getitem__(self, row: int) -> Ints:
        return self.values[self.start[row] : self.start[row + 1]]

    def flat(self, rows: Ints) -> tuple[Ints, Ints]:
        """All values of some rows at once.

        Parameters
        ----------
        rows : (k,) int array
            Rows wanted, repetitions allowed.

        Returns
        -------
        owner : (m,) int array
            For each value the index into `rows` that it belongs to.
        values : (m,) int array
            Values, row after row.
        """
        counts = self.start[rows + 1] - self.start[rows]
        return np.repeat(np.arange(len(rows)), counts), self.values[spread(self.start[rows], counts)]


def spread(start: Ints, counts: Ints) -> Ints:
    """Indices ``start[k], start[k] + 1, … start[k] + counts[k] - 1`` for all k, one after the other."""
    ends = counts.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    found: Ints = (start - ends + counts).repeat(counts)
    found += np.arange(total)
    return found


def numbered(keys: Ints) -> tuple[int, Ints]:
    """How many different keys there are, and the rank of each among them: what `numpy.unique` tells, for few keys faster."""
    order = keys.argsort(kind="stable")
    ordered = keys.take(order)
    rank = np.empty(len(keys), np.int64)
    changes = (ordered[1:] != ordered[:-1]).cumsum()
    rank[order[:1]] = 0
    rank[order[1:]] = changes
    return (int(changes[-1]) + 1 if len(changes) else len(keys)), rank
