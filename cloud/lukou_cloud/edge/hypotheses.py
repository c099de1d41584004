"""What each road user may do: one row per road user, path and intention."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lukou_cloud.edge.road_users import Booleans, Floats, Ints


class Hypotheses(NamedTuple):
    """One row per road user and path it may take; rows of one road user are neighbours.

    Attributes
    ----------
    user : (h,) int array
        Row of the road user.
    path : (h,) int array
        Path in the catalogue, -1: straight on.
    s_m : (h,) float array
        Arc length of its centre on the path now. [m]
    probability : (h,) float array
        Probability of path and intention; the rows of one road user sum to 1 or less.
    intention : (h,) float array
        Share of those on the path who mean to do so.
    ignores : (h,) bool array
        Does not give way although it should and could.
    travelled_m : (h, t) float array
        Distance from now at each sample of time. [m]
    poses : (4, h, t) float array
        Position and direction (x, y, cosine, sine) at each sample of time. [m, 1]
    connection : (h,) int array
        Line of `Lights` that lies next ahead, -1: none.
    line_m : (h,) float array
        Distance of its stop line from the front. [m]
    is_running_red : (h,) bool array
        Expected to pass that line against its light.
    first : (u,) int array
        First row of each road user.
    leader : (h,) int array
        Row of the road user next ahead on the path, -1: none.
    leader_gap_m : (h,) float array
        Free distance to it. [m]
    """

    user: Ints
    path: Ints
    s_m: Floats
    probability: Floats
    intention: Floats
    ignores: Booleans
    travelled_m: Floats
    poses: Floats
    connection: Ints
    line_m: Floats
    is_running_red: Booleans
    first: Ints
    leader: Ints
    leader_gap_m: Floats

    @property
    def x_m(self) -> Floats:
        """East at each sample of time, (h, t). [m]"""
        return np.asarray(self.poses[0])

    @property
    def y_m(self) -> Floats:
        """North. [m]"""
        return np.asarray(self.poses[1])

    @property
    def cos(self) -> Floats:
        """Cosine of the direction."""
        return np.asarray(self.poses[2])

    @property
    def sin(self) -> Floats:
        """Sine of the direction."""
        return np.asarray(self.poses[3])
