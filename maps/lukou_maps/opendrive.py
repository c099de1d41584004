"""Reader of OpenDRIVE maps (``.xodr``, 1.4 to 1.8) into a road model.

Lanes are named ``road.section.lane``. A lane runs in the direction of its traffic: lanes right of the reference line (left
of it where traffic keeps left) along s, the others against it. Centre lines are sampled densely and thinned to 1 cm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lukou_maps.assembly import simplified, stop_lines
from lukou_maps.drafts import (
    PARTICIPANTS,
    CrosswalkDraft,
    LaneDraft,
    across_of,
    connections_through,
    crosswalks_of,
    junction_outlines,
    junctions_of,
    lanes_of,
)
from lukou_maps.errors import MapError, MapFileError
from lukou_maps.furniture import SpeedLimits
from lukou_maps.opendrive_file import read_opendrive_file
from lukou_maps.opendrive_lanes import borders, points
from lukou_maps.opendrive_links import pairs
from lukou_maps.opendrive_records import LaneRecord, OpenDriveFile, Road, Section
from lukou_maps.opendrive_rules import crosswalk_outlines, markings, regulations, signal_columns
from lukou_maps.ragged import Floats
from lukou_maps.reference import datum_of
from lukou_maps.road_model import MapFrame, RoadModel
from lukou_maps.vocabulary import Direction, LaneKind, LaneType, Participants

STEP_M = 0.5
"""Spacing of the samples of centre lines. [m]"""

TOLERANCE_M = 0.01
"""Centre lines and half widths are exact to this after thinning. [m]"""

LEAST_WIDTH_M = 0.05
"""Lanes that are nowhere wider than this are left out. [m]"""

TYPES = {
    "driving": LaneType.DRIVING,
    "bidirectional": LaneType.DRIVING,
    "HOV": LaneType.DRIVING,
    "taxi": LaneType.BUS,
    "bus": LaneType.BUS,
    "biking": LaneType.BICYCLE,
    "sidewalk": LaneType.SIDEWALK,
    "walking": LaneType.SIDEWALK,
    "shared": LaneType.DRIVING,
    "slipLane": LaneType.ENTRY_OR_EXIT,
    "entry": LaneType.ENTRY_OR_EXIT,
    "exit": LaneType.ENTRY_OR_EXIT,
    "onRamp": LaneType.ENTRY_OR_EXIT,
    "offRamp": LaneType.ENTRY_OR_EXIT,
    "connectingRamp": LaneType.ENTRY_OR_EXIT,
    "mwyEntry": LaneType.ENTRY_OR_EXIT,
    "mwyExit": LaneType.ENTRY_OR_EXIT,
    "shoulder": LaneType.SHOULDER,
    "stop": LaneType.SHOULDER,
    "parking": LaneType.PARKING,
    "rail": LaneType.RAIL,
    "tram": LaneType.RAIL,
    "border": LaneType.BORDER,
    "curb": LaneType.BORDER,
    "median": LaneType.BORDER,
    "restricted": LaneType.BORDER,
    "roadWorks": LaneType.BORDER,
}
"""Lane types of OpenDRIVE; ``none`` and unknown ones are no lanes of ours."""

ACCESS = {
    "pedestrian": Participants.PEDESTRIAN,
    "passengerCar": Participants.CAR,
    "bus": Participants.BUS,
    "delivery": Participants.TRUCK,
    "trucks": Participants.TRUCK,
    "truck": Participants.TRUCK,
    "bicycle": Participants.BICYCLE,
    "motorcycle": Participants.MOTORCYCLE,
    "autonomousTraffic": Participants.NOBODY,
    "none": Participants.NOBODY,
}
"""Road users of ``<access>``."""


@dataclass
class OpenDriveLanes:
    """Lanes of a file as drafts.

    Attributes
    ----------
    drafts : list of LaneDraft
        Lanes.
    index : dict
        Number of (road, section, lane).
    forward : list of bool
        Whether a lane runs along s.
    crosswalks : list of CrosswalkDraft
    limits : list of tuple
        (lane, from [m], limit [m/s]).
    """

    drafts: list[LaneDraft] = field(default_factory=list)
    index: dict[tuple[str, int, int], int] = field(default_factory=dict)
    forward: list[bool] = field(default_factory=list)
    crosswalks: list[CrosswalkDraft] = field(default_factory=list)
    limits: list[tuple[int, float, float]] = field(default_factory=list)


def read_opendrive(path: str | Path) -> RoadModel:
    """Read an OpenDRIVE file.

    Parameters
    ----------
    path : path
        An ``.xodr`` file.

    Returns
    -------
    RoadModel
        The map in the file's inertial coordinates; its id is the file's name without suffix.

    Raises
    ------
    MapFileError
        If it cannot be understood at all, or its georeference names GCJ-02 or BD-09.
    """
    path = Path(path)
    file = read_opendrive_file(path)
    junction_names = list(file.junctions)
    number_of = {name: k for k, name in enumerate(junction_names)}
    found = OpenDriveLanes()
    for number, road in enumerate(file.roads.values()):
        if road.junction and road.junction not in number_of:
            file.remarks.append(f"road {road.name}: lies in junction {road.junction}, which is not there")
        for place, section in enumerate(road.sections):
            _section(found, file, road, number, place, section, number_of)
        _crosswalks(found, file, road, number, number_of)
    if not found.drafts:
        raise MapFileError(f"{path}: expected at least one lane that is wider than nothing, found none")
    before, after = pairs(file, found)
    lanes = lanes_of(found.drafts, before, after, file.remarks)
    connections = connections_through(lanes)
    connections, intersections, groups = signal_columns(file, found, lanes, connections)
    outlines = junction_outlines(lanes, len(junction_names))
    centres = [tuple(outline.mean(axis=0)) if len(outline) else (0.0, 0.0) for outline in outlines]
    signalised = [name in intersections for name in junction_names]
    return RoadModel(
        map_id=path.name.split(".")[0],
        version=1,
        frame=_frame(file, path),
        lanes=lanes,
        connections=connections,
        stop_lines=stop_lines(lanes, connections),
        crosswalks=crosswalks_of(found.crosswalks, lanes),
        junctions=junctions_of(junction_names, centres, signalised, outlines),
        intersections=intersections,
        signal_groups=groups,
        markings=markings(file, found, lanes),
        speed_limits=_limits(found),
        regulations=regulations(file, found),
        remarks=tuple(file.remarks),
    )


def _section(
    found: OpenDriveLanes,
    file: OpenDriveFile,
    road: Road,
    number: int,
    place: int,
    section: Section,
    number_of: dict[str, int],
) -> None:
    """Drafts of one lane section."""
    s_m = _places(road, section)
    for lane in sorted(section.lanes):
        record = section.lanes[lane]
        kind = TYPES.get(record.kind)
        if lane == 0 or kind is None:
            if lane and record.kind not in ("none", "") and not record.kind.startswith("special"):
                file.remarks.append(
                    f"road {road.name}: line {record.line}: lane type {record.kind!r} is not known, left out"
                )
            continue
        x, y, z, width = points(road, section, lane, s_m, 0.5)
        if width.max() < LEAST_WIDTH_M:
            continue
        line = np.column_stack([x, y, z])
        # the outer border lies to the right of lanes with negative numbers
        edge = points(road, section, lane, s_m, 0.0 if lane < 0 else 1.0)
        across = np.column_stack([edge[0] - x, edge[1] - y])
        if not (np.isfinite(line).all() and np.isfinite(across).all() and np.abs(line).max() < 1e9):
            file.remarks.append(f"road {road.name}: line {record.line}: lane {lane} has no place, left out")
            continue
        kept = simplified(line, across, TOLERANCE_M)
        line, across = line[kept], across[kept]
        forward = runs_forward(road, record)
        if not forward:
            line, across = line[::-1].copy(), -across[::-1]
        index = len(found.drafts)
        found.index[road.name, place, lane] = index
        found.forward.append(forward)
        junction = number_of.get(road.junction, -1) if road.junction else _ahead(road, place, forward, number_of)
        found.drafts.append(
            LaneDraft(
                name=f"{road.name}.{place}.{lane}",
                points=line,
                across=across,
                kind=LaneKind.JUNCTION if road.junction else LaneKind.ROAD,
                type=kind,
                direction=_direction(record),
                participants=_participants(record, kind),
                junction=junction,
                road=number,
                speed_mps=_speed(found, road, section, record, index, forward),
            )
        )
    _beside(found, road, place, section)
    widths = [
        borders(road, section, lane, s_m) for lane in section.lanes if lane and not section.lanes[lane].has_borders
    ]
    raw = [section.lanes[lane].widths(s_m - section.start_m) for lane in section.lanes if lane]
    if (
        widths
        and raw
        and min(float(values.min()) for values in raw) < -1e-3
        and not any(record.has_borders for record in section.lanes.values())
    ):
        file.remarks.append(f"road {road.name}: section {place}: a width falls below 0, taken as 0")


def _places(road: Road, section: Section) -> Floats:
    """Where centre lines are sampled: evenly, and wherever a profile starts anew."""
    start, end = section.start_m, section.end_m
    even = np.linspace(start, end, max(2, min(20_000, int(np.ceil((end - start) / STEP_M)) + 1)))
    knots = [piece.s_m for piece in road.plan.pieces]
    for profile in (road.lane_offset, road.elevation, road.superelevation):
        knots += profile.start.tolist()
    for record in section.lanes.values():
        knots += (record.widths.start + start).tolist()
    # the end of a section belongs to it: seen from just before, so that profiles that jump there do not count
    inner = [knot for knot in knots if start < knot < end]
    return np.unique(np.concatenate([even[:-1], inner, [max(end - 1e-9, start)]]))


def runs_forward(road: Road, record: LaneRecord) -> bool:
    """Whether traffic on a lane runs along s."""
    forward = (record.number < 0) != road.is_left_hand
    return forward if record.direction != "reversed" else not forward


def _direction(record: LaneRecord) -> Direction:
    both = record.direction == "both" or record.kind in ("bidirectional", "sidewalk", "walking")
    return Direction.BOTH if both else Direction.FORWARD


def _participants(record: LaneRecord, kind: LaneType) -> int:
    users = PARTICIPANTS.get(kind, Participants.NOBODY)
    if record.kind == "taxi":
        users |= Participants.CAR
    if record.allowed:
        users = Participants.NOBODY
        for name in record.allowed:
            users |= ACCESS.get(name, Participants.NOBODY)
    for name in record.denied:
        users &= ~ACCESS.get(name, Participants.NOBODY)
    return int(users)


def _ahead(road: Road, place: int, forward: bool, number_of: dict[str, int]) -> int:
    """Junction that a lane outside junctions leads to from its last section, -1: none."""
    link = road.successor if forward else road.predecessor
    is_last = place == (len(road.sections) - 1 if forward else 0)
    return number_of.get(link.name, -1) if link is not None and link.is_junction and is_last else -1


def _speed(found: OpenDriveLanes, road: Road, section: Section, record: LaneRecord, index: int, forward: bool) -> float:
    """Limit at the start of a lane; where it changes along the lane, rows of `limits` too."""
    start, end = section.start_m, section.end_m
    own = sorted((start + offset, limit) for offset, limit in record.speeds)
    road_wide = [(s, limit) for s, limit in road.speeds if s < end]
    runs = [(max(s, start), limit) for s, limit in road_wide if s > start] or []
    first = [limit for s, limit in road_wide if s <= start]
    runs = [(start, first[-1] if first else float("nan")), *runs]
    if own:
        runs = [run for run in runs if run[0] < own[0][0]] + own
    if not forward:
        ends = [*[run[0] for run in runs[1:]], end]
        runs = [(end - stop, limit) for (_, limit), stop in zip(runs, ends, strict=True)][::-1]
    else:
        runs = [(s - start, limit) for s, limit in runs]
    if len(runs) > 1:
        found.limits += [(index, s, limit) for s, limit in runs]
    return runs[0][1]


def _limits(found: OpenDriveLanes) -> SpeedLimits:
    rows = found.limits
    return SpeedLimits(
        lane=np.array([row[0] for row in rows], np.int64),
        from_m=np.array([row[1] for row in rows], np.float64),
        speed_mps=np.array([row[2] for row in rows], np.float64),
        participants=np.full(len(rows), int(Participants.ALL), np.int64),
    )


def _beside(found: OpenDriveLanes, road: Road, place: int, section: Section) -> None:
    """Neighbours that run the same way, and whether the mark between allows to change."""
    for lane, record in section.lanes.items():
        mine = found.index.get((road.name, place, lane))
        if mine is None:
            continue
        towards = lane + (1 if lane < 0 else -1)
        other = found.index.get((road.name, place, towards))
        if other is None or (towards > 0) != (lane > 0) or found.forward[mine] != found.forward[other]:
            continue
        # the inner neighbour lies to the left where the lane's outer side is its right
        inner_is_left = (lane < 0) == found.forward[mine]
        changes = {mark.lane_change or "both" for mark in section.lanes[towards].marks} or {"both"}
        outward = "decrease" if lane < 0 else "increase"
        inward = "increase" if lane < 0 else "decrease"
        drives = record.kind not in ("shoulder", "border", "sidewalk", "median", "curb")
        drives &= section.lanes[towards].kind not in ("shoulder", "border", "sidewalk", "median", "curb")
        in_allowed = drives and bool(changes & {"both", inward})
        out_allowed = drives and bool(changes & {"both", outward})
        a, b = found.drafts[mine], found.drafts[other]
        if inner_is_left:
            a.left, b.right, a.may_change_left, b.may_change_right = other, mine, in_allowed, out_allowed
        else:
            a.right, b.left, a.may_change_right, b.may_change_left = other, mine, in_allowed, out_allowed


def _crosswalks(found: OpenDriveLanes, file: OpenDriveFile, road: Road, number: int, number_of: dict[str, int]) -> None:
    for name, line, width, corners in crosswalk_outlines(file, road):
        index = len(found.drafts)
        found.drafts.append(
            LaneDraft(
                name=f"{road.name}.crosswalk.{name}",
                points=line,
                across=across_of(line, width),
                kind=LaneKind.CROSSWALK,
                type=LaneType.CROSSWALK,
                direction=Direction.BOTH,
                participants=int(Participants.PEDESTRIAN),
                junction=number_of.get(road.junction, -1),
                road=number,
            )
        )
        found.forward.append(True)
        found.crosswalks.append(CrosswalkDraft(index, corners, number_of.get(road.junction, -1)))


def _frame(file: OpenDriveFile, path: Path) -> MapFrame:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    text = file.geo_reference
    if not text:
        return MapFrame()
    try:
        datum, epoch = datum_of(text)
    except MapError as error:
        raise MapFileError(f"{path}: geoReference: {error}") from error
    for candidate, note in (
        (text, ""),
        (f"+proj=tmerc {text}", "names no projection (+proj), taken as transverse Mercator"),
    ):
        try:
            CRS.from_user_input(candidate)
        except CRSError:
            continue
        if note:
            file.remarks.append(f"geoReference: {note}")
        x, y, _, heading = file.offset
        cos, sin = np.cos(heading), np.sin(heading)
        return MapFrame(candidate, float(-x * cos - y * sin), float(x * sin - y * cos), -heading, datum, epoch)
    file.remarks.append(f"geoReference: {text[:60]!r} is no projection that PROJ knows, left out")
    return MapFrame()
