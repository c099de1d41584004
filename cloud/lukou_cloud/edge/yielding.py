"""Who will give way: the probability that, of two road users who would meet, nobody avoids it in time."""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import Booleans, Floats, Ints, RoadUsers
from lukou_maps.road_model import RightOfWay

YIELDS_SHARE = 0.05
"""Share of drivers who must yield, still can with ease, and yet do not."""

CAREFUL_SHARE = 0.15
"""The same where nobody is told to yield and one of the two still can stop."""

APART_SHARE = 0.03
"""Share of road users who leave their lanes where those have no ground in common, and so run into each other."""

WALKER_SHARE = 0.2
"""Share of walkers and cyclists who step in front of a vehicle although they stand outside the roadway and could stop."""

BESIDE_SHARE = 0.2
"""Share of road users side by side that swerve into each other."""

WALKER_REACTION_S = 0.2
"""Time in which a walker or cyclist who knows of the roadway ahead stops walking on. [s]"""

WALKER_BRAKING_MPS2 = 2.5
"""Braking of walkers and cyclists. [m/s^2]"""

KERB_M = 1.0
"""Cyclists this far beside the roadway stay beside it, however long their braking way. [m]"""

WAITING_MPS = 0.3
EDGE_M = 0.5
"""Walkers slower than the first, at most the second inside the roadway, wait. [m/s, m]"""

LATE_MPS2 = 1.0
"""Who does not brake yet although it is needed counts as if this much more were needed. [m/s^2]"""

STANDING_M = 0.5
"""A vehicle that moves less than this until they meet stands. [m]"""


def nobody_yields(
    users: RoadUsers, h: Hypotheses, predictor: Predictor, first: Ints, second: Ints, sample: Ints, same_way: Booleans
) -> Floats:
    """Probability that those who could still give way do not.

    Parameters
    ----------
    users : RoadUsers
        Road users now.
    h : Hypotheses
        Their hypotheses.
    predictor : Predictor
        Gives lanes and right of way.
    first, second : (n,) int array
        Hypotheses that would meet.
    sample : (n,) int array
        Sample of time at which.
    same_way : (n,) bool array
        Whether they then go the same way.
    """
    share = np.ones(len(first))
    if len(first) == 0:
        return share
    rows = np.concatenate((first, second))
    both = eases(users, h, predictor, rows, np.concatenate((sample, sample)))
    both[h.ignores.take(rows)] = 0.0
    eases_a, eases_b = both[: len(first)], both[len(first) :]
    rule, shares_ground = right_of_way(h, predictor, first, second, sample)
    a_yields = (rule == _A_YIELDS) | (rule == _BOTH_YIELD)
    b_yields = (rule == _B_YIELDS) | (rule == _BOTH_YIELD)
    share *= 1.0 - (1.0 - YIELDS_SHARE) * np.maximum(a_yields * eases_a, b_yields * eases_b)
    weak = users.is_vulnerable
    vulnerable = weak.take(h.user.take(first)) | weak.take(h.user.take(second))
    if not vulnerable.all():
        untold = ~(a_yields | b_yields | vulnerable | h.ignores.take(first) | h.ignores.take(second))
        share[untold] *= 1.0 - (1.0 - CAREFUL_SHARE) * np.maximum(eases_a, eases_b)[untold]
        share[~(shares_ground | vulnerable)] *= APART_SHARE
    # who runs a light neither has right of way nor expects to need it
    share[h.is_running_red.take(first) | h.is_running_red.take(second)] = 1.0
    if vulnerable.any():
        pairs = vulnerable.nonzero()[0]
        a, b = first.take(pairs), second.take(pairs)
        is_first = weak.take(h.user.take(a))
        walkers, others = np.where(is_first, a, b), np.where(is_first, b, a)
        beyond = _beyond_roadway(users, predictor, h.user.take(walkers))
        avoids = _walker_avoids(users, h, beyond, walkers, others, sample.take(pairs))
        share[pairs] = np.minimum(share.take(pairs), avoids)
    if same_way.any():
        rows = np.flatnonzero(same_way)
        a, b, at = first[rows], second[rows], sample[rows]
        # side by side on ways that do not join: they stay beside each other
        beside = _is_beside(users, h, a, b) & ~_joins(h, predictor, a, b, at)
        # one behind the other: the one behind brakes as long as it can
        behind = np.where(_is_behind(h, a, b), eases_a[rows], eases_b[rows])
        share[rows] *= np.where(beside, BESIDE_SHARE, 1.0)
        share[rows] = np.minimum(share[rows], 1.0 - (1.0 - YIELDS_SHARE) * behind)
    return share


def eases(users: RoadUsers, h: Hypotheses, predictor: Predictor, rows: Ints, sample: Ints) -> Floats:
    """Probability that a driver who means to, stops before the place of contact; 1 where it is easy."""
    user = h.user.take(rows)
    speed, acceleration = users.speed_mps.take(user), users.acceleration_mps2.take(user)
    settings = predictor.settings
    way = np.maximum(h.travelled_m[rows, sample] - speed * settings.reaction_s, 0.1)
    needed = speed * speed
    needed /= 2.0 * way
    able = (settings.braking_mps2 + 0.75 - needed - LATE_MPS2 * (acceleration > -0.3 * needed)) / 1.5
    np.minimum(np.maximum(able, 0.0, out=able), 1.0, out=able)
    brakes = (acceleration < -0.6 * needed) & (needed < 1.6 * settings.braking_mps2)
    able[brakes] = np.maximum(able[brakes], 0.9)
    return able


