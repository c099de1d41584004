"""The perception core: frames, sweeps and detections in, one list of road users out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lukou_hw.camera import CameraFrame
from lukou_hw.clock.reading import INVALID_S, UNKNOWN_S
from lukou_hw.clock.watch import ClockQuality
from lukou_hw.radar import RadarScan
from lukou_maps.map_keeper import MapKeeper
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_messages.objects import DetectionList
from lukou_messages.process import DEGRADED, INVALID, VALID, Input, Output
from lukou_messages.v1.objects_pb2 import PerceivedArea
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.cycle import Cycles
from lukou_roadside.perception.detection_gate import DetectionGate, off_the_lanes
from lukou_roadside.perception.lists import ListBuilder, at_another_instant
from lukou_roadside.perception.mounting import MountingReading
from lukou_roadside.perception.operator_picture import operator_picture
from lukou_roadside.perception.projection import Boxes, Projector
from lukou_roadside.perception.quality import QualityBook
from lukou_roadside.perception.sensing import VendorMemory, radar_scan
from lukou_roadside.perception.sensor_report import Mounting, SensorState, sensor_report
from lukou_roadside.perception.settings import CameraSettings, PerceptionSettings
from lukou_roadside.perception.stamps import MOST_AHEAD_S, Stamps
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import Scan, View
from lukou_roadside.perception.tracking.tracks import Tracks

MOST_REPEATS = 3
"""Sweeps with the very same returns, after which a radar is taken for frozen: noise never repeats."""

REPORT_NS = 10**9
"""How often the sensors' quality is told. [ns]"""

GUESSED_STAMP_WIDER = 4.0
"""Factor on the covariances of a sensor whose clock is known to be off: when it measured is told by its arrival only."""

MOST_SENSORS = 32
"""Sensors that have a bit in ``contributing_sensors``."""


class Detector(Protocol):
    """What finds road users in pictures."""

    def detect(self, picture: NDArray[np.uint8]) -> Boxes:
        """Boxes and ground points in pixels of the given picture (blue, green, red)."""


Each = Callable[[Callable[[NDArray[np.uint8]], Boxes], Iterable[NDArray[np.uint8]]], Iterable[Boxes]]
"""What runs a detector over pictures, in their order: `map`, or that of an executor."""


@dataclass(frozen=True, slots=True, eq=False)
class _SomeBoxes:
    object_class: Any
    score: Any
    x1: Any
    y1: Any
    x2: Any
    y2: Any
    ground_x: Any
    ground_y: Any


def _some(boxes: Boxes, rows: NDArray[Any]) -> Boxes:
    """Some of the detections, by index or mask."""
    names = ("object_class", "score", "x1", "y1", "x2", "y2", "ground_x", "ground_y")
    return _SomeBoxes(*(np.asarray(getattr(boxes, name))[rows] for name in names))


@dataclass
class _Sensor:
    """What is known of one sensor while running."""

    name: str
    number: int
    is_awaited: bool
    last_ns: int = 0
    reason: str = ""
    area: PerceivedArea | None = None
    frames: int = 0
    unused: int = 0
    print: int = 0
    repeats: int = 0
    quality: QualityBook = field(default_factory=QualityBook)
    mounting: Mounting = field(default_factory=Mounting)
    scan: Scan | None = None
    pictured_ns: int = 0
    stamps: Stamps = field(default_factory=Stamps)
    memory: VendorMemory = field(default_factory=VendorMemory)


