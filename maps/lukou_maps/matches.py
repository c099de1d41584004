"""What matching points to lanes gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lukou_maps.ragged import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class LaneMatch:
    """The best lane of each point.

    Attributes
    ----------
    lane : (n,) int array
        Lane, -1: none within `REACH_M`.
    s_m : (n,) float array
        Arc length on the lane. [m]
    d_m : (n,) float array
        Signed offset from the centre line, left positive. [m]
    probability : (n,) float array
        Probability that the lane is right; 0 where there is none.
    """

    lane: Ints
    s_m: Floats
    d_m: Floats
    probability: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LaneCandidates:
    """All lanes that a point may be on, best first within a point.

    Attributes
    ----------
    point : (m,) int array
        Point that the candidate belongs to, ascending.
    lane, s_m, d_m, probability
        As in `LaneMatch`; probabilities of one point sum to 1.
    ux, uy : (m,) float array
        Direction of the lane there; empty where the maker does not tell it.
    """

    point: Ints
    lane: Ints
    s_m: Floats
    d_m: Floats
    probability: Floats
    ux: Floats = field(default_factory=lambda: np.zeros(0))
    uy: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True, eq=False)
class NearSegments:
    """Every lane near each point, with the place on it that is nearest.

    Attributes
    ----------
    point, lane : (m,) int array
        Point, ascending, and lane; each pair once.
    s_m, d_m : (m,) float array
        Arc length and signed offset of the nearest place. [m]
    excess_m : (m,) float array
        Distance outside the lane. [m]
    half_m : (m,) float array
        Half of the width there. [m]
    ux, uy : (m,) float array
        Direction there.
    beyond_m : (m,) float array
        How far the point lies past the end of the lane (positive) or before its start (negative). [m]
    across_m : (m,) float array
        Signed offset, without what lies past either end. [m]
    bend_rad : (m,) float array
        Change of the lane's direction over the last `BEND_M`. [rad]
    """

    point: Ints
    lane: Ints
    s_m: Floats
    d_m: Floats
    excess_m: Floats
    half_m: Floats
    ux: Floats
    uy: Floats
    beyond_m: Floats
    across_m: Floats
    bend_rad: Floats
