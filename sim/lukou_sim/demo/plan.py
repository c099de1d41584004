"""The demo as files: a run folder with keys, registers and one site file per site, and the list of processes to start."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lukou_messages.errors import SettingsError
from lukou_messages.security import Device, KeyPair, save_register
from lukou_sim.demo.pace import LEAST_HZ
from lukou_sim.demo.sites import CAMERA_SITE, CAMERAS, RADARS, perception_settings
from lukou_sim.district import FOLDER

SITES = ("k1", "k2", "k3", "k4")
LOOKS = ("sensor_report", "picture")
"""Topics for the operator's perception view; they travel from the roadside to the centre unchanged."""

SEEN = ("objects", *LOOKS)
"""What a perception process sends up."""

LONGEST_FOLDER = 70
"""A Unix socket's path has at most 107 characters; ours add up to 35."""

PROTOCOLS = {"k1": "ntcip1202", "k2": "gbt20999", "k3": "gbt20999", "k4": "gbt20999"}
"""One cabinet is a real SNMP agent; an SNMP poll costs ten times as much."""
COMMUNITY = {"k1": {"community": "lukou", "is_simulation": True}}
"""Options of the driver of that agent: outside simulation this community is refused."""

NET = FOLDER / "district.net.xml"
PORTS = ("edge", "edge_warnings", "region", "commands", "centre", "records", "page", *(f"cabinet_{s}" for s in SITES),
         "radar_north", "radar_east", "radar_south", "radar_west")  # fmt: skip


PRIORITIES = {"world": 1, "cameras": 1, "signal": 2, "edge": 3}
"""Real-time priorities, where the system allows them, by how soon each must have answered (rate-monotonic: Liu and Layland, JACM 20 (1), 1973):
warnings within 5 ms, the lights within their tenth of a second, the detector, which needs forty of every hundred milliseconds, at last. An edge
that computes without end holds one core: where there is no other for the lights, it goes after them."""

NICENESS = {"centre": 15, "region": 15, "perception": 12, "world": 5}
"""One machine plays a whole city: what computes for long gives way to what answers at once, where the system allows no real-time priorities, too."""

WORLD_SAVES_AT_MS = 300
"""When the world saves itself at five pictures a second: after an instant without any, when those of the last have been looked at. [ms]"""


@dataclass(frozen=True)
class Process:
    """One process of the demo."""

    source: str
    process: str
    site_file: Path


@dataclass(frozen=True)
class Plan:
    """A demo that can be started."""

    folder: Path
    taps: Path
    logs: Path
    processes: tuple[Process, ...]
    page_port: int
    rate_hz: float