class PerceptionCore:
    """Perception of one intersection.

    Parameters
    ----------
    settings : PerceptionSettings
        Settings.
    detector : Detector, optional
        Finds road users in pictures; only sites with cameras need one.
    model : RoadModel, optional
        The map; read from ``settings.map`` if not given.
    each : callable
        Runs the detector over the pictures of one step, as `map` does; another may do several side by side.
    """

    def __init__(
        self,
        settings: PerceptionSettings,
        detector: Detector | None = None,
        model: RoadModel | None = None,
        each: Each = map,
    ) -> None:
        self._settings, self._detector, self._each = settings, detector, each
        model = load_map(settings.map) if model is None else model
        self._maps = MapKeeper(model)
        self._lists = ListBuilder(model)
        self._tracker = EventTimeTracker(settings.tracker)
        self._sensors: dict[str, _Sensor] = {}
        self._projectors: dict[str, Projector] = {}
        self._radars = {radar.name: radar for radar in settings.radars}
        self._outside = off_the_lanes(model) if settings.cameras else None
        self._backgrounds: dict[str, Any] = {}
        self._on_background = 0
        for camera in settings.cameras:
            self._add_camera(camera)
        for name in self._radars:
            self._add_sensor(name, is_awaited=False)
        for name in settings.sensors:
            self._add_sensor(name, is_awaited=True)
        self._cycles = Cycles(round(settings.period_s * 1e9), round(settings.deadline_s * 1e9))
        self._origin_ns: int | None = None
        self._started_ns = 0
        self._last_ns = self._told_ns = 0
        self._clock, self._unsure_lists = ClockQuality(), 0
        self.dropped_frames = 0
        self._dropped_by_driver: dict[str, int] = {}
        self._now_ns = self._reported_ns = 0
        self._turn = 0
        self._pictures_due: list[tuple[str, Input, Boxes]] = []
        self._told_tracks: Tracks | None = None

    def _add_camera(self, settings: CameraSettings) -> None:
        self._place_camera(settings, self._add_sensor(settings.name, is_awaited=True))
        if settings.background is not None:
            from lukou_roadside.detector.background import read_background  # late: with ONNX Runtime, 0.1 s

            self._backgrounds[settings.name] = read_background(Path(settings.background))

    def _place_camera(self, settings: CameraSettings, sensor: _Sensor) -> None:
        """Use a camera with this calibration from now on."""
        calibration = Calibration(settings)
        gate = DetectionGate(calibration, self._settings.gate, self._outside)
        self._projectors[settings.name] = Projector(
            calibration, sensor.number, self._lists.height, self._lists.lane_heading, gate
        )
        x_m, y_m = calibration.outline()
        if np.isfinite(x_m).all():
            sensor.area = PerceivedArea(
                x_m=x_m, y_m=y_m, detection_probability=settings.detection_probability, sensor=settings.name
            )

    def _add_sensor(self, name: str, is_awaited: bool) -> _Sensor:
        sensor = _Sensor(name, len(self._sensors), is_awaited)
        self._sensors[name] = sensor
        return sensor

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take what has arrived; give a list when one is due."""
        if self._origin_ns is None:
            self._origin_ns = self._started_ns = self._reported_ns = now_ns
        self._now_ns = now_ns
        later = self._what_waited(now_ns)
        return [*self._lists_due(now_ns, inputs), *later]

    def _what_waited(self, now_ns: int) -> list[Output]:
        """What the last list did not wait for: learning from its scans, comparing it with them, pictures and reports."""
        self._tracker.settle()
        if self._told_tracks is not None:
            self._compare(self._told_tracks)
            self._told_tracks = None
        due, self._pictures_due = self._pictures_due, []
        made = [operator_picture(name, one.value.picture, boxes, self._settings.pictures) for name, one, boxes in due]
        pictures = [
            Output("picture", picture, one.measured_at_ns)
            for picture, (_, one, _) in zip(made, due, strict=True)
            if picture is not None
        ]
        return [*self._reports(now_ns), *pictures]

    def _lists_due(self, now_ns: int, inputs: Sequence[Input]) -> list[Output]:
        found = self._detected(now_ns, inputs)
        for one in inputs:
            if one.topic == "map":
                self._maps.take(one.value)
            else:
                self._take(now_ns, one, found)
        self._say_silent(now_ns)
        awaited = {sensor.name for sensor in self._sensors.values() if sensor.is_awaited and not sensor.reason}
        cycle = self._cycles.due(now_ns, awaited)
        if cycle is not None:
            # what is awaited is late with the first list after a silence: say it by validity, not by waiting
            missing = sorted(awaited - cycle.sources)
            # a list made while nobody was awaited told of its own instant: what comes late then does not turn time back
            at_ns = max(cycle.newest_ns, min(self._told_ns, now_ns))
            return [self._list(at_ns, now_ns, tuple(cycle.used), missing)]
        if not awaited and now_ns - self._last_ns >= round(self._settings.period_s * 1e9):
            return [self._list(now_ns, now_ns, (), [])]
        return []

    def snapshot(self) -> bytes:
        """Nothing: after a restart a fresh picture of the road is there within a second."""
        return b""

    def restore(self, snapshot: bytes) -> None:
        """Start afresh; any content is of another version."""
        if snapshot:
            raise ValueError("perception keeps no state over restarts")

    def faults(self) -> list[str]:
        """For health: a map that is stale or broken, cameras that have moved, a clock that nobody vouches for."""
        moved = [f"{one.name} {one.mounting.doubt}" for one in self._sensors.values() if one.mounting.doubt]
        return [*self._maps.faults(), *moved, *([self._clock.reason] if self._clock.reason else [])]

    def figures(self) -> dict[str, float]:
        """For health: frames that were never used, by the drivers and here, detections that can be no road user, lists told by an unsure clock, parts
        of views (4 degrees by 5 m) in which a sensor finds less than it should."""
        gates = [projector.gate for projector in self._projectors.values() if projector.gate is not None]
        registration = self._tracker.registration
        return {
            "dropped_frames": float(self.dropped_frames + sum(self._dropped_by_driver.values())),
            "detections_off_area": float(sum(gate.off_area for gate in gates)),
            "detections_on_background": float(self._on_background),
            "detections_of_wrong_size": float(sum(gate.wrong_size for gate in gates)),
            "detections_of_wrong_covariance": float(sum(one.memory.refused for one in self._sensors.values())),
            "lists_of_unsure_clock": float(self._unsure_lists),
            "cells_hardly_seen": float(sum(registration.coverage(one.number).hidden for one in self._sensors.values())),
        }

    # --- taking ---------------------------------------------------------------------------------------------------

    def _detected(self, now_ns: int, inputs: Sequence[Input]) -> dict[tuple[str, int], Boxes]:
        """What the detector finds in the pictures of a step, by topic and number; without those that are too old."""
        if self._detector is None:
            return {}
        frames = [one for one in inputs if isinstance(one.value, CameraFrame) and one.value.camera in self._projectors]
        newest, looked_at = {one.topic: one.measured_at_ns for one in frames}, []
        for one in frames:
            if one.value.picture.size == 0 or one.validity == INVALID:
                continue
            is_superseded = one.measured_at_ns < newest[one.topic]
            if is_superseded and now_ns - one.measured_at_ns > self._settings.oldest_frame_s * 1e9:
                self.dropped_frames += 1
                continue
            looked_at.append(one)
        boxes = self._each(self._detector.detect, [one.value.picture for one in looked_at])
        return {(one.topic, one.sequence): found for one, found in zip(looked_at, boxes, strict=True)}

    def _take(self, now_ns: int, one: Input, found: dict[tuple[str, int], Boxes]) -> None:
        if isinstance(one.value, CameraFrame):
            self._take_frame(now_ns, one, one.value, found.get((one.topic, one.sequence)))
        elif isinstance(one.value, RadarScan):
            self._take_sweep(one, one.value)
        elif isinstance(one.value, DetectionList):
            self._take_detections(one, one.value)
        elif isinstance(one.value, MountingReading):
            self._take_mounting(one.value)
        elif isinstance(one.value, ClockQuality):
            self._clock = one.value

    def _take_mounting(self, reading: MountingReading) -> None:
        """Note where a camera looks by its picture; trust it less after one that says so, use it as it looks after two."""
        sensor = self._sensors.get(reading.camera)
        camera = next((one for one in self._settings.cameras if one.name == reading.camera), None)
        if sensor is None or camera is None:
            return
        if sensor.mounting.take(reading) and self._settings.watch.corrects:
            self._place_camera(sensor.mounting.turned(camera), sensor)
            if sensor.mounting.used is not None:
                self._backgrounds.pop(camera.name, None)  # the street as it was seen before the turn
            self._tracker.registration.forget(sensor.number)

    def _take_frame(self, now_ns: int, one: Input, frame: CameraFrame, found: Boxes | None) -> None:
        sensor, projector = self._sensors.get(frame.camera), self._projectors.get(frame.camera)
        if sensor is None or projector is None or self._detector is None:
            return
        self._dropped_by_driver[frame.camera] = frame.dropped
        if frame.picture.size == 0 or one.validity == INVALID:
            sensor.reason = (frame.reason or str(frame.health)).removeprefix(f"{sensor.name}: ")
            return
        if found is None:
            return
        sensor.frames += 1
        boxes = self._worth_following(frame, found)
        self._use(sensor, one, projector.scan(boxes, self._seconds(one.measured_at_ns), sensor.frames))
        self._note_picture(now_ns, sensor, one, boxes)

    def _note_picture(self, now_ns: int, sensor: _Sensor, one: Input, boxes: Boxes) -> None:
        """Note a picture for the operator where one is due; of a second camera in the same step only where it has waited long."""
        period_ns = round(self._settings.pictures.period_s * 1e9)
        if period_ns == 0 or now_ns - sensor.pictured_ns < period_ns * (1.5 if self._pictures_due else 1.0):
            return
        sensor.pictured_ns = now_ns
        self._pictures_due.append((sensor.name, one, boxes))

    def detections_in(self, frame: CameraFrame) -> Scan:
        """What one picture alone gives on the map; nothing is remembered of it.

        Raises
        ------
        LookupError
            The frame is of no camera of this site, or the site has no detector.
        """
        projector = self._projectors.get(frame.camera)
        if projector is None or self._detector is None:
            raise LookupError(f"{frame.camera}: no camera of {self._settings.site} with a detector")
        seconds = 0.0 if self._origin_ns is None else self._seconds(frame.measured_at_ns)
        return projector.scan(self._worth_following(frame, self._detector.detect(frame.picture)), seconds, 0)

    def _worth_following(self, frame: CameraFrame, found: Boxes) -> Boxes:
        """The best detections, without those that show the empty street."""
        boxes = self._best(found)
        background = self._backgrounds.get(frame.camera)
        if background is not None:
            on_street = background.is_on_background(frame.picture, boxes.x1, boxes.y1, boxes.x2, boxes.y2)
            self._on_background += int(on_street.sum())
            boxes = _some(boxes, ~on_street)
        return boxes

    def _best(self, boxes: Boxes) -> Boxes:
        """Detections worth following, not more than a tracker can take."""
        score = np.asarray(boxes.score)
        rows = np.flatnonzero(score >= self._settings.least_score)
        if len(rows) > self._settings.most_detections:
            rows = np.sort(rows[np.argsort(-score[rows], kind="stable")[: self._settings.most_detections]])
        return _some(boxes, rows)

    def _take_sweep(self, one: Input, sweep: RadarScan) -> None:
        sensor, radar = self._sensors.get(sweep.radar), self._radars.get(sweep.radar)
        if sensor is not None and radar is not None:
            print_ = zlib.crc32(sweep.range_m.tobytes() + sweep.azimuth_rad.tobytes()) if len(sweep) else 0
            sensor.repeats = sensor.repeats + 1 if print_ and print_ == sensor.print else 0
            sensor.print = print_
            if sensor.repeats >= MOST_REPEATS:
                sensor.reason = "frozen: the same returns again and again"
                return
            sensor.frames += 1
            at_s = self._seconds(one.measured_at_ns)
            self._use(sensor, one, radar_scan(sweep, radar, sensor.number, at_s, sensor.frames))

    def _take_detections(self, one: Input, detections: DetectionList) -> None:
        name = detections.sensor or one.source
        sensor = self._sensors.get(name)
        if sensor is None:
            if len(self._sensors) >= MOST_SENSORS:
                return
            sensor = self._add_sensor(name, is_awaited=not self._settings.sensors)
        sensor.frames += 1  # our own count: a source that restarts counts from one again, and what a track is known by must not recur
        scan = sensor.memory.scan(detections, sensor.number, self._seconds(one.measured_at_ns), sensor.frames)
        if scan.views:
            sensor.area = _wedge(scan.views[0], name)
        self._use(sensor, one, scan)

    def _use(self, sensor: _Sensor, one: Input, scan: Scan) -> None:
        late_s = sensor.stamps.late(one.measured_at_ns, self._now_ns)
        guessed = self._tracker.registration.guessed
        (guessed.add if late_s > 0.0 else guessed.discard)(sensor.number)
        if sensor.stamps.shift_s < 0.0:
            self._comes_sooner(sensor)
        at_ns = one.measured_at_ns - round(late_s * 1e9)
        if late_s:
            scan = scan.moved(scan.time_s - late_s, scan.x_m, scan.y_m, GUESSED_STAMP_WIDER)
        if not self._tracker.add(scan):
            sensor.unused += 1
            return
        sensor.reason = ""
        sensor.scan = scan
        sensor.quality.took(scan, (self._now_ns - at_ns) * 1e-9)
        sensor.last_ns = max(sensor.last_ns, at_ns)
        self._cycles.add(sensor.name, one.topic, at_ns)

    def _comes_sooner(self, sensor: _Sensor) -> None:
        """Heed measurements that suddenly come sooner than before, unless others do, too: then it is this box that was busy."""
        sooner_s = -sensor.stamps.shift_s
        others = [one.stamps.risen_s for one in self._sensors.values() if one is not sensor and not one.reason]
        if not others or min(others) > -0.5 * sooner_s:
            self._tracker.registration.arrives_sooner(sensor.number, sooner_s)

    def _seconds(self, at_ns: int) -> float:
        assert self._origin_ns is not None
        return (at_ns - self._origin_ns) * 1e-9

    # --- giving ---------------------------------------------------------------------------------------------------

    def _say_silent(self, now_ns: int) -> None:
        for sensor in self._sensors.values():
            silent_s = (now_ns - max(sensor.last_ns, self._started_ns)) * 1e-9
            if silent_s > self._settings.stale_s and (not sensor.reason or sensor.reason.startswith("silent")):
                sensor.reason = f"silent for {silent_s:.1f} s"

    def _list(self, at_ns: int, now_ns: int, used: tuple[tuple[str, int], ...], missing: list[str]) -> Output:
        self._last_ns, self._told_ns = now_ns, at_ns
        areas = [one.area for one in self._sensors.values() if one.area is not None and self._sees(one)]
        tracks = self._tracker.at(self._seconds(at_ns))
        told_tracks = at_another_instant(tracks, min(self._clock.deviation_s, UNKNOWN_S))
        objects = self._lists.build(told_tracks, [sensor.name for sensor in self._sensors.values()], areas)
        self._told_tracks = tracks
        troubles = [f"{sensor.name} {sensor.reason}" for sensor in self._sensors.values() if sensor.reason]
        troubles += [f"{name} late" for name in missing]
        troubles += [
            f"{one.name} {doubt}" for one in self._sensors.values() if not one.reason and (doubt := self._doubt(one))
        ]
        blind = all(sensor.reason for sensor in self._sensors.values() if sensor.is_awaited)
        is_timeless = self._clock.uncertainty_s > INVALID_S
        if self._clock.reason:
            self._unsure_lists += 1
            troubles.insert(0, self._clock.reason)
        validity = INVALID if blind or is_timeless else DEGRADED if troubles else VALID
        reason = ("no sensor: " if blind else "") + "; ".join(troubles)
        uncertain_s = self._clock.deviation_s if self._clock.reason else None
        return Output("objects", objects, at_ns, validity, reason[:200], used=used, time_uncertainty_s=uncertain_s)

    def _sees(self, sensor: _Sensor) -> bool:
        """Whether somebody in its area would be found: what a sensor does not find although it works is not empty."""
        registration = self._tracker.registration
        is_blind = registration.is_all_but_blind(sensor.number) or registration.coverage(sensor.number).is_mostly_hidden
        return not sensor.reason and not is_blind

    def _doubt(self, sensor: _Sensor) -> str:
        """What speaks against a sensor that works."""
        ahead_s = sensor.stamps.ahead_s
        ahead = f"clock off: stamps lie {ahead_s:.2f} s in the future" if ahead_s > MOST_AHEAD_S else ""
        told = self._tracker.registration.doubt(sensor.number)
        later = "" if ahead or told else self._comes_later(sensor)
        return " and ".join(word for word in (ahead, told, later, sensor.mounting.doubt) if word)

    def _comes_later(self, sensor: _Sensor) -> str:
        """Words where measurements come later than before, and those of others do not: else it is this box that is busy."""
        later_s = sensor.stamps.later_s
        others = [one.stamps.later_s for one in self._sensors.values() if one is not sensor and not one.reason]
        if not later_s or (others and max(others) > 0.5 * later_s):
            return ""
        return f"measurements come {later_s:.2f} s later than before: a slow line, or its clock was set back"

    def _compare(self, tracks: Tracks) -> None:
        """Compare one sensor, another each time, with the list: cheap, and soon all have had their turn."""
        sensors = [one for one in self._sensors.values() if one.scan is not None]
        if not sensors:
            return
        self._turn += 1
        sensor = sensors[self._turn % len(sensors)]
        assert sensor.scan is not None
        sensor.quality.compare(tracks, sensor.scan, len(sensors) > 1)

    def _reports(self, now_ns: int) -> list[Output]:
        """How every sensor does, once a second."""
        if now_ns - self._reported_ns < REPORT_NS:
            return []
        self._reported_ns = now_ns
        registration = self._tracker.registration
        states = []
        for one in self._sensors.values():
            is_camera = one.name in self._projectors
            dropped = self._dropped_by_driver.get(one.name, 0)
            offsets, book = registration.of(one.number), one.quality
            offsets = offsets._replace(clock_s=offsets.clock_s + one.stamps.late_s)
            states.append(
                SensorState(
                    one.name, is_camera, one.reason, self._doubt(one), one.unused, dropped, book, offsets, one.mounting
                )
            )
        return [Output("sensor_report", sensor_report(states), now_ns)]


def _wedge(view: View, name: str) -> PerceivedArea:
    """Polygon of a view, its sides straight between seven directions."""
    azimuth = view.azimuth_rad + np.linspace(-0.5, 0.5, 13) * view.opening_rad
    x_m = view.x_m + view.range_max_m * np.cos(azimuth)
    y_m = view.y_m + view.range_max_m * np.sin(azimuth)
    if view.opening_rad < 6.2:
        x_m, y_m = np.append(x_m, view.x_m), np.append(y_m, view.y_m)
    return PerceivedArea(x_m=x_m, y_m=y_m, sensor=name)
