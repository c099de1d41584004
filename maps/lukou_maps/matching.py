"""Which lane is a point on, for many points at once.

A grid (`lukou_maps.grid`) names for every cell the segments of centre lines that can be best for any point in it, so that
the answer is exact. The cost is the distance outside the lane, ``max(0, |d| - w / 2)`` with the width there; ties (inside
several lanes) go to the smallest ``|d| / w``. Measured in docs/maps.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from lukou_maps.grid import LEAST_HALF_M, Grid, Narrow
from lukou_maps.matches import LaneCandidates, LaneMatch, NearSegments
from lukou_maps.memory import give_back
from lukou_maps.quadrangles import quadrangles
from lukou_maps.ragged import Floats, Ints, least_of_runs, spread
from lukou_maps.road_model import LaneKind, Participants, RoadModel
from lukou_maps.vocabulary import Direction

FINE_CELL_M, COARSE_CELL_M = 2.0, 5.0
"""Side of a grid cell on maps up to `MANY_SEGMENTS`, and on larger ones, whose tables would outgrow the cache. [m]"""

WIDE_M = 40_000.0
"""Maps wider than this get coarse cells too. [m]"""

MANY_SEGMENTS = 30_000
"""Segments of centre lines from which on cells are coarse."""

REACH_M = 15.0
"""Points farther than this from every lane are on none. [m]"""

BLOCK = 2048
"""Points worked on at a time, so that the working set stays in the cache."""

TIE_M = 1e-3
"""Weight of ``|d| / w`` against a metre outside the lane. [m]"""

LATERAL_DEVIATION_M = 1.0
"""Standard deviation of a measured position across the lane, where the caller tells none. [m]"""

HEADING_DEVIATION_RAD = 0.35
"""Standard deviation of heading against the lane's direction: tracks of slow road users turn by some 20 degrees. [rad]"""

BEND_M = 5.0
"""A car's length: its body points where the lane pointed about half of this behind its front. [m]"""

WRONG_CLASS_COST = 8.0
"""Cost (as minus twice a log-likelihood) of a lane that is closed to the class; it happens, but rarely."""

CANDIDATE_MARGIN_M = 4.0
"""Lanes that are farther than the nearest by more than this are no candidates. [m]"""

COLUMNS = ("x", "y", "ux", "uy", "length", "first", "last", "half", "taper")
"""Columns of `Segments` that matching reads, in the order of its table."""

_PLACE_BITS = 20
"""Low bits of a cost that give way to the place of its candidate: costs are then exact to 1e-9 of themselves."""