def _beyond_roadway(users: RoadUsers, predictor: Predictor, concerned: Ints) -> Floats:
    """How far walkers and cyclists among some are outside the lanes of vehicles; -inf for all others. [m]"""
    beyond, is_concerned = np.full(len(users), -np.inf), np.zeros(len(users), np.bool_)
    is_concerned[concerned] = True
    weak = np.flatnonzero(users.is_vulnerable & is_concerned)
    beyond[weak] = predictor.beyond_roadway_m(users.x_m[weak], users.y_m[weak])
    return beyond


def _walker_avoids(
    users: RoadUsers, h: Hypotheses, beyond_m: Floats, walkers: Ints, others: Ints, sample: Ints
) -> Floats:
    """Probability that a walker or cyclist does not see to it that nothing happens.

    Nobody walks into what stands; who waits at the edge of the roadway goes on waiting; and who is not on the roadway yet, and can still stop, does not step out.
    """
    walker, other = h.user[walkers], h.user[others]
    is_walker = users.is_vulnerable[walker] & ~users.is_vulnerable[other]
    speed = users.speed_mps[walker]
    stands = (h.travelled_m[others, sample] < STANDING_M) | ((speed < WAITING_MPS) & (beyond_m[walker] > -EDGE_M))
    way = speed * WALKER_REACTION_S + speed**2 / (2.0 * WALKER_BRAKING_MPS2)
    outside = np.minimum(way, KERB_M) < beyond_m[walker]
    careful = outside & (way < h.travelled_m[walkers, sample])
    return np.where(is_walker & stands, YIELDS_SHARE, np.where(is_walker & careful, WALKER_SHARE, 1.0))


def _is_behind(h: Hypotheses, first: Ints, second: Ints) -> Booleans:
    """Whether the first is behind the second now, seen in its own direction."""
    dx, dy = h.x_m[second, 0] - h.x_m[first, 0], h.y_m[second, 0] - h.y_m[first, 0]
    return np.asarray(dx * h.cos[first, 0] + dy * h.sin[first, 0] > 0)


def _is_beside(users: RoadUsers, h: Hypotheses, first: Ints, second: Ints) -> Booleans:
    """Whether two road users are next to each other now: the lateral gap is open, seen in the direction of the first."""
    dx, dy = h.x_m[second, 0] - h.x_m[first, 0], h.y_m[second, 0] - h.y_m[first, 0]
    aside = np.abs(dy * h.cos[first, 0] - dx * h.sin[first, 0])
    return np.asarray(aside > 0.5 * (users.width_m[h.user[first]] + users.width_m[h.user[second]]))


def _lanes_of_both(h: Hypotheses, predictor: Predictor, first: Ints, second: Ints, sample: Ints) -> tuple[Ints, Ints]:
    """Lanes that hypotheses on paths are on at a sample of time."""
    rows, at = np.concatenate((first, second)), np.concatenate((sample, sample))
    lane = predictor.ways.lane_at(h.path.take(rows), h.s_m.take(rows) + h.travelled_m[rows, at])
    return lane[: len(first)], lane[len(first) :]


def _joins(h: Hypotheses, predictor: Predictor, first: Ints, second: Ints, sample: Ints) -> Booleans:
    """Whether both are on one lane where they meet."""
    result = np.zeros(len(first), np.bool_)
    on = ((h.path[first] >= 0) & (h.path[second] >= 0)).nonzero()[0]
    lane_a, lane_b = _lanes_of_both(h, predictor, first[on], second[on], sample[on])
    result[on] = lane_a == lane_b
    return result


def right_of_way(h: Hypotheses, predictor: Predictor, first: Ints, second: Ints, sample: Ints) -> tuple[Ints, Booleans]:
    """Who gives way where two hypotheses meet.

    Returns
    -------
    rule : (n,) int array
        `RightOfWay` seen from `first` as a; UNKNOWN where the map tells none.
    shares_ground : (n,) bool array
        False where both follow lanes that have no ground in common.
    """
    rule, ground = np.full(len(first), _UNKNOWN, np.int64), np.ones(len(first), np.bool_)
    on = ((h.path.take(first) >= 0) & (h.path.take(second) >= 0)).nonzero()[0]
    if len(on) == 0 or len(predictor.area_keys) == 0:
        return rule, ground
    at = sample[on]
    lane_a, lane_b = _lanes_of_both(h, predictor, first[on], second[on], at)
    wanted = np.minimum(lane_a, lane_b) * len(predictor.model.lanes) + np.maximum(lane_a, lane_b)
    place = np.minimum(predictor.area_keys.searchsorted(wanted), len(predictor.area_keys) - 1)
    found = predictor.area_keys.take(place) == wanted
    told = np.where(found, predictor.area_rules.take(place), _UNKNOWN)
    rule[on] = np.where(lane_a <= lane_b, told, _SEEN_FROM_B.take(told))
    ground[on] = found | (lane_a == lane_b)
    return rule, ground


_UNKNOWN, _BOTH_YIELD = int(RightOfWay.UNKNOWN), int(RightOfWay.BOTH_YIELD)
_A_YIELDS, _B_YIELDS = int(RightOfWay.A_YIELDS), int(RightOfWay.B_YIELDS)
_SEEN_FROM_B = np.arange(len(RightOfWay))
_SEEN_FROM_B[[_A_YIELDS, _B_YIELDS]] = [_B_YIELDS, _A_YIELDS]
