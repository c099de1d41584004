"""``lukou bench signals``: a signal controller on any SUMO scenario folder, the guard in the loop, delay over all scheduled vehicles."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libsumo

from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_maps.signal_configuration import SignalConfiguration, load, save
from lukou_maps.sumo import intersection_name
from lukou_messages.errors import SettingsError
from lukou_messages.process import VALID, Input, Output
from lukou_messages.site import load_spec
from lukou_messages.v1.command_pb2 import Command
from lukou_sim.bench.programmes import research_configuration, told
from lukou_sim.bench.scenario_folder import ScenarioFolder
from lukou_sim.bench.seen import View
from lukou_sim.bench.service import Service
from lukou_sim.bench.signal_baselines import Baseline, make_baseline
from lukou_sim.bench.stops import EmergencyStops
from lukou_sim.bench.unsure import Sight
from lukou_sim.cabinet.core import Cabinet
from lukou_sim.cabinet.direct import reading_of
from lukou_sim.sites.persons import mean_delay, trips

START_NS = 1_767_225_600 * 10**9
SECOND_NS = 10**9
TIMING: dict[str, float] = {
    "horizon_s": 60,
    "startup_s": 2.0,
    "stop_s": 2.0,
    "switch_cost": 2.0,
    "bus_weight": 1.0,
    "bicycle_weight": 1.0,
}
"""Stages of research programmes are shorter than a city's: the search need not look as far; and every vehicle counts the same."""
GRIDLOCK_S = 300


@dataclass(frozen=True)
class Options:
    """What ``lukou bench signals`` may be asked.

    Attributes
    ----------
    controller : str
        ``lukou``, ``plan``, ``actuated``, ``max-pressure`` or ``greedy``.
    seed : int
    penetration : float
        Share of vehicles that are visible, each for its whole trip.
    scale : float
        Factor on the demand.
    all_red_s : float
        After every yellow. [s]
    interval_s : int
        Between decisions. [s]
    range_m : float
        Along the lanes before the stop line, and behind it. [m]
    commit_s : float or None
        Lukou tells the end of a green so long before, and does not move it; None: as the configuration demands. [s]
    tripinfo : Path or None
        Where SUMO's trip file is kept.
    cabinet : str
        What the cabinets take under lukou: ``stages`` or ``plans``.
    sight : Sight or None
        Noise of places and speeds, and share of vehicles that are not there; None: neither.
    """

    controller: str = "lukou"
    seed: int = 1
    penetration: float = 1.0
    scale: float = 1.0
    all_red_s: float = 0.0
    interval_s: int = 1
    range_m: float = 200.0
    commit_s: float | None = None
    tripinfo: Path | None = None
    cabinet: str = "stages"
    sight: Sight | None = None


@dataclass
class Place:
    """One intersection with cabinet and guard; `signal_id` is SUMO's."""

    signal_id: str
    configuration: SignalConfiguration
    cabinet: Cabinet
    guard: Any
    waiting: list[Input] = field(default_factory=list)
    signal: Any = None
    signal_ns: int = 0
    letters: str = ""
    is_asked: bool = False


