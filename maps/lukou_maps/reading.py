"""Reading a map of any known kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lukou_maps.errors import MapFileError
from lukou_maps.lanelet2 import read_lanelet2
from lukou_maps.map_json import read_map_json
from lukou_maps.opendrive import read_opendrive
from lukou_maps.road_model import RoadModel
from lukou_maps.sumo import read_sumo
from lukou_maps.tiles import read_tile_file

READERS: dict[str, Callable[[str | Path], RoadModel]] = {
    ".net.xml": read_sumo,
    ".net.xml.gz": read_sumo,
    ".osm": read_lanelet2,
    ".osm.gz": read_lanelet2,
    ".json": read_map_json,
    ".tiles": read_tile_file,
    ".xodr": read_opendrive,
    ".xodr.gz": read_opendrive,
}
"""Reader of each suffix."""


def load_map(path: str | Path) -> RoadModel:
    """Read a map; the suffix says of which kind it is.

    Parameters
    ----------
    path : path
        Map file.

    Returns
    -------
    RoadModel
        The map.

    Raises
    ------
    MapFileError
        If the suffix is not known, or the file cannot be read as what its suffix says.
    """
    name = Path(path).name
    for suffix, reader in READERS.items():
        if name.endswith(suffix):
            return reader(path)
    raise MapFileError(f"{path}: expected a file ending in {', '.join(READERS)}; rename it or convert it")
