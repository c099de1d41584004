"""``lukou run PROCESS --site site.toml``: one process with its shell, over ZeroMQ and the system clock."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from lukou_messages.clock import SystemClock
from lukou_messages.logs import configure_logs
from lukou_messages.metrics import PrometheusMetrics
from lukou_messages.report import plain_errors
from lukou_messages.shell import Shell
from lukou_messages.site import load_site, load_spec

app = typer.Typer(add_completion=False)

PR_SET_PDEATHSIG = 1


@app.command()
def run(
    process: Annotated[str, typer.Argument(help="perception, signal, edge, region, centre or world")],
    site: Annotated[Path, typer.Option(help="Site file (TOML)")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the site file")] = None,
    parent: Annotated[int | None, typer.Option(help="End when this process ends", hidden=True)] = None,
) -> None:
    """Run one process until it is told to stop (SIGTERM, SIGINT)."""
    if parent is not None:
        die_with(parent)
    configure_logs(process)
    with plain_errors(f"lukou check {site}"):
        shell = make_shell(process, site.resolve(), overrides or [])
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, frame: stopping.append(received))
    shell.run(lambda: bool(stopping))


def make_shell(process: str, path: Path, overrides: list[str]) -> Shell:
    """The shell of a process as its site file says; changes into the site file's folder."""
    from lukou_messages.transport.zeromq import ZeroMqTransport

    site = load_site(path, overrides)
    os.chdir(path.parent)
    spec = load_spec(process)
    settings, links, run_settings = site.settings(spec), site.links(process), site.run(process)
    core = spec.make_core(settings)
    transport = ZeroMqTransport(links)
    return Shell(
        spec,
        core,
        list(spec.make_devices(settings)),
        identity=links.identity,
        clock=SystemClock(),
        transport=transport,
        settings=run_settings,
        register=transport.register,
        metrics=PrometheusMetrics(process, run_settings.metrics_port) if run_settings.metrics_port else None,
    )


def die_with(parent: int) -> None:
    """Let the kernel end this process when its launcher ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)
