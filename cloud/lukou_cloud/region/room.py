"""Room behind an intersection: who would have to stop on it, because a queue comes back to it, is not sent there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.travel import STANDING_MPS
from lukou_cloud.region.unseen import SPACING_M
from lukou_maps.road_model import LaneKind, RoadModel

REACH_M = 80.0
"""So far behind the intersection a queue is looked for. [m]"""
LENGTH_M = 5.0
"""Of the vehicle at the end of the queue. [m]"""
DRAIN_PER_S = 0.25
"""Vehicles by which a standing queue moves up on average, per lane: half the saturation flow. [1/s]"""


class ExitRoom:
    """Room on the exits of one intersection.

    Parameters
    ----------
    road : RoadModel, optional
    exits : sequence of sequence of int
        Map lanes of each exit.
    """

    def __init__(self, road: RoadModel | None = None, exits: Sequence[Sequence[int]] = ()) -> None:
        self._lanes = [len(lanes) for lanes in exits]
        self._of: dict[int, tuple[int, int, float]] = {}  # by map lane: exit, which of its lanes, where it begins
        for leaves, lanes in enumerate(exits):
            for column, lane in enumerate(lanes):
                if road is not None:
                    self._follow(road, lane, leaves, column)

    def covers(self, lane: int) -> bool:
        """Whether a map lane is one that is looked at."""
        return lane in self._of

    def _follow(self, road: RoadModel, lane: int, leaves: int, column: int) -> None:
        begins_m = 0.0
        while begins_m < REACH_M and lane not in self._of:
            self._of[lane] = (leaves, column, begins_m)
            begins_m += float(road.lanes.length_m[lane])
            onward = [
                int(k) for k in road.lanes.successors[lane] if road.lanes.kind[k] in (LaneKind.ROAD, LaneKind.JUNCTION)
            ]
            if len(onward) != 1:
                return
            lane = onward[0]

    def left(self, vehicles: Iterable[tuple[int, float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Vehicles that each exit takes, and how fast it gets room again.

        Parameters
        ----------
        vehicles : iterable of (int, float, float)
            Map lane, place along it, and speed. [m, m/s]

        Returns
        -------
        room : (exits,) float array
            inf where a lane is free.
        drain : (exits,) float array
            [1/s]
        """
        found: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for lane, s_m, speed_mps in vehicles:
            place = self._of.get(lane)
            if place is not None and place[2] + s_m < REACH_M:
                found.setdefault(place[:2], []).append((place[2] + s_m, speed_mps))
        room = np.full(len(self._lanes), np.inf)
        for leaves, lanes in enumerate(self._lanes):
            columns = [_room(found.get((leaves, column), [])) for column in range(lanes)]
            room[leaves] = sum(columns) if columns else np.inf
        return room, np.where(np.isfinite(room), DRAIN_PER_S * np.array(self._lanes, float), 0.0)


def _room(row: list[tuple[float, float]]) -> float:
    """Vehicles that one lane takes before the end of its queue."""
    standing = [at_m for at_m, speed_mps in row if speed_mps < STANDING_MPS]
    if not standing:
        return np.inf
    end_m = min(standing)
    between = sum(at_m < end_m for at_m, _ in row)
    return max(0.0, (end_m - LENGTH_M) // SPACING_M - between)
