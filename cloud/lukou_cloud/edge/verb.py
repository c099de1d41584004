"""``lukou warn``: warnings on recorded trajectories."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from lukou_cloud.edge.recorded import warn_recorded
from lukou_maps.errors import MapError

app = typer.Typer(add_completion=False)


@app.command()
def warn(
    map_file: Annotated[Path, typer.Option("--map", help="map file")],
    objects: Annotated[list[Path], typer.Option(help="trajectories: fcd.csv.gz, vru.csv.gz; repeatable")],
    out: Annotated[Path, typer.Option(help="where the warnings go: t_first,t_last,kind,id_a,id_b,lane")],
    signals: Annotated[Path | None, typer.Option(help="signal states: t,tls,state")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="figures as one JSON object")] = False,
) -> None:
    """Warn of collisions and red lights on recorded trajectories."""
    absent = [str(path) for path in (map_file, *objects, *([signals] if signals else [])) if not path.exists()]
    if absent:
        print(f"lukou warn: there is no {', '.join(absent)}; name files that exist", file=sys.stderr)
        raise typer.Exit(2)
    try:
        warnings, milliseconds, counts = warn_recorded(map_file, objects, signals)
    except (MapError, KeyError, ValueError) as error:
        print(f"lukou warn: {error}; expected files as `lukou warn --help` names them", file=sys.stderr)
        raise typer.Exit(1) from None
    with out.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["t_first", "t_last", "kind", "id_a", "id_b", "lane"])
        for one in warnings:
            table.writerow([f"{one.t_first:.1f}", f"{one.t_last:.1f}", one.kind, one.id_a, one.id_b, one.lane])
    p50, p95, p99 = (round(float(np.percentile(milliseconds, q)), 3) for q in (50, 95, 99))
    figures = {
        "schema_version": 1,
        "seed": None,
        "git": None,
        "steps": len(milliseconds),
        "warnings": len(warnings),
        "road_users_mean": round(float(np.mean(counts)), 1),
        "step_ms": {"p50": p50, "p95": p95, "p99": p99},
    }
    if as_json:
        print(json.dumps(figures))
    else:
        print(f"{len(warnings)} warnings in {len(milliseconds)} steps, {p50} ms of CPU per step (p99 {p99})")
