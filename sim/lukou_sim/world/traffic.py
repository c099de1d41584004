"""SUMO through libsumo: start, step, poses, signals, snapshots. libsumo is one per process, so is `Traffic`."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libsumo
import numpy as np

from lukou_sim.district import NET
from lukou_sim.district.demand import load_demand, routes_xml
from lukou_sim.world.road_users import SHAPES, RoadUsers
from lukou_sim.world.scenario import Scenario

STEP_S = 0.1


FASTEST_PERSON_MPS = 8.0
"""Nobody runs faster. [m/s]"""


class Traffic:
    """The moving part of the world.

    Parameters
    ----------
    scenario : Scenario
        Demand and warm-up.
    seed : int
        Of demand and drivers.
    further_s : float
        For so long there is traffic after the scenario's length. [s]
    """

    def __init__(self, scenario: Scenario, seed: int, further_s: float = 0.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="lukou-world-")
        folder = Path(self._folder.name)
        self.tripinfo = folder / "tripinfo.xml"
        end_s = scenario.warm_up_s + scenario.duration_s
        start_hour = (scenario.start_hour - scenario.warm_up_s / 3600) % 24
        routes = routes_xml(
            load_demand(),
            seed=seed,
            start_hour=start_hour,
            duration_s=end_s,
            scale=scenario.demand_scale,
            further_s=further_s,
        )
        (folder / "routes.rou.xml").write_text(routes)
        self.scheduled_s = {
            each.attrib["id"]: float(each.attrib["depart"]) for each in ElementTree.fromstring(routes).iter("vehicle")
        }
        self._types: dict[str, tuple[int, int, float, float, float]] = {}
        self._of_vehicle: dict[str, tuple[int, int, float, float, float]] = {}
        self._number: dict[str, int] = {}
        self._program: dict[str, str] = {}
        self.edge_of: dict[str, str] = {}
        libsumo.start(self._arguments(folder, seed))
        self.is_open = True

    def _arguments(self, folder: Path, seed: int) -> list[str]:
        return [
            *("sumo", "-n", str(NET), "-r", str(folder / "routes.rou.xml"), "--step-length", str(STEP_S)),
            *("--seed", str(seed), "--time-to-teleport", "-1", "--no-step-log", "true", "--no-warnings", "true"),
            *("--collision.action", "none", "--pedestrian.model", "striping", "--xml-validation", "never"),
            *("--tripinfo-output", str(self.tripinfo), "--tripinfo-output.write-unfinished", "true"),
            *("--tripinfo-output.write-undeparted", "true", "--save-state.transportables", "true"),
            *("--save-state.rng", "true", "--duration-log.disable", "true", "--default.speeddev", "0.1"),
        ]

    @property
    def time_s(self) -> float:
        """SUMO's time. [s]"""
        return float(libsumo.simulation.getTime())

    def step(self, link_states: dict[str, str]) -> None:
        """Show signals, advance 0.1 s.

        Parameters
        ----------
        link_states : mapping of str to str
            SUMO letters by link index, per intersection.
        """
        for name, letters in link_states.items():
            if self._program.get(name) != letters:
                libsumo.trafficlight.setRedYellowGreenState(name, letters)
                self._program[name] = letters
        libsumo.simulationStep()

    def road_users(self) -> RoadUsers:
        """Poses of all by direct getters."""
        vehicle, person = libsumo.vehicle, libsumo.person
        names = (*vehicle.getIDList(), *person.getIDList())
        vehicles = len(vehicle.getIDList())
        rows = np.empty((len(names), 5))
        facts = np.empty((len(names), 6))
        for k, name in enumerate(names):
            api: Any = vehicle if k < vehicles else person
            x, y = api.getPosition(name)
            rows[k] = x, y, api.getAngle(name), api.getSpeed(name), api.getAcceleration(name) if k < vehicles else 0.0
            fact = self._of_vehicle.get(name)
            if fact is None:
                fact = self._of_vehicle[name] = self._type(api.getTypeID(name))
            facts[k, :5] = fact
            facts[k, 5] = self._number.setdefault(name, len(self._number) + 1)
        # A person that the simulation has been told to put elsewhere has the whole jump for its speed, for one step.
        rows[vehicles:, 3] = np.where(rows[vehicles:, 3] > FASTEST_PERSON_MPS, 0.0, rows[vehicles:, 3])
        yaw = np.radians(90.0 - rows[:, 2])
        yaw = (yaw + math.pi) % (2 * math.pi) - math.pi
        x, y, length = rows[:, 0].copy(), rows[:, 1].copy(), facts[:, 2]
        # SUMO tells the middle of a vehicle's front, and the centre of a person.
        x[:vehicles] -= np.cos(yaw[:vehicles]) * length[:vehicles] / 2
        y[:vehicles] -= np.sin(yaw[:vehicles]) * length[:vehicles] / 2
        return RoadUsers(
            names,
            facts[:, 5].astype(np.int64),
            facts[:, 0].astype(np.int64),
            facts[:, 1].astype(np.int64),
            x,
            y,
            yaw,
            rows[:, 3],
            rows[:, 4],
            length,
            facts[:, 3],
            facts[:, 4],
        )

    def _type(self, name: str) -> tuple[int, int, float, float, float]:
        base = name.split("@")[0]
        if base not in self._types:
            shape, kind = SHAPES[base.split("_")[0]]
            api = libsumo.vehicletype
            self._types[base] = (int(shape), int(kind), api.getLength(name), api.getWidth(name), api.getHeight(name))
        return self._types[base]

    def save(self) -> bytes:
        """SUMO's state with people and random numbers."""
        file = Path(self._folder.name) / "state.xml"
        libsumo.simulation.saveState(str(file))
        return file.read_bytes()

    def load(self, state: bytes) -> None:
        """Continue from a state."""
        file = Path(self._folder.name) / "restored.xml"
        file.write_bytes(state)
        libsumo.simulation.loadState(str(file))
        self._program.clear()

    def numbers(self) -> dict[str, int]:
        """Identity by name, for a snapshot."""
        return dict(self._number)

    def set_numbers(self, numbers: dict[str, int]) -> None:
        """Identities of a snapshot."""
        self._number = dict(numbers)

    def close(self) -> None:
        """End SUMO, which then writes its trip file; call `forget` when that has been read."""
        if self.is_open:
            libsumo.close()
            self.is_open = False

    def forget(self) -> None:
        """Remove the files."""
        self._folder.cleanup()
