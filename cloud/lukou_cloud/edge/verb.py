"""``lukou warn``: warnings on recorded trajectories, and one warning explained."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from lukou_cloud.edge.explain import (
    RUN_FILE,
    ExplanationError,
    all_of,
    find,
    picture,
    replayed,
    replayed_all,
    text,
    write_run,
)
from lukou_cloud.edge.recorded_run import Run, warn_recorded
from lukou_cloud.edge.settings import JudgeSettings, read_judge_settings
from lukou_cloud.near_misses import COLUMNS, points, table_rows
from lukou_cloud.web.geometry import to_longitude_latitude
from lukou_maps.errors import MapError
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_messages.report import git_revision, print_json

LEAST_ON_LANES = 0.1
"""Where a smaller share of the vehicles drives on lanes of the map, it is hardly their map."""

app = typer.Typer(add_completion=False)


@app.command()
def warn(
    map_file: Annotated[Path | None, typer.Option("--map", help="map file")] = None,
    objects: Annotated[list[Path] | None, typer.Option(help="trajectories: fcd.csv.gz, vru.csv.gz; repeatable")] = None,
    out: Annotated[Path | None, typer.Option(help="where the warnings go: t_first,t_last,kind,id_a,id_b,lane")] = None,
    signals: Annotated[Path | None, typer.Option(help="signal states: t,tls,state")] = None,
    settings: Annotated[Path | None, typer.Option(help="thresholds as TOML, or a site file")] = None,
    near_misses: Annotated[
        Path | None, typer.Option(help="where encounters that came close go, .csv or .geojson")
    ] = None,
    run: Annotated[Path | None, typer.Option(help="folder of what explains the warnings")] = None,
    explain: Annotated[
        str | None, typer.Option(help="one warning of --run (or of a demo's archive there), or all")
    ] = None,
    replay: Annotated[bool, typer.Option(help="with --explain: run the recording again, and compare")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="figures as one JSON object")] = False,
) -> None:
    """Warn of collisions and red lights on recorded trajectories, or explain one warning of such a run."""
    if explain is not None:
        _explain(run, explain, map_file, replay)
        return
    if replay:
        print("lukou warn: --replay runs one warning again: name it with --explain ID", file=sys.stderr)
        raise typer.Exit(2)
    if map_file is None or not objects or out is None:
        print("lukou warn: --map, --objects and --out are needed (or --explain ID --run DIR)", file=sys.stderr)
        raise typer.Exit(2)
    told = (map_file, *objects, *(path for path in (signals, settings) if path is not None))
    absent = [str(path) for path in told if not path.exists()]
    if absent:
        print(f"lukou warn: there is no {', '.join(absent)}; name files that exist", file=sys.stderr)
        raise typer.Exit(2)
    try:
        chosen = read_judge_settings(settings) if settings is not None else JudgeSettings()
        model = load_map(map_file)
        done = warn_recorded(model, objects, signals, chosen)
        _write_warnings(out, done)
        if near_misses is not None:
            _write_near_misses(near_misses, done, model)
    except (MapError, KeyError, ValueError) as error:
        print(f"lukou warn: {error}; expected files as `lukou warn --help` names them", file=sys.stderr)
        raise typer.Exit(1) from None
    if run is not None:
        about: dict[str, Any] = {"map": str(map_file.resolve()), "objects": [str(path.resolve()) for path in objects]}
        about["signals"] = str(signals.resolve()) if signals else None
        write_run(run, done, {**about, "settings": chosen.model_dump(), "git": git_revision()})
    _report(done, as_json)


def _write_warnings(out: Path, done: Run) -> None:
    with out.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["t_first", "t_last", "kind", "id_a", "id_b", "lane"])
        for one in done.warnings:
            table.writerow([f"{one.t_first:.1f}", f"{one.t_last:.1f}", one.kind, one.id_a, one.id_b, one.lane])


def _write_near_misses(out: Path, done: Run, model: RoadModel) -> None:
    """As CSV or, where the name ends so, as GeoJSON; identities are those of the recording, times its seconds."""
    to_wgs84 = to_longitude_latitude(model)
    rows = table_rows([one for one, _, _ in done.near_misses], to_wgs84)
    told: list[dict[str, Any]] = []
    for row, (one, a, b) in zip(rows, done.near_misses, strict=True):
        told.append({**row, "first_id": a, "second_id": b, "t_s": round(one.at_ns * 1e-9, 2)})
    columns = ["t_s", *COLUMNS[1:]]
    told = [{name: row[name] for name in columns} for row in told]
    if out.suffix != ".geojson":
        with out.open("w", newline="") as stream:
            table = csv.DictWriter(stream, columns)
            table.writeheader()
            table.writerows({name: "" if value is None else value for name, value in row.items()} for row in told)
        return
    if to_wgs84 is None:
        raise ValueError("the map has no georeference, GeoJSON needs one; write near misses as .csv")
    out.write_text(json.dumps(points(told)) + "\n")


def _report(done: Run, as_json: bool) -> None:
    if done.on_lanes_share < LEAST_ON_LANES:
        told = f"only {100 * done.on_lanes_share:.0f} % of the vehicles are on a lane of the map"
        print(
            f"lukou warn: {told}; name the map in whose coordinates they were recorded (`lukou map convert` moves the origin)",
            file=sys.stderr,
        )
    spent, users = np.array(done.milliseconds or [np.nan]), np.array(done.road_users or [0])

    def percentiles(rows: np.ndarray) -> dict[str, float]:
        return {f"p{q}": round(float(np.percentile(rows, q)), 3) for q in (50, 95, 99)}

    bins = {f"{low}_{high}": (users >= low) & (users < high) for low, high in ((25, 36), (90, 111), (185, 216))}
    figures = {
        "steps": len(done.milliseconds),
        "warnings": len(done.warnings),
        "near_misses": len(done.near_misses),
        "road_users_mean": round(float(users.mean()), 1),
        "on_lanes_share": round(done.on_lanes_share, 3),
        "required_probability": {name: round(value, 3) for name, value in done.required._asdict().items()},
        "step_ms": percentiles(spent),
        "step_ms_by_road_users": {
            name: percentiles(spent[rows]) if rows.any() else None for name, rows in bins.items()
        },
    }
    if as_json:
        print_json(figures)
    else:
        p50, _, p99 = percentiles(spent).values()
        print(f"{len(done.warnings)} warnings in {len(spent)} steps, {p50} ms of CPU per step (p99 {p99})")


def _explain(folder: Path | None, identity: str, map_file: Path | None, replay: bool) -> None:
    if folder is None or not folder.is_dir():
        print(f"lukou warn: --explain needs --run with a folder, found {folder}", file=sys.stderr)
        raise typer.Exit(2)
    if identity == "all":
        _replay_all(folder, replay)
        return
    try:
        one = find(folder, identity)
    except ExplanationError as error:
        print(f"lukou warn: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(text(one))
    if replay:
        _replay(folder, identity)
    about = folder / RUN_FILE
    told = map_file or (Path(json.loads(about.read_text())["map"]) if about.exists() else None)
    if told is None or not told.exists():
        print("picture: none, the map is not known; name it with --map", file=sys.stderr)
        return
    drawn = folder / f"{identity.replace('/', '-')}.svg"
    drawn.write_text(picture(one, load_map(told)))
    print(f"picture: {drawn}")


def _replay_all(folder: Path, replay: bool) -> None:
    """Every warning of a run in words or, replayed, whether it comes out the same."""
    try:
        if not replay:
            print("\n\n".join(text(one) for one in all_of(folder)))
            return
        found = replayed_all(folder)
    except (ExplanationError, MapError) as error:
        print(f"lukou warn: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    for identity, different in found.items():
        if different:
            print(f"{identity}: different in {', '.join(different)}")
    wrong = sum(bool(different) for different in found.values())
    print(f"replayed: {len(found) - wrong} of {len(found)} warnings are the same")
    if wrong:
        raise typer.Exit(1)


def _replay(folder: Path, identity: str) -> None:
    try:
        different = replayed(folder, identity)
    except (ExplanationError, MapError) as error:
        print(f"lukou warn: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if different:
        print(f"replayed: different in {', '.join(different)}")
        raise typer.Exit(1)
    print("replayed: the same warning")
