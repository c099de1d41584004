"""Lanes and crosswalks as importers gather them one by one, and the tables made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely

from lukou_maps.assembly import along, centre_lines, line_columns, mitred
from lukou_maps.geometry import LaneGeometry
from lukou_maps.ragged import Floats, Ints, Ragged
from lukou_maps.tables import Connections, Crosswalks, Junctions, Lanes
from lukou_maps.vocabulary import Direction, LaneKind, LaneType, Participants, Turn

STRAIGHT_RAD, AROUND_RAD = 0.6, 2.6
"""Changes of direction up to which a connection is straight on, and from which it turns around (35 and 150 degrees). [rad]"""

MOST_PIECES = 12
"""Lanes that one way through a junction is followed over."""

PARTICIPANTS = {
    LaneType.DRIVING: Participants.MOTOR | Participants.BICYCLE,
    LaneType.BUS: Participants.BUS,
    LaneType.BICYCLE: Participants.BICYCLE,
    LaneType.SIDEWALK: Participants.PEDESTRIAN,
    LaneType.CROSSWALK: Participants.PEDESTRIAN,
    LaneType.PARKING: Participants.MOTOR,
    LaneType.RAIL: Participants.RAIL,
    LaneType.ENTRY_OR_EXIT: Participants.MOTOR,
}
"""Who uses a lane of a type where the file says no more; nobody elsewhere."""


@dataclass
class LaneDraft:
    """A lane before it has a number; its fields are the columns of `Lanes`.

    Attributes
    ----------
    points : (k, 3) float array
        Centre line. [m]
    across : (k, 2) float array
        Vectors to the left boundary. [m]
    """

    name: str
    points: Floats
    across: Floats
    kind: LaneKind = LaneKind.ROAD
    type: LaneType = LaneType.DRIVING
    direction: Direction = Direction.FORWARD
    participants: int = int(Participants.MOTOR | Participants.BICYCLE)
    junction: int = -1
    road: int = -1
    speed_mps: float = float("nan")
    left: int = -1
    right: int = -1
    may_change_left: bool = False
    may_change_right: bool = False


@dataclass
class CrosswalkDraft:
    """A crosswalk: the lane that carries it, and its outline."""

    lane: int
    corners: Floats
    junction: int = -1
    intersection: int = -1
    link_index: int = -1
    signal_group: int = -1
    crossed: list[int] = field(default_factory=list)


def lanes_of(drafts: Sequence[LaneDraft], before: Sequence[int], after: Sequence[int], remarks: list[str]) -> Lanes:
    """Lanes from drafts and the pairs that follow each other.

    Parameters
    ----------
    drafts : sequence of LaneDraft
        At least one.
    before, after : sequence of int
        Pairs of lanes, the second follows the first.
    remarks : list of str
        Takes names of lanes without length.
    """
    counts = np.array([len(draft.points) for draft in drafts], np.int64)
    start = np.zeros(len(drafts) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    points = np.concatenate([draft.points for draft in drafts])
    across = np.concatenate([draft.across for draft in drafts])
    points, across, start, short = centre_lines(points, across, start)
    remarks += [f"lane {drafts[k].name}: has no length" for k in short]
    successors, predecessors = along(np.array(before, np.int64), np.array(after, np.int64), len(drafts))

    def column(name: str) -> Ints:
        return np.array([int(getattr(draft, name)) for draft in drafts], np.int64)

    return Lanes(
        names=_unique([draft.name for draft in drafts]),
        speed_limit_mps=np.array([draft.speed_mps for draft in drafts], np.float64),
        kind=column("kind"),
        type=column("type"),
        direction=column("direction"),
        participants=column("participants"),
        junction=column("junction"),
        road=column("road"),
        left=column("left"),
        right=column("right"),
        may_change_left=column("may_change_left").astype(np.bool_),
        may_change_right=column("may_change_right").astype(np.bool_),
        successors=successors,
        predecessors=predecessors,
        **line_columns(points, across, start),  # type: ignore[arg-type]
    )


def _unique(names: list[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        times = seen.get(name, 0)
        seen[name] = times + 1
        found.append(name if times == 0 else f"{name}#{times + 1}")
    return tuple(found)


def turns(lanes: Lanes, from_lane: Ints, to_lane: Ints) -> Ints:
    """`Turn` of ways from the end of one lane to the start of another, by the change of direction."""
    geometry = LaneGeometry(lanes)
    _, _, leaving = geometry.pose(from_lane, np.maximum(lanes.length_m[from_lane] - 1e-3, 0.0))
    _, _, entering = geometry.pose(to_lane, np.full(len(to_lane), 1e-3))
    change = (entering - leaving + np.pi) % (2.0 * np.pi) - np.pi
    cases = [np.abs(change) >= AROUND_RAD, np.abs(change) <= STRAIGHT_RAD, change > 0]
    values = [int(Turn.TURN_AROUND), int(Turn.STRAIGHT), int(Turn.LEFT)]
    return np.select(cases, values, int(Turn.RIGHT)).astype(np.int64)


def connections_through(lanes: Lanes) -> Connections:
    """Ways from road lanes over lanes inside junctions to road lanes, without signals.

    Parameters
    ----------
    lanes : Lanes
        Lanes with their successors.
    """
    rows = []
    is_inside = lanes.kind == LaneKind.JUNCTION
    entries = np.flatnonzero(lanes.kind == LaneKind.ROAD)
    for lane in entries[np.diff(lanes.successors.start)[entries] > 0]:
        for via in lanes.successors[int(lane)]:
            if not is_inside[via]:
                continue
            todo, seen = [(int(via), 1)], {int(via)}
            while todo:
                current, pieces = todo.pop()
                for after in lanes.successors[current].tolist():
                    if not is_inside[after] and lanes.kind[after] == LaneKind.ROAD:
                        rows.append((int(lane), after, int(via)))
                    elif is_inside[after] and after not in seen and pieces < MOST_PIECES:
                        seen.add(after)
                        todo.append((after, pieces + 1))
    table = np.array(sorted(set(rows)), np.int64).reshape(-1, 3)
    none = np.full(len(table), -1, np.int64)
    from_lane, to_lane, via_lane = table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy()
    return Connections(from_lane, to_lane, via_lane, turns(lanes, from_lane, to_lane), none, none.copy(), none.copy())


def crosswalks_of(drafts: Sequence[CrosswalkDraft], lanes: Lanes) -> Crosswalks:
    """Crosswalks from drafts; the road lanes under them are found by geometry where the draft names none."""
    count = len(drafts)
    start = np.zeros(count + 1, np.int64)
    np.cumsum([len(draft.corners) for draft in drafts], out=start[1:])
    corners = np.concatenate([draft.corners for draft in drafts]) if drafts else np.zeros((0, 2))
    none = np.full(count, -1, np.int64)
    lane = np.array([draft.lane for draft in drafts], np.int64)
    under = lanes_under([draft.corners for draft in drafts], lanes)
    crossed = [draft.crossed or found for draft, found in zip(drafts, under, strict=True)]
    return Crosswalks(
        names=tuple(lanes.names[k] for k in lane),
        lane=lane,
        junction=np.array([draft.junction for draft in drafts], np.int64),
        intersection=np.array([draft.intersection for draft in drafts], np.int64),
        link_index=np.array([draft.link_index for draft in drafts], np.int64),
        signal_group=np.array([draft.signal_group for draft in drafts], np.int64),
        refuge=none,
        outline_start=start,
        outline_x_m=corners[:, 0].copy(),
        outline_y_m=corners[:, 1].copy(),
        crossed_lanes=Ragged.of(crossed),
    )


def lanes_under(outlines: Sequence[Floats], lanes: Lanes) -> list[list[int]]:
    """Lanes for wheels whose centre lines pass over each outline."""
    if not outlines:
        return []
    wheels = int(Participants.MOTOR | Participants.BICYCLE | Participants.RAIL)
    wanted = np.flatnonzero((lanes.kind <= LaneKind.JUNCTION) & (lanes.participants & wheels > 0))
    if len(wanted) == 0:
        return [[] for _ in outlines]
    owner = np.repeat(np.arange(len(lanes)), np.diff(lanes.point_start))
    chosen = np.isin(owner, wanted)
    number = np.searchsorted(wanted, owner[chosen])
    lines = shapely.linestrings(np.column_stack([lanes.x_m[chosen], lanes.y_m[chosen]]), indices=number)
    areas = [shapely.Polygon(outline).buffer(0) if len(outline) >= 3 else shapely.Point() for outline in outlines]
    outline, line = shapely.STRtree(lines).query(areas, predicate="intersects")
    found: list[list[int]] = [[] for _ in outlines]
    for a, b in sorted(zip(outline.tolist(), line.tolist(), strict=True)):
        found[a].append(int(wanted[b]))
    return found


def across_of(line: Floats, width_m: float) -> Floats:
    """Vectors to the left boundary of a lane of constant width about one centre line. [m]"""
    half = np.full(len(line), width_m / 2.0)
    return np.column_stack(mitred(line[:, 0], line[:, 1], half, np.array([0, len(line)])))


def band(line: Floats, width_m: float) -> Floats:
    """Outline of a band about a line. [m]"""
    across = across_of(line, width_m)
    return np.asarray(np.concatenate([line[:, :2] + across, (line[:, :2] - across)[::-1]]))


def middle_line(outline: Floats) -> tuple[Floats, float]:
    """Centre line along the longer side of the smallest rectangle about an outline, and that rectangle's width. [m]"""
    box = shapely.minimum_rotated_rectangle(shapely.MultiPoint(outline))
    if box.geom_type != "Polygon":
        at = np.asarray(outline, np.float64)
        return np.stack([at[0], at[-1]]), 0.1
    corner = np.array(box.exterior.coords)[:4]
    first, second = np.hypot(*(corner[1] - corner[0])), np.hypot(*(corner[2] - corner[1]))
    if first >= second:
        ends = np.stack([(corner[0] + corner[3]) / 2.0, (corner[1] + corner[2]) / 2.0])
    else:
        ends = np.stack([(corner[0] + corner[1]) / 2.0, (corner[2] + corner[3]) / 2.0])
    return ends, float(min(first, second))


