"""The road model: lanes, how they connect, and where their users meet.

Everything is a struct of arrays; what is one object elsewhere is one index here. Lists of different lengths are `Ragged`
(compressed sparse rows). Lengths are metres in the map frame (x east, y north, z up); angles are radians counter-clockwise
from east; "none" is -1 in every index column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import IntEnum, IntFlag
from functools import cached_property
from typing import Any

import numpy as np

from lukou_maps.ragged import Booleans, Floats, Ints, Ragged


class LaneKind(IntEnum):
    """What a lane is for, by its place in the network."""

    ROAD = 0
    JUNCTION = 1
    CROSSWALK = 2
    WALKING_AREA = 3


class Turn(IntEnum):
    """Direction that a connection takes at a junction."""

    UNKNOWN = 0
    STRAIGHT = 1
    LEFT = 2
    RIGHT = 3
    TURN_AROUND = 4


class ConflictKind(IntEnum):
    """How two lane paths share ground."""

    CROSSING = 0
    MERGING = 1
    DIVERGING = 2


class RightOfWay(IntEnum):
    """Who yields in a conflict area where signals do not decide."""

    UNKNOWN = 0
    A_YIELDS = 1
    B_YIELDS = 2
    BOTH_YIELD = 3
    NONE_YIELDS = 4


class Participants(IntFlag):
    """Who may use a lane: bit k is `lukou.v1.ObjectClass` k."""

    NOBODY = 0
    CAR = 1 << 1
    TRUCK = 1 << 2
    BUS = 1 << 3
    MOTORCYCLE = 1 << 4
    BICYCLE = 1 << 5
    PEDESTRIAN = 1 << 6
    RAIL = 1 << 9
    MOTOR = CAR | TRUCK | BUS | MOTORCYCLE
    ALL = MOTOR | BICYCLE | PEDESTRIAN | RAIL


@dataclass(frozen=True, eq=False)
class Lanes:
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
    length_m, width_m, speed_limit_mps : (n,) float array
        Length along the centre line, width, speed limit (nan: unknown). [m, m, m/s]
    kind : (n,) int array
        `LaneKind`.
    participants : (n,) int array
        `Participants`.
    junction : (n,) int array
        Junction that the lane lies in (internal lanes), else the one that it leads to; -1: none.
    left, right : (n,) int array
        Neighbour in the same direction, -1: none.
    successors, predecessors : Ragged
        Lanes that follow at the end, and that lead to the start, internal lanes included.
    """

    names: tuple[str, ...]
    point_start: Ints
    x_m: Floats
    y_m: Floats
    z_m: Floats
    s_m: Floats
    length_m: Floats
    width_m: Floats
    speed_limit_mps: Floats
    kind: Ints
    participants: Ints
    junction: Ints
    left: Ints
    right: Ints
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
class Connections:
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
        Number of the connection at that intersection, joined with groups by the signal configuration; -1: no signal.
    """

    from_lane: Ints
    to_lane: Ints
    via_lane: Ints
    turn: Ints
    intersection: Ints
    link_index: Ints

    def __len__(self) -> int:
        return len(self.from_lane)


@dataclass(frozen=True, eq=False)
class StopLines:
    """Where vehicles stop: one per lane that has connections through a junction.

    Attributes
    ----------
    lane : (n,) int array
        Lane that it ends.
    s_m : (n,) float array
        Arc length on that lane. [m]
    left_x_m, left_y_m, right_x_m, right_y_m : (n,) float array
        Its two ends. [m]
    connections : Ragged
        Connections whose signals permit to pass it.
    """

    lane: Ints
    s_m: Floats
    left_x_m: Floats
    left_y_m: Floats
    right_x_m: Floats
    right_y_m: Floats
    connections: Ragged

    def __len__(self) -> int:
        return len(self.lane)


@dataclass(frozen=True, eq=False)
class Crosswalks:
    """Crosswalks; one that a refuge splits is two.

    Attributes
    ----------
    names : tuple of str
        Name of each, equal to the name of its lane.
    lane : (n,) int array
        The lane that carries its centre line and width.
    junction : (n,) int array
        Junction that it belongs to.
    intersection, link_index : (n,) int array
        Signal as in `Connections`; -1: none.
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
    outline_start: Ints
    outline_x_m: Floats
    outline_y_m: Floats
    crossed_lanes: Ragged

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Junctions:
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
class ConflictAreas:
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


