"""Dangers of one instant: contacts of pairs, one running into the back of another, and red lights about to be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.conflicts import Contacts, contacts
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.lights import Lights
from lukou_cloud.edge.measures import braking_needed, time_left
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import (
    ACCELERATION,
    COS,
    SIN,
    SPEED,
    SPEED_DEVIATION,
    SURE_MPS,
    Booleans,
    Floats,
    Ints,
    RoadUsers,
    least_speed,
)
from lukou_cloud.edge.settings import WarningSettings
from lukou_maps.ragged import numbered
from lukou_messages.v1.warning_pb2 import WarningKind

CROSSING = int(WarningKind.WARNING_KIND_CROSSING)
LEFT_TURN = int(WarningKind.WARNING_KIND_LEFT_TURN)
REAR_END = int(WarningKind.WARNING_KIND_REAR_END)
VULNERABLE = int(WarningKind.WARNING_KIND_VULNERABLE)
TOUCHING_M = 0.3
"""Tracks nearer than this on one lane are one road user seen twice, or have met already. [m]"""

FAR_M = 80.0
"""Leaders farther ahead are no danger yet. [m]"""

REAR_END_DOUBTS = 2.0
"""Standard deviations of the follower's speed that are doubted; what is seen of the braking counts besides."""

PICKS_UP_MPS2 = 1.4
"""Who is seen to accelerate at least so much has not begun to brake: then the tracked speed lags from below, and nothing of it is doubted; tracked
accelerations are wrong by 0.8 to 1.3 [m/s^2]."""

AGILITY_MPS2 = 2.0
LEAST_REACTION_S = 0.2
"""What a tracked speed is not known by lags behind by that much over the first. Something is left of the reaction time. [m/s^2, s]"""

RED_LIGHT = int(WarningKind.WARNING_KIND_RED_LIGHT)


@dataclass(frozen=True, slots=True, eq=False)
class Dangers:
    """One row per danger.

    Attributes
    ----------
    kind : (n,) int array
        `lukou.v1.WarningKind`.
    first, second : (n,) int array
        Rows of the road users; the first is to be warned first, the second is -1 for red lights.
    probability : (n,) float array
        Of a contact, or of running the light, if nobody reacts.
    time_s : (n,) float array
        Until contact, or until the stop line. [s]
    first_hypothesis, second_hypothesis : (n,) int array
        Most probable hypotheses behind it; -1: none.
    x_m, y_m : (n,) float array
        Where. [m]
    is_onset : (n,) bool array
        Bad enough to begin a warning; the others only keep one standing that has begun.
    """

    kind: Ints
    first: Ints
    second: Ints
    probability: Floats
    time_s: Floats
    first_hypothesis: Ints
    second_hypothesis: Ints
    x_m: Floats
    y_m: Floats
    is_onset: Booleans

    def __len__(self) -> int:
        return len(self.kind)


_NONE, _ZERO = np.zeros(0, np.int64), np.zeros(0)

NOTHING = Dangers(_NONE, _NONE, _NONE, _ZERO, _ZERO, _NONE, _NONE, _ZERO, _ZERO, np.zeros(0, np.bool_))
"""No danger."""


class Required(NamedTuple):
    """How probable a contact must be to begin a warning: of vehicles that cross or go the same way, of a vulnerable road user."""

    crossing: float = 0.14
    same_way: float = 0.2
    vulnerable: float = 0.45


def dangers(
    users: RoadUsers,
    lights: Lights,
    predictor: Predictor,
    settings: WarningSettings,
    required: Required = Required(),
    braked: Booleans | None = None,
    now_ns: int | None = None,
) -> tuple[Dangers, Hypotheses, Contacts]:
    """Predict and judge one instant.

    Parameters
    ----------
    users : RoadUsers
        Road users now.
    lights : Lights
        Signals now.
    predictor : Predictor
        Predicts; remembers lanes.
    settings : WarningSettings
        Thresholds.
    required : Required
        How probable contacts must be.
    braked : (u,) bool array, optional
        Who braked in an emergency just now.
    now_ns : int, optional
        Instant of the road users; without it nothing is used that was looked up before.

    Returns
    -------
    dangers : Dangers
        Every danger above the thresholds, each pair of road users once per kind.
    hypotheses : Hypotheses
        What was predicted.
    contacts : Contacts
        Meetings that are expected if nobody gives way.
    """
    h = predictor.predict(users, lights, now_ns)
    hard = np.zeros(len(users), np.bool_) if braked is None else braked
    found = contacts(users, h, predictor, settings, hard)
    parts = [
        _of_contacts(users, h, found, predictor, settings, required),
        _rear_end(users, h, settings),
        _red_light(users, h, settings),
    ]
    return joined_dangers(parts), h, found


