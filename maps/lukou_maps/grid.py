"""For every cell of a uniform grid, the segments that can be best for some point in it.

A segment is dropped from a cell where its least possible cost over the cell exceeds the smallest worst cost of any
segment there, so that nothing is lost. Cells are found by halving: a coarse cell's list holds for its four quarters, and
each halving prunes again. Fine cells exist only in coarse cells that have segments, so that a large empty map costs
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lukou_maps.errors import MapError
from lukou_maps.ragged import Booleans, Floats, Ints, spread

HALVINGS = 4
"""A coarse cell is 2^4 fine cells wide."""

MOST = 32_767
"""Segments in one cell."""

MOST_COARSE_CELLS = 4_000_000
"""Coarse cells at most: 64 km square with cells of 2 m, 160 km square with cells of 5 m."""

MOST_IN_A_ROW = 12_500
"""Coarse cells side by side at most: 1,000 km with cells of 5 m."""

LEAST_HALF_M = 0.05
"""Lanes count as at least twice this wide. [m]"""

SIDE = 1 << HALVINGS
"""Fine cells along a coarse cell."""

Narrow = np.ndarray[tuple[int], np.dtype[np.int32]]
Count = np.ndarray[tuple[int], np.dtype[np.int16]]


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Quadrangles of lanes: an axis midway between the boundaries, and the two slanted ends.

    Attributes
    ----------
    x, y : (n,) float array
        Start of the axis. [m]
    ux, uy : (n,) float array
        Its direction.
    length : (n,) float array
        Its length. [m]
    half, taper : (n,) float array
        Distance of the boundaries from the axis at its start, and the change per metre. [m, 1]
    first, last : (n,) float array
        Slant of both ends: how far along the axis they lie per metre to its left. [1]
    opens, closes : (n,) bool array
        Whether the lane begins, or ends, here; else another quadrangle joins.
    """

    x: Floats
    y: Floats
    ux: Floats
    uy: Floats
    length: Floats
    half: Floats
    taper: Floats
    first: Floats
    last: Floats
    opens: Booleans
    closes: Booleans

    def __len__(self) -> int:
        return len(self.x)

    def distance(self, segment: Ints, x: Floats, y: Floats, radius: float) -> tuple[Floats, Booleans]:
        """Distance of points from axes [m], and whether all within a radius lie beside, not past an end of the lane."""
        dx, dy = x - self.x[segment], y - self.y[segment]
        ux, uy, length = self.ux[segment], self.uy[segment], self.length[segment]
        along, across = dx * ux + dy * uy, ux * dy - uy * dx
        beyond = along - np.clip(along, 0.0, length)
        first, last = self.first[segment], self.last[segment]
        beside = ~self.opens[segment] | (along - first * across >= radius * (1.0 + np.abs(first)))
        beside &= ~self.closes[segment] | (along - last * across <= length - radius * (1.0 + np.abs(last)))
        return np.hypot(across, beyond), beside


