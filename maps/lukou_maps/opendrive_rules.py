"""Signals, marks, signs and crosswalks of OpenDRIVE roads as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lukou_maps.drafts import band, middle_line
from lukou_maps.furniture import Markings, Regulations
from lukou_maps.opendrive_file import SPEED_UNITS
from lukou_maps.opendrive_records import MarkRecord, OpenDriveFile, Road, SignalRecord
from lukou_maps.ragged import Floats, Ragged
from lukou_maps.tables import Connections, Lanes
from lukou_maps.vocabulary import LaneKind, Marking, MarkingColour, RegulationKind, Side

if TYPE_CHECKING:
    from lukou_maps.opendrive import OpenDriveLanes

MARKINGS = {
    "none": Marking.NONE,
    "solid": Marking.SOLID,
    "broken": Marking.BROKEN,
    "solid solid": Marking.SOLID_SOLID,
    "solid broken": Marking.SOLID_BROKEN,
    "broken solid": Marking.BROKEN_SOLID,
    "broken broken": Marking.BROKEN_BROKEN,
    "botts dots": Marking.BROKEN,
    "curb": Marking.KERB,
    "grass": Marking.OTHER,
    "edge": Marking.OTHER,
    "custom": Marking.OTHER,
}
"""Types of road marks."""

COLOURS = {
    "white": MarkingColour.WHITE,
    "standard": MarkingColour.WHITE,
    "yellow": MarkingColour.YELLOW,
    "red": MarkingColour.RED,
    "blue": MarkingColour.BLUE,
    "green": MarkingColour.GREEN,
}
"""Colours of road marks; ``standard`` is white."""

SIGNS = {
    "206": RegulationKind.STOP,
    "205": RegulationKind.YIELD,
    "274": RegulationKind.SPEED_LIMIT,
    "283": RegulationKind.NO_STOPPING,
    "306": RegulationKind.RIGHT_OF_WAY,
    "301": RegulationKind.RIGHT_OF_WAY,
}
"""Codes of the German catalogue (VzKat), which OpenDRIVE files use as default."""


def signal_columns(
    file: OpenDriveFile, found: OpenDriveLanes, lanes: Lanes, connections: Connections
) -> tuple[Connections, tuple[str, ...], tuple[str, ...]]:
    """Connections with their signal groups, the intersections, and the groups' names.

    A group is a controller, or a signal that no controller drives. A signal before a junction rules the lanes it is valid
    for; one on a connecting road rules that road's lanes.
    """
    controller_of = {signal: name for name, signals in file.controllers.items() for signal in signals}
    junction_names = list(file.junctions)
    intersections: dict[str, int] = {}
    groups: dict[str, int] = {}
    numbers: dict[tuple[int, str], int] = {}
    columns = (np.full(len(connections), -1), np.full(len(connections), -1), np.full(len(connections), -1))
    for road in file.roads.values():
        for signal in road.signals:
            if not signal.is_dynamic:
                continue
            ruled = _lanes_ruled(found, road, signal)
            inside = lanes.kind[ruled] == LaneKind.JUNCTION
            rows = np.flatnonzero(
                np.isin(connections.via_lane, ruled[inside]) | np.isin(connections.from_lane, ruled[~inside])
            )
            for row in rows:
                junction = int(lanes.junction[connections.via_lane[row]])
                if junction < 0:
                    continue
                where = intersections.setdefault(junction_names[junction], len(intersections))
                name = controller_of.get(signal.name, signal.name)
                group = f"{junction_names[junction]}/{name}"
                link = numbers.setdefault((where, name), sum(1 for key in numbers if key[0] == where))
                if columns[0][row] < 0 or name in controller_of.values():
                    columns[0][row], columns[1][row] = where, link
                    columns[2][row] = groups.setdefault(group, len(groups))
    filled = replace(
        connections,
        intersection=columns[0].astype(np.int64),
        link_index=columns[1].astype(np.int64),
        signal_group=columns[2].astype(np.int64),
    )
    return filled, tuple(intersections), tuple(groups)


def _lanes_ruled(found: OpenDriveLanes, road: Road, signal: SignalRecord) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Lanes of a road that a signal is valid for, in the section at one of its ends that traffic leaves by."""
    ruled = []
    for place, section in enumerate(road.sections):
        for number in section.lanes:
            lane = found.index.get((road.name, place, number))
            if lane is None:
                continue
            forward = found.forward[lane]
            if signal.orientation in ("+", "-") and forward != (signal.orientation == "+"):
                continue
            if signal.lanes and not any(first <= number <= last for first, last in signal.lanes):
                continue
            if place == (len(road.sections) - 1 if forward else 0) or road.junction:
                ruled.append(lane)
    return np.array(ruled, np.int64)