def _of_contacts(
    users: RoadUsers,
    h: Hypotheses,
    found: Contacts,
    predictor: Predictor,
    settings: WarningSettings,
    required: Required,
) -> Dangers:
    limits = settings.most_time_to_collision_s, settings.vulnerable_time_to_collision_s, settings.hold_probability
    row, sure, is_onset = _of_pairs(users.is_vulnerable, h.user, found, predictor.times_s, required, *limits)
    if len(row) == 0:
        return NOTHING
    first, second, time_s = h.user.take(found.first), h.user.take(found.second), predictor.times_s.take(found.sample)
    kind = _kinds(users, h, found, row, predictor)
    a, b, ha, hb = first[row], second[row], found.first[row], found.second[row]
    # warn first who is not the walker, and of two vehicles the faster one
    swap = (users.is_vulnerable[a] & ~users.is_vulnerable[b]) | (
        (users.is_vulnerable[a] == users.is_vulnerable[b]) & (users.speed_mps[b] > users.speed_mps[a])
    )
    a, b, ha, hb = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, hb, ha), np.where(swap, ha, hb)
    at = found.sample[row]
    x_m, y_m = 0.5 * (h.x_m[ha, at] + h.x_m[hb, at]), 0.5 * (h.y_m[ha, at] + h.y_m[hb, at])
    known = users.speed_deviation_mps < settings.unsure_speed_mps
    onset = is_onset & known[a] & known[b]
    return Dangers(kind, a, b, sure, time_s[row], ha, hb, x_m, y_m, onset)


@compiled
def _of_pairs(
    is_weak: Booleans,
    user: Ints,
    found: Contacts,
    times_s: Floats,
    required: Required,
    most_s: float,
    most_weak_s: float,
    hold_probability: float,
) -> tuple[Ints, Floats, Booleans]:
    """Per pair in danger: its most probable contact, the probability of all of them, and whether that is enough to begin a warning."""  # fmt: skip
    row, sure, onset = (
        np.empty(len(found.first), np.int64),
        np.empty(len(found.first)),
        np.empty(len(found.first), np.bool_),
    )
    count, end = 0, 0
    while end < len(found.first):
        a, b = user[found.first[end]], user[found.second[end]]
        weak = is_weak[a] or is_weak[b]
        share, unyielding, likely, best = 0.0, 0.0, 0.0, -1
        while end < len(found.first) and user[found.first[end]] == a and user[found.second[end]] == b:
            if times_s[found.sample[end]] <= (most_weak_s if weak else most_s):
                needed = required.same_way if found.same_way[end] else required.crossing
                share += found.probability[end] / (required.vulnerable if weak else needed)
                unyielding += found.path_probability[end]
                likely += found.probability[end]
                if best < 0 or found.probability[end] >= found.probability[best]:
                    best = end
            end += 1
        if best >= 0 and (share >= 1.0 or unyielding >= hold_probability):
            row[count], sure[count], onset[count] = best, min(likely, 1.0), share >= 1.0
            count += 1
    return row[:count].copy(), sure[:count].copy(), onset[:count].copy()  # fmt: skip


def _kinds(users: RoadUsers, h: Hypotheses, found: Contacts, row: Ints, predictor: Predictor) -> Ints:
    first, second = h.user[found.first[row]], h.user[found.second[row]]
    kind = np.full(len(row), CROSSING, np.int64)
    kind[_turns_left(h.path[found.first[row]], predictor) ^ _turns_left(h.path[found.second[row]], predictor)] = (
        LEFT_TURN
    )
    kind[found.same_way[row]] = REAR_END
    unprotected = users.is_two_wheeled_or_on_foot
    kind[unprotected[first] | unprotected[second]] = VULNERABLE
    return kind