class Cells(NamedTuple):
    """A grid's numbers, as `Grid` names them."""

    west_m: float
    south_m: float
    scale: float
    last_column: float
    last_row: float
    coarse_columns: int
    base: Ints
    start: Narrow
    counts: Count
    entries: Narrow


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Segments that matter in each cell; every cell has at least one, number `len(segments)` standing for none.

    Attributes
    ----------
    west_m, south_m : float
        Corner of the grid. [m]
    scale : float
        Fine cells per metre. [1/m]
    last_column, last_row : float
        Largest fine column and row; both are empty.
    coarse_columns : int
        Coarse cells in a row.
    base : (c,) int array
        Number of the fine cell (0, 0) of each coarse cell, less its own place: ``cell = base + row * SIDE + column``.
    start, count, entries : int32 array
        Segments of fine cell k: ``entries[start[k]:start[k] + count[k]]``.
    """

    west_m: float
    south_m: float
    scale: float
    last_column: float
    last_row: float
    coarse_columns: int
    base: Ints
    start: Narrow
    count: Count
    entries: Narrow

    @property
    def numbers(self) -> Cells:
        """What loops over points need."""
        corner = self.west_m, self.south_m, self.scale, self.last_column, self.last_row
        return Cells(*corner, self.coarse_columns, self.base, self.start, self.count, self.entries)

    def cells(self, x_m: Floats, y_m: Floats) -> Ints:
        """Fine cell of each point; points off the grid, and those that are no numbers, are in an empty one."""
        column = np.fmax(np.fmin((x_m - self.west_m) * self.scale, self.last_column), 0.0).astype(np.int64)
        row = np.fmax(np.fmin((y_m - self.south_m) * self.scale, self.last_row), 0.0).astype(np.int64)
        cell = self.base[(row >> HALVINGS) * self.coarse_columns + (column >> HALVINGS)]
        cell += row << HALVINGS
        cell += column
        return cell

    @classmethod
    def of(cls, segments: Segments, cell_m: float, reach_m: float, margin_m: float, tie: float) -> Grid:
        """Build the grid.

        Parameters
        ----------
        segments : Segments
            All segments.
        cell_m : float
            Side of a fine cell. [m]
        reach_m : float
            Points farther than this from a segment never ask for it. [m]
        margin_m : float
            Segments that cost up to this more than the best are kept as well. [m]
        tie : float
            Weight of the distance in half widths against a metre outside the lane. [m]
        """
        return _Builder(segments, cell_m, reach_m, margin_m, tie).grid()


class _Builder:
    def __init__(self, segments: Segments, cell_m: float, reach_m: float, margin_m: float, tie: float) -> None:
        self._segments = segments
        self._cell_m, self._reach_m, self._margin_m, self._tie = cell_m, reach_m, margin_m, tie
        self._widest = np.maximum(segments.half, segments.half + segments.taper * segments.length)
        self._narrowest = np.minimum(segments.half, segments.half + segments.taper * segments.length)
        narrow = self._narrowest
        before = np.where(segments.opens, narrow, np.roll(narrow, 1))
        after = np.where(segments.closes, narrow, np.roll(narrow, -1))
        self._narrowest = np.minimum(narrow, np.minimum(before, after))
        # ends that slant make the distance along the way shorter or longer than the plain one, by this at most
        self._stretch = np.sqrt(1.0 + np.maximum(np.abs(segments.first), np.abs(segments.last)) ** 2)
        end_x, end_y = segments.x + segments.ux * segments.length, segments.y + segments.uy * segments.length
        self._box = (
            np.minimum(segments.x, end_x) - reach_m,
            np.maximum(segments.x, end_x) + reach_m,
            np.minimum(segments.y, end_y) - reach_m,
            np.maximum(segments.y, end_y) + reach_m,
        )
        count = len(segments)
        west, east, south, north = (
            (float(self._box[0].min()), float(self._box[1].max()), float(self._box[2].min()), float(self._box[3].max()))
            if count
            else (0.0, 0.0, 0.0, 0.0)
        )
        self._west, self._south = west - cell_m, south - cell_m
        coarse_m = cell_m * SIDE
        self._columns = int((east - self._west + 2.0 * cell_m) / coarse_m) + 1
        self._rows = int((north - self._south + 2.0 * cell_m) / coarse_m) + 1
        if self._columns * self._rows > MOST_COARSE_CELLS or max(self._columns, self._rows) > MOST_IN_A_ROW:
            raise MapError(
                f"the map spans {(east - west) / 1000.0:.0f} by {(north - south) / 1000.0:.0f} km, too much to match points to; "
                "find the elements that lie astray with `lukou map show`, or cut the map"
            )

    def grid(self) -> Grid:
        base = np.zeros(self._columns * self._rows, np.int64)
        none = len(self._segments)
        counts: list[Count] = [np.ones(SIDE * SIDE, np.int16)]
        entries: list[Narrow] = [np.full(SIDE * SIDE, none, np.int32)]
        blocks = 1
        for coarse, segment in self._strips():
            cell, segment = self._refined(coarse, segment)
            occupied = np.unique(coarse)
            fine_columns = self._columns * SIDE
            row, column = np.divmod(cell, fine_columns)
            block = np.searchsorted(occupied, (row >> HALVINGS) * self._columns + (column >> HALVINGS))
            number = (block << (2 * HALVINGS)) + ((row & (SIDE - 1)) << HALVINGS) + (column & (SIDE - 1))
            count, listed = _listed(number, segment, len(occupied) * SIDE * SIDE, none)
            counts.append(count)
            entries.append(listed)
            corner = (occupied // self._columns * SIDE << HALVINGS) + occupied % self._columns * SIDE
            base[occupied] = ((blocks + np.arange(len(occupied))) << (2 * HALVINGS)) - corner
            blocks += len(occupied)
        empty = base == 0
        place = np.flatnonzero(empty)
        base[empty] = -((place // self._columns * SIDE << HALVINGS) + place % self._columns * SIDE)
        count = np.concatenate(counts)
        start = np.zeros(len(count), np.int32)
        np.cumsum(count[:-1], out=start[1:])
        return Grid(
            self._west,
            self._south,
            1.0 / self._cell_m,
            float(self._columns * SIDE - 1),
            float(self._rows * SIDE - 1),
            self._columns,
            base,
            start,
            count,
            _poured(entries),
        )

    def _strips(self) -> list[tuple[Ints, Ints]]:
        """Pairs of a coarse cell and a segment that may be within reach of it, row of cells by row."""
        if len(self._segments) == 0:
            return []
        per_m = 1.0 / (self._cell_m * SIDE)
        west, east = ((edge - self._west) * per_m for edge in self._box[:2])
        south, north = ((edge - self._south) * per_m for edge in self._box[2:])
        first_row, last_row = south.astype(np.int64), north.astype(np.int64)
        first, last = west.astype(np.int64), east.astype(np.int64)
        tall = last_row - first_row + 1
        segment = np.repeat(np.arange(len(self._segments)), tall)
        row = spread(first_row, tall)
        order = np.argsort(row, kind="stable")
        segment, row = segment[order], row[order]
        strips = []
        for begin, end in _runs(row):
            one, wide = segment[begin:end], (last - first + 1)[segment[begin:end]]
            coarse = row[begin] * self._columns + spread(first[one], wide)
            strips.append((coarse, np.repeat(one, wide)))
        return strips

    def _refined(self, cell: Ints, segment: Ints) -> tuple[Ints, Ints]:
        """Fine cells and their segments, from coarse cells and theirs."""
        columns = self._columns
        size = self._cell_m * SIDE
        cell, segment = self._pruned(cell, segment, columns, size)
        for _ in range(HALVINGS):
            row, column = np.divmod(cell, columns)
            columns, size = columns * 2, size / 2.0
            corner = 2 * row * columns + 2 * column
            cell = np.concatenate([corner, corner + 1, corner + columns, corner + columns + 1])
            cell, segment = self._pruned(cell, np.tile(segment, 4), columns, size)
        return cell, segment

    def _pruned(self, cell: Ints, segment: Ints, columns: int, size: float) -> tuple[Ints, Ints]:
        row, column = np.divmod(cell, columns)
        x = self._west + (column + 0.5) * size
        y = self._south + (row + 0.5) * size
        radius = size * 0.5**0.5
        distance, beside = self._segments.distance(segment, x, y, radius)
        near = distance <= self._reach_m + radius
        cell, segment, distance, beside = cell[near], segment[near], distance[near], beside[near]
        wide, narrow = self._widest[segment], np.maximum(self._narrowest[segment], LEAST_HALF_M)
        stretch = self._stretch[segment]
        most = (distance + radius) * stretch
        upper = np.where(beside, np.maximum(most - narrow, 0.0), most) + self._tie * most / (2.0 * narrow)
        least_distance = np.maximum(distance - radius, 0.0) / stretch
        lower = np.maximum(least_distance - wide, 0.0) + self._tie * least_distance / (2.0 * wide)
        lowest = int(cell.min()) if len(cell) else 0
        best = np.full(int(cell.max(initial=lowest)) - lowest + 1, np.inf)
        np.minimum.at(best, cell - lowest, upper)
        keep: Booleans = lower <= best[cell - lowest] + self._margin_m
        return cell[keep], segment[keep]


def _runs(keys: Ints) -> list[tuple[int, int]]:
    """First and end of each run of equal keys."""
    ends = np.append(np.flatnonzero(np.diff(keys)) + 1, len(keys)).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _poured(parts: list[Narrow]) -> Narrow:
    """All parts one after the other; each is given up as it is copied, so that they never stand in memory twice."""
    whole = np.empty(sum(len(part) for part in parts), np.int32)
    begin = 0
    parts.reverse()
    while parts:
        part = parts.pop()
        whole[begin : begin + len(part)] = part
        begin += len(part)
    return whole


def _limited(number: Ints, segment: Ints) -> tuple[Ints, Ints]:
    """At most `MOST` segments a cell: only a broken map piles up more."""
    if len(number) <= MOST:
        return number, segment
    order = np.argsort(number, kind="stable")
    rank = np.arange(len(number)) - np.searchsorted(number[order], number[order])
    kept = order[rank < MOST]
    return number[kept], segment[kept]


def _listed(number: Ints, segment: Ints, cells: int, none: int) -> tuple[Count, Narrow]:
    """Count and entries of each cell of a strip; a cell without segments holds `none`."""
    number, segment = _limited(number, segment)
    count = np.bincount(number, minlength=cells)
    empty = np.flatnonzero(count == 0)
    number = np.concatenate([number, empty])
    segment = np.concatenate([segment, np.full(len(empty), none)])
    return np.clip(count, 1, MOST).astype(np.int16), segment[np.argsort(number, kind="stable")].astype(np.int32)
