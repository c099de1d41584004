"""The demo's supervisor: who may be waited for does not give way."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from lukou_sim.demo import supervisor
from lukou_sim.demo.supervisor import Supervised, Supervisor

NICENESS = 3


def test_a_process_gives_way_once_it_has_worked_for_as_long_as_loading_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SETTLE_CPU_S", 0.3)
    keeper = Supervisor(print)
    keeper.processes["busy"] = Supervised(
        "busy", [sys.executable, "-c", "while True: pass"], tmp_path / "log", NICENESS
    )
    niceness_then: dict[bool, set[int]] = {True: set(), False: set()}
    ends = time.monotonic() + 20.0
    try:
        while not niceness_then[True] and time.monotonic() < ends:
            keeper.check()
            pid = keeper.pid("busy")
            assert pid is not None
            worked = sum(psutil.Process(pid).cpu_times()[:2]) if pid else 0.0
            if worked < 0.2 or worked > 0.5:
                niceness_then[worked > 0.5].add(os.getpriority(os.PRIO_PROCESS, pid))
            time.sleep(0.02)
    finally:
        keeper.stop()
    assert niceness_then == {False: {os.getpriority(os.PRIO_PROCESS, 0)}, True: {NICENESS}}
