"""A demo without its command line, for system tests: starts it, watches it, breaks it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from lukou_messages.codec import decode
from lukou_messages.process import VALID
from lukou_messages.transport.sockets import SubscriptionSocket
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
        """Every process is heard and fused lists flow."""
        heard = set(self.demo.observer.health)
        return {one.source for one in self.demo.plan.processes} <= heard and self.count("fused_objects") > 5

    def kill(self, source: str) -> int:
        """``kill -9``; gives the epoch of the life that ended."""
        pid = self.demo.supervisor.pid(source)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.page + path, timeout=5) as answer:
            return json.loads(answer.read())

    def stop(self) -> None:
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
        """Time from `at` until every topic had a valid message of a new life; None while one has not."""
        firsts = []
        for rows in self.heard.values():
            new = [when for when, epoch, validity in rows if epoch != old_epoch and when > at and validity == VALID]
            if not new:
                return None
            firsts.append(new[0])
        return max(firsts) - at

    def close(self) -> None:
        self._context.destroy(linger=0)


def illegal(state: SignalState, conflicts: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of conflicting groups that have right of way together."""
    moving = {g.group for g in state.groups if g.colour in (3, 4, 5)}
    return [pair for pair in conflicts if pair[0] in moving and pair[1] in moving]


def chromium() -> str | None:
    """A browser that is there; None where there is none."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
