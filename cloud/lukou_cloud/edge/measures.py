"""Standard measures of conflict, for many pairs at once.

Definitions: J. Hayward, "Near-miss determination through use of a scale of danger" (1972) for time to collision;
B. Allen, B. Shin, P. Cooper, "Analysis of traffic conflicts and collisions" (1978) for post-encroachment time; D. Cooper and
N. Ferguson, "Traffic studies at T-junctions" (1976) for the required deceleration (DRAC).
"""

from __future__ import annotations

import math

import numpy as np

from lukou_cloud.compiled import compiled
from lukou_cloud.edge.road_users import Booleans, Floats


def time_to_collision(gap_m: Floats, closing_mps: Floats) -> Floats:
    """Time until two road users touch if both keep their speed.

    Parameters
    ----------
    gap_m : (n,) float array
        Free distance between the outlines. [m]
    closing_mps : (n,) float array
        Rate at which the gap shrinks; <= 0 means it does not. [m/s]

    Returns
    -------
    (n,) float array
        Time to collision; inf where the gap does not shrink. [s]
    """
    return _each_time(*_columns(gap_m, closing_mps))


def required_braking(gap_m: Floats, follower_mps: Floats, leader_mps: Floats, leader_braking_mps2: Floats) -> Floats:
    """Braking with which a follower just does not touch its leader (DRAC).

    Parameters
    ----------
    gap_m : (n,) float array
        Free distance. [m]
    follower_mps, leader_mps : (n,) float array
        Speeds along the common path. [m/s]
    leader_braking_mps2 : (n,) float array
        Braking of the leader that is expected to last until it stands, >= 0. [m/s^2]

    Returns
    -------
    (n,) float array
        Required braking, 0 where none is needed. [m/s^2]
    """
    return _each_braking(*_columns(gap_m, follower_mps, leader_mps, leader_braking_mps2))


@compiled
def time_left(gap_m: float, closing_mps: float) -> float:
    """`time_to_collision` of one pair. [s]"""
    return max(gap_m, 0.0) / closing_mps if closing_mps > 1e-6 else math.inf


@compiled
def braking_needed(gap_m: float, follower_mps: float, leader_mps: float, leader_braking_mps2: float) -> float:
    """`required_braking` of one pair. [m/s^2]"""
    closing, gap_m = max(follower_mps - leader_mps, 0.0), max(gap_m, 0.1)
    steady = closing * closing / (2.0 * gap_m)
    if not leader_braking_mps2 > 0.5:
        return steady
    way = gap_m + leader_mps * leader_mps / (2.0 * leader_braking_mps2)
    return max(steady, follower_mps * follower_mps / (2.0 * way))


@compiled
def _each_time(gap_m: Floats, closing_mps: Floats) -> Floats:
    return np.array([time_left(gap_m[k], closing_mps[k]) for k in range(len(gap_m))])


@compiled
def _each_braking(gap_m: Floats, follower_mps: Floats, leader_mps: Floats, braking_mps2: Floats) -> Floats:
    rows = range(len(gap_m))
    return np.array([braking_needed(gap_m[k], follower_mps[k], leader_mps[k], braking_mps2[k]) for k in rows])


def _columns(*columns: Floats) -> Floats:
    """As compiled loops take them, (n, m)."""
    return np.array(np.broadcast_arrays(*columns), np.float64)


def overlaps(
    dx: Floats,
    dy: Floats,
    cos_a: Floats,
    sin_a: Floats,
    cos_b: Floats,
    sin_b: Floats,
    half_length_a: Floats,
    half_width_a: Floats,
    half_length_b: Floats,
    half_width_b: Floats,
) -> Booleans:
    """Whether two rectangles overlap, by the separating axes of both.

    S. Gottschalk, M. Lin, D. Manocha, "OBBTree" (1996), in the plane.

    Parameters
    ----------
    dx, dy : float array
        Centre of b less centre of a. [m]
    cos_a, sin_a, cos_b, sin_b : float array
        Directions.
    half_length_a, half_width_a, half_length_b, half_width_b : float array
        Half sizes. [m]
    """
    cos, sin = np.abs(cos_a * cos_b + sin_a * sin_b), np.abs(cos_a * sin_b - sin_a * cos_b)
    apart = np.abs(dx * cos_a + dy * sin_a) > half_length_a + half_length_b * cos + half_width_b * sin
    apart |= np.abs(dy * cos_a - dx * sin_a) > half_width_a + half_length_b * sin + half_width_b * cos
    apart |= np.abs(dx * cos_b + dy * sin_b) > half_length_b + half_length_a * cos + half_width_a * sin
    apart |= np.abs(dy * cos_b - dx * sin_b) > half_width_b + half_length_a * sin + half_width_a * cos
    return np.asarray(~apart)


def post_encroachment_time(
    t_a_s: Floats, way_a: Floats, t_b_s: Floats, way_b: Floats, same_way_cos: float = 1.0
) -> tuple[float, int, int]:
    """Time between one road user leaving a place and the other one arriving there, on the ways that they really took.

    Parameters
    ----------
    t_a_s, t_b_s : (n,), (m,) float array
        Instants. [s]
    way_a, way_b : (n, 5), (m, 5) float array
        x, y, heading, half length and half width at those instants. [m, m, rad, m, m]
    same_way_cos : float
        Where their directions differ by less than this cosine, one follows the other: no encroachment.

    Returns
    -------
    time_s : float
        Least time between two instants at which their footprints share ground; 0 if they do at one instant, inf if their ways
        never share ground. [s]
    a, b : int
        Rows of both at that place; 0 where there is none.

    Notes
    -----
    Allen, Shin and Cooper (1978) measure at a line; here any ground counts, resolved to the spacing of the rows.
    """
    a, b = way_a[:, None, :], way_b[None, :, :]
    shared = overlaps(
        b[..., 0] - a[..., 0],
        b[..., 1] - a[..., 1],
        np.cos(a[..., 2]),
        np.sin(a[..., 2]),
        np.cos(b[..., 2]),
        np.sin(b[..., 2]),
        a[..., 3],
        a[..., 4],
        b[..., 3],
        b[..., 4],
    )
    shared &= np.cos(a[..., 2] - b[..., 2]) <= same_way_cos
    if not shared.any():
        return float("inf"), 0, 0
    apart = np.where(shared, np.abs(t_a_s[:, None] - t_b_s[None, :]), np.inf)
    row, column = divmod(int(apart.argmin()), apart.shape[1])
    return float(apart[row, column]), row, column
