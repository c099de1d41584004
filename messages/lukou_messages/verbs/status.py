"""``lukou status``: how the processes of a site are, from their taps."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.report import FAILED, plain_errors, print_json
from lukou_messages.sensor_quality import plain_sensor
from lukou_messages.transport.taps import heard
from lukou_messages.v1 import health_pb2

app = typer.Typer(add_completion=False)

WAIT_S = 2.5
"""Health comes once a second."""


@app.command()
def status(
    taps: Annotated[
        Path | None, typer.Option(help="Folder of the site's taps (*.tap); by default those of the newest demo")
    ] = None,
    sensors: Annotated[
        bool, typer.Option("--sensors", help="How well every sensor does, instead of the processes")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Listen for two seconds and print the health of every process, or the quality of every sensor."""
    with plain_errors("lukou demo"):
        taps = taps or newest_taps()
        paths = sorted(taps.glob("*.tap"))
        if not paths:
            raise SettingsError(
                [f"{taps}: no process has a tap here; is anything running? name the folder with --taps"]
            )
        if sensors:
            _tell_sensors(listen([path for path in paths if "perception" in path.stem], "sensor_report"), as_json)
            return
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


def listen(paths: list[Path], topic: str = "health") -> dict[str, Any]:
    """The last message of a topic of each process, by source."""
    found: dict[str, Any] = {}
    for _, decoded in heard(paths, (topic,), WAIT_S):
        found[decoded.header.source] = decoded.value
        if len(found) == len(paths):
            break
    return found


def _tell_sensors(found: dict[str, Any], as_json: bool) -> None:
    """Every sensor of every site; exit 1 where one is not used or nothing was heard."""
    rows = [
        {"site": source.partition("/")[0], **plain_sensor(one)}
        for source, report in sorted(found.items())
        for one in report.sensors
    ]
    if as_json:
        print_json({"sensors": rows})
    else:
        _print_sensors(rows)
    if not rows or any(row["state"] == "invalid" for row in rows):
        raise SystemExit(FAILED)


def _print_sensors(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    spans = [f"{part['from_m']}-{part['to_m']} m" for part in rows[0]["ranges"]] if rows else []
    table = Table(
        "site", "sensor", "state", "rate", "latency p50/p95", "clock", "turned", *spans, "what is wrong", box=None
    )
    for row in rows:
        shares = [
            "-" if part["found_share"] is None else f"{part['found_share']:.0%} {part['residual_p50_m'] or 0.0:.1f} m"
            for part in row["ranges"]
        ]
        known = {
            name: "-" if row[name] is None else row[name]
            for name in ("rate_hz", "latency_p50_ms", "latency_p95_ms", "clock_offset_s", "azimuth_offset_deg")
        }
        table.add_row(
            row["site"], row["sensor"], row["state"], f"{known['rate_hz']} Hz", f"{known['latency_p50_ms']} / {known['latency_p95_ms']} ms",
            f"{known['clock_offset_s']} s", f"{known['azimuth_offset_deg']} deg", *shares, row["reason"],
        )  # fmt: skip
    Console().print(table if rows else "no report on sensors within 2 s: is a perception process running?")


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
