"""Columns of the road model: one frozen class per kind of element, one index per element.

Lengths are metres in the map frame; angles are radians counter-clockwise from east; "none" is -1 in every index column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from lukou_maps.ragged import Booleans, Floats, Ints, Ragged

_EMPTY = {"Ints": np.int64, "Floats": np.float64, "Booleans": np.bool_}


class Table:
    """What all tables share: an empty one can be made of the types of its columns."""

    @classmethod
    def empty(cls) -> Self:
        """A table without rows."""
        made: dict[str, object] = {}
        for column in fields(cls):  # type: ignore[arg-type]
            kind = str(column.type)
            if kind == "Ragged":
                made[column.name] = Ragged(np.zeros(1, np.int64), np.zeros(0, np.int64))
            elif kind.startswith("tuple"):
                made[column.name] = ()
            else:
                made[column.name] = np.zeros(1 if column.name.endswith("_start") else 0, _EMPTY[kind])
        return cls(**made)


@dataclass(frozen=True, eq=False)
class Lanes(Table):
    """Lanes, roads' and junctions' alike; crosswalks and walking areas are lanes too.

    Attributes
    ----------
    names : tuple of str
        Name of each lane, unique.
    point_start : (n + 1,) int array
        Centre line of lane k: points ``point_start[k]`` to ``point_start[k + 1]``, at least two.
    x_m, y_m, z_m : (p,) float array
        Points of the centre lines. [m]
    s_m : (p,) float array
        Arc length of each point from the start of its lane, in the plane. [m]
    across_x_m, across_y_m : (p,) float array
        From each point of the centre line to the left boundary; the right one lies opposite. Between points the lane is
        the quadrangle of its four corners. [m]
    point_width_m : (p,) float array
        Width of the lane at each point, at right angles to the centre line. [m]
    length_m, width_m : (n,) float array
        Length along the centre line; mean width. [m]
    speed_limit_mps : (n,) float array
        Speed limit at the start of the lane, nan: unknown; where it changes along the lane, `SpeedLimits` has the rest. [m/s]
    kind, type, direction : (n,) int array
        `LaneKind`, `LaneType`, `Direction`.
    participants : (n,) int array
        `Participants`.
    junction : (n,) int array
        Junction that the lane lies in (internal lanes), else the one that it leads to; -1: none.
    road : (n,) int array
        Road (SUMO edge, OpenDRIVE road, MAP link) of the lane, numbered from 0 as they appear; lanes side by side share it; -1: none.
    left, right : (n,) int array
        Neighbour in the same direction, -1: none.
    may_change_left, may_change_right : (n,) bool array
        Whether markings and rules allow to change to that neighbour somewhere along the lane; `Markings` say where.
    successors, predecessors : Ragged
        Lanes that follow at the end, and that lead to the start, internal lanes included.
    """

    DERIVED: ClassVar[frozenset[str]] = frozenset({"s_m", "point_width_m", "length_m", "width_m"})
    """Columns that follow from the others: no part of the content hash, not sent in tiles."""

    names: tuple[str, ...]
    point_start: Ints
    x_m: Floats
    y_m: Floats
    z_m: Floats
    s_m: Floats
    across_x_m: Floats
    across_y_m: Floats
    point_width_m: Floats
    length_m: Floats
    width_m: Floats
    speed_limit_mps: Floats
    kind: Ints
    type: Ints
    direction: Ints
    participants: Ints
    junction: Ints
    road: Ints
    left: Ints
    right: Ints
    may_change_left: Booleans
    may_change_right: Booleans
    successors: Ragged
    predecessors: Ragged

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Index of each name."""
        return {name: k for k, name in enumerate(self.names)}

    def points(self, lane: int) -> slice:
        """Slice of a lane's points in the point columns."""
        return slice(int(self.point_start[lane]), int(self.point_start[lane + 1]))


@dataclass(frozen=True, eq=False)
class Connections(Table):
    """Ways from the end of one lane over a junction to another lane.

    Attributes
    ----------
    from_lane, to_lane : (n,) int array
        Lanes joined.
    via_lane : (n,) int array
        First lane inside the junction, -1: none.
    turn : (n,) int array
        `Turn`.
    intersection : (n,) int array
        Signalised intersection, index into `RoadModel.intersections`; -1: no signal.
    link_index : (n,) int array
        Number of the connection (SUMO) or of its signal group (MAP, OpenDRIVE) at that intersection; -1: no signal.
    signal_group : (n,) int array
        Index into `RoadModel.signal_groups`; -1: the map does not name one.
    """

    from_lane: Ints
    to_lane: Ints
    via_lane: Ints
    turn: Ints
    intersection: Ints
    link_index: Ints
    signal_group: Ints

    def __len__(self) -> int:
        return len(self.from_lane)


