"""``lukou replay``: run one process's core through a recording, as its journal says, and compare."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.process import Core
from lukou_messages.replay import replay as replay_recording
from lukou_messages.report import FAILED, plain_errors, print_json
from lukou_messages.site import load_site, load_spec

app = typer.Typer(add_completion=False)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Recording (MCAP)")],
    process: Annotated[str, typer.Option(help="Process to replay: edge or region, or a source name")],
    out: Annotated[Path | None, typer.Option(help="Recording to write the replayed messages to")] = None,
    site: Annotated[Path | None, typer.Option(help="Site file that the process ran with")] = None,
    speed: Annotated[str, typer.Option(help="Times real time, or max")] = "max",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Replay and compare bit for bit; exit 1 where anything differs."""
    file = file.resolve()
    out = out.resolve() if out else None
    with plain_errors("lukou record --help"):
        name = process.rsplit("/", 1)[-1]
        spec = load_spec(name)
        path = site.resolve() if site else _site_beside(file, name)
        loaded = load_site(path)
        os.chdir(path.parent)
        settings = loaded.settings(spec)

        def make() -> Core:
            return spec.make_core(settings)

        result = replay_recording(file, process, make, out, _pace(speed))
    if as_json:
        print_json(asdict(result))
    else:
        print(
            f"{result.steps} steps, {result.messages} messages: {result.identical} identical,"
            f" {result.different} different, {result.missing} missing {result.first_difference}"
        )
    if result.different or result.missing:
        raise SystemExit(FAILED)


def _site_beside(file: Path, process: str) -> Path:
    for folder in (file.parent, file.parent / "sites"):
        for path in sorted(folder.glob("*.toml")):
            try:
                if process in load_site(path).data:
                    return path
            except SettingsError:
                continue
    raise SettingsError([f"no site file with a section [{process}] beside {file.name}; name it with --site"])


def _pace(speed: str) -> Callable[[int], None] | None:
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        raise SettingsError([f"--speed {speed}: a number or max"]) from None
    if factor <= 0:
        raise SettingsError([f"--speed {speed}: above 0, or max"])
    started: list[tuple[float, int]] = []

    def wait(now_ns: int) -> None:
        if not started:
            started.append((time.monotonic(), now_ns))
        wall, first = started[0]
        time.sleep(max(0.0, wall + (now_ns - first) / 1e9 / factor - time.monotonic()))

    return wait
