"""What a unit knows of the versions of its map that the centre distributes: which is in force, which are coming, what is broken.

The map that a unit started with stays in force whatever arrives; a newer version is put together beside it, and only a whole
one, with the right hashes, can take its place at the next start.
"""

from __future__ import annotations

from lukou_maps.road_model import RoadModel
from lukou_maps.tiles import TileError, assemble, check_tile, shifted_map
from lukou_messages.v1.map_pb2 import MapTile

MOST_TILES = 20_000
"""Tiles kept of a version that is coming; more is no map of a unit."""


class MapKeeper:
    """Follows the tiles of one map.

    Parameters
    ----------
    model : RoadModel
        The map in force.

    Attributes
    ----------
    newest : RoadModel or None
        The newest whole version that is newer than the one in force.
    """

    def __init__(self, model: RoadModel) -> None:
        self._map_id, self._version = model.map_id, model.version
        self._sha256 = shifted_map(model).content_sha256
        self._coming: dict[tuple[int, bytes], dict[tuple[int, int], MapTile]] = {}
        self._announced = 0
        self._broken: dict[tuple[int, int], str] = {}
        self._differs = False
        self.newest: RoadModel | None = None
        self.newest_tiles: list[MapTile] = []

    def take(self, tile: MapTile) -> None:
        """Note one tile; broken ones are refused and told in `faults` until a whole one comes."""
        reference, place = tile.header.map, (tile.tile_x, tile.tile_y)
        if reference.map_id != self._map_id or reference.version < self._version:
            return
        try:
            check_tile(tile)
        except TileError as error:
            self._broken[place] = str(error)
            return
        self._broken.pop(place, None)
        if reference.version == self._version:
            self._differs = tile.map_sha256 != self._sha256
            return
        if self.newest is not None and reference.version <= self.newest.version:
            return
        self._announced = max(self._announced, reference.version)
        key = (reference.version, bytes(tile.map_sha256))
        for other in [other for other in self._coming if other[0] < self._announced]:
            del self._coming[other]
        tiles = self._coming.setdefault(key, {})
        if len(tiles) < MOST_TILES:
            tiles[place] = tile
        if len(tiles) == tile.tile_count:
            self._put_together(key, list(tiles.values()))

    def _put_together(self, key: tuple[int, bytes], tiles: list[MapTile]) -> None:
        try:
            self.newest = assemble(tiles)
            self.newest_tiles = tiles
        except TileError as error:
            self._broken[0, 0] = str(error)
        del self._coming[key]

    def faults(self) -> list[str]:
        """For health: one sentence per thing that is not as it should be."""
        found = sorted(set(self._broken.values()))
        where = f"map {self._map_id}: version {self._version} is in force"
        if self._differs:
            found.append(
                f"{where}, but the centre distributes another content under this number; give it a new version"
            )
        if self.newest is not None:
            found.append(f"{where}, version {self.newest.version} is here whole; it takes over at the next start")
        elif self._announced:
            tiles = max(
                (len(tiles) for (version, _), tiles in self._coming.items() if version == self._announced), default=0
            )
            total = next((t.tile_count for group in self._coming.values() for t in group.values()), 0)
            found.append(
                f"{where} and stale: version {self._announced} is announced, {tiles} of {total} tiles are here"
            )
        return found
