"""Where those on a lane go next: shares of the connections that leave it, usual ones at first, then learned from who is seen to take which.

Lanes differ: on some that may be left straight on or to the right nearly everybody turns. The share of a connection is the mean of a
Dirichlet distribution (A. Gelman and others, "Bayesian Data Analysis", 3rd ed., 2013, sec. 3.4): the usual shares count like `PRIOR_WEIGHT` road users
who were seen, and those seen long ago count less and less, for who goes where changes with the time of day.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lukou_cloud.edge.road_users import Floats, Ints
from lukou_maps.road_model import LaneKind, RoadModel, Turn

TURN_SHARE = {Turn.UNKNOWN: 0.3, Turn.STRAIGHT: 1.0, Turn.LEFT: 0.4, Turn.RIGHT: 0.4, Turn.TURN_AROUND: 0.05}
"""How usual each turn is where a lane leaves the choice, beside the others there."""

PRIOR_WEIGHT = 4.0
"""Road users that the usual shares count for."""

LEAST_SHARE = 0.15
"""No turn is believed to be rarer than this, or than usual where that is less: who takes the rare turn of a lane must not be taken for one who runs the
light of the others."""

HALF_LIFE = 100.0
"""Road users of a lane after whom what was seen has lost half of its weight."""


def fork_shares(model: RoadModel) -> Floats:
    """How usual each connection is among all that leave its lane; those of one lane sum to 1.

    So a way is not the more probable the more often it forks later on.
    """
    connections = model.connections
    share = np.array([TURN_SHARE[Turn(turn)] for turn in range(len(TURN_SHARE))])[connections.turn]
    total = np.bincount(connections.from_lane, weights=share, minlength=len(model.lanes))
    return np.asarray(share / total[connections.from_lane])


class TurnShares:
    """Learns the shares of one map's connections.

    Parameters
    ----------
    model : RoadModel
        The map.

    Attributes
    ----------
    share : (c,) float array
        Of each connection among those that leave its lane.
    """

    def __init__(self, model: RoadModel) -> None:
        connections = model.connections
        self._usual = fork_shares(model)
        self.share = self._usual.copy()
        self._seen = np.zeros(len(connections))
        self._of_lane: dict[int, Ints] = {}
        for lane in np.flatnonzero(np.bincount(connections.from_lane, minlength=1) > 1).tolist():
            self._of_lane[lane] = np.flatnonzero(connections.from_lane == lane)
        ends = zip(connections.from_lane.tolist(), connections.to_lane.tolist(), strict=True)
        self._between = {pair: k for k, pair in enumerate(ends)}
        self._is_road = (model.lanes.kind == LaneKind.ROAD).tolist()
        self._road: dict[int, int] = {}
        self._counted: dict[
            int, int
        ] = {}  # lane that each was last counted on: whose place flickers to and fro counts once

    def see(self, number: int, lane: int) -> int | None:
        """Note the lane that a road user has come to.

        Parameters
        ----------
        number : int
            Identity.
        lane : int
            Its lane, which was another one before.

        Returns
        -------
        int or None
            Lane that it has left over one of several connections, so that their shares have changed.
        """
        if not self._is_road[lane]:
            return None
        before = self._road.get(number)
        self._road[number] = lane
        if before not in self._of_lane:
            return None
        taken = self._between.get((before, lane))
        if taken is None or self._counted.get(number) == before:
            return None
        self._counted[number] = before
        rows = self._of_lane[before]
        self._seen[rows] *= 0.5 ** (1.0 / HALF_LIFE)
        self._seen[taken] += 1.0
        self._learn(rows)
        return before

    def forget(self, alive: set[int]) -> None:
        """Keep the memory of where these road users came from only."""
        for memory in (self._road, self._counted):
            for number in [number for number in memory if number not in alive]:
                del memory[number]

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON."""
        known = np.flatnonzero(self._seen)
        seen = [known.tolist(), self._seen[known].tolist()]
        return {"seen": seen, "road": sorted(self._road.items()), "counted": sorted(self._counted.items())}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        known, seen = state["seen"]
        self._seen[:] = 0.0
        self._seen[known] = seen
        for rows in self._of_lane.values():
            self._learn(rows)
        self._road = {int(number): int(lane) for number, lane in state["road"]}
        self._counted = {int(number): int(lane) for number, lane in state["counted"]}

    def _learn(self, rows: Ints) -> None:
        seen, usual = self._seen[rows], self._usual[rows]
        kept = np.maximum((seen + PRIOR_WEIGHT * usual) / (seen.sum() + PRIOR_WEIGHT), np.minimum(usual, LEAST_SHARE))
        self.share[rows] = kept / kept.sum()
