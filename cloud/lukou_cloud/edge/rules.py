"""What is told about single road users and queues: wrong way, standing where nobody should, too fast, end of a queue ahead.

Each must have lasted for a while before it counts; the begin of each is the state kept here. All but driving the wrong way are informative.
"""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.dangers import NOTHING, Dangers, joined_dangers
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import RuleSettings
from lukou_maps.road_model import LaneKind
from lukou_messages.v1.warning_pb2 import WarningKind

WRONG_WAY = int(WarningKind.WARNING_KIND_WRONG_WAY)
STOPPED = int(WarningKind.WARNING_KIND_STOPPED)
OVERSPEED = int(WarningKind.WARNING_KIND_OVERSPEED)
QUEUE_END = int(WarningKind.WARNING_KIND_QUEUE_END)

INFORMATIVE = (STOPPED, OVERSPEED, QUEUE_END)
"""Kinds that are good to know; all others call for action now."""

AGAINST_COS = -0.85
"""Who moves at a larger angle than this cosine to the lane beneath moves against it."""

STANDING_MPS = 0.3
"""Slower road users stand. [m/s]"""

EXPLAINED_M = 12.0
"""Somebody this near ahead, or a stop line or junction this near, explains why a vehicle stands. [m]"""


_JUNCTION = int(LaneKind.JUNCTION)


class Rules:
    """Follows how long each state has lasted.

    Parameters
    ----------
    settings : RuleSettings
        Limits.
    """

    def __init__(self, settings: RuleSettings) -> None:
        self.settings = settings
        self.since: dict[tuple[int, int], int] = {}

    def step(self, now_ns: int, users: RoadUsers, h: Hypotheses, predictor: Predictor) -> Dangers:
        """Rows of all that have lasted long enough.

        Parameters
        ----------
        now_ns : int
            Instant.
        users : RoadUsers
            Road users now.
        h : Hypotheses
            What they are expected to do.
        predictor : Predictor
            Gives lanes and the map.
        """
        s = self.settings
        lane = predictor.lane_now
        vehicles = users.is_trusted & ~users.is_vulnerable
        first = h.first
        on = lane >= 0
        seen = (
            (WRONG_WAY, s.wrong_way_s, self._against(users, vehicles & ~on, predictor)),
            (STOPPED, s.stopped_s, self._stands(users, vehicles & on, first, h, predictor, lane)),
            (OVERSPEED, s.overspeed_s, self._too_fast(users, vehicles & on, predictor, lane)),
        )
        parts = []
        here = set(users.id.tolist()) if self.since else set()
        kept: dict[tuple[int, int], int] = {}
        for kind, lasts_s, rows in seen:
            if len(rows) == 0:
                continue
            numbers = users.id[rows].tolist()
            began = [self.since.get((kind, number), now_ns) for number in numbers]
            kept |= {(kind, number): at_ns for number, at_ns in zip(numbers, began, strict=True)}
            due = [k for k, at_ns in zip(rows.tolist(), began, strict=True) if now_ns - at_ns >= lasts_s * 1e9]
            if due:
                parts.append(_singles(kind, np.array(due, np.int64), first, users))
        if self.since or kept:
            self.since = {key: at_ns for key, at_ns in self.since.items() if key[1] not in here} | kept
        return joined_dangers([*parts, self._queue_ends(users, h, first)])

    def _against(self, users: RoadUsers, chosen: Booleans, predictor: Predictor) -> Ints:
        rows = (chosen & (users.speed_mps > self.settings.wrong_way_mps)).nonzero()[0]
        if len(rows) == 0:
            return rows
        lane, inside, along = predictor.along_roadway(users.x_m[rows], users.y_m[rows], users.heading_rad[rows])
        road = predictor.model.lanes.kind[lane] == LaneKind.ROAD
        return np.asarray(rows[inside & road & (along < AGAINST_COS)])

    def _stands(
        self, users: RoadUsers, chosen: Booleans, first: Ints, h: Hypotheses, predictor: Predictor, lane: Ints
    ) -> Ints:
        rows = (chosen & (users.speed_mps < STANDING_MPS)).nonzero()[0]
        if len(rows) == 0:
            return rows
        best = first[rows]
        queues = (h.leader[best] >= 0) & (h.leader_gap_m[best] < EXPLAINED_M)
        waits = (h.line_m[best] < EXPLAINED_M) | (predictor.model.lanes.kind[lane[rows]] == _JUNCTION)
        end_m = predictor.model.lanes.length_m[lane[rows]] - h.s_m[best]
        return np.asarray(rows[~queues & ~waits & (end_m > EXPLAINED_M)])

    def _too_fast(self, users: RoadUsers, chosen: Booleans, predictor: Predictor, lane: Ints) -> Ints:
        s = self.settings
        most = predictor.model.lanes.speed_limit_mps.take(np.maximum(lane, 0)) * s.overspeed_factor + s.overspeed_mps
        return np.asarray(
            (chosen & (users.speed_mps > most) & (users.speed_deviation_mps < s.overspeed_mps)).nonzero()[0]
        )

    def _queue_ends(self, users: RoadUsers, h: Hypotheses, first: Ints) -> Dangers:
        s = self.settings
        rows = first[(h.leader.take(first) >= 0) & (users.speed_mps > s.queue_speed_mps) & users.is_trusted]
        if len(rows) == 0:
            return NOTHING
        leader = h.leader[rows]
        closing = users.speed_mps[h.user[rows]] - users.speed_mps[leader]
        time_s = h.leader_gap_m[rows] / np.maximum(closing, 0.1)
        kept = (users.speed_mps[leader] < s.queue_mps) & (time_s < s.queue_time_s) & users.is_trusted[leader]
        kept &= h.line_m[rows] - h.leader_gap_m[rows] > s.queue_beyond_m  # everybody expects one before a red light
        rows, leader, time_s = rows[kept], leader[kept], time_s[kept]
        if len(rows) == 0:
            return NOTHING
        kind = np.full(len(rows), QUEUE_END, np.int64)
        none, sure = np.full(len(rows), -1), np.ones(len(rows), np.bool_)
        place = (users.x_m[leader], users.y_m[leader])
        return Dangers(kind, h.user[rows], leader, h.probability[rows], time_s, rows, none, *place, sure)


def _singles(kind: int, rows: Ints, first: Ints, users: RoadUsers) -> Dangers:
    count, none = len(rows), np.full(len(rows), -1)
    sure: Floats = np.ones(count)
    place = (users.x_m[rows], users.y_m[rows])
    return Dangers(
        np.full(count, kind, np.int64),
        rows,
        none,
        sure,
        np.zeros(count),
        first[rows],
        none,
        *place,
        np.ones(count, np.bool_),
    )
