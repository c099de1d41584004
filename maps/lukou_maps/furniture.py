"""Columns of what lies along and beside lanes: markings, limits, functions by time, turns in two stages, stops, rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lukou_maps.ragged import Booleans, Floats, Ints, Ragged
from lukou_maps.tables import Table

MarkingRow = tuple[int, int, float, float, int, int, bool]
"""One row of `Markings`: lane, side, from, to, kind, colour, may cross."""


@dataclass(frozen=True, eq=False)
class Markings(Table):
    """Runs of equal marking along the boundaries of lanes, in order of lane, side and arc length.

    Attributes
    ----------
    lane, side : (n,) int array
        Lane, and `Side` of it.
    from_m, to_m : (n,) float array
        Interval along the lane. [m]
    kind, colour : (n,) int array
        `Marking`, `MarkingColour`.
    may_cross : (n,) bool array
        Whether traffic on this lane may cross it to that side.
    """

    lane: Ints
    side: Ints
    from_m: Floats
    to_m: Floats
    kind: Ints
    colour: Ints
    may_cross: Booleans

    @classmethod
    def of_rows(cls, rows: Sequence[MarkingRow]) -> Markings:
        """The table of rows in the order of the columns."""
        table = list(zip(*rows, strict=True)) if rows else [()] * 7
        return cls(
            lane=np.array(table[0], np.int64),
            side=np.array(table[1], np.int64),
            from_m=np.array(table[2], np.float64),
            to_m=np.array(table[3], np.float64),
            kind=np.array(table[4], np.int64),
            colour=np.array(table[5], np.int64),
            may_cross=np.array(table[6], np.bool_),
        )

    def __len__(self) -> int:
        return len(self.lane)


@dataclass(frozen=True, eq=False)
class SpeedLimits(Table):
    """Speed limits that change along a lane: from `from_m` on `speed_mps` holds.

    Attributes
    ----------
    lane : (n,) int array
        Lane.
    from_m : (n,) float array
        Arc length from which the limit holds. [m]
    speed_mps : (n,) float array
        Limit; nan: none known. [m/s]
    participants : (n,) int array
        `Participants` that it holds for.
    """

    lane: Ints
    from_m: Floats
    speed_mps: Floats
    participants: Ints

    def __len__(self) -> int:
        return len(self.lane)


@dataclass(frozen=True, eq=False)
class LaneFunctions(Table):
    """What lanes are for by hours or by a variable sign: bus lanes, tidal lanes, variable turn lanes.

    Attributes
    ----------
    lane : (n,) int array
        Lane.
    function : (n,) int array
        `LaneFunction`.
    participants : (n,) int array
        `Participants` that may use the lane while the function is in force.
    turns : (n,) int array
        Bit k: `Turn` k is allowed while the function is in force; 0: those of the connections.
    days : (n,) int array
        Bit k: in force on ISO weekday k + 1; 0: the sign alone decides.
    from_minute, to_minute : (n,) int array
        Local minutes of the day; `to_minute` below `from_minute` ends on the next day. [min]
    signs : tuple of str
        Name of the variable sign that says whether it is in force; empty: the hours decide.
    """

    lane: Ints
    function: Ints
    participants: Ints
    turns: Ints
    days: Ints
    from_minute: Ints
    to_minute: Ints
    signs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lane)

    def in_force(self, weekday: int, minute: int, shown: frozenset[str] = frozenset()) -> Booleans:
        """Which functions hold at an instant.

        Parameters
        ----------
        weekday : int
            ISO weekday, 1 Monday to 7 Sunday, local time.
        minute : int
            Local minute of the day. [min]
        shown : frozenset of str
            Variable signs that show their function now.
        """
        wraps = self.to_minute < self.from_minute
        today = (self.days >> (weekday - 1)) & 1 == 1
        yesterday = (self.days >> ((weekday - 2) % 7)) & 1 == 1
        late = (minute >= self.from_minute) & today
        hours = np.where(wraps, late | ((minute < self.to_minute) & yesterday), late & (minute < self.to_minute))
        signed = np.array([bool(name) for name in self.signs], np.bool_)
        lit = np.array([name in shown for name in self.signs], np.bool_)
        return np.asarray(np.where(signed, lit, hours), np.bool_)


@dataclass(frozen=True, eq=False)
class TwoStageTurns(Table):
    """Left turns of cyclists in two stages: straight over, wait, then straight over the other street.

    Attributes
    ----------
    first_connection, second_connection : (n,) int array
        Connections ridden before and after the wait.
    x_m, y_m : (n,) float array
        Centre of the waiting area. [m]
    width_m, length_m : (n,) float array
        Its size across and along the second ride. [m]
    """

    first_connection: Ints
    second_connection: Ints
    x_m: Floats
    y_m: Floats
    width_m: Floats
    length_m: Floats

    def __len__(self) -> int:
        return len(self.first_connection)


@dataclass(frozen=True, eq=False)
class BusStops(Table):
    """Stops of buses and trams on their lane.

    Attributes
    ----------
    names : tuple of str
        Name of each.
    lane : (n,) int array
        Lane.
    from_m, to_m : (n,) float array
        Interval on the lane. [m]
    """

    names: tuple[str, ...]
    lane: Ints
    from_m: Floats
    to_m: Floats

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Regulations(Table):
    """Rules and signs that stand beside the road.

    Attributes
    ----------
    names : tuple of str
        Name in the file.
    codes : tuple of str
        Code in the file's own terms, for example ``de274`` or ``1000001``.
    kind : (n,) int array
        `RegulationKind`.
    x_m, y_m : (n,) float array
        Place; nan: none told. [m]
    value : (n,) float array
        Number on the sign, for example a limit in m/s; nan: none.
    lanes : Ragged
        Lanes that it holds for.
    """

    names: tuple[str, ...]
    codes: tuple[str, ...]
    kind: Ints
    x_m: Floats
    y_m: Floats
    value: Floats
    lanes: Ragged

    def __len__(self) -> int:
        return len(self.names)
