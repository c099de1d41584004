"""People who wait beside crosswalks, and who come to the next one over a refuge."""

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

REFUGE_M = 6.0
"""The next crosswalk in line begins no farther behind the end of one: a refuge lies between. [m]"""
IN_LINE = 0.9
"""Cosine of the angle between two crosswalks in line, at the least."""
STEPS_OFF_S = 1.0
"""Who comes to a crosswalk with green must be there so long before it ends. [s]"""


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
        self._ways = _over_refuges(ends)

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
            counts = 1.0 + max(0.0, wait_s - PATIENCE_S) / IMPATIENCE_S
            walkers[crossing] += counts
            tally.on_foot.append((crossing, wait_s, counts))
            tally.queue[number] += 1
            tally.waited[number] = max(tally.waited[number], wait_s)
            count += 1
        return walkers, count

    def coming(self, objects: ObjectList, walking: NDArray[np.bool_]) -> tuple[tuple[int, float], ...]:
        """Who walks on a crosswalk, or over a refuge, to the next one: which, and when he is there from now [s].

        Parameters
        ----------
        objects : ObjectList
            Road users.
        walking : (n,) bool array
            Who of them is on foot and moves.
        """
        rows = np.flatnonzero(walking)
        if not len(rows) or not self._ways:
            return ()
        at = np.stack([objects.x_m[rows], objects.y_m[rows]], axis=1).astype(float)
        speed = np.stack([objects.velocity_x_mps[rows], objects.velocity_y_mps[rows]], axis=1).astype(float)
        found = []
        for start, along, length_m, crossing in self._ways:
            done = (at - start) @ along
            beside = np.abs((at - start) @ np.array([-along[1], along[0]]))
            towards = speed @ along
            on_way = (done >= 0.0) & (done <= length_m) & (beside <= NEAR_CROSSING_M) & (towards >= WAITING_MPS)
            left_s = (length_m - done[on_way]) / towards[on_way]
            found += [(crossing, each + STEPS_OFF_S) for each in left_s.tolist()]
        return tuple(found)


def _over_refuges(ends: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64], float, int]]:
    """Ways over one crosswalk and a refuge to the next: where they start, their direction, length, and the next crosswalk. [m]"""
    found = []
    for one in range(len(ends)):
        for end in range(2):
            start, stop = ends[one, 1 - end], ends[one, end]
            for other in range(len(ends)):
                for begin in range(2):
                    there, beyond = ends[other, begin], ends[other, 1 - begin]
                    ahead, onward, way = stop - start, beyond - there, there - start
                    one_m, other_m, way_m = (float(np.linalg.norm(each)) for each in (ahead, onward, way))
                    if other == one or min(one_m, other_m) <= 0.0 or float(np.linalg.norm(there - stop)) > REFUGE_M:
                        continue
                    if (
                        float(ahead @ onward) >= IN_LINE * one_m * other_m
                        and float(ahead @ way) >= IN_LINE * one_m * way_m > 0
                    ):
                        found.append((start, way / way_m, way_m, other))
    return found
