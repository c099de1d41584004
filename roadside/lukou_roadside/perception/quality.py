"""How well each sensor does, told while running: rate, latency, share of road users found and residuals by distance."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from lukou_messages.v1.sensor_pb2 import RangeQuality, SensorQuality
from lukou_roadside.perception.tracking.scan import Scan
from lukou_roadside.perception.tracking.tracks import Tracks
from lukou_roadside.perception.tracking.visibility import detection_probability

EDGES_M = (0.0, 20.0, 40.0, 60.0, 80.0, 120.0)
"""Borders of the distances told apart. [m]"""

MEMORY = 400.0
"""Expected detections per distance over which shares are averaged."""

RESIDUALS = 200
"""Latest residuals kept per distance."""

LATENCIES = 200
"""Latest latencies kept."""

PLAIN_PROBABILITY = 0.5
"""Who would be found with less is hidden, at the rim, or too far: no test of a sensor."""

OTHERS_SEEN_S = 0.35
"""Another sensor's detection of a road user is recent up to this age. [s]"""

GATE_M, GATE_SIGMAS = 2.5, 4.0
"""A detection belongs to a road user nearer than this, or than so many of its own standard deviations. [m]"""

SAME_INSTANT_S = 0.06
"""A scan is compared with the list of its own instant only. [s]"""


@dataclass
class QualityBook:
    """Counts of one sensor.

    Attributes
    ----------
    latencies_ms : deque of float
        From measurement to arrival. [ms]
    scans : int
        Scans used.
    """

    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES))
    scans: int = 0
    _times_s: deque[float] = field(default_factory=lambda: deque(maxlen=30))
    _expected: list[float] = field(default_factory=lambda: [0.0] * (len(EDGES_M) - 1))
    _found: list[float] = field(default_factory=lambda: [0.0] * (len(EDGES_M) - 1))
    _residuals: list[deque[float]] = field(default_factory=lambda: [deque(maxlen=RESIDUALS) for _ in EDGES_M[1:]])

    def took(self, scan: Scan, latency_s: float) -> None:
        """Note a scan that was used."""
        self.scans += 1
        self.latencies_ms.append(1e3 * latency_s)
        self._times_s.append(scan.time_s)

    def compare(self, tracks: Tracks, scan: Scan, has_others: bool) -> None:
        """Compare a scan with the road users of its instant.

        Parameters
        ----------
        tracks : Tracks
            At the instant of a list.
        scan : Scan
            Of the sensor.
        has_others : bool
            Whether other sensors watch the same place: then only whom they have just seen counts, so that no sensor is its own judge.
        """
        if abs(tracks.time_s - scan.time_s) > SAME_INSTANT_S or not scan.views or len(tracks) == 0:
            return
        known = tracks.is_confirmed
        if has_others:
            recent = tracks.sensor_seen_s > scan.time_s - OTHERS_SEEN_S
            recent[scan.sensor : scan.sensor + 1] = False
            known = known & recent.any(axis=0)
        view, state = scan.views[0], tracks.state
        distance = np.hypot(state[:, 0] - view.x_m, state[:, 1] - view.y_m)
        rows = np.flatnonzero(known & (detection_probability(tracks, scan) > PLAIN_PROBABILITY))
        bins = np.searchsorted(EDGES_M, distance[rows], side="right") - 1
        rows, bins = rows[bins < len(EDGES_M) - 1], bins[bins < len(EDGES_M) - 1]
        if len(rows) == 0:
            return
        if len(scan):
            dx, dy = scan.x_m[None, :] - state[rows, 0][:, None], scan.y_m[None, :] - state[rows, 1][:, None]
            off = np.hypot(dx, dy)
            nearest = off.argmin(axis=1)
            off = off[np.arange(len(rows)), nearest]
            deviation = np.sqrt(np.maximum(scan.variance_xx + scan.variance_yy, 0.0))[nearest]
            found = off < np.maximum(GATE_M, GATE_SIGMAS * deviation)
        else:
            off, found = np.zeros(len(rows)), np.zeros(len(rows), np.bool_)
        for k in np.unique(bins).tolist():
            mine = bins == k
            keep = max(0.0, 1.0 - mine.sum() / MEMORY)
            self._expected[k] = keep * self._expected[k] + float(mine.sum())
            self._found[k] = keep * self._found[k] + float((mine & found).sum())
            self._residuals[k].extend(off[mine & found].tolist())

    def told(self) -> SensorQuality:
        """What is known, without name and state."""
        quality = SensorQuality(scans=self.scans)
        if len(self.latencies_ms) >= 5:
            quality.latency_p50_ms, quality.latency_p95_ms = np.percentile(self.latencies_ms, [50, 95])
        if len(self._times_s) >= 5 and self._times_s[-1] > self._times_s[0]:
            quality.rate_hz = (len(self._times_s) - 1) / (self._times_s[-1] - self._times_s[0])
        for k, (low, high) in enumerate(itertools.pairwise(EDGES_M)):
            one = RangeQuality(from_m=low, to_m=high, expected=self._expected[k], found=self._found[k])
            if self._residuals[k]:
                one.residual_p50_m, one.residual_p95_m = np.percentile(self._residuals[k], [50, 95])
            quality.ranges.append(one)
        return quality
