"""Speed advice for green in simulated traffic: connected vehicles that follow it stop less often than the same ones that do not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lukou_cloud.edge.lights import no_lights
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.scene import Surroundings, Told
from lukou_cloud.edge.service_settings import AdviceSettings
from lukou_cloud.edge.speed_advice import SpeedAdvisor
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import save
from lukou_messages.clock import ManualClock
from lukou_messages.codec import decode
from lukou_messages.shell import RunSettings, Shell
from lukou_messages.site import load_spec
from lukou_messages.transport.inprocess import Exchange
from lukou_messages.v1.advice_pb2 import AdviceAction
from lukou_messages.v1.vehicle_pb2 import VehicleReport
from lukou_sim.district import FOLDER
from lukou_sim.sensors.connected import is_connected, reports
from lukou_sim.world.road_users import RoadUsers as SimulatedUsers
from lukou_sim.world.scenario import Scenario
from lukou_sim.world.world import World

SHARE = 0.3
MOST_MPS = 13.9
"""The highest limit in the district. [m/s]"""

LEARNING_S, MEASURED_S = 200.0, 180.0
"""The plan's cycles are learned for a while, then stops are counted."""


class Ride:
    """The district on its local plans: signal processes tell SPaT, connected vehicles report themselves and are advised."""

    def __init__(self, folder: Path, follows: bool, seed: int) -> None:
        scenario = Scenario(
            name="advice", demand_scale=0.4, connected_share=SHARE, drivers_follow_advice=follows, warm_up_s=60.0
        )
        self.world = World(scenario, seed, sensors=False)
        self.clock, exchange = ManualClock(self.world.now_ns), Exchange()
        self.ear = exchange.attach("ear", ["signal"])
        self.shells: list[Shell] = []
        for name, cabinet in (
            self.world.cabinets.items() if follows else ()
        ):  # the cabinets keep their plans without, too
            path = folder / f"{name}.json"
            save(self.world.configurations[name], path)
            self._add(name, str(path), cabinet, exchange)
        surroundings = Surroundings(load_map(FOLDER / "district.net.xml"))
        self.advisor = SpeedAdvisor(surroundings, AdviceSettings(), self.world.configurations.values())
        self.surroundings, self.follows = surroundings, follows
        self.states: dict[str, Any] = {}
        self.told: dict[int, Told] = {}
        self.actions: Counter[int] = Counter()
        self._slow: dict[str, bool] = {}
        self.stops: Counter[str] = Counter()
        self.metres: Counter[str] = Counter()

    def _add(self, name: str, configuration: str, cabinet: Any, exchange: Exchange) -> None:
        spec = load_spec("signal")
        options = {"mode": "observe", "driver": "direct", "driver_options": {"cabinet": cabinet}}
        settings = spec.settings.model_validate({"configuration": configuration, **options})
        devices = [device for device in spec.make_devices(settings) if device.name != "host"]
        transport, identity = exchange.attach(f"{name}/signal", spec.takes), f"{name}/signal"
        run = RunSettings(time_source="SIMULATION", time_uncertainty_us=0)
        shell = Shell(
            spec,
            spec.make_core(settings),
            devices,
            identity=identity,
            clock=self.clock,
            transport=transport,
            settings=run,
        )
        self.shells.append(shell)

    def step(self, counts: bool) -> None:
        self.world.step()
        now_ns = self.world.now_ns
        self.clock.set(now_ns)
        for shell in self.shells:
            shell.turn()
        for packet in self.ear.receive(0):
            state = decode(packet.topic, packet.payload).value
            self.states[state.intersection] = state
            self.advisor.closed.take(now_ns, state)
        if now_ns % 200_000_000:
            return
        users = self.world.users if self.follows else self.world.traffic.road_users()
        self.world.users = users
        if counts:
            self._count(users)
        if self.follows and now_ns % 10**9 == 0:
            self._advise(now_ns, users)

    def _count(self, users: SimulatedUsers) -> None:
        for name, kind, speed in zip(users.names, users.kind.tolist(), users.speed.tolist(), strict=True):
            if kind not in (1, 2, 3) or not is_connected(name, SHARE, self.world.seed):
                continue
            self.metres[name] += 0.2 * speed
            was_slow = self._slow.get(name, speed < 0.3)
            self.stops[name] += speed < 0.3 and not was_slow
            self._slow[name] = speed < 0.3 or (was_slow and speed < 2.0)

    def _advise(self, now_ns: int, users: SimulatedUsers) -> None:
        for report in self._reports(now_ns):
            place = report.x_m, report.y_m, report.yaw_rad, report.speed_mps, report.length_m
            numbers = report.temporary_id, report.object_class, int(report.role), int(report.intention)
            self.told[report.temporary_id] = Told(now_ns, *numbers, *place)
        self.told = {k: one for k, one in self.told.items() if now_ns - one.at_ns < 10**9}
        light = no_lights(self.surroundings.model).light
        scene = self.surroundings.scene(now_ns, seen(users), light, list(self.told.values()))
        advice = self.advisor.step(scene, self.states)
        for one in advice:
            self.actions[one.action] += 1
            assert one.speed_mps <= MOST_MPS
        self.world.hear(advice)

    def _reports(self, now_ns: int) -> list[VehicleReport]:
        """What all connected vehicles tell at their steps within half a second, at once."""
        users, seed = self.world.users, self.world.seed
        return [one for k in range(5) for one in reports(users, SHARE, seed, now_ns + k * 100_000_000)]

    def run(self) -> float:
        """Stops per kilometre of the connected vehicles."""
        for _ in range(round(LEARNING_S * 10)):
            self.step(counts=False)
        for _ in range(round(MEASURED_S * 10)):
            self.step(counts=True)
        self.world.close()
        return sum(self.stops.values()) / (sum(self.metres.values()) / 1000.0)


def seen(users: SimulatedUsers) -> RoadUsers:
    """The simulation's road users as the edge takes them."""
    count = len(users)
    return RoadUsers(
        id=users.number,
        object_class=users.kind,
        x_m=users.x,
        y_m=users.y,
        heading_rad=users.yaw,
        speed_mps=users.speed,
        acceleration_mps2=users.acceleration,
        length_m=users.length,
        width_m=users.width,
        deviation_m=np.full(count, 0.2),
        speed_deviation_mps=np.full(count, 0.2),
        is_trusted=np.ones(count, np.bool_),
    )


@pytest.mark.slow
def test_who_follows_the_advice_stops_less_often(tmp_path: Path) -> None:
    usual = Ride(tmp_path, follows=False, seed=3)
    before = usual.run()
    advised = Ride(tmp_path, follows=True, seed=3)  # one simulation per process: one after the other
    after = advised.run()
    assert advised.actions[AdviceAction.ADVICE_ACTION_SLOW] > 50
    assert advised.actions[AdviceAction.ADVICE_ACTION_KEEP] > 50
    assert sum(advised.metres.values()) > 0.9 * sum(usual.metres.values())  # not bought with standing or crawling
    assert after < 0.85 * before, f"{before:.2f} stops per km without, {after:.2f} with advice"
