"""The whole loop as processes: kills, archive, replay, no orphans. One demo serves all tests of this file, in order."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from demo_stack import Ear, Stack, illegal

from lukou_cloud.edge.process import SPEC as EDGE
from lukou_cloud.region.process import SPEC as REGION
from lukou_maps.signal_configuration import Relation, load
from lukou_messages.replay import replay
from lukou_messages.site import load_site
from lukou_sim.district import FOLDER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

TOPICS = {
    "k1/signal": ("signal",),
    "k2/signal": ("signal",),
    "k2/perception": ("objects",),
    "k1/perception": ("objects",),
    "district/edge": ("fused_objects",),
    "district/region": ("traffic",),
    "city/centre": ("health",),
    "world": ("truth",),
}
BACK_S = 20.0
"""On a quiet machine each is back within 3 s (printed); a shared one gets time."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    made = Stack(folder)
    made.wait(made.is_live, 120, "the demo is not live")
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def test_the_page_has_map_processes_and_figures(stack: Stack) -> None:
    states = stack.wait(
        lambda: (
            (found := stack.get("/api/processes")["processes"])
            and all(r["state"] != "waiting" for r in found)
            and found
        ),
        30,
        "the centre does not hear every process",
    )
    assert {row["source"] for row in states} >= {*TOPICS, "k3/signal", "k4/perception"} - {"city/centre"}
    assert len(stack.get("/api/map")["features"]) > 300
    assert stack.wait(lambda: stack.get("/api/figures").get("road_users"), 20, "no road users on the page") > 20


def test_signals_stay_legal_and_the_region_times_them(stack: Stack) -> None:
    conflicts = {
        name: {
            (p.first, p.second) for p in load(FOLDER / f"{name}.signal.json").pairs if p.relation is Relation.CONFLICT
        }
        for name in ("k1", "k2", "k3", "k4")
    }
    ears = {name: Ear(stack.demo.plan.taps, f"{name}/signal", ("signal",)) for name in conflicts}

    def under_adaptive_control() -> bool:
        for ear in ears.values():
            ear.turn()
        return all(any(value.authority == 7 for value in ear.values[-20:]) for ear in ears.values())

    stack.wait(under_adaptive_control, 60, "the region does not time every intersection")
    for name, ear in ears.items():
        assert ear.values
        assert [pair for value in ear.values for pair in illegal(value, conflicts[name])] == []
        ear.close()


@pytest.mark.parametrize("source", list(TOPICS))
def test_a_killed_process_is_back_and_the_rest_carries_on(stack: Stack, source: str) -> None:
    ear = Ear(stack.demo.plan.taps, source, TOPICS[source])

    def turn() -> bool:
        ear.turn()
        return all(ear.heard.values())

    stack.wait(turn, 20, f"{source} says nothing")
    old_epoch = next(iter(ear.heard.values()))[-1][1]
    pids = {name: stack.demo.supervisor.pid(name) for name in stack.demo.supervisor.processes if name != source}
    at = time.monotonic()
    stack.kill(source)

    def is_back() -> float | None:
        ear.turn()
        return ear.back_after(at, old_epoch)

    away = stack.wait(is_back, BACK_S, f"{source} is not back")
    print(f"{source}: back after {away:.2f} s")
    assert {name: stack.demo.supervisor.pid(name) for name in pids} == pids  # the rest carried on
    lists = stack.count("fused_objects")
    stack.wait(lambda: stack.count("fused_objects") > lists + 5, 20, "no fused lists after the kill")
    ear.close()

    def told() -> bool:
        records = stack.get("/api/archive/event?limit=100")["records"]
        return any(r["kind"] == "process.back" and r["subject"] == source for r in records)

    if source != "city/centre":  # the centre cannot see its own end
        stack.wait(told, 20, f"the page does not say that {source} is back")


def test_the_archive_has_neither_gap_nor_double_after_all_that(stack: Stack) -> None:
    summary = stack.get("/api/archive")
    assert summary["gaps"] == []
    assert summary["counts"]["traffic_log"] >= 4
    rows = stack.get("/api/archive/traffic_log?limit=5000")["records"]
    keys = [(row["source"], row["epoch"], row["sequence"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_edge_and_region_replay_bit_for_bit_twice(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    recording = tmp_path / "demo.mcap"
    words = [
        "demo",
        "--headless",
        "--minutes",
        "0.35",
        "--rate",
        "2",
        "--run-dir",
        str(folder),
        "--record",
        str(recording),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "lukou_messages.cli", *words, "--no-fixed-plan"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    site = load_site(folder / "district.toml")
    for spec in (EDGE, REGION):
        settings = site.settings(spec)
        results = [replay(recording, spec.name, lambda s=spec, v=settings: s.make_core(v)) for _ in range(2)]  # type: ignore[misc]
        assert results[0] == results[1]
        assert results[0].steps > 15 and results[0].messages > 15
        assert (results[0].different, results[0].missing) == (0, 0), results[0].first_difference
    shutil.rmtree(folder, ignore_errors=True)


def test_nothing_outlives_a_launcher_that_is_killed(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    words = [sys.executable, "-m", "lukou_messages.cli", "demo", "--headless", "--run-dir", str(folder)]
    launcher = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = time.monotonic() + 30
    children: list[psutil.Process] = []
    while len(children) < 12 and time.monotonic() < ends:
        children = psutil.Process(launcher.pid).children(recursive=True)
        time.sleep(0.1)
    assert len(children) >= 12
    time.sleep(2)
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait(5)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    shutil.rmtree(folder, ignore_errors=True)
