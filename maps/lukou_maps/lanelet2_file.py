"""What stands in a Lanelet2 map (OSM XML): nodes in the plane, ways, lanelets and regulatory elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pyproj import Transformer

from lukou_maps.errors import MapError, MapFileError
from lukou_maps.ragged import Booleans, Floats
from lukou_maps.reference import datum_of, refuse_display_offsets
from lukou_maps.road_model import MapFrame
from lukou_maps.xml_tree import Element, read_tree

LOCAL_AGREES_M = 1.0
"""Autoware's local coordinates count as a shifted projection if they agree with it to this. [m]"""


@dataclass
class Way:
    """A line string.

    Attributes
    ----------
    nodes : list of str
        Ids of its nodes, at least two.
    points : (n, 3) float array
        Their places. [m]
    tags : dict
        Tags.
    """

    name: str
    nodes: list[str]
    points: Floats
    tags: dict[str, str]


@dataclass
class Lanelet:
    """A lanelet, its bounds in the direction of travel, left one left."""

    name: str
    left: list[Way]
    right: list[Way]
    tags: dict[str, str]
    rules: list[str]
    line: int


@dataclass
class Rule:
    """A regulatory element: members by role, as (kind, id)."""

    name: str
    tags: dict[str, str]
    members: dict[str, list[tuple[str, str]]]


@dataclass
class Lanelet2File:
    """All of a file."""

    frame: MapFrame = field(default_factory=MapFrame)
    ways: dict[str, Way] = field(default_factory=dict)
    lanelets: dict[str, Lanelet] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def read_lanelet2_file(path: str | Path) -> Lanelet2File:
    """Read an ``.osm`` file.

    Raises
    ------
    MapFileError
        If it is no OSM file, or has no lanelet that can be understood.
    """
    path = Path(path)
    file = Lanelet2File()
    root = read_tree(path, "osm", file.remarks)
    for tag in root.all("tag"):
        _refuse(path, f"{tag.get('k')}={tag.get('v')}")
    for info in root.all("MetaInfo"):
        _refuse(path, " ".join(info.attributes.values()))
    places = _nodes(file, root)
    for element in root.all("way"):
        way = _way(file, element, places)
        if way is not None:
            file.ways[way.name] = way
    relations = [(element, _tags(element)) for element in root.all("relation")]
    for element, tags in relations:
        if tags.get("type") == "lanelet":
            lanelet = _lanelet(file, element, tags)
            if lanelet is not None:
                file.lanelets[lanelet.name] = lanelet
        elif tags.get("type") == "regulatory_element":
            members: dict[str, list[tuple[str, str]]] = {}
            for member in element.all("member"):
                members.setdefault(member.get("role"), []).append((member.get("type"), member.get("ref")))
            file.rules[element.get("id")] = Rule(element.get("id"), tags, members)
    if not file.lanelets:
        raise MapFileError(
            f"{path}: line {root.line}: expected at least one lanelet (relation with type=lanelet), found none; "
            "an OpenStreetMap extract is no lane map: convert it first"
        )
    return file


def _refuse(path: Path, text: str) -> None:
    try:
        refuse_display_offsets(text)
    except MapError as error:
        raise MapFileError(f"{path}: {error}") from error


def _tags(element: Element) -> dict[str, str]:
    return {tag.get("k"): tag.get("v") for tag in element.all("tag")}


