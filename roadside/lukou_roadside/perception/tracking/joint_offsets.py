"""How far all sensors of a site are off, believed together: what two of them saw of one road user tells by how much they differ.

The state holds clock, direction and place of every sensor; a measurement is the difference of two sensors' places of one road user at about the same time,
which owes nothing to the track that both have fed (relative registration: S. Blackman, R. Popoli, "Design and Analysis of Modern Tracking Systems"
(1999), section 10.6). What they all share no difference shows: there the prior stays as it is, and with it the uncertainty that is published.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lukou_roadside.perception.tracking.scan import CAMERA, Floats, Ints, View
from lukou_roadside.perception.tracking.tracks import VX, VY, Tracks, X, Y

OFFSETS = 4
"""Clock, direction, place (x, y) of each sensor. [s, rad, m, m]"""

PRIOR_DEVIATION = np.array([0.05, 0.01, 0.15, 0.15])
"""Standard deviation of clock, direction and place (x, y) before anything is known. [s, rad, m, m]"""

DRIFT_PER_S = np.array([0.001, 0.0002, 0.005, 0.005])
"""Standard deviation of their change in a second. [s, rad, m, m]"""

SETTLE_S = 0.25
"""What was compared is worked in so often. [s]"""

CLOCK_KNOWN = 0.8
"""A clock whose variance has fallen below this share of the prior's has been compared with others."""

SITE_PRIOR = 1.0
"""The prior deviations count like so many sensors when those of the site are estimated."""

SITE_BOUNDS = (0.1, 10.0)
"""Least and greatest ratio of the site's variance to the prior's."""

LOOK_S = 0.5
"""Who saw a road user so long ago has had this much less part in his track: by a factor of e. [s]"""

RADAR_PART = 0.05
"""Part of a radar in the place of a track, a camera's being one: its returns come from anywhere on a body."""

NEAR_M = 10.0
"""Nearer than this, a sensor's part in a track does not grow any more. [m]"""

_PRIOR = np.diag(PRIOR_DEVIATION**2)


