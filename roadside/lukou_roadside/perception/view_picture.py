"""The perception view as a picture: what a camera sees with the detector's boxes, beside it the map with everybody who is followed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_maps.road_model import LaneKind, RoadModel
from lukou_messages.objects import ObjectList
from lukou_messages.v1.sensor_pb2 import CameraPicture
from lukou_roadside.perception.tracking.classes import LENGTH_M, WIDTH_M

Image = NDArray[np.uint8]

Pixels = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.int32]]
"""Places on the map to pixels."""

SIZE_PX = 560
"""Width and height of the map. [px]"""

SIGMAS_95 = 2.4477
"""Half axes of the 95 % ellipse of two components, in standard deviations."""

COASTED_S = 0.25
"""Whoever was not measured for longer is drawn yellow. [s]"""

AHEAD_S = 1.0
"""The stroke ahead of a road user is the way that he makes in so long. [s]"""

GROUND, ROAD, EDGE, TEXT = (32, 30, 28), (62, 60, 58), (92, 90, 88), (235, 235, 235)
MEASURED, COASTED, WALKS = (235, 180, 80), (60, 220, 240), (90, 210, 110)
BOX = (0, 200, 255)
"""Colours: blue, green, red."""

_WALKER = 6
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def map_picture(model: RoadModel, objects: ObjectList, centre_m: tuple[float, float], radius_m: float) -> Image:
    """The map around a place with everybody in a list: outline, number, way of the next second, 95 % ellipse of the place.

    Parameters
    ----------
    model : RoadModel
        The map.
    objects : ObjectList
        The list, in the map's frame.
    centre_m : (float, float)
        Middle of the picture. [m]
    radius_m : float
        Half of the picture's width. [m]
    """
    canvas = np.full((SIZE_PX, SIZE_PX, 3), GROUND, np.uint8)
    scale = SIZE_PX / (2.0 * radius_m)

    def pixels(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int32]:
        east, north = (x_m - centre_m[0]) * scale, (y_m - centre_m[1]) * scale
        return np.stack([0.5 * SIZE_PX + east, 0.5 * SIZE_PX - north], axis=-1).round().astype(np.int32)

    lanes = model.lanes
    for k in np.argsort(lanes.kind == LaneKind.JUNCTION, kind="stable").tolist():  # junctions over the roads
        part = slice(int(lanes.point_start[k]), int(lanes.point_start[k + 1]))
        x_m, y_m, ax_m, ay_m = (one[part] for one in (lanes.x_m, lanes.y_m, lanes.across_x_m, lanes.across_y_m))
        if np.hypot(x_m - centre_m[0], y_m - centre_m[1]).min() > 1.5 * radius_m + float(lanes.length_m[k]):
            continue
        outline = np.concatenate([pixels(x_m + ax_m, y_m + ay_m), pixels(x_m - ax_m, y_m - ay_m)[::-1]])
        cv2.fillPoly(canvas, [outline], ROAD)
        if lanes.kind[k] != LaneKind.JUNCTION:
            cv2.polylines(canvas, [outline], True, EDGE, 1, cv2.LINE_AA)
    for row in range(len(objects)):
        _draw_road_user(canvas, objects, row, pixels, scale)
    return canvas


def _column(objects: ObjectList, name: str, row: int, unknown: float) -> float:
    value = float(getattr(objects, name)[row]) if objects.has(name) else unknown
    return value if np.isfinite(value) else unknown


def _draw_road_user(canvas: Image, objects: ObjectList, row: int, pixels: Pixels, scale: float) -> None:
    kind = min(int(objects.object_class[row]) if objects.has("object_class") else 0, len(LENGTH_M) - 1)
    x_m, y_m = float(objects.x_m[row]), float(objects.y_m[row])
    vx, vy = (_column(objects, name, row, 0.0) for name in ("velocity_x_mps", "velocity_y_mps"))
    yaw = _column(objects, "yaw_rad", row, float(np.arctan2(vy, vx)))
    length = _column(objects, "length_m", row, float(LENGTH_M[kind]))
    width = _column(objects, "width_m", row, float(WIDTH_M[kind]))
    is_coasted = _column(objects, "unmeasured_s", row, 0.0) > COASTED_S
    colour = COASTED if is_coasted else WALKS if kind == _WALKER else MEASURED
    along = np.array([np.cos(yaw), np.sin(yaw)]) * 0.5 * length
    across = np.array([-np.sin(yaw), np.cos(yaw)]) * 0.5 * width
    corners = np.array([along + across, along - across, -along - across, -along + across]) + np.array([x_m, y_m])
    cv2.fillPoly(canvas, [pixels(corners[:, 0], corners[:, 1])], colour)
    ways = pixels(np.array([x_m, x_m + AHEAD_S * vx]), np.array([y_m, y_m + AHEAD_S * vy]))
    cv2.line(canvas, ways[0].tolist(), ways[1].tolist(), colour, 1, cv2.LINE_AA)
    names = ("position_variance_xx_m2", "position_variance_xy_m2", "position_variance_yy_m2")
    xx, xy, yy = (_column(objects, name, row, 0.0) for name in names)
    if xx > 0.0 and yy > 0.0:
        values, vectors = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]))
        axes = np.maximum(SIGMAS_95 * np.sqrt(np.maximum(values[::-1], 0.0)) * scale, 1.0).round().astype(int)
        angle = -float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])))
        cv2.ellipse(canvas, ways[0].tolist(), axes.tolist(), angle, 0.0, 360.0, colour, 1, cv2.LINE_AA)
    place = int(ways[0][0]) + 6, int(ways[0][1]) - 6
    cv2.putText(canvas, str(int(objects.id[row])), place, _FONT, 0.35, TEXT, 1, cv2.LINE_AA)


def camera_picture(sent: CameraPicture, class_names: dict[int, str]) -> Image | None:
    """A camera's picture, as high as the map's, with the detector's boxes; None where it cannot be read."""
    image = cv2.imdecode(np.frombuffer(sent.jpeg, np.uint8), cv2.IMREAD_COLOR) if sent.jpeg else None
    if image is None:
        return None
    width, height = max(1, round(image.shape[1] * SIZE_PX / image.shape[0])), SIZE_PX
    image = cv2.resize(image, (width, height))
    for box in sent.boxes:
        upper_left = round(box.left * width), round(box.top * height)
        lower_right = round(box.right * width), round(box.bottom * height)
        cv2.rectangle(image, upper_left, lower_right, BOX, 1)
        text = f"{class_names.get(box.object_class, str(box.object_class))} {box.score:.2f}"
        cv2.putText(image, text, (upper_left[0], max(9, upper_left[1] - 2)), _FONT, 0.33, BOX, 1, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


def view(map_part: Image, camera_part: Image | None, words: list[str]) -> Image:
    """Both side by side, equally high, under a few lines of text."""
    whole = map_part if camera_part is None else np.hstack([camera_part, map_part])
    head = np.zeros((18 * len(words) + 6, whole.shape[1], 3), np.uint8)
    for number, line in enumerate(words):
        cv2.putText(head, line, (6, 16 + 18 * number), _FONT, 0.42, TEXT, 1, cv2.LINE_AA)
    return np.vstack([head, whole])
