"""The assignment problem as a loop that each room compiles with its own: scipy's takes longer to import than a process may take to be back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def least_cost(cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """One column for each row, no column twice, at the least total cost: shortest augmenting paths.

    D. Crouse, "On Implementing 2D Rectangular Assignment Algorithms" (2016), section II.

    Parameters
    ----------
    cost : (n, m) float array
        Finite; no more rows than columns.

    Returns
    -------
    (n,) int array
        The column of each row.

    Raises
    ------
    ValueError
        A cost is not finite.
    """
    count, columns = cost.shape
    of_row, of_column = np.full(count, -1), np.full(columns, -1)
    row_price, column_price = np.zeros(count), np.zeros(columns)
    if not np.isfinite(cost).all():
        raise ValueError("a cost is not finite")
    before = np.full(columns, -1)
    for first in range(count):
        shortest, is_done = np.full(columns, np.inf), np.zeros(columns, np.bool_)
        is_visited = np.zeros(count, np.bool_)
        row, length, end = first, 0.0, -1
        while end < 0:
            is_visited[row] = True
            nearest = -1
            for column in range(columns):
                if is_done[column]:
                    continue
                reached = length + cost[row, column] - row_price[row] - column_price[column]
                if reached < shortest[column]:
                    shortest[column], before[column] = reached, row
                if nearest < 0 or shortest[column] < shortest[nearest]:
                    nearest = column
            length, is_done[nearest] = shortest[nearest], True
            if of_column[nearest] < 0:
                end = nearest
            else:
                row = of_column[nearest]
        row_price[first] += length
        for other in range(count):
            if is_visited[other] and other != first:
                row_price[other] += length - shortest[of_row[other]]
        for column in range(columns):
            if is_done[column]:
                column_price[column] -= length - shortest[column]
        while end >= 0:
            row = before[end]
            of_column[end] = row
            end, of_row[row] = of_row[row], end
    return of_row
