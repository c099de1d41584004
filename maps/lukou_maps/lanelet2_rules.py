"""Regulatory elements and line markings of Lanelet2 maps as columns."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lukou_maps.furniture import MarkingRow, Regulations
from lukou_maps.lanelet2_file import Lanelet, Lanelet2File, Rule
from lukou_maps.lanelet2_lanes import Bounds
from lukou_maps.ragged import Ragged
from lukou_maps.tables import Connections, Lanes, Priorities, StopLines
from lukou_maps.vocabulary import LaneKind, Marking, MarkingColour, RegulationKind, Side

MARKINGS = {
    "solid": Marking.SOLID,
    "dashed": Marking.BROKEN,
    "solid_solid": Marking.SOLID_SOLID,
    "solid_dashed": Marking.SOLID_BROKEN,
    "dashed_solid": Marking.BROKEN_SOLID,
}
"""Subtypes of ``line_thin`` and ``line_thick``."""

BUILT = {"curbstone": Marking.KERB, "wall": Marking.WALL, "fence": Marking.WALL, "guard_rail": Marking.WALL}
"""Types of bounds that are no lines."""

KINDS = {
    "traffic_light": RegulationKind.TRAFFIC_LIGHT,
    "right_of_way": RegulationKind.RIGHT_OF_WAY,
    "all_way_stop": RegulationKind.STOP,
    "speed_limit": RegulationKind.SPEED_LIMIT,
    "traffic_sign": RegulationKind.TRAFFIC_SIGN,
    "no_stopping_area": RegulationKind.NO_STOPPING,
    "no_parking_area": RegulationKind.NO_STOPPING,
}
"""Subtypes of regulatory elements."""

NEAR_STOP_LINE_M = 10.0
"""A stop line farther than this from the lane's end does not move that lane's line. [m]"""


def marking_rows(edges: Sequence[Bounds], lanes: Lanes) -> list[MarkingRow]:
    """One row per way and side: (lane, side, from, to, kind, colour, may cross)."""
    from lukou_maps.lanelet2 import may_cross

    rows: list[MarkingRow] = []
    for k, edge in enumerate(edges):
        for side, ways in ((Side.LEFT, edge.left_ways), (Side.RIGHT, edge.right_ways)):
            lengths = [float(np.hypot(*np.diff(way.points[:, :2], axis=0).T).sum()) for way, _ in ways]
            total, begin = max(sum(lengths), 1e-9), 0.0
            for (way, forward), length in zip(ways, lengths, strict=True):
                end = begin + length / total * float(lanes.length_m[k])
                type_, subtype = way.tags.get("type", ""), way.tags.get("subtype", "")
                kind = BUILT.get(type_, MARKINGS.get(subtype, Marking.NONE if type_ == "virtual" else Marking.UNKNOWN))
                if not forward:
                    mirrored = {Marking.SOLID_BROKEN: Marking.BROKEN_SOLID, Marking.BROKEN_SOLID: Marking.SOLID_BROKEN}
                    kind = mirrored.get(kind, kind)
                colour = {"yellow": MarkingColour.YELLOW, "white": MarkingColour.WHITE}.get(
                    way.tags.get("color", ""), MarkingColour.UNKNOWN
                )
                from_left, from_right = may_cross(way, forward)
                crossing = from_right if side == Side.LEFT else from_left
                rows.append((k, int(side), begin, end, int(kind), int(colour), crossing))
                begin = end
    return rows


def _subtype(file: Lanelet2File, name: str) -> str:
    rule = file.rules.get(name)
    return rule.tags.get("subtype", "") if rule is not None else ""


def signal_columns(
    file: Lanelet2File,
    kept: Sequence[Lanelet],
    number_of: dict[str, int],
    lanes: Lanes,
    connections: Connections,
    junction_names: Sequence[str],
) -> tuple[Connections, tuple[str, ...], tuple[str, ...]]:
    """Connections with their traffic lights: a light rules the lanelets that refer to it, before or inside the junction."""
    lights = {k: [name for name in one.rules if _subtype(file, name) == "traffic_light"] for k, one in enumerate(kept)}
    for one in kept:
        for name in one.rules:
            if name not in file.rules:
                file.remarks.append(f"lanelet {one.name}: refers to regulatory element {name}, which is missing")
    columns = np.full((3, len(connections)), -1, np.int64)
    intersections: dict[str, int] = {}
    groups: dict[str, int] = {}
    numbers: dict[tuple[int, str], int] = {}
    for row, (before, via) in enumerate(
        zip(connections.from_lane.tolist(), connections.via_lane.tolist(), strict=True)
    ):
        found = lights[via] or lights[before]
        if not found or lanes.junction[via] < 0:
            continue
        junction = junction_names[lanes.junction[via]]
        where = intersections.setdefault(junction, len(intersections))
        link = numbers.setdefault((where, found[0]), sum(1 for key in numbers if key[0] == where))
        columns[:, row] = where, link, groups.setdefault(f"{junction}/{found[0]}", len(groups))
    filled = replace(connections, intersection=columns[0], link_index=columns[1], signal_group=columns[2])
    return filled, tuple(intersections), tuple(groups)


def with_stop_lines(
    file: Lanelet2File, kept: Sequence[Lanelet], lanes: Lanes, connections: Connections, lines: StopLines
) -> StopLines:
    """Stop lines moved to where the reference lines of lights and rules of way are drawn."""
    s_m = lines.s_m.copy()
    ends = [column.copy() for column in (lines.left_x_m, lines.left_y_m, lines.right_x_m, lines.right_y_m)]
    for row, lane in enumerate(lines.lane.tolist()):
        inner = connections.via_lane[lines.connections[row]].tolist()
        names = [name for k in [lane, *inner] if k >= 0 for name in kept[k].rules]
        drawn = [ref for name in names if name in file.rules for ref in file.rules[name].members.get("ref_line", [])]
        points = lanes.points(lane)
        last = np.array([lanes.x_m[points][-1], lanes.y_m[points][-1]])
        before = np.array([lanes.x_m[points][-2], lanes.y_m[points][-2]])
        for kind, ref in drawn:
            way = file.ways.get(ref) if kind == "way" else None
            if way is None:
                continue
            line = way.points[[0, -1], :2]
            forward = (last - before) / max(float(np.hypot(*(last - before))), 1e-9)
            past = float((line.mean(axis=0) - last) @ forward)
            if np.hypot(*(line.mean(axis=0) - last)) > NEAR_STOP_LINE_M + lines_length(line) / 2.0 or past > 2.0:
                continue
            s_m[row] = np.clip(lanes.length_m[lane] + past, 0.0, lanes.length_m[lane])
            across = line[1] - line[0]
            left_first = forward[0] * across[1] - forward[1] * across[0] < 0
            left, right = (line[0], line[1]) if left_first else (line[1], line[0])
            ends[0][row], ends[1][row], ends[2][row], ends[3][row] = left[0], left[1], right[0], right[1]
            break
    return replace(lines, s_m=s_m, left_x_m=ends[0], left_y_m=ends[1], right_x_m=ends[2], right_y_m=ends[3])


def lines_length(line: np.ndarray) -> float:  # type: ignore[type-arg]
    """Length of a line of two points. [m]"""
    return float(np.hypot(*(line[1] - line[0])))


def priorities(file: Lanelet2File, number_of: dict[str, int], lanes: Lanes) -> Priorities:
    """Pairs of lanes inside junctions of which regulatory elements say who yields."""
    rows: dict[tuple[int, int], bool] = {}
    for rule in file.rules.values():
        if rule.tags.get("subtype") != "right_of_way":
            continue
        first = _inside(_members(rule, "right_of_way", number_of), lanes)
        yielding = _inside(_members(rule, "yield", number_of), lanes)
        for a in yielding:
            for b in first:
                if a != b:
                    rows[a, b] = True
                    rows.setdefault((b, a), False)
    keys = sorted(rows)
    return Priorities(
        lane=np.array([a for a, _ in keys], np.int64),
        foe=np.array([b for _, b in keys], np.int64),
        yields=np.array([rows[key] for key in keys], np.bool_),
    )


def _members(rule: Rule, role: str, number_of: dict[str, int]) -> list[int]:
    return [number_of[ref] for kind, ref in rule.members.get(role, []) if kind == "relation" and ref in number_of]


def _inside(chosen: list[int], lanes: Lanes) -> list[int]:
    """Lanes inside the junction: themselves, or those that follow an approach."""
    found = []
    for lane in chosen:
        if lanes.kind[lane] == LaneKind.JUNCTION:
            found.append(lane)
        else:
            found += [int(k) for k in lanes.successors[lane] if lanes.kind[k] == LaneKind.JUNCTION]
    return found


def regulations(file: Lanelet2File, number_of: dict[str, int], kept: Sequence[Lanelet]) -> Regulations:
    """All regulatory elements, with the lanes that refer to them."""
    referring: dict[str, list[int]] = {}
    for k, one in enumerate(kept):
        for name in one.rules:
            referring.setdefault(name, []).append(k)
    names, codes, kinds, values, places, lanes = [], [], [], [], [], []
    for rule in file.rules.values():
        subtype = rule.tags.get("subtype", "")
        sign = rule.tags.get("sign_type", "")
        number = re.search(r"(\d+)\s*$", sign) if subtype == "speed_limit" else None
        names.append(rule.name)
        codes.append("/".join(part for part in (subtype, sign) if part))
        kinds.append(int(KINDS.get(subtype, RegulationKind.OTHER)))
        values.append(float(number[1]) / 3.6 if number and len(number[1]) < 4 else math.nan)
        ways = [file.ways[ref] for kind, ref in rule.members.get("refers", []) if kind == "way" and ref in file.ways]
        places.append(ways[0].points[:, :2].mean(axis=0) if ways else np.full(2, np.nan))
        lanes.append(sorted(set(referring.get(rule.name, []))))
    place = np.array(places, np.float64).reshape(-1, 2)
    return Regulations(
        names=tuple(names),
        codes=tuple(codes),
        kind=np.array(kinds, np.int64),
        x_m=place[:, 0].copy(),
        y_m=place[:, 1].copy(),
        value=np.array(values, np.float64),
        lanes=Ragged.of(lanes),
    )
