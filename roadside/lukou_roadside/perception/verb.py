"""``lukou track DIR --input sync|async --out T.csv``: the fusion on recorded measurements."""

from __future__ import annotations

import gzip
import json
import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Literal

import numpy as np
import typer

from lukou_maps.reading import load_map
from lukou_messages.report import plain_errors
from lukou_roadside.perception.list_file import ListFile
from lukou_roadside.perception.recorded import track_folder

app = typer.Typer(add_completion=False)


class Recording(StrEnum):
    """Which recording of a folder."""

    SYNC = "sync"
    ASYNC = "async"


class Kind(StrEnum):
    """Kind of sensor."""

    CAMERAS = "cam"
    RADARS = "rad"


@app.command()
def track(
    folder: Annotated[Path, typer.Argument(help="folder with sensors.json and sync.csv or async.csv (also .gz)")],
    kind: Annotated[Recording, typer.Option("--input", help="one list per frame, or single scans as they arrive")],
    out: Annotated[Path, typer.Option(help="where the tracks go: frame,id,x,y,vx,vy")],
    map_file: Annotated[Path | None, typer.Option("--map", help="map file; --lists needs it")] = None,
    lists: Annotated[
        Path | None, typer.Option(help="where the lists go as a unit would publish them, for lukou warn --objects")
    ] = None,
    covariances: Annotated[
        Path | None, typer.Option(help="where the covariances go, row by row: pxx,pxy,pyy,vxx,vxy,vyy")
    ] = None,
    only: Annotated[Kind | None, typer.Option(help="use the sensors of this kind alone (with --input async)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="figures as one JSON object")] = False,
) -> None:
    """Track recorded measurements of a roadside's sensors."""
    needed = [folder / "sensors.json"]
    missing = [path for path in needed if not path.exists()]
    if missing or not any((folder / f"{kind}.csv{end}").exists() for end in ("", ".gz")):
        print(f"{folder}: expected sensors.json and {kind}.csv or {kind}.csv.gz; name such a folder", file=sys.stderr)
        raise typer.Exit(2)
    if lists is not None and (map_file is None or not map_file.exists()):
        print("lukou track: --lists needs the map that the lanes come from: name it with --map", file=sys.stderr)
        raise typer.Exit(2)
    with nullcontext() if lists is None else _opened(lists) as stream:
        file = None if stream is None or map_file is None else ListFile(stream, load_map(map_file))
        chosen: Literal["cam", "rad"] | None = None if only is None else only.value
        with plain_errors("lukou track --help"):
            tracked = track_folder(folder, kind.value, only=chosen, listed=None if file is None else file.add)
    rows, milliseconds, uncertain, refused = tracked
    np.savetxt(out, rows, "%d,%d,%.3f,%.3f,%.3f,%.3f", header="frame,id,x,y,vx,vy", comments="")
    if covariances is not None:
        np.savetxt(covariances, uncertain, "%.5f", ",", header="pxx,pxy,pyy,vxx,vxy,vyy", comments="")
    p50, p95, p99 = (round(float(np.percentile(milliseconds, q)), 3) for q in (50, 95, 99))
    figures = {
        "schema_version": 1,
        "seed": None,
        "git": None,
        "frames": len(milliseconds),
        "tracks": len(np.unique(rows[:, 1])),
        "frame_ms": {"p50": p50, "p95": p95, "p99": p99},
        "refused": refused,
    }
    for why, count in refused.items():
        print(f"lukou track: {count} rows or scans not used: {why}", file=sys.stderr)
    if as_json:
        print(json.dumps(figures))
    else:
        print(f"{figures['tracks']} tracks in {figures['frames']} frames, {p50} ms of CPU per frame (p99 {p99})")


def _opened(path: Path) -> IO[str]:
    """A file to write lists to; packed if its name ends in ``.gz``."""
    return gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="")
