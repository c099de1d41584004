"""Who would meet whom: footprints of hypotheses over time with their uncertainty, for pairs that can meet at all."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.crossing import crossing_probability
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.prediction import Predictor
from lukou_cloud.edge.road_users import (
    DEVIATION,
    LENGTH,
    PEDESTRIAN,
    SPEED,
    SPEED_DEVIATION,
    WIDTH,
    Booleans,
    Floats,
    Ints,
    RoadUsers,
)
from lukou_cloud.edge.settings import WarningSettings
from lukou_cloud.edge.yielding import nobody_yields

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


class Contacts(NamedTuple):
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
    h, columns, weak = hypotheses, users.columns, users.is_vulnerable
    on_foot = users.object_class == PEDESTRIAN
    met = _meetings(columns, weak, users.is_trusted, on_foot, h, predictor.times_s, settings.side_margin_m)
    first, second, sample, taken, probability, same_way, with_weak = met
    if len(first) == 0:
        return Contacts(first, second, sample, probability, taken, same_way)
    ground = predictor.ground
    some = (~(with_weak | same_way)).nonzero()[0]
    rows = first.take(some), second.take(some), sample.take(some)
    probability[some] = crossing_probability(columns, h, ground, *rows, taken.take(some), braked)
    some = (with_weak | same_way).nonzero()[0]
    rows = first.take(some), second.take(some), sample.take(some)
    beyond_m = np.full(len(users), -np.inf)
    if with_weak.any():
        concerned = np.zeros(len(users), np.bool_)
        concerned[h.user.take(rows[0])] = concerned[h.user.take(rows[1])] = True
        walkers = (concerned & weak).nonzero()[0]
        beyond_m[walkers] = predictor.beyond_roadway_m(users.x_m[walkers], users.y_m[walkers])
    probability[some] *= nobody_yields(columns, weak, beyond_m, h, ground, *rows, same_way.take(some))
    return Contacts(first, second, sample, probability, taken, same_way)


class Meetings(NamedTuple):
    """Who would meet whom; rows of two road users are neighbours, in the order of both.

    Attributes
    ----------
    first, second, sample, path_probability, probability, same_way
        As in `Contacts`; nobody's yielding counts yet.
    with_weak : (n,) bool array
        Whether a pedestrian, cyclist or animal takes part.
    """

    first: Ints
    second: Ints
    sample: Ints
    path_probability: Floats
    probability: Floats
    same_way: Booleans
    with_weak: Booleans


@compiled
def _meetings(
    columns: Floats,
    is_weak: Booleans,
    is_trusted: Booleans,
    on_foot: Booleans,
    h: Hypotheses,
    times_s: Floats,
    margin_m: float,
) -> Meetings:
    """Contacts of pairs that matter: both trusted, one moves, one is a vehicle, neither follows the other on a lane.

    Boxes around the whole motion of road users are compared first, then those of their hypotheses, then the motions themselves.
    """  # fmt: skip
    rows, times = h.travelled_m.shape
    boxes = _boxes(columns, h)
    around = _boxes_of_users(h, boxes, columns.shape[1])
    half, along2, across2 = (
        _half_sizes(columns, is_weak, margin_m),
        _variances(columns, h, times_s),
        np.empty(columns.shape[1]),
    )
    for k in range(len(across2)):
        across2[k] = columns[DEVIATION, k] * columns[DEVIATION, k] + ACROSS_M**2
    most = 64
    found, chances = np.empty((3, most), np.int64), np.empty(most)
    count, depth = 0, np.empty(times)
    for a in range(columns.shape[1]):
        for b in range(a + 1, columns.shape[1]):
            if not _overlap(around, a, b) or not (is_trusted[a] and is_trusted[b]) or (is_weak[a] and is_weak[b]):
                continue
            if not (columns[SPEED, a] > STANDING_MPS or columns[SPEED, b] > STANDING_MPS):
                continue
            for one in range(h.first[a], h.first[a + 1] if a + 1 < len(h.first) else rows):
                for other in range(h.first[b], h.first[b + 1] if b + 1 < len(h.first) else rows):
                    if not _overlap(boxes, one, other) or h.leader[one] == b or h.leader[other] == a:
                        continue
                    if not _comes_near(h, one, other, boxes[4, one] + boxes[4, other]):
                        continue
                    _depth(h, one, other, half, along2, across2, depth)
                    best = depth.max()
                    if not (best > LEAST_DEPTH and depth[0] < 0.0):
                        continue
                    sample, least = 0, min(best, 0.0)
                    while not depth[sample] >= least:
                        sample += 1
                    if (
                        not max(_pace(h, one, sample, times_s, on_foot), _pace(h, other, sample, times_s, on_foot))
                        > SLOW_CONTACT_MPS
                    ):
                        continue
                    if count == most:
                        most *= 2
                        wider, longer = np.empty((3, most), np.int64), np.empty(most)
                        wider[:, :count], longer[:count] = found, chances
                        found, chances = wider, longer
                    found[0, count], found[1, count], found[2, count], chances[count] = (
                        one,
                        other,
                        sample,
                        _normal(best),
                    )
                    count += 1
    return _completed(found[:, :count].copy(), chances[:count].copy(), is_weak, h)  # fmt: skip


@compiled
def _completed(found: Ints, chance: Floats, is_weak: Booleans, h: Hypotheses) -> Meetings:
    """What else is told of contacts."""
    count = found.shape[1]
    taken, probability = np.empty(count), np.empty(count)
    same_way, with_weak = np.empty(count, np.bool_), np.empty(count, np.bool_)
    for k in range(count):
        a, b, at = found[0, k], found[1, k], found[2, k]
        probability[k] = h.probability[a] * h.probability[b] * chance[k]
        taken[k] = probability[k] / max(h.intention[a] * h.intention[b], 1e-3)
        same_way[k] = h.poses[2, a, at] * h.poses[2, b, at] + h.poses[3, a, at] * h.poses[3, b, at] > SAME_WAY_COS
        with_weak[k] = is_weak[h.user[a]] or is_weak[h.user[b]]
    return Meetings(found[0], found[1], found[2], taken, probability, same_way, with_weak)


@compiled
def _normal(z: float) -> float:
    """Cumulative normal distribution to 1.4e-4 (S. Bowling and others, "A logistic approximation", 2009, eq. 3)."""
    z = min(max(z, -8.0), 8.0)
    return 1.0 / (1.0 + math.exp(-0.07056 * (z * z * z) - 1.5976 * z))


@compiled
def _pace(h: Hypotheses, row: int, sample: int, times_s: Floats, on_foot: Booleans) -> float:
    """Speed at a sample of time; a walker's own speed hurts nobody. [m/s]"""
    if on_foot[h.user[row]]:
        return 0.0
    before, after = max(sample - 1, 0), min(sample + 1, len(times_s) - 1)
    return float((h.travelled_m[row, after] - h.travelled_m[row, before]) / (times_s[1] * (after - before)))


