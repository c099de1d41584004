"""Height of the map's ground."""

from __future__ import annotations

import numpy as np

from lukou_maps.geometry import LaneGeometry
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import RoadModel
from lukou_roadside.perception.tracking.scan import Floats


def heights(model: RoadModel | None, x_m: Floats, y_m: Floats) -> Floats:
    """Height of the nearest lane at places; 0 without a map or where no lane is near. [m]"""
    z_m = np.zeros(len(x_m))
    if model is None or len(model.lanes) == 0:
        return z_m
    found = LaneMatcher(model).nearest(x_m, y_m)
    on = found.lane >= 0
    z_m[on] = LaneGeometry(model.lanes).height(found.lane[on], found.s_m[on])
    return z_m
