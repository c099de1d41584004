"""Maps as versioned tiles: squares of 500 m, each a protobuf message with its hash, and the map made of them again."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from lukou_maps.assembly import line_columns, near_origin
from lukou_maps.errors import MapError, MapFileError
from lukou_maps.ragged import Ints
from lukou_maps.road_model import MapFrame, RoadModel
from lukou_maps.tables import Lanes, Table
from lukou_maps.tile_columns import read, write
from lukou_messages.v1.header_pb2 import Header, MapReference
from lukou_messages.v1.map_pb2 import MapContent, MapTile, MapTiles

TILE_M = 500.0
"""Side of a tile. [m]"""

LARGEST_BYTES = 64 << 20
"""Content of a tile that is larger is refused."""

TABLES = (
    "lanes",
    "connections",
    "stop_lines",
    "crosswalks",
    "junctions",
    "priorities",
    "markings",
    "speed_limits",
    "lane_functions",
    "two_stage_turns",
    "bus_stops",
    "regulations",
)
"""Tables of a road model, named as the fields of ``MapContent``."""


class TileError(MapError):
    """A tile, or a set of tiles, is no map; the message says which and why."""


def make_tiles(model: RoadModel, size_m: float = TILE_M) -> list[MapTile]:
    """Cut a map into tiles.

    Parameters
    ----------
    model : RoadModel
        Map; brought within 50 km of its origin first (see `shifted_map`), and to whole millimetres.
    size_m : float
        Side of the tiles. [m]

    Returns
    -------
    list of MapTile
        In order of column and row; headers hold the map's reference only.
    """
    model = shifted_map(model)
    column, row = tile_of(model.lanes, size_m)
    keys = column * (1 << 24) + row
    places = np.unique(keys)
    of_lane = np.searchsorted(places, keys)
    members = _members(model, of_lane, places, size_m)
    reference = MapReference(map_id=model.map_id, version=model.version, content_hash=model.content_hash)
    tiles = []
    for number in range(len(places)):
        first = int(np.flatnonzero(of_lane == number)[0])
        corner = (int(column[first] * size_m * 1000), int(row[first] * size_m * 1000))
        content = MapContent()
        _georeference(content, model.frame)
        for name in TABLES:
            rows = np.flatnonzero(members[name] == number)
            if len(rows):
                write(getattr(model, name), rows, corner, getattr(content, name))
        _names(content, model, is_first=number == 0)
        payload = zlib.compress(content.SerializeToString(deterministic=True), 6)
        tiles.append(
            MapTile(
                header=Header(map=reference),
                tile_x=int(column[first]),
                tile_y=int(row[first]),
                size_m=size_m,
                content=payload,
                content_sha256=hashlib.sha256(payload).digest(),
                map_sha256=model.content_sha256,
                tile_count=len(places),
            )
        )
    return tiles


def tile_of(lanes: Lanes, size_m: float) -> tuple[Ints, Ints]:
    """Column and row of the tile in which each lane begins."""
    first = lanes.point_start[:-1]
    return np.floor(lanes.x_m[first] / size_m).astype(np.int64), np.floor(lanes.y_m[first] / size_m).astype(np.int64)


def _members(model: RoadModel, of_lane: Ints, places: Ints, size_m: float) -> dict[str, Ints]:
    """Tile of each row of each table: its lane's, or the one nearest to its place."""
    junctions = model.junctions
    keys = np.floor(junctions.x_m / size_m).astype(np.int64) * (1 << 24) + np.floor(junctions.y_m / size_m).astype(
        np.int64
    )
    of_connection = of_lane[model.connections.from_lane]
    regulations = model.regulations
    first = np.zeros(len(regulations), np.int64)
    some = np.diff(regulations.lanes.start) > 0
    first[some] = of_lane[regulations.lanes.values[regulations.lanes.start[:-1][some]]]
    return {
        "lanes": of_lane,
        "connections": of_connection,
        "stop_lines": of_lane[model.stop_lines.lane],
        "crosswalks": of_lane[model.crosswalks.lane],
        "junctions": np.minimum(np.searchsorted(places, keys), len(places) - 1),
        "priorities": of_lane[model.priorities.lane],
        "markings": of_lane[model.markings.lane],
        "speed_limits": of_lane[model.speed_limits.lane],
        "lane_functions": of_lane[model.lane_functions.lane],
        "two_stage_turns": of_connection[model.two_stage_turns.first_connection],
        "bus_stops": of_lane[model.bus_stops.lane],
        "regulations": first,
    }


