"""The demo's command: a recording that replays bit for bit, and no orphans."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from lukou_cloud.edge.process import SPEC as EDGE
from lukou_cloud.region.process import SPEC as REGION
from lukou_messages.replay import replay
from lukou_messages.site import load_site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


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
        assert results[0].skipped_steps < results[0].steps / 2
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