def markings(file: OpenDriveFile, found: OpenDriveLanes, lanes: Lanes) -> Markings:
    """Runs of marks along both sides of every lane."""
    rows: list[tuple[int, int, float, float, int, int, bool]] = []
    for (road_name, place, number), lane in found.index.items():
        section = file.roads[road_name].sections[place]
        length, forward = section.end_m - section.start_m, found.forward[lane]
        scale = lanes.length_m[lane] / length
        towards = number + (1 if number < 0 else -1)
        for source, is_inner in ((number, False), (towards, True)):
            record = section.lanes.get(source)
            if record is None:
                continue
            inner_is_left = (number < 0) == forward
            side = Side.LEFT if is_inner == inner_is_left else Side.RIGHT
            outward = "decrease" if number < 0 else "increase"
            inward = "increase" if number < 0 else "decrease"
            wanted = inward if is_inner else outward
            for begin, end, mark in _runs(record.marks, length):
                first, last = (begin, end) if forward else (length - end, length - begin)
                crossing = (mark.lane_change or "both") in ("both", wanted) and mark.kind not in ("curb", "solid solid")
                kind, colour = MARKINGS.get(mark.kind, Marking.OTHER), COLOURS.get(mark.colour, MarkingColour.UNKNOWN)
                rows.append((lane, int(side), first * scale, last * scale, int(kind), int(colour), crossing))
    rows.sort()
    return Markings.of_rows(rows)


def _runs(marks: list[MarkRecord], length: float) -> Iterator[tuple[float, float, MarkRecord]]:
    for k, mark in enumerate(marks):
        end = marks[k + 1].offset_m if k + 1 < len(marks) else length
        begin, end = max(mark.offset_m, 0.0), min(end, length)
        if end > begin:
            yield begin, end, mark


def regulations(file: OpenDriveFile, found: OpenDriveLanes) -> Regulations:
    """Signs beside the roads."""
    names, codes, kinds, values, lanes = [], [], [], [], []
    places: list[tuple[float, float]] = []
    for road in file.roads.values():
        for signal in road.signals:
            if signal.is_dynamic:
                continue
            code = signal.code.rpartition(":")[2].split("/")[0]
            kind = SIGNS.get(code, RegulationKind.TRAFFIC_SIGN)
            x, y, _ = road.position(np.array([signal.s_m]), np.array([signal.t_m]), np.zeros(1))
            scale = SPEED_UNITS.get(signal.unit, 1.0) if kind == RegulationKind.SPEED_LIMIT else 1.0
            names.append(signal.name)
            codes.append(signal.code)
            kinds.append(int(kind))
            values.append(signal.value * scale)
            places.append((float(x[0]), float(y[0])))
            lanes.append(_lanes_ruled(found, road, signal).tolist())
    place = np.nan_to_num(np.array(places, np.float64).reshape(-1, 2), nan=0.0, posinf=0.0, neginf=0.0)
    return Regulations(
        names=tuple(names),
        codes=tuple(codes),
        kind=np.array(kinds, np.int64),
        x_m=place[:, 0].copy(),
        y_m=place[:, 1].copy(),
        value=np.array(values, np.float64),
        lanes=Ragged.of(lanes),
    )


def crosswalk_outlines(file: OpenDriveFile, road: Road) -> Iterator[tuple[str, Floats, float, Floats]]:
    """Name, centre line (k, 3), width and outline (c, 2) of each crosswalk on a road. [m]"""
    for thing in road.objects:
        if thing.kind.lower() not in ("crosswalk", "zebra", "pedestriancrossing"):
            continue
        if len(thing.corners) >= 3 and not thing.corners_are_local:
            s, t = np.array(thing.corners).T
            x, y, z = road.position(s, t, np.zeros(len(s)))
        else:
            u, v = _local_corners(thing.corners, thing.length_m, thing.width_m)
            if u is None or v is None:
                file.remarks.append(f"road {road.name}: crosswalk {thing.name}: has no outline, left out")
                continue
            x0, y0, heading = road.plan.pose(np.array([thing.s_m]))
            turn = heading[0] + thing.heading_rad
            x = x0 - np.sin(heading) * thing.t_m + u * np.cos(turn) - v * np.sin(turn)
            y = y0 + np.cos(heading) * thing.t_m + u * np.sin(turn) + v * np.cos(turn)
            z = np.full(len(x), float(road.elevation(np.array([thing.s_m]))[0]))
        outline = np.column_stack([x, y])
        if not np.isfinite(outline).all() or np.abs(outline).max() > 1e9:
            file.remarks.append(f"road {road.name}: crosswalk {thing.name}: has no place, left out")
            continue
        line, width = middle_line(outline)
        if width < 0.2:
            width = 0.2
            outline = band(line, width)
        yield thing.name, np.column_stack([line, np.full(len(line), float(z.mean()))]), width, outline


def _local_corners(
    corners: list[tuple[float, float]], length_m: float, width_m: float
) -> tuple[Floats, Floats] | tuple[None, None]:
    if len(corners) >= 3:
        u, v = np.array(corners).T
        return u, v
    if length_m > 0 and width_m > 0:
        return np.array([-1, 1, 1, -1]) * length_m / 2.0, np.array([-1, -1, 1, 1]) * width_m / 2.0
    return None, None