def _georeference(content: MapContent, frame: MapFrame) -> None:
    for field in fields(frame):
        setattr(content.georeference, field.name, getattr(frame, field.name))


def _names(content: MapContent, model: RoadModel, is_first: bool) -> None:
    """Names of the intersections and groups that a tile's elements use; the first tile holds those that none uses too."""
    for field, column, names, everywhere in (
        (
            "intersections",
            "intersection_delta",
            model.intersections,
            (model.connections.intersection, model.crosswalks.intersection),
        ),
        (
            "signal_groups",
            "signal_group_delta",
            model.signal_groups,
            (model.connections.signal_group, model.crosswalks.signal_group, model.stop_lines.permitting_groups.values),
        ),
    ):
        used = {
            int(k)
            for table in (content.connections, content.crosswalks)
            for k in np.cumsum(np.array(getattr(table, column), np.int64))
            if k >= 0
        }
        if field == "signal_groups":
            used |= set(np.cumsum(np.array(content.stop_lines.permitting_groups_delta, np.int64)).tolist())
        if is_first:
            used |= set(range(len(names))) - set(np.concatenate(everywhere).tolist())
        numbers = np.array(sorted(used), np.int64)
        target = getattr(content, field)
        target.number_delta.extend(np.diff(numbers, prepend=0).tolist())
        target.names.extend([names[k] for k in numbers])


def check_tile(tile: MapTile) -> None:
    """Raise TileError if a tile is broken: wrong hash, too large, or an impossible size."""
    where = f"tile ({tile.tile_x}, {tile.tile_y}) of map {tile.header.map.map_id} version {tile.header.map.version}"
    if len(tile.content) > LARGEST_BYTES:
        raise TileError(f"{where}: {len(tile.content)} bytes, more than {LARGEST_BYTES}")
    if hashlib.sha256(tile.content).digest() != tile.content_sha256:
        raise TileError(f"{where}: its content does not have the hash that it names")
    if not 1.0 <= tile.size_m <= 100_000.0 or not 0 < tile.tile_count <= 1_000_000:
        raise TileError(f"{where}: side {tile.size_m:g} m, {tile.tile_count} tiles: impossible")


def assemble(tiles: Sequence[MapTile]) -> RoadModel:
    """The map that tiles make.

    Parameters
    ----------
    tiles : sequence of MapTile
        All tiles of one version, in any order.

    Raises
    ------
    TileError
        If one is broken, some are missing or of another version, or the map does not have the hash that they name.
    """
    if not tiles:
        raise TileError("expected at least one tile, found none")
    reference, whole = tiles[0].header.map, tiles[0].map_sha256
    where = f"map {reference.map_id} version {reference.version}"
    parts: list[tuple[tuple[int, int], MapContent]] = []
    for tile in sorted(tiles, key=lambda one: (one.tile_x, one.tile_y)):
        check_tile(tile)
        if tile.map_sha256 != whole or tile.header.map.version != reference.version:
            raise TileError(f"{where}: tile ({tile.tile_x}, {tile.tile_y}) is of another version")
        content = MapContent()
        try:
            expander = zlib.decompressobj()
            content.ParseFromString(expander.decompress(tile.content, LARGEST_BYTES))
            if expander.unconsumed_tail:
                raise TileError(
                    f"{where}: tile ({tile.tile_x}, {tile.tile_y}) expands to more than {LARGEST_BYTES} bytes"
                )
        except (DecodeError, zlib.error) as error:
            raise TileError(f"{where}: tile ({tile.tile_x}, {tile.tile_y}): {error}") from error
        size_mm = tile.size_m * 1000.0
        parts.append(((int(tile.tile_x * size_mm), int(tile.tile_y * size_mm)), content))
    if len(parts) != tiles[0].tile_count:
        raise TileError(f"{where}: expected {tiles[0].tile_count} tiles, found {len(parts)}")
    try:
        model = _model(reference, parts)
    except (ValueError, IndexError, OverflowError) as error:
        raise TileError(f"{where}: {error}") from error
    if model.content_sha256 != whole:
        raise TileError(f"{where}: the map made of the tiles does not have the hash that they name")
    return model


