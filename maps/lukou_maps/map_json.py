"""Reader of MAP messages as JSON: SAE J2735 (MapData) and T/CSAE 53 (nodes, inLinks, lanes), each in their common forms.

After SAE J2735 (2016), "DF_NodeListXY" and "DE_AllowedManeuvers", and T/CSAE 53-2020, chapter 6.2.3. MAP has no lanes inside
a junction: a smooth curve stands for each connection. Units on the wire: 1e-7 degree, centimetre, 0.1 m of height,
0.02 m/s.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lukou_maps.assembly import stop_lines
from lukou_maps.drafts import (
    PARTICIPANTS,
    CrosswalkDraft,
    LaneDraft,
    across_of,
    band,
    connections_through,
    crosswalks_of,
    junction_outlines,
    junctions_of,
    lanes_of,
)
from lukou_maps.errors import MapError, MapFileError
from lukou_maps.map_json_fields import Mapping, Place, bits, choice, lane_points, listed, whole
from lukou_maps.ragged import Floats
from lukou_maps.reference import refuse_display_offsets
from lukou_maps.road_model import MapFrame, RoadModel
from lukou_maps.vocabulary import Direction, LaneKind, LaneType, Turn

SPEED_UNIT_MPS = 0.02
"""Unit of speeds. [m/s]"""

DEFAULT_WIDTH_M = 3.5
"""Width of a lane where neither it nor its intersection tells one. [m]"""

TYPES = {
    "vehicle": LaneType.DRIVING,
    "crosswalk": LaneType.CROSSWALK,
    "bikeLane": LaneType.BICYCLE,
    "sidewalk": LaneType.SIDEWALK,
    "median": LaneType.BORDER,
    "striping": LaneType.BORDER,
    "trackedVehicle": LaneType.RAIL,
    "parking": LaneType.PARKING,
}
"""``laneType`` of both standards."""

TURNS = ((0, Turn.STRAIGHT), (1, Turn.LEFT), (2, Turn.RIGHT), (3, Turn.TURN_AROUND))
"""Bit of a manoeuvre, counted from the left, and its turn."""


@dataclass
class _Connection:
    source: int
    intersection: str
    lane: str
    turn: Turn
    group: str


@dataclass
class _Gathered:
    """Everything of a message, before lanes are numbered."""

    drafts: list[LaneDraft] = field(default_factory=list)
    index: dict[tuple[str, str], int] = field(default_factory=dict)
    connections: list[_Connection] = field(default_factory=list)
    signal_of: dict[int, tuple[str, str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    centres: list[tuple[float, float]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_map_json(path: str | Path) -> RoadModel:
    """Read a MAP message.

    Parameters
    ----------
    path : path
        A ``.json`` file with a J2735 ``MapData`` (``intersections``) or a T/CSAE 53 ``MapData`` (``nodes``).

    Returns
    -------
    RoadModel
        The map in a transverse Mercator projection about its first reference point.

    Raises
    ------
    MapFileError
        If it is no JSON, holds neither of the two, or names GCJ-02 or BD-09.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise MapFileError(f"{path}: cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise MapFileError(f"{path}: line {error.lineno}: no JSON: {error.msg}") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise MapFileError(f"{path}: no JSON: {error}") from error
    _refuse(path, content)
    found = _found(content, 0)
    if found is None:
        raise MapFileError(
            f"{path}: line 1: expected a MAP with 'intersections' (J2735) or 'nodes' (T/CSAE 53), found neither"
        )
    key, rows = found
    references = [at for row in rows if (at := _reference(row)) is not None]
    if not references:
        raise MapFileError(f"{path}: line 1: expected an intersection with a reference position, found none")
    longitude, latitude = references[0]
    projection = f"+proj=tmerc +lat_0={latitude:.7f} +lon_0={longitude:.7f} +k=1 +datum=WGS84 +units=m +no_defs"
    gathered = _Gathered()
    place = Place(projection)
    for row in rows:
        (_j2735 if key == "intersections" else _csae)(gathered, row, place)
    if not gathered.drafts:
        raise MapFileError(f"{path}: line 1: expected at least one lane, found none; {'; '.join(gathered.remarks[:3])}")
    return _model(
        gathered, path, MapFrame(projection, reference_system="WGS-84" if key == "intersections" else "CGCS2000")
    )


def _frame(projection: str, key: str) -> MapFrame:
    """J2735 prescribes WGS-84, T/CSAE 53 CGCS2000; both are projected alike."""
    if key == "intersections":
        return MapFrame(projection, reference_system="WGS-84")
    return MapFrame(projection, reference_system="CGCS2000", epoch_year=2000.0)


def _refuse(path: Path, content: Any, depth: int = 0) -> None:
    """Refuse a message that says itself that its coordinates are a display offset."""
    if isinstance(content, dict) and depth < 4:
        for key, value in content.items():
            if isinstance(value, str) and any(word in key.lower() for word in ("coord", "datum", "crs", "reference")):
                try:
                    refuse_display_offsets(value)
                except MapError as error:
                    raise MapFileError(f"{path}: {key}: {error}") from error
            else:
                _refuse(path, value, depth + 1)


def _found(content: Any, depth: int) -> tuple[str, list[Mapping]] | None:
    """The list of intersections or nodes, wherever it is wrapped."""
    if depth > 8:
        return None
    if isinstance(content, dict):
        for key in ("intersections", "nodes"):
            rows = [row for row in listed(content.get(key)) if isinstance(row, dict)]
            wanted = "laneSet" if key == "intersections" else "refPos"
            if any(wanted in row for row in rows):
                return key, rows
        content = list(content.values())
    if isinstance(content, list):
        for value in content[:1000]:
            found = _found(value, depth + 1)
            if found is not None:
                return found
    return None


def _reference(row: Mapping) -> tuple[float, float] | None:
    at = row.get("refPoint", row.get("refPos"))
    if not isinstance(at, dict):
        return None
    longitude, latitude = whole(at.get("long", at.get("lon"))), whole(at.get("lat"))
    if longitude is None or latitude is None or abs(longitude) > 1_800_000_000 or abs(latitude) > 840_000_000:
        return None
    return longitude * 1e-7, latitude * 1e-7


def _name(identity: Any) -> str:
    """``region-id`` or ``id``."""
    if isinstance(identity, dict):
        parts = [str(identity[key]) for key in ("region", "id") if identity.get(key) not in (None, "")]
        return "-".join(parts)
    return str(identity) if identity is not None else ""


def _begin(gathered: _Gathered, row: Mapping, place: Place) -> tuple[str, int, Floats] | None:
    name = _name(row.get("id")) or str(row.get("name", len(gathered.names)))
    reference = _reference(row)
    if reference is None:
        gathered.remarks.append(f"intersection {name}: has no reference position, left out")
        return None
    number = len(gathered.names)
    centre = place(np.array([reference[0]]), np.array([reference[1]]))[0]
    gathered.names.append(name)
    gathered.centres.append((float(centre[0]), float(centre[1])))
    return name, number, centre


def _width(row: Mapping, default: float) -> float:
    width = whole(row.get("laneWidth"))
    return width / 100.0 if width is not None and 10 <= width <= 10_000 else default


def _speed(row: Mapping) -> float:
    limits = row.get("speedLimits")
    for limit in listed(limits):
        if isinstance(limit, dict):
            kind, speed = choice(limit.get("type")), whole(limit.get("speed", limit.get("speedLimit")))
            if speed is not None and 0 < speed < 8191 and "min" not in kind.lower():
                return speed * SPEED_UNIT_MPS
    return math.nan


def _lane_type(gathered: _Gathered, attributes: Any, where: str) -> LaneType:
    kind = choice(attributes.get("laneType")) if isinstance(attributes, dict) else ""
    if kind and kind not in TYPES:
        gathered.remarks.append(f"{where}: lane type {kind[:20]!r} is not known, taken as for vehicles")
    return TYPES.get(kind, LaneType.DRIVING)


def _add(
    gathered: _Gathered, name: str, number: int, lane: Mapping, kind: LaneType, line: Floats, width: float, both: bool
) -> int:
    index = len(gathered.drafts)
    identity = str(lane.get("laneID", index))
    key = (name, identity)
    if key in gathered.index:
        gathered.remarks.append(f"lane {name}/{identity}: stands twice; connections lead to the first")
    gathered.index.setdefault(key, index)
    gathered.drafts.append(
        LaneDraft(
            name=f"{name}/{identity}",
            points=line,
            across=across_of(line, width),
            kind=LaneKind.CROSSWALK if kind == LaneType.CROSSWALK else LaneKind.ROAD,
            type=kind,
            direction=Direction.BOTH if both else Direction.FORWARD,
            participants=int(PARTICIPANTS.get(kind, 0)),
            junction=number,
        )
    )
    return index


def _connect(gathered: _Gathered, index: int, name: str, lane: Mapping) -> None:
    for row in listed(lane.get("connectsTo")):
        if not isinstance(row, dict):
            continue
        target = row.get("connectingLane")
        target = target if isinstance(target, dict) else {}
        group = whole(row.get("signalGroup", row.get("phaseId")))
        label = str(group) if group else ""
        remote = _name(row.get("remoteIntersection")) or name
        if label and gathered.drafts[index].kind == LaneKind.CROSSWALK:
            gathered.signal_of[index] = (name, label)
        flags = bits(target.get("maneuver"))
        turn = next((turn for bit, turn in TURNS if bit in flags), Turn.UNKNOWN)
        if target.get("lane") not in (None, 0, "0"):
            gathered.connections.append(_Connection(index, remote, str(target["lane"]), turn, label))


def _j2735(gathered: _Gathered, row: Mapping, place: Place) -> None:
    begun = _begin(gathered, row, place)
    if begun is None:
        return
    name, number, centre = begun
    default = _width(row, DEFAULT_WIDTH_M)
    speed = _speed(row)
    for lane in listed(row.get("laneSet")):
        if not isinstance(lane, dict):
            continue
        where = f"lane {name}/{lane.get('laneID')}"
        line = lane_points(listed(_nodes(lane)), centre, place, where, gathered.remarks)
        if line is None:
            gathered.remarks.append(f"{where}: needs two points, left out")
            continue
        attributes = lane.get("laneAttributes")
        kind = _lane_type(gathered, attributes, where)
        use = bits(attributes.get("directionalUse") if isinstance(attributes, dict) else None)
        both = {0, 1} <= use or kind in (LaneType.CROSSWALK, LaneType.SIDEWALK)
        # nodes run away from the junction: traffic of an ingress lane comes the other way
        if 0 in use and not both:
            line = line[::-1].copy()
        index = _add(gathered, name, number, lane, kind, line, _width(lane, default), both)
        gathered.drafts[index].speed_mps = speed
        if 0 not in use and not both:
            gathered.drafts[index].junction = -1
        _connect(gathered, index, name, lane)


def _nodes(lane: Mapping) -> Any:
    nodes = lane.get("nodeList")
    return nodes.get("nodes", nodes) if isinstance(nodes, dict) else nodes


def _csae(gathered: _Gathered, row: Mapping, place: Place) -> None:
    begun = _begin(gathered, row, place)
    if begun is None:
        return
    name, number, centre = begun
    for link in listed(row.get("inLinks")):
        if not isinstance(link, dict):
            continue
        road = len({draft.road for draft in gathered.drafts})
        speed = _speed(link)
        previous = -1
        for lane in listed(link.get("lanes")):
            if not isinstance(lane, dict):
                continue
            where = f"lane {name}/{lane.get('laneID')}"
            line = lane_points(listed(lane.get("points")), centre, place, where, gathered.remarks)
            if line is None:
                gathered.remarks.append(f"{where}: needs two points, left out")
                continue
            line = _in_order(line, centre, where, gathered.remarks)
            kind = _lane_type(gathered, lane.get("laneAttributes"), where)
            index = _add(gathered, name, number, lane, kind, line, _width(lane, DEFAULT_WIDTH_M), False)
            gathered.drafts[index].road = road
            own = _speed(lane)
            gathered.drafts[index].speed_mps = speed if math.isnan(own) else own
            _beside(gathered, previous, index)
            previous = index
            _connect(gathered, index, name, lane)


def _in_order(line: Floats, centre: Floats, where: str, remarks: list[str]) -> Floats:
    """Points put in order along the lane where they run to and fro; traffic runs towards the node."""
    steps = np.diff(line[:, :2], axis=0)
    if len(steps) < 2 or (np.einsum("ij,ij->i", steps[:-1], steps[1:]) >= 0).all():
        return line
    middle = line[:, :2].mean(axis=0)
    axis = np.linalg.svd(line[:, :2] - middle, full_matrices=False)[2][0]
    along = (line[:, :2] - middle) @ axis
    if float((centre[:2] - middle) @ axis) < 0:
        along = -along
    remarks.append(f"{where}: its points run to and fro; put in order towards the node")
    return np.asarray(line[np.argsort(along, kind="stable")])


def _beside(gathered: _Gathered, first: int, second: int) -> None:
    """Neighbours of a link: T/CSAE 53 numbers lanes from the centre of the road outwards, but the points decide."""
    if first < 0:
        return
    a, b = gathered.drafts[first], gathered.drafts[second]
    forward = a.points[-1, :2] - a.points[0, :2]
    aside = b.points[:, :2].mean(axis=0) - a.points[:, :2].mean(axis=0)
    left = forward[0] * aside[1] - forward[1] * aside[0] > 0
    if left and a.left < 0 and b.right < 0:
        a.left, b.right, a.may_change_left, b.may_change_right = second, first, True, True
    elif not left and a.right < 0 and b.left < 0:
        a.right, b.left, a.may_change_right, b.may_change_left = second, first, True, True


def _model(gathered: _Gathered, path: Path, frame: MapFrame) -> RoadModel:
    before: list[int] = []
    after: list[int] = []
    ways: dict[int, _Connection] = {}
    drafts = gathered.drafts
    for connection in gathered.connections:
        target = gathered.index.get((connection.intersection, connection.lane))
        source = drafts[connection.source]
        if target is None:
            where = f"lane {source.name}: connects to lane {connection.lane} of {connection.intersection}"
            gathered.remarks.append(f"{where}, which is not there")
            continue
        via = len(drafts)
        drafts.append(_curve(source, drafts[target]))
        before += [connection.source, via]
        after += [via, target]
        ways[via] = connection
    lanes = lanes_of(drafts, before, after, gathered.remarks)
    connections = connections_through(lanes)
    intersections: dict[str, int] = {}
    groups: dict[str, int] = {}
    columns = np.full((3, len(connections)), -1, np.int64)
    turn = connections.turn.copy()
    for row, via in enumerate(connections.via_lane.tolist()):
        way = ways[via]
        turn[row] = int(way.turn) if way.turn != Turn.UNKNOWN else turn[row]
        if way.group:
            columns[:, row] = _signal(gathered.names[lanes.junction[via]], way.group, intersections, groups)
    walks = []
    for k, draft in enumerate(drafts):
        if draft.kind == LaneKind.CROSSWALK:
            width = 2.0 * float(np.hypot(draft.across[0, 0], draft.across[0, 1]))
            walk = CrosswalkDraft(k, band(draft.points, width), draft.junction)
            if k in gathered.signal_of:
                signal = _signal(*gathered.signal_of[k], intersections, groups)
                walk = replace(walk, intersection=signal[0], link_index=signal[1], signal_group=signal[2])
            walks.append(walk)
    connections = replace(
        connections, turn=turn, intersection=columns[0], link_index=columns[1], signal_group=columns[2]
    )
    return RoadModel(
        map_id=path.name.split(".")[0],
        version=1,
        frame=frame,
        lanes=lanes,
        connections=connections,
        stop_lines=stop_lines(lanes, connections),
        crosswalks=crosswalks_of(walks, lanes),
        junctions=junctions_of(
            gathered.names,
            gathered.centres,
            [name in intersections for name in gathered.names],
            junction_outlines(lanes, len(gathered.names)),
        ),
        intersections=tuple(intersections),
        signal_groups=tuple(groups),
        remarks=tuple(gathered.remarks),
    )


def _signal(name: str, group: str, intersections: dict[str, int], groups: dict[str, int]) -> tuple[int, int, int]:
    where = intersections.setdefault(name, len(intersections))
    return where, int(group), groups.setdefault(f"{name}/{group}", len(groups))


def _curve(source: LaneDraft, target: LaneDraft) -> LaneDraft:
    """Cubic curve from the end of one lane to the start of another, along both."""
    p0, p3 = source.points[-1], target.points[0]
    out, into = source.points[-1] - source.points[-2], target.points[1] - target.points[0]
    reach = float(np.hypot(*(p3 - p0)[:2])) / 3.0
    p1 = p0 + out / max(float(np.hypot(out[0], out[1])), 1e-9) * reach
    p2 = p3 - into / max(float(np.hypot(into[0], into[1])), 1e-9) * reach
    t = np.linspace(0.0, 1.0, 13)[:, None]
    line = (1 - t) ** 3 * p0 + 3 * t * (1 - t) ** 2 * p1 + 3 * t**2 * (1 - t) * p2 + t**3 * p3
    if reach < 1e-6:
        line = np.stack([p0, p0 + out / max(float(np.hypot(out[0], out[1])), 1e-9) * 0.01])
    width = 2.0 * float(min(np.hypot(*source.across[-1]), np.hypot(*target.across[0])))
    return LaneDraft(
        name=f"{source.name}->{target.name}",
        points=line,
        across=across_of(line, width),
        kind=LaneKind.JUNCTION,
        type=source.type,
        participants=source.participants & target.participants or source.participants,
        junction=source.junction,
        speed_mps=source.speed_mps,
    )
