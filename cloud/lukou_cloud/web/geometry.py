"""The map for the page: GeoJSON in longitude and latitude, and how the map frame lies on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from lukou_maps.road_model import LaneKind, RoadModel, StopLineKind
from lukou_maps.signal_configuration import SignalConfiguration

Floats = NDArray[np.float64]


class PageMap:
    """A road model as the page needs it.

    Parameters
    ----------
    road : RoadModel
    configurations : sequence of SignalConfiguration
        Bind links of the map to signal groups.
    """

    def __init__(self, road: RoadModel, configurations: list[SignalConfiguration]) -> None:
        self._road = road
        self._groups = {
            (c.intersection, link): group.name for c in configurations for group in c.groups for link in group.links
        }
        self._transform = _transformer(road)

    def to_wgs84(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude of points in the map frame. [degrees]"""
        lon, lat = self._transform(np.asarray(x_m, float), np.asarray(y_m, float))
        return np.asarray(lon), np.asarray(lat)

    def frame(self) -> dict[str, float]:
        """Affine map from the map frame to longitude and latitude, fitted over the map; good to centimetres per kilometre."""
        x, y = self._road.lanes.x_m, self._road.lanes.y_m
        lon, lat = self.to_wgs84(x, y)
        x0, y0 = float(x.mean()), float(y.mean())
        basis = np.stack([np.ones_like(x), x - x0, y - y0], axis=1)
        a, b = np.linalg.lstsq(basis, lon, rcond=None)[0], np.linalg.lstsq(basis, lat, rcond=None)[0]
        names = ("lon0", "lon_x", "lon_y", "lat0", "lat_x", "lat_y")
        return {"x0": x0, "y0": y0, **dict(zip(names, [*map(float, a), *map(float, b)], strict=True))}

    def geojson(self) -> dict[str, Any]:
        """Lanes, connections with their signal groups, crosswalks, stop lines, junctions."""
        features = [*self._lanes(), *self._connections(), *self._crosswalks(), *self._stop_lines(), *self._junctions()]
        return {"type": "FeatureCollection", "features": [feature for feature in features if feature]}

    def _lanes(self) -> list[dict[str, Any]]:
        lanes = self._road.lanes
        return [
            self._line(
                lanes.points(k),
                {
                    "kind": LaneKind(int(lanes.kind[k])).name.lower(),
                    "name": lanes.names[k],
                    "width": round(float(lanes.width_m[k]), 2),
                    "participants": int(lanes.participants[k]),
                },
            )
            for k in range(len(lanes))
            if lanes.kind[k] in (LaneKind.ROAD, LaneKind.JUNCTION, LaneKind.WALKING_AREA)
        ]

    def _connections(self) -> list[dict[str, Any]]:
        connections, lanes = self._road.connections, self._road.lanes
        found = []
        for k in range(len(connections)):
            via, where = int(connections.via_lane[k]), int(connections.intersection[k])
            if via < 0 or where < 0:
                continue
            intersection = self._road.intersections[where]
            group = self._groups.get((intersection, int(connections.link_index[k])), "")
            properties = {
                "kind": "connection",
                "intersection": intersection,
                "group": group,
                "width": float(lanes.width_m[via]),
            }
            found.append(self._line(lanes.points(via), properties))
        return found

    def _crosswalks(self) -> list[dict[str, Any]]:
        crosswalks = self._road.crosswalks
        found = []
        for k in range(len(crosswalks)):
            rows = slice(int(crosswalks.outline_start[k]), int(crosswalks.outline_start[k + 1]))
            where = int(crosswalks.intersection[k])
            intersection = self._road.intersections[where] if where >= 0 else ""
            group = self._groups.get((intersection, int(crosswalks.link_index[k])), "")
            properties = {
                "kind": "crosswalk",
                "name": crosswalks.names[k],
                "intersection": intersection,
                "group": group,
            }
            found.append(self._polygon(crosswalks.outline_x_m[rows], crosswalks.outline_y_m[rows], properties))
        return found

    def _stop_lines(self) -> list[dict[str, Any]]:
        lines, connections = self._road.stop_lines, self._road.connections
        found = []
        for k in np.flatnonzero(lines.kind != StopLineKind.YIELD).tolist():
            groups, intersection = set(), ""
            for c in lines.connections[k]:
                if connections.intersection[c] >= 0:
                    intersection = self._road.intersections[int(connections.intersection[c])]
                    groups.add(self._groups.get((intersection, int(connections.link_index[c])), ""))
            if not intersection:
                continue
            lon, lat = self.to_wgs84(
                np.array([lines.left_x_m[k], lines.right_x_m[k]]), np.array([lines.left_y_m[k], lines.right_y_m[k]])
            )
            properties = {
                "kind": "stop_line",
                "intersection": intersection,
                "group": sorted(groups)[-1] if groups else "",
            }
            found.append(_feature("LineString", np.round(np.stack([lon, lat], axis=1), 7).tolist(), properties))
        return found

    def _junctions(self) -> list[dict[str, Any]]:
        junctions = self._road.junctions
        found = []
        for k in range(len(junctions)):
            rows = slice(int(junctions.outline_start[k]), int(junctions.outline_start[k + 1]))
            if rows.stop - rows.start >= 3:
                properties = {
                    "kind": "junction",
                    "name": junctions.names[k],
                    "signals": bool(junctions.is_signalised[k]),
                }
                found.append(self._polygon(junctions.outline_x_m[rows], junctions.outline_y_m[rows], properties))
        return found

    def _line(self, points: slice, properties: dict[str, Any]) -> dict[str, Any]:
        lon, lat = self.to_wgs84(self._road.lanes.x_m[points], self._road.lanes.y_m[points])
        return _feature("LineString", np.round(np.stack([lon, lat], axis=1), 7).tolist(), properties)

    def _polygon(self, x: Floats, y: Floats, properties: dict[str, Any]) -> dict[str, Any]:
        lon, lat = self.to_wgs84(np.append(x, x[0]), np.append(y, y[0]))
        return _feature("Polygon", [np.round(np.stack([lon, lat], axis=1), 7).tolist()], properties)


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def to_longitude_latitude(road: RoadModel) -> Any:
    """Function that turns points of the map frame into longitude and latitude; None where the map has no georeference. [degrees]"""
    if not road.frame.projection:
        return None
    transform = _transformer(road)
    return lambda x, y: transform(np.asarray(x, float), np.asarray(y, float))


def _transformer(road: RoadModel) -> Any:
    frame = road.frame
    if frame.projection:
        transformer = Transformer.from_crs(CRS.from_user_input(frame.projection), CRS.from_epsg(4326), always_xy=True)
        return lambda x, y: transformer.transform(x - frame.offset_x_m, y - frame.offset_y_m)
    # Without a georeference the page still has to draw something: metres around the null point.
    degree = math.pi / 180 * 6_371_000
    return lambda x, y: (x / degree, y / degree)