def junctions_of(
    names: Sequence[str], centres: Sequence[tuple[float, float]], signalised: Sequence[bool], outlines: Sequence[Floats]
) -> Junctions:
    """Junctions with their outlines."""
    start = np.zeros(len(names) + 1, np.int64)
    np.cumsum([len(outline) for outline in outlines], out=start[1:])
    corners = np.concatenate([*outlines, np.zeros((0, 2))])
    centre = np.array(centres, np.float64).reshape(-1, 2)
    return Junctions(
        names=tuple(names),
        x_m=centre[:, 0].copy(),
        y_m=centre[:, 1].copy(),
        is_signalised=np.array(signalised, np.bool_),
        outline_start=start,
        outline_x_m=corners[:, 0].copy(),
        outline_y_m=corners[:, 1].copy(),
    )


def junction_outlines(lanes: Lanes, count: int) -> list[Floats]:
    """Convex hull of the lanes inside each junction, by their boundaries; empty where there are none."""
    owner = np.repeat(np.arange(len(lanes)), np.diff(lanes.point_start))
    geometry = LaneGeometry(lanes)
    inside = lanes.kind[owner] == LaneKind.JUNCTION
    sides = [np.column_stack(geometry.boundary(owner[inside], lanes.s_m[inside], side)) for side in (0, 1)]
    junction = np.tile(lanes.junction[owner[inside]], 2)
    corners = np.concatenate(sides)
    found = []
    for number in range(count):
        mine = corners[junction == number]
        hull = shapely.convex_hull(shapely.MultiPoint(mine)) if len(mine) > 2 else None
        is_area = hull is not None and hull.geom_type == "Polygon"
        found.append(np.array(hull.exterior.coords)[:-1] if is_area else np.zeros((0, 2)))  # type: ignore[union-attr]
    return found
