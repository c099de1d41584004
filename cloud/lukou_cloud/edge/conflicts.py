"""Who would meet whom: footprints of hypotheses over time with their uncertainty, for pairs that can meet at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lukou_cloud.edge.crossing import crossing_probability
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

LEAST_DEPTH = -1.2816
"""Contacts less probable than one in ten are left out. [standard deviations]"""


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


def contacts(
    users: RoadUsers, hypotheses: Hypotheses, predictor: Predictor, settings: WarningSettings, braked: Booleans
) -> Contacts:
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
    braked : (u,) bool array
        Who braked in an emergency just now.
    """
    h = hypotheses
    first, second, apart = _pairs(users, h)
    if len(first) == 0:
        return _nobody()
    depth = _depth(users, h, first, second, apart, predictor.times_s, settings)
    best = depth.max(axis=1)
    kept = ((best > LEAST_DEPTH) & (depth[:, 0] < 0.0)).nonzero()[0]
    if len(kept) == 0:
        return _nobody()
    depth, best = depth.take(kept, axis=0), best.take(kept)
    first, second = first.take(kept), second.take(kept)
    sample = (depth >= np.minimum(best, 0.0)[:, None]).argmax(axis=1)
    fast = (_hurting_speed(users, h, first, second, sample, predictor) > SLOW_CONTACT_MPS).nonzero()[0]
    first, second, sample, chance = first.take(fast), second.take(fast), sample.take(fast), _normal(best.take(fast))
    ways = h.poses[2:].reshape(2, -1)
    width = h.poses.shape[2]
    along = ways.take(first * width + sample, axis=1)
    along *= ways.take(second * width + sample, axis=1)
    same_way = along[0] + along[1] > SAME_WAY_COS
    probability = h.probability.take(first) * h.probability.take(second) * chance
    taken = probability / np.maximum(h.intention.take(first) * h.intention.take(second), 1e-3)
    weak = users.is_vulnerable
    crosses = ~(weak.take(h.user.take(first)) | weak.take(h.user.take(second)) | same_way)
    some = crosses.nonzero()[0]
    if len(some):
        rows = (first.take(some), second.take(some), sample.take(some))
        probability[some] = crossing_probability(users, h, predictor, *rows, taken.take(some), braked)
    some = (~crosses).nonzero()[0]
    if len(some):
        rows = (first.take(some), second.take(some), sample.take(some))
        probability[some] *= nobody_yields(users, h, predictor, *rows, same_way.take(some))
    return Contacts(first, second, sample, probability, taken, same_way)


def _nobody() -> Contacts:
    none, zero = np.zeros(0, np.int64), np.zeros(0)
    return Contacts(none, none, none, zero, zero, np.zeros(0, np.bool_))


def _normal(z: Floats) -> Floats:
    """Cumulative normal distribution to 1.4e-4 (S. Bowling and others, "A logistic approximation", 2009, eq. 3)."""
    z = np.minimum(np.maximum(z, -8.0), 8.0)
    return np.asarray(1.0 / (1.0 + np.exp(-0.07056 * z**3 - 1.5976 * z)))


def _hurting_speed(
    users: RoadUsers, h: Hypotheses, first: Ints, second: Ints, sample: Ints, predictor: Predictor
) -> Floats:
    """Speed of the faster vehicle at the contact; a walker's own speed hurts nobody."""
    rows = np.concatenate([first, second])
    at = np.concatenate([sample, sample])
    before, after = np.maximum(at - 1, 0), np.minimum(at + 1, h.travelled_m.shape[1] - 1)
    speed = h.travelled_m[rows, after] - h.travelled_m[rows, before]
    speed /= predictor.settings.step_s * (after - before)
    speed[users.object_class[h.user[rows]] == PEDESTRIAN] = 0.0
    return np.asarray(np.maximum(speed[: len(first)], speed[len(first) :]))


