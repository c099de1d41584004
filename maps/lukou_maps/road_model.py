"""The road model: lanes, how they connect, and where their users meet.

Everything is a struct of arrays; what is one object elsewhere is one index here. Lists of different lengths are `Ragged`
(compressed sparse rows). Lengths are metres in the map frame (x east, y north, z up); angles are radians counter-clockwise
from east; "none" is -1 in every index column. The columns stand in `lukou_maps.tables` and `lukou_maps.furniture`, the
closed sets in `lukou_maps.vocabulary`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lukou_maps.conflict_areas import conflict_areas
from lukou_maps.furniture import BusStops, LaneFunctions, Markings, Regulations, SpeedLimits, TwoStageTurns
from lukou_maps.ragged import Ints, Ragged
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_maps.tables import ConflictAreas, Connections, Crosswalks, Junctions, Lanes, Priorities, StopLines
from lukou_maps.vocabulary import (
    ConflictKind,
    Direction,
    LaneFunction,
    LaneKind,
    LaneType,
    Marking,
    MarkingColour,
    Participants,
    RegulationKind,
    RightOfWay,
    Side,
    StopLineKind,
    Turn,
)

__all__ = [
    "BusStops",
    "ConflictAreas",
    "ConflictKind",
    "Connections",
    "Crosswalks",
    "Direction",
    "Junctions",
    "LaneFunction",
    "LaneFunctions",
    "LaneKind",
    "LaneType",
    "Lanes",
    "MapFrame",
    "Marking",
    "MarkingColour",
    "Markings",
    "Participants",
    "Priorities",
    "RegulationKind",
    "Regulations",
    "RightOfWay",
    "RoadModel",
    "Side",
    "SpeedLimits",
    "StopLineKind",
    "StopLines",
    "Turn",
    "TwoStageTurns",
]


@dataclass(frozen=True, slots=True)
class MapFrame:
    """How the map frame lies on the earth.

    Attributes
    ----------
    projection : str
        PROJ text of the projected system; empty: not georeferenced.
    offset_x_m, offset_y_m : float
        To be added to projected coordinates to get the map frame's. [m]
    rotation_rad : float
        Turn of the map frame's axes against those of the projection, counter-clockwise, about the projection's origin
        and before the offset. [rad]
    reference_system : str
        Geodetic datum, for example ``CGCS2000``, ``WGS-84`` or ``ETRS89``; empty: the file does not say.
    epoch_year : float
        Epoch of the coordinates as decimal year; 0: the file does not say (CGCS2000 is 2000.0 by definition). [a]
    """

    projection: str = ""
    offset_x_m: float = 0.0
    offset_y_m: float = 0.0
    rotation_rad: float = 0.0
    reference_system: str = ""
    epoch_year: float = 0.0


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
    lanes, connections, stop_lines, crosswalks, junctions, priorities, markings, speed_limits, lane_functions,
    two_stage_turns, bus_stops, regulations
        The columns.
    intersections : tuple of str
        Names of the signalised intersections behind ``connections.intersection``.
    signal_groups : tuple of str
        Names of the signal groups, as ``intersection/group``.
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
    intersections: tuple[str, ...] = ()
    signal_groups: tuple[str, ...] = ()
    priorities: Priorities = field(default_factory=Priorities.empty)
    markings: Markings = field(default_factory=Markings.empty)
    speed_limits: SpeedLimits = field(default_factory=SpeedLimits.empty)
    lane_functions: LaneFunctions = field(default_factory=LaneFunctions.empty)
    two_stage_turns: TwoStageTurns = field(default_factory=TwoStageTurns.empty)
    bus_stops: BusStops = field(default_factory=BusStops.empty)
    regulations: Regulations = field(default_factory=Regulations.empty)
    remarks: tuple[str, ...] = field(default=())

    @cached_property
    def conflict_areas(self) -> ConflictAreas:
        """Ground that lanes inside junctions share; worked out from geometry and priorities when first asked for."""
        return conflict_areas(self.lanes, self.priorities)

    @cached_property
    def content_sha256(self) -> bytes:
        """SHA-256 of the content (names, columns rounded to the millimetre, georeference), without id, version and remarks."""
        digest = hashlib.sha256()
        for column in fields(self):
            if column.name not in ("map_id", "version", "remarks"):
                _digest(digest, column.name)
                _digest(digest, getattr(self, column.name))
        return digest.digest()

    @property
    def content_hash(self) -> int:
        """First 8 bytes of `content_sha256` as in ``lukou.v1.MapReference``, big-endian."""
        return int.from_bytes(self.content_sha256[:8], "big")

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

    def with_signals(self, configurations: Sequence[SignalConfiguration]) -> RoadModel:
        """The same map with the signal groups of its intersections, joined by link index.

        Parameters
        ----------
        configurations : sequence of SignalConfiguration
            Of some or all intersections; those that the map does not know are left out.
        """
        names = list(self.signal_groups)
        connections, crosswalks = self.connections.signal_group.copy(), self.crosswalks.signal_group.copy()
        for configuration in configurations:
            if configuration.intersection not in self.intersections:
                continue
            where = self.intersections.index(configuration.intersection)
            for group in configuration.groups:
                name = f"{configuration.intersection}/{group.name}"
                number = names.index(name) if name in names else len(names)
                names += [name] * (number == len(names))
                for table, column in ((self.connections, connections), (self.crosswalks, crosswalks)):
                    column[(table.intersection == where) & np.isin(table.link_index, group.links)] = number
        return replace(
            self,
            signal_groups=tuple(names),
            connections=replace(self.connections, signal_group=connections),
            crosswalks=replace(self.crosswalks, signal_group=crosswalks),
        )


def _digest(digest: Any, part: Any) -> None:
    """Feed one value into a hash in a form that does not depend on platform or version."""
    if is_dataclass(part) and not isinstance(part, type):
        derived: frozenset[str] = getattr(part, "DERIVED", frozenset())
        for column in fields(part):
            if column.name not in derived:
                _digest(digest, column.name)
                _digest(digest, getattr(part, column.name))
    elif isinstance(part, np.ndarray):
        scaled = part
        if part.dtype.kind == "f":  # bounded: a map that is nonsense has a hash, too
            scaled = np.round(np.clip(np.nan_to_num(part, nan=-1e6), -9e15, 9e15) * 1000.0)
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(scaled.astype("<i8").tobytes())
    else:
        digest.update(repr(part).encode())
        digest.update(b"\0")
