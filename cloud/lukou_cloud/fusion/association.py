"""Lists of several roadside units into one: every road user once, under an identity that survives hand-over.

Each unit has filtered its own evidence already, so tracks of two units are never averaged as if they were independent: they are
joined by covariance intersection (S. Julier, J. Uhlmann, "A Non-divergent Estimation Algorithm in the Presence of Unknown
Correlations", 1997), which counts no evidence twice whatever the correlation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lukou_cloud.fusion.covariance_intersection import intersect
from lukou_cloud.fusion.handover import Born, HandOver
from lukou_cloud.fusion.tracks import Floats, Ints, Sets, UnitTracks, joined
from lukou_cloud.fusion.trails import Trails
from lukou_cloud.fusion.unit import Box, Gone, Unit

MERGE_AFTER = 3
"""Lists of one unit in a row in which two identities must be one road user before they are merged."""

MOST_MPS = 100.0
"""No list tells a higher speed. [m/s]"""

SPLIT_FACTOR = 4.0
"""Two tracks of one identity part when their squared distance exceeds the gate by this factor."""

ALIKE_MPS = 4.0
"""A new track continues a lost one only if their velocities differ by less. [m/s]"""

HARDEST_MPS2 = 4.0
"""Who is named again may have got so much farther or less far than his velocity told, times the time squared: twice what acceleration explains. [m/s^2]"""

RENAMED_M = 1.0
"""Who is named again and stands nearer than this to one who is named no more is that one under an older identity. [m]"""

MOST_IDS = 0xFFFFFFFE
"""After so many identities they begin again."""


@dataclass
class Fusion:
    """Association of units' tracks over time; at the region the units are edges.

    Attributes
    ----------
    gate : float
        Largest squared Mahalanobis distance of tracks of one road user.
    reach_m : float
        Largest distance of such tracks. [m]
    forget_s : float
        Lost tracks are remembered in place this long. [s]
    handover : HandOver, optional
        Carries identities along the lanes to the next view.
    remember_s : float
        A unit's own identities are remembered so long after they were in its list: an edge carries identities over its own gaps, and is
        believed. 0 for units whose identities end with the track. [s]
    """

    gate: float
    reach_m: float
    forget_s: float
    handover: HandOver | None = None
    remember_s: float = 0.0
    units: dict[str, Unit] = field(default_factory=dict)
    next_id: int = 1
    doubts: dict[str, dict[tuple[int, int], int]] = field(default_factory=dict)
    ghosts: list[Gone] = field(default_factory=list)
    remembered: dict[str, dict[int, Gone]] = field(default_factory=dict)
    appeared: dict[int, str] = field(
        default_factory=dict
    )  # new identities since `recognise`, and whose list they are in
    lately_ns: int = 0  # latest instant of a list since then

    def take(self, lists: Mapping[str, tuple[int, UnitTracks]], is_urgent: bool = False) -> None:
        """Take new lists.

        Parameters
        ----------
        lists : mapping of str to (int, UnitTracks)
            Instant and tracks of each unit that has a new one.
        is_urgent : bool
            Whether `recognise` will be called later, when there is more time.
        """
        for source, (at_ns, tracks) in lists.items():
            if source in self.appeared.values():  # before that list is gone
                self.recognise()
            self._update(source, at_ns, tracks)
            self.lately_ns = max(self.lately_ns, at_ns)
        if not is_urgent:
            self.recognise()

    def _update(self, source: str, at_ns: int, tracks: UnitTracks) -> None:
        """Take a new list of one unit; who is new in it has a new identity then."""
        before = self.units.get(source)
        fused = self._known(before, tracks)
        back = self._back(source, at_ns, tracks, fused)
        if before is None:
            trails = Trails.begun(tracks)
        else:
            trails = before.trails.followed(before.tracks.id, tracks, (at_ns - before.at_ns) * 1e-9)
            self._leave(source, before, self._left(before, at_ns, tracks, back))
        unit = Unit(at_ns, tracks, fused, trails)
        self.units[source] = unit
        self._join(source, unit)
        if self.handover is not None:
            self.handover.watch(tracks)
        self._from_ghosts(unit, at_ns)
        new = np.flatnonzero(unit.fused == 0)
        unit.fused[new] = numbers = self._new_ids(len(new))
        if self.handover is not None:
            self.appeared.update(dict.fromkeys(numbers, source))

    def adopt(self, source: str, at_ns: int, tracks: UnitTracks) -> None:
        """Take the first list of all, and the unit's own identities as those of everybody in it."""
        self.units[source] = Unit(at_ns, tracks, tracks.id.copy(), Trails.begun(tracks))
        last = int(tracks.id.max(initial=0))
        self.next_id = last + 1 if last < MOST_IDS // 2 else 1  # who numbers at random is not counted on from there

    def drop(self, source: str, forget: bool = False) -> None:
        """Let a unit go whose lists have stopped.

        Parameters
        ----------
        source : str
            The unit.
        forget : bool
            Whether it has begun anew: what its identities meant is not remembered.
        """
        unit = self.units.pop(source, None)
        self.doubts.pop(source, None)
        if unit is not None:
            self._leave(source, unit, np.arange(len(unit.tracks)))
        if forget:
            self.remembered.pop(source, None)

    def _known(self, before: Unit | None, tracks: UnitTracks) -> Ints:
        """Fused identities of those who were in the unit's last list; 0 for the others."""
        known = dict(zip(before.tracks.id.tolist(), before.fused.tolist(), strict=True)) if before else {}
        return np.array([known.get(number, 0) for number in tracks.id.tolist()], np.int64)

    def _back(self, source: str, at_ns: int, tracks: UnitTracks, fused: Ints) -> Ints:
        """Give those their fused identities back whom the unit names again; their rows."""
        remembered, rows = self.remembered.get(source), []
        if not remembered:
            return np.zeros(0, np.int64)
        taken = set(fused.tolist())
        for row in np.flatnonzero(fused == 0).tolist():
            one = remembered.get(int(tracks.id[row]))
            if one is not None and one.number not in taken and self._may_be(one, at_ns, tracks, row):
                fused[row] = one.number
                taken.add(one.number)
                rows.append(row)
        return np.array(rows, np.int64)

    def _may_be(self, one: Gone, at_ns: int, tracks: UnitTracks, row: int) -> bool:
        """Whether somebody can be where a track is now: a unit that has begun anew gives old identities to others."""
        dt = (at_ns - one.at_ns) * 1e-9
        away = math.hypot(
            float(tracks.x_m[row]) - one.x_m - one.vx_mps * dt, float(tracks.y_m[row]) - one.y_m - one.vy_mps * dt
        )
        return 0.0 <= dt <= self.remember_s and away <= self.reach_m + HARDEST_MPS2 * dt * dt

    def _left(self, before: Unit, at_ns: int, tracks: UnitTracks, back: Ints) -> Ints:
        """Rows of a unit's last list that are gone; not those who only go by an older identity again."""
        here = set(tracks.id.tolist())
        gone = np.array([row for row, number in enumerate(before.tracks.id.tolist()) if number not in here], np.int64)
        if not len(gone) or not len(back):
            return gone
        moved, named = before.tracks.take(gone).moved((at_ns - before.at_ns) * 1e-9), tracks.take(back)
        away = np.hypot(moved.x_m[:, None] - named.x_m, moved.y_m[:, None] - named.y_m)
        return np.asarray(gone[away.min(axis=1) > RENAMED_M])

    def _leave(self, source: str, unit: Unit, rows: Ints) -> None:
        """Remember who is not in a unit's list any more."""
        kept_ns = unit.at_ns - self.forget_s * 1e9
        self.ghosts = [ghost for ghost in self.ghosts if ghost.at_ns >= kept_ns]
        for row in rows.tolist():
            gone = unit.gone(row)
            self.ghosts.append(gone)
            if self.remember_s > 0.0:
                self.remembered.setdefault(source, {})[int(unit.tracks.id[row])] = gone
            if self.handover is not None:
                self.handover.lose(gone.number, unit.at_ns, unit.tracks, row, unit.trails.speed_at(row, unit.tracks))
        oldest_ns = unit.at_ns - self.remember_s * 1e9
        remembered = self.remembered.get(source, {})
        for number in [number for number, one in remembered.items() if one.at_ns < oldest_ns]:
            del remembered[number]

    def recognise(self) -> bool:
        """Give those who have come along the lanes from another view the identities that they had there; whether anybody has another one now."""
        at_ns, self.lately_ns = self.lately_ns, 0
        if self.handover is None or not at_ns or not (self.appeared or self.handover.births):
            return False
        born: dict[int, Born] = {}
        for number, source in self.appeared.items():
            unit = self.units.get(source)
            rows = [] if unit is None else np.flatnonzero(unit.fused == number).tolist()
            if unit is not None and rows:
                born[number] = Born(unit.at_ns, unit.tracks, rows[0])
        self.appeared.clear()
        wanted = {birth.name for birth in self.handover.births.values()} | born.keys()
        speeds = {
            number: unit.trails.speed_at(row, unit.tracks)
            for unit in self.units.values()
            for row, number in enumerate(unit.fused.tolist())
            if number in wanted
        }
        new = {number: one for number, one in born.items() if number in speeds}
        changed = self.handover.recognise(at_ns, new, self._alive() - new.keys(), speeds)
        if changed:
            for one in self.units.values():
                one.fused = np.array([changed.get(number, number) for number in one.fused.tolist()], np.int64)
        return bool(changed)

    def _alive(self) -> set[int]:
        return {number for one in self.units.values() for number in one.fused.tolist()}

    def _new_ids(self, count: int) -> list[int]:
        """Identities that nobody has, and under which nobody may come back."""
        found: list[int] = []
        used = self._used() if count else set()
        while len(found) < count:
            if self.next_id not in used:
                found.append(self.next_id)
            self.next_id = self.next_id % MOST_IDS + 1
        return found

    def _used(self) -> set[int]:
        """Identities of those who are there, and of those who are remembered or looked for."""
        used = self._alive() | {one.number for one in self.ghosts}
        for gone in self.remembered.values():
            used |= {one.number for one in gone.values()}
        if self.handover is not None:
            used |= self.handover.lost.keys() | self.handover.births.keys()
        return used

    def _join(self, source: str, unit: Unit) -> None:
        """Give tracks the identity of another unit's track of the same road user; part those that are two."""
        before, self.doubts[source] = self.doubts.get(source, {}), {}
        for name, other in self.units.items():
            lag_s = (unit.at_ns - other.at_ns) * 1e-9
            if name == source or abs(lag_s) >= 1.0:
                continue
            shared = set(unit.fused.tolist()) & set(other.fused.tolist()) - {0}
            if not shared and not self._may_meet(unit.box_m, other.box_m, lag_s):
                continue
            rows, columns, distance2 = self._near(unit.tracks, other.tracks, lag_s)
            self._part(unit, other, shared, (rows, columns, distance2))
            kept = distance2 < self.gate
            rows, columns = rows[kept], columns[kept]
            cost = distance2[kept] - 0.5 * self.gate * (unit.fused[rows] == other.fused[columns])
            taken: set[int] = set()
            for k in np.argsort(cost, kind="stable").tolist():  # the nearest pairs first; few are ever near
                row, column = int(rows[k]), int(columns[k])
                if row in taken or ~column in taken:
                    continue
                taken |= {row, ~column}
                self._same(unit, row, int(other.fused[column]), before, self.doubts[source])

    def _may_meet(self, a: Box, b: Box, lag_s: float) -> bool:
        """Whether lists within two boxes can have tracks within reach of each other."""
        reach_m = self.reach_m + MOST_MPS * abs(lag_s)
        return a[0] < b[1] + reach_m and b[0] < a[1] + reach_m and a[2] < b[3] + reach_m and b[2] < a[3] + reach_m

    def _same(
        self, unit: Unit, row: int, other: int, before: dict[tuple[int, int], int], doubts: dict[tuple[int, int], int]
    ) -> None:
        mine = int(unit.fused[row])
        if other == 0 or mine == other:
            return
        if mine == 0:
            if other not in unit.fused:
                unit.fused[row] = other
            return
        pair = (min(mine, other), max(mine, other))
        doubts[pair] = before.get(pair, 0) + 1
        if doubts[pair] >= MERGE_AFTER and not any({*pair} <= set(one.fused.tolist()) for one in self.units.values()):
            for one in self.units.values():
                one.fused[one.fused == pair[1]] = pair[0]

    def _part(self, unit: Unit, other: Unit, shared: set[int], near: tuple[Ints, Ints, Floats]) -> None:
        """Tracks of one identity that have become two road users: the one of this unit gets its own."""
        rows, columns, distance2 = near
        for row in [k for k, number in enumerate(unit.fused.tolist()) if number in shared]:
            mine = (rows == row) & (other.fused[columns] == unit.fused[row])
            if not mine.any() or distance2[mine].min() > SPLIT_FACTOR * self.gate:
                (unit.fused[row],) = self._new_ids(1)

    def _near(self, a: UnitTracks, b: UnitTracks, lag_s: float) -> tuple[Ints, Ints, Floats]:
        """Pairs of tracks within reach, and their squared distance; `b` is carried on by `lag_s` first."""
        bx, by = b.x_m + b.vx_mps * lag_s, b.y_m + b.vy_mps * lag_s
        close = np.abs(a.x_m[:, None] - bx) < self.reach_m
        close &= np.abs(a.y_m[:, None] - by) < self.reach_m
        rows, columns = np.nonzero(close)
        if len(rows) == 0:
            return rows, columns, np.zeros(0)
        a, b = a.take(rows), b.take(columns).moved(lag_s)
        dx, dy = a.x_m - b.x_m, a.y_m - b.y_m
        sxx, sxy, syy = a.pxx + b.pxx + 0.2, a.pxy + b.pxy, a.pyy + b.pyy + 0.2
        distance2 = (syy * dx * dx - 2.0 * sxy * dx * dy + sxx * dy * dy) / np.maximum(sxx * syy - sxy * sxy, 1e-9)
        dvx, dvy = a.vx_mps - b.vx_mps, a.vy_mps - b.vy_mps
        speed2 = dvx * dvx / (a.vxx + b.vxx + 1.0) + dvy * dvy / (a.vyy + b.vyy + 1.0)
        return rows, columns, np.where(dx * dx + dy * dy < self.reach_m**2, distance2 + 0.5 * speed2, np.inf)

    def _from_ghosts(self, unit: Unit, at_ns: int) -> None:
        """Give new tracks that continue lost ones their identities, the nearest first."""
        alive, new = self._alive(), np.flatnonzero(unit.fused == 0)
        ghosts = [
            one for one in self.ghosts if one.number not in alive and 0 <= at_ns - one.at_ns < self.forget_s * 1e9
        ]
        if not ghosts or not len(new):
            return
        dt = np.array([at_ns - one.at_ns for one in ghosts]) * 1e-9
        x_m, y_m, vx, vy = np.array([one[1:5] for one in ghosts]).T
        t = unit.tracks
        away = np.hypot(t.x_m[new, None] - x_m - vx * dt, t.y_m[new, None] - y_m - vy * dt)
        alike = np.hypot(t.vx_mps[new, None] - vx, t.vy_mps[new, None] - vy) < ALIKE_MPS
        rows, columns = np.nonzero((away < self.reach_m) & alike)
        taken: set[int] = set()
        for k in np.argsort(away[rows, columns], kind="stable").tolist():
            row, number = int(new[rows[k]]), ghosts[columns[k]].number
            if unit.fused[row] == 0 and number not in taken:
                unit.fused[row] = number
                taken.add(number)

    def fused_at(self, at_ns: int) -> tuple[UnitTracks, Sets]:
        """All road users once, at an instant.

        Returns
        -------
        tracks : UnitTracks
            With fused identities in `id`.
        units : (n,) array of int
            Bit set of the units behind each, bit k for the k-th of the units in alphabetical order, however many.
        """
        names = sorted(self.units)
        units = [self.units[name] for name in names]
        everything = joined([unit.tracks.moved((at_ns - unit.at_ns) * 1e-9).renamed(unit.fused) for unit in units])
        counts = np.array([len(unit.tracks) for unit in units], np.int64)
        bit = np.repeat(np.array([1 << k for k in range(len(units))], np.object_), counts)
        # the best of an identity stands first: measured lately, then near in covariance
        order = np.lexsort((everything.pxx + everything.pyy, np.round(everything.unmeasured_s, 1), everything.id))
        everything, bit = everything.take(order), bit[order]
        is_first = np.ones(len(everything), np.bool_)
        is_first[1:] = everything.id[1:] != everything.id[:-1]
        number = np.cumsum(is_first) - 1
        result, united = everything.take(is_first), bit[is_first]
        for row in np.flatnonzero(~is_first).tolist():
            united[number[row]] |= bit[row]
            intersect(result, int(number[row]), everything, row)
        return result, united

    def state(self) -> dict[str, Any]:
        """For a snapshot, without the tracks."""
        return {
            "units": {s: [u.at_ns, u.fused.tolist(), u.trails.state()] for s, u in self.units.items()},
            "next_id": self.next_id,
            "doubts": {s: [[*pair, n] for pair, n in pairs.items()] for s, pairs in self.doubts.items()},
            "ghosts": self.ghosts,
            "remembered": {s: list(gone.items()) for s, gone in self.remembered.items()},
            "lost": self.handover.state() if self.handover is not None else None,
            "appeared": list(self.appeared.items()),
            "lately_ns": self.lately_ns,
        }

    def restore(self, state: dict[str, Any], tracks: Mapping[str, UnitTracks]) -> None:
        """From a snapshot.

        Parameters
        ----------
        state : dict
            Of `state`.
        tracks : mapping of str to UnitTracks
            Of all its units.
        """
        self.units = {
            source: Unit(at_ns, tracks[source], np.array(fused, np.int64), Trails.restored(trails))
            for source, (at_ns, fused, trails) in state["units"].items()
        }
        self.next_id = state["next_id"]
        self.doubts = {s: {(a, b): count for a, b, count in pairs} for s, pairs in state["doubts"].items()}
        self.ghosts = [Gone(*one) for one in state["ghosts"]]
        self.remembered = {s: {n: Gone(*one) for n, one in gone} for s, gone in state["remembered"].items()}
        self.appeared, self.lately_ns = dict(state["appeared"]), state["lately_ns"]
        if self.handover is not None:
            self.handover.restore(state["lost"])
