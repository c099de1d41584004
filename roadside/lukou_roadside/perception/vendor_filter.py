"""What a vendor's tracks with covariances tell anew, list after list: the measurements behind them.

A track that a vendor has filtered says nearly the same in the next list; taken for new each time it would be counted often. What one update of a Kalman filter has added is an
equivalent measurement (a tracklet: O. Drummond, "Tracklets and a Hybrid Fusion with Process Noise", 1997; Y. Bar-Shalom, P. Willett, X. Tian, "Tracking and Data Fusion" (2011), section 9.6):
with x the vendor's place after the update, x' that before, and P, P' their covariances,

    1/R = 1/P - 1/P',    z = x' + (x - x') / gain,    gain = 1 - P / P'.

x' follows from the list before by its velocity. P' is not told; but in any optimal filter the squared change by an update is P' - P on average, so it is learned per vendor from
the changes of its own tracks, in terms of the covariances that they tell. So is how surely the vendor knows velocities, which no message tells: in the steady state
of a filter of place and velocity, what an update changes is what the next prediction adds, T P_vv + D_vv T / 2 = D_xv with D the mean squared changes. What of
the changes of velocity is explained by those of place is no evidence of its own (a filter of places alone), and what is not counts once a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints, Scan
from lukou_roadside.perception.tracking.spread import LEAST_VARIANCE

LEAST, MEMORY = 200.0, 3000.0
"""Changes before anything is believed, and over which is averaged."""

SETTLED_S = 1.0
"""Younger tracks have not settled. [s]"""

OTHER_PERIOD = 1.5
"""Lists that come later or sooner than usual by this factor hold other changes than usual."""

MOST_CHANGE = 30.0
"""A greater squared change, over the covariance told, is another road user."""

NO_CHANGE, MOVING_MPS = 1e-8, 0.5
"""Who moves and is changed by less was not measured but carried on. [1, m/s]"""

LEAST_GAIN = 0.02
"""An update that adds less is hardly one."""

MOST_ALIKE = 0.9
"""Changes are not taken to be more alike than this. (correlation of neighbouring ones)"""

LEAST_SHARE = 0.02
"""Of velocities so much at least is evidence of its own."""


class _List(NamedTuple):
    """One list: who, and by rows x, y, velocity x, y, variance xx, xy, yy, and last change x, y over its deviation."""

    time_s: float
    ids: Ints
    rows: Floats


@dataclass
class VendorFilter:
    """One vendor's filter, as its tracks show it.

    Attributes
    ----------
    changes : (3,) float array
        Sums of the squared changes of place, of place times velocity and of velocity, over the covariance of place told before: per axis. [1, 1/s, 1/s^2]
    kept, periods_s, weight : float
        Sums of the covariance after over that before, and of the times between, and how many they are of.
    alike, square : float
        Sums of products of neighbouring changes and of their squares.
    """

    changes: Floats = field(default_factory=lambda: np.zeros(3))
    kept: float = 0.0
    periods_s: float = 0.0
    weight: float = 0.0
    alike: float = 0.0
    square: float = 30.0
    _last: _List | None = None

    @property
    def is_known(self) -> bool:
        """Whether enough has been seen of it."""
        return self.weight > LEAST

    def equivalent(self, scan: Scan, ids: Ints, settled: Booleans, repeats: float) -> tuple[Scan, Booleans]:
        """The measurements behind a list.

        Parameters
        ----------
        scan : Scan
            The list, with velocities.
        ids : (n,) int array
            Identities; 0: none.
        settled : (n,) bool array
            Who has been followed for long.
        repeats : float
            Of whom no measurement can be told, so many lists in a row count as one.

        Returns
        -------
        Scan
            With places, their covariances and variances of velocity changed where the filter is known; else as it was.
        (n,) bool array
            Who was measured at all.
        """
        assert scan.velocity_mps is not None
        variances = np.array([scan.variance_xx, scan.variance_xy, scan.variance_yy])
        rows = np.vstack([scan.x_m, scan.y_m, scan.velocity_mps, variances, np.full((2, len(scan)), np.nan)])
        if self._last is None:
            self._last = _List(scan.time_s, ids, rows)
            return scan, np.ones(len(scan), np.bool_)
        dt, before = scan.time_s - self._last.time_s, self._before(ids)
        is_usual = dt > 0.0 and (
            not self.weight or 1.0 / OTHER_PERIOD < dt * self.weight / self.periods_s < OTHER_PERIOD
        )
        place, velocity = rows[0:2] - before[0:2] - dt * before[2:4], rows[2:4] - before[2:4]
        kept = 0.5 * _over(before[4:7], variances)
        changes = np.array(
            [_product(before[4:7], *two) for two in ((place, place), (place, velocity), (velocity,) * 2)]
        )
        is_carried = (changes[0] < NO_CHANGE) & (np.hypot(*rows[2:4]) > MOVING_MPS)
        with np.errstate(invalid="ignore"):
            good = settled & is_usual & (changes[0] < MOST_CHANGE) & (changes[0] > NO_CHANGE) & (changes[2] < np.inf)
        rows[7:9] = np.where(good, place / np.sqrt(before[[4, 6]]), np.nan)
        told = self._told(scan, good, before[0:2] + dt * before[2:4], place, kept, repeats) if self.is_known else scan
        self._learn(changes[:, good], kept[good], dt, rows[7:9], before[7:9])
        self._last = _List(scan.time_s, ids, rows)
        return told, ~is_carried

    def _before(self, ids: Ints) -> Floats:
        """Rows of the list before for the same identities; nan for who was not in it."""
        assert self._last is not None
        found = np.full((9, len(ids)), np.nan)
        both, here, there = np.intersect1d(ids, self._last.ids, return_indices=True)
        found[:, here[both > 0]] = self._last.rows[:, there[both > 0]]
        return found

    def _told(self, scan: Scan, good: Booleans, expected: Floats, change: Floats, kept: Floats, repeats: float) -> Scan:
        place, cross, speed = self.changes / self.weight
        period_s = self.periods_s / self.weight
        gain = np.where(good, 1.0 - kept / (self.kept / self.weight + place), 0.0)
        is_told = gain > LEAST_GAIN
        gain = np.where(is_told, gain, 1.0)
        alike = min(max(self.alike / self.square, 0.0), MOST_ALIKE)
        x_m, y_m = np.where(is_told, expected + change / gain, [scan.x_m, scan.y_m])
        wider = np.where(is_told, (1.0 + alike) / (1.0 - alike) / gain, repeats)
        variance = (
            None  # velocities that never change are filled in, not filtered: what they are worth is learned from others
        )
        if speed > NO_CHANGE:
            # nobody knows velocities better than if their errors were new in every list
            surely = max((cross - 0.5 * speed * period_s) / period_s, 0.5 * speed)
            own = max(1.0 - cross * cross / (place * speed), LEAST_SHARE)
            variance = np.maximum(surely * 0.5 * (scan.variance_xx + scan.variance_yy), LEAST_VARIANCE) * repeats / own
        made = replace(scan.moved(scan.time_s, x_m, y_m), velocity_variance=variance)
        return replace(
            made,
            variance_xx=wider * scan.variance_xx,
            variance_xy=wider * scan.variance_xy,
            variance_yy=wider * scan.variance_yy,
        )

    def _learn(self, changes: Floats, kept: Floats, dt: float, now: Floats, before: Floats) -> None:
        count = changes.shape[1]
        keep = max(0.0, 1.0 - count / MEMORY)
        self.changes, self.kept = keep * self.changes + changes.sum(axis=1), keep * self.kept + float(kept.sum())
        self.periods_s, self.weight = keep * self.periods_s + count * dt, keep * self.weight + count
        both = np.isfinite(now + before)
        self.alike = keep * self.alike + float((now * before)[both].sum())
        self.square = keep * self.square + 0.5 * float((now**2 + before**2)[both].sum())


def _product(variances: Floats, a: Floats, b: Floats) -> Floats:
    """Half of a P^-1 b: one axis' share."""
    xx, xy, yy = variances
    numerator = yy * a[0] * b[0] - xy * (a[0] * b[1] + a[1] * b[0]) + xx * a[1] * b[1]
    return np.asarray(0.5 * numerator / (xx * yy - xy * xy))


def _over(before: Floats, after: Floats) -> Floats:
    """Trace of P^-1 Q."""
    (xx, xy, yy), (a, b, c) = before, after
    return np.asarray((yy * a - 2.0 * xy * b + xx * c) / (xx * yy - xy * xy))
