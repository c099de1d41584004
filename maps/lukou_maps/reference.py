"""Reference systems: what datum a projection is on, and whether coordinates look like a third party's display offset.

GCJ-02 and BD-09 shift positions in China by 50 to 700 m, differently from place to place. They are made for displays and
have no exact inverse; Lukou never takes them in. Whoever claims WGS-84 while sending GCJ-02 is found by comparing with a
trusted position: the difference is then the offset that the published GCJ-02 transform predicts there.
"""

from __future__ import annotations

import math

import numpy as np

from lukou_maps.errors import MapError
from lukou_maps.ragged import Floats

AXIS_M = 6378245.0
"""Major axis of the Krassowsky 1940 ellipsoid, as the GCJ-02 transform uses it. [m]"""

ECCENTRICITY_SQUARED = 0.00669342162296594323
"""First eccentricity squared of the same ellipsoid."""

BD_TURN = math.pi * 3000.0 / 180.0
"""Argument scale of the BD-09 transform. [1/degree]"""

REFUSED = ("gcj02", "gcj-02", "gcj_02", "mars", "火星", "bd09", "bd-09", "bd_09", "baidu")
"""Names that files use for display offsets."""

DATUMS = (
    ("cgcs2000", "CGCS2000", 2000.0),
    ("china_2000", "CGCS2000", 2000.0),
    ("china geodetic coordinate system 2000", "CGCS2000", 2000.0),
    ("etrs89", "ETRS89", 1989.0),
    ("itrf2014", "ITRF2014", 2010.0),
    ("itrf2020", "ITRF2020", 2015.0),
    ("wgs84", "WGS-84", 0.0),
    ("wgs 84", "WGS-84", 0.0),
    ("wgs_1984", "WGS-84", 0.0),
    ("nad83", "NAD83", 0.0),
)
"""Part of a projection's text in lower case, datum, epoch of the datum's definition [a]."""


def datum_of(projection: str) -> tuple[str, float]:
    """Datum and epoch that a PROJ or WKT text names; empty and 0 where it names none.

    Raises
    ------
    MapError
        If it names GCJ-02 or BD-09.
    """
    refuse_display_offsets(projection)
    text = projection.lower()
    for part, datum, epoch in DATUMS:
        if part in text:
            return datum, epoch
    code = text.removeprefix("epsg:").strip()
    if code.isdigit() and (4479 <= int(code) <= 4490 or 4491 <= int(code) <= 4554):
        return "CGCS2000", 2000.0
    return "", 0.0


def refuse_display_offsets(text: str) -> None:
    """Raise MapError if a text that describes coordinates names GCJ-02 or BD-09."""
    lowered = text.lower()
    for name in REFUSED:
        if name in lowered:
            raise MapError(
                f"looks like {'BD-09' if name.startswith('b') else 'GCJ-02'}: {text[:80]!r} names a display offset, which has "
                "no exact inverse; ask the supplier for CGCS2000 or WGS-84 coordinates"
            )


def gcj02_offset(longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
    """Offset that the published GCJ-02 transform adds to a WGS-84 position.

    Parameters
    ----------
    longitude_deg, latitude_deg : (n,) float array
        Position in WGS-84. [degree]

    Returns
    -------
    longitude_deg, latitude_deg : (n,) float array
        Offset; 0 outside the box in which the transform applies. [degree]

    Notes
    -----
    The transform is published in many open map clients ("eviltransform" and its ports); the series below is theirs.
    """
    longitude_deg, latitude_deg = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
    x, y = longitude_deg - 105.0, latitude_deg - 35.0
    root = np.sqrt(np.abs(x))
    common = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common * 2.0 / 3.0
    north += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common * 2.0 / 3.0
    east += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    latitude = np.radians(latitude_deg)
    magic = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    per_north = np.degrees(magic * np.sqrt(magic) / (AXIS_M * (1.0 - ECCENTRICITY_SQUARED)))
    per_east = np.degrees(np.sqrt(magic) / (AXIS_M * np.cos(latitude)))
    inside = (longitude_deg > 72.004) & (longitude_deg < 137.8347) & (latitude_deg > 0.8293) & (latitude_deg < 55.8271)
    return np.where(inside, east * per_east, 0.0), np.where(inside, north * per_north, 0.0)


def gcj02(longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
    """A WGS-84 position as GCJ-02 shows it. [degree]"""
    east, north = gcj02_offset(longitude_deg, latitude_deg)
    return longitude_deg + east, latitude_deg + north


def bd09(longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
    """A WGS-84 position as BD-09 shows it. [degree]"""
    x, y = gcj02(longitude_deg, latitude_deg)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * BD_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * BD_TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def display_offset(
    longitude_deg: Floats,
    latitude_deg: Floats,
    trusted_longitude_deg: Floats,
    trusted_latitude_deg: Floats,
    tolerance_m: float = 25.0,
) -> str:
    """Whether positions are another system's view of trusted ones.

    Parameters
    ----------
    longitude_deg, latitude_deg : (n,) float array
        Positions as given. [degree]
    trusted_longitude_deg, trusted_latitude_deg : (n,) float array
        The same places as known in WGS-84 or CGCS2000, for example where the nearest lane is. [degree]
    tolerance_m : float
        How well the difference must agree with a display offset. [m]

    Returns
    -------
    str
        ``GCJ-02``, ``BD-09`` or empty.

    Notes
    -----
    Judged by the median over all positions, so that single outliers do not count.
    """
    longitude_deg, latitude_deg = np.asarray(longitude_deg), np.asarray(latitude_deg)
    metres = np.array([111_320.0 * math.cos(math.radians(float(np.median(latitude_deg)))), 110_540.0])
    plain = _median_distance(longitude_deg - trusted_longitude_deg, latitude_deg - trusted_latitude_deg, metres)
    if plain <= tolerance_m:
        return ""
    for name, transform in (("GCJ-02", gcj02), ("BD-09", bd09)):
        east, north = transform(np.asarray(trusted_longitude_deg), np.asarray(trusted_latitude_deg))
        if _median_distance(longitude_deg - east, latitude_deg - north, metres) <= tolerance_m:
            return name
    return ""


def _median_distance(east_deg: Floats, north_deg: Floats, metres: Floats) -> float:
    return float(np.median(np.hypot(east_deg * metres[0], north_deg * metres[1])))


def is_projection(text: str) -> bool:
    """Whether PROJ understands a text as a reference system."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(text)
    except CRSError:
        return False
    return True
