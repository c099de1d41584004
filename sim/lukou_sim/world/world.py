"""The simulated world: traffic, cabinets, dangers, truth and sensors, advanced by 0.1 s per step.

libsumo is one per process, so a process holds at most one `World`.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lukou_hw.radar.reading import RadarScan
from lukou_maps.signal_configuration import SignalConfiguration
from lukou_messages.objects import DetectionList, TruthList
from lukou_messages.v1.advice_pb2 import SpeedAdvice
from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.signal_pb2 import SignalColour
from lukou_messages.v1.truth_pb2 import TruthEvent
from lukou_messages.v1.vehicle_pb2 import VehicleReport
from lukou_sim.cabinet.core import Cabinet
from lukou_sim.district.cameras import cameras, radars
from lukou_sim.district.configurations import load_configuration
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.sensors import connected, detections, radar
from lukou_sim.sensors.tracking_radar import TrackingRadar
from lukou_sim.world.advised import AdvisedDrivers
from lukou_sim.world.dangers import Dangers
from lukou_sim.world.delay import DelayStatistics, statistics
from lukou_sim.world.detectors import Detectors
from lukou_sim.world.faults import Faults, covered
from lukou_sim.world.pictures import Pictures
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.scenario import Scenario
from lukou_sim.world.traffic import STEP_S, Traffic
from lukou_sim.world.truth import CAMERA_SITE, Contacts, RedLightRuns, Views, part, truth_list

STEP_NS = 100_000_000
SNAPSHOT_VERSION = 2
TRACKING_RADAR = "radar-tracks"
DETECTION_SITES = tuple(site for site in INTERSECTIONS if site != CAMERA_SITE)


class World:
    """A scenario that runs.

    Parameters
    ----------
    scenario : Scenario
        What shall happen.
    seed : int, optional
        Of everything random; the scenario's own by default.
    start_ns : int
        Instant at which the scenario starts (after the warm-up), nanoseconds POSIX UTC, a multiple of 0.1 s.
    cabinets : dict of str to Cabinet, optional
        Cabinets to use; by default made from the district's configurations, on their local plans.
    sensors : bool
        Whether sensors and truth shall be computed; without, steps only move the traffic.
    warm_up : bool
        Whether to simulate the scenario's warm-up now.
    configurations : dict of str to SignalConfiguration, optional
        Instead of the district's own.
    lasts_s : float, optional
        For so long there is traffic, and the dangers come again each time the scenario's length is over; by default, for that length. [s]
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int | None = None,
        *,
        start_ns: int = 1_767_225_600_000_000_000,
        cabinets: dict[str, Cabinet] | None = None,
        sensors: bool = True,
        warm_up: bool = True,
        configurations: dict[str, SignalConfiguration] | None = None,
        lasts_s: float | None = None,
    ) -> None:
        further_s = max(0.0, (lasts_s or 0.0) - scenario.duration_s)
        self.scenario = scenario
        self.seed = scenario.seed if seed is None else seed
        self.start_ns = start_ns
        self.configurations = configurations or {
            name: load_configuration(name, scenario.plan) for name in INTERSECTIONS
        }
        begin_ns = start_ns - round(scenario.warm_up_s * 1e9)
        self.cabinets = cabinets or {name: Cabinet(each, begin_ns) for name, each in self.configurations.items()}
        self.traffic = Traffic(scenario, self.seed, further_s)
        self._detectors = Detectors(self.configurations) if scenario.detectors else None
        self._links = {name: 1 + max(k for g in c.groups for k in g.links) for name, c in self.configurations.items()}
        self._red_light_runs = RedLightRuns()
        self._contacts = Contacts()
        self._dangers = Dangers(scenario.dangers_until(scenario.duration_s + further_s), scenario.warm_up_s)
        self._with_sensors = sensors
        self._events: list[TruthEvent] = []
        self._letters: dict[str, str] = {}
        self._views: Views | None = None
        self._pictures: Pictures | None = None
        self._faults = Faults(scenario.failures)
        self._tracking_radars: dict[str, TrackingRadar] = {}
        self.advised = AdvisedDrivers()
        self.users: RoadUsers = self.traffic.road_users()
        self.now_ns = begin_ns
        if warm_up:
            self.warm_up()

    def warm_up(self) -> None:
        """Move the traffic to the scenario's start, without sensors and dangers."""
        while self.elapsed_s < -1e-6:
            self._move()
        self.users = self.traffic.road_users()

    @property
    def elapsed_s(self) -> float:
        """Time since the scenario's start; negative while warming up. [s]"""
        return (self.now_ns - self.start_ns) / 1e9

    def step(self) -> None:
        """Advance by 0.1 s; the sensors then describe the new instant `now_ns`."""
        self._move()
        self._views = None
        watches = self._with_sensors or self.scenario.dangers or self.scenario.drivers_follow_advice
        self.users = self.traffic.road_users() if watches else self.users
        if self.scenario.drivers_follow_advice:
            self.advised.step(self.now_ns, set(self.users.names))
        self._happen()

    def _move(self) -> None:
        for name, cabinet in self.cabinets.items():
            cabinet.step(self.now_ns)
            self._letters[name] = cabinet.link_states(self._links[name])
        self.traffic.step(self._letters)
        if self._detectors is not None:
            for name, called in self._detectors.called().items():
                with self.cabinets[name].lock:
                    self.cabinets[name].demands = called
        self.now_ns += STEP_NS

    def _happen(self) -> None:
        """Dangers, contacts, red-light runs of this step."""
        if self.scenario.dangers:
            green = {
                name: {group: colour == SignalColour.SIGNAL_COLOUR_GREEN for group, colour in cabinet.states().items()}
                for name, cabinet in self.cabinets.items()
            }
            for event in self._dangers.step(self.traffic.time_s, self.users, green):
                self._tell(event.kind, event.actor, event.other, event.scheduled)
        if not self._with_sensors:
            return
        for one, other, x, y in self._contacts.step(self.users):
            self._events.append(TruthEvent(at_ns=self.now_ns, kind="contact", actor=one, other=other, x_m=x, y_m=y))
        for _, name in self._red_light_runs.step(self._letters):
            self._tell("red_light", name, "", "")

    def _tell(self, kind: str, actor: str, other: str, scheduled: str) -> None:
        x, y = 0.0, 0.0
        here = next(
            (name for name in (actor, other) if name in self.users.names), None
        )  # a new walker is not yet there
        if here is not None:
            index = self.users.names.index(here)
            x, y = float(self.users.x[index]), float(self.users.y[index])
        self._events.append(
            TruthEvent(at_ns=self.now_ns, kind=kind, actor=actor, other=other, x_m=x, y_m=y, scheduled=scheduled)
        )

    # ---- what can be known of the present instant

    @property
    def views(self) -> Views:
        """Who is visible to whom; computed once per step."""
        if self._views is None:
            self._views = Views(self.users)
        return self._views

    def truth(self) -> TruthList:
        """Everybody, and the events since the last call."""
        events, self._events = self._events, []
        return truth_list(self.users, self.views.visible, events)

    def detections(self, site: str) -> list[DetectionList]:
        """Scans of the sensors of a site without cameras; empty while they fail."""
        scans = []
        for number, sensor in enumerate(detections.site_sensors(site)):
            if self._faults.has("detections_lost", site, sensor.name, self.elapsed_s):
                continue
            index, visible = self.views.by_sensor[site, sensor.name]
            rng = self._rng(10 + number, int(site[1:]))
            scans.append(detections.scan(sensor, part(self.users, index), visible, rng, self.scenario.weather))
        is_lost = self._faults.has("detections_lost", site, TRACKING_RADAR, self.elapsed_s)
        if site in self.scenario.tracking_radars and not is_lost:
            scans.append(self._vendor_tracks(site))
        return scans

    def _vendor_tracks(self, site: str) -> DetectionList:
        """What the tracking radar of a site tells; after a restart it begins anew, as a real one would."""
        beside = detections.site_sensors(site)[0]
        radar_ = self._tracking_radars.get(site)
        if radar_ is None:
            radar_ = self._tracking_radars[site] = TrackingRadar(
                TRACKING_RADAR, beside.x_m, beside.y_m, self._rng(40, int(site[1:]))
            )
        index, visible = self.views.by_sensor[site, beside.name]
        users = part(self.users, index[visible >= detections.MIN_VISIBLE])
        vehicles = part(users, np.flatnonzero(users.kind != ObjectClass.OBJECT_CLASS_PEDESTRIAN))
        velocity = vehicles.speed * np.cos(vehicles.yaw), vehicles.speed * np.sin(vehicles.yaw)
        state = np.column_stack([vehicles.x, vehicles.y, *velocity])
        return radar_.scan(self.elapsed_s, vehicles.number, state, vehicles.length)

    def radar_scans(self, faults: Faults | None = None) -> list[RadarScan]:
        """Sweeps of the radars at k1; with `faults` in place of the scenario's, since several perceptions may watch one world."""
        faults = self._faults if faults is None else faults
        sweeps = []
        for number, pose in enumerate(radars(CAMERA_SITE)):
            if faults.has("radar_lost", CAMERA_SITE, pose.name, self.elapsed_s):
                continue
            index, visible = self.views.by_sensor[CAMERA_SITE, pose.name]
            sequence = (self.now_ns // STEP_NS) & 0xFFFFFFFF
            sweep = radar.sweep(
                radar.swayed(pose, self.scenario.weather, self.elapsed_s, self.seed),
                part(self.users, index),
                visible,
                self.now_ns,
                sequence,
                self._rng(20, number),
                self.scenario.weather.rain_mm_per_h,
            )
            sweeps.append(faults.told(CAMERA_SITE, sweep, self.elapsed_s))
        return sweeps

    def picture(self, camera: str, faults: Faults | None = None) -> NDArray[np.uint8] | None:
        """What a camera at k1 sees now: (384, 640, 3) blue, green, red; None while it is lost. `faults` as in `radar_scans`."""
        faults = self._faults if faults is None else faults
        now_s = self.elapsed_s
        if faults.has("camera_lost", CAMERA_SITE, camera, now_s):
            return None
        if faults.has("camera_blinded", CAMERA_SITE, camera, now_s):
            return covered(self._rng(30, zlib.crc32(camera.encode())))
        self.prepare_cameras()
        assert self._pictures is not None
        frozen = faults.has("camera_frozen", CAMERA_SITE, camera, now_s)
        turn_deg = faults.turn_deg(CAMERA_SITE, camera, now_s)
        return self._pictures.render(camera, self.users, frozen=frozen, turn_deg=turn_deg)

    def stamp_ns(self, camera: str, faults: Faults | None = None) -> int:
        """The time stamp that a camera at k1 gives its picture of now; `faults` as in `radar_scans`."""
        faults = self._faults if faults is None else faults
        return self.now_ns + faults.clock_offset_ns(CAMERA_SITE, camera, self.elapsed_s)

    def prepare_cameras(self) -> None:
        """Draw the backgrounds now (about 4 s) rather than with the first picture."""
        if self._pictures is None:
            pictures = Pictures(self.seed, self.scenario.weather)
            for camera in cameras(CAMERA_SITE):
                for turn_deg in self._faults.turns(CAMERA_SITE, camera.name):
                    pictures.prepare(camera.name, turn_deg)
            self._pictures = pictures

    def vehicle_reports(self) -> list[VehicleReport]:
        """Reports of the connected vehicles whose turn it is: each reports twice per second."""
        return connected.reports(self.users, self.scenario.connected_share, self.seed, self.now_ns)

    def hear(self, advice: Sequence[SpeedAdvice]) -> None:
        """Tell connected drivers what they are advised; only a scenario that says so makes them follow it."""
        if not self.scenario.drivers_follow_advice or not advice:
            return
        told = {one.temporary_id: one for one in advice}
        for name in self.users.names:
            one = told.get(connected.temporary_id(name, self.seed, self.now_ns))
            if one is not None:
                self.advised.hear(name, one)

    @property
    def missed_dangers(self) -> Sequence[str]:
        """Scheduled dangers for which no occasion came."""
        return self._dangers.missed

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        # Drawn anew from the instant, so that a restored world needs no state of generators.
        return np.random.default_rng((self.seed, purpose, number, self.now_ns // STEP_NS))

    # ---- restart and end

    def snapshot(self) -> bytes:
        """Everything that a restarted process needs."""
        content = {
            "version": SNAPSHOT_VERSION,
            "scenario": self.scenario.model_dump_json(),
            "seed": self.seed,
            "start_ns": self.start_ns,
            "now_ns": self.now_ns,
            "traffic": base64.b64encode(self.traffic.save()).decode(),
            "numbers": self.traffic.numbers(),
            "dangers": self._dangers.snapshot(),
            "cabinets": {
                name: base64.b64encode(cabinet.snapshot()).decode() for name, cabinet in self.cabinets.items()
            },
        }
        return zlib.compress(json.dumps(content).encode(), 1)

    def restore(self, snapshot: bytes) -> None:
        """Go on from a snapshot of the same scenario and seed."""
        content = json.loads(zlib.decompress(snapshot))
        if content.get("version") != SNAPSHOT_VERSION or content["scenario"] != self.scenario.model_dump_json():
            raise ValueError("snapshot of another version or scenario")
        self.start_ns = content["start_ns"]
        self._continue(content)

    def _continue(self, content: dict[str, object]) -> None:
        self.now_ns = content["now_ns"]  # type: ignore[assignment]
        self.traffic.load(base64.b64decode(content["traffic"]))  # type: ignore[arg-type]
        self.traffic.set_numbers(content["numbers"])  # type: ignore[arg-type]
        self._dangers.restore(content["dangers"])  # type: ignore[arg-type]
        for name, saved in content["cabinets"].items():  # type: ignore[attr-defined]
            self.cabinets[name].restore(base64.b64decode(saved))
        self.users = self.traffic.road_users()
        self._views = None

    def skip(self, now_ns: int) -> None:
        """Say that the world stood still until an instant: the clock jumps, the traffic does not."""
        lost = now_ns - self.now_ns
        self.now_ns += lost
        self.start_ns += lost

    def close(self) -> DelayStatistics:
        """End the simulation; the delay of the period since the scenario's start."""
        end_s = self.traffic.time_s
        self.traffic.close()
        begin_s = self.scenario.warm_up_s
        found = statistics(self.traffic.tripinfo, self.traffic.scheduled_s, begin_s, end_s)
        self.traffic.forget()
        return found


__all__ = ["DETECTION_SITES", "STEP_NS", "STEP_S", "World"]
