"""Reader of Lanelet2 maps (OSM XML), Autoware's among them, into a road model.

Lanelet2 knows no junctions, merges or crossings. Lanelets for vehicles that share ground with others they neither follow
nor lie beside are taken as lanes inside a junction; lanelets that overlap belong to the same one.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import shapely

from lukou_maps.assembly import simplified, stop_lines
from lukou_maps.drafts import (
    PARTICIPANTS,
    CrosswalkDraft,
    LaneDraft,
    connections_through,
    crosswalks_of,
    junction_outlines,
    junctions_of,
    lanes_of,
)
from lukou_maps.errors import MapFileError
from lukou_maps.furniture import Markings
from lukou_maps.lanelet2_file import Lanelet, Lanelet2File, Way, read_lanelet2_file
from lukou_maps.lanelet2_lanes import Bounds, bounds, centre_line
from lukou_maps.lanelet2_rules import (
    marking_rows,
    priorities,
    regulations,
    signal_columns,
    with_stop_lines,
)
from lukou_maps.ragged import Floats
from lukou_maps.road_model import RoadModel
from lukou_maps.vocabulary import Direction, LaneKind, LaneType, Participants

TOLERANCE_M = 0.005
"""Centre lines and half widths are exact to this after thinning. [m]"""

SHARED_GROUND_M2 = 0.5
"""Lanelets that overlap by less only touch. [m2]"""

CLEARANCE_M = 3.0
"""Lanelets whose heights differ by more pass over each other. [m]"""

SUBTYPES = {
    "road": LaneType.DRIVING,
    "highway": LaneType.DRIVING,
    "play_street": LaneType.DRIVING,
    "exit": LaneType.ENTRY_OR_EXIT,
    "bus_lane": LaneType.BUS,
    "bicycle_lane": LaneType.BICYCLE,
    "shared_walkway": LaneType.SIDEWALK,
    "walkway": LaneType.SIDEWALK,
    "stairs": LaneType.SIDEWALK,
    "crosswalk": LaneType.CROSSWALK,
    "road_shoulder": LaneType.SHOULDER,
    "pedestrian_lane": LaneType.SIDEWALK,
    "emergency_lane": LaneType.EMERGENCY,
    "rail": LaneType.RAIL,
}
"""Subtypes of lanelets ("Lanelet2 tagging specification" and Autoware's additions)."""

USERS = {
    "vehicle": Participants.MOTOR,
    "vehicle:car": Participants.CAR,
    "vehicle:car:electric": Participants.CAR,
    "vehicle:car:combustion": Participants.CAR,
    "vehicle:taxi": Participants.CAR,
    "vehicle:bus": Participants.BUS,
    "vehicle:truck": Participants.TRUCK,
    "vehicle:motorcycle": Participants.MOTORCYCLE,
    "vehicle:emergency": Participants.NOBODY,
    "bicycle": Participants.BICYCLE,
    "pedestrian": Participants.PEDESTRIAN,
    "train": Participants.RAIL,
}
"""Tags ``participant:…``."""


def read_lanelet2(path: str | Path) -> RoadModel:
    """Read a Lanelet2 map.

    Parameters
    ----------
    path : path
        An ``.osm`` file.

    Returns
    -------
    RoadModel
        The map in Autoware's local coordinates where the file has them, else in UTM less whole kilometres (see its
        frame); lanes are named by their lanelet's id.

    Raises
    ------
    MapFileError
        If it cannot be understood at all, or names GCJ-02 or BD-09.
    """
    path = Path(path)
    file = read_lanelet2_file(path)
    drafts, edges, kept = _drafts(file)
    if not drafts:
        raise MapFileError(f"{path}: expected at least one lanelet with an area, found none")
    number_of = {lanelet.name: k for k, lanelet in enumerate(kept)}
    before, after = _following(edges)
    _beside(drafts, edges, file)
    junction_names = _junctions(drafts, edges, kept, before, after)
    lanes = lanes_of(drafts, before, after, file.remarks)
    connections = connections_through(lanes)
    connections, intersections, groups = signal_columns(file, kept, number_of, lanes, connections, junction_names)
    crosswalks = [
        CrosswalkDraft(k, np.concatenate([edge.left, edge.right[::-1]])[:, :2], drafts[k].junction)
        for k, edge in enumerate(edges)
        if drafts[k].kind == LaneKind.CROSSWALK
    ]
    outlines = junction_outlines(lanes, len(junction_names))
    centres = [tuple(outline.mean(axis=0)) if len(outline) else (0.0, 0.0) for outline in outlines]
    return RoadModel(
        map_id=path.name.split(".")[0],
        version=1,
        frame=file.frame,
        lanes=lanes,
        connections=connections,
        stop_lines=with_stop_lines(file, kept, lanes, connections, stop_lines(lanes, connections)),
        crosswalks=crosswalks_of(crosswalks, lanes),
        junctions=junctions_of(junction_names, centres, [name in intersections for name in junction_names], outlines),
        intersections=intersections,
        signal_groups=groups,
        priorities=priorities(file, number_of, lanes),
        markings=Markings.of_rows(marking_rows(edges, lanes)),
        regulations=regulations(file, number_of, kept),
        remarks=tuple(file.remarks),
    )


def _drafts(file: Lanelet2File) -> tuple[list[LaneDraft], list[Bounds], list[Lanelet]]:
    drafts: list[LaneDraft] = []
    edges: list[Bounds] = []
    kept: list[Lanelet] = []
    for lanelet in file.lanelets.values():
        where = f"lanelet {lanelet.name}"
        edge = bounds(lanelet, file)
        line, across = centre_line(edge)
        if not np.isfinite(line).all() or np.hypot(across[:, 0], across[:, 1]).max() < 0.01:
            file.remarks.append(f"{where}: line {lanelet.line}: has no area, left out")
            continue
        subtype = lanelet.tags.get("subtype", "")
        kind = SUBTYPES.get(subtype, LaneType.UNKNOWN)
        if kind == LaneType.UNKNOWN:
            file.remarks.append(
                f"{where}: line {lanelet.line}: subtype {subtype!r} is not known; its tags say who uses it"
            )
        chosen = simplified(line, across, TOLERANCE_M)
        place = LaneKind.CROSSWALK if kind == LaneType.CROSSWALK else LaneKind.ROAD
        on_foot = kind in (LaneType.CROSSWALK, LaneType.SIDEWALK)
        one_way = lanelet.tags.get("one_way", "no" if on_foot else "yes") not in ("no", "false")
        drafts.append(
            LaneDraft(
                name=lanelet.name,
                points=line[chosen],
                across=across[chosen],
                kind=place,
                type=kind,
                direction=Direction.FORWARD if one_way else Direction.BOTH,
                participants=_participants(lanelet, kind),
                road=len(drafts),
                speed_mps=speed_of(lanelet.tags.get("speed_limit", ""), where, file.remarks),
            )
        )
        edges.append(edge)
        kept.append(lanelet)
    return drafts, edges, kept


def _participants(lanelet: Lanelet, kind: LaneType) -> int:
    users = PARTICIPANTS.get(kind, Participants.NOBODY)
    if lanelet.tags.get("subtype") == "shared_walkway":
        users |= Participants.BICYCLE
    if kind == LaneType.DRIVING and lanelet.tags.get("subtype") == "highway":
        users = Participants.MOTOR
    named = {k.removeprefix("participant:"): v for k, v in lanelet.tags.items() if k.startswith("participant:")}
    if any(value == "yes" for value in named.values()):
        users = Participants.NOBODY
    for name, value in sorted(named.items()):
        mask = USERS.get(name, Participants.NOBODY)
        users = users | mask if value == "yes" else users & ~mask
    return int(users)


def speed_of(text: str, where: str, remarks: list[str]) -> float:
    """Speed limit of a tag: km/h unless a unit follows. [m/s]"""
    if not text:
        return math.nan
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|m/s|mps)?\s*", text)
    if found is None:
        remarks.append(f"{where}: speed_limit {text[:20]!r} is not understood")
        return math.nan
    unit = {"mph": 0.44704, "m/s": 1.0, "mps": 1.0}.get(found[2] or "", 1.0 / 3.6)
    return float(found[1]) * unit


