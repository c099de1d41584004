"""What stands in an OpenDRIVE file, road by road; `lukou_maps.opendrive` makes a road model of it.

After ASAM OpenDRIVE 1.4 to 1.8.1. What cannot be used becomes a remark that names element and line.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from lukou_maps.errors import MapFileError
from lukou_maps.opendrive_geometry import CubicCurve, Cubics, Curve, Piece, PlanView, Spiral
from lukou_maps.opendrive_records import (
    Junction,
    JunctionConnection,
    LaneRecord,
    Link,
    MarkRecord,
    ObjectRecord,
    OpenDriveFile,
    Road,
    Section,
    SignalRecord,
)
from lukou_maps.xml_tree import Element, read_tree

MILE_PER_HOUR_MPS = 0.44704
"""[m/s]"""

SPEED_UNITS = {"m/s": 1.0, "mph": MILE_PER_HOUR_MPS, "km/h": 1.0 / 3.6, "kmh": 1.0 / 3.6, "kph": 1.0 / 3.6, "": 1.0}
"""Metres per second per unit (OpenDRIVE e_unitSpeed); without unit m/s."""


def read_opendrive_file(path: str | Path) -> OpenDriveFile:
    """Read an ``.xodr`` file.

    Raises
    ------
    MapFileError
        If it is no OpenDRIVE file at all, or has no road that can be understood.
    """
    path = Path(path)
    remarks: list[str] = []
    root = read_tree(path, "OpenDRIVE", remarks)
    header = root.first("header")
    if header is None:
        remarks.append("header: is missing")
        header = Element("header", {}, root.line)
    version = f"{header.get('revMajor', '?')}.{header.get('revMinor', '?')}"
    if header.get("revMajor", "1") != "1":
        remarks.append(f"header: OpenDRIVE {version}, read as 1.8")
    reference = header.first("geoReference")
    roads: dict[str, Road] = {}
    for element in root.all("road"):
        road = _road(element, remarks)
        if road is None:
            continue
        if road.name in roads:
            remarks.append(f"road {road.name}: line {element.line}: stands twice, the second is left out")
        else:
            roads[road.name] = road
    if not roads:
        raise MapFileError(f"{path}: line {root.line}: expected at least one road with geometry and lanes, found none")
    controllers = {c.get("id"): [k.get("signalId") for k in c.all("control")] for c in root.all("controller")}
    junctions = {j.get("id"): _junction(j, remarks) for j in root.all("junction")}
    offset = header.first("offset")
    values = [offset.number(k, 0.0, "offset", remarks) if offset else 0.0 for k in ("x", "y", "z", "hdg")]
    text = reference.text.strip() if reference is not None else ""
    return OpenDriveFile(text, (values[0], values[1], values[2], values[3]), roads, junctions, controllers, remarks)


def _road(element: Element, remarks: list[str]) -> Road | None:
    name = element.get("id")
    where = f"road {name}"
    pieces = _pieces(element, where, remarks)
    if not pieces:
        remarks.append(f"{where}: line {element.line}: has no geometry, left out")
        return None
    end = pieces[-1].s_m + pieces[-1].length_m
    length = element.number("length", end, where, remarks)
    if abs(length - end) > 0.01:
        remarks.append(f"{where}: length {length:g} m, but its geometry ends at {end:.3f} m; the geometry counts")
        length = end
    lanes = element.first("lanes")
    if lanes is None or not any(lanes.all("laneSection")):
        remarks.append(f"{where}: line {element.line}: has no lanes")
        lanes = lanes or Element("lanes", {}, element.line)
    for profile in ("shape", "crossfall"):
        if element.under("lateralProfile", profile):
            remarks.append(
                f"{where}: lateral profile <{profile}> is not used: heights beside the reference line lack it"
            )
    if element.under("lateralProfile", "crossSectionSurface"):
        remarks.append(f"{where}: <crossSectionSurface> is not used: heights beside the reference line lack it")
    links = {side: _link(element, side) for side in ("predecessor", "successor")}
    return Road(
        name=name,
        length_m=length,
        junction="" if element.get("junction", "-1") == "-1" else element.get("junction"),
        is_left_hand=element.get("rule", "RHT").upper() == "LHT",
        plan=PlanView(tuple(pieces)),
        elevation=_cubics(element.under("elevationProfile", "elevation"), "s", where, remarks),
        superelevation=_cubics(element.under("lateralProfile", "superelevation"), "s", where, remarks),
        lane_offset=_cubics(list(lanes.all("laneOffset")), "s", where, remarks),
        sections=_sections(lanes, length, where, remarks),
        predecessor=links["predecessor"],
        successor=links["successor"],
        speeds=_speeds(element, where, remarks),
        signals=_signals(element, where, remarks),
        objects=_objects(element, where, remarks),
    )


def _link(element: Element, side: str) -> Link | None:
    found = element.under("link", side)
    if not found or not found[0].get("elementId"):
        return None
    kind = found[0].get("elementType", "road")
    return Link(kind == "junction", found[0].get("elementId"), found[0].get("contactPoint"))


def _pieces(element: Element, where: str, remarks: list[str]) -> list[Piece]:
    found = []
    for record in element.under("planView", "geometry"):
        at = f"{where}: geometry"
        numbers = [record.number(k, math.nan, at, remarks) for k in ("s", "x", "y", "hdg", "length")]
        if not all(math.isfinite(value) for value in numbers):
            remarks.append(f"{at}: line {record.line}: incomplete, left out")
            continue
        s, x, y, heading, length = numbers
        if length <= 1e-9:
            if length < 0 or len(element.under("planView", "geometry")) == 1:
                remarks.append(f"{at}: line {record.line}: length {length:g} m, left out")
            else:
                remarks.append(f"{at}: line {record.line}: has no length, left out")
            continue
        curve = _curve(record, length, at, remarks)
        if curve is not None:
            found.append(Piece(s, x, y, heading, length, curve))
    return sorted(found, key=lambda piece: piece.s_m)


def _curve(record: Element, length: float, at: str, remarks: list[str]) -> Curve | None:
    shape = next((child for child in record.children if child.tag in _CURVES), None)
    if shape is None:
        kinds = ", ".join(child.tag for child in record.children) or "nothing"
        remarks.append(
            f"{at}: line {record.line}: expected line, arc, spiral, poly3 or paramPoly3, found {kinds}; left out"
        )
        return None
    return _CURVES[shape.tag](shape, length, at, remarks)


def _spiral(shape: Element, length: float, at: str, remarks: list[str]) -> Curve:
    first = shape.number("curvStart", 0.0, at, remarks)
    last = shape.number("curvEnd", 0.0, at, remarks)
    return _bounded(Spiral(first, (last - first) / length), max(abs(first), abs(last)), shape, at, remarks)


def _arc(shape: Element, length: float, at: str, remarks: list[str]) -> Curve:
    curvature = shape.number("curvature", 0.0, at, remarks)
    return _bounded(Spiral(curvature), abs(curvature), shape, at, remarks)


def _bounded(curve: Spiral, curvature: float, shape: Element, at: str, remarks: list[str]) -> Curve:
    if curvature > 100.0:
        remarks.append(f"{at}: line {shape.line}: curvature {curvature:g} 1/m, taken as straight")
        return Spiral()
    return curve


def _poly3(shape: Element, length: float, at: str, remarks: list[str]) -> Curve:
    v = np.array([shape.number(k, 0.0, at, remarks) for k in "abcd"])
    u = np.array([0.0, 1.0, 0.0, 0.0])
    # u runs as far as makes the curve as long as the record says
    curve = CubicCurve(u, v, length, length)
    for _ in range(30):
        p = np.linspace(0.0, curve.most, 257)
        reached = float(np.trapezoid(np.hypot(1.0, v[1] + p * (2.0 * v[2] + p * 3.0 * v[3])), p))
        if not math.isfinite(reached) or abs(reached - length) < 1e-9 * length:
            break
        end_speed = math.hypot(1.0, v[1] + curve.most * (2.0 * v[2] + curve.most * 3.0 * v[3]))
        curve = CubicCurve(u, v, max(curve.most - (reached - length) / end_speed, 1e-6), length)
    return curve


def _param_poly3(shape: Element, length: float, at: str, remarks: list[str]) -> Curve:
    u = np.array([shape.number(f"{k}U", 0.0, at, remarks) for k in "abcd"])
    v = np.array([shape.number(f"{k}V", 0.0, at, remarks) for k in "abcd"])
    most = length if shape.get("pRange", "normalized") == "arcLength" else 1.0
    if not np.hypot(u[1:], v[1:]).any():
        remarks.append(f"{at}: line {shape.line}: paramPoly3 stays in one point, taken as straight")
        return Spiral()
    return CubicCurve(u, v, most, length)


_CURVES: dict[str, Callable[[Element, float, str, list[str]], Curve]] = {
    "line": lambda shape, length, at, remarks: Spiral(),
    "arc": _arc,
    "spiral": _spiral,
    "poly3": _poly3,
    "paramPoly3": _param_poly3,
}


def _cubics(records: list[Element], start: str, where: str, remarks: list[str]) -> Cubics:
    rows = []
    for record in records:
        at = f"{where}: {record.tag}"
        s = record.number(start, 0.0, at, remarks)
        a, b, c, d = (record.number(k, 0.0, at, remarks) for k in "abcd")
        rows.append((s, a, b, c, d))
    return Cubics.of(rows)


def _sections(lanes: Element, length: float, where: str, remarks: list[str]) -> list[Section]:
    found: list[Section] = []
    for element in lanes.all("laneSection"):
        start = element.number("s", 0.0, f"{where}: laneSection", remarks)
        if not -1e-6 <= start < length:
            remarks.append(f"{where}: line {element.line}: laneSection at {start:g} m lies off the road, left out")
            continue
        records: dict[int, LaneRecord] = {}
        for side in ("left", "center", "right"):
            for lane in element.under(side, "lane"):
                record = _lane(lane, where, remarks)
                if record is not None and record.number in records:
                    remarks.append(
                        f"{where}: line {lane.line}: lane {record.number} stands twice, the second is left out"
                    )
                elif record is not None:
                    records[record.number] = record
        for number in records:
            if number and number - int(math.copysign(1, number)) not in records and abs(number) > 1:
                remarks.append(f"{where}: line {element.line}: lane {number} has no neighbour towards the centre")
        found.append(Section(start, length, records))
    found.sort(key=lambda section: section.start_m)
    for before, after in pairwise(found):
        before.end_m = after.start_m
    if found and found[0].start_m > 1e-6:
        remarks.append(f"{where}: its first laneSection starts at {found[0].start_m:g} m, taken from 0")
        found[0].start_m = 0.0
    short = [section for section in found if section.end_m - section.start_m <= 1e-6]
    if short:
        remarks.append(f"{where}: {len(short)} lane section(s) without length, left out")
    return [section for section in found if section.end_m - section.start_m > 1e-6]


def _lane(element: Element, where: str, remarks: list[str]) -> LaneRecord | None:
    text = element.get("id")
    try:
        number = int(text)
    except ValueError:
        remarks.append(f"{where}: line {element.line}: lane id {text[:20]!r} is no number, left out")
        return None
    at = f"{where}: lane {number}"
    widths, borders = list(element.all("width")), list(element.all("border"))
    if widths and borders:
        remarks.append(f"{at}: line {element.line}: has widths and borders; the widths count")
    links = {side: element.under("link", side) for side in ("predecessor", "successor")}
    heights = [[h.number(k, 0.0, at, remarks) for k in ("sOffset", "inner", "outer")] for h in element.all("height")]
    access = list(element.all("access"))
    return LaneRecord(
        number=number,
        kind=element.get("type", "none"),
        is_level=element.get("level", "false").lower() in ("true", "1"),
        direction=element.get("direction", "standard"),
        widths=_cubics(widths or borders, "sOffset", at, remarks),
        has_borders=not widths and bool(borders),
        predecessor=_lane_link(links["predecessor"], at, remarks),
        successor=_lane_link(links["successor"], at, remarks),
        marks=_marks(element, at, remarks),
        speeds=[
            (s.number("sOffset", 0.0, at, remarks), _speed(s, at, remarks))
            for s in element.all("speed")
            if s.get("max")
        ],
        heights=np.array(sorted(heights), np.float64).reshape(-1, 3),
        denied={_road_user(a) for a in access if a.get("rule", "deny") == "deny"},
        allowed={_road_user(a) for a in access if a.get("rule") == "allow"},
        line=element.line,
    )


def _road_user(access: Element) -> str:
    inner = access.first("restriction")
    return access.get("restriction") or (inner.get("type") if inner else "")


def _lane_link(found: list[Element], at: str, remarks: list[str]) -> int | None:
    for element in found:
        text = element.get("id")
        if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit() and len(text) < 9:
            return int(text)
        remarks.append(f"{at}: line {element.line}: linked to lane {text[:20]!r}, which is no number")
    return None


def _marks(element: Element, at: str, remarks: list[str]) -> list[MarkRecord]:
    found = []
    for mark in element.all("roadMark"):
        offset = mark.number("sOffset", 0.0, at, remarks)
        found.append(MarkRecord(offset, mark.get("type", "none"), mark.get("color"), mark.get("laneChange")))
    return sorted(found, key=lambda mark: mark.offset_m)


def _speed(element: Element, at: str, remarks: list[str]) -> float:
    text = element.get("max")
    if text in ("no limit", "undefined"):
        return math.nan
    unit = element.get("unit")
    if unit not in SPEED_UNITS:
        remarks.append(f"{at}: line {element.line}: unknown unit of speed {unit[:20]!r}, taken as m/s")
    value = element.number("max", math.nan, at, remarks) * SPEED_UNITS.get(unit, 1.0)
    return value if value >= 0 else math.nan


def _speeds(element: Element, where: str, remarks: list[str]) -> list[tuple[float, float]]:
    found = []
    for kind in element.all("type"):
        start = kind.number("s", 0.0, f"{where}: type", remarks)
        speed = kind.first("speed")
        found.append((start, _speed(speed, f"{where}: type", remarks) if speed is not None else math.nan))
    return sorted(found, key=lambda row: row[0])


def _signals(element: Element, where: str, remarks: list[str]) -> list[SignalRecord]:
    found = []
    for signal in [*element.under("signals", "signal"), *element.under("signals", "signalReference")]:
        at = f"{where}: signal {signal.get('id')}"
        lanes = []
        for valid in signal.all("validity"):
            first, last = (int(valid.number(k, 0.0, at, remarks)) for k in ("fromLane", "toLane"))
            lanes.append((min(first, last), max(first, last)))
        code = "/".join(part for part in (signal.get("type"), signal.get("subtype")) if part and part != "-1")
        found.append(
            SignalRecord(
                name=signal.get("id"),
                s_m=signal.number("s", 0.0, at, remarks),
                t_m=signal.number("t", 0.0, at, remarks),
                is_dynamic=signal.get("dynamic", "no") == "yes" or signal.tag == "signalReference",
                orientation=signal.get("orientation", "none"),
                code=(signal.get("country") + ":" if signal.get("country") else "") + code,
                value=signal.number("value", math.nan, at, []),
                unit=signal.get("unit"),
                lanes=lanes,
            )
        )
    return found


def _objects(element: Element, where: str, remarks: list[str]) -> list[ObjectRecord]:
    found = []
    for thing in element.under("objects", "object"):
        at = f"{where}: object {thing.get('id')}"
        local = [*thing.under("outline", "cornerLocal"), *thing.under("outlines", "outline", "cornerLocal")]
        road = [*thing.under("outline", "cornerRoad"), *thing.under("outlines", "outline", "cornerRoad")]
        names = ("u", "v") if local else ("s", "t")
        corners = [tuple(c.number(k, 0.0, at, remarks) for k in names) for c in local or road]
        found.append(
            ObjectRecord(
                name=thing.get("id"),
                kind=thing.get("type", "none"),
                s_m=thing.number("s", 0.0, at, remarks),
                t_m=thing.number("t", 0.0, at, remarks),
                heading_rad=thing.number("hdg", 0.0, at, remarks),
                length_m=thing.number("length", 0.0, at, remarks),
                width_m=thing.number("width", 0.0, at, remarks),
                corners=[(a, b) for a, b in corners],
                corners_are_local=bool(local),
            )
        )
    return found


def _junction(element: Element, remarks: list[str]) -> Junction:
    where = f"junction {element.get('id')}"
    connections = []
    for connection in element.all("connection"):
        lanes = []
        for link in connection.all("laneLink"):
            lanes.append(tuple(int(link.number(k, 0.0, where, remarks)) for k in ("from", "to")))
        connections.append(
            JunctionConnection(
                connection.get("incomingRoad"),
                connection.get("connectingRoad") or connection.get("linkedRoad"),
                connection.get("contactPoint"),
                [(a, b) for a, b in lanes],
            )
        )
    return Junction(
        element.get("id"),
        element.get("type", "default"),
        connections,
        [c.get("id") for c in element.all("controller")],
        [(p.get("high"), p.get("low")) for p in element.all("priority")],
    )
