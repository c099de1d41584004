"""``lukou report``: indicators of an archive or a recording."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lukou_cloud.indicators.indicators import Indicators, Report, severity_word
from lukou_cloud.indicators.reading import Source, found_at
from lukou_messages.errors import SettingsError
from lukou_messages.report import plain_errors, print_json
from lukou_messages.verbs.status import newest_taps

app = typer.Typer(add_completion=False)

PERIODS_S = {"all": 0, "quarter": 900, "hour": 3600, "day": 86_400}
"""Lengths of periods that can be asked for. [s]"""

EARLIEST_YEAR, LATEST_YEAR = 1971, 2200
"""Years that nanoseconds POSIX can tell."""

MOST_EVENTS = 12
"""Kinds of events that the table shows."""


@app.command()
def report(
    path: Annotated[
        Path | None,
        typer.Argument(help="Archive (.sqlite), recording (.mcap), or a folder with one; without: the newest demo's"),
    ] = None,
    begin: Annotated[str, typer.Option("--from", help="Begin, ISO 8601; UTC unless it tells an offset")] = "",
    end: Annotated[str, typer.Option("--to", help="End, exclusive")] = "",
    every: Annotated[str, typer.Option(help="Periods: all, quarter (of an hour), hour, day")] = "all",
    intersection: Annotated[str, typer.Option(help="Only this one; empty: all")] = "",
    table_file: Annotated[Path | None, typer.Option("--csv", help="Table for a spreadsheet")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Delay, stops, waits, view, warnings, near misses, orders and events, by intersection and period."""
    with plain_errors("lukou report --help"):
        if every not in PERIODS_S:
            raise SettingsError([f"--every {every}: expected one of {', '.join(PERIODS_S)}"])
        from_ns, to_ns = _instant("--from", begin, 0), _instant("--to", end, 1 << 62)
        if from_ns >= to_ns:
            raise SettingsError([f"--from {begin} is not before --to {end}"])
        source = Source(found_at(path or newest_taps().parent), from_ns, to_ns)
        made = Report(PERIODS_S[every] * 10**9, intersection)
        with Console(stderr=True).status(f"reading {source.path}"):
            made.add(source.records())
            missing = source.missing()
        if table_file is not None:
            _write_csv(table_file, made)
    if as_json:
        print_json(_plain(source, made, missing))
    elif made.records:
        _print(source, made, missing)
    if not made.records:
        print(f"lukou: {source.path}: no records of that time; see --from and --to", file=sys.stderr)
        raise SystemExit(1)


def _instant(option: str, text: str, default_ns: int) -> int:
    if not text:
        return default_ns
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError([f"{option} {text}: expected a time like 2026-05-31T07:00 or 2026-05-31"]) from None
    told = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    if not EARLIEST_YEAR <= told.year <= LATEST_YEAR:
        raise SettingsError([f"{option} {text}: expected a year from {EARLIEST_YEAR} to {LATEST_YEAR}"])
    return round(told.timestamp()) * 10**9


def _time(at_ns: int | None) -> str | None:
    return None if at_ns is None else datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="seconds")


def _plain(source: Source, made: Report, missing: int | None) -> dict[str, Any]:
    return {
        "source": str(source.path),
        "first_record": _time(made.first_ns),
        "last_record": _time(made.last_ns),
        "total": made.total().plain(),
        "rows": [
            {"period_begins": _time(at_ns or None), "intersection": place or None, **one.plain()}
            for at_ns, place, one in made.rows()
        ],
        "events": [
            {
                "kind": kind,
                "severity": severity_word(one.severity),
                "count": one.count,
                "subjects": dict(one.subjects.most_common()),
                "last": _time(one.last_ns),
                "last_text": one.last_text,
            }
            for kind, one in made.worst_events()
        ],
        "records": dict(sorted(made.records.items())),
        "records_unreadable": made.unreadable,
        "records_missing": missing,
    }