@dataclass(frozen=True, eq=False)
class StopLines(Table):
    """Where vehicles stop: one at the end of a lane that leads into a junction, more inside where there are waiting areas.

    Attributes
    ----------
    lane : (n,) int array
        Lane that it lies on.
    s_m : (n,) float array
        Arc length on that lane. [m]
    left_x_m, left_y_m, right_x_m, right_y_m : (n,) float array
        Its two ends. [m]
    kind : (n,) int array
        `StopLineKind`.
    connections : Ragged
        Connections that pass it.
    permitting_groups : Ragged
        Signal groups (index into `RoadModel.signal_groups`) any of which permits to pass it; empty: the connections' own.
        The line before a left-turn waiting area is passed on the through group's green, the one at its end on the arrow's.
    """

    lane: Ints
    s_m: Floats
    left_x_m: Floats
    left_y_m: Floats
    right_x_m: Floats
    right_y_m: Floats
    kind: Ints
    connections: Ragged
    permitting_groups: Ragged

    def __len__(self) -> int:
        return len(self.lane)


@dataclass(frozen=True, eq=False)
class Crosswalks(Table):
    """Crosswalks; one that a refuge splits is two, named in `refuge`.

    Attributes
    ----------
    names : tuple of str
        Name of each, equal to the name of its lane.
    lane : (n,) int array
        The lane that carries its centre line and width.
    junction : (n,) int array
        Junction that it belongs to.
    intersection, link_index, signal_group : (n,) int array
        Signal as in `Connections`; -1: none.
    refuge : (n,) int array
        The other half where a refuge splits the crosswalk; -1: it is whole.
    outline_start : (n + 1,) int array
        Outline of crosswalk k: corners ``outline_start[k]`` to ``outline_start[k + 1]``.
    outline_x_m, outline_y_m : (p,) float array
        Corners. [m]
    crossed_lanes : Ragged
        Road lanes that it crosses.
    """

    names: tuple[str, ...]
    lane: Ints
    junction: Ints
    intersection: Ints
    link_index: Ints
    signal_group: Ints
    refuge: Ints
    outline_start: Ints
    outline_x_m: Floats
    outline_y_m: Floats
    crossed_lanes: Ragged

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Junctions(Table):
    """Places where roads meet.

    Attributes
    ----------
    names : tuple of str
        Name of each.
    x_m, y_m : (n,) float array
        Centre. [m]
    is_signalised : (n,) bool array
        Whether signals rule it.
    outline_start, outline_x_m, outline_y_m
        Outlines as in `Crosswalks`; may be empty.
    """

    names: tuple[str, ...]
    x_m: Floats
    y_m: Floats
    is_signalised: Booleans
    outline_start: Ints
    outline_x_m: Floats
    outline_y_m: Floats

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Index of each name."""
        return {name: k for k, name in enumerate(self.names)}


@dataclass(frozen=True, eq=False)
class Priorities(Table):
    """Who yields to whom by the file's rules, for pairs of lanes inside a junction; pairs not listed are no foes or not known.

    Attributes
    ----------
    lane, foe : (n,) int array
        Both lanes; every pair of foes stands in both orders.
    yields : (n,) bool array
        Whether traffic on `lane` yields to traffic on `foe`.
    """

    lane: Ints
    foe: Ints
    yields: Booleans

    def __len__(self) -> int:
        return len(self.lane)


@dataclass(frozen=True, eq=False)
class ConflictAreas(Table):
    """Ground that two lanes inside a junction share; each pair stands once, with ``lane_a < lane_b``.

    Attributes
    ----------
    lane_a, lane_b : (n,) int array
        The two lanes.
    a_from_m, a_to_m, b_from_m, b_to_m : (n,) float array
        Arc-length interval of the shared ground on each lane. [m]
    distance_m : (n,) float array
        Least distance of the centre lines. [m]
    kind : (n,) int array
        `ConflictKind`.
    right_of_way : (n,) int array
        `RightOfWay`; a fact of the rules, kept apart from the geometry.
    """

    lane_a: Ints
    lane_b: Ints
    a_from_m: Floats
    a_to_m: Floats
    b_from_m: Floats
    b_to_m: Floats
    distance_m: Floats
    kind: Ints
    right_of_way: Ints

    def __len__(self) -> int:
        return len(self.lane_a)