def _turns_left(path: Ints, predictor: Predictor) -> Booleans:
    """Whether the first connection on each path turns left."""
    if len(predictor.ways.turns_left) == 0:
        return np.zeros(len(path), np.bool_)
    return (path >= 0) & predictor.ways.turns_left[np.maximum(path, 0)]


def _rear_end(users: RoadUsers, h: Hypotheses, settings: WarningSettings) -> Dangers:
    """Followers who have come nearer to their leader than reaction and braking allow, and do not brake as they must."""
    limits = BehindLimits(
        settings.rear_end_hold_mps2, settings.rear_end_time_to_collision_s, settings.rear_end_closing_mps,
        settings.unsure_speed_mps, settings.rear_end_reaction_s, settings.rear_end_braking_mps2,
    )  # fmt: skip
    rows, leader, total, begins, time_s = _behind(
        users.columns, users.is_trusted, h.user, h.leader, h.leader_gap_m, h.probability, limits
    )
    sure = (total >= settings.sure_probability).nonzero()[0]
    if len(sure) == 0:
        return NOTHING
    rows, leader = rows.take(sure), leader.take(sure)
    follower, unprotected = h.user.take(rows), users.is_two_wheeled_or_on_foot
    return Dangers(
        kind=np.where(unprotected.take(follower) | unprotected.take(leader), VULNERABLE, REAR_END),
        first=follower,
        second=leader,
        probability=np.minimum(total.take(sure), 1.0),
        time_s=time_s.take(sure),
        first_hypothesis=rows,
        second_hypothesis=np.full(len(sure), -1),
        x_m=users.x_m.take(leader),
        y_m=users.y_m.take(leader),
        is_onset=begins.take(sure) >= settings.sure_probability,
    )


class BehindLimits(NamedTuple):
    """What rear-end warnings take of `WarningSettings`."""

    hold_mps2: float
    time_to_collision_s: float
    closing_mps: float
    unsure_speed_mps: float
    reaction_s: float
    braking_mps2: float