def free_ports(count: int) -> list[int]:
    """Ports that are free on this machine now, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def make_plan(
    scenario: str,
    seed: int,
    rate_hz: float,
    folder: Path | None = None,
    page_port: int | None = None,
    measure: bool = True,
    has_room: bool = True,
) -> Plan:
    """Write everything a demo needs into a folder that only its user may enter.

    Parameters
    ----------
    scenario : str
    seed : int
    rate_hz : float
        Pictures per second and camera. [1/s]
    folder : Path, optional
    page_port : int, optional
    measure : bool
        Whether processes write what latencies are told from.
    has_room : bool
        Whether the machine can take so many pictures, or they are few: then the world has the cameras' priority, since it stands for the streets, which wait for nobody. Where it
        cannot, both would take all of the cores.

    Raises
    ------
    SettingsError
        The folder was used before, its name is too long for sockets, or the rate is out of bounds.
    """
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="lukou-"))
    problems = []
    if (folder / "data").exists():
        problems.append(f"{folder}: was used by a demo before; name a new folder, or delete it")
    if len(str(folder)) > LONGEST_FOLDER:
        problems.append(
            f"{folder}: sockets need a path of at most {LONGEST_FOLDER} characters; name a shorter --run-dir"
        )
    if not 0 < rate_hz <= 10:
        problems.append(f"--rate {rate_hz:g}: expected above 0, up to 10 pictures per second")
    if problems:
        raise SettingsError(problems)
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    builder = _Builder(folder, scenario, seed, rate_hz, page_port, measure, has_room)
    return builder.build()


class _Builder:
    def __init__(
        self,
        folder: Path,
        scenario: str,
        seed: int,
        rate_hz: float,
        page_port: int | None,
        measure: bool,
        has_room: bool,
    ) -> None:
        self.has_room = has_room
        self.folder, self.scenario, self.seed, self.rate_hz, self.measure = folder, scenario, seed, rate_hz, measure
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        if page_port is not None:
            self.ports["page"] = page_port
        self.keys: dict[str, KeyPair] = {}
        for part in ("keys", "taps", "logs", "data", "ipc"):
            (folder / part).mkdir(exist_ok=True)

    def build(self) -> Plan:
        sources = [f"{site}/{process}" for site in SITES for process in ("perception", "signal")]
        sources += ["district/edge", "district/region", "city/centre", "world"]
        for source in sources:
            self._key(source)
        self._registers()
        processes = [self._world(), *self._clouds()]
        for site in SITES:
            processes += self._roadside(site)
        return Plan(
            self.folder, self.folder / "taps", self.folder / "logs", tuple(processes), self.ports["page"], self.rate_hz
        )

    # --- security ---------------------------------------------------------------------------------------------------

    def _key(self, source: str) -> None:
        path = self.folder / self._key_file(source)
        if path.exists():
            self.keys[source] = KeyPair.load(path)
            return
        self.keys[source] = KeyPair.new()
        self.keys[source].save(path)

    @staticmethod
    def _key_file(source: str) -> str:
        return f"keys/{source.replace('/', '.')}.key"

    def _device(self, source: str, topics: Iterable[str], sources: tuple[str, ...] = ()) -> Device:
        return Device(source, self.keys[source].public, frozenset(topics), sources)

    def _registers(self) -> None:
        perception = [self._device(f"{site}/perception", [*SEEN, "health"]) for site in SITES]
        signal = [self._device(f"{site}/signal", ["signal", "health"]) for site in SITES]
        world = self._device("world", ["vehicle", "health"])
        self._register("edge", [*perception, *signal, world])
        edge = self._device(
            "district/edge",
            ["fused_objects", "signal", "warning", "health", "vehicle", *LOOKS],
            (*(f"{s}/*" for s in SITES), "world"),
        )
        self._register("region", [edge, *(self._device(f"{site}/signal", ["command_reply"]) for site in SITES)])
        records = [self._device(f"{site}/signal", ["event", "reply_log"]) for site in SITES]
        edge_records = self._device("district/edge", ["event", "warning_log"])
        region = self._device(
            "district/region",
            [
                "fused_objects",
                "signal",
                "warning",
                "traffic",
                "health",
                "vehicle",
                "event",
                "traffic_log",
                "command_log",
                *LOOKS,
            ],
            ("*",),
        )
        self._register("centre", [region, *records, edge_records])

    def _register(self, name: str, devices: list[Device]) -> None:
        save_register(self.folder / f"{name}.register.toml", {device.name: device for device in devices})

    # --- links ------------------------------------------------------------------------------------------------------

    def _tcp(self, port: str) -> str:
        return f"tcp://127.0.0.1:{self.ports[port]}"

    def _ipc(self, name: str) -> str:
        return f"ipc://{self.folder}/ipc/{name}"

    def _server(self, source: str) -> str:
        return self.keys[source].public.decode()

    def _links(self, source: str, **links: Any) -> dict[str, Any]:
        name = source.replace("/", ".")
        return {
            "identity": source,
            "secret_key": self._key_file(source),
            "tap": f"ipc://{self.folder}/taps/{name}.tap",
            **links,
        }

    def _records(self, source: str) -> dict[str, str]:
        return {
            "endpoint": self._tcp("records"),
            "server_key": self._server("city/centre"),
            "outbox": f"data/{source.replace('/', '.')}.outbox.sqlite",
        }

    def _run(self, source: str, **more: Any) -> dict[str, Any]:
        name = source.replace("/", ".")
        run = {"time_source": "LOCAL", "time_uncertainty_us": 0, "epoch_file": f"data/{name}.epoch", **more}
        if self.measure:
            run["measure_file"] = f"data/{name}.measure.jsonl"
        return run

    def _uplink(self, tier: str, source: str, topics: list[str], forward: list[str] | None = None) -> dict[str, Any]:
        uplink = {"endpoint": self._tcp(tier), "server_key": self._server(source), "topics": topics}
        return {**uplink, "forward": forward} if forward else uplink

    def _maps(self) -> dict[str, Any]:
        """Where the centre publishes the map in force."""
        return {"endpoint": self._ipc("map"), "topics": ["map"]}

    # --- sites ------------------------------------------------------------------------------------------------------

    def _world(self) -> Process:
        broadcast = {"endpoint": self._ipc("truth"), "topics": ["truth"]}
        links = self._links(
            "world",
            broadcasts=[broadcast],
            subscriptions=[{"endpoint": self._ipc("advice"), "topics": ["advice"]}],
            uplinks=[self._uplink("edge", "district/edge", ["vehicle", "health"])],
        )
        settings = {
            "scenario": self.scenario,
            "seed": self.seed,
            "frame_rate_hz": self.rate_hz,
            "frames": {name: self._ipc(name) for name in CAMERAS},
            "radars": {name: self.ports[name.replace("-", "_")] for name in RADARS},
            "detections": {site: self._ipc(f"{site}-sensors") for site in SITES if site != CAMERA_SITE},
            "cabinets": {site: {"protocol": PROTOCOLS[site], "port": self.ports[f"cabinet_{site}"]} for site in SITES},
            "statistics_file": "data/world.json",
        }
        first = {"real_time_priority": PRIORITIES["world"]} if self.has_room else {}
        run: dict[str, Any] = {
            **self._run("world", niceness=NICENESS["world"], **first),
            "snapshot_file": "data/world.snapshot",
            "time_source": "SIMULATION",
        }
        if self.rate_hz <= LEAST_HZ:
            run["health_at_ms"] = WORLD_SAVES_AT_MS
        path = self._write("world", {"site": {"name": "world"}, "links": {"world": links}, "run": {"world": run},
                                     "world": settings})  # fmt: skip
        return Process("world", "world", path)

    def _roadside(self, site: str) -> list[Process]:
        perception, signal = f"{site}/perception", f"{site}/signal"
        own: dict[str, Any] = {
            "uplinks": [self._uplink("edge", "district/edge", [*SEEN, "health"])],
            "subscriptions": [self._maps()],
        }
        if site != CAMERA_SITE:
            own["subscriptions"].append({"endpoint": self._ipc(f"{site}-sensors"), "topics": ["detections"]})
        links = {
            "perception": self._links(perception, **own),
            "signal": self._links(
                signal,
                uplinks=[self._uplink("edge", "district/edge", ["signal", "health"])],
                commands={"endpoint": self._tcp("commands"), "server_key": self._server("district/region")},
                records=self._records(signal),
            ),
        }
        controller = {
            "configuration": str(FOLDER / f"{site}.signal.json"),
            "mode": "automatic",
            "driver": PROTOCOLS[site],
            "driver_options": {
                "address": "127.0.0.1",
                "port": self.ports[f"cabinet_{site}"],
                **COMMUNITY.get(site, {}),
            },
            "trusts_clock": True,  # of this very machine: world and signals share it
            "command_log": f"data/{site}.commands.log",
        }
        is_first = site == CAMERA_SITE
        turn = {"real_time_priority": PRIORITIES["cameras"]} if is_first else {"niceness": NICENESS["perception"]}
        run_signal = {
            **self._run(signal, real_time_priority=PRIORITIES["signal"]),
            "snapshot_file": f"data/{site}.signal.snapshot",
        }
        frames = {name: self._ipc(name) for name in CAMERAS}
        radar_ports = {name: self.ports[name.replace("-", "_")] for name in RADARS}
        content = {
            "site": {"name": site},
            "links": links,
            "run": {"perception": self._run(perception, **turn), "signal": run_signal},
            "perception": perception_settings(site, str(NET), frames, radar_ports, self.rate_hz),
            "signal": controller,
        }
        path = self._write(site, content)
        return [Process(signal, "signal", path), Process(perception, "perception", path)]

    def _clouds(self) -> list[Process]:
        configurations = [str(FOLDER / f"{site}.signal.json") for site in SITES]
        edge = self._links(
            "district/edge",
            register_file="edge.register.toml",
            intake={"endpoint": self._tcp("edge")},
            broadcasts=[{"endpoint": self._tcp("edge_warnings"), "topics": ["warning", "advice"]},
                        {"endpoint": self._ipc("advice"), "topics": ["advice"]}],
            subscriptions=[self._maps()],
            uplinks=[self._uplink("region", "district/region", ["fused_objects", "warning", "health"],
                                  ["signal", "health", "vehicle", *LOOKS])],
            records=self._records("district/edge"),
        )  # fmt: skip
        region = self._links(
            "district/region",
            register_file="region.register.toml",
            intake={"endpoint": self._tcp("region"), "messages_per_second": 2000.0},
            command_server=self._tcp("commands"),
            subscriptions=[self._maps()],
            uplinks=[self._uplink("centre", "city/centre", ["traffic", "health"],
                                  ["fused_objects", "signal", "warning", "health", "vehicle", *LOOKS])],
            records=self._records("district/region"),
        )  # fmt: skip
        centre = self._links(
            "city/centre",
            register_file="centre.register.toml",
            intake={"endpoint": self._tcp("centre"), "messages_per_second": 4000.0},
            broadcasts=[{**self._maps()}],
        )
        district = self._write("district", {
            "site": {"name": "district"},
            "links": {"edge": edge, "region": region},
            "run": {"edge": self._run("district/edge", real_time_priority=PRIORITIES["edge" if len(os.sched_getaffinity(0)) > 1 else "world"]),
                    "region": self._run("district/region", niceness=NICENESS["region"])},
            "edge": {"map": str(NET), "configurations": configurations},
            "region": {"map": str(NET), "configurations": configurations},
        })  # fmt: skip
        every = [f"{site}/{process}" for site in SITES for process in ("perception", "signal")]
        city = self._write("city", {
            "site": {"name": "city"},
            "links": {"centre": centre},
            "run": {"centre": self._run("city/centre", niceness=NICENESS["centre"])},
            "centre": {
                "map": str(NET),
                "configurations": configurations,
                "processes": [*every, "district/edge", "district/region", "world"],
                "archive": {
                    "file": "data/archive.sqlite",
                    "endpoint": self._tcp("records"),
                    "secret_key": self._key_file("city/centre"),
                    "register_file": "centre.register.toml",
                },
                "page": {"port": self.ports["page"], "title": "Lukou demo"},
            },
        })  # fmt: skip
        return [
            Process("city/centre", "centre", city),
            Process("district/region", "region", district),
            Process("district/edge", "edge", district),
        ]

    def _write(self, name: str, content: Mapping[str, Any]) -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text("# Made by `lukou demo`.\n" + to_toml(content))
        return path


def to_toml(content: Mapping[str, Any], prefix: str = "") -> str:
    """Plain values as TOML; nested tables as tables, lists of tables inline."""
    lines, tables = [], []
    for key, value in content.items():
        if isinstance(value, Mapping) and not _is_inline(value):
            tables.append((key, value))
        else:
            lines.append(f"{key} = {_value(value)}")
    text = "\n".join(lines) + "\n"
    for key, value in tables:
        name = f"{prefix}{key}"
        text += f"\n[{name}]\n{to_toml(value, name + '.')}"
    return text


def _is_inline(value: Mapping[str, Any]) -> bool:
    return all(not isinstance(one, Mapping | list) for one in value.values()) and len(value) <= 3


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, str):
        return f"'{value}'" if "'" not in value and "\n" not in value else json.dumps(value)
    return repr(value)
