"""``lukou demo``: the whole loop with one command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.report import FAILED, WRONG_USAGE, plain_errors, print_json
from lukou_sim.demo.pace import LEAST_HZ, MOST_HZ, NEED, fitting_rate, loop_s
from lukou_sim.demo.plan import make_plan
from lukou_sim.demo.run import Demo
from lukou_sim.demo.summary import too_busy
from lukou_sim.world.scenario import load_scenario

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    minutes: Annotated[float | None, typer.Option(help="End after this time; otherwise on Ctrl-C")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open the page in a browser")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object")] = False,
    seed: Annotated[int | None, typer.Option(help="Of everything random; the scenario's own by default")] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            help="Pictures per second and camera, at most 10; 5 with the page, else as many as this machine can take"
        ),
    ] = None,
    scenario: Annotated[str, typer.Option(help="Scenario file, or the name of a shipped one")] = "demo",
    record: Annotated[Path | None, typer.Option(help="Record everything to this file (MCAP)")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the page; any free one by default")] = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Folder for keys, site files, logs and data; a new one by default")
    ] = None,
    fixed_plan: Annotated[bool, typer.Option(help="Compare with the fixed plan at the end")] = True,
) -> None:
    """Simulated streets, perception, three cloud tiers and the page, as separate processes."""
    stopping: list[int] = []
    for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(kind, lambda received, frame: stopping.append(received))
    with plain_errors("lukou demo --help", WRONG_USAGE):
        if minutes is not None and minutes <= 0:
            raise SettingsError([f"--minutes {minutes:g}: expected above 0"])
        chosen = _scenario(scenario)
        number = chosen.seed if seed is None else seed
        cores, seconds = len(os.sched_getaffinity(0)), loop_s()
        fitting_hz = fitting_rate(cores, seconds)
        hertz = rate if rate is not None else (fitting_hz if headless else LEAST_HZ)
        if rate is None and headless and hertz < MOST_HZ:
            need = f"{MOST_HZ:g} would need {NEED * seconds:.1f}"
            say(
                f"{hertz:g} pictures a second and camera: {need} of this machine's {cores} cores at its present speed; to try, `--rate {MOST_HZ:g}`"
            )
        name = scenario if "/" not in scenario and not scenario.endswith(".toml") else str(Path(scenario).resolve())
        folder = run_dir.resolve() if run_dir else None
        plan = make_plan(name, number, hertz, folder, port, has_room=hertz <= fitting_hz)
    say(f"page       http://127.0.0.1:{plan.page_port}/")
    say(f"run folder {plan.folder}  (logs, keys, site files; lukou status --taps {plan.taps})")
    running = Demo(plan, say)
    figures: dict[str, Any] = {}
    try:
        running.start(record)
        if not headless:
            _open_page(plan.page_port)
        running.run(minutes * 60 if minutes is not None else None, lambda: bool(stopping), _teller())
        figures = running.finish(name, number, fixed_plan and len(stopping) < 2)
    finally:
        running.supervisor.stop()
    if as_json:
        print_json(figures, seed=number)
    else:
        _print(figures)
    if busy := too_busy(figures, os.cpu_count() or 1):
        say(busy)
    if running.first_picture_s is None:
        say(f"no live picture came; look at the logs in {plan.logs}")
        raise SystemExit(FAILED)


def say(line: str) -> None:
    """One line for people, over the line of progress."""
    print(f"\r\033[K{line}" if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def _scenario(name: str) -> Any:
    try:
        return load_scenario(name)
    except FileNotFoundError as error:
        raise SettingsError([str(error)]) from None
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from None


def _teller() -> Any:
    if sys.stderr.isatty():
        return lambda line: print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    count = [0]

    def seldom(line: str) -> None:
        count[0] += 1
        if count[0] % 15 == 1:
            print(line, file=sys.stderr, flush=True)

    return seldom


def _open_page(port: int) -> None:
    """Open the page where there is a display; the address has been printed anyway."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    opener = shutil.which("xdg-open")
    if opener:
        subprocess.Popen([opener, f"http://127.0.0.1:{port}/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _print(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", box=None)
    rows = ("seconds", "pictures_per_second", "first_picture_s", "real_time_factor", "dropped_frames", "camera_latency_assumed_ms", "capture_to_objects_ms",
            "objects_to_warning_ms", "objects_sent_to_warning_ms", "capture_to_warning_ms", "objects_recall", "objects_precision", "position_error_m",
            "by_class", "warnings", "delay_s", "delay_fixed_plan_s", "stops_per_vehicle", "longest_wait_s", "restarts",
            "cpu_cores", "run_folder")  # fmt: skip
    for name in rows:
        value = figures.get(name)
        if name == "by_class" and value:
            for kind, row in value.items():
                table.add_row(f"  {kind}", ", ".join(f"{k} {v}" for k, v in row.items()))
            continue
        table.add_row(name, "not measured" if value is None else str(value))
    Console().print(table)