@compiled
def _behind(
    columns: Floats,
    is_trusted: Booleans,
    user: Ints,
    leader: Ints,
    gap_m: Floats,
    probability: Floats,
    limits: BehindLimits,
) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Pairs in danger from behind.

    Returns
    -------
    rows, leader : (p,) int array
        Most probable hypothesis of the follower, and the road user ahead.
    total, begins : (p,) float array
        Probability of all hypotheses behind that one, and of those that are bad enough to begin a warning.
    time_s : (p,) float array
        Until they touch. [s]
    """
    rows, ahead_of, of_one = np.empty(len(user), np.int64), np.empty(len(user), np.int64), 0
    total, begins, times_s, count = np.empty(len(user)), np.empty(len(user)), np.empty(len(user)), 0
    for k in range(len(user)):
        who, other, gap = user[k], leader[k], gap_m[k]
        if k == 0 or user[k - 1] != who:
            of_one = count
        if not gap < FAR_M or not columns[SPEED, who] > columns[SPEED, other]:
            continue  # far behind, or not faster: most are
        if not (is_trusted[who] and is_trusted[other]):
            continue
        along = columns[COS, other] * columns[COS, who] + columns[SIN, other] * columns[SIN, who]
        speed, ahead = columns[SPEED, who], columns[SPEED, other] * max(along, 0.0)
        braking = max(-columns[ACCELERATION, other], 0.0)
        if not (along > 0.5 and speed - ahead > 0.1):
            continue
        # what stands is held by the speed as it is tracked; to begin, the least is taken that it may be
        if not (braking_needed(gap, speed, ahead, braking) > limits.hold_mps2 or gap < speed + 1.0):
            continue
        time_s = _time_behind(gap, speed, ahead, braking)
        if not time_s < 2.0 * limits.time_to_collision_s:
            continue
        doubted = columns[SPEED_DEVIATION, who] if columns[ACCELERATION, who] < PICKS_UP_MPS2 else 0.0
        least = least_speed(speed, doubted, REAR_END_DOUBTS)
        doubt = max(columns[SPEED_DEVIATION, who], columns[SPEED_DEVIATION, other])
        known = least - ahead > limits.closing_mps and gap > TOUCHING_M and doubt < limits.unsure_speed_mps
        bad = known and _needs_too_much(gap, least, columns[ACCELERATION, who], ahead, braking, doubted, limits)
        pair = of_one
        while pair < count and ahead_of[pair] != other:
            pair += 1
        if pair == count:
            rows[pair], ahead_of[pair], total[pair], begins[pair], times_s[pair] = k, other, 0.0, 0.0, time_s
            count += 1
        total[pair] += probability[k]
        begins[pair] += probability[k] if bad else 0.0
        if probability[k] >= probability[rows[pair]]:
            rows[pair], times_s[pair] = k, time_s
    return rows[:count].copy(), ahead_of[:count].copy(), total[:count].copy(), begins[:count].copy(), times_s[:count].copy()  # fmt: skip


@compiled
def _needs_too_much(
    gap_m: float,
    speed: float,
    acceleration: float,
    ahead: float,
    braking: float,
    doubted_mps: float,
    limits: BehindLimits,
) -> bool:
    """Whether too much braking is required a reaction time later, and not done."""
    if not _time_behind(gap_m, speed, ahead, braking) < limits.time_to_collision_s:
        return False
    late = max(doubted_mps - SURE_MPS, 0.0) / AGILITY_MPS2
    soon = max(limits.reaction_s - late, LEAST_REACTION_S)  # part of it is over when it is seen
    then = braking_needed(
        gap_m - (speed - ahead) * soon - 0.5 * acceleration * (soon * soon),
        max(speed + acceleration * soon, 0.0),
        max(ahead - braking * soon, 0.0),
        braking,
    )
    brakes = -acceleration > 0.8 * braking_needed(gap_m, speed, ahead, braking)
    return then > limits.braking_mps2 and not brakes


@compiled
def _time_behind(gap_m: float, speed: float, ahead: float, braking: float) -> float:
    """Time to collision with a leader who may be stopping; inf: not closing. [s]"""
    closing = speed - ahead
    return time_left(gap_m, max(speed - 0.5 * ahead, closing) if braking > 0.5 else closing)


def _by_pair(group: Ints, probability: Floats, onset: Booleans) -> tuple[Ints, Floats, Floats]:
    """Per group: its most probable member, the sum of probabilities, the sum over those at onset."""
    count, number = numbered(group)
    total = np.bincount(number, weights=probability, minlength=count)
    begins = np.bincount(number, weights=probability * onset, minlength=count)
    best = np.full(count, -1)
    order = probability.argsort(kind="stable")
    best[number[order]] = order
    return best, np.asarray(total, np.float64), np.asarray(begins, np.float64)


def _red_light(users: RoadUsers, h: Hypotheses, settings: WarningSettings) -> Dangers:
    """Those expected to pass a stop line against red."""
    rows = h.is_running_red.nonzero()[0]
    if len(rows) == 0:
        return NOTHING
    rows = rows[users.is_trusted[h.user[rows]] & (h.line_m[rows] > 0.0)]
    user = h.user[rows]
    time_s = h.line_m[rows] / np.maximum(users.speed_mps[user], 0.5)
    kept = time_s < settings.red_light_lead_s
    rows, user, time_s = rows[kept], user[kept], time_s[kept]
    best, total, early = _by_pair(user, h.probability[rows], time_s >= settings.red_light_least_s)
    sure = total >= settings.sure_probability
    best, in_time = best[sure], early[sure] >= settings.sure_probability
    distance = h.line_m[rows[best]] + users.length_m[user[best]] / 2.0
    return Dangers(
        kind=np.full(len(best), RED_LIGHT, np.int64),
        first=user[best],
        second=np.full(len(best), -1),
        probability=np.minimum(total[sure], 1.0),
        time_s=time_s[best],
        first_hypothesis=rows[best],
        second_hypothesis=np.full(len(best), -1),
        x_m=users.x_m[user[best]] + distance * np.cos(users.heading_rad[user[best]]),
        y_m=users.y_m[user[best]] + distance * np.sin(users.heading_rad[user[best]]),
        is_onset=in_time,
    )


def joined_dangers(parts: list[Dangers]) -> Dangers:
    """All dangers of several parts."""
    parts = [part for part in parts if len(part.kind)]
    if len(parts) < 2:
        return parts[0] if parts else NOTHING
    return Dangers(*(np.concatenate([getattr(part, name) for part in parts]) for name in Dangers.__slots__))
