"""What is told about single road users and queues: wrong way, standing where nobody should, too fast, end of a queue ahead.

Each must have lasted for a while before it counts; the begin of each is the state kept here. All but driving the wrong way are informative.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.dangers import NOTHING, Dangers, joined_dangers
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import SPEED, SPEED_DEVIATION, Booleans, Floats, Ints, RoadUsers
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
        self._limits = RuleLimits(*(getattr(settings, name) for name in RuleLimits._fields))

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
        s, lanes = self.settings, predictor.model.lanes
        first = h.first
        off, stands, too_fast, queue, time_s = _states(
            users.columns, users.is_trusted, users.is_vulnerable, predictor.lane_now,
            lanes.speed_limit_mps, lanes.kind, lanes.length_m, h, self._limits,
        )  # fmt: skip
        seen = (
            (WRONG_WAY, s.wrong_way_s, self._against(users, off, predictor)),
            (STOPPED, s.stopped_s, stands),
            (OVERSPEED, s.overspeed_s, too_fast),
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
        return joined_dangers([*parts, _queue_ends(users, h, queue, time_s)])

    def _against(self, users: RoadUsers, rows: Ints, predictor: Predictor) -> Ints:
        if len(rows) == 0:
            return rows
        lane, inside, along = predictor.along_roadway(users.x_m[rows], users.y_m[rows], users.heading_rad[rows])
        road = predictor.model.lanes.kind[lane] == LaneKind.ROAD
        return np.asarray(rows[inside & road & (along < AGAINST_COS)])


class RuleLimits(NamedTuple):
    """What loops take of `RuleSettings`."""

    wrong_way_mps: float
    overspeed_factor: float
    overspeed_mps: float
    queue_speed_mps: float
    queue_mps: float
    queue_time_s: float
    queue_beyond_m: float


@compiled
def _states(
    columns: Floats,
    is_trusted: Booleans,
    is_vulnerable: Booleans,
    lane: Ints,
    limit_mps: Floats,
    kind: Ints,
    length_m: Floats,
    h: Hypotheses,
    limits: RuleLimits,
) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """Road users that drive where no lane leads their way, that stand unexplained, that are too fast; and rows of those before the end of a queue, with the time to it.

    Parameters
    ----------
    columns, is_trusted, is_vulnerable
        Of `RoadUsers`.
    lane : (n,) int array
        Lane of each, -1: none.
    limit_mps, kind, length_m : (l,) array
        Of the lanes.
    h : Hypotheses
        What they are expected to do.
    limits : RuleLimits
        Thresholds.
    """
    count = len(lane)
    found, number, time_s = np.empty((4, count), np.int64), np.zeros(4, np.int64), np.empty(count)
    for k in range(count):
        speed, best = columns[SPEED, k], h.first[k]
        if not is_trusted[k]:
            continue
        other = h.leader[best]
        if (
            other >= 0
            and is_trusted[other]
            and speed > limits.queue_speed_mps
            and columns[SPEED, other] < limits.queue_mps
        ):
            in_s = h.leader_gap_m[best] / max(speed - columns[SPEED, other], 0.1)
            # everybody expects one before a red light
            if in_s < limits.queue_time_s and h.line_m[best] - h.leader_gap_m[best] > limits.queue_beyond_m:
                found[3, number[3]], time_s[number[3]] = best, in_s
                number[3] += 1
        if is_vulnerable[k]:
            continue
        if lane[k] < 0:
            if speed > limits.wrong_way_mps:
                found[0, number[0]] = k
                number[0] += 1
            continue
        if speed < STANDING_MPS:
            queues = other >= 0 and h.leader_gap_m[best] < EXPLAINED_M
            waits = h.line_m[best] < EXPLAINED_M or kind[lane[k]] == _JUNCTION
            if not queues and not waits and length_m[lane[k]] - h.s_m[best] > EXPLAINED_M:
                found[1, number[1]] = k
                number[1] += 1
        most = limit_mps[lane[k]] * limits.overspeed_factor + limits.overspeed_mps
        if speed > most and columns[SPEED_DEVIATION, k] < limits.overspeed_mps:
            found[2, number[2]] = k
            number[2] += 1
    return (
        found[0, : number[0]].copy(), found[1, : number[1]].copy(), found[2, : number[2]].copy(),
        found[3, : number[3]].copy(), time_s[: number[3]].copy(),
    )  # fmt: skip


def _queue_ends(users: RoadUsers, h: Hypotheses, rows: Ints, time_s: Floats) -> Dangers:
    if len(rows) == 0:
        return NOTHING
    leader = h.leader[rows]
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
