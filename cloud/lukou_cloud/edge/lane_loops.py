"""Loops of `lane_choice` over road users, lanes and paths as machine code."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.road_users import COS, DEVIATION, LENGTH, SIN, SPEED, WIDTH, Floats, Ints, X, Y
from lukou_cloud.edge.ways import NONE, PathRows, allowed_at, pose_on

ALIGNED_COS = 0.8
"""Who moves at a larger angle to the lane than this cosine does not follow it."""

CREEPING_MPS = 2.0
CREEPING_COS = 0.5
"""The direction of who is slower than the first is not known well: then this cosine is enough. [m/s, 1]"""

BESIDE_LANE_M = 0.6
BESIDE_PER_M = 0.12
USUAL_LENGTH_M = 6.0
"""Who is farther than the first outside a lane does not follow it; long vehicles cut corners: more per metre of length beyond the last. [m, 1, m]"""

LEAST_LANE_PROBABILITY = 0.02
"""Less probable lanes are left out."""

SAME_ROUTE_FACTOR = math.exp(2.0)
"""Odds of a lane that continues the lane chosen last time, over one that does not."""

LEAST_TURN = 0.02
FASTER_MPS = 1.5
"""Likelihood, at least, of a path whose turn somebody is too fast for; it falls by e for so much more speed. [1, m/s]"""

FRONT_DEVIATION_M = 0.4
LEAST_FRONT = 0.001
"""Standard deviation of the front across the path that is followed, and the least likelihood. [m, 1]"""

NEAREST_M = 0.5
AHEAD_M = 60.0
"""Leaders nearer or farther ahead do not matter. [m]"""

IN_THE_WAY_M = 1.2
"""Whoever is nearer than this to the centre line ahead is in the way, narrow as both may be. [m]"""


class Lanes(NamedTuple):
    """Lanes that each road user may be following, a row each, and of each road user the best one.

    Attributes
    ----------
    user, lane : (r,) int array
        Road users ascending.
    s_m, weight : (r,) float array
        Arc length; weights of one road user sum to 1. [m]
    best : (n,) int array
        Most probable lane, -1: none.
    best_s_m : (n,) float array
        Arc length on it. [m]
    """

    user: Ints
    lane: Ints
    s_m: Floats
    weight: Floats
    best: Ints
    best_s_m: Floats


@compiled
def lanes_of(
    columns: Floats, user: Ints, found: Floats, lane: Ints, point: Ints, last_lane: Ints, half_m: Floats, follows: Ints
) -> Lanes:
    """Lanes that road users may be following, of all that are near them.

    Parameters
    ----------
    columns : (10, n) float array
        Of `RoadUsers`.
    user : (p,) int array
        Road user of each point that was matched.
    found : (5, m) float array
        Of each candidate: arc length, offset, probability, direction (x, y) of the lane.
    lane, point : (m,) int array
        Lane and point of each, points ascending.
    last_lane : (n,) int array
        Lane of each road user the last time, -1: none.
    half_m : (l,) float array
        Half of the width of each lane. [m]
    follows : (f,) int array
        Sorted keys of lanes that follow each other (`ways.may_follow`).
    """
    count, total = columns.shape[1], np.zeros(columns.shape[1])
    who, on = np.empty(len(lane), np.int64), np.empty(len(lane), np.int64)
    s_m, weight, rows = np.empty(len(lane)), np.empty(len(lane)), 0
    for k in range(len(lane)):
        one, here = user[point[k]], lane[k]
        beside = BESIDE_LANE_M + BESIDE_PER_M * max(columns[LENGTH, one] - USUAL_LENGTH_M, 0.0)
        aligned = CREEPING_COS if columns[SPEED, one] < CREEPING_MPS else ALIGNED_COS
        along = columns[COS, one] * found[3, k] + columns[SIN, one] * found[4, k]
        likely = found[2, k]
        if not (abs(found[1, k]) < half_m[here] + beside and likely > LEAST_LANE_PROBABILITY and along > aligned):
            continue
        before = last_lane[one]
        if before >= 0 and (before == here or _is_among(follows, before * len(half_m) + here)):
            likely *= SAME_ROUTE_FACTOR
        who[rows], on[rows], s_m[rows], weight[rows] = one, here, found[0, k], likely
        total[one] += likely
        rows += 1
    best, best_s_m, most = np.full(count, NONE), np.zeros(count), np.zeros(count)
    for row in range(rows):
        one = who[row]
        weight[row] /= total[one]
        if weight[row] >= most[one]:
            best[one], best_s_m[one], most[one] = on[row], s_m[row], weight[row]
    return Lanes(who[:rows].copy(), on[:rows].copy(), s_m[:rows].copy(), weight[:rows].copy(), best, best_s_m)


@compiled
def _is_among(ascending: Ints, key: int) -> bool:
    place = np.searchsorted(ascending, key)
    return bool(place < len(ascending) and ascending[place] == key)


class Paths(NamedTuple):
    """Paths that each road user may take, with who is next ahead there: columns of `lane_choice.Choice`."""

    user: Ints
    path: Ints
    s_m: Floats
    weight: Floats
    leader: Ints
    gap_m: Floats


@compiled
def paths_of(columns: Floats, lanes: Lanes, rows: PathRows, least_probability: float, most_paths: int) -> Paths:
    """The most probable paths of each road user; who has none goes straight on.

    Parameters
    ----------
    columns : (10, n) float array
        Of `RoadUsers`.
    lanes : Lanes
        Lanes that they may be following, all of them with their paths worked out.
    rows : PathRows
        The paths.
    least_probability, most_paths
        Of `PredictionSettings`.
    """
    count, widest, at = columns.shape[1], 0, 0
    while at < len(lanes.user):
        one, ways = lanes.user[at], 0
        while at < len(lanes.user) and lanes.user[at] == one:
            ways += rows.count_of_lane[lanes.lane[at]]
            at += 1
        widest = max(widest, ways)
    path, s_m, likely = np.empty(widest, np.int64), np.empty(widest), np.empty(widest)
    most = count * max(most_paths, 1)
    whose, which = np.empty(most, np.int64), np.empty(most, np.int64)
    where, sure = np.empty(most), np.empty(most)
    found, at = 0, 0
    for one in range(count):
        ways, total = 0, 0.0
        while at < len(lanes.user) and lanes.user[at] == one:
            first = rows.first_of_lane[lanes.lane[at]]
            for k in range(first, first + rows.count_of_lane[lanes.lane[at]]):
                path[ways], s_m[ways] = k, lanes.s_m[at]
                likely[ways] = lanes.weight[at] * _likely_turn(columns[SPEED, one], rows, k, lanes.s_m[at])
                likely[ways] *= _likely_front(columns, one, rows, k, lanes.s_m[at])
                total += likely[ways]
                ways += 1
            at += 1
        weight = of_turns(path[:ways], likely[:ways] / max(total, 1e-12), rows, least_probability)
        begin = found
        while found - begin < most_paths:
            best = -1
            for k in range(ways):
                if weight[k] > least_probability and (best < 0 or weight[k] > weight[best]):
                    best = k
            if best < 0:
                break
            whose[found], which[found], where[found], sure[found] = one, path[best], s_m[best], weight[best]
            weight[best] = 0.0
            found += 1
        if found == begin:
            whose[found], which[found], where[found], sure[found] = one, NONE, 0.0, 1.0
            found += 1
    user, taken, place = whose[:found].copy(), which[:found].copy(), where[:found].copy()
    leader, gap_m = _leaders(columns, user, taken, place, lanes.best, lanes.best_s_m, rows)
    return Paths(user, taken, place, sure[:found].copy(), leader, gap_m)


@compiled
def _likely_turn(speed_mps: float, rows: PathRows, path: int, s_m: float) -> float:
    """How usual a path is; who is too fast for its turn does not take it."""
    excess = speed_mps - 1.2 * allowed_at(rows, path, s_m)
    return float(max(math.exp(min(1.0 - excess, 0.0) / FASTER_MPS), LEAST_TURN) * rows.usual[path])


@compiled
def _likely_front(columns: Floats, user: int, rows: PathRows, path: int, s_m: float) -> float:
    """A turn begins with the front: how well it lies on the path while the middle still lies on several."""
    half = 0.5 * columns[LENGTH, user]
    x_m, y_m, cos, sin = pose_on(rows, path, s_m + half)
    front_x, front_y = columns[X, user] + half * columns[COS, user], columns[Y, user] + half * columns[SIN, user]
    doubt = max(2.0 * columns[DEVIATION, user], FRONT_DEVIATION_M)
    aside = ((front_y - y_m) * cos - (front_x - x_m) * sin) / doubt
    return float(max(math.exp(-0.5 * aside * aside), LEAST_FRONT))


@compiled
def of_turns(path: Ints, weight: Floats, rows: PathRows, least: float) -> Floats:
    """Weights of one road user's paths, where those that are too small leave theirs to the others that take the same lane next.

    Parameters
    ----------
    path, weight : (w,) array
        Paths, and their weights, which sum to 1.
    rows : PathRows
        The paths.
    least : float
        Smaller weights leave, but for the largest of each turn.

    Returns
    -------
    (w,) float array
        0 for those that have left.
    """
    made, turn, following = np.zeros(len(path)), np.empty(len(path), np.int64), np.empty(len(path), np.int64)
    turns = 0
    for k in range(len(path)):
        begin, end = rows.lane_start[path[k]], rows.lane_start[path[k] + 1]
        following[turns], number = rows.lane[min(begin + 1, end - 1)], 0
        while following[number] != following[turns]:
            number += 1
        turn[k] = number
        turns = max(turns, number + 1)
    for number in range(turns):
        best, total, staying = -1, 0.0, 0.0
        for k in range(len(path)):
            if turn[k] == number:
                total += weight[k]
                if best < 0 or weight[k] > weight[best]:
                    best = k
        for k in range(len(path)):
            if turn[k] == number and (k == best or weight[k] > least):
                staying += weight[k]
        for k in range(len(path)):
            if turn[k] == number and (k == best or weight[k] > least):
                made[k] = weight[k] * (total / max(staying, 1e-12))
    return made


@compiled
def _leaders(
    columns: Floats, user: Ints, path: Ints, s_m: Floats, lane: Ints, lane_s_m: Floats, rows: PathRows
) -> tuple[Ints, Floats]:
    """Nearest road user ahead on each path, by the lanes that the road users were matched to, and the free distance."""
    leader, gap_m = np.full(len(path), NONE), np.full(len(path), np.inf)
    matched = np.flatnonzero(lane >= 0)
    order = matched[np.argsort(lane[matched], kind="mergesort")]
    ascending = lane[order]
    for k in range(len(path)):
        if path[k] < 0:
            continue
        one, nearest = user[k], AHEAD_M
        for entry in range(rows.lane_start[path[k]], rows.lane_start[path[k] + 1]):
            offset = rows.lane_offset_m[entry] - s_m[k]
            if not offset < nearest:
                break
            number = np.searchsorted(ascending, rows.lane[entry])
            while number < len(ascending) and ascending[number] == rows.lane[entry]:
                other = order[number]
                number += 1
                ahead = offset + lane_s_m[other]
                if not NEAREST_M < ahead < nearest or other == one:
                    continue
                x_m, y_m, cos, sin = pose_on(rows, path[k], s_m[k] + ahead)
                aside = abs((columns[Y, other] - y_m) * cos - (columns[X, other] - x_m) * sin)
                wide = 0.5 * (columns[WIDTH, other] + columns[WIDTH, one]) + columns[DEVIATION, other]
                if aside < max(wide, IN_THE_WAY_M):
                    nearest, leader[k] = ahead, other
        if leader[k] >= 0:
            gap_m[k] = max(nearest - 0.5 * (columns[LENGTH, one] + columns[LENGTH, leader[k]]), 0.0)
    return leader, gap_m
