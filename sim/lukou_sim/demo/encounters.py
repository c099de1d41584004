"""What became of a scheduled danger: watches its actor in the truth and tells contacts, near misses and red lights run.

A near miss is a post-encroachment time (B. Allen, B. Shin, P. Cooper, 1978) of at most `NEAR_MISS_S` on crossing ways, or a
time to collision (J. Hayward, 1972) of at most `REAR_END_S` of the one behind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lukou_messages.objects import TruthList
from lukou_sim.world.road_users import touching

NEAR_MISS_S = 2.0
"""Post-encroachment times up to this are near misses. [s]"""
REAR_END_S = 1.5
"""Times to collision up to this are near misses of one driving behind the other. [s]"""
WATCHED_S = 15.0
"""A danger is over so long after its beginning. [s]"""
AROUND_M = 30.0
SAME_WAY_COS = 0.87
MOVING_MPS = 0.5
PEDESTRIAN = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant at which a danger was one: what happened, when, between whom."""

    kind: str
    at_s: float
    names: frozenset[str]


@dataclass(slots=True)
class Watch:
    """One scheduled danger from its beginning on.

    Attributes
    ----------
    identity, kind, actor, other : str
        As the truth's event tells them.
    began_s : float
        When the actor began to misbehave. [s]
    """

    identity: str
    kind: str
    actor: str
    other: str
    began_s: float
    _rows: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    _told: list[Moment] = field(default_factory=list)

    def add(self, at_s: float, truth: TruthList) -> None:
        """One truth list of the time after the beginning."""
        if at_s > self.began_s + WATCHED_S:
            return
        for event in truth.events:
            if self.actor in (event.actor, event.other) and not event.scheduled:
                names = frozenset(name for name in (event.actor, event.other) if name)
                self._told.append(Moment(event.kind, event.at_ns / 1e9, names))
        if self.actor not in truth.names:
            return
        x, y = np.asarray(truth.x_m, np.float64), np.asarray(truth.y_m, np.float64)
        me = truth.names.index(self.actor)
        speed = np.hypot(truth.velocity_x_mps, truth.velocity_y_mps)
        for k in np.flatnonzero(np.hypot(x - x[me], y - y[me]) < AROUND_M).tolist():
            size = float(truth.length_m[k]), float(truth.width_m[k])
            pose = at_s, float(x[k]), float(y[k]), float(truth.yaw_rad[k]), float(speed[k])
            self._rows.setdefault(truth.names[k], []).append((*pose, *size, float(truth.object_class[k])))

    def moments(self) -> list[Moment]:
        """When it was dangerous; empty where nothing came of it.

        The red light that was run, and the first contact, or without contact the closest near miss.
        """
        found = [one for one in self._told if one.kind == "red_light"][:1]
        contacts = [one for one in self._told if one.kind == "contact"][:1]
        return found + (contacts or self._near_miss())

    def _near_miss(self) -> list[Moment]:
        if self.actor not in self._rows:
            return []
        mine = np.array(self._rows[self.actor])
        best: tuple[float, float, str] | None = None
        for name, rows in self._rows.items():
            theirs = np.array(rows)
            if name == self.actor or (mine[0, 7] == PEDESTRIAN and theirs[0, 7] == PEDESTRIAN):
                continue
            measure = _time_to_collision if self.kind == "rear_end" else _encroachment
            value, at_s = measure(mine, theirs)
            if math.isfinite(value) and (best is None or value < best[0]):
                best = value, at_s, name
        if best is None or best[0] > (REAR_END_S if self.kind == "rear_end" else NEAR_MISS_S):
            return []
        return [Moment("near_miss", best[1], frozenset((self.actor, best[2])))]


def _encroachment(a: Floats, b: Floats) -> tuple[float, float]:
    """Least post-encroachment time on crossing ways, and the instant at which the second came. [s]"""
    a, b = a[a[:, 4] > MOVING_MPS], b[b[:, 4] > MOVING_MPS]
    if not len(a) or not len(b):
        return math.inf, math.nan
    corners = np.concatenate([_footprints(a), _footprints(b)])
    pairs = touching(corners, np.concatenate([a[:, 1:3], b[:, 1:3]]))
    least, at_s = math.inf, math.nan
    for i, j in ((i, j - len(a)) for i, j in pairs if i < len(a) <= j):
        passed = abs(a[i, 0] - b[j, 0])
        if abs(math.cos(a[i, 3] - b[j, 3])) < SAME_WAY_COS and passed < least:
            least, at_s = passed, max(a[i, 0], b[j, 0])
    return float(least), float(at_s)


def _time_to_collision(ahead: Floats, behind: Floats) -> tuple[float, float]:
    """Least time to collision of the one behind on the same way, and its instant. [s]"""
    _, i, j = np.intersect1d(ahead[:, 0], behind[:, 0], return_indices=True)
    a, b = ahead[i], behind[j]
    cos, sin = np.cos(b[:, 3]), np.sin(b[:, 3])
    dx, dy = a[:, 1] - b[:, 1], a[:, 2] - b[:, 2]
    gap = dx * cos + dy * sin - 0.5 * (a[:, 5] + b[:, 5])
    same = (np.abs(dy * cos - dx * sin) < 0.5 * (a[:, 6] + b[:, 6])) & (gap > 0)
    same &= np.cos(a[:, 3] - b[:, 3]) > SAME_WAY_COS
    closing = b[:, 4] - a[:, 4]
    value = np.where(same & (closing > 0.1), gap / np.maximum(closing, 0.1), np.inf)
    if not len(value) or not np.isfinite(value).any():
        return math.inf, math.nan
    return float(value.min()), float(a[int(value.argmin()), 0])


def _footprints(rows: Floats) -> Floats:
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    local = unit[None] * rows[:, None, 5:7]
    cos, sin = np.cos(rows[:, 3])[:, None], np.sin(rows[:, 3])[:, None]
    x = local[..., 0] * cos - local[..., 1] * sin + rows[:, 1, None]
    y = local[..., 0] * sin + local[..., 1] * cos + rows[:, 2, None]
    return np.stack([x, y], axis=-1)
