"""What is learned of the ways between views: which share of those lost on one lane appears on another, and how punctual they are.

Both begin with what the map lets expect, which counts as much as a few vehicles, and follow the hand-overs that were made.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field
from typing import Any

TIME_SHARE, TIME_S = 0.04, 0.4
"""Standard deviation of the time of a free way, before anything is learned: a share of it, and a constant. [1, s]"""

HELD_S = 25.0
"""Mean delay of those who had to wait on the way, as of an exponential distribution. [s]"""

WAY_S = 15.0
"""Time on the way in which the chance fades that somebody neither turned off nor came through another view. [s]"""

LANE_CHANGE = -0.6
"""Log-likelihood of each change of lane on the way."""

PRIOR = 8.0
"""The map's expectation counts as much as so many vehicles."""

MOST = 200.0
"""Memory: what is older than about so many vehicles fades."""

PUNCTUAL = 2.5
"""Whoever is off by more deviations than this had to wait, and tells nothing of the time of a free way."""


@dataclass
class Gate:
    """One way, from a lane where vehicles are lost to one where they appear.

    Attributes
    ----------
    count : float
        Vehicles that took it.
    punctual : float
        Those of them that did not wait.
    late, late2 : float
        Mean of their delay in prior deviations, and of its square.
    """

    count: float = 0.0
    punctual: float = 0.0
    late: float = 0.0
    late2: float = 1.0


@dataclass
class Gates:
    """All ways that were taken.

    Attributes
    ----------
    gates : dict of (int, int) to Gate
        By lane of the loss and lane of the appearance.
    lost : dict of int to float
        Vehicles that were lost on each lane and have been found, or given up.
    """

    gates: dict[tuple[int, int], Gate] = field(default_factory=dict)
    lost: dict[int, float] = field(default_factory=dict)

    def share(self, way: tuple[int, int], way_s: float, changes: float) -> float:
        """Logarithm of the share of those lost on a lane that take a way.

        Parameters
        ----------
        way : tuple of int
            Lane of the loss, lane of the appearance.
        way_s : float
            Time of the way at the limits. [s]
        changes : float
            Changes of lane that it needs.
        """
        expected = math.exp(LANE_CHANGE * changes - max(way_s, 0.0) / WAY_S)
        gate = self.gates.get(way)
        taken = gate.count if gate is not None else 0.0
        return math.log((taken + PRIOR * expected) / (self.lost.get(way[0], 0.0) + PRIOR))

    def time(self, way: tuple[int, int], passed_s: float, expected_s: float, held_share: float) -> float:
        """Logarithm of the density of a travel time: on time, or late by a wait at a red light or in a queue. [1/s]"""
        gate, prior_s = self.gates.get(way), _deviation_s(expected_s)
        late_s, deviation_s = passed_s - expected_s, prior_s
        if gate is not None and gate.punctual:
            late_s -= gate.late * prior_s * gate.punctual / (gate.punctual + PRIOR)
            spread = max(gate.late2 - gate.late**2, 0.0)
            deviation_s *= math.sqrt((gate.punctual * spread + PRIOR) / (gate.punctual + PRIOR))
        free = math.exp(-0.5 * (late_s / deviation_s) ** 2) / (deviation_s * math.sqrt(2.0 * math.pi))
        held = math.exp(-late_s / HELD_S) / HELD_S if late_s > 0.0 else 0.0
        return math.log(max((1.0 - held_share) * free + held_share * held, 1e-12))

    def took(self, way: tuple[int, int], passed_s: float, expected_s: float) -> None:
        """Learn from a hand-over."""
        self.gave_up(way[0])
        gate = self.gates.setdefault(way, Gate())
        gate.count += 1.0
        late = (passed_s - expected_s) / _deviation_s(expected_s)
        if abs(late) < PUNCTUAL:
            gate.punctual = min(gate.punctual + 1.0, MOST)
            gate.late += (late - gate.late) / gate.punctual
            gate.late2 += (late * late - gate.late2) / gate.punctual

    def gave_up(self, lane: int) -> None:
        """Learn that one who was lost on a lane is found, or is not waited for any longer."""
        self.lost[lane] = self.lost.get(lane, 0.0) + 1.0
        if self.lost[lane] > MOST:
            self.lost[lane] *= 0.5
            for way, gate in self.gates.items():
                if way[0] == lane:
                    gate.count *= 0.5

    def state(self) -> dict[str, Any]:
        """For a snapshot."""
        return {
            "gates": [[*way, *astuple(gate)] for way, gate in self.gates.items()],
            "lost": [[lane, count] for lane, count in self.lost.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a snapshot."""
        self.gates = {(int(a), int(b)): Gate(*rest) for a, b, *rest in state["gates"]}
        self.lost = {int(lane): float(count) for lane, count in state["lost"]}


def _deviation_s(expected_s: float) -> float:
    return TIME_SHARE * max(expected_s, 0.0) + TIME_S
