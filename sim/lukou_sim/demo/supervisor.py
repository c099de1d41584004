"""Starts processes, restarts those that end, and lets none outlive it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

RESTARTS = 3
WITHIN_S = 60.0
"""More than so many restarts within this time escalate: the process gets a pause, and it is said."""

PAUSE_S = 15.0
RECORDER = "recorder"
STOP_S = 4.0


@dataclass(slots=True)
class Supervised:
    """One process to keep alive."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    ends: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS + 1))
    start_at: float = 0.0
    cpu_s: float = 0.0
    life_cpu_s: float = 0.0


class Supervisor:
    """Keeps processes alive until `stop`.

    Parameters
    ----------
    say : callable
        Takes one line for a person: what ended, what escalated.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.processes: dict[str, Supervised] = {}

    def add(self, name: str, arguments: list[str], log: Path) -> None:
        """Start ``lukou <arguments>`` under a name."""
        command = [sys.executable, "-m", "lukou_messages.cli", *arguments, "--parent", str(os.getpid())]
        one = Supervised(name, command, log)
        self.processes[name] = one
        self._start(one)

    def _start(self, one: Supervised) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        with one.log.open("ab") as log:
            one.process = subprocess.Popen(
                one.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C goes to the launcher, which ends its children in order
            )

    def check(self) -> None:
        """Look at every process once; start those that ended again."""
        now = time.monotonic()
        for one in self.processes.values():
            if one.process is not None:
                self._measure(one)
                code = one.process.poll()
                if code is not None:
                    self._ended(one, code, now)
            if one.process is None and now >= one.start_at:
                one.restarts += 1
                self._start(one)

    def _ended(self, one: Supervised, code: int, now: float) -> None:
        one.process = None
        one.cpu_s += one.life_cpu_s
        one.life_cpu_s = 0.0
        one.ends.append(now)
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if len(one.ends) > RESTARTS and now - one.ends[0] < WITHIN_S:
            one.start_at = now + PAUSE_S
            self._say(
                f"{one.name} {how}: more than {RESTARTS} times in {WITHIN_S:.0f} s, next try in {PAUSE_S:.0f} s; see {one.log}"
            )
        else:
            one.start_at = now
            self._say(f"{one.name} {how}; starting it again")

    @staticmethod
    def _measure(one: Supervised) -> None:
        if one.process is None:
            return
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(one.process.pid).cpu_times()
            one.life_cpu_s = times.user + times.system + times.children_user + times.children_system

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time of each process over all its lives, all threads. [s]"""
        for one in self.processes.values():
            self._measure(one)
        return {one.name: one.cpu_s + one.life_cpu_s for one in self.processes.values()}

    def pid(self, name: str) -> int | None:
        """Process id under a name; None while it is down."""
        process = self.processes[name].process
        return process.pid if process is not None else None

    def restarts(self) -> int:
        """Restarts of all processes so far."""
        return sum(one.restarts for one in self.processes.values())

    def stop(self) -> None:
        """Ask every process to end, then make it end; a recorder last, so that it hears the others out."""
        self._stop([one for one in self.processes.values() if one.name != RECORDER])
        self._stop([one for one in self.processes.values() if one.name == RECORDER])

    @staticmethod
    def _stop(processes: list[Supervised]) -> None:
        running = [one.process for one in processes if one.process is not None]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        ends = time.monotonic() + STOP_S
        for process in running:
            try:
                process.wait(max(0.05, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(2)