def _following(edges: list[Bounds]) -> tuple[list[int], list[int]]:
    """Lanelets that start at the two nodes at which another ends."""
    starts: dict[tuple[str, str], list[int]] = {}
    for k, edge in enumerate(edges):
        starts.setdefault((edge.left_nodes[0], edge.right_nodes[0]), []).append(k)
    before, after = [], []
    for k, edge in enumerate(edges):
        for other in starts.get((edge.left_nodes[-1], edge.right_nodes[-1]), []):
            if other != k:
                before.append(k)
                after.append(other)
    return before, after


def _beside(drafts: list[LaneDraft], edges: list[Bounds], file: Lanelet2File) -> None:
    """Neighbours: the left bound of one is the right bound of the other, run the same way."""
    right_of: dict[tuple[str, bool], int] = {}
    for k, edge in enumerate(edges):
        for way, forward in edge.right_ways:
            right_of[way.name, forward] = k
    for k, edge in enumerate(edges):
        if drafts[k].kind != LaneKind.ROAD:
            continue
        for way, forward in edge.left_ways:
            other = right_of.get((way.name, forward), -1)
            if other < 0 or other == k or drafts[other].kind != LaneKind.ROAD:
                continue
            from_left, from_right = may_cross(way, forward)
            drafts[k].left, drafts[other].right = other, k
            drafts[k].may_change_left, drafts[other].may_change_right = from_right, from_left