@dataclass
class JointOffsets:
    """Beliefs on all sensors.

    Attributes
    ----------
    sensors : list of int
        Their numbers, in the order of the state.
    mean : (4 s,) float array
        Clock, direction and place of each. [s, rad, m, m]
    covariance : (4 s, 4 s) float array
        Its covariance.
    middle_clock_s : float
        Middle one of the clocks that have been compared; 0 before. [s]
    """

    sensors: list[int] = field(default_factory=list)
    mean: Floats = field(default_factory=lambda: np.zeros(0))
    covariance: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    middle_clock_s: float = 0.0
    _information: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    _sums: Floats = field(default_factory=lambda: np.zeros(0))
    _views: list[View] = field(default_factory=list)
    _parts: list[float] = field(default_factory=list)
    _first: Ints = field(default_factory=lambda: np.zeros(64, np.int64))
    _time_s: float = -np.inf

    def part(self, sensor: int) -> slice:
        """Where the offsets of a known sensor stand in the state."""
        first = int(self._first[sensor])
        return slice(first, first + OFFSETS)

    def know(self, sensor: int, kind: int, view: View) -> None:
        """Have room for a sensor, and know where it stands."""
        if sensor in self.sensors:
            self._views[self.sensors.index(sensor)] = view
            return
        self._first[sensor] = len(self.mean)
        self.sensors.append(sensor)
        self._views.append(view)
        self._parts.append(1.0 if kind == CAMERA else RADAR_PART)
        self.mean, self._sums = (np.concatenate([one, np.zeros(OFFSETS)]) for one in (self.mean, self._sums))
        self.covariance, self._information = (
            np.block([[one, np.zeros((len(one), OFFSETS))], [np.zeros((OFFSETS, len(one))), more]])
            for one, more in ((self.covariance, _PRIOR), (self._information, np.zeros((OFFSETS, OFFSETS))))
        )

    def forget(self, sensor: int) -> None:
        """Believe of one sensor what is believed of one never seen."""
        if sensor in self.sensors:
            self.settle(self._time_s)
            part = self.part(sensor)
            self.covariance[part] = self.covariance[:, part] = 0.0
            self.covariance[part, part] = _PRIOR
            self.mean[part] = 0.0

    def open(self, sensor: int, which: int, variance: float) -> None:
        """Let go of one offset of one sensor: it may have changed by so much."""
        self.settle(self._time_s)
        place = self.part(sensor).start + which
        self.covariance[place] = self.covariance[:, place] = 0.0
        self.covariance[place, place] = variance

    def by_all(self, sensors: Ints | int, by: Floats) -> Floats:
        """What the offsets of all sensors do to x and y, (2, 4 s, n), from what those of one do, (2, 4, n); `sensors` names it, or one for each."""
        made = np.zeros((2, len(self.mean), by.shape[2]))
        each = np.arange(by.shape[2])
        made[:, self._first[sensors] + np.arange(OFFSETS)[:, None] + 0 * each, each] = by
        return made

    def compare(self, by: Floats, difference: Floats, inverse: Floats) -> None:
        """Learn from places of the same road users told by two sensors.

        Parameters
        ----------
        by : (2, 4 s, n) float array
            What each offset of each sensor does to x and y of the difference.
        difference : (2, n) float array
            Place told by one sensor less that told by another, as if nothing were corrected. [m]
        inverse : (3, n) float array
            Inverse of the covariance of its noise: xx, xy, yy. [1/m^2]
        """
        i_xx, i_xy, i_yy = inverse
        with_x, with_y = by[0] * i_xx + by[1] * i_xy, by[0] * i_xy + by[1] * i_yy
        self._information += with_x @ by[0].T + with_y @ by[1].T
        self._sums += with_x @ difference[0] + with_y @ difference[1]

    def settle(self, time_s: float) -> None:
        """Work in what was compared; sensors drift, and are pulled back towards nothing being wrong, which keeps the whole bounded."""
        passed_s = 0.0 if self._time_s == -np.inf else max(0.0, time_s - self._time_s)
        self._time_s = max(self._time_s, time_s)
        fade = np.tile(np.exp(-passed_s * (DRIFT_PER_S / PRIOR_DEVIATION) ** 2 / 2.0), len(self.sensors))
        covariance = self.covariance * np.outer(fade, fade)
        covariance += np.diag(np.tile(DRIFT_PER_S**2 * passed_s, len(self.sensors)))
        before = np.linalg.inv(covariance)
        self.covariance = np.asarray(np.linalg.inv(before + self._information), np.float64)
        self.mean = self.covariance @ (before @ (self.mean * fade) + self._sums)
        self._information[:], self._sums[:] = 0.0, 0.0
        known = np.diag(self.covariance)[::OFFSETS] < CLOCK_KNOWN * PRIOR_DEVIATION[0] ** 2
        self.middle_clock_s = float(np.median(self.mean[::OFFSETS][known])) if known.any() else 0.0

    def settle_at(self, time_s: float) -> None:
        """The same where it is time to."""
        if time_s >= self._time_s + SETTLE_S or self._time_s == -np.inf:
            self.settle(time_s)

    def site_ratios(self) -> Floats:
        """Variance of clocks, directions and places of this site's sensors over the prior's, (3,): from how far they turned out to be apart.

        What each differs by from the others is known after some seconds; the mean of them all is not, and is as uncertain as they are apart
        (empirical Bayes: the prior's variance is estimated from the sensors themselves).
        """
        off = (self.mean.reshape(-1, OFFSETS) / PRIOR_DEVIATION) ** 2
        left = np.diag(self.covariance).reshape(-1, OFFSETS) / PRIOR_DEVIATION**2
        learned = np.maximum(1.0 - left, 0.0)
        told, weight = off.sum(axis=0), learned.sum(axis=0)
        told[2], weight[2] = 0.5 * (told[2] + told[3]), 0.5 * (weight[2] + weight[3])
        ratios = (SITE_PRIOR + told[:3]) / (SITE_PRIOR + weight[:3])
        return np.asarray(np.clip(ratios, *SITE_BOUNDS))

    def place_covariance(self, tracks: Tracks) -> Floats:
        """What the offsets of its sensors make each track's place uncertain by, which no number of looks reduces: xx, xy, yy, (3, n). [m^2]

        Parameters
        ----------
        tracks : Tracks
            The tracks.
        """
        count, values = len(self.sensors), tracks.values
        if not count or max(self.sensors) >= tracks.sensors:
            return np.zeros((3, len(tracks)))
        x, y = (np.array([getattr(one, name) for one in self._views])[:, None] for name in ("x_m", "y_m"))
        dx, dy = values[X] - x, values[Y] - y
        age_s = tracks.time_s - tracks.sensor_seen_s[self.sensors]
        part = (
            np.exp(-np.minimum(age_s / LOOK_S, 60.0)) / (dx * dx + dy * dy + NEAR_M**2) * np.array(self._parts)[:, None]
        )
        part = part / part.sum(axis=0)
        clock, turn, place = np.sqrt(self.site_ratios())
        by = np.zeros((2, count, OFFSETS, len(tracks)))
        by[0, :, 0], by[1, :, 0] = -clock * part * values[VX], -clock * part * values[VY]
        by[0, :, 1], by[1, :, 1] = -turn * part * dy, turn * part * dx
        by[0, :, 2] = by[1, :, 3] = place * part
        by_x, by_y = by.reshape(2, count * OFFSETS, len(tracks))
        with_x, with_y = self.covariance @ by_x, self.covariance @ by_y
        return np.array([(by_x * with_x).sum(axis=0), (by_x * with_y).sum(axis=0), (by_y * with_y).sum(axis=0)])
