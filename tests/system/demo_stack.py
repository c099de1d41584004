"""A demo without its command line, for system tests: starts it, watches it, breaks it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import time
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from lukou_messages.codec import decode
from lukou_messages.headers import make_header
from lukou_messages.objects import ObjectList
from lukou_messages.process import INVALID, VALID, Output
from lukou_messages.security import Device, KeyPair, Register, save_register
from lukou_messages.transport.sockets import SubscriptionSocket, harden, use_curve
from lukou_messages.v1.signal_pb2 import SignalState
from lukou_sim.demo.plan import make_plan
from lukou_sim.demo.run import Demo


class Stack:
    """A running demo.

    Parameters
    ----------
    folder : Path
        Run folder; must have a short path, since ipc sockets lie in it.
    """

    def __init__(self, folder: Path, rate_hz: float = 2.0) -> None:
        self.said: list[str] = []
        self.ears: list[Ear] = []
        self.demo = Demo(make_plan("demo", 1, rate_hz, folder), self.said.append)
        self.demo.start()

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.demo.plan.page_port}"

    def turn(self, seconds: float = 0.05) -> None:
        """Let the supervisor and the observer work for a while."""
        ends = time.monotonic() + seconds
        while True:
            self.demo.supervisor.check()
            self.demo.observer.turn()
            for ear in self.ears:
                ear.turn()
            if time.monotonic() >= ends:
                return
            time.sleep(0.02)

    def wait(self, what: Callable[[], Any], seconds: float, why: str) -> Any:
        """Turn until `what` gives something; fail with the logs otherwise."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.turn()
            found = what()
            if found:
                return found
        logs = "\n".join(f"--- {log.name}\n{log.read_text()[-600:]}" for log in sorted(self.demo.plan.logs.iterdir()))
        raise AssertionError(f"{why}: not within {seconds} s\n{self.said}\n{logs}")

    def count(self, topic: str) -> int:
        return self.demo.observer.counts.get(topic, 0)

    def is_live(self) -> bool:
        """Every process is heard, fused lists flow, and the page answers."""
        heard = set(self.demo.observer.health)
        is_heard = {one.source for one in self.demo.plan.processes} <= heard and self.count("fused_objects") > 5
        return is_heard and self._has_page()

    def _has_page(self) -> bool:
        with contextlib.suppress(OSError):
            self.get("/api/figures")
            return True
        return False

    def kill(self, source: str) -> int:
        """``kill -9``; gives the epoch of the life that ended."""
        pid = self.demo.supervisor.pid(source)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.page + path, timeout=5) as answer:
            return json.loads(answer.read())

    def listen(self, source: str, topics: tuple[str, ...]) -> Ear:
        """An ear on the tap of a process that hears from now on, through every wait."""
        self.ears.append(Ear(self.demo.plan.taps, source, topics))
        return self.ears[-1]

    def stop(self) -> None:
        for ear in self.ears:
            ear.close()
        self.demo.supervisor.stop()
        self.demo.observer.close()


class Ear:
    """Listens to the tap of one process: when did it last say something valid on a topic, and was every signal legal."""

    def __init__(self, taps: Path, source: str, topics: tuple[str, ...]) -> None:
        self._context = zmq.Context()
        path = taps / f"{source.replace('/', '.')}.tap"
        self._socket = SubscriptionSocket(self._context, f"ipc://{path}", topics, None, None)
        self._socket.socket.reconnect_ivl_max = 100
        self._socket.socket.reconnect_ivl = 20
        self.heard: dict[str, list[tuple[float, int, int]]] = {topic: [] for topic in topics}
        self.values: list[Any] = []

    def turn(self) -> None:
        for packet in self._socket.drain():
            decoded = decode(packet.topic, packet.payload)
            header = decoded.header
            self.heard[packet.topic].append((time.monotonic(), header.epoch, header.validity))
            self.values.append(decoded.value)

    def back_after(self, at: float, old_epoch: int) -> float | None:
        """Time from `at` until every topic had a valid message of a new life; None while one has not.

        SPaT counts when it is published: what it says of the stage follows once the cabinet has been read back. The fused list counts
        when it says something: a roadside unit that is late on a full machine degrades it, whatever the edge does.
        """
        firsts = []
        for topic, rows in self.heard.items():
            new = [
                when
                for when, epoch, validity in rows
                if epoch != old_epoch
                and when > at
                and (validity == VALID or topic == "signal" or _is_fused(topic, validity))
            ]
            if not new:
                return None
            firsts.append(new[0])
        return max(firsts) - at

    def close(self) -> None:
        self._context.destroy(linger=0)


