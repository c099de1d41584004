"""Reader of SUMO networks (``.net.xml``, also gzipped).

Written after the format's documentation ("SUMO Road Networks", Eclipse SUMO user documentation). What is odd becomes a
remark that names the element; only what cannot be understood at all is refused.
"""

from __future__ import annotations

import gzip
import math
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lukou_maps.conflict_areas import conflict_areas
from lukou_maps.errors import MapFileError
from lukou_maps.geometry import LaneGeometry, arc_length
from lukou_maps.ragged import Floats, Ints, Ragged
from lukou_maps.road_model import (
    Connections,
    Crosswalks,
    Junctions,
    LaneKind,
    Lanes,
    MapFrame,
    Participants,
    RightOfWay,
    RoadModel,
    StopLines,
    Turn,
)

DEFAULT_LANE_WIDTH_M = 3.2
"""Width of a lane without attribute ``width`` (SUMO_const_laneWidth of the SUMO documentation). [m]"""

DEFAULT_CROSSING_WIDTH_M = 4.0
"""Width of a crossing without attribute ``width`` (netconvert's ``default.crossing-width``). [m]"""

VEHICLE_CLASSES: dict[str, Participants] = {
    "passenger": Participants.CAR,
    "taxi": Participants.CAR,
    "hov": Participants.CAR,
    "evehicle": Participants.CAR,
    "private": Participants.CAR,
    "delivery": Participants.TRUCK,
    "truck": Participants.TRUCK,
    "trailer": Participants.TRUCK,
    "bus": Participants.BUS,
    "coach": Participants.BUS,
    "motorcycle": Participants.MOTORCYCLE,
    "moped": Participants.MOTORCYCLE,
    "bicycle": Participants.BICYCLE,
    "scooter": Participants.BICYCLE,
    "pedestrian": Participants.PEDESTRIAN,
    "wheelchair": Participants.PEDESTRIAN,
    "tram": Participants.RAIL,
    "rail": Participants.RAIL,
    "rail_urban": Participants.RAIL,
    "rail_electric": Participants.RAIL,
    "rail_fast": Participants.RAIL,
    "subway": Participants.RAIL,
    "cable_car": Participants.RAIL,
}
"""SUMO's vehicle classes as kinds of road users; classes not named (ship, aircraft …) use no lane of ours."""

_PRINCIPAL_CLASSES = {"passenger", "truck", "bus", "motorcycle", "bicycle", "pedestrian", "tram"}
"""Where a lane disallows one of these, it is closed to the whole kind; the other classes are special cases of them."""

_TURNS = {"s": Turn.STRAIGHT, "l": Turn.LEFT, "L": Turn.LEFT, "r": Turn.RIGHT, "R": Turn.RIGHT, "t": Turn.TURN_AROUND}
_KINDS = {
    "internal": LaneKind.JUNCTION,
    "crossing": LaneKind.CROSSWALK,
    "walkingarea": LaneKind.WALKING_AREA,
}


@dataclass
class _Lane:
    name: str
    shape: list[tuple[float, float, float]]
    width_m: float
    speed_mps: float
    kind: LaneKind
    participants: int
    junction: str
    edge: str
    position: int
    outline: str


