"""Which lane is a point on, for many points at once.

A grid (`lukou_maps.grid`) names for every cell the segments of centre lines that can be best for any point in it, so that
the answer is exact. The cost is the distance outside the lane, ``max(0, |d| - w / 2)`` with the width there; ties (inside
several lanes) go to the smallest ``|d| / w``. Measured in docs/maps.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from lukou_maps.grid import Grid
from lukou_maps.matches import LaneCandidates, LaneMatch, NearSegments
from lukou_maps.matching_loops import (
    Access,
    Lines,
    angle_costs,
    as_floats,
    best_of_each,
    class_costs,
    costs,
    near_lanes,
    nearest_lanes,
    ranked,
)
from lukou_maps.memory import give_back
from lukou_maps.quadrangles import quadrangles
from lukou_maps.ragged import Floats, Ints, spread
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

TIE_M = 1e-3
"""Weight of ``|d| / w`` against a metre outside the lane. [m]"""

LATERAL_DEVIATION_M = 1.0
"""Standard deviation of a measured position across the lane, where the caller tells none. [m]"""

BEND_M = 5.0
"""A car's length: its body points where the lane pointed about half of this behind its front. [m]"""

CANDIDATE_MARGIN_M = 4.0
"""Lanes that are farther than the nearest by more than this are no candidates. [m]"""

COLUMNS = ("x", "y", "ux", "uy", "length", "first", "last", "half", "taper")
"""Columns of `Segments` that matching reads, in the order of its table."""


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
        lane, s_m = np.append(np.repeat(wanted, count), -1), np.append(lanes.s_m[point], 0.0)
        span_m = np.append(lanes.s_m[point + 1] - lanes.s_m[point], 1.0)
        last = np.append(np.diff(lane[:-1]) != 0, True)[: len(point)]
        is_last, is_first = np.append(last, False), np.append(np.append(True, last[:-1])[: len(point)], False)
        segments = quadrangles(lanes, point, is_first[:-1], is_last[:-1])
        rows = [getattr(segments, name) for name in COLUMNS]
        beyond = [1e18, 1e18, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]
        heading = np.arctan2(segments.uy, segments.ux)
        bend = np.append(_bends(lane[:-1], s_m[:-1], heading), 0.0)
        table = np.stack([np.append(row, none) for row, none in zip(rows, beyond, strict=True)])
        self._lines = Lines(table, lane, s_m, span_m, is_first, is_last, bend)
        self._access = Access(lanes.direction == Direction.BOTH, np.asarray(lanes.participants, np.int64))
        columns = dict(zip(COLUMNS, table[:, :-1], strict=True))
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
        return grid.count.take(grid.cells(*as_floats(x_m, y_m))).astype(np.int64)

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
        lane, (s_m, d_m) = nearest_lanes(self._nearest_grid.numbers, self._lines, *as_floats(x_m, y_m), TIE_M, REACH_M)
        return LaneMatch(lane, s_m, d_m, (lane >= 0).astype(np.float64))

    def near(self, x_m: Floats, y_m: Floats, margin_m: float = np.inf) -> NearSegments:
        """Every lane that may be meant by each point, with the nearest place on it.

        Parameters
        ----------
        x_m, y_m : (n,) float array
            Points. [m]
        margin_m : float
            Lanes whose edge is farther than this are left out. [m]
        """
        who, rows = self._near(x_m, y_m, margin_m)
        return NearSegments(*who, *rows)

    def _near(self, x_m: Floats, y_m: Floats, margin_m: float) -> tuple[Ints, Floats]:
        """The same, as its loop gives it: point and lane, and the other columns."""
        points = as_floats(x_m, y_m)
        return near_lanes(self._candidate_grid.numbers, self._lines, *points, float(margin_m), REACH_M)

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
        near, cost = self._weighed(x_m, y_m, heading_rad, object_class, deviation_m, margin_m)
        order, probability = ranked(near.point, cost)
        return LaneCandidates(
            near.point,
            near.lane.take(order),
            near.s_m.take(order),
            near.d_m.take(order),
            probability,
            near.ux.take(order),
            near.uy.take(order),
        )

    def heading_cost(self, heading_rad: Floats, near: NearSegments, deviation_rad: Floats) -> Floats:
        """Minus twice the log-likelihood of directions on lanes, 0 where a direction is nan; both (m,)."""
        return angle_costs(heading_rad, near.lane, near.ux, near.uy, self._access, deviation_rad)

    def class_cost(self, object_class: Ints, lane: Ints) -> Floats:
        """Cost of lanes that are closed to a class; class 0 pays nothing."""
        return class_costs(object_class, lane, self._access)

    def match(
        self,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None = None,
        object_class: Ints | None = None,
        deviation_m: Floats | None = None,
    ) -> LaneMatch:
        """Most probable lane of each point; parameters as in `candidates`."""
        near, cost = self._weighed(x_m, y_m, heading_rad, object_class, deviation_m, np.inf)
        best, probability = best_of_each(near.point, cost, len(x_m))
        if len(cost) == 0:
            return LaneMatch(best, np.zeros(len(best)), np.zeros(len(best)), probability)
        has_lane = best >= 0
        lane, s_m, d_m = (
            np.where(has_lane, column[best], none)
            for column, none in ((near.lane, -1), (near.s_m, 0.0), (near.d_m, 0.0))
        )
        return LaneMatch(lane, s_m, d_m, probability)

    def _weighed(
        self,
        x_m: Floats,
        y_m: Floats,
        heading_rad: Floats | None,
        object_class: Ints | None,
        deviation_m: Floats | None,
        margin_m: float,
    ) -> tuple[NearSegments, Floats]:
        """Every lane near each point, and the cost of each."""
        (who, rows), count = self._near(x_m, y_m, margin_m), len(x_m)
        heading = np.full(count, np.nan) if heading_rad is None else np.require(heading_rad, np.float64, ["C", "W"])
        kind = np.zeros(count, np.int64) if object_class is None else np.require(object_class, np.int64, ["C", "W"])
        sigma = np.full(count, LATERAL_DEVIATION_M) if deviation_m is None else np.maximum(deviation_m, 0.1)
        return NearSegments(*who, *rows), costs(who, rows, heading, kind, sigma, self._access)


def _bends(lane: Ints, s_m: Floats, heading_rad: Floats) -> Floats:
    """Change of direction from `BEND_M` behind each segment's start, within its lane. [rad]"""
    if len(lane) == 0:
        return np.zeros(0)
    key = lane * 1e6 + s_m
    first = np.searchsorted(lane, lane)
    behind = np.maximum(np.searchsorted(key, key - BEND_M, side="right") - 1, first)
    turned = heading_rad - heading_rad[behind]
    return np.asarray(np.abs((turned + np.pi) % (2.0 * np.pi) - np.pi))
