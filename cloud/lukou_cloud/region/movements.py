"""Ways over an intersection, and who waits for whom: from the map, for the search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.search.junction import Movement
from lukou_maps.road_model import LaneKind, RightOfWay, RoadModel, Turn
from lukou_maps.signal_configuration import SignalConfiguration


@dataclass(frozen=True)
class Ways:
    """Movements of one intersection.

    Attributes
    ----------
    movements : tuple of Movement
        Lanes are numbered as in `Approaches`, exits as in `exits`.
    turn : (m,) int array
        `Turn` of each.
    gives_way : (m, m) bool array
        Whether the first, when it has to yield, waits for the second.
    exits : tuple of tuple of int
        Map indices of the lanes of each exit.
    to_lane : (m,) int array
        Map index of the (first) lane that each leads to.
    across_m : (m,) float array
        Way of each inside the intersection. [m]
    inner : dict of int to int
        Movement by the lanes inside the intersection.
    """

    movements: tuple[Movement, ...]
    turn: NDArray[np.int64]
    gives_way: NDArray[np.bool_]
    exits: tuple[tuple[int, ...], ...]
    to_lane: NDArray[np.int64]
    across_m: NDArray[np.float64]
    inner: dict[int, int]


def ways_of(road: RoadModel, configuration: SignalConfiguration, lanes: tuple[int, ...]) -> Ways:
    """Movements from the approach lanes `lanes` (map indices)."""
    where = road.intersections.index(configuration.intersection)
    on_red = {link for group in configuration.groups for link in group.turns_on_red}
    at, number = road.connections, {lane: k for k, lane in enumerate(lanes)}
    exits: dict[tuple[int, ...], int] = {}
    found: dict[tuple[int, int], list[int]] = {}
    for k in np.flatnonzero(at.intersection == where):
        if int(at.from_lane[k]) in number and road.lanes.kind[at.to_lane[k]] == LaneKind.ROAD:
            way = _beside(road, int(at.to_lane[k]))
            found.setdefault((number[int(at.from_lane[k])], exits.setdefault(way, len(exits))), []).append(int(k))
    movements, turns, paths, onto = [], [], [], []
    for (lane, leaves), rows in found.items():
        links = frozenset(int(at.link_index[k]) for k in rows)
        movements.append(Movement(lane, leaves, links, bool(links & on_red)))
        turns.append(int(at.turn[rows[0]]))
        onto.append(int(at.to_lane[rows[0]]))
        paths.append({inner for k in rows for inner in _path(road, int(at.via_lane[k]))})
    across_m = [
        sum(float(road.lanes.length_m[k]) for k in _path(road, int(at.via_lane[rows[0]]))) for rows in found.values()
    ]
    inner = {one: k for k, path in enumerate(paths) for one in path}
    return Ways(
        tuple(movements),
        np.array(turns, np.int64),
        _gives_way(road, paths, turns, [_beside(road, lanes[m.lane]) for m in movements]),
        tuple(exits),
        np.array(onto, np.int64),
        np.array(across_m),
        inner,
    )


def _beside(road: RoadModel, lane: int) -> tuple[int, ...]:
    """A lane and its neighbours in the same direction, from right to left."""
    while (right := int(road.lanes.right[lane])) >= 0:
        lane = right
    row = [lane]
    while (left := int(road.lanes.left[row[-1]])) >= 0 and left not in row:
        row.append(left)
    return tuple(row)


def _path(road: RoadModel, via: int) -> list[int]:
    """Lanes inside the junction, from the first one on."""
    row: list[int] = []
    while via >= 0 and road.lanes.kind[via] == LaneKind.JUNCTION and via not in row:
        row.append(via)
        onward = [int(k) for k in road.lanes.successors[via]]
        via = onward[0] if onward else -1
    return row


def _gives_way(
    road: RoadModel, paths: list[set[int]], turns: list[int], origins: list[tuple[int, ...]]
) -> NDArray[np.bool_]:
    """By the map's conflict areas; ways from the same approach part and never wait for each other."""
    areas = road.conflict_areas
    rule: dict[tuple[int, int], int] = {}
    for a, b, right in zip(areas.lane_a.tolist(), areas.lane_b.tolist(), areas.right_of_way.tolist(), strict=True):
        rule[a, b] = right
        swapped = {RightOfWay.A_YIELDS: RightOfWay.B_YIELDS, RightOfWay.B_YIELDS: RightOfWay.A_YIELDS}
        rule[b, a] = int(swapped.get(RightOfWay(right), RightOfWay(right)))
    result = np.zeros((len(paths), len(paths)), bool)
    for i, mine in enumerate(paths):
        for j, other in enumerate(paths):
            met = [rule[a, b] for a in mine for b in other if (a, b) in rule]
            if origins[i] == origins[j] or not met:
                continue
            yields = any(right in (RightOfWay.A_YIELDS, RightOfWay.BOTH_YIELD) for right in met)
            unknown = all(right in (RightOfWay.UNKNOWN, RightOfWay.NONE_YIELDS) for right in met)
            result[i, j] = yields or (unknown and turns[i] in (Turn.LEFT, Turn.TURN_AROUND))
    return result
