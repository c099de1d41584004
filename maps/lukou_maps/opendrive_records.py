"""Records of an OpenDRIVE file, named as the standard names its elements; `lukou_maps.opendrive_file` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lukou_maps.opendrive_geometry import Cubics, PlanView
from lukou_maps.ragged import Floats


@dataclass
class MarkRecord:
    """A road mark along the outer boundary of a lane, from `offset_m` of the section on."""

    offset_m: float
    kind: str
    colour: str
    lane_change: str


@dataclass
class LaneRecord:
    """A lane of a lane section.

    Attributes
    ----------
    number : int
        Id: positive to the left of the reference line, 0 its centre.
    kind : str
        Type.
    is_level : bool
        Whether it stays level where the road is superelevated.
    direction : str
        ``standard``, ``reversed`` or ``both``.
    widths : Cubics
        Width, or position of the outer border if `has_borders`, over ``s - section start``.
    has_borders : bool
        Whether `widths` holds borders.
    predecessor, successor : int or None
        Lanes linked.
    marks : list of MarkRecord
    speeds : list of (float, float)
        (offset in the section [m], limit [m/s]).
    heights : (n, 3) float array
        (offset, inner, outer) of the lane's surface above the road's. [m]
    denied, allowed : set of str
        Restrictions of ``<access>``.
    line : int
        Line in the file.
    """

    number: int
    kind: str
    is_level: bool
    direction: str
    widths: Cubics
    has_borders: bool
    predecessor: int | None
    successor: int | None
    marks: list[MarkRecord]
    speeds: list[tuple[float, float]]
    heights: Floats
    denied: set[str]
    allowed: set[str]
    line: int


@dataclass
class Section:
    """A lane section: lanes by number, from `start_m` to `end_m` of the road."""

    start_m: float
    end_m: float
    lanes: dict[int, LaneRecord]


@dataclass
class Link:
    """Where an end of a road leads: to a road's ``start`` or ``end``, or to a junction."""

    is_junction: bool
    name: str
    contact: str


@dataclass
class SignalRecord:
    """A signal or sign, or a reference to one."""

    name: str
    s_m: float
    t_m: float
    is_dynamic: bool
    orientation: str
    code: str
    value: float
    unit: str
    lanes: list[tuple[int, int]]


@dataclass
class ObjectRecord:
    """A crosswalk, stop line or other object with its outline in road coordinates (s, t) or its own (u, v)."""

    name: str
    kind: str
    s_m: float
    t_m: float
    heading_rad: float
    length_m: float
    width_m: float
    corners: list[tuple[float, float]]
    corners_are_local: bool


@dataclass
class Road:
    """A road with everything along it."""

    name: str
    length_m: float
    junction: str
    is_left_hand: bool
    plan: PlanView
    elevation: Cubics
    superelevation: Cubics
    lane_offset: Cubics
    sections: list[Section]
    predecessor: Link | None = None
    successor: Link | None = None
    speeds: list[tuple[float, float]] = field(default_factory=list)
    signals: list[SignalRecord] = field(default_factory=list)
    objects: list[ObjectRecord] = field(default_factory=list)

    def position(self, s_m: Floats, t_m: Floats, h_m: Floats, is_level: bool = False) -> tuple[Floats, Floats, Floats]:
        """Inertial position of road coordinates. [m]

        Parameters
        ----------
        s_m, t_m, h_m : (n,) float array
            Along, to the left, above the road's surface. [m]
        is_level : bool
            Whether the lane stays level in the road's superelevation.
        """
        x, y, heading = self.plan.pose(s_m)
        roll = self.superelevation(s_m)
        across, up = t_m * np.cos(roll), t_m * np.sin(roll)
        if is_level:
            across, up = t_m, np.zeros(len(s_m))
        return x - np.sin(heading) * across, y + np.cos(heading) * across, self.elevation(s_m) + up + h_m


@dataclass
class JunctionConnection:
    """A way through a junction."""

    incoming: str
    connecting: str
    contact: str
    lanes: list[tuple[int, int]]


@dataclass
class Junction:
    """A junction: its connections, controllers, and who goes first."""

    name: str
    kind: str
    connections: list[JunctionConnection]
    controllers: list[str]
    priorities: list[tuple[str, str]]


@dataclass
class OpenDriveFile:
    """All of a file.

    Attributes
    ----------
    geo_reference : str
        Text of ``<geoReference>``.
    offset : tuple of float
        x, y, z and heading of ``<offset>``. [m, m, m, rad]
    roads, junctions : dict
        By id.
    controllers : dict of str to list of str
        Signals that each controller drives.
    remarks : list of str
        What was odd.
    """

    geo_reference: str
    offset: tuple[float, float, float, float]
    roads: dict[str, Road]
    junctions: dict[str, Junction]
    controllers: dict[str, list[str]]
    remarks: list[str]
