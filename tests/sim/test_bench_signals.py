"""``lukou bench signals`` on a scenario made here: every controller, the guard in the loop, the figures promised."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sumo

pytestmark = pytest.mark.slow
KEYS = {
    "delay_all", "delay_finished", "longest_wait_s", "gridlock", "finished", "scheduled", "collisions",
    "emergency_stops", "decision_ms", "guard_refusals", "guard_configuration",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cross")
    tool = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
    subprocess.run(
        [tool, "--grid", "--grid.number", "2", "--grid.length", "250", "--grid.attach-length", "200", "-L", "2",
         "--tls.guess", "true", "--default-junction-type", "traffic_light", "-o", path / "cross.net.xml"],
        check=True, capture_output=True,
    )  # fmt: skip
    flows = [("top0A1", "A0bottom0"), ("left0A0", "B0right0"), ("bottom1B0", "B1top1"), ("right1B1", "A1left1")]
    rows = [
        f'<flow id="f{k}" begin="0" end="240" vehsPerHour="{500 - 60 * k}" from="{a}" to="{b}" departLane="best"/>'
        for k, (a, b) in enumerate(flows)
    ]
    (path / "cross.rou.xml").write_text(f"<routes>{''.join(rows)}</routes>")
    (path / "run.sumocfg").write_text(
        '<configuration><input><net-file value="cross.net.xml"/><route-files value="cross.rou.xml"/></input>'
        '<time><begin value="0"/><end value="300"/></time></configuration>'
    )
    return path


def measure(folder: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "lukou_messages.cli", "bench", "signals", str(folder), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_lukou_beats_the_shipped_plan_and_the_guard_refuses_nothing(folder: Path) -> None:
    lukou, plan = measure(folder), measure(folder, "--controller", "plan")
    assert set(lukou) >= KEYS
    assert lukou["guard_refusals"] == {} and lukou["collisions"] == 0 and lukou["gridlock"] is False
    assert lukou["scheduled"] == plan["scheduled"]
    assert lukou["delay_all"] < 0.8 * plan["delay_all"]


def test_cabinets_that_take_plans_run_under_plans_and_the_guard_refuses_nothing(folder: Path, tmp_path: Path) -> None:
    longer = shutil.copytree(folder, tmp_path / "longer")  # nobody plans before the fifth cycle of 90 s
    text = (longer / "run.sumocfg").read_text()
    (longer / "run.sumocfg").write_text(text.replace('<end value="300"/>', '<end value="540"/>'))
    found = measure(longer, "--cabinet", "plans")
    assert found["plans_handed_over"] > 0
    assert found["guard_refusals"] == {} and found["collisions"] == 0 and found["gridlock"] is False


@pytest.mark.parametrize("controller", ["actuated", "max-pressure", "greedy"])
def test_baselines_run_through_the_same_door(folder: Path, controller: str) -> None:
    found = measure(folder, "--controller", controller)
    assert found["finished"] and found["guard_refusals"] == {}


def test_a_wrong_controller_is_wrong_usage(folder: Path) -> None:
    command = [sys.executable, "-m", "lukou_messages.cli", "bench", "signals", str(folder), "--controller", "guess"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "max-pressure" in done.stderr