@compiled
def _boxes(columns: Floats, h: Hypotheses) -> Floats:
    """West, east, south and north end of each motion, the road user's own reach included, and that reach, (5, h). [m]"""
    made = np.empty((5, len(h.user)))
    for k in range(len(h.user)):
        who = h.user[k]
        reach = 0.5 * math.hypot(columns[LENGTH, who], columns[WIDTH, who]) + 0.2 * columns[SPEED, who] + 0.5
        made[0, k], made[1, k] = h.poses[0, k].min() - reach, h.poses[0, k].max() + reach
        made[2, k], made[3, k] = h.poses[1, k].min() - reach, h.poses[1, k].max() + reach
        made[4, k] = reach
    return made


@compiled
def _boxes_of_users(h: Hypotheses, boxes: Floats, count: int) -> Floats:
    """The same around all that each road user may do, (4, u). [m]"""
    made = np.empty((4, count))
    made[0], made[1], made[2], made[3] = np.inf, -np.inf, np.inf, -np.inf
    for k in range(len(h.user)):
        who = h.user[k]
        made[0, who], made[1, who] = min(made[0, who], boxes[0, k]), max(made[1, who], boxes[1, k])
        made[2, who], made[3, who] = min(made[2, who], boxes[2, k]), max(made[3, who], boxes[3, k])
    return made


@compiled
def _overlap(boxes: Floats, a: int, b: int) -> bool:
    across = boxes[0, a] < boxes[1, b] and boxes[0, b] < boxes[1, a]
    return bool(across and boxes[2, a] < boxes[3, b] and boxes[2, b] < boxes[3, a])