@dataclass
class _File:
    """What stands in the file, element by element."""

    frame: MapFrame = field(default_factory=MapFrame)
    lanes: list[_Lane] = field(default_factory=list)
    lane_of_edge: dict[tuple[str, int], int] = field(default_factory=dict)
    crossed_edges: dict[str, list[str]] = field(default_factory=dict)
    connections: list[dict[str, str]] = field(default_factory=list)
    junctions: list[tuple[dict[str, str], list[dict[str, str]]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_sumo(path: str | Path) -> RoadModel:
    """Read a SUMO network.

    Parameters
    ----------
    path : path
        A ``.net.xml`` or ``.net.xml.gz`` file.

    Returns
    -------
    RoadModel
        The map in SUMO's own coordinates; its id is the file's name without suffixes.

    Raises
    ------
    MapFileError
        If the file cannot be opened, is not XML or is not a SUMO network.
    """
    path = Path(path)
    content = _parse(path)
    if not content.lanes:
        raise MapFileError(f"{path}: expected a SUMO network with at least one lane, found none; is it a .net.xml?")
    lanes = _lanes(content)
    connections, intersections, link_of_crosswalk = _connections(content, lanes)
    junctions = _junctions(content)
    return RoadModel(
        map_id=path.name.split(".")[0],
        version=1,
        frame=content.frame,
        lanes=lanes,
        connections=connections,
        stop_lines=_stop_lines(lanes, connections),
        crosswalks=_crosswalks(content, lanes, link_of_crosswalk),
        junctions=junctions,
        conflict_areas=conflict_areas(lanes, _RightOfWay(content, lanes)),
        intersections=intersections,
        remarks=tuple(content.remarks),
    )


def _parse(path: Path) -> _File:
    content = _File()
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for _, element in ElementTree.iterparse(stream):
                if element.tag in _ELEMENTS:
                    _ELEMENTS[element.tag](content, element)
                    element.clear()
    except ElementTree.ParseError as error:
        raise MapFileError(f"{path}: line {error.position[0]}: not well-formed XML: {error}") from error
    except (OSError, EOFError) as error:
        raise MapFileError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:
        raise MapFileError(f"{path}: {error}") from error
    return content


def _take_location(content: _File, element: ElementTree.Element) -> None:
    offset = _numbers(element.get("netOffset", "0,0"), "location: netOffset")
    projection = element.get("projParameter", "!")
    content.frame = MapFrame("" if projection in ("!", "-") else projection, offset[0], offset[1])


def _take_edge(content: _File, element: ElementTree.Element) -> None:
    name, function = element.get("id", ""), element.get("function", "normal")
    kind = _KINDS.get(function, LaneKind.ROAD)
    junction = element.get("to", "") if kind == LaneKind.ROAD else name[1:].rpartition("_")[0]
    if kind == LaneKind.CROSSWALK:
        content.crossed_edges[name] = element.get("crossingEdges", "").split()
    for lane in element.findall("lane"):
        where = lane.get("id", f"{name}_{lane.get('index', '?')}")
        shape = _shape(lane.get("shape") or element.get("shape") or "", f"lane {where}")
        if len(shape) < 2:
            content.remarks.append(f"lane {where}: has no length")
            x, y, z = shape[0] if shape else (0.0, 0.0, 0.0)
            shape = [(x, y, z), (x + 0.01, y, z)]
        default = DEFAULT_CROSSING_WIDTH_M if kind == LaneKind.CROSSWALK else DEFAULT_LANE_WIDTH_M
        width = _number(lane.get("width"), default, f"lane {where}: width")
        if width <= 0:
            content.remarks.append(f"lane {where}: width {width:g} m, taken as {default:g} m")
            width = default
        position = int(_number(lane.get("index"), 0.0, f"lane {where}: index"))
        content.lane_of_edge[name, position] = len(content.lanes)
        content.lanes.append(
            _Lane(
                name=where,
                shape=shape,
                width_m=width,
                speed_mps=_number(lane.get("speed"), math.nan, f"lane {where}: speed"),
                kind=kind,
                participants=_participants(lane.get("allow"), lane.get("disallow")),
                junction=junction,
                edge=name,
                position=position,
                outline=lane.get("outlineShape", ""),
            )
        )


def _take_connection(content: _File, element: ElementTree.Element) -> None:
    content.connections.append(dict(element.attrib))


def _take_junction(content: _File, element: ElementTree.Element) -> None:
    if element.get("type") != "internal":
        content.junctions.append((dict(element.attrib), [dict(row.attrib) for row in element.findall("request")]))


_ELEMENTS = {
    "location": _take_location,
    "edge": _take_edge,
    "connection": _take_connection,
    "junction": _take_junction,
}


def _number(text: str | None, default: float, where: str) -> float:
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{where}: expected a number, found {text[:40]!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, found {text!r}")
    return value


def _numbers(text: str, where: str) -> list[float]:
    return [_number(part, 0.0, where) for part in text.split(",")]


def _shape(text: str, where: str) -> list[tuple[float, float, float]]:
    """Points of a shape, without those that repeat the one before."""
    points: list[tuple[float, float, float]] = []
    for part in text.split():
        numbers = _numbers(part, f"{where}: shape")
        if len(numbers) not in (2, 3):
            raise ValueError(f"{where}: shape: expected x,y or x,y,z, found {part[:40]!r}")
        point = (numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else 0.0)
        if not points or math.hypot(point[0] - points[-1][0], point[1] - points[-1][1]) > 1e-6:
            points.append(point)
    return points


def _participants(allow: str | None, disallow: str | None) -> int:
    if allow is not None and allow != "all":
        return int(_union(allow))
    if disallow is not None:
        if disallow == "all":
            return 0
        refused = _union(" ".join(set(disallow.split()) & _PRINCIPAL_CLASSES))
        return int(Participants.ALL & ~refused)
    return int(Participants.ALL)


def _union(names: str) -> Participants:
    united = Participants.NOBODY
    for name in names.split():
        united |= VEHICLE_CLASSES.get(name, Participants.NOBODY)
    return united


def _lanes(content: _File) -> Lanes:
    rows = content.lanes
    start = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(row.shape) for row in rows], out=start[1:])
    points = np.array([point for row in rows for point in row.shape])
    s_m = arc_length(points[:, 0], points[:, 1], start)
    junctions = {attributes.get("id", ""): k for k, (attributes, _) in enumerate(content.junctions)}
    successors, predecessors = _neighbours_along(content)
    beside = content.lane_of_edge
    return Lanes(
        names=tuple(row.name for row in rows),
        point_start=start,
        x_m=points[:, 0].copy(),
        y_m=points[:, 1].copy(),
        z_m=points[:, 2].copy(),
        s_m=s_m,
        length_m=s_m[start[1:] - 1],
        width_m=np.array([row.width_m for row in rows]),
        speed_limit_mps=np.array([row.speed_mps for row in rows]),
        kind=np.array([int(row.kind) for row in rows], np.int64),
        participants=np.array([row.participants for row in rows], np.int64),
        junction=np.array([junctions.get(row.junction, -1) for row in rows], np.int64),
        left=np.array([_beside(beside, row, +1) for row in rows], np.int64),
        right=np.array([_beside(beside, row, -1) for row in rows], np.int64),
        successors=successors,
        predecessors=predecessors,
    )


def _beside(lanes: dict[tuple[str, int], int], row: _Lane, step: int) -> int:
    return lanes.get((row.edge, row.position + step), -1) if row.kind == LaneKind.ROAD else -1


def _neighbours_along(content: _File) -> tuple[Ragged, Ragged]:
    index = {row.name: k for k, row in enumerate(content.lanes)}
    after: list[list[int]] = [[] for _ in content.lanes]
    before: list[list[int]] = [[] for _ in content.lanes]
    for row in content.connections:
        source = _end(content, row, "from")
        target = index.get(row["via"], -1) if "via" in row else _end(content, row, "to")
        if source < 0 or target < 0:
            content.remarks.append(f"connection {row.get('from')} -> {row.get('to')}: names a lane that is not there")
        elif target not in after[source]:
            after[source].append(target)
            before[target].append(source)
    return Ragged.of(after), Ragged.of(before)


def _end(content: _File, row: dict[str, str], side: str) -> int:
    position = _number(row.get(f"{side}Lane"), 0.0, f"connection {row.get('from')} -> {row.get('to')}: {side}Lane")
    return content.lane_of_edge.get((row.get(side, ""), int(position)), -1)


def _connections(content: _File, lanes: Lanes) -> tuple[Connections, tuple[str, ...], dict[int, tuple[int, int]]]:
    """Connections of road lanes, the signalised intersections, and the signal of each crosswalk's lane."""
    names: dict[str, int] = {}
    rows: list[tuple[int, int, int, int, int, int]] = []
    link_of_crosswalk: dict[int, tuple[int, int]] = {}
    for row in content.connections:
        source, target = _end(content, row, "from"), _end(content, row, "to")
        if source < 0 or target < 0:
            continue
        intersection = names.setdefault(row["tl"], len(names)) if row.get("tl") else -1
        link = int(_number(row.get("linkIndex"), -1.0, f"connection {row.get('from')}: linkIndex"))
        link = link if intersection >= 0 else -1
        if lanes.kind[target] == LaneKind.CROSSWALK and intersection >= 0:
            link_of_crosswalk[target] = (intersection, link)
        if lanes.kind[source] != LaneKind.ROAD or lanes.kind[target] != LaneKind.ROAD:
            continue
        via = lanes.index.get(row.get("via", ""), -1)
        turn = _TURNS.get(row.get("dir", ""), Turn.UNKNOWN)
        rows.append((source, target, via, int(turn), intersection, link))
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    return Connections(*(column.copy() for column in columns)), tuple(names), link_of_crosswalk


def _stop_lines(lanes: Lanes, connections: Connections) -> StopLines:
    through = (connections.via_lane >= 0) | (connections.intersection >= 0)
    lane = np.unique(connections.from_lane[through])
    s_m = lanes.length_m[lane]
    x_m, y_m, heading = LaneGeometry(lanes).pose(lane, s_m)
    half = lanes.width_m[lane] / 2.0
    across_x, across_y = -np.sin(heading) * half, np.cos(heading) * half
    number = np.searchsorted(lane, connections.from_lane[through])
    return StopLines(
        lane=lane,
        s_m=s_m,
        left_x_m=x_m + across_x,
        left_y_m=y_m + across_y,
        right_x_m=x_m - across_x,
        right_y_m=y_m - across_y,
        connections=Ragged.grouped(number, np.flatnonzero(through), len(lane)),
    )


def _crosswalks(content: _File, lanes: Lanes, link_of_crosswalk: dict[int, tuple[int, int]]) -> Crosswalks:
    lane = np.flatnonzero(lanes.kind == LaneKind.CROSSWALK)
    of_edge: dict[str, list[int]] = {}
    for k, row in enumerate(content.lanes):
        of_edge.setdefault(row.edge, []).append(k)
    outlines = [_outline(content.lanes[k]) for k in lane]
    start = np.zeros(len(lane) + 1, np.int64)
    np.cumsum([len(outline) for outline in outlines], out=start[1:])
    corners = np.concatenate(outlines) if outlines else np.zeros((0, 2))
    crossed = [
        [k for edge in content.crossed_edges[content.lanes[c].edge] for k in of_edge.get(edge, [])] for c in lane
    ]
    links = [link_of_crosswalk.get(int(k), (-1, -1)) for k in lane]
    return Crosswalks(
        names=tuple(lanes.names[k] for k in lane),
        lane=lane,
        junction=lanes.junction[lane],
        intersection=np.array([link[0] for link in links], np.int64),
        link_index=np.array([link[1] for link in links], np.int64),
        outline_start=start,
        outline_x_m=corners[:, 0].copy(),
        outline_y_m=corners[:, 1].copy(),
        crossed_lanes=Ragged.of(crossed),
    )


def _outline(row: _Lane) -> Floats:
    """Corners of a crosswalk: as the file has them, else a band about the centre line."""
    if row.outline:
        return np.array(_shape(row.outline, f"lane {row.name}"))[:, :2]
    line = np.array(row.shape)[:, :2]
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.column_stack([-along[:, 1], along[:, 0]]) * row.width_m / 2.0
    return np.asarray(np.concatenate([line + across, (line - across)[::-1]]))


def _junctions(content: _File) -> Junctions:
    outlines = [_shape(row.get("shape", ""), f"junction {row.get('id')}") for row, _ in content.junctions]
    start = np.zeros(len(outlines) + 1, np.int64)
    np.cumsum([len(outline) for outline in outlines], out=start[1:])
    corners = np.array([point for outline in outlines for point in outline]).reshape(-1, 3)
    where = [(row, f"junction {row.get('id')}") for row, _ in content.junctions]
    return Junctions(
        names=tuple(row.get("id", "") for row, _ in where),
        x_m=np.array([_number(row.get("x"), 0.0, name) for row, name in where]),
        y_m=np.array([_number(row.get("y"), 0.0, name) for row, name in where]),
        is_signalised=np.array([row.get("type", "").startswith("traffic_light") for row, _ in where], np.bool_),
        outline_start=start,
        outline_x_m=corners[:, 0].copy(),
        outline_y_m=corners[:, 1].copy(),
    )


class _RightOfWay:
    """Right of way from the junctions' request matrices: row = link, bit k from the right = link k."""

    def __init__(self, content: _File, lanes: Lanes) -> None:
        self._link = np.full(len(lanes), -1, np.int64)
        self._junction = lanes.junction
        self._requests: list[dict[int, tuple[str, str]]] = []
        for attributes, requests in content.junctions:
            for number, name in enumerate(attributes.get("intLanes", "").split()):
                self._set_link(lanes, name, number)
            self._requests.append(
                {int(r.get("index", -1)): (r.get("response", "")[::-1], r.get("foes", "")[::-1]) for r in requests}
            )

    def _set_link(self, lanes: Lanes, name: str, number: int) -> None:
        lane = lanes.index.get(name, -1)
        while lane >= 0 and self._link[lane] < 0 and lanes.kind[lane] in (LaneKind.JUNCTION, LaneKind.CROSSWALK):
            self._link[lane] = number
            before = lanes.predecessors[lane]
            lane = int(before[0]) if len(before) == 1 and lanes.kind[lane] == LaneKind.JUNCTION else -1

    def __call__(self, lane_a: Ints, lane_b: Ints) -> Ints:
        return np.array([self._of_pair(int(a), int(b)) for a, b in zip(lane_a, lane_b, strict=True)], np.int64)

    def _of_pair(self, a: int, b: int) -> int:
        link_a, link_b, junction = int(self._link[a]), int(self._link[b]), int(self._junction[a])
        if link_a < 0 or link_b < 0 or junction < 0:
            return int(RightOfWay.UNKNOWN)
        response_a, foes_a = self._requests[junction].get(link_a, ("", ""))
        response_b, _ = self._requests[junction].get(link_b, ("", ""))
        yields_a, yields_b = response_a[link_b : link_b + 1] == "1", response_b[link_a : link_a + 1] == "1"
        if yields_a or yields_b:
            both = RightOfWay.BOTH_YIELD
            return int(both if yields_a and yields_b else RightOfWay.A_YIELDS if yields_a else RightOfWay.B_YIELDS)
        is_foe = foes_a[link_b : link_b + 1] == "1"
        return int(RightOfWay.NONE_YIELDS if is_foe else RightOfWay.UNKNOWN)