def _is_fused(topic: str, validity: int) -> bool:
    return topic == "fused_objects" and validity != INVALID


def illegal(state: SignalState, conflicts: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of conflicting groups that have right of way together."""
    moving = {g.group for g in state.groups if g.colour in (3, 4, 5)}
    return [pair for pair in conflicts if pair[0] in moving and pair[1] in moving]


def chromium() -> str | None:
    """A browser that is there; None where there is none."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def owned_mb(pid: int | None) -> float:
    """Memory that a process has made its own: what the kernel may take back and read again from files is not counted. [MB]"""
    if not pid:
        return 0.0
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return sum(int(row[1]) for row in rows if row[0] in ("RssAnon:", "VmSwap:")) / 1e3


INTRUDER = "k9/intruder"


class Attack:
    """Sends rubbish to every door of a demo: a hundred pieces a turn at each.

    Parameters
    ----------
    folder : Path
        Run folder: site files tell the doors, keys lend a good identity.
    """

    PER_TURN = 100

    def __init__(self, folder: Path) -> None:
        self._random = random.Random(1)
        sites = {name: tomllib.loads((folder / f"{name}.toml").read_text()) for name in ("k1", "district", "city")}
        uplink = sites["k1"]["links"]["perception"]["uplinks"][0]
        district = sites["district"]["links"]
        doors = [(uplink["endpoint"], uplink["server_key"])]
        doors += [(u["endpoint"], u["server_key"]) for name in ("edge", "region") for u in district[name]["uplinks"]]
        signal_links = sites["k1"]["links"]["signal"]
        doors += [
            (signal_links[name]["endpoint"], signal_links[name]["server_key"]) for name in ("commands", "records")
        ]
        self._context = zmq.Context()
        good = self._enrol(folder / "edge.register.toml")
        self._strangers = [self._dealer(endpoint, key, KeyPair.new()) for endpoint, key in doors]
        self._insiders = [self._dealer(endpoint, key, good) for endpoint, key in doors]
        self._tcp = [int(endpoint.rsplit(":", 1)[1]) for endpoint, _ in doors]
        self._tcp.append(int(sites["city"]["centre"]["page"]["port"]))
        self._udp = [int(radar["options"]["port"]) for radar in sites["k1"]["perception"]["radars"]]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made = ObjectList.of(2, id=[1, 2], object_class=[1, 6], x_m=[1, 2], y_m=[3, 4])
        now = time.time_ns()
        header = make_header(INTRUDER, now, 1, Output("objects", made, now), now)
        forged = make_header("k2/perception", now, 1, Output("objects", made, now), now)
        self._payloads = [made.encode(header), made.encode(forged), b"", b"\xff" * 500]

    @staticmethod
    def _enrol(register: Path) -> KeyPair:
        """A device of our own with every right of a roadside unit: what it says is judged by its content."""
        keys = KeyPair.new()
        devices = dict(Register.load(register).devices)
        devices[INTRUDER] = Device(INTRUDER, keys.public, frozenset({"objects", "health", "signal"}))
        save_register(register, devices)
        time.sleep(1.5)
        return keys

    def _dealer(self, endpoint: str, server_key: str, keys: KeyPair) -> Any:
        made = self._context.socket(zmq.DEALER)
        harden(made)
        use_curve(made, keys, server_key)
        made.connect(endpoint)
        return made

    def turn(self, number: int) -> None:
        """One hundred pieces at every door."""
        for dealer in (*self._strangers, *self._insiders):
            for _ in range(self.PER_TURN):
                self._send(dealer)
        time.sleep(0.1)  # the insider stays below the rate at which nothing of it would be read
        for port in self._udp:
            for _ in range(self.PER_TURN):
                self._socket.sendto(self._random.randbytes(self._random.randrange(200)), ("127.0.0.1", port))
        if number % 10 == 0:
            for port in self._tcp:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as raw:
                    raw.sendall(self._random.randbytes(400))

    def _send(self, dealer: Any) -> None:
        payload = bytearray(self._random.choice(self._payloads))
        if payload and self._random.random() < 0.7:
            payload[self._random.randrange(len(payload))] ^= 1 << self._random.randrange(8)
        topic = self._random.choice([b"objects", b"objects", b"signal", b"command", b"\x00", b"event" * 20])
        frames = [topic, bytes(payload)] if self._random.random() < 0.8 else [topic] * self._random.randrange(1, 5)
        with contextlib.suppress(zmq.Again):
            dealer.send_multipart(frames, zmq.NOBLOCK)

    def close(self) -> None:
        self._socket.close()
        self._context.destroy(linger=0)