TRAFFIC = ("hours", "vehicles", "delay s", "LOS", "stops", "longest s", "queue", "seen %")
SAFETY = ("imminent", "informative", "near misses", "serious", "orders", "refused")
"""Columns of the two tables, and of the file."""


def _traffic(one: Indicators) -> list[Any]:
    """A row of the first table; None where nothing was measured."""
    plain = one.plain()
    seen = None if not one.seconds else round(100.0 * one.seen_s / one.seconds, 1)
    names = ("vehicles", "delay_s", "level_of_service", "stops_per_vehicle", "longest_wait_s", "mean_queue")
    return [round(plain["hours"], 2), *(plain[name] for name in names), seen]


def _safety(one: Indicators) -> list[Any]:
    """A row of the second table."""
    warned: Counter[str] = Counter()
    for (level, _), count in one.warnings.items():
        warned[level] += count
    near = sum(one.near_misses.values()), one.serious_near_misses
    return [warned["imminent"], warned["informative"], *near, one.commands, one.replies["rejected"]]


def _write_csv(path: Path, made: Report) -> None:
    try:
        with path.open("w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["period_begins", "intersection", *(name.replace(" ", "_") for name in TRAFFIC + SAFETY)])
            for at_ns, place, one in made.rows():
                cells = ["" if cell is None else cell for cell in _traffic(one) + _safety(one)]
                table.writerow([_time(at_ns or None) or "", place, *cells])
    except OSError as error:
        raise SettingsError([f"{path}: cannot be written: {error.strerror}"]) from None


def _print(source: Source, made: Report, missing: int | None) -> None:
    console = Console(highlight=False, markup=False)
    times = " to ".join(_time(at_ns) or "–" for at_ns in (made.first_ns, made.last_ns))
    console.print(f"{source.path}\n{times}", soft_wrap=True)
    _print_rows(console, made, TRAFFIC, _traffic)
    _print_rows(console, made, SAFETY, _safety)
    whole = made.total().plain()
    counts = {f"{level} warnings": kinds for level, kinds in whole["warnings"].items()}
    for name, told in {**counts, "near misses": whole["near_misses"], "refused orders": whole["refusals"]}.items():
        if told:
            console.print(f"{name}: {_listed(told)}")
    found = made.worst_events()
    for kind, one in found[:MOST_EVENTS]:
        others = f" and {len(one.subjects) - 1} more" if len(one.subjects) > 1 else ""
        at = datetime.fromtimestamp(one.last_ns / 1e9, UTC)
        console.print(
            f"{severity_word(one.severity):7s} {one.count:5d} {kind}, {one.subjects.most_common(1)[0][0]}{others},"
            f" last {at:%m-%d %H:%M:%S}: {one.last_text}",
            no_wrap=True,
            overflow="ellipsis",
        )
    if len(found) > MOST_EVENTS:
        console.print(f"and {len(found) - MOST_EVENTS} more kinds of events; --json has all")
    trouble = [f"{made.unreadable} unreadable"] * bool(made.unreadable) + [f"{missing} missing"] * bool(missing)
    console.print(", ".join([f"{sum(made.records.values())} records", *trouble]))


def _print_rows(
    console: Console, made: Report, columns: tuple[str, ...], cells: Callable[[Indicators], list[Any]]
) -> None:
    has_periods = any(at_ns for at_ns, _, _ in made.rows())
    table = Table(box=None)
    for name in [*(["from"] * has_periods), "at"]:
        table.add_column(name, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right")
    rows = [(at_ns, place or "(none)", one) for at_ns, place, one in made.rows()]
    if len(rows) > 1:
        rows.append((0, "all", made.total()))
    for at_ns, place, one in rows:
        begins = f"{datetime.fromtimestamp(at_ns / 1e9, UTC):%m-%d %H:%M}" if at_ns else ""
        table.add_row(*([begins] * has_periods), place, *("–" if cell is None else str(cell) for cell in cells(one)))
    console.print(table)


def _listed(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in ordered)
