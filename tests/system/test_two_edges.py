"""Two edges and their region over ZeroMQ: shells, keys and sockets as they ship, on one clock, in one process."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lukou_maps.geometry import LaneGeometry
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind
from lukou_messages.clock import SystemClock
from lukou_messages.codec import decode, encode
from lukou_messages.headers import make_header
from lukou_messages.objects import ObjectList
from lukou_messages.process import DEGRADED, VALID, Output
from lukou_messages.security import Device, KeyPair, Register, save_register
from lukou_messages.shell import Shell
from lukou_messages.site import load_spec
from lukou_messages.transport.settings import Intake, LinkSettings, Uplink
from lukou_messages.transport.zeromq import ZeroMqTransport
from lukou_messages.v1.objects_pb2 import PerceivedArea

NET = Path(__file__).parents[2] / "sim/lukou_sim/district/district.net.xml"
ROAD = load_map(NET)
SPEED_MPS, TENTH = 12.0, 100_000_000
UNITS = {"n1/perception": ("north/edge",), "b1/perception": ("north/edge", "south/edge"), "s1/perception": ("south/edge",)}  # fmt: skip
STANDING = {"n1/perception": -400.0, "b1/perception": 0.0, "s1/perception": 400.0}
"""Where each unit sees somebody stand who is not on the street. [m]"""

SIGHT_M = {"n1/perception": (0.0, 40.0), "s1/perception": (76.0, 160.0)}
"""Which part of the street a unit sees. [m]"""


class City:
    """Three units (one of them reports to both edges), two edges, the region and who listens to it."""

    def __init__(self, folder: Path) -> None:
        names = [*UNITS, "north/edge", "south/edge", "region", "ear"]
        self.folder, self.keys, self.ports = folder, {name: KeyPair.new() for name in names}, {}
        self.clock, self.epoch, self.sent = SystemClock(), time.time_ns(), 0
        for name in ("north/edge", "south/edge", "region", "ear"):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.ports[name] = free.getsockname()[1]
        for name, pair in self.keys.items():
            pair.save(self._file(name))
        self.ear = self._transport("ear", ["region"])
        self.region = self._shell("region", "region", {"configurations": []}, ["north/edge", "south/edge"], "ear")
        self.edges = {name: self.edge(name) for name in ("north/edge", "south/edge")}
        self.units = {name: self._transport(name, [], *tiers) for name, tiers in UNITS.items()}
        lanes = ROAD.lanes
        cars = (lanes.kind == LaneKind.ROAD) & ((lanes.participants & 2) > 0)
        self.lane = int(np.flatnonzero(cars)[np.argmax(lanes.length_m[cars])])
        self.heard: list[tuple[int, ObjectList]] = []

    def _file(self, name: str) -> Path:
        return self.folder / f"{name.replace('/', '.')}.key"

    def _transport(self, name: str, devices: list[str], *tiers: str) -> ZeroMqTransport:
        register = self.folder / f"{name.replace('/', '.')}.toml"
        topics = frozenset({"objects", "fused_objects", "health", "event"})
        save_register(register, {one: Device(one, self.keys[one].public, topics, ()) for one in devices})
        uplinks = tuple(
            Uplink(endpoint=f"tcp://127.0.0.1:{self.ports[tier]}", server_key=self.keys[tier].public.decode(), topics=tuple(topics))
            for tier in tiers
        )  # fmt: skip
        intake = Intake(endpoint=f"tcp://127.0.0.1:{self.ports[name]}") if devices else None
        file = register if devices else None
        return ZeroMqTransport(
            LinkSettings(identity=name, secret_key=self._file(name), register_file=file, intake=intake, uplinks=uplinks)
        )

    def _shell(self, process: str, name: str, settings: dict[str, object], devices: list[str], tier: str) -> Shell:
        spec, transport = load_spec(process), self._transport(name, devices, tier)
        core = spec.make_core(spec.settings.model_validate({"map": str(NET), "name": name, **settings}))
        register = Register.load(self.folder / f"{name.replace('/', '.')}.toml")
        return Shell(spec, core, [], identity=name, clock=self.clock, transport=transport, register=register)

    def edge(self, name: str) -> Shell:
        """A new life of an edge."""
        return self._shell("edge", name, {}, [unit for unit, tiers in UNITS.items() if name in tiers], "region")

    def look(self, unit: str, s_m: float) -> None:
        """One list of a unit, of somebody who stands and of who drives along the street."""
        now_ns = self.clock.now_ns() // TENTH * TENTH
        first, last = SIGHT_M.get(unit, (0.0, 0.0))
        on = np.array([s_m] if first <= s_m < last else [])
        x, y, yaw = LaneGeometry(ROAD.lanes).pose(np.full(len(on), self.lane), on)
        speed, count = np.append(0.0, np.full(len(on), SPEED_MPS)), 1 + len(on)
        objects = ObjectList.of(
            count, lane_names=[ROAD.lanes.names[self.lane]], perceived_areas=[PerceivedArea(x_m=[-9, 9, 0], y_m=[-9, -9, 9])],
            id=np.arange(1, count + 1), object_class=np.ones(count, np.int64), x_m=np.append(STANDING[unit], x), y_m=np.append(900.0, y),
            velocity_x_mps=speed * np.cos(np.append(0.0, yaw)), velocity_y_mps=speed * np.sin(np.append(0.0, yaw)),
            existence_probability=np.full(count, 0.9), lane=np.append(0xFFFFFFFF, np.zeros(len(on))).astype(np.int64),
            lane_s_m=np.append(0.0, on), length_m=np.full(count, 4.5),
        )  # fmt: skip
        header = make_header(unit, self.epoch, self.sent, Output("objects", objects, now_ns, VALID), now_ns)
        self.units[unit].send("objects", encode("objects", header, objects))

    def live(self, seconds: float, start_m: float | None = None) -> list[tuple[int, ObjectList]]:
        """Let everybody work; whoever drives begins at `start_m`. What the region tells, with its validity."""
        heard, ends, began = [], time.monotonic() + seconds, time.monotonic()
        next_ns = 0
        while time.monotonic() < ends:
            if self.clock.now_ns() >= next_ns:
                next_ns = (self.clock.now_ns() // TENTH + 1) * TENTH
                self.sent += 1
                for unit in UNITS:
                    self.look(unit, -1.0 if start_m is None else start_m + SPEED_MPS * (time.monotonic() - began))
            for shell in (*self.edges.values(), self.region):
                shell.turn()
            for packet in self.ear.receive(0.005):
                if packet.topic == "fused_objects":
                    told = decode("fused_objects", packet.payload)
                    assert isinstance(told.value, ObjectList)
                    heard.append((int(told.header.validity), told.value))
        return heard

    def close(self) -> None:
        for one in (self.ear, *self.units.values(), self.region.transport, *(e.transport for e in self.edges.values())):
            one.close()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path)
    yield made
    made.close()


def standing(objects: ObjectList) -> dict[int, int]:
    """Identities of those who stand, by place."""
    still = np.hypot(objects.velocity_x_mps, objects.velocity_y_mps) < 1.0
    return dict(zip(np.round(objects.x_m[still]).astype(int).tolist(), objects.id[still].tolist(), strict=True))


@pytest.mark.slow
def test_two_edges_are_one_city_also_after_one_of_them_was_away(city: City) -> None:
    heard = city.live(1.5)
    validity, objects = heard[-1]
    before = standing(objects)
    assert validity == VALID and len(objects) == 3  # the border unit's road user, in both edges' lists, is one
    assert sorted(before) == [-400, 0, 400]
    heard = city.live(8.0, start_m=5.0)  # in sight of the north for 3 s, of nobody for 3 s, then of the south
    drivers = [objects.id[objects.velocity_x_mps**2 + objects.velocity_y_mps**2 > 1.0].tolist() for _, objects in heard]
    seen = [one for one in drivers if one]
    assert max(map(len, drivers)) == 1 and seen[0] == seen[-1]
    assert [] in drivers[drivers.index(seen[0]) : -1]  # there was a gap

    away = city.edges.pop("south/edge")
    away.transport.close()
    validity, objects = city.live(2.0)[-1]
    assert validity == DEGRADED and sorted(standing(objects)) == [-400, 0]

    city.edges["south/edge"] = city.edge("south/edge")
    validity, objects = city.live(3.0)[-1]
    after = standing(objects)
    assert validity == VALID and sorted(after) == [-400, 0, 400] and len(objects) == 3
    assert {after[x] for x in (-400, 0)} == {before[x] for x in (-400, 0)}
