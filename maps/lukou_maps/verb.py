"""``lukou map``: looking at maps, converting them, and matching points to them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lukou_maps.road_model import RoadModel

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Look at maps, convert them, match points to them.")

MapFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="map: .net.xml, .xodr, .osm (Lanelet2), .json (MAP), .tiles; also .gz")
]
Json = Annotated[bool, typer.Option("--json", help="one JSON object")]
Supplement = Annotated[Path | None, typer.Option(help="TOML file with what the format cannot hold (docs/maps.md)")]


@contextmanager
def _refusals(verb: str) -> Iterator[None]:
    """Errors of the maps room, and of files that are no text or no table, as one sentence and exit 1."""
    import csv

    from lukou_maps.errors import MapError

    try:
        yield
    except (MapError, OSError) as error:
        print(f"lukou map {verb}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except (UnicodeError, EOFError, csv.Error) as error:
        print(f"lukou map {verb}: {error}; the points must be a CSV text, whole if packed (.gz)", file=sys.stderr)
        raise typer.Exit(1) from None


def _load(path: Path, verb: str, supplement: Path | None = None) -> RoadModel:
    from lukou_maps.reading import load_map
    from lukou_maps.supplement import supplemented

    if not path.exists():
        print(f"lukou map {verb}: there is no {path}; name a file that exists", file=sys.stderr)
        raise typer.Exit(2)
    with _refusals(verb):
        model = load_map(path)
        return supplemented(model, supplement) if supplement else model


@app.command()
def info(file: MapFile, as_json: Json = False) -> None:
    """What a map holds."""
    from lukou_maps.information import facts
    from lukou_messages.report import print_json

    found = facts(_load(file, "info"))
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name == "remarks":
            print(f"{'remarks':<28}{len(value)}")
            for text in value[:20]:
                print(f"    {text}")
        else:
            print(f"{name:<28}{value}")


@app.command()
def check(file: MapFile, as_json: Json = False, supplement: Supplement = None) -> None:
    """What a map lacks for Lukou's jobs, and what was odd in its file."""
    from lukou_maps.check import shortcomings
    from lukou_messages.report import print_json

    found = shortcomings(_load(file, "check", supplement))
    if as_json:
        print_json({"map": str(file), "shortcomings": list(found)})
        return
    for text in found:
        print(text)
    print(f"{len(found)} shortcomings" if found else "the map lacks nothing")


@app.command()
def convert(
    file: MapFile,
    out: Annotated[Path, typer.Option(help="where the tiles go: .tiles")],
    map_id: Annotated[str, typer.Option("--id", help="identity of the map; else the file's name")] = "",
    version: Annotated[int, typer.Option(min=1, help="version, counted from 1")] = 1,
    supplement: Supplement = None,
    signals: Annotated[
        list[Path] | None, typer.Option(help="signal configuration (JSON) of an intersection; repeatable")
    ] = None,
    as_json: Json = False,
) -> None:
    """Convert any map into Lukou's tiles."""
    from dataclasses import replace

    from lukou_maps.signal_configuration import SignalConfigurationError, load
    from lukou_maps.tiles import make_tiles, save_tiles
    from lukou_messages.report import print_json

    if out.suffix != ".tiles":
        print(f"lukou map convert: --out {out}: expected a name that ends in .tiles", file=sys.stderr)
        raise typer.Exit(2)
    model = _load(file, "convert", supplement)
    try:
        model = model.with_signals([load(path) for path in signals or ()])
    except (SignalConfigurationError, OSError) as error:
        print(f"lukou map convert: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    model = replace(model, map_id=map_id or model.map_id, version=version)
    with _refusals("convert"):
        tiles = make_tiles(model)
        save_tiles(tiles, out)
    size = sum(len(tile.content) for tile in tiles)
    found: dict[str, Any] = {
        "map": model.map_id,
        "version": model.version,
        "tiles": len(tiles),
        "mean_tile_kb": round(size / len(tiles) / 1000.0, 2),
        "content_sha256": tiles[0].map_sha256.hex(),
        "remarks": len(model.remarks),
    }
    if as_json:
        print_json(found)
    else:
        print(
            f"{out}: {len(tiles)} tiles of {found['mean_tile_kb']} kB on average, {len(model.remarks)} remarks on the source"
        )


@app.command()
def match(
    file: MapFile,
    points: Annotated[Path, typer.Option(help="CSV t,id,x,y[,heading,class]; lon,lat may stand for x,y")],
    out: Annotated[Path, typer.Option(help="CSV t,id,lane,s,d,probability, best first where several")],
    tracked: Annotated[bool, typer.Option("--tracked", help="follow each id along the lane graph")] = False,
    as_json: Json = False,
) -> None:
    """Find the lane of every point."""
    from lukou_maps.points_file import match_points, read_points, write_matches
    from lukou_messages.report import print_json

    model = _load(file, "match")
    with _refusals("match"):
        table = read_points(points, model)
        order, found = match_points(model, table, tracked)
        matched = write_matches(out, model, table, order, found)
    figures = {"points": len(order), "matched": matched, "tracked": tracked}
    if as_json:
        print_json(figures)
    else:
        print(f"{out}: {matched} of {len(order)} points are on a lane")


@app.command()
def locate(
    file: MapFile,
    points: Annotated[Path, typer.Option(help="CSV kind,road,s,lane,t")],
    out: Annotated[Path, typer.Option(help="the same with x,y,z,heading")],
    as_json: Json = False,
) -> None:
    """Find where places on roads and lanes lie."""
    from lukou_maps.locating import locate as located
    from lukou_messages.report import print_json

    if not file.exists() or not points.exists():
        absent = file if not file.exists() else points
        print(f"lukou map locate: there is no {absent}; name a file that exists", file=sys.stderr)
        raise typer.Exit(2)
    with _refusals("locate"):
        written, unknown = located(file, points, out)
    if as_json:
        print_json({"points": written, "unknown": unknown})
    else:
        print(f"{out}: {written - unknown} of {written} places found")


@app.command()
def show(
    file: MapFile,
    out: Annotated[Path | None, typer.Option(help="GeoJSON for QGIS; - for stdout; default FILE.geojson")] = None,
    picture: Annotated[Path | None, typer.Option(help="picture (.svg); default FILE.svg")] = None,
    supplement: Supplement = None,
) -> None:
    """Write a map as GeoJSON and as a picture."""
    import json

    from lukou_maps.showing import geojson
    from lukou_maps.showing import picture as drawn

    model = _load(file, "show", supplement)
    with _refusals("show"):
        text = json.dumps(geojson(model), separators=(",", ":"), allow_nan=False)
    if out is not None and str(out) == "-":
        print(text)
        return
    stem = file.name.split(".")[0]
    out, picture = out or Path(f"{stem}.geojson"), picture or Path(f"{stem}.svg")
    with _refusals("show"):
        out.write_text(text)
        picture.write_text(drawn(model))
    print(f"{out} (GeoJSON), {picture} (picture)")
