"""Which lanes lead to which between two sightings of a road user, worked out once per map."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_maps.ragged import Booleans, Floats, Ints, spread
from lukou_maps.tables import Connections, Lanes
from lukou_maps.vocabulary import LaneKind, Turn

FORBIDDEN_CHANGE = 0.1
"""Share of that rate across markings that forbid it."""

REACH_AHEAD_M = 45.0
"""How far beyond the end of a lane hypotheses are followed between two sightings; farther is a jump. [m]"""

MOST_HOPS = 6
"""Lanes followed at most between two sightings."""

TURN_SHARE = {Turn.UNKNOWN: 1.0, Turn.STRAIGHT: 1.0, Turn.LEFT: 0.6, Turn.RIGHT: 0.6, Turn.TURN_AROUND: 0.1}
"""Weight of a connection by its turn."""


class _Ways(NamedTuple):
    """Ways between the starts of two lanes: length, log of its weight, whether it changes lanes."""

    origin: Ints
    target: Ints
    offset_m: Floats
    log_weight: Floats
    changes: Booleans

    @classmethod
    def joined(cls, parts: list[_Ways]) -> _Ways:
        """All ways of several parts."""
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def take(self, rows: Ints | Booleans) -> _Ways:
        """Some of the ways."""
        return _Ways(
            self.origin[rows], self.target[rows], self.offset_m[rows], self.log_weight[rows], self.changes[rows]
        )


class LaneGraph:
    """Which lanes can be reached from which between two sightings, with the way between their starts.

    Parameters
    ----------
    lanes : Lanes
        Lanes.
    connections : Connections
        Connections; their turns weigh the ways.
    """

    def __init__(self, lanes: Lanes, connections: Connections) -> None:
        self._count = len(lanes)
        share = np.ones(self._count)
        inner = connections.via_lane >= 0
        weight = np.array([TURN_SHARE[Turn(k)] for k in range(len(TURN_SHARE))])
        share[connections.via_lane[inner]] = weight[connections.turn[inner]]
        before = np.repeat(np.arange(self._count), np.diff(lanes.successors.start))
        total = np.bincount(before, weights=share[lanes.successors.values], minlength=self._count)
        share[lanes.successors.values] = share[lanes.successors.values] / total[before]
        usable = lanes.kind <= LaneKind.JUNCTION
        start = np.flatnonzero(usable)
        level = _Ways(start, start, np.zeros(len(start)), np.zeros(len(start)), np.zeros(len(start), np.bool_))
        found = []
        for _ in range(MOST_HOPS):
            level = _Ways.joined([level, *self._sideways(lanes, level)])
            found.append(level)
            level = self._onwards(lanes, level, share, usable)
        ways = _Ways.joined(found)
        key = ways.origin * self._count + ways.target
        order = np.lexsort((np.abs(ways.offset_m), -ways.log_weight, key))
        first = np.ones(len(order), np.bool_)
        first[1:] = np.diff(key[order]) != 0
        kept = order[first]
        self._keys, self._offset, self._cost = key[kept], ways.offset_m[kept], ways.log_weight[kept]
        self._changed = ways.changes[kept]

    @staticmethod
    def _sideways(lanes: Lanes, level: _Ways) -> list[_Ways]:
        """The same ways, ending on the lane to the left or right; each way changes lanes once at most."""
        found = []
        for beside, allowed in ((lanes.left, lanes.may_change_left), (lanes.right, lanes.may_change_right)):
            ok = (beside[level.target] >= 0) & ~level.changes
            origin, target, offset, cost, _ = level.take(ok)
            extra = np.where(allowed[target], 0.0, np.log(FORBIDDEN_CHANGE))
            found.append(_Ways(origin, beside[target], offset, cost + extra, np.ones(len(origin), np.bool_)))
        return found

    @staticmethod
    def _onwards(lanes: Lanes, level: _Ways, share: Floats, usable: Booleans) -> _Ways:
        """The same ways, one lane farther."""
        reach = level.offset_m + lanes.length_m[level.target] - lanes.length_m[level.origin] <= REACH_AHEAD_M
        origin, target, offset, cost, changes = level.take(reach)
        counts = np.diff(lanes.successors.start)[target]
        row = np.repeat(np.arange(len(origin)), counts)
        after = lanes.successors.values[spread(lanes.successors.start[target], counts)]
        row, after = row[usable[after]], after[usable[after]]
        offset = offset[row] + lanes.length_m[target[row]]
        return _Ways(origin[row], after, offset, cost[row] + np.log(share[after]), changes[row])

    def ways(self, origin: Ints, target: Ints) -> tuple[Floats, Floats, Booleans]:
        """Way from the start of one lane to that of another (nan: none), its log weight, and whether it changes lanes."""
        key = origin * self._count + target
        place = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        known = (self._keys[place] == key) & (origin >= 0)
        return np.where(known, self._offset[place], np.nan), self._cost[place], self._changed[place]
