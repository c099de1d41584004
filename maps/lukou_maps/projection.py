"""Between the map frame and latitude and longitude.

Positions on the earth are those of the map's own reference system; a display on WGS-84 tiles must know that CGCS2000
and WGS-84 differ by about 0.8 m in eastern China.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError

from lukou_maps.errors import MapError
from lukou_maps.ragged import Floats
from lukou_maps.road_model import MapFrame


class MapProjection:
    """Projection of one map.

    Parameters
    ----------
    frame : MapFrame
        Georeference of the map.

    Raises
    ------
    MapError
        If the map is not georeferenced.
    """

    def __init__(self, frame: MapFrame) -> None:
        if not frame.projection:
            raise MapError("the map has no georeference: expected a PROJ text, found none; georeference the map")
        self._frame = frame

    @cached_property
    def _to_geographic(self) -> Transformer:
        try:
            projected = CRS.from_user_input(self._frame.projection)
        except CRSError as error:
            raise MapError(
                f"georeference {self._frame.projection[:80]!r}: {str(error)[:120]}; correct it in the map"
            ) from None
        return Transformer.from_crs(projected, projected.geodetic_crs, always_xy=True)

    @cached_property
    def _factors(self) -> Proj:
        return Proj(self._frame.projection)

    def to_geographic(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude of map positions. [degree]"""
        x_m, y_m = x_m - self._frame.offset_x_m, y_m - self._frame.offset_y_m
        cos, sin = np.cos(self._frame.rotation_rad), np.sin(self._frame.rotation_rad)
        longitude, latitude = self._to_geographic.transform(x_m * cos + y_m * sin, y_m * cos - x_m * sin)
        if not (np.isfinite(longitude).all() and np.isfinite(latitude).all()):
            raise MapError("positions too far from where the georeference holds; is it the one of this map?")
        return np.asarray(longitude), np.asarray(latitude)

    def to_map(self, longitude_deg: Floats, latitude_deg: Floats) -> tuple[Floats, Floats]:
        """Map positions of longitude and latitude. [m]"""
        x_m, y_m = self._to_geographic.transform(longitude_deg, latitude_deg, direction="INVERSE")
        x_m, y_m = np.asarray(x_m), np.asarray(y_m)
        cos, sin = np.cos(self._frame.rotation_rad), np.sin(self._frame.rotation_rad)
        return x_m * cos - y_m * sin + self._frame.offset_x_m, x_m * sin + y_m * cos + self._frame.offset_y_m

    def convergence(self, longitude_deg: float, latitude_deg: float) -> float:
        """Angle from true north to grid north, clockwise positive. [rad]"""
        factors = self._factors.get_factors(longitude_deg, latitude_deg)
        return float(np.deg2rad(factors.meridian_convergence))