def _pairs(users: RoadUsers, h: Hypotheses) -> tuple[Ints, Ints, Floats]:
    """Pairs of hypotheses of different road users whose motions come near each other at some time; (2, n, t) what lies between."""
    radius = (0.5 * np.hypot(users.length_m, users.width_m) + 0.2 * users.speed_mps + 0.5).take(h.user)
    west, south = np.minimum.reduce(h.poses[:2], axis=2) - radius
    east, north = np.maximum.reduce(h.poses[:2], axis=2) + radius
    if len(h.user) > 2 * len(users) or len(users) > 60:
        # boxes of whole road users first: cheaper than all hypotheses against each other
        start = h.first
        a, b = _meeting(
            np.minimum.reduceat(west, start),
            np.maximum.reduceat(east, start),
            np.minimum.reduceat(south, start),
            np.maximum.reduceat(north, start),
        )
        a, b = _eligible(users, a, b)
        count = np.diff(start, append=len(h.user))
        first, second = _product(start, count, a, b)
        boxes = (west[first] < east[second]) & (west[second] < east[first])
        boxes &= (south[first] < north[second]) & (south[second] < north[first])
        first, second = first[boxes], second[boxes]
    else:
        first, second = _meeting(west, east, south, north)
        apart = (h.user.take(first) != h.user.take(second)).nonzero()[0]
        first, second = first.take(apart), second.take(apart)
        first, second = _eligible(users, first, second, h.user)
    led = (h.leader.take(first) == h.user.take(second)) | (h.leader.take(second) == h.user.take(first))
    free = (~led).nonzero()[0]
    first, second = first.take(free), second.take(free)
    places = h.poses[:2]
    between = places.take(second, axis=1)
    between -= places.take(first, axis=1)
    squared = between[0] * between[0]
    squared += between[1] * between[1]
    reach = radius.take(first) + radius.take(second)
    reach *= reach
    near = (squared.min(axis=1) < reach).nonzero()[0]
    return first.take(near), second.take(near), between.take(near, axis=1)


def _meeting(west: Floats, east: Floats, south: Floats, north: Floats) -> tuple[Ints, Ints]:
    """Pairs of boxes that overlap, the lower row first."""
    meets = west[:, None] < east[None, :]
    meets &= meets.T
    across = south[:, None] < north[None, :]
    meets &= across
    meets &= across.T
    cell = meets.ravel().nonzero()[0]
    first = cell // len(west)
    second = cell - first * len(west)
    kept = (first < second).nonzero()[0]
    return first.take(kept), second.take(kept)


def _eligible(users: RoadUsers, first: Ints, second: Ints, user: Ints | None = None) -> tuple[Ints, Ints]:
    """Pairs that matter: both trusted, one moves, one is a vehicle."""
    a, b = (first, second) if user is None else (user.take(first), user.take(second))
    moves, weak = users.speed_mps > STANDING_MPS, users.is_vulnerable
    trusted = users.is_trusted
    kept = moves.take(a) | moves.take(b)
    kept &= ~(weak.take(a) & weak.take(b))
    kept &= trusted.take(a) & trusted.take(b)
    rows = kept.nonzero()[0]
    return first.take(rows), second.take(rows)


def _product(start: Ints, count: Ints, a: Ints, b: Ints) -> tuple[Ints, Ints]:
    """All hypotheses of a with all of b, for many pairs of road users."""
    total = count[a] * count[b]
    pair = np.repeat(np.arange(len(a)), total)
    number = spread(np.zeros(len(a), np.int64), total)
    wide = count[b][pair]
    return start[a][pair] + number // wide, start[b][pair] + number % wide


