"""Which detections of a camera can be road users at all: on the map's area of interest, and of a size their class can have.

Static false boxes (signs, shadows, parked trailers behind a fence) are the commonest errors of a detector brought from
elsewhere; most of them stand where nobody can be, or would be ten metres tall where they seem to stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.ground import sizes_fit
from lukou_roadside.perception.settings import GateSettings
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints

Outside = Callable[[Floats, Floats], Floats]
"""Distance of map positions from the area of interest; <= 0 inside. [m]"""

LEAST_SIZE_M = np.array(
    [
        # width, height; rows are `lukou.v1.ObjectClass` 0 to 9; the narrowest view of the smallest of its class
        [0.2, 0.3], [1.3, 1.1], [1.6, 1.6], [1.9, 2.2], [0.35, 0.9], [0.35, 0.9], [0.25, 0.9], [0.1, 0.1], [0.1, 0.1], [2.0, 2.5],
    ]
)  # fmt: skip
"""Least width and height of each class. [m]"""

MOST_SIZE_M = np.array(
    [
        # length, width, height
        [25.0, 3.2, 4.6], [6.6, 2.4, 2.9], [19.0, 3.2, 4.6], [20.0, 3.0, 4.6], [3.2, 1.4, 2.4], [3.2, 1.4, 2.4], [1.3, 1.3, 2.4],
        [3.5, 1.5, 2.6], [25.0, 3.2, 4.6], [60.0, 3.2, 4.8],
    ]
)  # fmt: skip
"""Greatest length, width and height of each class; GB 1589-2016 with room for what hangs over. [m]"""

CUT_PX = 2.0
"""A box this near to the picture's edge may be cut by it: its least size says nothing. [px]"""


def off_the_lanes(model: RoadModel) -> Outside:
    """Distance from the nearest lane of any kind; infinite where none is near."""
    matcher = LaneMatcher(model, tuple(LaneKind))
    width_m = model.lanes.width_m

    def outside(x_m: Floats, y_m: Floats) -> Floats:
        found = matcher.nearest(x_m, y_m)
        return np.where(found.lane >= 0, np.abs(found.d_m) - width_m[found.lane] / 2.0, np.inf)

    return outside


def inside_polygon(x_m: Floats, y_m: Floats, corners: Floats) -> Booleans:
    """Which points lie in a polygon (even-odd rule; W. R. Franklin, "PNPOLY", 1970).

    Parameters
    ----------
    x_m, y_m : (n,) float array
        Points. [m]
    corners : (k, 2) float array
        Corners in order. [m]
    """
    ax, ay = corners[:, 0][:, None], corners[:, 1][:, None]
    bx, by = np.roll(ax, -1, axis=0), np.roll(ay, -1, axis=0)
    spans = (ay > y_m) != (by > y_m)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x_m < (bx - ax) * (y_m - ay) / (by - ay) + ax
    return np.asarray((spans & crossing).sum(axis=0) % 2 == 1)


@dataclass(slots=True)
class DetectionGate:
    """Judges the detections of one camera and counts what it refuses.

    Attributes
    ----------
    calibration : Calibration
        The camera.
    settings : GateSettings
        What is refused.
    outside : callable, optional
        Distance from the map's area; none: the map is not asked.
    off_area, wrong_size : int
        Detections refused so far.
    """

    calibration: Calibration
    settings: GateSettings
    outside: Outside | None = None
    off_area: int = 0
    wrong_size: int = 0
    _excluded: list[Floats] = field(init=False)

    def __post_init__(self) -> None:
        self._excluded = [np.array(polygon, np.float64) for polygon in self.settings.excluded_areas]

    def keep(
        self,
        named: Ints,
        box: tuple[Floats, Floats, Floats, Floats],
        place: tuple[Floats, Floats, Floats],
        variance: Floats,
    ) -> Booleans:
        """Which detections stay.

        Parameters
        ----------
        named : (n,) int array
            Class of each.
        box : four (n,) float arrays
            Left, top, right, bottom. [px]
        place : three (n,) float arrays
            Middle of the footprint in the map frame; nan: nowhere on the ground. [m]
        variance : (n,) float array
            Sum of the variances of x and y. [m^2]
        """
        grounded = np.isfinite(place[0]) & np.isfinite(variance)
        on_area = np.ones(len(named), np.bool_)
        on_area[grounded] = self._on_area(place[0][grounded], place[1][grounded], variance[grounded])
        fits = np.ones(len(named), np.bool_)
        if self.settings.size_tolerance > 0:
            fits = ~grounded | self._fits(named, box, place)
        self.off_area += int((~on_area).sum())
        self.wrong_size += int((on_area & ~fits).sum())
        return on_area & fits

    def _on_area(self, x: Floats, y: Floats, variance: Floats) -> Booleans:
        on_area = np.ones(len(x), np.bool_)
        margin = self.settings.map_margin_m
        if self.outside is not None and np.isfinite(margin) and len(x):
            # half of the summed variances is that of one direction; twice its deviation may be error
            on_area = self.outside(x, y) <= margin + 2.0 * np.sqrt(0.5 * variance)
        for polygon in self._excluded:
            on_area &= ~inside_polygon(x, y, polygon)
        return on_area

    def _fits(
        self, named: Ints, box: tuple[Floats, Floats, Floats, Floats], place: tuple[Floats, Floats, Floats]
    ) -> Booleans:
        """Whether the box has a size, where it stands, that its class can have."""
        (x1, y1, x2, y2), (x, y, z) = box, place
        middle_x, middle_y = (x1 + x2) / 2.0, (y1 + y2) / 2.0
        rays = self.calibration.rays(
            np.concatenate([x1, x2, middle_x, middle_x]), np.concatenate([middle_y, middle_y, y1, y2])
        ).reshape(4, -1, 3)
        picture = self.calibration.settings
        is_cut = (x1 < CUT_PX) | (y1 < CUT_PX) | (x2 > picture.width_px - CUT_PX) | (y2 > picture.height_px - CUT_PX)
        away = np.column_stack([x, y, z]) - self.calibration.position_map
        return sizes_fit(rays, away, is_cut, named, LEAST_SIZE_M, MOST_SIZE_M, 1.0 + self.settings.size_tolerance)
