"""Who would meet whom: footprints of hypotheses over time, for pairs that can meet at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_cloud.edge.measures import overlaps
from lukou_cloud.edge.prediction import Hypotheses, Predictor, can_stop
from lukou_cloud.edge.road_users import PEDESTRIAN, Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import WarningSettings
from lukou_maps.road_model import RightOfWay

STANDING_MPS = 0.5
"""Two road users that both stand do not run into each other. [m/s]"""

SAME_WAY_COS = 0.87
"""Headings that differ by less than 30 degrees: one runs into the back of the other."""

YIELDS_SHARE = 0.05
"""Share of drivers who must yield, still can, and yet do not."""

CAREFUL_SHARE = 0.4
"""The same where nobody is told to yield, or a walker is in the way, and one of the two still can stop."""


WALKER_SHARE = 0.2
"""Share of walkers and cyclists who step in front of a vehicle although they stand outside the roadway and could stop."""

BESIDE_SHARE = 0.2
"""Share of road users side by side that swerve into each other."""

SLOW_CONTACT_MPS = 1.5
"""Contacts at which nobody is faster are no danger to life. [m/s]"""

WALKER_REACTION_S = 0.2
"""Time in which a walker or cyclist who knows of the roadway ahead stops walking on. [s]"""

WALKER_BRAKING_MPS2 = 2.5
"""Braking of walkers and cyclists. [m/s^2]"""

KERB_M = 1.0
"""Cyclists this far beside the roadway stay beside it, however long their braking way. [m]"""

EVADED_M = 0.4
"""By so much drivers steer around people who stand at the edge of their way. [m]"""

STANDING_M = 0.5
"""A vehicle that moves less than this until they meet stands. [m]"""


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Contacts that are expected between hypotheses.

    Attributes
    ----------
    first, second : (n,) int array
        Rows of the hypotheses.
    sample : (n,) int array
        Sample of time of the first contact.
    probability : (n,) float array
        Of both paths being taken and nobody yielding.
    path_probability : (n,) float array
        Of both paths being taken.
    same_way : (n,) bool array
        Whether they go the same way when they meet.
    """

    first: Ints
    second: Ints
    sample: Ints
    probability: Floats
    path_probability: Floats
    same_way: Booleans


def contacts(users: RoadUsers, hypotheses: Hypotheses, predictor: Predictor, settings: WarningSettings) -> Contacts:
    """All contacts between hypotheses of different road users within the horizon.

    Parameters
    ----------
    users : RoadUsers
        Road users now.
    hypotheses : Hypotheses
        Their hypotheses.
    predictor : Predictor
        Gives lanes and right of way.
    settings : WarningSettings
        Margins.
    """
    first, second = _pairs(users, hypotheses)
    first, second = _near(users, hypotheses, first, second)
    hit = _touching(users, hypotheses, predictor, first, second, settings)
    sample = hit.argmax(axis=1)
    kept = hit.any(axis=1) & ~hit[:, 0] if hit.size else np.zeros(len(first), np.bool_)
    speed = np.gradient(hypotheses.travelled_m, predictor.settings.step_s, axis=1)
    on_foot = users.object_class[hypotheses.user] == PEDESTRIAN
    speed = np.where(on_foot[:, None], 0.0, speed)  # it is the vehicle's speed that hurts a walker
    kept &= np.maximum(speed[first, sample], speed[second, sample]) > SLOW_CONTACT_MPS
    first, second, sample = first[kept], second[kept], sample[kept]
    cos = hypotheses.cos[first, sample] * hypotheses.cos[second, sample]
    cos = cos + hypotheses.sin[first, sample] * hypotheses.sin[second, sample]
    same_way = cos > SAME_WAY_COS
    taken = hypotheses.probability[first] * hypotheses.probability[second]
    probability = taken * _nobody_yields(users, hypotheses, predictor, first, second, sample, same_way)
    return Contacts(first, second, sample, probability, taken, same_way)


def _pairs(users: RoadUsers, hypotheses: Hypotheses) -> tuple[Ints, Ints]:
    """Hypotheses of road users that come near enough to each other, one way round."""
    a, b = np.triu_indices(len(users), 1)
    reach = np.zeros(len(users))
    np.maximum.at(reach, hypotheses.user, hypotheses.travelled_m[:, -1])
    reach = reach + users.length_m / 2.0 + 1.0
    near = (users.x_m[a] - users.x_m[b]) ** 2 + (users.y_m[a] - users.y_m[b]) ** 2 < (reach[a] + reach[b]) ** 2
    near &= (users.speed_mps[a] > STANDING_MPS) | (users.speed_mps[b] > STANDING_MPS)
    near &= users.is_trusted[a] & users.is_trusted[b]
    near &= ~(users.is_vulnerable[a] & users.is_vulnerable[b])
    a, b = a[near], b[near]
    begin = np.searchsorted(hypotheses.user, np.arange(len(users) + 1))
    count = np.diff(begin)
    total = count[a] * count[b]
    pair = np.repeat(np.arange(len(a)), total)
    number = np.arange(int(total.sum())) - np.repeat(np.cumsum(total) - total, total)
    wide = count[b[pair]]
    return begin[a[pair]] + number // wide, begin[b[pair]] + number % wide