def _depth(
    users: RoadUsers,
    h: Hypotheses,
    first: Ints,
    second: Ints,
    between_m: Floats,
    times_s: Floats,
    settings: WarningSettings,
) -> Floats:
    """How surely the footprints overlap at each sample of time, in standard deviations, (n, t).

    On each separating axis of the two rectangles (S. Gottschalk, M. Lin, D. Manocha, "OBBTree", 1996) the overlap is
    compared with the deviation of the distance along that axis; the axis that separates best decides.
    """
    half = _half_sizes(users, settings)
    along2, across2 = _variances(users, h, times_s)
    a, b = h.user.take(first), h.user.take(second)
    ways_a, ways_b = h.poses[2:].take(first, axis=1), h.poses[2:].take(second, axis=1)
    turned = np.empty_like(between_m)  # cosine and sine of the angle between them
    np.multiply(ways_a[0], ways_b[0], out=turned[0])
    np.multiply(ways_a[1], ways_b[1], out=turned[1])
    turned[0] += turned[1]
    squared = turned * turned
    np.subtract(1.0, squared[0], out=squared[1])
    np.maximum(squared[1], 0.0, out=squared[1])
    np.abs(turned[0], out=turned[0])
    np.sqrt(squared[1], out=turned[1])
    half_a, half_b = half.take(a, axis=1)[:, :, None], half.take(b, axis=1)[:, :, None]
    da, db = across2.take(a)[:, None], across2.take(b)[:, None]
    sa, sb = along2.take(first, axis=0), along2.take(second, axis=0)
    across = np.array((between_m[1], -between_m[0]))
    both = da + db
    depth_a = _depth_of_side(half_a, half_b, ways_a, between_m, across, turned, squared, (sa + db, both, sb - db))
    depth_b = _depth_of_side(half_b, half_a, ways_b, between_m, across, turned, squared, (sb + da, both, sa - da))
    return np.asarray(np.minimum(depth_a, depth_b, out=depth_a))


def _depth_of_side(
    half: Floats,
    other_half: Floats,
    way: Floats,
    between_m: Floats,
    across_m: Floats,
    turned: Floats,
    squared: Floats,
    variances: tuple[Floats, Floats, Floats],
) -> Floats:
    """The same on the two axes of one rectangle: half sizes, direction, and the variance along and across its way, and the other's excess."""
    along2, both2, excess2 = variances
    gap = between_m * way[0]
    gap += across_m * way[1]
    reach = other_half[0] * turned
    reach += other_half[1] * turned[::-1]
    reach += half
    reach -= np.abs(gap, out=gap)
    variance = np.multiply(squared, excess2, out=gap)
    variance[0] += along2
    variance[1] += both2
    reach /= np.sqrt(variance, out=variance)
    return np.asarray(np.minimum(reach[0], reach[1], out=reach[0]))


def _half_sizes(users: RoadUsers, settings: WarningSettings) -> Floats:
    """Half of length and width with the margin, (2, u). [m]"""
    half = np.array((users.length_m, users.width_m))
    half += settings.side_margin_m
    half *= 0.5
    # drivers pass people on refuges closely: only who stands well in the way counts
    half[:, users.is_vulnerable & (users.speed_mps < STANDING_MPS)] = -EVADED_M
    return half


def _variances(users: RoadUsers, h: Hypotheses, times_s: Floats) -> tuple[Floats, Floats]:
    """Variance along the way of each hypothesis over time, and across the way of each road user. [m^2]"""
    position2 = users.deviation_m * users.deviation_m
    way, speeds = h.travelled_m, np.array((users.speed_mps, np.minimum(users.speed_deviation_mps, 1.0)))
    steady, rate = speeds.take(h.user, axis=1)[:, :, None] * times_s
    steady -= way  # what predicted braking and accelerating changes
    steady *= CHANGE_SPREAD
    steady *= steady
    rate *= rate
    steady += rate
    share = way * SPREAD
    share *= share
    steady += share
    # who is expected to stand somewhere stands there or before
    pace = np.empty_like(way)
    np.subtract(way[:, 1:], way[:, :-1], out=pace[:, 1:])
    pace[:, 0] = 0.0
    pace *= 1.0 / (times_s[1] * SURE_STOP_MPS)
    np.minimum(pace, 1.0, out=pace)
    steady *= pace
    steady += (position2 + 0.02).take(h.user)[:, None]
    return steady, position2 + ACROSS_M**2