class LaneMatcher:
    """Matches points to the lanes of one map.

    Parameters
    ----------
    model : RoadModel
        The map.
    kinds : tuple of LaneKind
        Kinds of lanes that count.
    closed_to_vehicles : bool
        Whether lanes that no motor vehicle may use count too.
    """

    def __init__(
        self,
        model: RoadModel,
        kinds: tuple[LaneKind, ...] = (LaneKind.ROAD, LaneKind.JUNCTION),
        closed_to_vehicles: bool = True,
    ) -> None:
        lanes = model.lanes
        self.lanes = lanes
        counts = np.isin(lanes.kind, kinds)
        if not closed_to_vehicles:
            counts &= (lanes.participants & int(Participants.MOTOR)) > 0
        wanted = np.flatnonzero(counts)
        first, count = lanes.point_start[wanted], np.diff(lanes.point_start)[wanted] - 1
        point = spread(first, count)
        # one row more stands for "no segment": infinitely far from everything
        self._lane = np.append(np.repeat(wanted, count), -1)
        self._s = np.append(lanes.s_m[point], 0.0)
        self._span = np.append(lanes.s_m[point + 1] - lanes.s_m[point], 1.0)
        last = np.append(np.diff(self._lane[:-1]) != 0, True)[: len(point)]
        self._is_last, self._is_first = (
            np.append(last, False),
            np.append(np.append(True, last[:-1])[: len(point)], False),
        )
        segments = quadrangles(lanes, point, self._is_first[:-1], self._is_last[:-1])
        rows = [getattr(segments, name) for name in COLUMNS]
        beyond = [1e18, 1e18, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
        heading = np.arctan2(segments.uy, segments.ux)
        self._bend = np.append(_bends(self._lane[:-1], self._s[:-1], heading), 0.0)
        self._table = np.stack([np.append(row, last) for row, last in zip(rows, beyond, strict=True)])
        self._ends = self._table[4:7]
        columns = dict(zip(COLUMNS, self._table[:, :-1], strict=True))
        self._segments = replace(segments, **columns)

    @cached_property
    def _nearest_grid(self) -> Grid:
        spans_m = np.ptp(self.lanes.x_m, axis=0), np.ptp(self.lanes.y_m, axis=0)
        is_small = len(self._segments) < MANY_SEGMENTS and max(spans_m) < WIDE_M
        cell_m = FINE_CELL_M if is_small else COARSE_CELL_M
        return Grid.of(self._segments, cell_m, REACH_M, 0.0, TIE_M)

    @cached_property
    def _candidate_grid(self) -> Grid:
        return Grid.of(self._segments, COARSE_CELL_M, REACH_M, CANDIDATE_MARGIN_M, TIE_M)

    def prepare(self) -> None:
        """Build the tables now that otherwise the first call builds, and give back what building them took."""
        _ = self._nearest_grid
        give_back()

    def candidate_counts(self, x_m: Floats, y_m: Floats) -> Ints:
        """Segments that `nearest` weighs for each point: what its time depends on."""
        grid = self._nearest_grid
        return grid.count.take(grid.cells(np.asarray(x_m, np.float64), np.asarray(y_m, np.float64))).astype(np.int64)

    def nearest(self, x_m: Floats, y_m: Floats) -> LaneMatch:
        """Best lane by position alone.

        Parameters
        ----------
        x_m, y_m : (n,) float array
            Points. [m]

        Returns
        -------
        LaneMatch
            With probability 1 where there is a lane.
        """
        x_m, y_m = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        count = len(x_m)
        if count <= BLOCK:
            lane, s_m, d_m = self._nearest_block(x_m, y_m)
        else:
            lane, s_m, d_m = np.empty(count, np.int64), np.empty(count), np.empty(count)
            for begin in range(0, count, BLOCK):
                block = slice(begin, begin + BLOCK)
                lane[block], s_m[block], d_m[block] = self._nearest_block(x_m[block], y_m[block])
        return LaneMatch(lane, s_m, d_m, (lane >= 0).astype(np.float64))

    def _nearest_block(self, x_m: Floats, y_m: Floats) -> tuple[Ints, Floats, Floats]:
        """Lane, arc length and offset of one block of points."""
        grid = self._nearest_grid
        cell = grid.cells(x_m, y_m)
        counts = grid.count.take(cell)
        ends = counts.cumsum()
        first = ends - counts
        total = int(ends[-1]) if len(ends) else 0
        if total == 0:
            return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
        number = np.arange(total)
        owner = np.arange(len(counts)).repeat(counts)
        segment = grid.entries.take((grid.start.take(cell) - first).take(owner) + number)
        dx, dy, ux, uy, inside, begin, end, half, taper = self._table.take(segment, axis=1)
        dx -= x_m.take(owner)
        dy -= y_m.take(owner)
        along = dx * ux
        along += dy * uy
        np.negative(along, out=along)
        dx *= uy
        dy *= ux
        across = dx  # left positive
        across -= dy
        begin *= across
        end *= across
        inside += end
        np.minimum(inside, along, out=inside)
        np.maximum(inside, begin, out=inside)
        along -= inside
        taper *= inside
        half += taper
        np.maximum(half, LEAST_HALF_M, out=half)
        distance = np.abs(across)
        cost = distance - half
        np.maximum(cost, 0.0, out=cost)
        cost *= cost
        along *= along
        cost += along
        np.sqrt(cost, out=cost)
        distance /= half
        distance *= 0.5 * TIE_M
        cost += distance
        keys = cost.view(np.int64)
        keys &= -1 << _PLACE_BITS
        keys |= number
        best = np.minimum.reduceat(keys, first)
        best &= (1 << _PLACE_BITS) - 1
        chosen = segment.take(best)
        lane = self._lane.take(chosen)
        across = across.take(best)
        s_m = self._arc(chosen, inside.take(best), across)
        past = along.take(best)  # squared
        past += across * across
        d_m = np.copysign(np.sqrt(past), across)
        off = past > REACH_M * REACH_M
        if off.any():
            lane[off], s_m[off], d_m[off] = -1, 0.0, 0.0
        return lane, s_m, d_m

    def _arc(self, segment: Narrow | Ints, inside: Floats, across: Floats) -> Floats:
        """Arc length on the lane: the share of the way between the slanted ends, so that it grows without jumps."""
        way, begin, end = self._ends.take(segment, axis=1)
        begin *= across
        end *= across
        way += end
        way -= begin
        share = np.asarray(inside - begin)
        share /= np.maximum(way, 1e-6)
        np.minimum(np.maximum(share, 0.0), 1.0, out=share)
        share *= self._span.take(segment)
        share += self._s.take(segment)
        return np.asarray(share)

    def near(self, x_m: Floats, y_m: Floats, margin_m: float = np.inf) -> NearSegments:
        """Every lane that may be meant by each point, with the nearest place on it.

        Parameters
        ----------
        x_m, y_m : (n,) float array
            Points. [m]
        margin_m : float
            Lanes whose edge is farther than this are left out. [m]
        """
        x_m, y_m = np.asarray(x_m, np.float64), np.asarray(y_m, np.float64)
        grid = self._candidate_grid
        cell = grid.cells(x_m, y_m)
        counts = grid.count.take(cell)
        owner = np.arange(len(x_m)).repeat(counts)
        segment = grid.entries.take(spread(grid.start.take(cell).astype(np.int64), counts.astype(np.int64)))
        sx, sy, ux, uy, length, slant, end_slant, half, taper = self._table.take(segment, axis=1)
        dx, dy = x_m.take(owner), y_m.take(owner)
        dx -= sx
        dy -= sy
        along = dx * ux
        along += dy * uy
        across = ux * dy
        across -= uy * dx
        end_slant *= across
        length += end_slant
        slant *= across
        inside = np.minimum(along, length, out=length)
        np.maximum(inside, slant, out=inside)
        beyond = along - inside
        distance = np.hypot(across, beyond)
        lane = self._lane.take(segment)
        kept = least_of_runs(
            owner * (len(self.lanes) + 1) + lane, distance
        )  # cells name segments in the order of lanes
        taper *= inside
        half += taper
        np.maximum(half, LEAST_HALF_M, out=half)
        half, across, beyond, distance = half.take(kept), across.take(kept), beyond.take(kept), distance.take(kept)
        excess = np.abs(across)
        excess -= half
        excess = np.hypot(np.maximum(excess, 0.0, out=excess), beyond)
        chosen = np.flatnonzero((distance <= REACH_M) & (excess <= margin_m))
        kept, half, across, beyond = kept.take(chosen), half.take(chosen), across.take(chosen), beyond.take(chosen)
        distance, segment, inside = distance.take(chosen), segment.take(kept), inside.take(kept)
        at_end = np.where(beyond > 0, self._is_last[segment], self._is_first[segment]) & (beyond != 0)
        signed = np.copysign(distance, across)
        return NearSegments(
            owner.take(kept),
            lane.take(kept),
            self._arc(segment, inside, across),
            signed,
            excess.take(chosen),
            half,
            ux.take(kept),
            uy.take(kept),
            np.where(at_end, beyond, 0.0),
            np.where(at_end, across, signed),
            self._bend.take(segment),
        )

    def candidates(
        self,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None = None,
        object_class: Ints | None = None,
        deviation_m: Floats | None = None,
        margin_m: float = np.inf,
    ) -> LaneCandidates:
        """All lanes that come into question, with probabilities.

        Parameters
        ----------
        x_m, y_m : (n,) float array
            Points. [m]
        heading_rad : (n,) float array, optional
            Direction of motion or of the body; nan: not known. [rad]
        object_class : (n,) int array, optional
            `lukou.v1.ObjectClass`; 0: not known.
        deviation_m : (n,) float array, optional
            Standard deviation of the position across the lane. [m]
        margin_m : float
            Lanes whose edge is farther than this do not come into question. [m]

        Returns
        -------
        LaneCandidates
            Points without a lane within `REACH_M` have no candidate.

        Notes
        -----
        ``-2 log`` of a lane's likelihood is ``(excess / sigma_d)^2 + (d / w)^2 + (angle / sigma_heading)^2`` plus
        `WRONG_CLASS_COST`, with excess the distance outside the lane.
        """
        near = self.near(x_m, y_m, margin_m)
        sigma = LATERAL_DEVIATION_M if deviation_m is None else np.maximum(deviation_m, 0.1)[near.point]
        cost = (near.excess_m / sigma) ** 2 + (near.d_m / (2.0 * near.half_m)) ** 2
        if heading_rad is not None:
            cost += self.heading_cost(np.asarray(heading_rad, np.float64)[near.point], near, HEADING_DEVIATION_RAD)
        if object_class is not None:
            cost += self.class_cost(np.asarray(object_class, np.int64)[near.point], near.lane)
        order = np.lexsort((cost, near.point))
        point, cost = near.point.take(order), cost.take(order)
        begin = point.searchsorted(point)
        weight = np.exp(-0.5 * (cost - cost[begin])) if len(cost) else cost
        total = np.bincount(point, weights=weight)
        probability = weight / total[point] if len(cost) else weight
        return LaneCandidates(
            point,
            near.lane.take(order),
            near.s_m.take(order),
            near.d_m.take(order),
            probability,
            near.ux.take(order),
            near.uy.take(order),
        )

    def heading_cost(self, heading_rad: Floats, near: NearSegments, deviation_rad: Floats | float) -> Floats:
        """Minus twice the log-likelihood of directions on lanes, 0 where a direction is nan."""
        along = np.cos(heading_rad) * near.ux + np.sin(heading_rad) * near.uy
        both = self.lanes.direction[near.lane] == Direction.BOTH
        angle = np.arccos(np.clip(np.where(both, np.abs(along), along), -1.0, 1.0))
        return np.where(np.isnan(angle), 0.0, np.minimum((angle / deviation_rad) ** 2, 40.0))

    def class_cost(self, object_class: Ints, lane: Ints) -> Floats:
        """Cost of lanes that are closed to a class; class 0 pays nothing."""
        closed = (self.lanes.participants[lane] >> object_class) & 1 == 0
        return np.where(closed & (object_class > 0), WRONG_CLASS_COST, 0.0)

    def match(
        self,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None = None,
        object_class: Ints | None = None,
        deviation_m: Floats | None = None,
    ) -> LaneMatch:
        """Most probable lane of each point; parameters as in `candidates`."""
        found = self.candidates(x_m, y_m, heading_rad, object_class, deviation_m)
        count = len(x_m)
        lane, s_m, d_m, probability = np.full(count, -1, np.int64), np.zeros(count), np.zeros(count), np.zeros(count)
        point, first = np.unique(found.point, return_index=True)
        lane[point], s_m[point], d_m[point] = found.lane[first], found.s_m[first], found.d_m[first]
        probability[point] = found.probability[first]
        return LaneMatch(lane, s_m, d_m, probability)


def _bends(lane: Ints, s_m: Floats, heading_rad: Floats) -> Floats:
    """Change of direction from `BEND_M` behind each segment's start, within its lane. [rad]"""
    if len(lane) == 0:
        return np.zeros(0)
    key = lane * 1e6 + s_m
    first = np.searchsorted(lane, lane)
    behind = np.maximum(np.searchsorted(key, key - BEND_M, side="right") - 1, first)
    turned = heading_rad - heading_rad[behind]
    return np.asarray(np.abs((turned + np.pi) % (2.0 * np.pi) - np.pi))
