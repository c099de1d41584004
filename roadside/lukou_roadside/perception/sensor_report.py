"""The report on a site's sensors, and what is believed of each camera's mounting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lukou_messages.process import DEGRADED, INVALID, VALID
from lukou_messages.v1.sensor_pb2 import MountingQuality, SensorKind, SensorReport
from lukou_roadside.calibration.watch import Judgement
from lukou_roadside.perception.mounting import MountingReading
from lukou_roadside.perception.quality import QualityBook
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.registration import Offsets

AGREE_RAD = math.radians(0.4)
"""Two comparisons that differ by less have seen the same. [rad]"""

CORRECTED_SHARE = 0.1
"""Of a turn that was corrected for so much is left as standard deviation: the mast may have shifted too."""


@dataclass
class Mounting:
    """What is believed of one camera's mounting.

    Attributes
    ----------
    reading : MountingReading or None
        The last comparison.
    used : Judgement or None
        The turn that is corrected for; None: the calibration stands.
    suspected_rad : float
        A turn beyond that, seen once and not yet again. [rad]
    """

    reading: MountingReading | None = None
    used: Judgement | None = None
    suspected_rad: float = 0.0
    _before: Judgement | None = None

    @property
    def doubt(self) -> str:
        """What is wrong, in words; empty where nothing is known to be."""
        judgement = None if self.reading is None else self.reading.judgement
        return judgement.words if judgement is not None and judgement.has_moved else ""

    def take(self, reading: MountingReading) -> bool:
        """Note a comparison; True where the camera should now be used differently.

        A turn that is seen once makes its angles doubtful by as much; one that is seen twice is corrected for.
        """
        before, self._before, self.reading = self._before, reading.judgement, reading
        now, known = reading.judgement, (self.used, self.suspected_rad)
        if not now.is_sure:
            return False
        if before is not None and before.is_sure and _apart(now, before) <= AGREE_RAD:
            self.suspected_rad = 0.0
            if not now.has_moved:
                self.used = None
            elif self.used is None or _apart(now, self.used) >= AGREE_RAD:
                self.used = now
        else:
            off_rad = now.turn_rad if self.used is None else _apart(now, self.used)
            is_off = now.has_moved if self.used is None else off_rad >= AGREE_RAD
            self.suspected_rad = off_rad if is_off else 0.0
        return (self.used, self.suspected_rad) != known

    def turned(self, camera: CameraSettings) -> CameraSettings:
        """A camera as it looks now, with angles trusted less than its calibration's."""
        deviation = math.hypot(camera.angle_deviation_rad, self.suspected_rad)
        if self.used is None:
            return camera.model_copy(update={"angle_deviation_rad": deviation})
        deviation = math.hypot(deviation, self.used.deviation_rad, CORRECTED_SHARE * self.used.turn_rad)
        return camera.model_copy(
            update={
                "azimuth_rad": camera.azimuth_rad + self.used.azimuth_rad,
                "pitch_rad": camera.pitch_rad + self.used.pitch_rad,
                "roll_rad": camera.roll_rad + self.used.roll_rad,
                "angle_deviation_rad": deviation,
            }
        )

    def told(self) -> MountingQuality | None:
        """For the report."""
        if self.reading is None:
            return None
        one = self.reading.judgement
        told = MountingQuality(
            compared_at_ns=self.reading.compared_at_ns,
            found_share=one.found_share,
            is_sure=one.is_sure,
            has_moved=one.has_moved,
        )
        if one.is_sure:
            told.azimuth_rad, told.pitch_rad, told.roll_rad = one.azimuth_rad, one.pitch_rad, one.roll_rad
        return told


def _apart(a: Judgement, b: Judgement) -> float:
    return math.hypot(a.azimuth_rad - b.azimuth_rad, a.pitch_rad - b.pitch_rad)


@dataclass(frozen=True, slots=True)
class SensorState:
    """One sensor as the core knows it.

    Attributes
    ----------
    name : str
        Its name.
    is_camera : bool
        Whether its pictures are looked at here.
    reason : str
        Why it is not used; empty where it is.
    doubt : str
        What speaks against it though it is used.
    late, dropped : int
        Scans that came too late, frames never looked at.
    book : QualityBook
        Its counts.
    offsets : Offsets
        What registration believes.
    mounting : Mounting
        What the watch believes.
    """

    name: str
    is_camera: bool
    reason: str
    doubt: str
    late: int
    dropped: int
    book: QualityBook
    offsets: Offsets
    mounting: Mounting


def sensor_report(states: Sequence[SensorState]) -> SensorReport:
    """The report as a message."""
    report = SensorReport()
    for state in states:
        quality = state.book.told()
        quality.sensor = state.name
        quality.kind = SensorKind.SENSOR_KIND_CAMERA if state.is_camera else SensorKind.SENSOR_KIND_UNSPECIFIED
        quality.state = INVALID if state.reason else DEGRADED if state.doubt else VALID  # type: ignore[assignment]
        quality.reason = (state.reason or state.doubt)[:200]
        quality.late, quality.dropped = state.late, state.dropped
        if state.offsets.clock_deviation_s < 0.04:  # learned something
            quality.clock_offset_s = state.offsets.clock_s
        if state.offsets.azimuth_deviation_rad < 0.008:
            quality.azimuth_offset_rad = state.offsets.azimuth_rad
        if math.isfinite(state.offsets.found_share):
            quality.found_share = state.offsets.found_share
        mounting = state.mounting.told()
        if mounting is not None:
            quality.mounting.CopyFrom(mounting)
        report.sensors.append(quality)
    return report
