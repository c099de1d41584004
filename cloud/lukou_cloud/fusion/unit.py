"""One unit of those whose lists are joined: its latest tracks, and those that it has lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lukou_cloud.fusion.tracks import Ints, UnitTracks
from lukou_cloud.fusion.trails import Trails

Box = tuple[float, float, float, float]
"""Least and largest x, least and largest y. [m]"""


class Gone(NamedTuple):
    """Who was in a list and is not any more.

    Attributes
    ----------
    at_ns : int
        Instant of the last list with him.
    x_m, y_m, vx_mps, vy_mps : float
        Where he was, and how he moved. [m, m/s]
    number : int
        Fused identity.
    """

    at_ns: int
    x_m: float
    y_m: float
    vx_mps: float
    vy_mps: float
    number: int


@dataclass
class Unit:
    """Latest tracks of one unit, with their fused identities, how they have moved, and the box in which they lie."""

    at_ns: int
    tracks: UnitTracks
    fused: Ints
    trails: Trails
    box_m: Box = field(init=False)

    def __post_init__(self) -> None:
        (west, east), (south, north) = (
            (float(column.min(initial=np.inf)), float(column.max(initial=-np.inf)))
            for column in (self.tracks.x_m, self.tracks.y_m)
        )
        self.box_m = west, east, south, north

    def gone(self, row: int) -> Gone:
        """One of them, who is in no list any more."""
        t = self.tracks
        x_m, y_m, vx, vy = (float(column[row]) for column in (t.x_m, t.y_m, t.vx_mps, t.vy_mps))
        return Gone(self.at_ns, x_m, y_m, vx, vy, int(self.fused[row]))