def _nodes(file: Lanelet2File, root: Element) -> dict[str, Floats]:
    """Place of every node: Autoware's local coordinates where all have them, else a UTM projection."""
    names, rows = [], []
    for element in root.all("node"):
        if element.get("action") == "delete":
            continue
        tags, where = _tags(element), f"node {element.get('id')}"
        values = [element.number(k, np.nan, where, file.remarks) for k in ("lon", "lat")]
        for key in ("local_x", "local_y", "ele"):
            source = Element("tag", {"v": tags[key]} if key in tags else {}, element.line)
            values.append(source.number("v", 0.0 if key == "ele" else np.nan, f"{where}: {key}", file.remarks))
        names.append(element.get("id"))
        rows.append(values)
    table = np.array(rows, np.float64).reshape(-1, 5)
    has_local: Booleans = np.asarray(np.isfinite(table[:, 2:4]).all(axis=1))
    on_earth: Booleans = (np.abs(table[:, 0]) <= 180.0) & (np.abs(table[:, 1]) < 84.0)
    on_earth &= np.isfinite(table[:, :2]).all(axis=1) & (table[:, :2] != 0.0).any(axis=1)
    projected, projection = _projected(table, on_earth)
    if has_local.any() and has_local.mean() >= 0.5:
        usable, xy = np.asarray(has_local), table[:, 2:4]
        file.frame = _local_frame(file, projected, projection, xy, has_local & on_earth)
    else:
        if has_local.any():
            file.remarks.append(
                f"{int(has_local.sum())} nodes have local_x and local_y, most have not; latitudes count"
            )
        usable, xy = np.asarray(on_earth), projected
        if usable.any():
            offset = np.round(np.median(projected[usable], axis=0) / 1000.0) * 1000.0
            xy = projected - offset
            reference, epoch = datum_of(projection)
            file.frame = MapFrame(projection, -float(offset[0]), -float(offset[1]), 0.0, reference, epoch)
    missing = len(names) - int(usable.sum())
    if missing:
        file.remarks.append(f"{missing} node(s) have no place, left out")
    points = np.column_stack([xy, table[:, 4]])
    return {name: points[k] for k, name in enumerate(names) if bool(usable[k]) and np.abs(points[k]).max() < 1e8}


def _projected(table: Floats, on_earth: Booleans) -> tuple[Floats, str]:
    found = np.full((len(table), 2), np.nan)
    if not on_earth.any():
        return found, ""
    longitude, latitude = np.median(table[on_earth, 0]), np.median(table[on_earth, 1])
    zone = int(np.clip((longitude + 180.0) // 6.0 + 1, 1, 60))
    projection = f"+proj=utm +zone={zone} {'+south ' if latitude < 0 else ''}+datum=WGS84 +units=m +no_defs"
    transform = Transformer.from_crs("EPSG:4326", projection, always_xy=True)
    x, y = transform.transform(table[on_earth, 0], table[on_earth, 1])
    found[on_earth] = np.column_stack([x, y])
    return found, projection


def _local_frame(file: Lanelet2File, projected: Floats, projection: str, local: Floats, both: Booleans) -> MapFrame:
    """Frame of Autoware's local coordinates, if latitudes confirm one."""
    if not both.any():
        return MapFrame()
    offset = np.median(local[both] - projected[both], axis=0)
    error = np.hypot(*(local[both] - projected[both] - offset).T)
    if not np.isfinite(error).all() or np.quantile(error, 0.95) > LOCAL_AGREES_M:
        file.remarks.append(
            "local_x and local_y do not agree with latitude and longitude; the map is not georeferenced"
        )
        return MapFrame()
    reference, epoch = datum_of(projection)
    return MapFrame(projection, float(offset[0]), float(offset[1]), 0.0, reference, epoch)


def _way(file: Lanelet2File, element: Element, places: dict[str, Floats]) -> Way | None:
    if element.get("action") == "delete":
        return None
    refs = [nd.get("ref") for nd in element.all("nd")]
    known = [ref for ref in refs if ref in places]
    if len(known) < len(refs):
        file.remarks.append(
            f"way {element.get('id')}: line {element.line}: {len(refs) - len(known)} of its nodes are missing"
        )
    if len(known) < 2:
        return None
    return Way(element.get("id"), known, np.array([places[ref] for ref in known]), _tags(element))


def _lanelet(file: Lanelet2File, element: Element, tags: dict[str, str]) -> Lanelet | None:
    where = f"lanelet {element.get('id')}"
    sides: dict[str, list[Way]] = {"left": [], "right": []}
    rules = []
    for member in element.all("member"):
        role, ref = member.get("role"), member.get("ref")
        if role in sides:
            way = file.ways.get(ref)
            if way is None:
                file.remarks.append(f"{where}: line {member.line}: its {role} bound {ref} is missing")
            else:
                sides[role].append(way)
        elif role == "regulatory_element":
            rules.append(ref)
    if not sides["left"] or not sides["right"]:
        file.remarks.append(f"{where}: line {element.line}: needs a left and a right bound, left out")
        return None
    return Lanelet(element.get("id"), sides["left"], sides["right"], tags, rules, element.line)
