"""``lukou status``: how the processes of a site are, from their taps."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
import zmq

from lukou_messages.codec import decode
from lukou_messages.errors import LukouError, SettingsError
from lukou_messages.report import FAILED, plain_errors, print_json
from lukou_messages.transport.sockets import SubscriptionSocket
from lukou_messages.v1 import health_pb2

app = typer.Typer(add_completion=False)

WAIT_S = 2.5
"""Health comes once a second."""


@app.command()
def status(
    taps: Annotated[
        Path | None, typer.Option(help="Folder of the site's taps (*.tap); by default those of the newest demo")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Listen for two seconds and print the health of every process."""
    with plain_errors("lukou demo"):
        taps = taps or newest_taps()
        paths = sorted(taps.glob("*.tap"))
        if not paths:
            raise SettingsError(
                [f"{taps}: no process has a tap here; is anything running? name the folder with --taps"]
            )
        found = listen(paths)
    silent = [source for path in paths if (source := path.stem.replace(".", "/", 1)) not in found]
    if as_json:
        print_json({"processes": [_row(source, health) for source, health in sorted(found.items())], "silent": silent})
    else:
        _print(found, silent)
    bad = [h for h in found.values() if h.state == health_pb2.HEALTH_STATE_FAILED]
    if silent or bad:
        raise SystemExit(FAILED)


def newest_taps() -> Path:
    """Taps of the newest demo of this user; ``run/taps`` where there is none."""
    mine = [path for path in Path(tempfile.gettempdir()).glob("lukou-*/taps") if path.stat().st_uid == os.getuid()]
    return max(mine, key=lambda path: path.stat().st_mtime, default=Path("run/taps"))


def listen(paths: list[Path]) -> dict[str, health_pb2.Health]:
    """The last Health of each process, by source."""
    context = zmq.Context()
    found: dict[str, health_pb2.Health] = {}
    try:
        sockets = [SubscriptionSocket(context, f"ipc://{path.resolve()}", ("health",), None, None) for path in paths]
        ends = time.monotonic() + WAIT_S
        while time.monotonic() < ends and len(found) < len(paths):
            for socket in sockets:
                for packet in socket.drain():
                    try:
                        decoded = decode(packet.topic, packet.payload)
                    except LukouError:
                        continue
                    found[decoded.header.source] = decoded.value
            time.sleep(0.02)
    finally:
        context.destroy(linger=0)
    return found


def _row(source: str, health: health_pb2.Health) -> dict[str, object]:
    return {
        "source": source,
        "process": health.process,
        "state": health_pb2.HealthState.Name(health.state).removeprefix("HEALTH_STATE_").lower(),
        "uptime_s": round(health.uptime_s, 1),
        "step_p50_ms": round(health.step_p50_ms, 2),
        "step_p95_ms": round(health.step_p95_ms, 2),
        "cpu_cores": round(health.cpu_cores, 3),
        "memory_mb": round(health.memory_mb, 1),
        "stale_inputs": [f"{one.name} of {one.source}" for one in health.inputs if one.is_stale],
        "faults": list(health.faults),
        "refused": dict(health.refused),
        "figures": {name: round(value, 4) for name, value in health.figures.items()},
    }


def _print(found: dict[str, health_pb2.Health], silent: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("process", "state", "up", "step p50/p95", "cpu", "memory", "what is wrong", box=None)
    for source, health in sorted(found.items()):
        row = _row(source, health)
        wrong = [*map(str, health.faults), *(f"stale: {name}" for name in row["stale_inputs"])]  # type: ignore[attr-defined]
        table.add_row(
            source,
            str(row["state"]),
            f"{health.uptime_s:.0f} s",
            f"{health.step_p50_ms:.1f} / {health.step_p95_ms:.1f} ms",
            f"{health.cpu_cores * 100:.0f} %",
            f"{health.memory_mb:.0f} MB",
            "; ".join(wrong)[:120],
        )
    for name in silent:
        table.add_row(name, "silent", "", "", "", "", "no health within 2 s: look at its log")
    Console().print(table)
