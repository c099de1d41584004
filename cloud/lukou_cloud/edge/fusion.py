"""Lists of several roadside units into one: every road user once, under an identity that survives hand-over.

Each unit has filtered its own evidence already, so tracks of two units are never averaged as if they were independent: they are
joined by covariance intersection (S. Julier, J. Uhlmann, "A Non-divergent Estimation Algorithm in the Presence of Unknown
Correlations", 1997), which counts no evidence twice whatever the correlation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lukou_cloud.edge.handover import HandOver
from lukou_cloud.edge.road_users import Floats, Ints
from lukou_cloud.edge.tracks import ESTIMATES, UnitTracks, joined
from lukou_cloud.edge.trails import Trails

MERGE_AFTER = 3
"""Lists in a row in which two identities must be one road user before they are merged."""

SPLIT_FACTOR = 4.0
"""Two tracks of one identity part when their squared distance exceeds the gate by this factor."""


@dataclass
class Unit:
    """Latest tracks of one unit, with their fused identities and how they have moved, and those that it has lost a moment ago."""

    at_ns: int
    tracks: UnitTracks
    fused: Ints
    trails: Trails
    ghosts: list[tuple[int, float, float, float, float, int]] = field(default_factory=list)

    def state(self) -> list[Any]:
        """For a snapshot, without the tracks."""
        return [self.at_ns, self.fused.tolist(), self.trails.state(), self.ghosts]

    @classmethod
    def restored(cls, state: list[Any], tracks: UnitTracks) -> Unit:
        """From a snapshot."""
        at_ns, fused, trails, ghosts = state
        return cls(at_ns, tracks, np.array(fused, np.int64), Trails.restored(trails), [tuple(one) for one in ghosts])


@dataclass
class Fusion:
    """Association of units' tracks over time.

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
    """

    gate: float
    reach_m: float
    forget_s: float
    handover: HandOver | None = None
    units: dict[str, Unit] = field(default_factory=dict)
    next_id: int = 1
    doubts: dict[tuple[int, int], int] = field(default_factory=dict)

    def update(self, source: str, at_ns: int, tracks: UnitTracks) -> None:
        """Take a new list of one unit.

        Parameters
        ----------
        source : str
            The unit.
        at_ns : int
            Instant of the list.
        tracks : UnitTracks
            Its tracks.
        """
        before = self.units.get(source)
        known = dict(zip(before.tracks.id.tolist(), before.fused.tolist(), strict=True)) if before else {}
        fused = np.array([known.get(number, 0) for number in tracks.id.tolist()], np.int64)
        if before is None:
            trails = Trails.begun(tracks)
        else:
            trails = before.trails.followed(before.tracks.id, tracks, (at_ns - before.at_ns) * 1e-9)
        unit = Unit(at_ns, tracks, fused, trails, self._ghosts(before, tracks, at_ns))
        self.units[source] = unit
        self._join(source, unit)
        if self.handover is not None:
            self.handover.watch(tracks)
        born = []
        for row in np.flatnonzero(unit.fused == 0).tolist():
            unit.fused[row] = self._from_ghosts(unit, row, at_ns)
            if unit.fused[row] == 0:
                unit.fused[row] = self._new_id()
                born.append(row)
        self._hand_over(unit, born, at_ns)

    def drop(self, source: str) -> None:
        """Forget a unit whose lists have stopped."""
        unit = self.units.pop(source, None)
        if unit is not None and self.handover is not None:
            for row, number in enumerate(unit.fused.tolist()):
                self.handover.lose(number, unit.at_ns, unit.tracks, row, unit.trails.speed_at(row, unit.tracks))

    def _hand_over(self, unit: Unit, born: list[int], at_ns: int) -> None:
        """Give those who have come along the lanes from another view the identities that they had there."""
        if self.handover is None or not (born or self.handover.births):
            return
        new = {int(unit.fused[row]): (unit.tracks, row) for row in born}
        wanted = {birth.name for birth in self.handover.births.values()}
        speeds = {
            number: unit.trails.speed_at(row, unit.tracks)
            for row, number in enumerate(unit.fused.tolist())
            if number in new or number in wanted
        }
        changed = self.handover.recognise(at_ns, new, self._alive() - set(new), speeds)
        if changed:
            for one in self.units.values():
                one.fused = np.array([changed.get(number, number) for number in one.fused.tolist()], np.int64)

    def _alive(self) -> set[int]:
        return {number for one in self.units.values() for number in one.fused.tolist()}

    def _new_id(self) -> int:
        number, self.next_id = self.next_id, self.next_id % 0xFFFFFFFE + 1
        return number

    def _join(self, source: str, unit: Unit) -> None:
        """Give tracks the identity of another unit's track of the same road user; part those that are two."""
        doubts: dict[tuple[int, int], int] = {}
        for name, other in self.units.items():
            lag_s = (unit.at_ns - other.at_ns) * 1e-9
            if name == source or abs(lag_s) >= 1.0:
                continue
            rows, columns, distance2 = self._near(unit.tracks, other.tracks, lag_s)
            self._part(unit, other, rows, columns, distance2)
            kept = distance2 < self.gate
            rows, columns = rows[kept], columns[kept]
            cost = distance2[kept] - 0.5 * self.gate * (unit.fused[rows] == other.fused[columns])
            taken: set[int] = set()
            for k in np.argsort(cost, kind="stable").tolist():  # the nearest pairs first; few are ever near
                row, column = int(rows[k]), int(columns[k])
                if row in taken or ~column in taken:
                    continue
                taken |= {row, ~column}
                self._same(unit, row, int(other.fused[column]), doubts)
        self.doubts = {pair: count for pair, count in doubts.items() if count < MERGE_AFTER} | {
            pair: count for pair, count in self.doubts.items() if pair not in doubts and pair[0] < 0
        }

    def _same(self, unit: Unit, row: int, other: int, doubts: dict[tuple[int, int], int]) -> None:
        mine = int(unit.fused[row])
        if other == 0 or mine == other:
            return
        if mine == 0:
            if other not in unit.fused:
                unit.fused[row] = other
            return
        pair = (min(mine, other), max(mine, other))
        doubts[pair] = self.doubts.get(pair, 0) + 1
        if doubts[pair] >= MERGE_AFTER and not any({*pair} <= set(one.fused.tolist()) for one in self.units.values()):
            for one in self.units.values():
                one.fused[one.fused == pair[1]] = pair[0]

    def _part(self, unit: Unit, other: Unit, rows: Ints, columns: Ints, distance2: Floats) -> None:
        """Tracks of one identity that have become two road users: the one of this unit gets its own."""
        theirs = set(other.fused.tolist())
        for row in [k for k, number in enumerate(unit.fused.tolist()) if number and number in theirs]:
            mine = (rows == row) & (other.fused[columns] == unit.fused[row])
            if not mine.any() or distance2[mine].min() > SPLIT_FACTOR * self.gate:
                unit.fused[row] = self._new_id()

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

    def _ghosts(
        self, before: Unit | None, tracks: UnitTracks, at_ns: int
    ) -> list[tuple[int, float, float, float, float, int]]:
        """Identities that this unit has just lost: (instant, x, y, vx, vy, identity)."""
        if before is None:
            return []
        kept = [ghost for ghost in before.ghosts if at_ns - ghost[0] < self.forget_s * 1e9]
        gone = np.flatnonzero(~np.isin(before.tracks.id, tracks.id))
        t = before.tracks
        if self.handover is not None:
            for k in gone.tolist():
                self.handover.lose(int(before.fused[k]), before.at_ns, t, k, before.trails.speed_at(k, t))
        return kept + [
            (
                before.at_ns,
                float(t.x_m[k]),
                float(t.y_m[k]),
                float(t.vx_mps[k]),
                float(t.vy_mps[k]),
                int(before.fused[k]),
            )
            for k in gone
        ]

    def _from_ghosts(self, unit: Unit, row: int, at_ns: int) -> int:
        """Identity of a lost track that a new one continues; 0 where there is none."""
        alive = self._alive()
        best, nearest = 0, self.reach_m
        for one in self.units.values():
            for lost_ns, x_m, y_m, vx, vy, number in one.ghosts:
                dt = (at_ns - lost_ns) * 1e-9
                if number in alive or not 0.0 <= dt < self.forget_s:
                    continue
                away = float(np.hypot(unit.tracks.x_m[row] - x_m - vx * dt, unit.tracks.y_m[row] - y_m - vy * dt))
                apart = float(np.hypot(unit.tracks.vx_mps[row] - vx, unit.tracks.vy_mps[row] - vy))
                if away < nearest and apart < 4.0:
                    best, nearest = number, away
        return best

    def fused_at(self, at_ns: int) -> tuple[UnitTracks, Ints]:
        """All road users once, at an instant.

        Returns
        -------
        tracks : UnitTracks
            With fused identities in `id`.
        units : (n,) int array
            Bit set of the units behind each, bit k for the k-th of the units in alphabetical order.
        """
        names = sorted(self.units)
        units = [self.units[name] for name in names]
        everything = joined([unit.tracks.moved((at_ns - unit.at_ns) * 1e-9).renamed(unit.fused) for unit in units])
        bit = np.repeat(1 << np.arange(len(units)), [len(unit.tracks) for unit in units])
        # the best of an identity stands first: measured lately, then near in covariance
        order = np.lexsort((everything.pxx + everything.pyy, np.round(everything.unmeasured_s, 1), everything.id))
        everything, bit = everything.take(order), bit[order]
        is_first = np.ones(len(everything), np.bool_)
        is_first[1:] = everything.id[1:] != everything.id[:-1]
        number = np.cumsum(is_first) - 1
        result, united = everything.take(is_first), bit[is_first]
        for row in np.flatnonzero(~is_first).tolist():
            united[number[row]] |= bit[row]
            _intersect(result, int(number[row]), everything, row)
        return result, united


