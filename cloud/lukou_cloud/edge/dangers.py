"""Dangers of one instant: contacts of pairs, one running into the back of another, and red lights about to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.conflicts import Contacts, contacts
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.lights import Lights
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.rear_ends import BehindLimits, behind
from lukou_cloud.edge.road_users import Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import WarningSettings
from lukou_cloud.edge.walking import WalkingRules
from lukou_maps.ragged import numbered
from lukou_messages.v1.warning_pb2 import WarningKind

CROSSING = int(WarningKind.WARNING_KIND_CROSSING)
LEFT_TURN = int(WarningKind.WARNING_KIND_LEFT_TURN)
REAR_END = int(WarningKind.WARNING_KIND_REAR_END)
VULNERABLE = int(WarningKind.WARNING_KIND_VULNERABLE)
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
    """How probable a contact must be to begin a warning: of vehicles that cross or go the same way, of a vulnerable road user, and of one
    who walks where or when one may not.
    """

    crossing: float = 0.14
    same_way: float = 0.2
    vulnerable: float = 0.45
    careless: float = 0.45


def dangers(
    users: RoadUsers,
    lights: Lights,
    predictor: Predictor,
    settings: WarningSettings,
    required: Required = Required(),
    braked: Booleans | None = None,
    now_ns: int | None = None,
    rules: WalkingRules | None = None,
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
    rules : WalkingRules, optional
        Where and when people may walk; without them everybody is taken to keep the rules.

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
        _of_contacts(
            users,
            h,
            found,
            predictor,
            settings,
            required,
            lambda row: rules is not None and rules.are_broken_by(users, row, lights),
        ),
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
    is_careless: Callable[[int], bool],
) -> Dangers:
    limits = settings.most_time_to_collision_s, settings.vulnerable_time_to_collision_s, settings.hold_probability
    row, sure, is_onset, is_likely = _of_pairs(users.is_vulnerable, h.user, found, predictor.times_s, required, *limits)
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
    for k in (is_likely & ~is_onset & known[a] & known[b]).nonzero()[0].tolist():  # hardly ever
        is_onset[k] = is_careless(int(b[k]))
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
) -> tuple[Ints, Floats, Booleans, Booleans]:
    """Per pair in danger: its most probable contact, the probability of all of them, whether that is enough to begin a warning, and whether it
    is with one who walks where or when one may not.
    """  # fmt: skip
    row, sure = np.empty(len(found.first), np.int64), np.empty(len(found.first))
    onset, careless = np.empty(len(found.first), np.bool_), np.empty(len(found.first), np.bool_)
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
            careless[count] = weak and likely >= required.careless
            count += 1
    return row[:count].copy(), sure[:count].copy(), onset[:count].copy(), careless[:count].copy()  # fmt: skip


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
    rows, leader, total, begins, time_s = behind(
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