class Run:
    """One run of one scenario.

    Parameters
    ----------
    folder : ScenarioFolder
    options : Options
    """

    def __init__(self, folder: ScenarioFolder, options: Options) -> None:
        self.folder, self.options = folder, options
        self._temporary = tempfile.TemporaryDirectory(prefix="lukou-bench-")
        self.tripinfo = options.tripinfo or Path(self._temporary.name) / "tripinfo.xml"
        self.road: RoadModel = load_map(folder.net)
        self.refusals: Counter[str] = Counter()
        self.plans: set[tuple[Any, ...]] = set()  # handed to cabinets that take plans
        self.decision_ms: list[float] = []
        self.collisions = 0
        self.stops = EmergencyStops()
        self.gridlock = False
        self.lawful = {each.intersection: each for each in map(load, folder.signals)}
        self.service: Service | None = None
        self._classes: dict[str, str] = {}

    def run(self) -> dict[str, Any]:
        """Simulate and measure."""
        options = self.options
        by_sumo = options.controller == "actuated" and not self.lawful
        extra = [] if not by_sumo else self.folder.actuated(Path(self._temporary.name))
        libsumo.start(self.folder.arguments(self.tripinfo, options.seed, options.scale, extra))
        try:
            self._prepare()
            last_left = begin = int(libsumo.simulation.getTime())
            second = begin
            while second < self.folder.end_s and (self.folder.has_end or libsumo.simulation.getMinExpectedNumber() > 0):
                self._second((second - begin) * SECOND_NS + START_NS)
                libsumo.simulationStep(second + 1.0)
                second += 1
                if libsumo.simulation.getArrivedNumber():
                    last_left = second
                elif second - last_left >= GRIDLOCK_S and libsumo.vehicle.getIDCount():
                    self.gridlock |= self._all_wait()
                self._watch(second)
            self._classes = {
                name: libsumo.vehicletype.getVehicleClass(name) for name in libsumo.vehicletype.getIDList()
            }
        finally:
            libsumo.close()
        return self._figures(second)

    # ---- set-up

    def _prepare(self) -> None:
        self.places: dict[str, Place] = {}
        self.region: Any = None
        self.baseline: Baseline | None = None
        if self.options.controller in ("plan", "actuated") and not self.lawful:
            return  # SUMO does it
        files: list[str] = []
        takes = self.options.cabinet if self.options.controller == "lukou" else "stages"
        for signal_id in sorted(libsumo.trafficlight.getIDList()):
            configuration = self._configuration(signal_id)
            if configuration is None or len(configuration.stages) < 2:
                continue
            path = Path(self._temporary.name) / f"{len(files)}.signal.json"
            save(configuration, path)
            files.append(str(path))
            spec = load_spec("signal")
            settings = {
                "configuration": str(path), "mode": "automatic", "driver": "direct", "accepts_research": True,
                "latency_s": 0.1, "takes": takes,
            }  # fmt: skip
            guard = spec.make_core(spec.settings.model_validate(settings))
            self.places[configuration.intersection] = Place(
                signal_id, configuration, Cabinet(configuration, START_NS, takes == "plans"), guard
            )
        options = self.options
        self._view = View(
            self.road, options.penetration, options.sight, options.range_m, options.seed, bool(self.lawful)
        )
        if self.lawful:
            missing = set(self.lawful) - set(self.places)
            if missing:
                raise SettingsError([f"{', '.join(sorted(missing))}: a configuration, but no signal in the net"])
            self.service = Service([place.signal_id for place in self.places.values()], self.folder.periods)
        if self.options.controller == "lukou":
            spec = load_spec("region")
            timing = {"interval_s": options.interval_s, "view_m": options.range_m, "commit_s": options.commit_s}
            timing = timing if self.lawful else {**TIMING, **timing}
            settings = {"map": str(self.folder.net), "configurations": files, "lease_s": 15.0, "timing": timing}
            self.region = spec.make_core(spec.settings.model_validate(settings))
        elif self.options.controller != "plan":
            self.baseline = make_baseline(self.options.controller, self.road, self.options.commit_s)

    def _configuration(self, signal_id: str) -> SignalConfiguration | None:
        """The folder's, or from the programme that runs."""
        if self.lawful:
            return self.lawful.get(intersection_name(signal_id))
        return research_configuration(signal_id, self.options.all_red_s)

    # ---- one second

    def _second(self, now_ns: int) -> None:
        if not self.places:
            return
        for place in self.places.values():
            place.cabinet.step(now_ns - SECOND_NS // 2)
            if place.is_asked:
                place.cabinet.feed()  # the guard, stepped once a second here, repeats its request ten times a second
            place.cabinet.step(now_ns)
            self._guard(place, now_ns, [])
            if self.service is not None and place.signal is not None:
                second = (now_ns - START_NS) / 1e9
                self.service.hear(second, place.signal_ns, place.signal, place.cabinet.states())
        inputs = [Input("signal", f"{n}/signal", 1, 1, now_ns, p.signal, VALID) for n, p in self.places.items()]
        if self.region is not None:
            inputs += self._view.told(now_ns)
            began = time.process_time()
            outputs = self.region.step(now_ns, inputs)
            self.decision_ms.append((time.process_time() - began) * 1e3 / max(1, len(self.places)))
            for output in outputs:
                if output.topic == "command":
                    self._command(output.value, now_ns)
        elif self.baseline is not None and (now_ns - START_NS) // SECOND_NS % self._interval() == 0:
            for name, place in self.places.items():
                began = time.process_time()
                command = self.baseline.command(name, place.configuration, place.signal, now_ns)
                self.decision_ms.append((time.process_time() - began) * 1e3)
                if command is not None:
                    self._command(command, now_ns)
        for place in self.places.values():
            place.cabinet.step(now_ns + SECOND_NS // 10)  # what was ordered now begins now
            if (
                place.signal is not None and place.signal.in_transition
            ):  # and what ends now has ended, not a second later
                self._guard(place, now_ns + SECOND_NS // 10, [])
            self._show(place, now_ns)

    def _show(self, place: Place, now_ns: int) -> None:
        letters = place.cabinet.link_states(len(libsumo.trafficlight.getRedYellowGreenState(place.signal_id)))
        if letters != place.letters:
            self._note_changes(place.signal_id, place.letters, letters)
            libsumo.trafficlight.setRedYellowGreenState(place.signal_id, letters)
            place.letters = letters

    def _interval(self) -> int:
        return self.options.interval_s if self.options.interval_s > 1 or self.options.controller == "actuated" else 10

    def _command(self, command: Command, now_ns: int) -> None:
        place = self.places[command.device]
        self._guard(place, now_ns, [Input("command", "region", 1, command.command_sequence, now_ns, command, VALID)])
        self._guard(place, now_ns, [])

    def _guard(self, place: Place, now_ns: int, inputs: list[Input]) -> None:
        """One step of the signal process around its devices."""
        reading = reading_of(place.cabinet, "controller")
        device = Input("device/controller", "controller", 1, 1, now_ns, reading, VALID)
        waiting, place.waiting = place.waiting, []
        for output in place.guard.step(now_ns, [device, *waiting, *inputs]):
            self._follow(place, output)

    def _follow(self, place: Place, output: Output) -> None:
        if output.topic == "signal":
            place.signal, place.signal_ns = output.value, output.measured_at_ns
        elif output.topic == "command_reply" and output.value.reason:
            self.refusals[output.value.reason] += 1
        elif output.topic == "device/command_log":
            place.waiting.append(
                Input("device/command_log", "log", 1, 1, output.measured_at_ns, ("written", output.value[1]), VALID)
            )
        elif output.topic == "device/controller":
            if output.value[0] == "request":
                place.is_asked = place.cabinet.request(output.value[1])
            elif output.value[0] == "plan":
                place.is_asked = place.cabinet.request_plan(*output.value[1:])
                self.plans.add((place.signal_id, *output.value[1:]))
            else:
                place.is_asked = False
                place.cabinet.release()

    # ---- what is measured

    def _note_changes(self, name: str, before: str, after: str) -> None:
        if not before:
            return
        lanes = libsumo.trafficlight.getControlledLanes(name)
        for k, (old, new) in enumerate(zip(before, after, strict=True)):
            if old in "Gg" and new in "yr" and k < len(lanes):
                self.stops.end(lanes[k], int(libsumo.simulation.getTime()))

    def _watch(self, second: int) -> None:
        self.collisions += libsumo.simulation.getCollidingVehiclesNumber()
        vehicle = libsumo.vehicle
        self.stops.step(
            second, {name: (vehicle.getLaneID(name), vehicle.getSpeed(name)) for name in vehicle.getIDList()}
        )
        if self.service is not None:
            self.service.step(second - self.folder.begin_s, {p.signal_id: p.letters for p in self.places.values()})

    def _all_wait(self) -> bool:
        return any(speed < 0.1 for speed in self.stops.speeds_mps.values())

    def _figures(self, end_s: float) -> dict[str, Any]:
        figures = self.folder.statistics(self.tripinfo, end_s)
        spent = sorted(self.decision_ms) or [0.0]
        return {
            "scenario": self.folder.path.name,
            "controller": self.options.controller,
            **figures,
            **self._persons(),
            "gridlock": self.gridlock,
            "collisions": self.collisions,
            "emergency_stops": self.stops.count,
            "decision_ms": {f"p{p}": spent[min(len(spent) - 1, len(spent) * p // 100)] for p in (50, 95, 99)},
            "guard_refusals": dict(self.refusals),
            "plans_handed_over": len(self.plans),
            "guard_configuration": {name: told(place.configuration) for name, place in self.places.items()},
        }

    def _persons(self) -> dict[str, Any]:
        """Delay of people by part of the day, and the level of service; only where the cabinets are lawful."""
        if self.service is None:
            return {}
        found = list(trips(self.tripinfo, self._classes, self.folder.end_s))
        delays = {"day": mean_delay(iter(found))}
        for part in self.folder.periods:
            delays[part["name"]] = mean_delay(iter(found), part["begin_s"], part["end_s"])
        return {"person_delay": delays, **self.service.figures()}
