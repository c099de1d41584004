"""Near misses for planners: encounters below the thresholds, with their measures, as events, tables, counts and map layers.

Measures as they are usual (Allen, Shin and Cooper, 1978; Gettman and others, Surrogate Safety Measures, FHWA-HRT-08-051,
2008): post-encroachment time (PET), least time to collision (TTC), deceleration rate to avoid the crash (DRAC).
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from lukou_messages.v1.objects_pb2 import ObjectClass

EVENT = "edge.near_miss"
"""Kind of the events that carry near misses; their details are the columns of `NearMiss`."""

KINDS = ("crossing", "vulnerable", "rear_end")
"""Two vehicles on crossing ways; a pedestrian or cyclist and a vehicle; one vehicle behind another."""

GRID_M = 10.0
"""Places of the counts are squares of this size. [m]"""

SERIOUS_S = 0.5
"""Time below which an encounter is serious: nobody could have done anything any more (Hyden, 1987, scaled to PET). [s]"""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One encounter that came close.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    at_ns : int
        When it was closest, nanoseconds POSIX UTC.
    x_m, y_m : float
        Where, in the map frame. [m]
    intersection : str
        Nearest intersection; empty: none.
    first_id, second_id : int
        Identities of the road users in the edge's list.
    first_class, second_class : int
        `lukou.v1.ObjectClass`.
    first_speed_mps, second_speed_mps : float
        Speeds there. [m/s]
    post_encroachment_s : float
        Time between one leaving the place and the other arriving; 0: they touched; nan: does not apply. [s]
    time_to_collision_s : float
        Least time to collision that was expected; nan: not known. [s]
    required_braking_mps2 : float
        Hardest braking that was needed (rear end) or done (others); nan: not known. [m/s^2]
    """

    kind: str
    at_ns: int
    x_m: float
    y_m: float
    intersection: str
    first_id: int
    second_id: int
    first_class: int
    second_class: int
    first_speed_mps: float
    second_speed_mps: float
    post_encroachment_s: float = math.nan
    time_to_collision_s: float = math.nan
    required_braking_mps2: float = math.nan

    @property
    def severity(self) -> float:
        """How close it was, 0 to 1: 1 at contact, 0.5 at `SERIOUS_S`, falling off with time."""
        times = (self.post_encroachment_s, self.time_to_collision_s if self.kind == "rear_end" else math.nan)
        least = min((value for value in times if not math.isnan(value)), default=math.inf)
        return round(SERIOUS_S / (SERIOUS_S + max(least, 0.0)), 3)

    def in_words(self) -> str:
        """One sentence for an operator."""
        who = f"{self.first_id} and {self.second_id}"
        where = f"at ({self.x_m:.1f}, {self.y_m:.1f})"
        if self.kind == "rear_end":
            return (
                f"{self.first_id} came up behind {self.second_id}: {self.time_to_collision_s:.1f} s to collision, "
                f"{self.required_braking_mps2:.1f} m/s2 of braking needed, {where}"
            )
        what = "pedestrian or cyclist and vehicle" if self.kind == "vulnerable" else "two vehicles"
        if self.post_encroachment_s < 0.1:
            return f"{who}: {what} touched or were in one place at once {where}"
        return f"{who}: {what} passed one place {self.post_encroachment_s:.1f} s after each other {where}"

    def details(self) -> dict[str, str]:
        """Columns as texts, for an event; what is not known is left out."""
        told = asdict(self)
        return {
            name: f"{value:.3f}" if isinstance(value, float) else str(value)
            for name, value in told.items()
            if not (isinstance(value, float) and math.isnan(value))
        }


_TYPES: dict[str, Callable[[str], Any]] = {
    column.name: {"str": str, "int": int, "float": float}[str(column.type)] for column in fields(NearMiss)
}


def of_details(details: Mapping[str, str]) -> NearMiss | None:
    """The near miss of an event's details; None where they are not complete (events of an older version)."""
    try:
        return NearMiss(**{name: _TYPES[name](text) for name, text in details.items() if name in _TYPES})
    except (TypeError, ValueError):
        return None