@compiled
def _comes_near(h: Hypotheses, one: int, other: int, reach_m: float) -> bool:
    for t in range(h.poses.shape[2]):
        dx, dy = h.poses[0, other, t] - h.poses[0, one, t], h.poses[1, other, t] - h.poses[1, one, t]
        if dx * dx + dy * dy < reach_m * reach_m:
            return True
    return False


@compiled
def _depth(h: Hypotheses, one: int, other: int, half_m: Floats, along2: Floats, across2: Floats, depth: Floats) -> None:
    """How surely the footprints overlap at each sample of time, in standard deviations, (t,).

    On each separating axis of the two rectangles (S. Gottschalk, M. Lin, D. Manocha, "OBBTree", 1996) the overlap is
    compared with the deviation of the distance along that axis; the axis that separates best decides.
    """
    a, b = h.user[one], h.user[other]
    da, db = across2[a], across2[b]
    for t in range(len(depth)):
        dx, dy = h.poses[0, other, t] - h.poses[0, one, t], h.poses[1, other, t] - h.poses[1, one, t]
        cos_a, sin_a, cos_b, sin_b = h.poses[2, one, t], h.poses[3, one, t], h.poses[2, other, t], h.poses[3, other, t]
        cos = abs(cos_a * cos_b + sin_a * sin_b)  # of the angle between them
        cos2 = cos * cos
        sin2 = max(1.0 - cos2, 0.0)
        sin, sa, sb = math.sqrt(sin2), along2[one, t], along2[other, t]
        of_a = min(
            _share(
                half_m[1, b] * sin + half_m[0, b] * cos + half_m[0, a],
                dx * cos_a + dy * sin_a,
                cos2 * (sb - db) + (sa + db),
            ),
            _share(
                half_m[0, b] * sin + half_m[1, b] * cos + half_m[1, a],
                dy * cos_a - dx * sin_a,
                sin2 * (sb - db) + (da + db),
            ),
        )
        of_b = min(
            _share(
                half_m[1, a] * sin + half_m[0, a] * cos + half_m[0, b],
                dx * cos_b + dy * sin_b,
                cos2 * (sa - da) + (sb + da),
            ),
            _share(
                half_m[0, a] * sin + half_m[1, a] * cos + half_m[1, b],
                dy * cos_b - dx * sin_b,
                sin2 * (sa - da) + (da + db),
            ),
        )
        depth[t] = min(of_a, of_b)  # fmt: skip


@compiled
def _share(reach_m: float, gap_m: float, variance: float) -> float:
    return (reach_m - abs(gap_m)) / math.sqrt(variance)


@compiled
def _half_sizes(columns: Floats, is_weak: Booleans, margin_m: float) -> Floats:
    """Half of length and width with the margin, (2, u). [m]"""
    made = np.empty((2, columns.shape[1]))
    for k in range(columns.shape[1]):
        made[0, k], made[1, k] = (columns[LENGTH, k] + margin_m) * 0.5, (columns[WIDTH, k] + margin_m) * 0.5
        if is_weak[k] and columns[SPEED, k] < STANDING_MPS:
            # drivers pass people on refuges closely: only who stands well in the way counts
            made[0, k] = made[1, k] = -EVADED_M
    return made


@compiled
def _variances(columns: Floats, h: Hypotheses, times_s: Floats) -> Floats:
    """Variance along the way of each hypothesis over time, (h, t). [m^2]"""
    made = np.empty(h.travelled_m.shape)
    for k in range(len(h.user)):
        speed, doubt = columns[SPEED, h.user[k]], min(columns[SPEED_DEVIATION, h.user[k]], 1.0)
        place2, before = columns[DEVIATION, h.user[k]] * columns[DEVIATION, h.user[k]] + 0.02, 0.0
        for t in range(len(times_s)):
            way = h.travelled_m[k, t]
            changed = (speed * times_s[t] - way) * CHANGE_SPREAD  # what predicted braking and accelerating changes
            rate, share = doubt * times_s[t], way * SPREAD
            # who is expected to stand somewhere stands there or before
            pace = 0.0 if t == 0 else min((way - before) * (1.0 / (times_s[1] * SURE_STOP_MPS)), 1.0)
            made[k, t] = (changed * changed + rate * rate + share * share) * pace + place2
            before = way
    return made
