"""People who wait beside crosswalks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.tally import Tally
from lukou_messages.objects import ObjectList

WAITING_MPS = 0.7
"""Who walks more slowly waits. [m/s]"""

NEAR_CROSSING_M = 4.0
"""People this close to the end of a crosswalk, and not on it, wait for it."""

PATIENCE_S, IMPATIENCE_S = 45.0, 15.0
"""Who has waited this long on foot counts more, twice as much after the second time: beyond 60 to 70 s people walk on red
(GB/T 51439-2021 asks for waits of at most 70 s). [s]"""


class Crosswalks:
    """The crosswalks of one intersection.

    Parameters
    ----------
    ends : (c, 2, 2) float array
        The two ends of each in the map frame. [m]
    first : int
        Queue of the first of them.
    """

    def __init__(self, ends: NDArray[np.float64], first: int) -> None:
        self._ends, self._first = ends, first

    def take(
        self,
        objects: ObjectList,
        waiting: NDArray[np.bool_],
        now_s: float,
        waits: Mapping[int, tuple[int, float]],
        tally: Tally,
    ) -> tuple[NDArray[np.float64], int]:
        """Who waits beside each crosswalk, long waits counted more, and how many they are.

        Parameters
        ----------
        objects : ObjectList
            Road users.
        waiting : (n,) bool array
            Who of them is on foot and stands.
        now_s : float
            Instant of the list. [s]
        waits : mapping of int to (int, float)
            Who waited in the last list: where, and since when. [s]
        tally : Tally
            Takes what is counted.
        """
        walkers = np.zeros(len(self._ends))
        rows = np.flatnonzero(waiting)
        if not len(rows) or not len(self._ends):
            return walkers, 0
        at = np.stack([objects.x_m[rows], objects.y_m[rows]], axis=1).astype(float)
        distance = np.linalg.norm(self._ends[None] - at[:, None, None, :], axis=3).min(axis=2)
        nearest = distance.argmin(axis=1)
        count = 0
        for row, crossing, gap in zip(rows.tolist(), nearest.tolist(), distance.min(axis=1).tolist(), strict=True):
            if gap > NEAR_CROSSING_M:
                continue
            identity, number = int(objects.id[row]), self._first + crossing
            before = waits.get(identity)
            if before is None or before[0] != number:
                tally.came.append(number)
                before = (number, now_s)
            tally.waits[identity] = before
            wait_s = now_s - before[1]
            walkers[crossing] += 1.0 + max(0.0, wait_s - PATIENCE_S) / IMPATIENCE_S
            tally.queue[number] += 1
            tally.waited[number] = max(tally.waited[number], wait_s)
            count += 1
        return walkers, count
