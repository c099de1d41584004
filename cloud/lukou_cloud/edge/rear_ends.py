"""Followers who come too near to their leaders: compiled loops over hypotheses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.measures import braking_needed, time_left
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
    least_speed,
)

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

TRACKED_LAG_S = 0.25
"""So much of the reaction time is over, too, when somebody tracked is seen to pick up speed, or not to brake: tracked accelerations are most like true ones of 0.2 to
0.3 s ago (correlation .89, with those of now .81; 54 000 tracked vehicles). [s]"""


class BehindLimits(NamedTuple):
    """What rear-end warnings take of `WarningSettings`."""

    hold_mps2: float
    time_to_collision_s: float
    closing_mps: float
    unsure_speed_mps: float
    reaction_s: float
    braking_mps2: float


@compiled
def behind(
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
        is_tracked = columns[SPEED_DEVIATION, who] > SURE_MPS
        bad = known and _needs_too_much(
            gap, least, columns[ACCELERATION, who], ahead, braking, doubted, is_tracked, limits
        )
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
    is_tracked: bool,
    limits: BehindLimits,
) -> bool:
    """Whether too much braking is required a reaction time later, and not done."""
    if not _time_behind(gap_m, speed, ahead, braking) < limits.time_to_collision_s:
        return False
    late = max(doubted_mps - SURE_MPS, 0.0) / AGILITY_MPS2
    if is_tracked:
        late = max(late, TRACKED_LAG_S)
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
