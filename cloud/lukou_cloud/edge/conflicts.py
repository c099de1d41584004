"""Who would meet whom: footprints of hypotheses over time with their uncertainty, for pairs that can meet at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import PEDESTRIAN, Booleans, Floats, Ints, RoadUsers
from lukou_cloud.edge.settings import WarningSettings
from lukou_cloud.edge.yielding import nobody_yields
from lukou_maps.ragged import spread

STANDING_MPS = 0.5
"""Two road users that both stand do not run into each other. [m/s]"""

SAME_WAY_COS = 0.87
"""Headings that differ by less than 30 degrees: one runs into the back of the other."""

SLOW_CONTACT_MPS = 1.5
"""Contacts at which nobody is faster are no danger to life. [m/s]"""

EVADED_M = 0.4
"""By so much drivers steer around people who stand at the edge of their way. [m]"""

ACROSS_M = 0.15
"""Standard deviation of where drivers and walkers keep themselves across their way. [m]"""

SPREAD = 0.08
"""Standard deviation of the distance travelled, as a share of it: nobody keeps a speed exactly."""

CHANGE_SPREAD = 0.35
"""The same as a share of what predicted braking and accelerating changes."""

SURE_STOP_MPS = 2.0
"""Below this speed the place where somebody will stop is known better and better. [m/s]"""

ADJUSTED_POWER = 0.5
"""Where two ways only just meet, a little more or less speed of one driver avoids it unnoticed: the chance to meet counts with this power more."""

LEAST_CHANCE = 0.1
"""Less probable contacts are left out."""


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
        Of both paths being taken, if nobody gives way.
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
    h = hypotheses
    first, second = _pairs(users, h)
    if len(first) == 0:
        none, zero = np.zeros(0, np.int64), np.zeros(0)
        return Contacts(none, none, none, zero, zero, np.zeros(0, np.bool_))
    depth = _depth(users, h, first, second, predictor.times_s, settings)
    best = depth.max(axis=1)
    sample = (depth >= np.minimum(best, 0.0)[:, None]).argmax(axis=1)
    chance = _normal(best)
    kept = (chance > LEAST_CHANCE) & (depth[:, 0] < 0.0)
    first, second, sample, chance = first[kept], second[kept], sample[kept], chance[kept]
    speed = np.maximum(
        _hurting_speed(users, h, first, sample, predictor), _hurting_speed(users, h, second, sample, predictor)
    )
    kept = speed > SLOW_CONTACT_MPS
    first, second, sample, chance = first[kept], second[kept], sample[kept], chance[kept]
    along = h.cos[first, sample] * h.cos[second, sample] + h.sin[first, sample] * h.sin[second, sample]
    same_way = along > SAME_WAY_COS
    probability = h.probability[first] * h.probability[second] * chance
    taken = probability / np.maximum(h.intention[first] * h.intention[second], 1e-3)
    probability = probability * nobody_yields(users, h, predictor, first, second, sample, same_way)
    weak = users.is_vulnerable
    driven = ~weak[h.user[first]] & ~weak[h.user[second]] & ~same_way
    probability = np.where(driven, probability * taken**ADJUSTED_POWER, probability)
    return Contacts(first, second, sample, probability, taken, same_way)


def _normal(z: Floats) -> Floats:
    """Cumulative normal distribution to 1.4e-4 (S. Bowling and others, "A logistic approximation", 2009, eq. 3)."""
    z = np.minimum(np.maximum(z, -8.0), 8.0)
    return np.asarray(1.0 / (1.0 + np.exp(-0.07056 * z**3 - 1.5976 * z)))


def _hurting_speed(users: RoadUsers, h: Hypotheses, rows: Ints, sample: Ints, predictor: Predictor) -> Floats:
    """Speed of a vehicle at the contact; a walker's own speed hurts nobody."""
    before, after = np.maximum(sample - 1, 0), np.minimum(sample + 1, h.travelled_m.shape[1] - 1)
    speed = (h.travelled_m[rows, after] - h.travelled_m[rows, before]) / (predictor.settings.step_s * (after - before))
    return np.where(users.object_class[h.user[rows]] == PEDESTRIAN, 0.0, speed)


def _pairs(users: RoadUsers, h: Hypotheses) -> tuple[Ints, Ints]:
    """Pairs of hypotheses of different road users whose motions come near each other at some time."""
    radius = (0.5 * np.hypot(users.length_m, users.width_m) + 0.2 * users.speed_mps + 0.5)[h.user]
    west, east = h.x_m.min(axis=1) - radius, h.x_m.max(axis=1) + radius
    south, north = h.y_m.min(axis=1) - radius, h.y_m.max(axis=1) + radius
    start = np.searchsorted(h.user, np.arange(len(users)))
    if len(h.user) > 2 * len(users) or len(users) > 60:
        # boxes of whole road users first: cheaper than all hypotheses against each other
        a, b = _meeting(
            np.minimum.reduceat(west, start),
            np.maximum.reduceat(east, start),
            np.minimum.reduceat(south, start),
            np.maximum.reduceat(north, start),
        )
        a, b = _eligible(users, a, b)
        count = np.diff(np.append(start, len(h.user)))
        first, second = _product(start, count, a, b)
        boxes = (west[first] < east[second]) & (west[second] < east[first])
        boxes &= (south[first] < north[second]) & (south[second] < north[first])
        first, second = first[boxes], second[boxes]
    else:
        first, second = _meeting(west, east, south, north)
        apart = h.user[first] != h.user[second]
        first, second = first[apart], second[apart]
        first, second = _eligible(users, first, second, h.user)
    led = (h.leader[first] == h.user[second]) | (h.leader[second] == h.user[first])
    first, second = first[~led], second[~led]
    dx, dy = h.x_m[second] - h.x_m[first], h.y_m[second] - h.y_m[first]
    near = (dx * dx + dy * dy).min(axis=1) < (radius[first] + radius[second]) ** 2
    return first[near], second[near]


