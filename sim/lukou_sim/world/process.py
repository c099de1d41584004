"""The world process: the simulated world in real time, its sensors' feeds and its cabinets' servers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lukou_messages.clock import SystemClock
from lukou_messages.process import Device, Input, Output, ProcessSpec, Trigger
from lukou_sim.sensors.camera import CAMERA_LATENCY_NS, CameraFeed
from lukou_sim.world.feeds import CabinetServers, DetectionFeed, Ending, RadarFeed
from lukou_sim.world.scenario import load_scenario
from lukou_sim.world.world import DETECTION_SITES, STEP_NS, World

AHEAD_NS = 80_000_000
"""An instant with pictures is computed so long before it comes: drawing pictures is no part of a camera's latency. [ns]"""
AHEAD_WITHOUT_PICTURES_NS = 20_000_000
"""The same of instants without pictures, which are quickly computed: not while perception looks at the last ones. [ns]"""
TICK_S = 0.02
"""How finely the process keeps these instants. [s]"""

LASTS_S = 2 * 3600.0
"""For so long there is traffic and, each time the scenario's length is over, its dangers: a demo left on shows something. [s]"""

MOST_CATCH_UP = 5
"""Steps made up for at once when the process was late; beyond that the world is told that it stood still."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CabinetServer(_Model):
    """How one simulated cabinet is reached."""

    protocol: Literal["gbt20999", "ntcip1202"] = Field(description="what it speaks")
    port: int = Field(ge=1, le=65535, description="TCP port (GB/T 20999) or UDP port (NTCIP 1202) on 127.0.0.1")


class WorldSettings(_Model):
    """The world process: section ``[world]`` of the site file."""

    scenario: str = Field("demo", description="scenario file, or name of a shipped scenario")
    seed: int | None = Field(None, ge=0, le=2**31 - 1, description="of everything random; none: the scenario's own")
    frame_rate_hz: float = Field(10.0, gt=0, le=10, description="pictures per second and camera [1/s]")
    frames: dict[str, str] = Field(default_factory=dict, description="ipc address by camera; none: no pictures")
    radar_host: str = Field("127.0.0.1", description="where the radars' datagrams go")
    radars: dict[str, int] = Field(default_factory=dict, description="UDP port by radar; none: no sweeps")
    detections: dict[str, str] = Field(default_factory=dict, description="ipc address of the scans by site")
    cabinets: dict[str, CabinetServer] = Field(default_factory=dict, description="servers by intersection")
    statistics_file: Path | None = Field(None, description="where the figures of the run are written at its end")


class WorldCore:
    """The world as the shell sees it; it holds SUMO, so it is no pure core, and its feeds send by themselves.

    Parameters
    ----------
    settings : WorldSettings
        Settings.
    """

    def __init__(self, settings: WorldSettings) -> None:
        self._settings = settings
        now_ns = SystemClock().now_ns() // STEP_NS * STEP_NS
        scenario = load_scenario(settings.scenario)
        self.world = World(scenario, settings.seed, start_ns=now_ns, warm_up=False, lasts_s=LASTS_S)
        # Backgrounds take a second or two: truth and scans shall not wait for them after a restart.
        self._preparing = threading.Thread(target=self.world.prepare_cameras, name="backgrounds", daemon=True)
        if settings.frames:
            self._preparing.start()
        self.cameras = {name: CameraFeed(name, endpoint) for name, endpoint in settings.frames.items()}
        self.radars = RadarFeed("radars", settings.radar_host, settings.radars) if settings.radars else None
        self.detections = {
            site: DetectionFeed(site, endpoint, now_ns)
            for site, endpoint in settings.detections.items()
            if site in DETECTION_SITES
        }
        self._is_warm = self._is_interrupted = self._has_shown = False
        self._is_told = True
        self._taken: dict[str, NDArray[np.uint8]] = {}
        self._steps = self._late_steps = self._never_drawn = 0
        self._stood_still_ns = self._ended_ns = 0
        self._frame_every = max(1, round(10.0 / settings.frame_rate_hz))

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Compute the next multiple of 0.1 s a little ahead; tell of it once it has come, pictures when a camera would have sent them."""
        world = self.world
        world.hear([one.value for one in inputs if one.topic == "advice"])
        if not self._is_warm:
            world.warm_up()
            self._is_warm = True
            return []
        outputs = self._show(now_ns)
        for due_ns in self._due(now_ns):
            self._advance(due_ns)
            outputs += self._show(now_ns)
        return outputs

    def _due(self, now_ns: int) -> list[int]:
        """Instants to compute now; one without pictures that was missed is told late, before the next with pictures."""
        near_ns, ahead_ns = ((now_ns + ahead) // STEP_NS * STEP_NS for ahead in (AHEAD_WITHOUT_PICTURES_NS, AHEAD_NS))
        if not self._has_pictures(ahead_ns):
            return [near_ns]
        return [ahead_ns] if self._has_pictures(near_ns) else [near_ns, ahead_ns]

    def _has_pictures(self, instant_ns: int) -> bool:
        return bool(self.cameras) and (instant_ns // STEP_NS) % self._frame_every == 0

    def _show(self, now_ns: int) -> list[Output]:
        """What is due by now of the instant that was computed last."""
        outputs: list[Output] = []
        if not self._is_told and now_ns >= self.world.now_ns:
            self._is_told = True
            outputs = self._tell(self.world.now_ns)
        if self._taken and now_ns >= self.world.now_ns + CAMERA_LATENCY_NS:
            for name, picture in self._taken.items():
                self.cameras[name].offer(picture, self.world.now_ns, self.world.stamp_ns(name))
            self._taken, self._has_shown = {}, True
        return outputs

    def _advance(self, due_ns: int) -> None:
        """Compute the world of this instant, if it is not there yet."""
        world = self.world
        if self._steps == 0 and world.now_ns < due_ns - STEP_NS:  # the time that starting took is nobody's loss
            world.skip(due_ns - STEP_NS)
        behind = (due_ns - world.now_ns) // STEP_NS
        if behind <= 0:
            return
        if self._has_shown:  # before its first picture a camera does not run
            every_ns = STEP_NS * self._frame_every
            self._never_drawn += len(self.cameras) * ((due_ns - 1) // every_ns - world.now_ns // every_ns)
        if behind > MOST_CATCH_UP:
            self._stood_still_ns += (behind - 1) * STEP_NS
            world.skip(due_ns - STEP_NS)
            behind = 1
        self._late_steps += behind - 1
        for _ in range(behind):
            world.step()
            self._steps += 1
        self._is_told = False
        if self._has_pictures(due_ns) and not self._preparing.is_alive():
            self._taken = {name: picture for name in self.cameras if (picture := world.picture(name)) is not None}
        _ = world.views  # who is visible to whom: computed once for this instant, here rather than when it is due

    def _tell(self, due_ns: int) -> list[Output]:
        world = self.world
        if self.radars is not None:
            for scan in world.radar_scans():
                self.radars.offer(scan)
        for site, scans in self.detections.items():
            for one in world.detections(site):
                scans.offer(one, due_ns)
        outputs = [Output("truth", world.truth(), due_ns)]
        outputs += [Output("vehicle", report, due_ns) for report in world.vehicle_reports()]
        return outputs

    def snapshot(self) -> bytes:
        """The whole world."""
        return self.world.snapshot() if self._is_warm else b""

    def restore(self, snapshot: bytes) -> None:
        """Go on from the last snapshot; the figures of the run are marked interrupted."""
        if not snapshot:
            return
        self.world.restore(snapshot)
        self._is_warm = self._is_interrupted = self._is_told = True

    def figures(self) -> dict[str, float]:
        """Figures for the health report."""
        return {
            "elapsed_s": self.world.elapsed_s,
            "road_users": float(len(self.world.users)),
            "late_steps": float(self._late_steps),
            "stood_still_s": self._stood_still_ns / 1e9,
            "unsent_frames": float(sum(feed.unsent for feed in self.cameras.values()) + self._never_drawn),
            "interrupted": float(self._is_interrupted),
        }

    def finish(self) -> dict[str, Any]:
        """End the world; figures of the run."""
        seconds = self._steps / 10
        wall_s = seconds + self._stood_still_ns / 1e9
        missed = list(self.world.missed_dangers)
        return {
            **asdict(self.world.close()),
            "seconds": seconds,
            "real_time_factor": seconds / wall_s if wall_s else None,
            "late_steps": self._late_steps,
            "is_interrupted": self._is_interrupted,
            "missed_dangers": missed,
        }


_cores: dict[int, WorldCore] = {}


def make_core(settings: WorldSettings) -> WorldCore:
    """The core; one per process and settings, since the devices hold parts of the same world."""
    if id(settings) not in _cores:
        _cores[id(settings)] = WorldCore(settings)
    return _cores[id(settings)]


def make_devices(settings: WorldSettings) -> Sequence[Device]:
    """Feeds, servers and the ending."""
    core = make_core(settings)
    servers = [_server(one.protocol, core.world.cabinets[name], one.port) for name, one in settings.cabinets.items()]
    devices: list[Device] = [*core.cameras.values(), *core.detections.values(), CabinetServers(servers)]
    if core.radars is not None:
        devices.append(core.radars)
    return [*devices, Ending(core.finish, settings.statistics_file)]


def _server(protocol: str, cabinet: Any, port: int) -> Any:
    if protocol == "gbt20999":
        from lukou_sim.cabinet.gbt20999_server import Gbt20999Server

        return Gbt20999Server(cabinet, port)
    from lukou_sim.cabinet.ntcip1202_agent import Ntcip1202Agent

    return Ntcip1202Agent(cabinet, port)


SPEC = ProcessSpec(
    name="world",
    takes=("advice",),
    gives=("truth", "vehicle"),
    trigger=Trigger(period_s=TICK_S),
    settings=WorldSettings,
    make_core=make_core,
    make_devices=make_devices,
)
"""Specification of process ``world``."""
