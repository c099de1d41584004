"""Published lists as one CSV file: what ``lukou warn --objects`` reads."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from lukou_maps.road_model import RoadModel
from lukou_roadside.perception.lists import ListBuilder
from lukou_roadside.perception.tracking.scan import Floats
from lukou_roadside.perception.tracking.tracks import Tracks

COLUMNS = {
    "x_m": "x_m",
    "y_m": "y_m",
    "vx_mps": "velocity_x_mps",
    "vy_mps": "velocity_y_mps",
    "ax_mps2": "acceleration_x_mps2",
    "ay_mps2": "acceleration_y_mps2",
    "yaw_rad": "yaw_rad",
    "length_m": "length_m",
    "width_m": "width_m",
    "deviation_m": "deviation_m",
    "speed_deviation_mps": "speed_deviation_mps",
    "existence": "existence_probability",
    "unmeasured_s": "unmeasured_s",
}
"""Real columns of the file, and what they are called in a list."""

MOVING_MPS = 1.0
"""Who is faster heads where he moves; of slower ones the direction of the front tells where they would go. [m/s]"""

LEAST_VARIANCE = 1e-4
"""No speed is known better. [(m/s)^2]"""


class ListFile:
    """Writes the lists that a unit would publish, frame by frame.

    Parameters
    ----------
    stream : text file
        Open for writing, without translation of line ends.
    model : RoadModel
        The map of the lists.
    """

    def __init__(self, stream: IO[str], model: RoadModel) -> None:
        self._builder = ListBuilder(model)
        self._table = csv.writer(stream)
        self._table.writerow(["t", "id", "object_class", *COLUMNS])

    def add(self, t_s: float, tracks: Tracks, sensor_names: Sequence[str]) -> None:
        """One frame."""
        told, _ = self._builder.columns(tracks, sensor_names)
        told["deviation_m"] = np.sqrt(0.5 * (told["position_variance_xx_m2"] + told["position_variance_yy_m2"]))
        told["speed_deviation_mps"] = speed_deviation(told)
        columns = [told[name] for name in COLUMNS.values()]
        for number, kind, *row in zip(told["id"], told["object_class"], *columns, strict=True):
            self._table.writerow([f"{t_s:.1f}", int(number), int(kind), *(f"{value:.3f}" for value in row)])


def speed_deviation(told: Mapping[str, Any]) -> Floats:
    """Standard deviation of the speed: what is not known of the velocity across does not change it.

    Parameters
    ----------
    told : mapping
        Columns of a list: velocities, their covariances, and the direction of the front, which counts for who hardly moves.

    Returns
    -------
    (n,) float array
        Of the velocity along the heading. [m/s]
    """
    vx, vy = np.asarray(told["velocity_x_mps"]), np.asarray(told["velocity_y_mps"])
    heading = np.where(np.hypot(vx, vy) > MOVING_MPS, np.arctan2(vy, vx), told["yaw_rad"])
    cos, sin = np.cos(heading), np.sin(heading)
    xx, xy, yy = (np.asarray(told[f"velocity_variance_{name}_m2ps2"]) for name in ("xx", "xy", "yy"))
    return np.asarray(np.sqrt(np.maximum(cos * cos * xx + 2.0 * cos * sin * xy + sin * sin * yy, LEAST_VARIANCE)))
