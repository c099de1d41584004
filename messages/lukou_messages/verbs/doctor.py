"""``lukou doctor``: whether this machine has what Lukou needs, with the remedy for what it lacks."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Annotated

import typer

from lukou_messages.report import FAILED, print_json

app = typer.Typer(add_completion=False)

Finding = tuple[str, bool | None, str]
"""What was looked at, whether it is good (None: optional and missing), and details or the remedy."""


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False) -> None:
    """Look at Python, libraries, distributions, verbs, security, time and the page."""
    looks: list[Callable[[], list[Finding]]] = [_python, _security, _rooms, _verbs, _machine, _page]
    findings = [finding for look in looks for finding in look()]
    bad = [finding for finding in findings if finding[1] is False]
    if as_json:
        names = ("what", "good", "detail")
        print_json({"findings": [dict(zip(names, finding, strict=True)) for finding in findings], "bad": len(bad)})
    else:
        for what, good, detail in findings:
            mark = {True: "good", False: "BAD ", None: "  – "}[good]
            print(f"{mark}  {what:<28}{detail}")
    if bad:
        raise SystemExit(FAILED)


def _python() -> list[Finding]:
    text = ".".join(map(str, sys.version_info[:3]))
    return [("Python", sys.version_info >= (3, 11), text if sys.version_info >= (3, 11) else f"{text}: need 3.11")]


def _security() -> list[Finding]:
    import zmq

    curve = bool(zmq.has("curve"))
    return [
        ("ZeroMQ", True, f"libzmq {zmq.zmq_version()}, pyzmq {zmq.__version__}"),
        ("CURVE encryption", curve, "there" if curve else "libzmq was built without it; install the wheel of pyzmq"),
    ]


def _rooms() -> list[Finding]:
    findings: list[Finding] = []
    for room in ("messages", "maps", "hw", "roadside", "cloud", "sim"):
        try:
            number = version(f"lukou-{room}")
            importlib.import_module(f"lukou_{room}")
            findings.append((f"lukou-{room}", True, number))
        except PackageNotFoundError:
            findings.append((f"lukou-{room}", None, f"not installed; pip install lukou-{room} where it is needed"))
        except ImportError as error:
            findings.append((f"lukou-{room}", False, f"cannot be imported: {error}"))
    return findings


def _verbs() -> list[Finding]:
    findings: list[Finding] = []
    for group in ("lukou.processes", "lukou.drivers", "lukou.verbs"):
        for entry in sorted(entry_points(group=group), key=lambda one: one.name):
            try:
                entry.load()
            except Exception as error:
                findings.append(
                    (f"{group.split('.')[1][:-1]} {entry.name}", False, f"cannot be loaded: {error!r}"[:160])
                )
    return findings or [("processes, drivers, verbs", True, "all load")]


def _machine() -> list[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    free = shutil.disk_usage(".").free / 1e9
    return [
        ("processor cores", cores >= 2, str(cores) if cores >= 2 else f"{cores}: the demo needs 2"),
        ("free disk here", free > 2, f"{free:.0f} GB" if free > 2 else f"{free:.1f} GB: 2 GB are needed"),
    ]


def _page() -> list[Finding]:
    chromium = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    remedy = "not found: browser tests are skipped; install Debian's package chromium"
    return [("browser for tests", True if chromium else None, chromium or remedy)]
