"""Fields of MAP messages as JSON writers spell them: wrapped lists, bit strings, numbers as text, node offsets."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyproj import CRS, Transformer

from lukou_maps.ragged import Floats

Mapping = dict[str, Any]

FARTHEST_M = 100_000.0
"""Lanes reach no farther from their intersection. [m]"""


class Place:
    """From longitude and latitude to places in a projection, and back.

    Parameters
    ----------
    projection : str
        PROJ text.
    """

    def __init__(self, projection: str) -> None:
        crs = CRS.from_user_input(projection)
        self._transformer = Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)

    def __call__(self, longitude_deg: Floats, latitude_deg: Floats) -> Floats:
        """Places (n, 2). [m]"""
        x, y = self._transformer.transform(longitude_deg, latitude_deg)
        return np.column_stack([x, y])

    def inverse(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Longitude and latitude of one place. [degree]"""
        longitude, latitude = self._transformer.transform(x_m, y_m, direction="INVERSE")
        return float(longitude), float(latitude)


def whole(value: Any) -> int | None:
    """An integer written as number or text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 1 << 60 else None
    if isinstance(value, float) and value == value and abs(value) < 1e15:
        return round(value)
    if isinstance(value, str) and len(value) < 18:
        try:
            return int(value)
        except ValueError:
            return None
    return None


def listed(value: Any) -> list[Any]:
    """A list, also where it is wrapped in an object with one key, as converters from XML write it."""
    if isinstance(value, dict) and len(value) == 1:
        inner = next(iter(value.values()))
        return inner if isinstance(inner, list) else [inner] if isinstance(inner, dict) else []
    return value if isinstance(value, list) else []


def choice(value: Any) -> str:
    """Name of a choice: the text itself, or the only key of an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value:
        return str(next(iter(value)))
    if isinstance(value, list) and value and isinstance(value[0], str):
        return value[0]
    return ""


def bits(value: Any) -> set[int]:
    """Bits that are set, counted from the left: hexadecimal (``80``), binary (``10``, ``100000000000``), numbers, lists."""
    if isinstance(value, list):
        return {k for k, flag in enumerate(value[:64]) if flag in (1, True, "1")}
    if isinstance(value, dict):
        return bits(value.get("value")) if "value" in value else set()
    text = str(value) if isinstance(value, str) else ""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 16:
        text = f"{value:04x}" if value > 0xFF else f"{value:02x}"
    text = text.removeprefix("0x").strip("'BHbh ")
    if not text or len(text) > 64:
        return set()
    if set(text) <= {"0", "1"} and (len(text) >= 8 or text in ("10", "01", "11")):
        return {k for k, flag in enumerate(text) if flag == "1"}
    try:
        number = int(text, 16)
    except ValueError:
        return set()
    width = 4 * len(text)
    return {k for k in range(width) if number >> (width - 1 - k) & 1}


def lane_points(nodes: list[Any], centre: Floats, place: Place, where: str, remarks: list[str]) -> Floats | None:
    """Points (n, 3) of a lane from its nodes; None where fewer than two can be read. [m]

    Offsets in centimetres are from the node before (the first from the reference point); offsets in degrees from the
    reference point; latitude and longitude stand for themselves.
    """
    points: list[tuple[float, float, float]] = []
    x, y, z = float(centre[0]), float(centre[1]), 0.0
    for node in nodes:
        found = _node(node, (x, y), centre, place)
        if found is None:
            remarks.append(f"{where}: node {len(points)}: is not understood, left out")
            continue
        x, y = found
        attributes = node.get("attributes") if isinstance(node, dict) else None
        rise = whole(attributes.get("dElevation")) if isinstance(attributes, dict) else None
        z += rise / 10.0 if rise is not None and abs(rise) < 10_000 else 0.0
        if max(abs(x - centre[0]), abs(y - centre[1])) > FARTHEST_M:
            remarks.append(f"{where}: node {len(points)}: lies more than 100 km away, left out")
            continue
        points.append((x, y, z))
    line = np.array(points, np.float64).reshape(-1, 3)
    if len(line) < 2 or not np.isfinite(line).all():
        return None
    return line if np.hypot(*np.ptp(line[:, :2], axis=0)) > 0.01 else None


def _node(node: Any, before: tuple[float, float], centre: Floats, place: Place) -> tuple[float, float] | None:
    if not isinstance(node, dict):
        return None
    offset = node.get("delta", node.get("posOffset", node))
    if isinstance(offset, dict) and len(offset) <= 2 and "offsetLL" in offset:
        offset = offset["offsetLL"]
    if not isinstance(offset, dict):
        return None
    for key, value in offset.items():
        if not isinstance(value, dict):
            continue
        east, north = (value.get("x"), value.get("y"))
        if "LatLon" in key or "lat" in value:
            return _on_earth(value, key, centre, place)
        dx, dy = whole(east), whole(north)
        if dx is not None and dy is not None:
            return before[0] + dx / 100.0, before[1] + dy / 100.0
    dx, dy = whole(offset.get("x")), whole(offset.get("y"))
    return (before[0] + dx / 100.0, before[1] + dy / 100.0) if dx is not None and dy is not None else None


def _on_earth(value: Mapping, key: str, centre: Floats, place: Place) -> tuple[float, float] | None:
    longitude, latitude = whole(value.get("lon", value.get("long"))), whole(value.get("lat"))
    if longitude is None or latitude is None:
        return None
    if "LatLon" not in key:
        # position-LL1 to LL6: offsets from the reference point
        east = longitude * 1e-7 * 111_320.0
        north = latitude * 1e-7 * 110_540.0
        return _degrees_from(centre, longitude, latitude, place) if abs(east) + abs(north) < FARTHEST_M else None
    if abs(longitude) > 1_800_000_000 or abs(latitude) > 840_000_000:
        return None
    x, y = place(np.array([longitude * 1e-7]), np.array([latitude * 1e-7]))[0]
    return float(x), float(y)


def _degrees_from(centre: Floats, longitude: int, latitude: int, place: Place) -> tuple[float, float]:
    at = place.inverse(float(centre[0]), float(centre[1]))
    x, y = place(np.array([at[0] + longitude * 1e-7]), np.array([at[1] + latitude * 1e-7]))[0]
    return float(x), float(y)
