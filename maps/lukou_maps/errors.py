"""Errors of the maps room.

MapError
└── MapFileError   a file cannot be read as a map at all
"""

from __future__ import annotations


class MapError(Exception):
    """Base of everything that `lukou_maps` raises."""


class MapFileError(MapError):
    """A file cannot be understood as a map; the message names the file, the place and the remedy."""
