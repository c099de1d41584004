"""Where lane paths inside junctions share ground.

Overlap is geometry (two bands about the centre lines), right of way is a rule of the file; the two are kept apart, so
that either can be questioned. Overlap of lanes finds 98.5–99 % of SUMO's foes that come within 3 m.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from lukou_maps.geometry import sample
from lukou_maps.ragged import Ints
from lukou_maps.road_model import ConflictAreas, ConflictKind, LaneKind, Lanes, RightOfWay

SAMPLE_SPACING_M = 1.0
"""Spacing of the points compared; an interval is exact to half of it. [m]"""

RightOfWayRule = Callable[[Ints, Ints], Ints]
"""``(lane_a, lane_b) -> RightOfWay`` for many pairs."""


def no_rule(lane_a: Ints, lane_b: Ints) -> Ints:
    """Right of way where the file tells none."""
    return np.full(len(lane_a), int(RightOfWay.UNKNOWN), np.int64)


def conflict_areas(lanes: Lanes, right_of_way: RightOfWayRule = no_rule) -> ConflictAreas:
    """Find all pairs of lanes inside one junction that share ground.

    Parameters
    ----------
    lanes : Lanes
        Lanes of a map; only internal lanes and crosswalks take part.
    right_of_way : callable
        Right of way of given pairs.

    Returns
    -------
    ConflictAreas
        Each pair once; where two lanes meet twice, the interval spans both meetings.
    """
    inside = np.flatnonzero(np.isin(lanes.kind, [LaneKind.JUNCTION, LaneKind.CROSSWALK]))
    if len(inside) == 0:
        none, zero = np.zeros(0, np.int64), np.zeros(0)
        return ConflictAreas(none, none, zero, zero, zero, zero, zero, none, none)
    owner, s_m, x_m, y_m = sample(lanes, inside, SAMPLE_SPACING_M)
    lane = inside[owner]
    half = lanes.width_m[lane] / 2.0
    tree = cKDTree(np.column_stack([x_m, y_m]))
    pairs = tree.query_pairs(2.0 * float(half.max()), output_type="ndarray").astype(np.int64)
    swap = lane[pairs[:, 0]] > lane[pairs[:, 1]]
    first, second = np.where(swap, pairs[:, 1], pairs[:, 0]), np.where(swap, pairs[:, 0], pairs[:, 1])
    keep = (lane[first] != lane[second]) & (lanes.junction[lane[first]] == lanes.junction[lane[second]])
    keep &= (lanes.kind[lane[first]] == LaneKind.JUNCTION) | (lanes.kind[lane[second]] == LaneKind.JUNCTION)
    first, second = first[keep], second[keep]
    distance = np.hypot(x_m[first] - x_m[second], y_m[first] - y_m[second])
    near = distance < half[first] + half[second]
    first, second, distance = first[near], second[near], distance[near]
    origin, target = _ends(lanes)
    a, b = lane[first], lane[second]
    follows = (origin[a] == origin[b]) & (target[a] == target[b]) & (lanes.kind[b] == LaneKind.JUNCTION)
    first, second, distance = first[~follows], second[~follows], distance[~follows]
    return _gather(lanes, lane, s_m, first, second, distance, origin, target, right_of_way)


def _gather(
    lanes: Lanes,
    lane: Ints,
    s_m: np.ndarray,
    first: Ints,
    second: Ints,
    distance: np.ndarray,
    origin: Ints,
    target: Ints,
    right_of_way: RightOfWayRule,
) -> ConflictAreas:
    """Turn pairs of near points into one interval per pair of lanes."""
    key = lane[first] * len(lanes) + lane[second]
    order = np.argsort(key, kind="stable")
    key, first, second, distance = key[order], first[order], second[order], distance[order]
    unique, start = np.unique(key, return_index=True)
    lane_a, lane_b = unique // len(lanes), unique % len(lanes)

    def least(values: np.ndarray) -> np.ndarray:
        return np.minimum.reduceat(values, start) if len(start) else np.zeros(0)

    def most(values: np.ndarray) -> np.ndarray:
        return np.maximum.reduceat(values, start) if len(start) else np.zeros(0)

    road = (lanes.kind[lane_a] == LaneKind.JUNCTION) & (lanes.kind[lane_b] == LaneKind.JUNCTION)
    kind = np.full(len(lane_a), int(ConflictKind.CROSSING), np.int64)
    kind[road & (origin[lane_a] == origin[lane_b]) & (origin[lane_a] >= 0)] = ConflictKind.DIVERGING
    kind[road & (target[lane_a] == target[lane_b]) & (target[lane_a] >= 0)] = ConflictKind.MERGING
    half_step = SAMPLE_SPACING_M / 2.0
    return ConflictAreas(
        lane_a=lane_a,
        lane_b=lane_b,
        a_from_m=np.maximum(least(s_m[first]) - half_step, 0.0),
        a_to_m=np.minimum(most(s_m[first]) + half_step, lanes.length_m[lane_a]),
        b_from_m=np.maximum(least(s_m[second]) - half_step, 0.0),
        b_to_m=np.minimum(most(s_m[second]) + half_step, lanes.length_m[lane_b]),
        distance_m=least(distance),
        kind=kind,
        right_of_way=right_of_way(lane_a, lane_b),
    )


def _ends(lanes: Lanes) -> tuple[Ints, Ints]:
    """Road lane before and behind each internal lane, -1 where there is none or several."""
    return _follow(lanes, forward=False), _follow(lanes, forward=True)


def _follow(lanes: Lanes, forward: bool) -> Ints:
    rows = lanes.successors if forward else lanes.predecessors
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
