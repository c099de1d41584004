"""Scans in the order of measurement, whatever the order of their arrival."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lukou_roadside.perception.tracking.consistency import VelocityConsistency
from lukou_roadside.perception.tracking.deleter import survivors
from lukou_roadside.perception.tracking.matches import matches
from lukou_roadside.perception.tracking.predictor import predicted
from lukou_roadside.perception.tracking.registration import Registration
from lukou_roadside.perception.tracking.scan import Scan
from lukou_roadside.perception.tracking.settings import TrackerSettings
from lukou_roadside.perception.tracking.sweeps import Sweeps, one_of_each, together
from lukou_roadside.perception.tracking.tracker import Comparison, Comparisons, swept, tracked
from lukou_roadside.perception.tracking.tracks import P_XX, P_YY, Tracks, no_tracks

LEARN_EVERY_SWEEP = 3
"""Registration learns from each so-maniest sweep of a radar: they are many and alike."""


class _Step(NamedTuple):
    """What was worked in, and what came of it."""

    before: Tracks
    scans: Sequence[Scan]
    after: Tracks
    said: Comparison | Comparisons


@dataclass(slots=True)
class _Place:
    """What stands at one place of the order: one scan, or the sweeps of one slot."""

    scans: list[Scan]
    groups: list[Sweeps] | None = None
    steps: list[_Step] | None = None


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
    _places: list[_Place] = field(default_factory=list)
    _start: Tracks | None = None
    _newest_s: float = -1e18
    _settles_s: float = -1e18

    def add(self, scan: Scan) -> bool:
        """Take a scan in any order; False if it is older than what can be worked out again."""
        if self.settings.registers:
            scan = self.registration.corrected(scan)
        newest = max(self._newest_s, scan.time_s)
        key = (self._slot(scan.time_s), -1, 0) if scan.is_sweep else (scan.time_s, scan.sensor, scan.sequence)
        if scan.time_s < newest - self.settings.replay_s or (self._start and key[0] < self._start.time_s):
            self.late += 1
            return False
        self._newest_s = newest
        place = (bisect_left if scan.is_sweep else bisect_right)(self._keys, key)
        if scan.is_sweep and place < len(self._keys) and self._keys[place] == key:
            self._places[place].scans.append(scan)
            self._places[place].groups = None
        else:
            self._keys.insert(place, key)
            self._places.insert(place, _Place([scan]))
        for later in self._places[place:]:
            later.steps = None
        return True

    def _slot(self, time_s: float) -> float:
        """The middle of the slot whose sweeps are worked in together. [s]"""
        return (math.floor(time_s / self.settings.slot_s) + 0.5) * self.settings.slot_s

    def state(self) -> Tracks:
        """Tracks after the newest scan."""
        self.settle()
        tracks = self._start or no_tracks(self._keys[0][0] if self._keys else 0.0)
        for key, place in zip(self._keys, self._places, strict=True):
            if place.steps is None:
                place.steps = self._worked_in(tracks, key[0], place)
            tracks = place.steps[-1].after
        # sweeps of a slot that is not over may still come
        self._settles_s = self._newest_s - self.settings.replay_s - 0.5 * self.settings.slot_s
        return tracks

    def _worked_in(self, tracks: Tracks, time_s: float, place: _Place) -> list[_Step]:
        if not place.scans[0].is_sweep:
            return [_Step(tracks, place.scans, *tracked(tracks, place.scans[0], self.settings))]
        if place.groups is None:
            place.groups = [together(time_s, group) for group in one_of_each(place.scans)]
        steps: list[_Step] = []
        for sweeps in place.groups:
            steps.append(_Step(tracks, sweeps.scans, *swept(tracks, sweeps, self.settings)))
            tracks = steps[-1].after
        return steps

    def at(self, time_s: float) -> Tracks:
        """Tracks predicted from the newest scan to another instant, which may be earlier by a little.

        What has not been measured for too long by then is left out. That of velocity is what velocities have turned out to have; that of position holds what no filter can reduce by
        looking often: the error of place that a sensor makes at every look.
        """
        tracks = survivors(predicted(self.state(), time_s), self.settings)
        self.velocities.published(tracks)
        if self.settings.registers:
            tracks.values[P_XX : P_YY + 1] += self.registration.joint.place_covariance(tracks)
        return tracks

    def settle(self) -> None:
        """Drop scans that were too old to be worked out again by the last look at tracks; of them is learned how far sensors are off.

        The next look does it as well: who has time in between asks for it then, so that tracks do not wait for it.
        """
        old = bisect_right(self._keys, (self._settles_s, 1 << 30, 0))
        for place in self._places[:old]:
            for step in place.steps or ():
                self._learn(step)
                self._start = step.after
        del self._keys[:old], self._places[:old]

    def _learn(self, step: _Step) -> None:
        for number, scan in enumerate(step.scans):
            if len(scan.views) != 1 or (scan.is_sweep and scan.sequence % LEARN_EVERY_SWEEP):
                continue
            said = step.said.of(number) if isinstance(step.said, Comparisons) else step.said
            self.registration.add(
                scan, matches(step.before, scan, said, self.registration.no_judges, self.registration.guessed)
            )
