"""Lists of several roadside units into one: every road user once, under an identity that survives hand-over.

Each unit has filtered its own evidence already, so tracks of two units are never averaged as if they were independent: they are
joined by covariance intersection (S. Julier, J. Uhlmann, "A Non-divergent Estimation Algorithm in the Presence of Unknown
Correlations", 1997), which counts no evidence twice whatever the correlation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from lukou_cloud.edge.road_users import Booleans, Floats, Ints
from lukou_messages.objects import ObjectList

ACCELERATION_DEVIATION_MPS2 = 2.0
"""Unknown acceleration while a track is carried to another instant. [m/s^2]"""

MERGE_AFTER = 3
"""Lists in a row in which two identities must be one road user before they are merged."""

SPLIT_FACTOR = 4.0
"""Two tracks of one identity part when their squared distance exceeds the gate by this factor."""


@dataclass(frozen=True, slots=True, eq=False)
class UnitTracks:
    """Tracks of one unit at one instant; columns as in `lukou.v1.ObjectList`, unknown values filled with usual ones."""

    id: Ints
    object_class: Ints
    class_confidence: Floats
    existence: Floats
    x_m: Floats
    y_m: Floats
    z_m: Floats
    vx_mps: Floats
    vy_mps: Floats
    ax_mps2: Floats
    ay_mps2: Floats
    yaw_rad: Floats
    yaw_rate_radps: Floats
    length_m: Floats
    width_m: Floats
    height_m: Floats
    pxx: Floats
    pxy: Floats
    pyy: Floats
    vxx: Floats
    vxy: Floats
    vyy: Floats
    yaw_variance: Floats
    age_s: Floats
    unmeasured_s: Floats
    lane: Ints
    lane_s_m: Floats
    lane_offset_m: Floats
    lane_probability: Floats

    def __len__(self) -> int:
        return len(self.id)

    def take(self, rows: Ints | Booleans) -> UnitTracks:
        """Only some rows."""
        return UnitTracks(*(getattr(self, column.name)[rows] for column in fields(self)))

    def moved(self, dt_s: float) -> UnitTracks:
        """The same tracks a little later or earlier, with the uncertainty that this costs."""
        if dt_s == 0.0:
            return self
        noise = (0.5 * ACCELERATION_DEVIATION_MPS2 * dt_s**2) ** 2
        return replace(
            self,
            x_m=self.x_m + self.vx_mps * dt_s,
            y_m=self.y_m + self.vy_mps * dt_s,
            pxx=self.pxx + self.vxx * dt_s**2 + noise,
            pxy=self.pxy + self.vxy * dt_s**2,
            pyy=self.pyy + self.vyy * dt_s**2 + noise,
            vxx=self.vxx + (ACCELERATION_DEVIATION_MPS2 * dt_s) ** 2,
            vyy=self.vyy + (ACCELERATION_DEVIATION_MPS2 * dt_s) ** 2,
            unmeasured_s=np.maximum(self.unmeasured_s + dt_s, 0.0),
        )


_DEFAULTS: dict[str, tuple[str, float]] = {
    "class_confidence": ("class_confidence", 0.5),
    "existence": ("existence_probability", 0.8),
    "x_m": ("x_m", 0.0),
    "y_m": ("y_m", 0.0),
    "z_m": ("z_m", 0.0),
    "vx_mps": ("velocity_x_mps", 0.0),
    "vy_mps": ("velocity_y_mps", 0.0),
    "ax_mps2": ("acceleration_x_mps2", 0.0),
    "ay_mps2": ("acceleration_y_mps2", 0.0),
    "yaw_rad": ("yaw_rad", float("nan")),
    "yaw_rate_radps": ("yaw_rate_radps", 0.0),
    "length_m": ("length_m", 4.0),
    "width_m": ("width_m", 1.8),
    "height_m": ("height_m", 1.6),
    "pxx": ("position_variance_xx_m2", 1.0),
    "pxy": ("position_variance_xy_m2", 0.0),
    "pyy": ("position_variance_yy_m2", 1.0),
    "vxx": ("velocity_variance_xx_m2ps2", 2.0),
    "vxy": ("velocity_variance_xy_m2ps2", 0.0),
    "vyy": ("velocity_variance_yy_m2ps2", 2.0),
    "yaw_variance": ("yaw_variance_rad2", 0.3),
    "age_s": ("age_s", 0.0),
    "unmeasured_s": ("unmeasured_s", 0.0),
    "lane_s_m": ("lane_s_m", 0.0),
    "lane_offset_m": ("lane_offset_m", 0.0),
    "lane_probability": ("lane_probability", 0.0),
}
"""Column of the list and the value where the list does not tell it."""


def unit_tracks(objects: ObjectList, lane_index: Any) -> UnitTracks:
    """Columns of a list in double precision.

    Parameters
    ----------
    objects : ObjectList
        A unit's list.
    lane_index : mapping of str to int
        Lanes of the edge's map by name.
    """
    columns: dict[str, Any] = {}
    for name, (column, default) in _DEFAULTS.items():
        values = np.asarray(getattr(objects, column), np.float64)
        columns[name] = np.where(np.isnan(values), default, values)
    still = np.isnan(columns["yaw_rad"])
    columns["yaw_rad"] = np.where(still, np.arctan2(columns["vy_mps"], columns["vx_mps"]), columns["yaw_rad"])
    lanes = np.array([lane_index.get(name, -1) for name in objects.lane_names] + [-1], np.int64)
    told = objects.lane.astype(np.int64) if objects.has("lane") else np.full(len(objects), len(lanes))
    columns["lane"] = lanes[np.minimum(told, len(lanes) - 1)]
    for variance in ("pxx", "pyy", "vxx", "vyy"):
        columns[variance] = np.maximum(columns[variance], 1e-3)
    return UnitTracks(id=objects.id.astype(np.int64), object_class=objects.object_class.astype(np.int64), **columns)


@dataclass
class Unit:
    """Latest tracks of one unit, with their fused identities, and those that it has lost a moment ago."""

    at_ns: int
    tracks: UnitTracks
    fused: Ints
    ghosts: list[tuple[int, float, float, float, float, int]] = field(default_factory=list)


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
        Lost tracks are remembered for a hand-over this long. [s]
    """

    gate: float
    reach_m: float
    forget_s: float
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
        unit = Unit(at_ns, tracks, fused, self._ghosts(before, tracks, at_ns))
        self.units[source] = unit
        self._join(source, unit)
        for row in np.flatnonzero(unit.fused == 0).tolist():
            unit.fused[row] = self._from_ghosts(unit, row, at_ns) or self._new_id()

    def drop(self, source: str) -> None:
        """Forget a unit whose lists have stopped."""
        self.units.pop(source, None)

    def _new_id(self) -> int:
        number, self.next_id = self.next_id, self.next_id % 0xFFFFFFFE + 1
        return number

    def _join(self, source: str, unit: Unit) -> None:
        """Give tracks the identity of another unit's track of the same road user; part those that are two."""
        others = [
            (name, other.tracks.moved((unit.at_ns - other.at_ns) * 1e-9), other.fused)
            for name, other in self.units.items()
            if name != source and abs(unit.at_ns - other.at_ns) < 1e9
        ]
        doubts: dict[tuple[int, int], int] = {}
        for _, tracks, fused in others:
            distance2 = self._distance2(unit.tracks, tracks)
            self._part(unit, distance2, fused)
            cost = np.where(distance2 < self.gate, distance2, 1e6)
            cost = cost - 0.5 * self.gate * ((unit.fused[:, None] == fused[None, :]) & (cost < 1e6))
            near = np.flatnonzero((cost < 1e6).any(axis=1))
            columns = np.flatnonzero((cost < 1e6).any(axis=0))
            if len(near) == 0:
                continue
            a, b = linear_sum_assignment(cost[np.ix_(near, columns)])
            for row, column in zip(near[a].tolist(), columns[b].tolist(), strict=True):
                if cost[row, column] < 1e6:
                    self._same(unit, row, int(fused[column]), doubts)
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

    def _part(self, unit: Unit, distance2: Floats, fused: Ints) -> None:
        """Tracks of one identity that have become two road users: the one of this unit gets its own."""
        same = (unit.fused[:, None] == fused[None, :]) & (unit.fused[:, None] > 0)
        rows = np.flatnonzero((same & (distance2 > SPLIT_FACTOR * self.gate)).any(axis=1))
        for row in rows:
            unit.fused[row] = self._new_id()

    def _distance2(self, a: UnitTracks, b: UnitTracks) -> Floats:
        dx, dy = a.x_m[:, None] - b.x_m[None, :], a.y_m[:, None] - b.y_m[None, :]
        sxx, sxy = a.pxx[:, None] + b.pxx[None, :] + 0.2, a.pxy[:, None] + b.pxy[None, :]
        syy = a.pyy[:, None] + b.pyy[None, :] + 0.2
        distance2 = (syy * dx * dx - 2.0 * sxy * dx * dy + sxx * dy * dy) / np.maximum(sxx * syy - sxy * sxy, 1e-9)
        dvx, dvy = a.vx_mps[:, None] - b.vx_mps[None, :], a.vy_mps[:, None] - b.vy_mps[None, :]
        speed2 = dvx * dvx / (a.vxx[:, None] + b.vxx[None, :] + 1.0) + dvy * dvy / (
            a.vyy[:, None] + b.vyy[None, :] + 1.0
        )
        return np.where(dx * dx + dy * dy < self.reach_m**2, distance2 + 0.5 * speed2, np.inf)

    def _ghosts(
        self, before: Unit | None, tracks: UnitTracks, at_ns: int
    ) -> list[tuple[int, float, float, float, float, int]]:
        """Identities that this unit has just lost: (instant, x, y, vx, vy, identity)."""
        if before is None:
            return []
        kept = [ghost for ghost in before.ghosts if at_ns - ghost[0] < self.forget_s * 1e9]
        gone = np.flatnonzero(~np.isin(before.tracks.id, tracks.id))
        t = before.tracks
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
        alive = {number for one in self.units.values() for number in one.fused.tolist()}
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
        parts = [
            replace(unit.tracks.moved((at_ns - unit.at_ns) * 1e-9), id=unit.fused)
            for unit in (self.units[name] for name in names)
        ]
        if not parts:
            return unit_tracks(ObjectList.of(0, id=[], object_class=[], x_m=[], y_m=[]), {}), np.zeros(0, np.int64)
        everything = UnitTracks(*(np.concatenate([getattr(p, c.name) for p in parts]) for c in fields(UnitTracks)))
        bit = np.repeat(1 << np.arange(len(parts)), [len(part) for part in parts])
        # the best of an identity stands first: measured lately, then near in covariance
        order = np.lexsort((everything.pxx + everything.pyy, np.round(everything.unmeasured_s, 1), everything.id))
        everything, bit = everything.take(order), bit[order]
        unique, first, number = np.unique(everything.id, return_index=True, return_inverse=True)
        united = np.zeros(len(unique), np.int64)
        np.bitwise_or.at(united, number, bit)
        result = everything.take(first)
        for row in np.setdiff1d(np.arange(len(everything)), first):
            result = _intersected(result, int(number[row]), everything.take(np.array([row])))
        return result, united


def _intersected(result: UnitTracks, row: int, other: UnitTracks) -> UnitTracks:
    """Covariance intersection of one more track into one row, in place of arrays that belong to `result` alone."""
    for x, y, xx, xy, yy in (("x_m", "y_m", "pxx", "pxy", "pyy"), ("vx_mps", "vy_mps", "vxx", "vxy", "vyy")):
        columns = [getattr(result, name) for name in (x, y, xx, xy, yy)]
        a = [float(column[row]) for column in columns]
        b = [float(getattr(other, name)[0]) for name in (x, y, xx, xy, yy)]
        for column, value in zip(columns, intersection(a, b), strict=True):
            column[row] = value
    result.existence[row] = 1.0 - (1.0 - result.existence[row]) * (1.0 - 0.5 * other.existence[0])
    result.age_s[row] = max(result.age_s[row], other.age_s[0])
    return result


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
