"""Whether a vehicle further up will come, and to which lane: some turn off, park or arrive before they reach the stop line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MEMORY = 60.0
"""Vehicles per lane over which the share is remembered."""
AWAY = 15
"""After so many lists elsewhere a vehicle does not come any more; lanes from which one has to change are elsewhere too."""
GONE = 3
"""Who is seen no more after so many lists elsewhere has left the view there, and does not come."""
PRIOR = 3.0
"""So many vehicles that came count as seen before the first."""
USUAL = 0.5
"""So many vehicles count as seen before the first that took the lanes ahead as all do."""


@dataclass(slots=True)
class ReachShare:
    """Share of the vehicles on each lane further up that pass the stop line later, and on which lane, learned by following them."""

    _came: dict[int, float] = field(default_factory=dict)
    _seen: dict[int, float] = field(default_factory=dict)
    _paths: dict[int, set[int]] = field(default_factory=dict)
    _took: dict[tuple[int, int], float] = field(default_factory=dict)  # by lane further up and approach lane
    _noted: set[int] = field(default_factory=set)
    _away: dict[int, int] = field(default_factory=dict)

    def share(self, lane: int) -> float:
        """Of the vehicles on a lane (map index) that come."""
        return (self._came.get(lane, 0.0) + PRIOR) / (self._seen.get(lane, 0.0) + PRIOR)

    def usual(self, lane: int, ahead: Sequence[int], rates: NDArray[np.float64]) -> int:
        """Approach lane that most take of those on a lane (map index): as seen, changes of lane included; until then as all who come to the lanes ahead."""
        usual = rates[list(ahead)] + 1e-6
        likely = dict(zip(ahead, (USUAL * usual / usual.sum()).tolist(), strict=True))
        for (above, number), took in self._took.items():
            if above == lane:
                likely[number] = likely.get(number, 0.0) + took
        return max(likely, key=likely.__getitem__)

    def note(self, identity: int, lane: int = -1) -> None:
        """A vehicle is on a lane further up, or was and is on an approach lane now."""
        self._noted.add(identity)
        if lane >= 0:
            self._paths.setdefault(identity, set()).add(lane)

    def ended(self, identity: int, number: int = -1) -> None:
        """A vehicle has passed the stop line of an approach lane, or has gone elsewhere: -1."""
        fade, came = 1.0 - 1.0 / MEMORY, number >= 0
        for lane in self._paths.pop(identity, ()):
            self._came[lane] = self._came.get(lane, 0.0) * fade + came
            self._seen[lane] = self._seen.get(lane, 0.0) * fade + 1.0
            if came:
                for way in [way for way in self._took if way[0] == lane]:
                    self._took[way] *= fade
                self._took[lane, number] = self._took.get((lane, number), 0.0) + 1.0

    def close(self, elsewhere: Iterable[int]) -> None:
        """After each list: those who stay somewhere else, or leave from there, do not come; of others who are nowhere nobody knows."""
        away = {k: self._away.get(k, 0) + 1 for k in elsewhere if k in self._paths}
        for identity in [
            k for k, lists in self._away.items() if lists >= GONE and k not in away and k not in self._noted
        ]:
            self.ended(identity)
        for identity in self._paths.keys() - self._noted - away.keys():
            del self._paths[identity]
        for identity in [k for k, lists in away.items() if lists >= AWAY]:
            del away[identity]
            self.ended(identity)
        self._away = away
        self._noted.clear()

    def export(self) -> list[list[list[float]]]:
        """State as plain values, for snapshots."""
        return [
            [[lane, self._came[lane], self._seen[lane]] for lane in sorted(self._seen)],
            [[k, *sorted(lanes)] for k, lanes in self._paths.items()],
            [[k, lists] for k, lists in self._away.items()],
            [[*way, took] for way, took in self._took.items()],
        ]

    def load(self, state: list[list[list[float]]]) -> None:
        """Continue from `export`."""
        self._came = {int(lane): came for lane, came, _ in state[0]}
        self._seen = {int(lane): seen for lane, _, seen in state[0]}
        self._paths = {int(row[0]): {int(lane) for lane in row[1:]} for row in state[1]}
        self._away = {int(k): int(lists) for k, lists in state[2]}
        self._took = {(int(lane), int(number)): took for lane, number, took in state[3]}