def _meeting(west: Floats, east: Floats, south: Floats, north: Floats) -> tuple[Ints, Ints]:
    """Pairs of boxes that overlap, the lower row first."""
    meets = west[:, None] < east[None, :]
    meets &= meets.T
    across = south[:, None] < north[None, :]
    meets &= across
    meets &= across.T
    first, second = np.nonzero(meets)
    kept = first < second
    return first[kept], second[kept]


def _eligible(users: RoadUsers, first: Ints, second: Ints, user: Ints | None = None) -> tuple[Ints, Ints]:
    """Pairs that matter: both trusted, one moves, one is a vehicle."""
    a, b = (first, second) if user is None else (user[first], user[second])
    moves, weak = users.speed_mps > STANDING_MPS, users.is_vulnerable
    kept = users.is_trusted[a] & users.is_trusted[b] & (moves[a] | moves[b]) & ~(weak[a] & weak[b])
    return first[kept], second[kept]


def _product(start: Ints, count: Ints, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """All hypotheses of a with all of b, for many pairs of road users."""
    total = count[a] * count[b]
    pair = np.repeat(np.arange(len(a)), total)
    number = spread(np.zeros(len(a), np.int64), total)
    wide = count[b][pair]
    return start[a][pair] + number // wide, start[b][pair] + number % wide


def _depth(
    users: RoadUsers, h: Hypotheses, first: Ints, second: Ints, times_s: Floats, settings: WarningSettings
) -> Floats:
    """How surely the footprints overlap at each sample of time, in standard deviations, (n, t).

    On each separating axis of the two rectangles (S. Gottschalk, M. Lin, D. Manocha, "OBBTree", 1996) the overlap is
    compared with the deviation of the distance along that axis; the axis that separates best decides.
    """
    half_length, half_width = _half_sizes(users, settings)
    along2, across2 = _variances(users, h, times_s)
    a, b = h.user[first], h.user[second]
    dx, dy = h.x_m[second] - h.x_m[first], h.y_m[second] - h.y_m[first]
    cos_a, sin_a, cos_b, sin_b = h.cos[first], h.sin[first], h.cos[second], h.sin[second]
    cos, sin = np.abs(cos_a * cos_b + sin_a * sin_b), np.abs(cos_a * sin_b - sin_a * cos_b)
    cos2 = cos * cos
    sin2 = 1.0 - cos2
    la, wa, lb, wb = (column[:, None] for column in (half_length[a], half_width[a], half_length[b], half_width[b]))
    sa, sb, da, db = along2[first], along2[second], across2[a][:, None], across2[b][:, None]
    vb, va = sb - db, sa - da
    depth = (la + lb * cos + wb * sin - np.abs(dx * cos_a + dy * sin_a)) / np.sqrt(sa + db + vb * cos2)
    for axis in (
        (wa + lb * sin + wb * cos - np.abs(dy * cos_a - dx * sin_a)) / np.sqrt(da + db + vb * sin2),
        (lb + la * cos + wa * sin - np.abs(dx * cos_b + dy * sin_b)) / np.sqrt(sb + da + va * cos2),
        (wb + la * sin + wa * cos - np.abs(dy * cos_b - dx * sin_b)) / np.sqrt(db + da + va * sin2),
    ):
        np.minimum(depth, axis, out=depth)
    return np.asarray(depth)


def _half_sizes(users: RoadUsers, settings: WarningSettings) -> tuple[Floats, Floats]:
    half_length = users.length_m * 0.5 + settings.side_margin_m * 0.5
    half_width = users.width_m * 0.5 + settings.side_margin_m * 0.5
    # drivers pass people on refuges closely: only who stands well in the way counts
    waits = users.is_vulnerable & (users.speed_mps < STANDING_MPS)
    return np.where(waits, -EVADED_M, half_length), np.where(waits, -EVADED_M, half_width)


def _variances(users: RoadUsers, h: Hypotheses, times_s: Floats) -> tuple[Floats, Floats]:
    """Variance along the way of each hypothesis over time, and across the way of each road user. [m^2]"""
    position2 = users.deviation_m**2
    changed = h.travelled_m - users.speed_mps[h.user][:, None] * times_s
    rate = np.minimum(users.speed_deviation_mps, 1.0)[h.user][:, None] * times_s
    # who is expected to stand somewhere stands there or before
    pace = np.diff(h.travelled_m, axis=1, prepend=0.0) * (1.0 / (times_s[1] * SURE_STOP_MPS))
    moving = np.minimum(pace, 1.0)
    along2 = (
        position2[h.user][:, None]
        + 0.02
        + moving * ((SPREAD * h.travelled_m) ** 2 + (CHANGE_SPREAD * changed) ** 2 + rate * rate)
    )
    return along2, position2 + ACROSS_M**2
