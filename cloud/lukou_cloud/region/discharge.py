"""How fast queues really leave, lane by lane: learned from departures while vehicles that stood are still due to leave.

A lane whose right turns yield to people on a crosswalk may discharge at half the textbook's saturation flow, and some vehicles leave
it on red; both decide what a second of green is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PRIOR_S = 40.0
"""Seconds of discharge that the expected flow counts for. [s]"""

MEMORY_S = 300.0
"""Seconds of discharge that are remembered. [s]"""


@dataclass(slots=True)
class Discharge:
    """Flows of the lanes of one intersection.

    Attributes
    ----------
    expected : (n,) float array
        Flow of a standing queue on green before anything is learned; 0 on red. [1/s]
    """

    expected: NDArray[np.float64]
    green: NDArray[np.float64] = field(init=False)  # (n, 2) departed, seconds
    red: NDArray[np.float64] = field(init=False)  # (n, 2) departed, seconds
    due: NDArray[np.float64] = field(init=False)  # (n,) vehicles that stood at the start of green and have not left

    def __post_init__(self) -> None:
        seconds = np.full(len(self.expected), PRIOR_S)
        self.green = np.stack([self.expected * PRIOR_S, seconds], axis=1)
        self.red = np.stack([np.zeros_like(seconds), seconds], axis=1)
        self.due = np.zeros(len(self.expected))

    @property
    def flow(self) -> NDArray[np.float64]:
        """With right of way. [1/s]"""
        result: NDArray[np.float64] = self.green[:, 0] / self.green[:, 1]
        return result

    @property
    def red_flow(self) -> NDArray[np.float64]:
        """Without. [1/s]"""
        result: NDArray[np.float64] = self.red[:, 0] / self.red[:, 1]
        return result

    def learn(
        self, served: NDArray[np.bool_], standing: NDArray[np.float64], left: NDArray[np.float64], dt_s: float
    ) -> None:
        """Take one interval of a running stage: who had right of way, how many stand now, how many have left."""
        counts = np.stack([left, np.full(len(left), dt_s)], axis=1)
        self.green += np.where((served & (self.due > 0))[:, None], counts, 0.0)
        self.red += np.where((~served & (standing + left > 0))[:, None], counts, 0.0)
        self.due = np.where(served, self.due - left, standing)
        for kept in (self.green, self.red):
            kept *= np.minimum(1.0, MEMORY_S / kept[:, 1])[:, None]

    def export(self) -> list[list[float]]:
        """State as plain values, for snapshots."""
        return [*self.green.T.tolist(), *self.red.T.tolist(), self.due.tolist()]

    def load(self, state: list[list[float]]) -> None:
        """Continue from `export`."""
        self.green, self.red = np.array(state[:2]).T.copy(), np.array(state[2:4]).T.copy()
        self.due = np.array(state[4])
