"""``lukou sim SCENARIO [--lockstep]``: the simulated world alone in real time, or everything in lockstep."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.report import plain_errors, print_json
from lukou_sim.world.scenario import Scenario, load_scenario

SOURCES = ("truth", "sensors", "none")

app = typer.Typer(add_completion=False)


@app.command()
def sim(
    scenario: Annotated[str, typer.Argument(help="Scenario file, or the name of a shipped one")] = "demo",
    lockstep: Annotated[bool, typer.Option("--lockstep", help="Everything in one process, as fast as it goes")] = False,
    seconds: Annotated[float | None, typer.Option(help="Length; the scenario's own by default [s]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random; the scenario's own by default")] = None,
    source: Annotated[str, typer.Option(help="Lockstep: where road users come from, truth, sensors or none")] = "truth",
    plan: Annotated[str, typer.Option(help="Lockstep: adaptive, or fixed for the local plans alone")] = "adaptive",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Simulate. Without --lockstep the world runs in real time, its truth on an ipc socket for `lukou record`."""
    with plain_errors("lukou sim --help"):
        chosen = _load(scenario)
        number = chosen.seed if seed is None else seed
        length = chosen.duration_s if seconds is None else seconds
        if source not in SOURCES or plan not in ("adaptive", "fixed"):
            raise SettingsError([f"--source is {', '.join(SOURCES)}; --plan is adaptive or fixed"])
    if not lockstep:
        figures = _world_alone(scenario, number, length)
        _tell(figures, number, as_json)
        return
    figures = run_lockstep(chosen, number, length, source, plan == "adaptive", _progress(length))
    _tell(figures, number, as_json)


def _tell(figures: dict[str, Any], seed: int, as_json: bool) -> None:
    if as_json:
        print_json(figures, seed=seed)
        return
    for name, value in figures.items():
        print(f"{name:<22}{value}")


def _load(name: str) -> Scenario:
    try:
        return load_scenario(name)
    except (FileNotFoundError, ValueError) as error:
        raise SettingsError([f"{name}: {error}"]) from None


def run_lockstep(
    scenario: Scenario, seed: int, seconds: float, source: Any, controls: bool, tell: Any = None
) -> dict[str, Any]:
    """Run a scenario in lockstep and give its figures."""
    from lukou_sim.lockstep.loop import Lockstep

    began = time.monotonic()
    loop = Lockstep(scenario, seed, source, controls, lasts_s=seconds)
    delay = loop.run(seconds, tell)
    wall_s = time.monotonic() - began
    refused = Counter(reply.reason for reply in loop.replies if reply.reason)
    return {
        "seconds": seconds,
        "source": source,
        "plan": "adaptive" if controls else "fixed",
        **asdict(delay),
        "real_time_factor": round(seconds / wall_s, 2),
        "events": dict(Counter(event.kind for event in loop.events)),
        "guard_refusals": dict(refused),
        "warnings": len({warning.warning_id for warning in loop.warnings}),
    }


def _progress(length: float) -> Any:
    if not sys.stderr.isatty() or length < 20:
        return None
    return lambda part: print(f"\r{part * 100:3.0f} % of {length:.0f} s", end="", file=sys.stderr, flush=True)


def _world_alone(scenario: str, seed: int, seconds: float) -> dict[str, Any]:
    """The world process by itself, with its truth and detections on ipc sockets."""
    from lukou_messages.verbs.run import make_shell
    from lukou_sim.demo.plan import to_toml

    folder = Path(tempfile.mkdtemp(prefix="lukou-sim-"))
    name = scenario if "/" not in scenario and not scenario.endswith(".toml") else str(Path(scenario).resolve())
    links = {
        "identity": "world",
        "broadcasts": [{"endpoint": f"ipc://{folder}/truth", "topics": ["truth", "vehicle"]}],
        "tap": f"ipc://{folder}/world.tap",
    }
    settings = {
        "scenario": name,
        "seed": seed,
        "detections": {site: f"ipc://{folder}/{site}-sensors" for site in ("k2", "k3", "k4")},
        "statistics_file": "world.json",
    }
    path = folder / "world.toml"
    path.write_text(to_toml({"site": {"name": "world"}, "links": {"world": links}, "world": settings}))
    print(f"truth on ipc://{folder}/truth; record with: lukou record --taps {folder} --out truth.mcap", file=sys.stderr)
    shell = make_shell("world", path, [])
    ends = time.monotonic() + seconds
    try:
        shell.run(lambda: time.monotonic() > ends)
    except KeyboardInterrupt:
        shell.close()
    found: dict[str, Any] = json.loads((folder / "world.json").read_text())
    return found
