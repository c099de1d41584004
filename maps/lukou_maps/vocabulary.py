"""The closed sets of the road model: kinds, turns, markings, participants."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class LaneKind(IntEnum):
    """What a lane is for, by its place in the network."""

    ROAD = 0
    JUNCTION = 1
    CROSSWALK = 2
    WALKING_AREA = 3


class LaneType(IntEnum):
    """What a lane is built as (ASAM OpenDRIVE 1.8, table "lane types", and Lanelet2 subtypes, brought together)."""

    UNKNOWN = 0
    DRIVING = 1
    BUS = 2
    BICYCLE = 3
    SIDEWALK = 4
    SHOULDER = 5
    PARKING = 6
    RAIL = 7
    ENTRY_OR_EXIT = 8
    EMERGENCY = 9
    BORDER = 10
    CROSSWALK = 11


class Direction(IntEnum):
    """Ways that traffic on a lane may run, against the direction of its centre line."""

    FORWARD = 0
    BOTH = 1


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


class Side(IntEnum):
    """Side of a lane, seen along it."""

    LEFT = 0
    RIGHT = 1


class Marking(IntEnum):
    """What is painted or built along the boundary of a lane."""

    UNKNOWN = 0
    NONE = 1
    SOLID = 2
    BROKEN = 3
    SOLID_SOLID = 4
    SOLID_BROKEN = 5
    BROKEN_SOLID = 6
    BROKEN_BROKEN = 7
    KERB = 8
    WALL = 9
    OTHER = 10


class MarkingColour(IntEnum):
    """Colour of a marking."""

    UNKNOWN = 0
    WHITE = 1
    YELLOW = 2
    RED = 3
    BLUE = 4
    GREEN = 5
    OTHER = 6


class StopLineKind(IntEnum):
    """Why one stops at a line."""

    APPROACH = 0
    WAITING_AREA = 1
    YIELD = 2
    STOP_SIGN = 3


class LaneFunction(IntEnum):
    """What a lane is for during some hours, or while a sign says so."""

    AS_BUILT = 0
    BUS_ONLY = 1
    HIGH_OCCUPANCY = 2
    REVERSED = 3
    CLOSED = 4
    TURNS = 5
    HARD_SHOULDER_RUNNING = 6


class RegulationKind(IntEnum):
    """Kinds of rules that stand beside the road rather than in a lane's columns."""

    OTHER = 0
    TRAFFIC_LIGHT = 1
    RIGHT_OF_WAY = 2
    STOP = 3
    YIELD = 4
    SPEED_LIMIT = 5
    NO_STOPPING = 6
    TRAFFIC_SIGN = 7
