"""``lukou check site.toml``: every resolved value, where it came from, and everything that is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.report import FAILED, complain, print_json
from lukou_messages.security import KeyPair, Register
from lukou_messages.site import PROCESSES, load_site, load_spec, resolved

app = typer.Typer(add_completion=False)


@app.command()
def check(
    site: Annotated[Path, typer.Argument(help="Site file (TOML)")],
    overrides: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, over the site file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Check a site file and print what each process would run with."""
    problems: list[str] = []
    unchecked: list[str] = []
    values: list[Any] = []
    try:
        loaded = load_site(site.resolve(), overrides or [])
    except SettingsError as error:
        problems += error.problems
        loaded = None
    if loaded is not None:
        os.chdir(loaded.path.parent)
        for process in PROCESSES:
            if process not in loaded.data and process not in loaded.data.get("links", {}):
                continue
            try:
                spec = load_spec(process)
            except SettingsError as error:
                unchecked.append(f"[{process}] not checked: {error}")
                continue
            try:
                values += resolved(loaded, spec)
                links = loaded.links(process)
                if links.secret_key is not None:
                    KeyPair.load(links.secret_key)
                if links.register_file is not None:
                    Register.load(links.register_file)
            except SettingsError as error:
                problems += error.problems
    if as_json:
        print_json(
            {
                "problems": problems,
                "not_checked": unchecked,
                "values": [{"name": v.name, "value": v.value, "origin": v.origin} for v in values],
            }
        )
    else:
        _print(values, unchecked, problems)
    if problems:
        raise SystemExit(FAILED)


def _print(values: list[Any], unchecked: list[str], problems: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("setting", "value", "from", box=None)
    for one in values:
        text = str(one.value)
        table.add_row(one.name, text if len(text) < 100 else text[:97] + "…", one.origin)
    console.print(table)
    for line in unchecked:
        console.print(line, markup=False)
    for line in problems:
        complain(SettingsError([line]))
    if not problems:
        console.print("good: no problem found")
