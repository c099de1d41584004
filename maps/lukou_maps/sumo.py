"""Reader of SUMO networks (``.net.xml``, also gzipped).

Written after the format's documentation ("SUMO Road Networks", Eclipse SUMO user documentation). What is odd becomes a
remark that names the element; only what cannot be understood at all is refused.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from lukou_maps.assembly import along, centre_lines, line_columns, mitred, stop_lines
from lukou_maps.errors import MapFileError
from lukou_maps.ragged import Floats, Ints, Ragged
from lukou_maps.reading_numbers import number, shapes
from lukou_maps.reference import datum_of, is_projection
from lukou_maps.road_model import MapFrame, RoadModel
from lukou_maps.sumo_file import Attributes, SumoFile, parse_sumo
from lukou_maps.sumo_priorities import priorities
from lukou_maps.tables import Connections, Crosswalks, Junctions, Lanes
from lukou_maps.vocabulary import Direction, LaneKind, LaneType, Participants, Turn

DEFAULT_LANE_WIDTH_M = 3.2
"""Width of a lane without attribute ``width`` (SUMO_const_laneWidth of the SUMO documentation). [m]"""

DEFAULT_CROSSING_WIDTH_M = 4.0
"""Width of a crossing without attribute ``width`` (netconvert's ``default.crossing-width``). [m]"""

FAR_M = 50_000.0
"""Distance from the origin beyond which single precision loses millimetres (DESIGN §4). [m]"""

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

_TURNS = {
    "s": Turn.STRAIGHT,
    "l": Turn.LEFT,
    "L": Turn.LEFT,
    "r": Turn.RIGHT,
    "R": Turn.RIGHT,
    "t": Turn.TURN_AROUND,
    "T": Turn.TURN_AROUND,
}


def read_sumo(path: str | Path) -> RoadModel:
    """Read a SUMO network.

    Parameters
    ----------
    path : path
        A ``.net.xml`` or ``.net.xml.gz`` file.

    Returns
    -------
    RoadModel
        The map in SUMO's own coordinates, which the simulation shares; its id is the file's name without suffixes.

    Raises
    ------
    MapFileError
        If the file cannot be opened, is not XML or is not a SUMO network.
    """
    path = Path(path)
    file = parse_sumo(path)
    lanes, junctions, lane_of = _lanes(file, path)
    far_m = max(np.abs(lanes.x_m).max(), np.abs(lanes.y_m).max())
    if far_m > FAR_M:
        text = f"map: points up to {far_m / 1000:.0f} km from the origin, where messages lose millimetres"
        file.remarks.append(f"{text}; `lukou map convert` shifts, or netconvert --offset.disable-normalization false")
    ends = _ends(file, lane_of)
    connections, intersections, signal_of_crosswalk = _connections(file, lanes, ends)
    crosswalks = _crosswalks(file, lanes, lane_of, signal_of_crosswalk)
    frame, rules, remarks = _frame(file), priorities(file, lanes), tuple(file.remarks)
    # names made anew lie together: what was parsed around them can then be given back to the system
    del file, lane_of
    joined = "\n".join(lanes.names)
    lanes = replace(lanes, names=())
    lanes = replace(lanes, names=tuple(joined.split("\n")))
    return RoadModel(
        map_id=path.name.split(".")[0],
        version=1,
        frame=frame,
        lanes=lanes,
        connections=connections,
        stop_lines=stop_lines(lanes, connections),
        crosswalks=crosswalks,
        junctions=junctions,
        intersections=intersections,
        priorities=rules,
        remarks=remarks,
    )


def _frame(file: SumoFile) -> MapFrame:
    offset = file.location.get("netOffset", "0,0").split(",")
    x_m = number(offset[0], 0.0, "location: netOffset", file.remarks)
    y_m = number(offset[1] if len(offset) > 1 else "0", 0.0, "location: netOffset", file.remarks)
    projection = file.location.get("projParameter", "!")
    projection = "" if projection in ("!", "-", ".") else projection
    if projection and not is_projection(projection):
        file.remarks.append(
            f"location: projParameter {projection[:80]!r} is no projection; the map has no georeference"
        )
        projection = ""
    reference, epoch = datum_of(projection)
    return MapFrame(projection, x_m, y_m, 0.0, reference, epoch)


class _LaneOf(dict[tuple[str, str], int]):
    """Lane of (edge, index as text)."""


def _lanes(file: SumoFile, path: Path) -> tuple[Lanes, Junctions, _LaneOf]:
    remarks = file.remarks
    names = [row.name.replace("\n", " ") for row in file.lanes]
    points, counts = shapes([row.shape for row in file.lanes], "lane ", names, remarks)
    seen: set[str] = set()
    kept = []
    for k, name in enumerate(names):
        if counts[k] == 0:
            remarks.append(f"lane {name}: has no shape, left out")
        elif name in seen:
            remarks.append(f"lane {name}: stands twice, the second is left out")
        else:
            seen.add(name)
            kept.append(k)
    if not kept:
        raise MapFileError(f"{path}: expected a SUMO network with at least one lane, found none; is it a .net.xml?")
    file.lanes = (
        [row._replace(shape="") for row in file.lanes] if len(names) > 10_000 else file.lanes
    )  # their text is used
    if len(kept) < len(names):
        chosen = np.zeros(len(names), np.bool_)
        chosen[kept] = True
        points = points[np.repeat(chosen, counts)]
        names, counts = [names[k] for k in kept], counts[kept]
        file.lanes = [file.lanes[k] for k in kept]
    start = np.zeros(len(names) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    kind = np.array([int(file.edges[row.edge].kind) for row in file.lanes], np.int64)
    width = _widths(file, names, kind)
    points, halves, start, short = centre_lines(points, np.repeat(width / 2.0, counts)[:, None], start)
    across = np.column_stack(mitred(points[:, 0], points[:, 1], halves[:, 0], start))
    remarks += [f"lane {names[k]}: has no length" for k in short if kind[k] == LaneKind.ROAD]
    junctions = _junctions(file)
    lane_of = _LaneOf()
    for k, row in enumerate(file.lanes):
        lane_of[file.edges[row.edge].name, row.number] = k
    return _columns(file, names, kind, line_columns(points, across, start), junctions, lane_of), junctions, lane_of


def _widths(file: SumoFile, names: list[str], kind: Ints) -> Floats:
    default = np.where(kind == LaneKind.CROSSWALK, DEFAULT_CROSSING_WIDTH_M, DEFAULT_LANE_WIDTH_M)
    width = default.copy()
    for k, row in enumerate(file.lanes):
        text = row.width
        if text is None:
            continue
        width[k] = number(text, default[k], f"lane {names[k]}: width", file.remarks)
        if not 0.0 < width[k] < 1000.0:
            file.remarks.append(f"lane {names[k]}: width {text} m, taken as {default[k]:g} m")
            width[k] = default[k]
    return width


def _columns(
    file: SumoFile,
    names: list[str],
    kind: Ints,
    lines: dict[str, Floats | Ints],
    junctions: Junctions,
    lane_of: _LaneOf,
) -> Lanes:
    count, remarks = len(names), file.remarks
    allowed: dict[tuple[str | None, str | None], int] = {}
    participants, speed = np.zeros(count, np.int64), np.full(count, np.nan)
    left, right = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    outer, inner = (right, left) if file.lefthand else (left, right)
    for k, row in enumerate(file.lanes):
        key = (row.allow, row.disallow)
        found = allowed.get(key)
        if found is None:
            found = allowed[key] = _participants(*key)
        participants[k] = found
        text = row.speed
        try:
            speed[k] = float(text) if text is not None else math.nan
        except ValueError:
            speed[k] = number(text, math.nan, f"lane {names[k]}: speed", remarks)
        if kind[k] == LaneKind.ROAD and k and file.lanes[k - 1].edge == row.edge:
            outer[k - 1], inner[k] = k, k - 1
    odd = ~np.isfinite(speed) & ~np.isnan(speed) | (speed < 0)
    remarks += [f"lane {names[k]}: speed {speed[k]:g} m/s, taken as unknown" for k in np.flatnonzero(odd)]
    speed[odd] = np.nan
    junction_of = junctions.index
    successors, predecessors = along(*_pairs(file, lane_of, names), count)
    road = np.array([row.edge for row in file.lanes], np.int64)
    may_left, may_right = left >= 0, right >= 0
    for k, row in enumerate(file.lanes):
        if row.change_left is not None or row.change_right is not None:
            may_left[k] &= bool(_participants(row.change_left, None) & participants[k])
            may_right[k] &= bool(_participants(row.change_right, None) & participants[k])
    return Lanes(
        names=tuple(names),
        speed_limit_mps=speed,
        kind=kind,
        type=_types(kind, participants),
        direction=np.where(kind >= LaneKind.CROSSWALK, int(Direction.BOTH), int(Direction.FORWARD)).astype(np.int64),
        participants=participants,
        junction=np.array([junction_of.get(file.edges[e].junction, -1) for e in road], np.int64),
        road=road,
        left=left,
        right=right,
        may_change_left=may_left,
        may_change_right=may_right,
        successors=successors,
        predecessors=predecessors,
        **lines,  # type: ignore[arg-type]
    )


def _types(kind: Ints, participants: Ints) -> Ints:
    """Lane type by who may use it."""
    motor = int(Participants.MOTOR)
    cases = [
        (kind == LaneKind.CROSSWALK, LaneType.CROSSWALK),
        (kind == LaneKind.WALKING_AREA, LaneType.SIDEWALK),
        (participants & int(Participants.CAR | Participants.TRUCK | Participants.MOTORCYCLE) != 0, LaneType.DRIVING),
        (participants & motor == int(Participants.BUS), LaneType.BUS),
        (participants & int(Participants.BICYCLE) != 0, LaneType.BICYCLE),
        (participants & int(Participants.RAIL) != 0, LaneType.RAIL),
        (participants & int(Participants.PEDESTRIAN) != 0, LaneType.SIDEWALK),
    ]
    conditions, values = zip(*cases, strict=True)
    return np.select(conditions, [int(value) for value in values], int(LaneType.UNKNOWN)).astype(np.int64)


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


def _ends(file: SumoFile, lane_of: _LaneOf) -> tuple[Ints, Ints]:
    """Lanes at both ends of each connection, -1: not there."""
    source = [lane_of.get((row.from_edge, row.from_lane), -1) for row in file.connections]
    target = [lane_of.get((row.to_edge, row.to_lane), -1) for row in file.connections]
    return np.array(source, np.int64), np.array(target, np.int64)


def _pairs(file: SumoFile, lane_of: _LaneOf, names: list[str]) -> tuple[Ints, Ints]:
    index = {name: k for k, name in enumerate(names)}
    before, after = [], []
    for row in file.connections:
        source = lane_of.get((row.from_edge, row.from_lane), -1)
        if row.via is not None:
            target = index.get(row.via, -1)
        else:
            target = lane_of.get((row.to_edge, row.to_lane), -1)
        if source < 0 or target < 0:
            file.remarks.append(f"{row.name}: names a lane that is not there")
        else:
            before.append(source)
            after.append(target)
    return np.array(before, np.int64), np.array(after, np.int64)


def intersection_name(signal: str) -> str:
    """Name of the intersection of a SUMO signal: its id; one that no message takes as a name is shortened.

    Junctions that netconvert has joined carry ids of hundreds of letters.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}", signal):
        return signal
    kept = re.sub(r"[^A-Za-z0-9_.\-]", "_", signal)[:24].lstrip("_.-")
    return f"{kept or 'signal'}-{hashlib.sha256(signal.encode()).hexdigest()[:12]}"


def _connections(
    file: SumoFile, lanes: Lanes, ends: tuple[Ints, Ints]
) -> tuple[Connections, tuple[str, ...], dict[int, tuple[int, int]]]:
    """Connections of road lanes, the signalised intersections, and the signal of each crosswalk's lane."""
    names: dict[str, int] = {}
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    signal_of_crosswalk: dict[int, tuple[int, int]] = {}
    kinds = lanes.kind.tolist()
    for row, source, target in zip(file.connections, ends[0].tolist(), ends[1].tolist(), strict=True):
        if source < 0 or target < 0:
            continue
        intersection, link = -1, -1
        if row.signal:
            intersection = names.setdefault(intersection_name(row.signal), len(names))
            link = int(number(row.link, -1.0, f"{row.name}: linkIndex", file.remarks))
            if kinds[target] == LaneKind.CROSSWALK:
                signal_of_crosswalk[target] = (intersection, link)
        if kinds[source] != LaneKind.ROAD or kinds[target] != LaneKind.ROAD:
            continue
        via = lanes.index.get(row.via or "", -1)
        rows.append((source, target, via, int(_TURNS.get(row.direction, Turn.UNKNOWN)), intersection, link, -1))
    columns = np.array(rows, np.int64).reshape(-1, 7).T
    return Connections(*(column.copy() for column in columns)), tuple(names), signal_of_crosswalk


def _crosswalks(
    file: SumoFile, lanes: Lanes, lane_of: _LaneOf, signal_of_crosswalk: dict[int, tuple[int, int]]
) -> Crosswalks:
    lane = np.flatnonzero(lanes.kind == LaneKind.CROSSWALK)
    of_edge: dict[str, list[int]] = {}
    for (edge, _), k in lane_of.items():
        of_edge.setdefault(edge, []).append(k)
    outlines = [_outline(file, lanes, int(k)) for k in lane]
    start = np.zeros(len(lane) + 1, np.int64)
    np.cumsum([len(outline) for outline in outlines], out=start[1:])
    corners = np.concatenate(outlines) if outlines else np.zeros((0, 2))
    edges = [file.edges[file.lanes[k].edge] for k in lane]
    crossed_edges = [edge.crossing_edges.split() for edge in edges]
    links = np.array([signal_of_crosswalk.get(int(k), (-1, -1)) for k in lane], np.int64).reshape(-1, 2)
    return Crosswalks(
        names=tuple(lanes.names[k] for k in lane),
        lane=lane,
        junction=lanes.junction[lane],
        intersection=links[:, 0].copy(),
        link_index=links[:, 1].copy(),
        signal_group=np.full(len(lane), -1, np.int64),
        refuge=_halves(lanes, lane, crossed_edges),
        outline_start=start,
        outline_x_m=corners[:, 0].copy(),
        outline_y_m=corners[:, 1].copy(),
        crossed_lanes=Ragged.of([[k for edge in row for k in of_edge.get(edge, [])] for row in crossed_edges]),
    )


def _halves(lanes: Lanes, lane: Ints, crossed: list[list[str]]) -> Ints:
    """The other half of crosswalks that continue each other over a refuge: nearly in line, ends less than 6 m apart."""
    count = len(lane)
    other = np.full(count, -1, np.int64)
    if count < 2:
        return other
    first, last = lanes.point_start[lane], lanes.point_start[lane + 1] - 1
    ends = np.stack([np.stack([lanes.x_m[at], lanes.y_m[at]], 1) for at in (first, last)], 1)
    along_it = ends[:, 1] - ends[:, 0]
    along_it /= np.maximum(np.hypot(along_it[:, 0], along_it[:, 1]), 1e-9)[:, None]
    by_junction: dict[int, list[int]] = {}
    for k, junction in enumerate(lanes.junction[lane].tolist()):
        by_junction.setdefault(junction, []).append(k)
    for rows in by_junction.values():
        for position, a in enumerate(rows):
            for b in rows[position + 1 :]:
                gap = np.hypot(*(ends[a][:, None] - ends[b][None]).transpose(2, 0, 1)).min()
                in_line = abs(float(along_it[a] @ along_it[b])) > 0.94
                if gap < 6.0 and in_line and not set(crossed[a]) & set(crossed[b]) and other[a] < 0 and other[b] < 0:
                    other[a], other[b] = b, a
    return other


def _outline(file: SumoFile, lanes: Lanes, k: int) -> Floats:
    """Corners of a crosswalk: as the file has them, else a band about the centre line."""
    text = file.lanes[k].outline
    if text:
        points, _ = shapes([text], "outline of lane ", [lanes.names[k]], file.remarks)
        if len(points) >= 3:
            return points[:, :2]
    line = np.column_stack([lanes.x_m[lanes.points(k)], lanes.y_m[lanes.points(k)]])
    forward = np.gradient(line, axis=0)
    forward /= np.maximum(np.hypot(forward[:, 0], forward[:, 1]), 1e-9)[:, None]
    across = np.column_stack([-forward[:, 1], forward[:, 0]]) * lanes.width_m[k] / 2.0
    return np.asarray(np.concatenate([line + across, (line - across)[::-1]]))


def _junctions(file: SumoFile) -> Junctions:
    where = [f"junction {row.get('id')}" for row, _ in file.junctions]
    texts = [row.get("shape", "") for row, _ in file.junctions]
    filled = [k for k, text in enumerate(texts) if text]
    corners, some = shapes([texts[k] for k in filled], "", [where[k] for k in filled], file.remarks)
    counts = np.zeros(len(texts), np.int64)
    counts[filled] = some
    start = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    rows: list[Attributes] = [row for row, _ in file.junctions]
    return Junctions(
        names=tuple(row.get("id", "") for row in rows),
        x_m=np.array(
            [number(row.get("x"), 0.0, f"{name}: x", file.remarks) for row, name in zip(rows, where, strict=True)]
        ),
        y_m=np.array(
            [number(row.get("y"), 0.0, f"{name}: y", file.remarks) for row, name in zip(rows, where, strict=True)]
        ),
        is_signalised=np.array([row.get("type", "").startswith("traffic_light") for row in rows], np.bool_),
        outline_start=start,
        outline_x_m=corners[:, 0].copy(),
        outline_y_m=corners[:, 1].copy(),
    )
