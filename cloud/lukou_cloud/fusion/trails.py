"""How fast tracks have been lately: a unit's momentary speeds are off by more than drivers change theirs within a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lukou_cloud.fusion.tracks import Floats, Ints, UnitTracks

MEMORY_S = 1.0
"""Time constant with which older speeds and places are forgotten. [s]"""

LEAST_AGE_S = 0.2
"""From places that are nearer in time no speed is told. [s]"""


@dataclass(frozen=True)
class Trails:
    """Fading means of tracks; columns in the order of the tracks.

    Attributes
    ----------
    weight : (n,) float array
        Lists that they stand for.
    speed_mps, x_m, y_m, age_s : (n,) float array
        Mean speed, mean place, and how long ago that was on average. [m/s, m, m, s]
    """

    weight: Floats
    speed_mps: Floats
    x_m: Floats
    y_m: Floats
    age_s: Floats

    @classmethod
    def begun(cls, tracks: UnitTracks) -> Trails:
        """Of tracks that are seen for the first time."""
        speed, count = np.hypot(tracks.vx_mps, tracks.vy_mps), len(tracks)
        return cls(np.ones(count), speed, tracks.x_m.copy(), tracks.y_m.copy(), np.zeros(count))

    def followed(self, ids: Ints, tracks: UnitTracks, passed_s: float) -> Trails:
        """With one list more.

        Parameters
        ----------
        ids : (n,) int array
            Identities of the tracks so far.
        tracks : UnitTracks
            The new list.
        passed_s : float
            Time since the last one. [s]
        """
        new = self.begun(tracks)
        if not len(ids) or not len(tracks):
            return new
        order = np.argsort(ids)
        place = order[np.minimum(np.searchsorted(ids, tracks.id, sorter=order), len(ids) - 1)]
        kept = np.where(ids[place] == tracks.id, self.weight[place] * np.exp(-passed_s / MEMORY_S), 0.0)
        old, now = kept / (kept + 1.0), 1.0 / (kept + 1.0)
        return Trails(
            kept + 1.0,
            old * self.speed_mps[place] + now * new.speed_mps,
            old * self.x_m[place] + now * new.x_m,
            old * self.y_m[place] + now * new.y_m,
            old * (self.age_s[place] + passed_s),
        )

    def speed_at(self, row: int, tracks: UnitTracks) -> float:
        """Mean speed of one track lately, from told speeds and from the way that it has made. [m/s]"""
        told, age_s = float(self.speed_mps[row]), float(self.age_s[row])
        if age_s < LEAST_AGE_S:
            return told
        away_m = np.hypot(tracks.x_m[row] - self.x_m[row], tracks.y_m[row] - self.y_m[row])
        return 0.5 * (told + float(away_m) / age_s)

    def state(self) -> list[list[float]]:
        """For a snapshot."""
        return [column.tolist() for column in (self.weight, self.speed_mps, self.x_m, self.y_m, self.age_s)]

    @classmethod
    def restored(cls, state: list[list[Any]]) -> Trails:
        """From a snapshot."""
        return cls(*(np.array(column, np.float64) for column in state))
