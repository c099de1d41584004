"""Reading a map of any known kind."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from lukou_maps.errors import MapFileError
from lukou_maps.road_model import RoadModel

READERS = {
    ".net.xml": ("lukou_maps.sumo", "read_sumo"),
    ".net.xml.gz": ("lukou_maps.sumo", "read_sumo"),
    ".osm": ("lukou_maps.lanelet2", "read_lanelet2"),
    ".osm.gz": ("lukou_maps.lanelet2", "read_lanelet2"),
    ".json": ("lukou_maps.map_json", "read_map_json"),
    ".tiles": ("lukou_maps.tiles", "read_tile_file"),
    ".xodr": ("lukou_maps.opendrive", "read_opendrive"),
    ".xodr.gz": ("lukou_maps.opendrive", "read_opendrive"),
}
"""Module and reader of each suffix; imported when needed, for a process reads one kind and should be back soon after a fall."""


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
    for suffix, (module, reader) in READERS.items():
        if name.endswith(suffix):
            model: RoadModel = getattr(import_module(module), reader)(path)
            return model
    raise MapFileError(f"{path}: expected a file ending in {', '.join(READERS)}; rename it or convert it")
