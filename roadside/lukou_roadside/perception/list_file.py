"""Published lists as one CSV file: what ``lukou warn --objects`` reads."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import IO

import numpy as np

from lukou_maps.road_model import RoadModel
from lukou_roadside.perception.lists import ListBuilder
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
        told["speed_deviation_mps"] = np.sqrt(
            0.5 * (told["velocity_variance_xx_m2ps2"] + told["velocity_variance_yy_m2ps2"])
        )
        columns = [told[name] for name in COLUMNS.values()]
        for number, kind, *row in zip(told["id"], told["object_class"], *columns, strict=True):
            self._table.writerow([f"{t_s:.1f}", int(number), int(kind), *(f"{value:.3f}" for value in row)])
