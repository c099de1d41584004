"""The lanes that lead to an intersection, and which stage serves them: compiled once from map and configuration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lukou_maps.road_model import LaneKind, Participants, RightOfWay, RoadModel, Turn
from lukou_maps.signal_configuration import SignalConfiguration, change

SLOWEST_MPS = 1.0
"""A limit below is taken for a mistake of the map. [m/s]"""

UPSTREAM_M = 350.0
"""How far lanes are followed upstream of the stop line."""


@dataclass(frozen=True)
class Upstream:
    """A lane whose traffic will choose among several approach lanes.

    Attributes
    ----------
    lane : int
        Index in the map.
    to_stop_m : float
        Distance from its start to the stop line. [m]
    to_stop_s : float
        The same at the speed limits of the lanes between. [s]
    speed_mps : float
        Its own speed limit. [m/s]
    choices : tuple of int
        Approach lanes (index into `Approaches.lanes`) that its traffic may take.
    ahead : tuple of int
        Those of them that it comes to without changing lanes.
    inside_m : float
        Part of its way to the stop line that lies inside junctions, which queues keep free. [m]
    is_row : bool
        Whether who stands on it stands in the queue of the only lane ahead: it gives way to nobody before.
    """

    lane: int
    to_stop_m: float
    to_stop_s: float
    speed_mps: float
    choices: tuple[int, ...]
    ahead: tuple[int, ...]
    inside_m: float = 0.0
    is_row: bool = False


@dataclass(frozen=True)
class Approaches:
    """What timing needs to know of one intersection.

    Attributes
    ----------
    intersection : str
        Name.
    lanes : tuple of int
        Map indices of the lanes that end at a signalised stop line.
    names : tuple of str
        Their names.
    length_m, speed_mps : (n,) float array
        Length of each, and its speed limit. [m, m/s]
    reach_m : (n,) float array
        How far before its stop line the map knows roads that lead there; vehicles enter at that distance at the latest. [m]
    is_bicycle : (n,) bool array
        Lanes for bicycles only.
    yields : (n,) bool array
        Lanes from which a turn yields to others while it has green, people on the crosswalk mostly.
    beside : tuple of tuple of int
        Of each approach lane, those that its traffic can change to, itself among them (index into `lanes`).
    upstream : dict of int to Upstream
        Lanes further up, by map index.
    crossings : tuple of int
        Map indices of the crosswalks; people who wait beside them are queues too.
    crossing_links : tuple of tuple of int
        Signal links of each crosswalk.
    stages : tuple of str
        Names, in fixed order.
    serves : (stages, n + crossings) bool array
        Which stage gives which queue right of way.
    min_s, max_s : (stages,) float array
        Least time from a stage's start to the start of the change, and the longest. [s]
    change_s : (stages, stages) float array
        Duration of each change. [s]
    lost_s : (stages, stages, n + crossings) float array
        How long after the start of a change a queue of the old stage is still served. [s]
    """

    intersection: str
    lanes: tuple[int, ...]
    names: tuple[str, ...]
    length_m: NDArray[np.float64]
    speed_mps: NDArray[np.float64]
    reach_m: NDArray[np.float64]
    is_bicycle: NDArray[np.bool_]
    yields: NDArray[np.bool_]
    beside: tuple[tuple[int, ...], ...]
    upstream: dict[int, Upstream]
    crossings: tuple[int, ...]
    crossing_links: tuple[tuple[int, ...], ...]
    stages: tuple[str, ...]
    serves: NDArray[np.bool_]
    min_s: NDArray[np.float64]
    max_s: NDArray[np.float64]
    change_s: NDArray[np.float64]
    served_in_change_s: NDArray[np.float64]

    def way_from(self, lane: int) -> tuple[tuple[int, ...], float] | None:
        """Approach lanes that who enters a lane (map index) may take, and the time from its start to the stop line [s]; None:
        it leads elsewhere."""
        above = self.upstream.get(lane)
        if above is not None:
            return above.choices, above.to_stop_s
        if lane not in self.lanes:
            return None
        number = self.lanes.index(lane)
        return self.beside[number], float(self.length_m[number] / self.speed_mps[number])


def compile_approaches(road: RoadModel, configuration: SignalConfiguration) -> Approaches:
    """Join a map and a signal configuration."""
    where = road.intersections.index(configuration.intersection)
    groups_by_link: dict[int, list[str]] = {}
    for group in configuration.groups:
        for link in group.links:
            groups_by_link.setdefault(link, []).append(group.name)
    connections = road.connections
    lane_groups: dict[int, set[str]] = {}
    yielding_links = {link for stage in configuration.stages for link in stage.yielding_links}
    yielding: set[int] = set()
    for k in np.flatnonzero(connections.intersection == where):
        lane = int(connections.from_lane[k])
        if road.lanes.kind[lane] == LaneKind.ROAD and connections.turn[k] != Turn.TURN_AROUND:
            found = lane_groups.setdefault(lane, set())
            found.update(groups_by_link.get(int(connections.link_index[k]), ()))
            if int(connections.link_index[k]) in yielding_links:
                yielding.add(lane)
    lanes = tuple(sorted(lane for lane, groups in lane_groups.items() if groups))
    crossings, crossing_groups = _crossings(road, where, groups_by_link)
    stages = tuple(stage.name for stage in configuration.stages)
    queues = [lane_groups[lane] for lane in lanes] + crossing_groups
    serves = np.array([[bool(groups & set(stage.green)) for groups in queues] for stage in configuration.stages])
    min_s, change_s, served = _changes(configuration, queues)
    speed = np.maximum(np.nan_to_num(road.lanes.speed_limit_mps[list(lanes)], nan=13.9), SLOWEST_MPS)
    motor = road.lanes.participants[list(lanes)] & int(Participants.MOTOR)
    is_bicycle = motor == 0
    length_m = road.lanes.length_m[list(lanes)]
    speed_mps = np.where(is_bicycle, np.minimum(speed, 5.0), speed)
    upstream = _upstream(road, lanes, speed_mps)
    reach_m = length_m.copy()
    for above in upstream.values():
        for number in above.choices:
            reach_m[number] = max(reach_m[number], above.to_stop_m)
    return Approaches(
        intersection=configuration.intersection,
        lanes=lanes,
        names=tuple(road.lanes.names[lane] for lane in lanes),
        length_m=length_m,
        speed_mps=speed_mps,
        reach_m=reach_m,
        is_bicycle=is_bicycle,
        yields=np.array([lane in yielding for lane in lanes]),
        beside=tuple(tuple(sorted(lanes.index(k) for k in _beside(road, lane) if k in lanes)) for lane in lanes),
        upstream=upstream,
        crossings=crossings,
        crossing_links=tuple(
            (int(road.crosswalks.link_index[road.crosswalks.lane.tolist().index(c)]),) for c in crossings
        ),
        stages=stages,
        serves=serves,
        min_s=min_s,
        max_s=np.array([stage.max_s for stage in configuration.stages]),
        change_s=change_s,
        served_in_change_s=served,
    )


def _crossings(road: RoadModel, where: int, groups: dict[int, list[str]]) -> tuple[tuple[int, ...], list[set[str]]]:
    crosswalks = road.crosswalks
    rows = [k for k in range(len(crosswalks)) if crosswalks.intersection[k] == where]
    rows = [k for k in rows if groups.get(int(crosswalks.link_index[k]))]
    return tuple(int(crosswalks.lane[k]) for k in rows), [set(groups[int(crosswalks.link_index[k])]) for k in rows]


def _changes(
    configuration: SignalConfiguration, queues: list[set[str]]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    stages = configuration.stages
    count = len(stages)
    min_s, change_s = np.zeros(count), np.zeros((count, count))
    served = np.zeros((count, count, len(queues)))
    for a, first in enumerate(stages):
        earliest = []
        for b, second in enumerate(stages):
            if a == b:
                continue
            timeline = change(configuration, first.name, second.name, 0.1)
            change_s[a, b] = timeline.duration / 10
            earliest.append((((b - a) % count), timeline.earliest / 10))
            for k, groups in enumerate(queues):
                ends = [timeline.endings[g].flashing_ends / 10 for g in groups if g in timeline.endings]
                stays = any(g in first.green and g in second.green for g in groups)
                if stays:
                    served[a, b, k] = change_s[a, b]
                elif ends:
                    served[a, b, k] = max(ends) + 1.0  # people use the first second of yellow
        min_s[a] = min(earliest)[1]
    return min_s, change_s, served


def _upstream(road: RoadModel, lanes: tuple[int, ...], speed_mps: NDArray[np.float64]) -> dict[int, Upstream]:
    """Lanes within `UPSTREAM_M`, with the approach lanes that they lead to, lane changes included."""
    limits = np.maximum(np.nan_to_num(road.lanes.speed_limit_mps, nan=13.9), SLOWEST_MPS)
    at = road.connections
    around = at.turn == Turn.TURN_AROUND  # who has just left would seem to come again from the end of every dead end
    returning = set(at.via_lane[around].tolist()) | set(zip(at.from_lane[around], at.to_lane[around], strict=True))
    reach: dict[int, tuple[float, float, set[int]]] = {}
    ahead: dict[int, set[int]] = {}
    inside: dict[int, float] = {}
    yielding, waiting = _yielding(road), set()  # lanes inside junctions that yield, and those before them
    for number, lane in enumerate(lanes):
        length_m = float(road.lanes.length_m[lane])
        todo = [(lane, length_m, length_m / float(speed_mps[number]), 0.0, False)]
        beside = {lanes.index(k) for k in _beside(road, lane) if k in lanes}
        seen = {lane}
        while todo:
            current, distance_m, free_s, inside_m, waits = todo.pop()
            if distance_m > UPSTREAM_M:
                continue
            for before in road.lanes.predecessors[current]:
                before = int(before)
                if before in seen or road.lanes.kind[before] not in (LaneKind.ROAD, LaneKind.JUNCTION):
                    continue
                if before in returning or (before, current) in returning or _is_signalised_entry(road, before, current):
                    continue
                seen.add(before)
                length_m = float(road.lanes.length_m[before])
                found = distance_m + length_m, free_s + length_m / float(limits[before])
                old = reach.get(before, (*found, set()))
                reach[before] = (*min(found, old[:2]), old[2] | beside)
                ahead.setdefault(before, set()).add(number)
                if found <= old[:2]:
                    inside[before] = inside_m
                is_inside = road.lanes.kind[before] == LaneKind.JUNCTION
                if is_inside or waits:
                    waiting.add(before)
                todo.append((before, *found, inside_m + is_inside * length_m, waits or before in yielding))
    merged = {}
    for lane, (to_stop_m, to_stop_s, choices) in reach.items():
        if lane in lanes:
            continue
        for side in (road.lanes.left, road.lanes.right):
            neighbour = int(side[lane])
            if neighbour in reach and neighbour not in lanes and _share(road, neighbour, lane):
                choices = choices | reach[neighbour][2]
        merged[lane] = Upstream(
            lane, to_stop_m, to_stop_s, float(limits[lane]), tuple(sorted(choices)), tuple(sorted(ahead[lane])),
            inside[lane], len(ahead[lane]) == 1 and lane not in waiting,
        )  # fmt: skip
    return merged


def _yielding(road: RoadModel) -> set[int]:
    """Lanes inside junctions on which somebody may have to wait for others."""
    areas = road.conflict_areas
    rows = zip(areas.lane_a.tolist(), areas.lane_b.tolist(), areas.right_of_way.tolist(), strict=True)
    found = set()
    for a, b, rule in rows:
        found |= {a} if rule in (RightOfWay.A_YIELDS, RightOfWay.BOTH_YIELD) else set()
        found |= {b} if rule in (RightOfWay.B_YIELDS, RightOfWay.BOTH_YIELD) else set()
    return found


def _share(road: RoadModel, a: int, b: int) -> bool:
    """Whether motor vehicles may use both lanes."""
    return bool(road.lanes.participants[a] & road.lanes.participants[b] & int(Participants.MOTOR))


def _beside(road: RoadModel, lane: int) -> set[int]:
    """A lane and those beside it that its traffic can change to."""
    found, todo = {lane}, [lane]
    while todo:
        current = todo.pop()
        for side in (road.lanes.left, road.lanes.right):
            neighbour = int(side[current])
            if neighbour >= 0 and neighbour not in found and _share(road, neighbour, current):
                found.add(neighbour)
                todo.append(neighbour)
    return found


def _is_signalised_entry(road: RoadModel, before: int, current: int) -> bool:
    """Whether traffic from `before` to `current` passes another signal: then `before` belongs to that intersection."""
    at = road.connections
    same = (at.from_lane == before) & (at.intersection >= 0)
    return bool(same.any() and (at.via_lane[same] == current).any())
