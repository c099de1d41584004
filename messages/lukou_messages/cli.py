"""The ``lukou`` command: finds a verb by name and loads only that one."""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any

from lukou_messages.report import FAILED, WRONG_USAGE

VERBS = {
    "demo": ("sim", "the whole loop: four intersections, three cloud tiers, a live page"),
    "run": ("messages", "one process: perception, signal, edge, region, centre or world"),
    "sim": ("sim", "the simulated world alone, or everything in lockstep"),
    "record": ("messages", "record what the processes of a site say"),
    "replay": ("messages", "replay one process from a recording"),
    "topics": ("messages", "every topic: type, rate, limits, purpose"),
    "status": ("messages", "how the processes of a site are"),
    "doctor": ("messages", "whether this machine has what Lukou needs"),
    "check": ("messages", "a site file: every value, where it came from, what is wrong"),
    "keys": ("messages", "make keys, register and revoke devices"),
    "guard": ("roadside", "prove the signal guard on signal configurations"),
    "detect": ("roadside", "boxes of a detector on pictures or a video"),
    "look": ("roadside", "the map with everybody whom perception follows, as picture files"),
    "track": ("roadside", "tracking and fusion of recorded measurements"),
    "adapt": ("roadside", "teach a detector a camera's empty street"),
    "calibrate": ("roadside", "calibrate cameras without a survey: points, lines, tracks, files of others"),
    "map": ("maps", "look at, check, match and show maps"),
    "warn": ("cloud", "conflict warnings of recorded trajectories"),
    "bench": ("sim", "benchmarks: objects, signals, timing, matching, conflicts, perception, calibration"),
    "report": ("cloud", "indicators of an archive or a recording: delay, view, warnings, near misses, orders, events"),
    "site": ("sim", "make whole sites to measure on: map, signals, demand, plans"),
}
"""Verbs that Lukou has or will have: the room that owns each, and what it does."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the ``lukou`` command."""
    # many processes share a box: no pool of threads that spin for a product of small matrices; read when numpy is first imported
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help", "help"):
        _list(None)
        raise SystemExit(0)
    if words[0] == "--version":
        print(version("lukou-messages"))
        raise SystemExit(0)
    verb, rest = words[0], words[1:]
    entry = _entries().get(verb)
    if entry is None:
        _list(verb)
        raise SystemExit(WRONG_USAGE)
    try:
        app = entry.load()
    except ImportError as error:
        room = VERBS.get(verb, ("messages", ""))[0]
        print(
            f"lukou {verb}: cannot be loaded: {error}\ntry: pip install lukou-{room}, or lukou doctor", file=sys.stderr
        )
        raise SystemExit(FAILED) from None
    _run(app, verb, rest)


def _run(app: Any, verb: str, rest: list[str]) -> None:
    import typer

    command = typer.main.get_command(app)
    command.main(args=rest, prog_name=f"lukou {verb}")


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="lukou.verbs")}


def _list(unknown: str | None) -> None:
    stream = sys.stderr if unknown else sys.stdout
    installed = _entries()
    if unknown in VERBS:
        print(f"lukou {unknown}: {_absence(VERBS[unknown][0])}", file=stream)
    elif unknown:
        print(f"lukou: there is no verb {unknown!r}", file=stream)
    print("usage: lukou VERB …        lukou VERB --help\n", file=stream)
    for verb, (room, purpose) in VERBS.items():
        note = "" if verb in installed else f"   [{_absence(room)}]"
        print(f"  {verb:<10}{purpose}{note}", file=stream)
    for verb in sorted(set(installed) - set(VERBS)):
        print(f"  {verb:<10}(from {installed[verb].value.split(':')[0].split('.')[0]})", file=stream)


def _absence(room: str) -> str:
    """Why a verb of a room is not there."""
    try:
        version(f"lukou-{room}")
    except PackageNotFoundError:
        return f"not installed here; it comes with lukou-{room}: pip install lukou-{room}"
    return "not in this version yet"


if __name__ == "__main__":
    main()