def _model(reference: MapReference, parts: list[tuple[tuple[int, int], MapContent]]) -> RoadModel:
    tables: dict[str, Any] = {}
    for field in fields(RoadModel):
        if field.name in TABLES:
            kind = _table_type(field.name)
            tables[field.name] = read(kind, [(corner, getattr(content, field.name)) for corner, content in parts])
    lanes = tables["lanes"]
    points = np.column_stack([lanes.x_m, lanes.y_m, lanes.z_m])
    columns = line_columns(points, np.column_stack([lanes.across_x_m, lanes.across_y_m]), lanes.point_start)
    tables["lanes"] = replace(lanes, **{name: columns[name] for name in Lanes.DERIVED})
    first = parts[0][1].georeference
    frame = MapFrame(**{field.name: getattr(first, field.name) for field in fields(MapFrame)})
    return RoadModel(
        map_id=reference.map_id,
        version=reference.version,
        frame=frame,
        intersections=_named(parts, "intersections"),
        signal_groups=_named(parts, "signal_groups"),
        **tables,
    )


def _table_type(name: str) -> type[Table]:
    from lukou_maps import furniture, tables

    title = "".join(word.capitalize() for word in name.split("_"))
    return getattr(tables, title, None) or getattr(furniture, title)  # type: ignore[no-any-return]


def _named(parts: list[tuple[tuple[int, int], MapContent]], field: str) -> tuple[str, ...]:
    found: dict[int, str] = {}
    for _, content in parts:
        names = getattr(content, field)
        numbers = np.cumsum(np.array(names.number_delta, np.int64)).tolist()
        found.update(zip(numbers, names.names, strict=True))
    if sorted(found) != list(range(len(found))):
        raise ValueError(f"{field}: names are missing")
    return tuple(found[k] for k in range(len(found)))


def shifted_map(model: RoadModel) -> RoadModel:
    """The same map within 50 km of its origin, so that single precision keeps millimetres (DESIGN §4)."""
    dx, dy = near_origin(model.lanes)
    if dx == 0.0 and dy == 0.0:
        return model
    tables = {}
    for name in ("lanes", "stop_lines", "crosswalks", "junctions", "two_stage_turns", "regulations"):
        table = getattr(model, name)
        moved = {}
        for field in fields(table):
            if str(field.type) == "Floats" and "across" not in field.name and field.name.endswith(("x_m", "y_m")):
                moved[field.name] = getattr(table, field.name) + (dx if field.name.endswith("x_m") else dy)
        tables[name] = replace(table, **moved)
    frame = replace(model.frame, offset_x_m=model.frame.offset_x_m + dx, offset_y_m=model.frame.offset_y_m + dy)
    return replace(model, frame=frame, **tables)


def save_tiles(tiles: Sequence[MapTile], path: str | Path) -> None:
    """Write tiles into one file (``.tiles``)."""
    Path(path).write_bytes(MapTiles(tiles=tiles).SerializeToString(deterministic=True))


def read_tile_file(path: str | Path) -> RoadModel:
    """Read a map from a file of tiles.

    Raises
    ------
    MapFileError
        If the file cannot be read, or its tiles make no whole map.
    """
    path = Path(path)
    tiles = MapTiles()
    try:
        tiles.ParseFromString(path.read_bytes())
        return assemble(tiles.tiles)
    except (OSError, DecodeError, TileError) as error:
        raise MapFileError(f"{path}: {error}; write it again with `lukou map convert`") from error