@dataclass(frozen=True, slots=True)
class MapFrame:
    """How the map frame lies on the earth.

    Attributes
    ----------
    projection : str
        PROJ text of the projected system; empty: not georeferenced.
    offset_x_m, offset_y_m : float
        To be added to projected coordinates to get the map frame's. [m]
    """

    projection: str = ""
    offset_x_m: float = 0.0
    offset_y_m: float = 0.0


@dataclass(frozen=True, eq=False)
class RoadModel:
    """A map.

    Attributes
    ----------
    map_id : str
        Identity of the map.
    version : int
        Version, counted from 1.
    frame : MapFrame
        Georeference.
    lanes, connections, stop_lines, crosswalks, junctions, conflict_areas
        The columns.
    intersections : tuple of str
        Names of the signalised intersections behind ``connections.intersection``.
    remarks : tuple of str
        What was odd in the file, each naming its element.
    """

    map_id: str
    version: int
    frame: MapFrame
    lanes: Lanes
    connections: Connections
    stop_lines: StopLines
    crosswalks: Crosswalks
    junctions: Junctions
    conflict_areas: ConflictAreas
    intersections: tuple[str, ...]
    remarks: tuple[str, ...] = field(default=())

    @cached_property
    def content_sha256(self) -> bytes:
        """SHA-256 of the content (names, columns rounded to the millimetre, georeference), without id, version and remarks."""
        digest = hashlib.sha256()
        for part in (self.frame, self.lanes, self.connections, self.stop_lines, self.crosswalks, self.junctions):
            _digest(digest, part)
        _digest(digest, self.conflict_areas)
        _digest(digest, self.intersections)
        return digest.digest()

    @property
    def content_hash(self) -> int:
        """First 8 bytes of `content_sha256` as in ``lukou.v1.MapReference``, big-endian."""
        return int.from_bytes(self.content_sha256[:8], "big")

    @cached_property
    def connections_from(self) -> Ragged:
        """Connections that begin at each lane."""
        table = self.connections
        return Ragged.grouped(table.from_lane, np.arange(len(table)), len(self.lanes))

    @cached_property
    def connection_of_link(self) -> Mapping[tuple[str, int], Ints]:
        """Connections ruled by each (intersection, link index)."""
        found: dict[tuple[str, int], list[int]] = {}
        table = self.connections
        for k in np.flatnonzero(table.intersection >= 0):
            key = (self.intersections[table.intersection[k]], int(table.link_index[k]))
            found.setdefault(key, []).append(int(k))
        return {key: np.array(value, np.int64) for key, value in found.items()}

    @cached_property
    def conflicts_of_lane(self) -> Ragged:
        """Conflict areas that each lane takes part in, as ``area * 2 + (1 if the lane is b)``."""
        areas = np.arange(len(self.conflict_areas)) * 2
        lanes = np.concatenate([self.conflict_areas.lane_a, self.conflict_areas.lane_b])
        return Ragged.grouped(lanes, np.concatenate([areas, areas + 1]), len(self.lanes))


def _digest(digest: Any, part: Any) -> None:
    """Feed one value into a hash in a form that does not depend on platform or version."""
    if is_dataclass(part) and not isinstance(part, type):
        for column in fields(part):
            _digest(digest, column.name)
            _digest(digest, getattr(part, column.name))
    elif isinstance(part, np.ndarray):
        scaled = np.round(np.nan_to_num(part, nan=-1e9) * 1000.0) if part.dtype.kind == "f" else part
        digest.update(scaled.astype("<i8").tobytes())
    else:
        digest.update(repr(part).encode())
        digest.update(b"\0")
