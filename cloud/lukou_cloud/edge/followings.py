"""Near misses behind one another: least time to collision and required braking of every following that came below the thresholds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.measures import required_braking, time_to_collision
from lukou_cloud.edge.rear_ends import TOUCHING_M
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.service_settings import NearMissSettings

OVER_NS = 2_000_000_000
"""A following is over when it has been above the thresholds for so long. [ns]"""

LASTS_NS = 400_000_000
"""Shorter ones are noise of measurement. [ns]"""

LEAST_CLOSING_MPS = 1.0
"""Who closes in more slowly creeps up in a queue. [m/s]"""

APPEARED_SHARE = 0.5
"""Who is below this share of the threshold the first time did not come closer but has just appeared: most likely one seen twice."""

SURE = 0.5
"""Least probability that the one behind is on the way of the one ahead."""


@dataclass(slots=True)
class Following:
    """One vehicle behind another, below the thresholds: when, and where it was worst. [ns, m, m/s, s, m/s^2]"""

    first: int
    second: int
    first_class: int
    second_class: int
    began_ns: int
    last_ns: int
    worst_ns: int = 0
    x_m: float = 0.0
    y_m: float = 0.0
    first_speed_mps: float = 0.0
    second_speed_mps: float = 0.0
    time_to_collision_s: float = float("inf")
    required_braking_mps2: float = 0.0
    has_appeared: bool = False


class Followings:
    """Follows who comes too close behind whom.

    Parameters
    ----------
    settings : NearMissSettings
        Thresholds.
    """

    def __init__(self, settings: NearMissSettings) -> None:
        self.settings = settings
        self.open: dict[tuple[int, int], Following] = {}

    def step(self, now_ns: int, users: RoadUsers, h: Hypotheses) -> list[Following]:
        """Take one moment; the followings that are over.

        Parameters
        ----------
        now_ns : int
            Instant.
        users : RoadUsers
            Road users then.
        h : Hypotheses
            What they are expected to do: who is ahead of whom.
        """
        rows = np.flatnonzero((h.leader >= 0) & (h.probability >= SURE))
        if len(rows):
            self._take(now_ns, users, h, rows)
        over = [one for one in self.open.values() if now_ns - one.last_ns > OVER_NS]
        for one in over:
            del self.open[one.first, one.second]
        return [one for one in over if one.last_ns - one.began_ns >= LASTS_NS and not one.has_appeared]

    def _take(self, now_ns: int, users: RoadUsers, h: Hypotheses, rows: np.ndarray) -> None:
        behind, ahead, gap = h.user[rows], h.leader[rows], h.leader_gap_m[rows]
        along = np.maximum(np.cos(users.heading_rad[ahead] - users.heading_rad[behind]), 0.0)
        speed, slower = users.speed_mps[behind], users.speed_mps[ahead] * along
        closing = speed - slower
        time_s = time_to_collision(gap, closing)
        needed = required_braking(gap, speed, slower, np.zeros(len(rows)))
        close = (time_s < self.settings.time_to_collision_s) & (needed > self.settings.least_braking_mps2)
        close |= needed > self.settings.required_braking_mps2
        close &= gap > TOUCHING_M
        close &= (closing > LEAST_CLOSING_MPS) & users.is_trusted[behind] & users.is_trusted[ahead]
        for k in np.flatnonzero(close).tolist():
            a, b = int(behind[k]), int(ahead[k])
            key = int(users.id[a]), int(users.id[b])
            classes = int(users.object_class[a]), int(users.object_class[b])
            one = self.open.get(key)
            if one is None:
                one = self.open[key] = Following(*key, *classes, now_ns, now_ns)
                one.has_appeared = bool(time_s[k] < APPEARED_SHARE * self.settings.time_to_collision_s)
            one.last_ns = now_ns
            one.required_braking_mps2 = max(one.required_braking_mps2, min(float(needed[k]), 99.0))
            if time_s[k] < one.time_to_collision_s:
                one.time_to_collision_s, one.worst_ns = float(time_s[k]), now_ns
                one.x_m, one.y_m = float(users.x_m[a]), float(users.y_m[a])
                one.first_speed_mps, one.second_speed_mps = float(speed[k]), float(users.speed_mps[b])

    def state(self) -> list[dict[str, Any]]:
        """All that a continuation needs, for JSON."""
        return [asdict(one) for one in self.open.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Continue from a state."""
        self.open = {(one["first"], one["second"]): Following(**one) for one in state}