def may_cross(way: Way, forward: bool) -> tuple[bool, bool]:
    """Whether a line may be crossed from its left to its right, and from its right to its left, seen along the lane."""
    change = way.tags.get("lane_change")
    if change in ("yes", "no"):
        return change == "yes", change == "yes"
    left, right = way.tags.get("lane_change:left"), way.tags.get("lane_change:right")
    subtype = way.tags.get("subtype", "")
    kind = way.tags.get("type", "")
    # "solid_dashed": solid to the left of the line, dashed to its right; one may cross from the dashed side
    from_right = left == "yes" if left else subtype in ("dashed", "solid_dashed") or kind == "virtual"
    from_left = right == "yes" if right else subtype in ("dashed", "dashed_solid") or kind == "virtual"
    return (from_left, from_right) if forward else (from_right, from_left)


def _junctions(
    drafts: list[LaneDraft], edges: list[Bounds], kept: list[Lanelet], before: list[int], after: list[int]
) -> list[str]:
    """Mark the lanes inside junctions, number the junctions, and give their names."""
    areas = [_area(edge) for edge in edges]
    wheels = int(Participants.MOTOR | Participants.BICYCLE)
    vehicles = [k for k, draft in enumerate(drafts) if draft.kind == LaneKind.ROAD and draft.participants & wheels]
    joined = _Groups(len(drafts))
    inside = {k for k in vehicles if "turn_direction" in kept[k].tags}
    follows = set(zip(before, after, strict=True))
    if vehicles:
        tree = shapely.STRtree([areas[k] for k in vehicles])
        for a, b in tree.query([areas[k] for k in vehicles], predicate="intersects").T.tolist():
            first, second = vehicles[a], vehicles[b]
            if first >= second or (first, second) in follows or (second, first) in follows:
                continue
            if _beside_each_other(drafts, first, second) or not _same_level(edges[first], edges[second]):
                continue
            if shapely.intersection(areas[first], areas[second]).area > SHARED_GROUND_M2:
                inside |= {first, second}
                joined.join(first, second)
    for first, second in follows:
        if first in inside and second in inside:
            joined.join(first, second)
    number: dict[int, int] = {}
    names = []
    for k in sorted(inside):
        root = joined.root(k)
        if root not in number:
            number[root] = len(number)
            names.append(f"junction-{kept[root].name}")
        drafts[k].kind, drafts[k].junction = LaneKind.JUNCTION, number[root]
    _lead_to(drafts, follows)
    _crosswalk_junctions(drafts, areas)
    return names


def _lead_to(drafts: list[LaneDraft], follows: set[tuple[int, int]]) -> None:
    for first, second in sorted(follows):
        if drafts[first].kind == LaneKind.ROAD and drafts[second].kind == LaneKind.JUNCTION:
            drafts[first].junction = drafts[second].junction


def _crosswalk_junctions(drafts: list[LaneDraft], areas: list[shapely.Polygon]) -> None:
    """A crosswalk belongs to the junction whose lanes it touches, or that the lanes it crosses lead to."""
    lanes = [k for k, draft in enumerate(drafts) if draft.junction >= 0 and draft.kind <= LaneKind.JUNCTION]
    if not lanes:
        return
    tree = shapely.STRtree([areas[k] for k in lanes])
    for k, draft in enumerate(drafts):
        if draft.kind == LaneKind.CROSSWALK:
            touched = sorted(tree.query(areas[k], predicate="intersects").tolist())
            if touched:
                draft.junction = drafts[lanes[touched[0]]].junction


def _area(edge: Bounds) -> shapely.Polygon:
    return shapely.Polygon(np.concatenate([edge.left, edge.right[::-1]])[:, :2]).buffer(0)


def _beside_each_other(drafts: list[LaneDraft], first: int, second: int) -> bool:
    return second in (drafts[first].left, drafts[first].right)


def _same_level(first: Bounds, second: Bounds) -> bool:
    a: Floats = np.concatenate([first.left, first.right])
    b: Floats = np.concatenate([second.left, second.right])
    return bool(a[:, 2].min() - b[:, 2].max() < CLEARANCE_M and b[:, 2].min() - a[:, 2].max() < CLEARANCE_M)


class _Groups:
    """Disjoint sets."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, k: int) -> int:
        while self._parent[k] != k:
            self._parent[k] = self._parent[self._parent[k]]
            k = self._parent[k]
        return k

    def join(self, a: int, b: int) -> None:
        a, b = self.root(a), self.root(b)
        self._parent[max(a, b)] = min(a, b)