def _intersect(result: UnitTracks, row: int, others: UnitTracks, other: int) -> None:
    """Covariance intersection of one more track into one row."""
    for rows in ESTIMATES:
        result.values[rows, row] = intersection(result.values[rows, row].tolist(), others.values[rows, other].tolist())
    result.existence[row] = 1.0 - (1.0 - result.existence[row]) * (1.0 - 0.5 * others.existence[other])
    result.age_s[row] = max(result.age_s[row], others.age_s[other])


def intersection(a: list[float], b: list[float]) -> list[float]:
    """Covariance intersection of two estimates of one point.

    Parameters
    ----------
    a, b : list of float
        x, y, variance xx, xy, yy.

    Returns
    -------
    list of float
        The same of the intersection; the weight is that of the smaller trace (W. Niehsen, "Information fusion based on
        fast covariance intersection filtering", 2002).
    """
    trace_a, trace_b = a[2] + a[4], b[2] + b[4]
    weight = trace_b / (trace_a + trace_b)
    ia, ib = _inverse(a[2], a[3], a[4]), _inverse(b[2], b[3], b[4])
    ixx, ixy, iyy = (weight * one + (1.0 - weight) * two for one, two in zip(ia, ib, strict=True))
    xx, xy, yy = _inverse(ixx, ixy, iyy)
    ux = weight * (ia[0] * a[0] + ia[1] * a[1]) + (1.0 - weight) * (ib[0] * b[0] + ib[1] * b[1])
    uy = weight * (ia[1] * a[0] + ia[2] * a[1]) + (1.0 - weight) * (ib[1] * b[0] + ib[2] * b[1])
    return [xx * ux + xy * uy, xy * ux + yy * uy, xx, xy, yy]


def _inverse(xx: float, xy: float, yy: float) -> tuple[float, float, float]:
    determinant = max(xx * yy - xy * xy, 1e-12)
    return yy / determinant, -xy / determinant, xx / determinant
