"""``lukou site KIND --out DIR``: a folder with streets, a day of demand and lawful signals, to time signals on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.report import WRONG_USAGE, plain_errors, print_json

app = typer.Typer(add_completion=False)


@app.command()
def site(
    kind: Annotated[str, typer.Argument(help="district, tee, arterial or mixed")],
    out: Annotated[Path, typer.Option(help="Folder to write; made if it is not there")],
    period: Annotated[float, typer.Option(help="Length of each of the day's five parts, whole minutes [s]")] = 900.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Make a site for `lukou bench signals`: its fixed plans are searched by simulation, which takes minutes."""
    from lukou_sim.sites.kinds import KINDS
    from lukou_sim.sites.make import make_site

    def tell(text: str) -> None:
        print(f"{kind}: {text}", file=sys.stderr, flush=True)

    with plain_errors("lukou site --help", WRONG_USAGE):
        if kind not in KINDS:
            raise SettingsError([f"{kind}: no such kind of site; one of {', '.join(KINDS)}"])
        if period < 60 or period % 60 or period > 17280:
            raise SettingsError([f"--period {period:g}: whole minutes from 60 s, five of them within a day"])
        made = make_site(kind, out, tell, period)
    figures = {"scenario": str(made), **json.loads((out / "site.json").read_text())}
    if as_json:
        print_json(figures)
        return
    print(f"{made}; time its signals with `lukou bench signals {out}`")
