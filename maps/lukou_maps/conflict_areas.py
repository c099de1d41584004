"""Where lane paths inside junctions share ground.

Overlap is geometry (two bands about the centre lines), right of way is a rule of the file; the two are kept apart, so
that either can be questioned. Overlap of lanes finds 98.5–99 % of SUMO's foes that come within 3 m.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from lukou_maps.geometry import sample
from lukou_maps.ragged import Booleans, Floats, Ints, Ragged
from lukou_maps.tables import ConflictAreas, Lanes, Priorities
from lukou_maps.vocabulary import ConflictKind, LaneKind, RightOfWay

SAMPLE_SPACING_M = 1.0
"""Spacing of the points compared; an interval is exact to half of it. [m]"""

WIDEST_M = 30.0
"""Lanes count as no wider: what is wider is an error of its file, and would meet everything. [m]"""

BATCH = 4096
"""Points whose pairs are looked for at once, whole junctions together, so that memory does not grow with the map."""


WIDEST_M = 30.0
"""No lane is wider: a mistaken width in a file shall not make every lane of a town meet every other. [m]"""


def conflict_areas(lanes: Lanes, priorities: Priorities) -> ConflictAreas:
    """Find all pairs of lanes inside one junction that share ground.

    Parameters
    ----------
    lanes : Lanes
        Lanes of a map; only internal lanes and crosswalks take part.
    priorities : Priorities
        Rules of the file.

    Returns
    -------
    ConflictAreas
        Each pair once, in order of ``lane_a`` and ``lane_b``; where two lanes meet twice, the interval spans both meetings.
    """
    inside = np.flatnonzero(np.isin(lanes.kind, [LaneKind.JUNCTION, LaneKind.CROSSWALK]) & (lanes.junction >= 0))
    if len(inside) == 0:
        return ConflictAreas.empty()
    inside = inside[np.argsort(lanes.junction[inside], kind="stable")]
    owner, s_m, x_m, y_m = sample(lanes, inside, SAMPLE_SPACING_M)
    lane = inside[owner]
    origin, target = _ends(lanes)
    parts = [
        _meetings(lanes, lane[block], s_m[block], x_m[block], y_m[block], origin, target)
        for block in _batches(lanes.junction[lane])
    ]
    key, a_from, a_to, b_from, b_to, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(key)
    lane_a, lane_b = np.divmod(key[order], len(lanes))
    half_step = SAMPLE_SPACING_M / 2.0
    return ConflictAreas(
        lane_a=lane_a,
        lane_b=lane_b,
        a_from_m=np.maximum(a_from[order] - half_step, 0.0),
        a_to_m=np.minimum(a_to[order] + half_step, lanes.length_m[lane_a]),
        b_from_m=np.maximum(b_from[order] - half_step, 0.0),
        b_to_m=np.minimum(b_to[order] + half_step, lanes.length_m[lane_b]),
        distance_m=distance[order],
        kind=_kinds(lanes, lane_a, lane_b, origin, target),
        right_of_way=right_of_way(priorities, lane_a, lane_b, len(lanes)),
    )


def _batches(junction: Ints) -> Iterator[slice]:
    """Slices of about `BATCH` points that cut no junction in two."""
    ends = np.append(np.flatnonzero(np.diff(junction)) + 1, len(junction))
    begin = 0
    for end in ends:
        if end - begin >= BATCH or end == len(junction):
            yield slice(begin, int(end))
            begin = int(end)


def _meetings(
    lanes: Lanes, lane: Ints, s_m: Floats, x_m: Floats, y_m: Floats, origin: Ints, target: Ints
) -> tuple[Ints, Floats, Floats, Floats, Floats, Floats]:
    """Per pair of lanes: key, interval on the first, interval on the second, least distance."""
    half = np.minimum(lanes.width_m[lane], WIDEST_M) / 2.0
    points, reach_m = shapely.points(x_m, y_m), 2.0 * float(half.max())
    around = shapely.box(x_m - reach_m, y_m - reach_m, x_m + reach_m, y_m + reach_m)
    first, second = shapely.STRtree(points).query(around)
    first, second = first[first < second], second[first < second]
    a, b = lane[first], lane[second]
    distance = np.hypot(x_m[first] - x_m[second], y_m[first] - y_m[second])
    junction, is_road = lanes.junction, lanes.kind == LaneKind.JUNCTION
    near = (distance < half[first] + half[second]) & (a != b) & (junction[a] == junction[b]) & (is_road[a] | is_road[b])
    # one way cut into pieces: they follow each other, they do not conflict
    near &= ~((origin[a] == origin[b]) & (target[a] == target[b]) & is_road[a] & is_road[b])
    first, second, a, b, distance = first[near], second[near], a[near], b[near], distance[near]
    swap = a > b
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    key = np.where(swap, b, a) * len(lanes) + np.where(swap, a, b)
    order = np.argsort(key)
    key, first, second = key[order], first[order], second[order]
    start = np.flatnonzero(np.append(True, np.diff(key) != 0)[: len(key)])
    s_a, s_b = s_m[first], s_m[second]
    if len(start) == 0:
        none = np.zeros(0)
        return np.zeros(0, np.int64), none, none, none, none, none
    return (
        key[start],
        np.minimum.reduceat(s_a, start),
        np.maximum.reduceat(s_a, start),
        np.minimum.reduceat(s_b, start),
        np.maximum.reduceat(s_b, start),
        np.minimum.reduceat(distance[order], start),
    )


def _kinds(lanes: Lanes, lane_a: Ints, lane_b: Ints, origin: Ints, target: Ints) -> Ints:
    road = (lanes.kind[lane_a] == LaneKind.JUNCTION) & (lanes.kind[lane_b] == LaneKind.JUNCTION)
    kind = np.full(len(lane_a), int(ConflictKind.CROSSING), np.int64)
    kind[road & (origin[lane_a] == origin[lane_b]) & (origin[lane_a] >= 0)] = ConflictKind.DIVERGING
    kind[road & (target[lane_a] == target[lane_b]) & (target[lane_a] >= 0)] = ConflictKind.MERGING
    return kind


def right_of_way(priorities: Priorities, lane_a: Ints, lane_b: Ints, lanes: int) -> Ints:
    """Right of way of pairs of lanes.

    Parameters
    ----------
    priorities : Priorities
        Rules of the file.
    lane_a, lane_b : (n,) int array
        Pairs.
    lanes : int
        Number of lanes of the map.

    Returns
    -------
    (n,) int array
        `RightOfWay`; unknown where the file has no rule.
    """
    known, a_yields = _rule(priorities, lane_a, lane_b, lanes)
    also, b_yields = _rule(priorities, lane_b, lane_a, lanes)
    choices = [a_yields & b_yields, a_yields, b_yields, known | also]
    values = [RightOfWay.BOTH_YIELD, RightOfWay.A_YIELDS, RightOfWay.B_YIELDS, RightOfWay.NONE_YIELDS]
    return np.select(choices, [int(value) for value in values], int(RightOfWay.UNKNOWN)).astype(np.int64)


def _rule(priorities: Priorities, lane: Ints, foe: Ints, lanes: int) -> tuple[Booleans, Booleans]:
    """Whether there is a rule for each ordered pair, and whether it says that `lane` yields."""
    if len(priorities) == 0:
        none = np.zeros(len(lane), np.bool_)
        return none, none
    keys = priorities.lane * lanes + priorities.foe
    order = np.argsort(keys)
    wanted = lane * lanes + foe
    place = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
    known = keys[place] == wanted
    return known, known & priorities.yields[place]


def _ends(lanes: Lanes) -> tuple[Ints, Ints]:
    """Road lane before and behind each internal lane, -1 where there is none or several."""
    return _follow(lanes, lanes.predecessors), _follow(lanes, lanes.successors)


def _follow(lanes: Lanes, rows: Ragged) -> Ints:
    count = np.diff(rows.start)
    only = np.full(len(lanes), -1, np.int64)
    single = count == 1
    only[single] = rows.values[rows.start[:-1][single]]
    end = np.where(lanes.kind == LaneKind.JUNCTION, only, -1)
    for _ in range(4):  # SUMO cuts a way through a junction into at most three internal lanes
        further = (end >= 0) & (lanes.kind[end] == LaneKind.JUNCTION)
        if not further.any():
            break
        end[further] = only[end[further]]
    return end
