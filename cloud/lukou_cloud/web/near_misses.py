"""The API's near misses: a list with counts for the page, and the same as CSV or GeoJSON for planners."""

from __future__ import annotations

import json
from typing import Literal

from fastapi import FastAPI, Query, Response
from fastapi.responses import JSONResponse

from lukou_cloud.centre.archive import Archive
from lukou_cloud.near_misses import EVENT, KINDS, NearMiss, as_csv, as_geojson, counted, of_details, plain
from lukou_cloud.web.geometry import PageMap

MOST = 20_000
"""Near misses of one answer."""

Kind = Literal["", "crossing", "vulnerable", "rear_end"]
Format = Literal["json", "csv", "geojson"]


def found(
    archive: Archive, from_ns: int, to_ns: int, kind: str = "", intersection: str = "", limit: int = MOST
) -> tuple[list[NearMiss], int]:
    """Near misses of the archive, newest first, and how many of its events could not be read.

    Parameters
    ----------
    archive : Archive
        The city's archive.
    from_ns, to_ns : int
        Period, nanoseconds POSIX UTC.
    kind, intersection : str
        Only these; empty: all.
    limit : int
        At most so many events are looked at.
    """
    rows, unread = [], 0
    for event in archive.query("event", from_ns, to_ns, limit, EVENT, intersection):
        one = of_details(event.get("details", {}))
        if one is None:
            unread += 1
        elif kind in ("", one.kind):
            rows.append(one)
    return rows, unread


def add_near_misses(app: FastAPI, archive: Archive, page_map: PageMap) -> None:
    """Serve ``/api/near_misses``."""

    @app.get("/api/near_misses")
    def near_misses(
        from_ns: int = Query(0, ge=0),
        to_ns: int = Query(2**62, ge=0, le=2**62),
        kind: Kind = "",
        intersection: str = Query("", max_length=80),
        limit: int = Query(2000, ge=1, le=MOST),
        file: Format = Query("json", alias="format"),
    ) -> Response:
        """Encounters that came close: newest first, with counts by kind, place and hour; or as a file."""
        rows, unread = found(archive, from_ns, to_ns, kind, intersection, limit)
        if file == "csv":
            return _file(as_csv(rows, page_map.to_wgs84), "text/csv", "near_misses.csv")
        if file == "geojson":
            text = json.dumps(as_geojson(rows, page_map.to_wgs84))
            return _file(text, "application/geo+json", "near_misses.geojson")
        plain_rows = [plain(one) for one in rows]
        answer = {"schema_version": 1, "kinds": KINDS, "counts": counted(rows), "unread": unread}
        return JSONResponse({**answer, "near_misses": plain_rows, "is_cut": len(rows) + unread >= limit})


def _file(text: str, kind: str, name: str) -> Response:
    return Response(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
