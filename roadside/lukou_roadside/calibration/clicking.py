"""A page on which map points are clicked: one file with picture and map in it, no network, no server."""

from __future__ import annotations

import base64
import json
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_maps.geometry import LaneGeometry
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_maps.showing import COLOURS, outline
from lukou_maps.vocabulary import LaneType, Side
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.perception.tracking.scan import Floats

REACH_M = 80.0
"""Half the side of the map shown. [m]"""


def make_page(picture: NDArray[np.uint8], model: RoadModel, near: tuple[float, float] | None) -> str:
    """The page as HTML.

    Parameters
    ----------
    picture : (h, w, 3) uint8 array
        The street.
    model : RoadModel
        The map.
    near : (x, y), optional
        Middle of the part shown; the junction where most lanes meet if not given. [m]

    Raises
    ------
    CalibrationError
        No lane of the map is near.
    """
    x, y = near if near is not None else _busiest(model)
    west, north = x - REACH_M, y + REACH_M
    shapes = _shapes(model, west, north)
    if not shapes:
        raise CalibrationError(f"no lanes within {REACH_M:.0f} m of x {x:.1f}, y {y:.1f}; give another --near")
    done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])
    if not done:
        raise CalibrationError("the picture cannot be packed")
    data = {
        "picture": "data:image/jpeg;base64," + base64.b64encode(packed.tobytes()).decode(),
        "width_px": picture.shape[1],
        "height_px": picture.shape[0],
        "west": west,
        "north": north,
        "size_m": 2 * REACH_M,
        "shapes": "".join(shapes),
    }
    template = files("lukou_roadside.calibration").joinpath("clicking.html").read_text(encoding="utf-8")
    return template.replace("/*DATA*/ null", json.dumps(data).replace("</", "<\\/"))


def _busiest(model: RoadModel) -> tuple[float, float]:
    lanes = model.lanes
    junction = lanes.junction[lanes.kind == LaneKind.JUNCTION]
    if not len(junction) or junction.max() < 0:
        return float(lanes.x_m.mean()), float(lanes.y_m.mean())
    which = int(np.bincount(junction[junction >= 0]).argmax())
    rows = np.flatnonzero((lanes.junction == which) & (lanes.kind == LaneKind.JUNCTION))
    points = np.concatenate([np.arange(lanes.point_start[k], lanes.point_start[k + 1]) for k in rows])
    return float(lanes.x_m[points].mean()), float(lanes.y_m[points].mean())


def _shapes(model: RoadModel, west: float, north: float) -> list[str]:
    """SVG of what lies inside; one unit is a metre."""
    lanes, geometry, found = model.lanes, LaneGeometry(model.lanes), []

    def path(points: Floats) -> str:
        return " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(points[:, 0] - west, north - points[:, 1], strict=True))

    middle = np.array([west + REACH_M, north - REACH_M])
    for k in np.argsort(np.where(lanes.kind == LaneKind.CROSSWALK, 9, lanes.kind), kind="stable").tolist():
        ring = outline(model, k)
        if (np.abs(ring - middle).min(axis=0) > REACH_M).any():
            continue
        colour = COLOURS.get(LaneType(lanes.type[k]), "#dddddd")
        opacity = 0.25 if lanes.kind[k] == LaneKind.JUNCTION else 0.6
        found.append(f'<polygon points="{path(ring)}" fill="{colour}" fill-opacity="{opacity}"/>')
        if lanes.kind[k] == LaneKind.ROAD:
            own = np.full(int(lanes.point_start[k + 1] - lanes.point_start[k]), k)
            for side in (Side.LEFT, Side.RIGHT):
                edge = np.column_stack(geometry.boundary(own, lanes.s_m[lanes.points(k)], side))
                found.append(f'<polyline points="{path(edge)}" fill="none" stroke="#fff" stroke-width="0.12"/>')
    lines = model.stop_lines
    ends = np.stack(
        [np.column_stack([lines.left_x_m, lines.left_y_m]), np.column_stack([lines.right_x_m, lines.right_y_m])], axis=1
    )
    found += [
        f'<polyline points="{path(line)}" stroke="#ff5b4e" stroke-width="0.3"/>'
        for line in ends
        if (np.abs(line - middle) < REACH_M).all()
    ]
    return found
