"""Dangers of one instant: contacts of pairs, one running into the back of another, and red lights about to be run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lukou_cloud.edge.conflicts import Contacts, contacts
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.lights import Lights
from lukou_cloud.edge.measures import required_braking, time_to_collision
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import SURE_MPS, Booleans, Floats, Ints, RoadUsers
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


@dataclass(frozen=True, slots=True)
class Required:
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
    if len(found.first) == 0:
        return NOTHING
    first, second = h.user.take(found.first), h.user.take(found.second)
    time_s = predictor.times_s.take(found.sample)
    vulnerable = users.is_vulnerable.take(first) | users.is_vulnerable.take(second)
    limit = np.where(vulnerable, settings.vulnerable_time_to_collision_s, settings.most_time_to_collision_s)
    kept = (time_s <= limit).nonzero()[0]
    count, number = numbered(first.take(kept) * len(users) + second.take(kept))
    needed = np.where(found.same_way.take(kept), required.same_way, required.crossing)
    needed[vulnerable.take(kept)] = required.vulnerable
    probability = found.probability.take(kept)
    share = np.bincount(number, weights=probability / needed, minlength=count)
    unyielding = np.bincount(number, weights=found.path_probability.take(kept), minlength=count)
    chosen = ((share >= 1.0) | (unyielding >= settings.hold_probability)).nonzero()[0]
    if len(chosen) == 0:
        return NOTHING
    likely = np.bincount(number, weights=probability, minlength=count)
    best = np.full(count, -1)
    order = probability.argsort(kind="stable")
    best[number[order]] = kept[order]
    row, sure = best[chosen], np.asarray(np.minimum(likely[chosen], 1.0), np.float64)
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
    onset = (share[chosen] >= 1.0) & known[a] & known[b]
    return Dangers(kind, a, b, sure, time_s[row], ha, hb, x_m, y_m, onset)


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
    # far behind, or hardly faster: most are neither held nor begun, and looked at no further
    swift = users.speed_mps.take(h.user)
    rows = ((h.leader_gap_m < FAR_M) & (swift > users.speed_mps.take(h.leader))).nonzero()[0]
    if len(rows) == 0:
        return NOTHING
    follower, leader, gap = h.user.take(rows), h.leader.take(rows), h.leader_gap_m.take(rows)
    along = np.cos(users.heading_rad.take(leader) - users.heading_rad.take(follower))
    speed, least = swift.take(rows), users.least_speed_mps(REAR_END_DOUBTS).take(follower)
    braking = np.maximum(-users.acceleration_mps2.take(leader), 0.0)
    ahead = users.speed_mps.take(leader) * np.maximum(along, 0.0)
    # what stands is held by the speed as it is tracked; to begin, the least is taken that it may be
    held = (required_braking(gap, speed, ahead, braking) > settings.rear_end_hold_mps2) | (gap < speed + 1.0)
    held &= (along > 0.5) & (speed - ahead > 0.1)
    held &= users.is_trusted.take(follower) & users.is_trusted.take(leader)
    time_s = _time_behind(gap, speed, ahead, braking)
    held &= time_s < 2.0 * settings.rear_end_time_to_collision_s
    some = held.nonzero()[0]
    if len(some) == 0:
        return NOTHING
    rows, follower, leader = np.array((rows, follower, leader)).take(some, axis=1)
    gap, least, ahead, braking, time_s = np.array((gap, least, ahead, braking, time_s)).take(some, axis=1)
    onset = _begins_behind(users, follower, leader, Behind(gap, least, ahead, braking), settings)
    best, total, begins = _by_pair(follower * len(users) + leader, h.probability[rows], onset)
    sure = total >= settings.sure_probability
    best, total, is_onset = best[sure], total[sure], begins[sure] >= settings.sure_probability
    unprotected = users.is_two_wheeled_or_on_foot
    vulnerable = unprotected[follower[best]] | unprotected[leader[best]]
    return Dangers(
        kind=np.where(vulnerable, VULNERABLE, REAR_END),
        first=follower[best],
        second=leader[best],
        probability=np.minimum(total, 1.0),
        time_s=time_s[best],
        first_hypothesis=rows[best],
        second_hypothesis=np.full(len(best), -1),
        x_m=users.x_m[leader[best]],
        y_m=users.y_m[leader[best]],
        is_onset=is_onset,
    )


class Behind(NamedTuple):
    """One behind another: gap, speeds of both, and how hard the leader brakes, (n,) each. [m, m/s, m/s, m/s^2]"""

    gap_m: Floats
    speed_mps: Floats
    ahead_mps: Floats
    braking_mps2: Floats


def _begins_behind(users: RoadUsers, follower: Ints, leader: Ints, now: Behind, settings: WarningSettings) -> Booleans:
    """Whether the danger is bad enough to warn: even a reaction time later too much braking is required, and not done."""
    onset = (now.speed_mps - now.ahead_mps > settings.rear_end_closing_mps) & (now.gap_m > TOUCHING_M)
    some = onset.nonzero()[0]  # mostly nobody
    if len(some):
        rows = Behind(*np.array(now).take(some, axis=1))
        onset[some] = _needs_too_much(users, follower.take(some), leader.take(some), rows, settings)
    return onset


def _needs_too_much(users: RoadUsers, follower: Ints, leader: Ints, now: Behind, settings: WarningSettings) -> Booleans:
    """Whether too much braking is required a reaction time later, and not done."""
    gap, speed, ahead, braking = now
    known = np.maximum.reduce(users.speed_deviation_mps.take((follower, leader))) < settings.unsure_speed_mps
    late = np.maximum(users.speed_deviation_mps.take(follower) - SURE_MPS, 0.0) / AGILITY_MPS2
    soon = np.maximum(settings.rear_end_reaction_s - late, LEAST_REACTION_S)  # part of it is over when it is seen
    acceleration = users.acceleration_mps2.take(follower)
    then = required_braking(
        gap - (speed - ahead) * soon - 0.5 * acceleration * soon**2,
        np.maximum(speed + acceleration * soon, 0.0),
        np.maximum(ahead - braking * soon, 0.0),
        braking,
    )
    needs = known & (_time_behind(*now) < settings.rear_end_time_to_collision_s)
    needs &= then > settings.rear_end_braking_mps2
    return np.asarray(needs & (-acceleration <= 0.8 * required_braking(*now)))  # does not brake as it must


def _time_behind(gap_m: Floats, speed: Floats, ahead: Floats, braking: Floats) -> Floats:
    """Time to collision with a leader who may be stopping; inf: not closing. [s]"""
    closing = speed - ahead
    return time_to_collision(gap_m, np.where(braking > 0.5, np.maximum(speed - 0.5 * ahead, closing), closing))


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
