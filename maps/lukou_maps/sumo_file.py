"""What stands in a SUMO network, element by element, as lists of texts; `lukou_maps.sumo` makes columns of them.

One pass of the expat parser without a tree: a network of 36,000 lanes has 200,000 elements.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import IO, Any, NamedTuple
from xml.parsers import expat

from lukou_maps.errors import MapFileError
from lukou_maps.vocabulary import LaneKind

CHUNK = 1 << 20
"""Bytes parsed at a time."""

KINDS = {"internal": LaneKind.JUNCTION, "crossing": LaneKind.CROSSWALK, "walkingarea": LaneKind.WALKING_AREA}
Attributes = dict[str, str]


class EdgeRow(NamedTuple):
    """An ``<edge>``."""

    name: str
    kind: LaneKind
    junction: str
    shape: str
    crossing_edges: str


class LaneRow(NamedTuple):
    """A ``<lane>``: number of its edge, and its attributes as texts, None where absent."""

    edge: int
    name: str
    number: str
    shape: str
    speed: str | None
    width: str | None
    allow: str | None
    disallow: str | None
    change_left: str | None
    change_right: str | None
    outline: str


class ConnectionRow(NamedTuple):
    """A ``<connection>``: its attributes as texts, None where absent."""

    from_edge: str
    from_lane: str
    to_edge: str
    to_lane: str
    via: str | None
    signal: str | None
    link: str | None
    direction: str

    @property
    def name(self) -> str:
        """How remarks call it."""
        return f"connection {self.from_edge} -> {self.to_edge}"


class RequestRow(NamedTuple):
    """A ``<request>`` of a junction."""

    number: str
    foes: str
    response: str


@dataclass
class SumoFile:
    """Elements in the order of the file.

    Attributes
    ----------
    location : dict
        Attributes of ``<location>``.
    lefthand : bool
        Whether traffic keeps to the left, and lane 0 is the leftmost.
    edges : list
        Rows.
    lanes, connections : list
        Rows.
    junctions : list
        (attributes, requests).
    remarks : list of str
        What was odd.
    """

    location: Attributes = field(default_factory=dict)
    lefthand: bool = False
    edges: list[EdgeRow] = field(default_factory=list)
    lanes: list[LaneRow] = field(default_factory=list)
    connections: list[ConnectionRow] = field(default_factory=list)
    junctions: list[tuple[Attributes, list[RequestRow]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


class _Collector:
    """Handlers of the parser."""

    def __init__(self) -> None:
        self.file = SumoFile()
        self._root_seen = False
        self._requests: list[RequestRow] | None = None
        self.handlers: dict[str, Callable[[Attributes], None]] = {
            "location": self._location,
            "edge": self._edge,
            "lane": self._lane,
            "connection": self._connection,
            "junction": self._junction,
            "request": self._request,
        }

    def start(self, tag: str, attributes: Attributes) -> None:
        if not self._root_seen:
            self._root_seen = True
            if tag != "net":
                raise MapFileError(f"expected <net>, found <{tag}>; is it a SUMO network?")
            self.file.lefthand = attributes.get("lefthand") in ("true", "1", "yes")
            return
        handler = self.handlers.get(tag)
        if handler is not None:
            handler(attributes)

    def _location(self, attributes: Attributes) -> None:
        self.file.location = attributes

    def _edge(self, attributes: Attributes) -> None:
        name = attributes.get("id", "")
        kind = KINDS.get(attributes.get("function", ""), LaneKind.ROAD)
        junction = attributes.get("to", "") if kind == LaneKind.ROAD else name[1:].rpartition("_")[0]
        get = attributes.get
        self.file.edges.append(
            EdgeRow(intern(name), kind, intern(junction), get("shape", ""), get("crossingEdges", ""))
        )

    def _lane(self, attributes: Attributes) -> None:
        if not self.file.edges:
            self.file.remarks.append(f"lane {attributes.get('id', '?')}: stands outside an edge, left out")
            return
        edge, get = self.file.edges[-1], attributes.get
        index = intern(get("index", "0"))
        self.file.lanes.append(
            LaneRow(
                len(self.file.edges) - 1,
                intern(get("id") or f"{edge.name}_{index}"),
                index,
                get("shape") or edge.shape,
                _shared(get("speed")),
                _shared(get("width")),
                _shared(get("allow")),
                _shared(get("disallow")),
                _shared(get("changeLeft")),
                _shared(get("changeRight")),
                get("outlineShape", ""),
            )
        )

    def _connection(self, attributes: Attributes) -> None:
        get = attributes.get
        self.file.connections.append(
            ConnectionRow(
                intern(get("from", "")),
                intern(get("fromLane", "0")),
                intern(get("to", "")),
                intern(get("toLane", "0")),
                _shared(get("via")),
                _shared(get("tl")),
                _shared(get("linkIndex")),
                intern(get("dir", "")),
            )
        )

    def _junction(self, attributes: Attributes) -> None:
        requests: list[RequestRow] = []
        self._requests = requests
        if attributes.get("type") != "internal":
            self.file.junctions.append((attributes, requests))

    def _request(self, attributes: Attributes) -> None:
        if self._requests is not None:
            get = attributes.get
            row = RequestRow(intern(get("index", "")), intern(get("foes", "")), intern(get("response", "")))
            self._requests.append(row)


def _shared(text: str | None) -> str | None:
    """The same text, kept once: most attributes have few values."""
    return None if text is None else intern(text)


def _no_entities(*_: Any) -> None:
    raise MapFileError("declares entities of its own, which no map needs; remove the DOCTYPE")


def parse_sumo(path: Path) -> SumoFile:
    """Read a ``.net.xml`` or ``.net.xml.gz``.

    Raises
    ------
    MapFileError
        If the file cannot be opened, is not well-formed or is no network; with the line where there is one.
    """
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.StartElementHandler = collector.start
    parser.EntityDeclHandler = _no_entities
    parser.buffer_text = True
    try:
        with _opened(path) as stream:
            while chunk := stream.read(CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise MapFileError(f"{path}: line {error.lineno}: not well-formed XML: {error}") from error
    except MapFileError as error:
        raise MapFileError(f"{path}: line {parser.CurrentLineNumber}: {error}") from error
    except (OSError, EOFError, zlib.error, ValueError, LookupError) as error:
        raise MapFileError(f"{path}: cannot be read: {error}") from error
    return collector.file


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