def _near(users: RoadUsers, hypotheses: Hypotheses, first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """Pairs whose circles touch at some time and which are not leader and follower of one stream."""
    led = (hypotheses.leader[first] == hypotheses.user[second]) | (hypotheses.leader[second] == hypotheses.user[first])
    first, second = first[~led], second[~led]
    radius = 0.5 * np.hypot(users.length_m, users.width_m) + 0.2 * users.speed_mps + 0.5
    limit = (radius[hypotheses.user[first]] + radius[hypotheses.user[second]]) ** 2
    # boxes around the whole motions first: cheap, and most pairs end here
    low_x, high_x = hypotheses.x_m.min(axis=1), hypotheses.x_m.max(axis=1)
    low_y, high_y = hypotheses.y_m.min(axis=1), hypotheses.y_m.max(axis=1)
    margin = np.sqrt(limit)
    boxes = (low_x[first] - margin < high_x[second]) & (low_x[second] - margin < high_x[first])
    boxes &= (low_y[first] - margin < high_y[second]) & (low_y[second] - margin < high_y[first])
    first, second, limit = first[boxes], second[boxes], limit[boxes]
    dx = hypotheses.x_m[second] - hypotheses.x_m[first]
    dy = hypotheses.y_m[second] - hypotheses.y_m[first]
    near = (dx * dx + dy * dy < limit[:, None]).any(axis=1)
    return first[near], second[near]


def _touching(
    users: RoadUsers,
    hypotheses: Hypotheses,
    predictor: Predictor,
    first: Ints,
    second: Ints,
    settings: WarningSettings,
) -> Booleans:
    """Whether the footprints, widened by the margins, overlap at each sample of time, (n, t)."""
    h = hypotheses
    a, b = h.user[first], h.user[second]
    step_s = predictor.settings.step_s
    speed = np.gradient(h.travelled_m, step_s, axis=1)  # then, not now: who has stopped at the line reaches no further
    half_length = users.length_m[h.user, None] / 2.0 + 0.5 * settings.time_margin_s * speed
    half_width = users.width_m / 2.0 + settings.side_margin_m / 2.0
    waits = users.is_vulnerable & (users.speed_mps < STANDING_MPS)
    # drivers pass people on refuges closely: only who stands well in the way counts
    half_width = np.where(waits, -EVADED_M, half_width)
    half_length = np.where(waits[h.user, None], -EVADED_M, half_length)
    return overlaps(
        h.x_m[second] - h.x_m[first],
        h.y_m[second] - h.y_m[first],
        h.cos[first],
        h.sin[first],
        h.cos[second],
        h.sin[second],
        half_length[first],
        half_width[a, None],
        half_length[second],
        half_width[b, None],
    )


def _nobody_yields(
    users: RoadUsers,
    hypotheses: Hypotheses,
    predictor: Predictor,
    first: Ints,
    second: Ints,
    sample: Ints,
    same_way: Booleans,
) -> Floats:
    """Probability that those who could still give way do not."""
    h = hypotheses
    stops_a = _can_stop(users, h, predictor, first, sample)
    stops_b = _can_stop(users, h, predictor, second, sample)
    rule = _right_of_way(h, predictor, first, second, sample)
    a_yields = np.isin(rule, (RightOfWay.A_YIELDS, RightOfWay.BOTH_YIELD))
    b_yields = np.isin(rule, (RightOfWay.B_YIELDS, RightOfWay.BOTH_YIELD))
    share = np.ones(len(first))
    share[(a_yields & stops_a) | (b_yields & stops_b)] = YIELDS_SHARE
    vulnerable = users.is_vulnerable[h.user[first]] | users.is_vulnerable[h.user[second]]
    untold = ~a_yields & ~b_yields & ~vulnerable
    share[untold & (stops_a | stops_b)] = CAREFUL_SHARE
    share[_walker_avoids(users, h, predictor, first, second, sample)] = WALKER_SHARE
    share[_walker_avoids(users, h, predictor, second, first, sample)] = WALKER_SHARE
    # who runs a light neither has right of way nor expects to need it
    share[h.is_running_red[first] | h.is_running_red[second]] = 1.0
    # side by side on ways that do not join: they stay beside each other
    beside = same_way & _is_beside(users, h, first, second) & ~_joins(h, predictor, first, second, sample)
    share[beside] *= BESIDE_SHARE
    # one behind the other: the one behind brakes as long as it can
    behind_a = _is_behind(h, first, second)
    share[same_way & np.where(behind_a, stops_a, stops_b)] = YIELDS_SHARE
    return share


def _walker_avoids(
    users: RoadUsers, h: Hypotheses, predictor: Predictor, walkers: Ints, others: Ints, sample: Ints
) -> Booleans:
    """Whether a walker or cyclist will see to it that nothing happens.

    Nobody walks into what stands; and who is not on the roadway yet, and can still stop, does not step out.
    """
    walker, other = h.user[walkers], h.user[others]
    is_walker = users.is_vulnerable[walker] & ~users.is_vulnerable[other]
    stands = h.travelled_m[others, sample] < STANDING_M
    speed = users.speed_mps[walker]
    way = speed * WALKER_REACTION_S + speed**2 / (2.0 * WALKER_BRAKING_MPS2)
    outside = np.minimum(way, KERB_M) < predictor.beyond_roadway_m(users)[walker]
    return np.asarray(is_walker & (stands | (outside & (way < h.travelled_m[walkers, sample]))))


def _can_stop(users: RoadUsers, h: Hypotheses, predictor: Predictor, rows: Ints, sample: Ints) -> Booleans:
    user = h.user[rows]
    return can_stop(
        users.speed_mps[user],
        users.acceleration_mps2[user],
        h.travelled_m[rows, sample],
        predictor.settings.reaction_s,
        predictor.settings.braking_mps2,
    )


def _is_behind(h: Hypotheses, first: Ints, second: Ints) -> Booleans:
    """Whether the first is behind the second now, seen in its own direction."""
    dx, dy = h.x_m[second, 0] - h.x_m[first, 0], h.y_m[second, 0] - h.y_m[first, 0]
    return np.asarray(dx * h.cos[first, 0] + dy * h.sin[first, 0] > 0)


def _is_beside(users: RoadUsers, h: Hypotheses, first: Ints, second: Ints) -> Booleans:
    """Whether two road users are next to each other now: the lateral gap is open, seen in the direction of the first."""
    dx, dy = h.x_m[second, 0] - h.x_m[first, 0], h.y_m[second, 0] - h.y_m[first, 0]
    aside = np.abs(dy * h.cos[first, 0] - dx * h.sin[first, 0])
    return np.asarray(aside > 0.5 * (users.width_m[h.user[first]] + users.width_m[h.user[second]]))


def _joins(h: Hypotheses, predictor: Predictor, first: Ints, second: Ints, sample: Ints) -> Booleans:
    """Whether both are on one lane where they meet."""
    result = np.zeros(len(first), np.bool_)
    on = np.flatnonzero((h.path[first] >= 0) & (h.path[second] >= 0))
    table = predictor.catalogue.table
    lane_a = table.lane_at(h.path[first[on]], h.s_m[first[on]] + h.travelled_m[first[on], sample[on]])
    lane_b = table.lane_at(h.path[second[on]], h.s_m[second[on]] + h.travelled_m[second[on], sample[on]])
    result[on] = lane_a == lane_b
    return result


def _right_of_way(h: Hypotheses, predictor: Predictor, first: Ints, second: Ints, sample: Ints) -> Ints:
    """Rule of the conflict area where they meet, seen from `first` as a; UNKNOWN where there is none."""
    areas, lanes = predictor.model.conflict_areas, len(predictor.model.lanes)
    rule = np.full(len(first), int(RightOfWay.UNKNOWN), np.int64)
    on = np.flatnonzero((h.path[first] >= 0) & (h.path[second] >= 0))
    if len(on) == 0 or len(areas) == 0:
        return rule
    table = predictor.catalogue.table
    lane_a = table.lane_at(h.path[first[on]], h.s_m[first[on]] + h.travelled_m[first[on], sample[on]])
    lane_b = table.lane_at(h.path[second[on]], h.s_m[second[on]] + h.travelled_m[second[on], sample[on]])
    keys = areas.lane_a * lanes + areas.lane_b  # ascending, see conflict_areas
    wanted = np.minimum(lane_a, lane_b) * lanes + np.maximum(lane_a, lane_b)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found = keys[place] == wanted
    told = np.where(found, areas.right_of_way[place], int(RightOfWay.UNKNOWN))
    swapped = np.select(
        [told == RightOfWay.A_YIELDS, told == RightOfWay.B_YIELDS],
        [int(RightOfWay.B_YIELDS), int(RightOfWay.A_YIELDS)],
        told,
    )
    rule[on] = np.where(lane_a <= lane_b, told, swapped)
    return rule
