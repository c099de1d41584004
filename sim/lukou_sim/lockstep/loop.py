"""The whole loop in lockstep: world, perception, signal, edge, region and centre around one manual clock.

Every process runs in the very shell that runs it live; only clock, transport and devices differ. Where the road users come from
is chosen: ``truth`` (the simulation's own, for timing alone), ``sensors`` (sensor models, tracking, edge), or ``none``: nobody sees.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lukou_maps.matching import LaneMatcher
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import save
from lukou_messages.clock import ManualClock
from lukou_messages.codec import decode, encode
from lukou_messages.columns import MAX_OBJECTS, NOT_ONE
from lukou_messages.headers import make_header
from lukou_messages.objects import ObjectList
from lukou_messages.process import Device, Input, Output
from lukou_messages.shell import RunSettings, Shell
from lukou_messages.site import load_spec
from lukou_messages.transport.inprocess import Exchange, InProcessTransport
from lukou_messages.v1.advice_pb2 import SpeedAdvice
from lukou_messages.v1.signal_pb2 import SignalState
from lukou_sim.district import FOLDER
from lukou_sim.world.delay import DelayStatistics
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.scenario import Scenario
from lukou_sim.world.world import World

Source = Literal["truth", "sensors", "none"]
NET = FOLDER / "district.net.xml"
CLOCKS = ("host", "clock")
"""Devices that tell how good the box's own clock is: it has no place here."""

SIMULATED = RunSettings(time_source="SIMULATION", time_uncertainty_us=0)


@dataclass(slots=True)
class _Injected:
    """A device that gives what the loop puts into it."""

    name: str
    inputs: list[Input] = field(default_factory=list)

    def poll(self, now_ns: int) -> Sequence[Input]:
        taken, self.inputs = self.inputs, []
        return taken

    def send(self, outputs: Sequence[Output]) -> None:
        return None

    def close(self) -> None:
        return None


