"""Scans in the order of measurement, whatever the order of their arrival."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from lukou_roadside.perception.tracking.consistency import VelocityConsistency
from lukou_roadside.perception.tracking.deleter import survivors
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.registration import Registration, matches
from lukou_roadside.perception.tracking.scan import CAMERA, Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.tracker import Comparison, tracked
from lukou_roadside.perception.tracking.tracks import P_XX, P_YY, Tracks, no_tracks

LEARN_EVERY_SWEEP = 3
"""Registration learns from each so-maniest sweep of a radar: they are many and alike."""


@dataclass
class EventTimeTracker:
    """A tracker with a memory: a late scan is worked in at its own time, and what followed is worked out again.

    Attributes
    ----------
    settings : TrackerSettings
        Settings.
    late : int
        Scans refused because they came too late.
    registration : Registration
        How far each sensor is off; learned from scans that are old enough not to be worked out again.
    velocities : VelocityConsistency
        How uncertain published velocities have turned out to be.
    """

    settings: TrackerSettings = field(default_factory=TrackerSettings)
    late: int = 0
    registration: Registration = field(default_factory=Registration)
    velocities: VelocityConsistency = field(default_factory=VelocityConsistency)
    _keys: list[tuple[float, int, int]] = field(default_factory=list)
    _scans: list[Scan] = field(default_factory=list)
    _states: list[tuple[Tracks, Comparison] | None] = field(default_factory=list)
    _start: Tracks | None = None
    _newest_s: float = -1e18

    def add(self, scan: Scan) -> bool:
        """Take a scan in any order; False if it is older than what can be worked out again."""
        if self.settings.registers:
            scan = self.registration.corrected(scan)
        newest = max(self._newest_s, scan.time_s)
        if scan.time_s < newest - self.settings.replay_s or (self._start and scan.time_s < self._start.time_s):
            self.late += 1
            return False
        self._newest_s = newest
        key = (scan.time_s, scan.sensor, scan.sequence)
        place = bisect_right(self._keys, key)
        self._keys.insert(place, key)
        self._scans.insert(place, scan)
        self._states.insert(place, None)
        for later in range(place, len(self._states)):
            self._states[later] = None
        return True

    def state(self) -> Tracks:
        """Tracks after the newest scan."""
        tracks = self._start or no_tracks(self._keys[0][0] if self._keys else 0.0)
        for place, known in enumerate(self._states):
            if known is None:
                known = tracked(tracks, self._scans[place], self.settings)
                self._states[place] = known
            tracks = known[0]
        self._forget()
        return tracks

    def at(self, time_s: float) -> Tracks:
        """Tracks predicted from the newest scan to another instant, which may be earlier by a little.

        What has not been measured for too long by then is left out. That of velocity is what velocities have turned out to have; that of position holds what no filter can reduce by
        looking often: the error of place that a sensor makes at every look.
        """
        tracks = survivors(predicted(self.state(), time_s), self.settings)
        self.velocities.add(tracks)
        self.velocities.apply(tracks)
        if self.settings.registers:
            tracks.values[[P_XX, P_YY]] += self.registration.place_variance()
        return tracks

    def _forget(self) -> None:
        """Drop scans that are too old to be worked out again."""
        old = bisect_right(self._keys, (self._newest_s - self.settings.replay_s, 1 << 30, 0))
        if old > 0:
            before = self._start or no_tracks(self._keys[0][0])
            for scan, state in zip(self._scans[:old], self._states[:old], strict=True):
                assert state is not None  # `state` has just worked out all of them
                if len(scan.views) == 1 and (scan.kind == CAMERA or scan.sequence % LEARN_EVERY_SWEEP == 0):
                    told = matches(before, scan, state[1], self.registration.no_judges)
                    self.registration.add(scan, told)
                before = state[0]
            self._start = before
            del self._keys[:old], self._scans[:old], self._states[:old]
