"""What one object list tells of the approaches of an intersection."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.lineup import Seen
from lukou_cloud.region.travel import STANDING_MPS
from lukou_cloud.region.unseen import Standing

FREE_SHARE = 0.5
"""Who drives at this share of the limit does not stand in a queue soon."""

Above = tuple[float, float, float, tuple[int, ...], float, float]
"""A vehicle above the approach lanes: when it was seen, how far before the stop line, how fast, which lanes it may take, how likely
it comes, and what its delay counts. [s, m, m/s]"""


@dataclass(slots=True)
class Tally:
    """What one object list tells of the approaches."""

    queue: NDArray[np.float64]
    waited: NDArray[np.float64]
    moving_m: NDArray[np.float64]  # first one that moves, before the stop line of each approach lane
    free_m: NDArray[np.float64]  # first one that drives freely
    standing: list[list[Standing]]  # by approach lane
    present: dict[int, tuple[int, float]] = field(default_factory=dict)
    waits: dict[int, tuple[int, float]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    above: dict[int, Above] = field(default_factory=dict)
    inside: list[int] = field(default_factory=list)
    came: list[int] = field(default_factory=list)  # crosswalks to which somebody has come
    on_foot: list[tuple[int, float, float]] = field(default_factory=list)  # crosswalk, wait [s], what he counts
    elsewhere: list[int] = field(default_factory=list)
    entered: dict[int, int] = field(default_factory=dict)  # who is in the junction or behind it, and its approach lane
    leaving: list[tuple[int, float, float]] = field(default_factory=list)  # on the exits: map lane, place, speed

    @classmethod
    def of(cls, queues: int, lanes: int) -> Tally:
        return cls(
            np.zeros(queues), np.zeros(queues), np.full(lanes, np.inf), np.full(lanes, np.inf),
            [[] for _ in range(lanes)],
        )  # fmt: skip

    def on_approach(self, lane: int, one: Standing, speed_mps: float, limit_mps: float) -> None:
        if speed_mps < STANDING_MPS:
            self.standing[lane].append(one)
            self.waited[lane] = max(self.waited[lane], one.waited_s)
            return
        self.moving_m[lane] = min(self.moving_m[lane], one.to_stop_m)
        if speed_mps > FREE_SHARE * limit_mps:
            self.free_m[lane] = min(self.free_m[lane], one.to_stop_m)