class Lockstep:
    """A scenario with the whole stack in one process.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    source : {"truth", "sensors", "none"}
        Where the object lists come from.
    controls : bool
        Whether the region may command the signals; otherwise the cabinets keep their local plan.
    region : dict, optional
        Further settings of the region.
    lasts_s : float, optional
        For so long there is traffic; the scenario's length by default. [s]
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        source: Source = "truth",
        controls: bool = True,
        region: dict[str, Any] | None = None,
        lasts_s: float | None = None,
    ) -> None:
        self.world = World(scenario, seed, sensors=source == "sensors", lasts_s=lasts_s)
        self._is_advised, self._has_detectors = scenario.drivers_follow_advice, scenario.detectors
        self.source = source
        self.clock = ManualClock(self.world.now_ns)
        self.exchange = Exchange()
        self.shells: dict[str, Shell] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="lukou-lockstep-")
        self.configurations = {name: self._written(name) for name in self.world.cabinets}
        self._ear = self.exchange.attach("ear", ["signal", "event", "command_reply", "warning_log", "advice"])
        self.signals: dict[str, SignalState] = {}
        self.events: list[Any] = []
        self.replies: list[Any] = []
        self.warnings: list[Any] = []
        if source == "sensors":
            self._add_roadside()
        elif source == "truth":
            topic = "objects" if self._is_advised else "fused_objects"  # what the edge sees, or instead of the edge
            self._truth = TruthAsObjects(self.exchange, self.world.now_ns, topic)
        self._add_signals()
        self._reports, self._report_number = self.exchange.attach("world", []), 0
        if source == "sensors" or self._is_advised:
            self._add("edge", "district/edge", {"map": str(NET), "configurations": list(self.configurations.values())})
        self._add(
            "region",
            "district/region",
            {
                "map": str(NET),
                "configurations": list(self.configurations.values()),
                "controls": controls,
                **(region or {}),
            },
        )

    def _written(self, name: str) -> str:
        """The configuration that the scenario has in force, as a file."""
        path = Path(self._folder.name) / f"{name}.signal.json"
        save(self.world.configurations[name], path)
        return str(path)

    def _add(
        self, process: str, identity: str, settings: dict[str, Any], devices: Iterable[Device] | None = None,
        sources: Iterable[str] | None = None,
    ) -> Shell:  # fmt: skip
        spec = load_spec(process)
        model = spec.settings.model_validate(settings)
        found = list(spec.make_devices(model)) if devices is None else list(devices)
        shell = Shell(
            spec,
            spec.make_core(model),
            [device for device in found if device.name not in CLOCKS],
            identity=identity,
            clock=self.clock,
            transport=self.exchange.attach(identity, spec.takes, sources),
            settings=SIMULATED,
        )
        self.shells[identity] = shell
        return shell

    def _add_signals(self) -> None:
        for name, cabinet in self.world.cabinets.items():
            settings = {
                "configuration": self.configurations[name],
                "mode": "automatic",
                "driver": "direct",
                "driver_options": {"cabinet": cabinet},
                "detected_groups": [group.name for group in cabinet.configuration.groups]
                if self._has_detectors
                else [],
            }
            self._add("signal", f"{name}/signal", settings)

    def _add_roadside(self) -> None:
        self._scans: dict[str, InProcessTransport] = {}
        self._scan_number = 0
        for name in self.world.cabinets:
            if name == "k1":
                continue  # its cameras need pictures: lockstep leaves them to the demo
            self._scans[name] = self.exchange.attach(f"{name}/sensors", [])
            sensors = [scan.sensor for scan in self.world.detections(name)]
            self._add(
                "perception", f"{name}/perception", {"site": name, "map": str(NET), "sensors": sensors},
                sources=[f"{name}/sensors"],
            )  # fmt: skip

    def step(self) -> None:
        """One tenth of a second of the whole district."""
        self.world.step()
        self.clock.set(self.world.now_ns)
        if self.source == "truth":
            self._truth.publish(self.world)
        elif self.source == "sensors":
            self._publish_scans()
        if self._is_advised:
            self._publish_reports()
        for shell in self.shells.values():
            shell.turn()
        self._listen()

    def _publish_scans(self) -> None:
        now_ns = self.world.now_ns
        for name, transport in self._scans.items():
            for scan in self.world.detections(name):
                self._scan_number += 1
                output = Output("detections", scan, now_ns)
                header = make_header(f"{name}/sensors", self.world.start_ns, self._scan_number, output, now_ns)
                transport.send("detections", encode("detections", header, scan))

    def _publish_reports(self) -> None:
        """Reports of the connected vehicles, whose drivers follow what they are advised."""
        now_ns = self.world.now_ns
        for report in self.world.vehicle_reports():
            self._report_number += 1
            output = Output("vehicle", report, now_ns)
            header = make_header("world", self.world.start_ns, self._report_number, output, now_ns)
            self._reports.send("vehicle", encode("vehicle", header, report))

    def _listen(self) -> None:
        advice: list[SpeedAdvice] = []
        for packet in self._ear.receive(0):
            value = decode(packet.topic, packet.payload).value
            if packet.topic == "signal":
                self.signals[value.intersection] = value
            elif packet.topic == "advice":
                advice.append(value)
            elif packet.topic == "event":
                self.events.append(value)
            elif packet.topic == "command_reply":
                self.replies.append(value)
            else:
                self.warnings.append(value)
        self.world.hear(advice)

    def run(self, seconds: float, tell: Callable[[float], None] | None = None) -> DelayStatistics:
        """Run the scenario for some seconds and close it."""
        steps = round(seconds * 10)
        for number in range(steps):
            self.step()
            if tell is not None and number % 50 == 0:
                tell(number / steps)
        statistics = self.world.close()
        self._folder.cleanup()
        return statistics


class TruthAsObjects:
    """Publishes the simulation's truth as a fused object list: what perfect perception would give."""

    EVERY_NS = {"fused_objects": 500_000_000, "objects": 200_000_000}
    """The region decides once a second: twice as often is enough; to an edge lists are stale after half a second."""

    def __init__(self, exchange: Exchange, start_ns: int, topic: str = "fused_objects") -> None:
        self._topic, self._source = topic, "district/edge" if topic == "fused_objects" else "district/truth"
        self._transport = exchange.attach(self._source, [])
        road = load_map(NET)
        self._matcher = LaneMatcher(road)
        self._names = road.lanes.names
        self._sequence = 0
        self._epoch = start_ns

    def publish(self, world: World) -> None:
        """Send the present road users."""
        if world.now_ns % self.EVERY_NS[self._topic]:
            return
        objects = self.objects(world.traffic.road_users())
        self._sequence += 1
        output = Output(self._topic, objects, world.now_ns)
        header = make_header(self._source, self._epoch, self._sequence, output, world.now_ns)
        self._transport.send(self._topic, encode(self._topic, header, objects))

    def objects(self, users: RoadUsers) -> ObjectList:
        """Road users of the simulation as an object list with lanes."""
        count = min(len(users), MAX_OBJECTS)
        rows = slice(0, count)
        match = self._matcher.match(users.x[rows], users.y[rows], users.yaw[rows], users.kind[rows])
        held, lane = np.unique(match.lane, return_inverse=True)
        names = [self._names[k] for k in held if k >= 0]
        lane = lane - int(bool(len(held)) and held[0] < 0)
        return ObjectList.of(
            count,
            lane_names=names,
            id=users.number[rows],
            object_class=users.kind[rows],
            x_m=users.x[rows],
            y_m=users.y[rows],
            velocity_x_mps=users.speed[rows] * np.cos(users.yaw[rows]),
            velocity_y_mps=users.speed[rows] * np.sin(users.yaw[rows]),
            lane=np.where(match.lane < 0, NOT_ONE, lane).astype(np.uint32),
            lane_s_m=match.s_m,
        )
