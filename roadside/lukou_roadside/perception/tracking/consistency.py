"""Whether velocities turned out to be as uncertain as they were said to be, and by how much to widen or narrow what is said.

Who stands keeps standing, who walks or drives steadily mostly goes on, and who is between the two is braking or picking up speed: no noise of motion that is right
for one is right for the others, and a tracker has to be ready for all of them.
What a second later shows is compared with what was published: the way that a road user made from half a second before to half a second after is a
measurement of its velocity that owes little to the one published (a smoother's cross-check; compare R. Mehra, "Approaches to Adaptive Filtering", 1972, on
covariance matching). The ratio of the squared differences to those expected is kept by kind of road user and how fast it is.

Who has just begun to brake is told too surely by any mean. But the innovations of his range rates lean to one side long before his velocity has followed (the whiteness test of R. Mehra,
"On the Identification of Variances and Adaptive Kalman Filtering", 1970), and with them the covariance of his velocity is widened, before what is learned.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Floats, Ints
from lukou_roadside.perception.tracking.tracks import (
    CLASS,
    MEASURED,
    P_UU,
    P_UV,
    P_VV,
    P_XU,
    P_XV,
    P_XX,
    P_XY,
    P_YU,
    P_YV,
    P_YY,
    VX,
    VY,
    Tracks,
    X,
    Y,
)
from lukou_roadside.perception.tracking.updater import surprise

SAMPLE_S = 0.5
"""Time between states that are kept. [s]"""

ACROSS = 1
"""So many samples before and after the one judged tell the way made."""

SPEEDS_MPS = np.array([0.1, 0.3, 1.0, 3.0, 8.0])
"""Edges of the speeds that are judged apart. [m/s]"""

USUAL = np.array([[0.05, 0.2, 0.5, 1.1, 0.9, 0.8], [0.1, 0.4, 0.8, 0.5, 0.5, 0.9]])
"""Factors before anything is known, of vehicles and of walkers by speed: means of twelve simulated sites."""

PRIOR_WEIGHT = 15.0
"""What is said at first counts as much as so many samples."""

MEMORY = 3000.0
"""Samples over which is averaged."""

SHARED = 0.5
"""Share of the variance of place that enters the way made: errors of place a second apart are at least half the same. (correlation)"""

LAGS = 0.5
"""Share of the covariance of place and velocity that errors of the way made have in common with those of the velocity: places lag behind a change of speed, too."""

LAGS_ABOVE_MPS = 0.3
"""Who stands has no speed that changes. [m/s]"""

MOST = 30.0
"""No single sample counts for more: beyond it is another road user. (squared difference over covariance)"""

LEAST_EXPECTED = 0.5
"""No squared difference is expected to be smaller. (over the covariance told)"""

OWN_LAG_S, SURPRISED_S = 0.03, 0.13
"""A velocity lags by the first behind what was measured, and that is of some time ago; after the second each unit of surprise beyond the usual 1 has added once its covariance. [s]"""

LONGEST_S = 0.25
"""Who is not measured for longer is told unsurely by the noise of his motion. [s]"""

_WALKER = CLASS.start + classes.PEDESTRIAN

BOUNDS = (0.02, 5.0)
"""Least and greatest factor on the covariance of velocity."""


@dataclass
class VelocityConsistency:
    """Factor on the covariance of velocity by kind of road user and speed.

    Attributes
    ----------
    total, weight : (kinds,) float array
        Sums of squared differences over the covariance told, and of what these would be were all covariances right: 2, and what the way made is off by
        itself; fading. That is told by the covariances of place, which come from the same filter and are taken to be off by the same factor.
    """

    total: Floats = field(default_factory=lambda: 2.0 * PRIOR_WEIGHT * USUAL.ravel())
    weight: Floats = field(default_factory=lambda: np.full(USUAL.size, 2.0 * PRIOR_WEIGHT))
    _kept: deque[Tracks] = field(default_factory=lambda: deque(maxlen=2 * ACROSS + 1))

    def published(self, tracks: Tracks) -> None:
        """Change covariances of velocity to what is to be published."""
        widen(tracks)
        self.add(tracks)
        self.apply(tracks)

    def add(self, tracks: Tracks) -> None:
        """Keep what is about to be published, and learn from what was a while ago; changes nothing."""
        since_s = tracks.time_s - self._kept[-1].time_s if self._kept else SAMPLE_S
        if 0.0 <= since_s < SAMPLE_S - 1e-6:
            return
        if not 0.0 <= since_s <= 2.0 * SAMPLE_S:  # after a gap, what was told is not in the middle of the way any more
            self._kept.clear()
        self._kept.append(tracks.take(tracks.is_confirmed))
        if len(self._kept) == 2 * ACROSS + 1:
            self._learn(self._kept[0], self._kept[ACROSS], self._kept[-1])

    def _learn(self, first: Tracks, told: Tracks, last: Tracks) -> None:
        both: Ints = reduce(np.intersect1d, (first.birth, told.birth, last.birth))
        a, b, c = (
            one.values[:, np.argsort(one.birth)[np.searchsorted(np.sort(one.birth), both)]]
            for one in (first, told, last)
        )
        span_s = last.time_s - first.time_s
        dx, dy = b[VX] - (c[X] - a[X]) / span_s, b[VY] - (c[Y] - a[Y]) / span_s
        determinant = np.maximum(b[P_UU] * b[P_VV] - b[P_UV] ** 2, 1e-12)
        squared = (b[P_VV] * dx * dx - 2.0 * b[P_UV] * dx * dy + b[P_UU] * dy * dy) / determinant
        xx, xy, yy = (SHARED * (a[row] + c[row]) / span_s**2 for row in (P_XX, P_XY, P_YY))
        lags = LAGS / span_s * (np.hypot(b[VX], b[VY]) > LAGS_ABOVE_MPS)
        xx, xy, yy = xx - 2.0 * lags * b[P_XU], xy - lags * (b[P_XV] + b[P_YU]), yy - 2.0 * lags * b[P_YV]
        expected = 2.0 + (b[P_VV] * xx - 2.0 * b[P_UV] * xy + b[P_UU] * yy) / determinant
        expected = np.maximum(expected, LEAST_EXPECTED)
        known = np.isfinite(squared) & np.isfinite(expected)
        kind, squared, expected = _kind(b)[known], squared[known], expected[known]
        keep = np.maximum(1.0 - np.bincount(kind, minlength=USUAL.size) / MEMORY, 0.0)
        self.total = self.total * keep + np.bincount(kind, np.minimum(squared, MOST * expected / 2.0), USUAL.size)
        self.weight = self.weight * keep + np.bincount(kind, expected, USUAL.size)

    def factor(self) -> Floats:
        """Factors on the covariance of velocity, (kinds,)."""
        return np.asarray(np.clip(self.total / self.weight, *BOUNDS))

    def apply(self, tracks: Tracks) -> None:
        """Change the covariances of velocity to what has turned out; its correlation with position stays."""
        _scale(tracks, self.factor()[_kind(tracks.values)])


def widen(tracks: Tracks) -> None:
    """Widen the covariance of velocity of whose range rates surprise, by what an acceleration that is not known yet has made of it since; changes the tracks."""
    since_s = OWN_LAG_S + np.clip(tracks.time_s - tracks.values[MEASURED], 0.0, LONGEST_S)
    _scale(tracks, 1.0 + np.maximum(surprise(tracks.values) - 1.0, 0.0) * (since_s / SURPRISED_S) ** 2)


def _scale(tracks: Tracks, factor: Floats) -> None:
    tracks.values[P_UU : P_VV + 1] *= factor
    tracks.values[P_XU : P_YV + 1] *= np.sqrt(factor)


def _kind(values: Floats) -> Ints:
    """Vehicles by speed, then walkers by speed."""
    speed = np.searchsorted(SPEEDS_MPS, np.hypot(values[VX], values[VY]))
    return np.asarray(speed + USUAL.shape[1] * (values[_WALKER] > 0.5))
