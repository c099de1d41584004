"""Who braked in an emergency just now: a sign that the rules are not kept around there, for longer than it lasts."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.road_users import Booleans, RoadUsers

EMERGENCY_MPS2 = 6.0
"""Harder braking is done in emergencies only: usual stops stay below 4.5 (`PredictionSettings.braking_mps2`). [m/s^2]"""

LATELY_NS = 3_000_000_000
"""It is remembered for this long. [ns]"""


class Emergencies:
    """Remembers who braked in an emergency, and when last."""

    def __init__(self) -> None:
        self.last_ns: dict[int, int] = {}

    def step(self, now_ns: int, users: RoadUsers) -> Booleans:
        """Note who does now; who did lately, per road user.

        Parameters
        ----------
        now_ns : int
            Instant of the road users.
        users : RoadUsers
            Road users then.
        """
        brakes = (users.acceleration_mps2 < -EMERGENCY_MPS2) & ~users.is_vulnerable
        for number in users.id[brakes].tolist():
            self.last_ns[number] = now_ns
        if not self.last_ns:
            return brakes
        self.last_ns = {number: at_ns for number, at_ns in self.last_ns.items() if now_ns - at_ns <= LATELY_NS}
        return np.array([number in self.last_ns for number in users.id.tolist()], np.bool_)