def counted(found: Iterable[NearMiss]) -> dict[str, Any]:
    """Counts by kind, by intersection, by hour of the day (UTC), and by place, the worst places first."""
    rows = list(found)
    places: dict[tuple[int, int], list[NearMiss]] = {}
    for one in rows:
        places.setdefault((math.floor(one.x_m / GRID_M), math.floor(one.y_m / GRID_M)), []).append(one)
    worst = sorted(places.values(), key=lambda group: -sum(one.severity for one in group))[:20]
    hours = Counter(datetime.fromtimestamp(one.at_ns * 1e-9, UTC).hour for one in rows)
    return {
        "total": len(rows),
        "serious": sum(one.severity >= 0.5 for one in rows),
        "by_kind": {kind: sum(one.kind == kind for one in rows) for kind in KINDS},
        "by_intersection": dict(sorted(Counter(one.intersection for one in rows).items())),
        "by_hour_utc": {str(hour): hours[hour] for hour in sorted(hours)},
        "places": [
            {
                "x_m": round(float(np.mean([one.x_m for one in group])), 1),
                "y_m": round(float(np.mean([one.y_m for one in group])), 1),
                "intersection": Counter(one.intersection for one in group).most_common(1)[0][0],
                "count": len(group),
                "severity": round(sum(one.severity for one in group), 2),
                "by_kind": dict(sorted(Counter(one.kind for one in group).items())),
            }
            for group in worst
        ],
    }


def plain(one: NearMiss) -> dict[str, Any]:
    """For JSON: what is not known is None, classes and times are words, too."""
    row = {
        name: None if isinstance(value, float) and math.isnan(value) else value for name, value in asdict(one).items()
    }
    row |= {f"{which}_class": class_name(getattr(one, f"{which}_class")) for which in ("first", "second")}
    return {**row, "at_ms": one.at_ns // 10**6, "severity": one.severity}


def class_name(number: int) -> str:
    """An object class in a word."""
    try:
        return ObjectClass.Name(number).removeprefix("OBJECT_CLASS_").lower()  # type: ignore[arg-type]
    except ValueError:
        return "unknown"


COLUMNS = ("time_utc", "kind", "intersection", "x_m", "y_m", "longitude_deg", "latitude_deg", "severity",
           "post_encroachment_s", "time_to_collision_s", "required_braking_mps2", "first_class", "second_class",
           "first_speed_mps", "second_speed_mps", "first_id", "second_id")  # fmt: skip
"""Columns of the export."""

ToWgs84 = Callable[[Any, Any], tuple[Any, Any]]
"""Longitude and latitude of points in the map frame. [degrees]"""


def table_rows(found: list[NearMiss], to_wgs84: ToWgs84 | None) -> list[dict[str, Any]]:
    """Rows of the export; without a georeference longitude and latitude are None."""
    if to_wgs84 is not None and found:
        lon, lat = (np.asarray(v).tolist() for v in to_wgs84([one.x_m for one in found], [one.y_m for one in found]))
    else:
        lon = lat = [None] * len(found)
    rows = []
    for one, east, north in zip(found, lon, lat, strict=True):
        row = plain(one)
        row["time_utc"] = datetime.fromtimestamp(one.at_ns * 1e-9, UTC).isoformat(timespec="milliseconds")
        row["longitude_deg"] = None if east is None else round(east, 7)
        row["latitude_deg"] = None if north is None else round(north, 7)
        rows.append({name: _rounded(row[name]) for name in COLUMNS})
    return rows


def _rounded(value: Any) -> Any:
    return round(value, 7) if isinstance(value, float) else value


def as_csv(found: list[NearMiss], to_wgs84: ToWgs84 | None) -> str:
    """Table with a head of `COLUMNS`; what is not known is empty."""
    stream = io.StringIO()
    table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    table.writeheader()
    for row in table_rows(found, to_wgs84):
        table.writerow({name: "" if value is None else value for name, value in row.items()})
    return stream.getvalue()


def as_geojson(found: list[NearMiss], to_wgs84: ToWgs84) -> dict[str, Any]:
    """Points in longitude and latitude (RFC 7946)."""
    return points(table_rows(found, to_wgs84))


def points(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows with longitude and latitude as GeoJSON."""
    features = []
    for row in rows:
        place = [row["longitude_deg"], row["latitude_deg"]]
        rest = {name: value for name, value in row.items() if name not in ("longitude_deg", "latitude_deg")}
        features.append({"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": rest})
    return {"type": "FeatureCollection", "features": features}
