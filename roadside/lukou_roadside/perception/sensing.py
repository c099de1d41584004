"""Radar sweeps and vendors' detection lists as scans in the map frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from lukou_hw.radar import RadarScan
from lukou_messages.columns import FIRST_COLUMN
from lukou_messages.objects import DetectionList
from lukou_messages.v1.sensor_pb2 import SensorKind
from lukou_roadside.perception.settings import RadarSettings
from lukou_roadside.perception.tracking.scan import CAMERA, RADAR, Floats, Scan, View

RADAR_SCORE = 0.6
"""Score of a radar return: it tells nothing of its own truth."""

DEFAULT_DEVIATION_M = 1.0
"""Standard deviation of a vendor's position that comes without covariance. [m]"""

VENDOR_TRACK_FACTOR = 4.0
"""Vendor tracks are filtered already: widened so that the same evidence is not counted at each list again."""


def radar_view(settings: RadarSettings) -> View:
    """What a radar watches."""
    return View(
        settings.x_m,
        settings.y_m,
        settings.boresight_rad,
        settings.opening_rad,
        settings.range_min_m,
        settings.range_max_m,
    )


def radar_scan(sweep: RadarScan, settings: RadarSettings, sensor: int, time_s: float, sequence: int) -> Scan:
    """Returns of one sweep in the map frame.

    Parameters
    ----------
    sweep : RadarScan
        The sweep.
    settings : RadarSettings
        Mounting and accuracy.
    sensor : int
        Number of the radar.
    time_s : float
        Middle of the sweep. [s]
    sequence : int
        Number of the sweep, never the same twice.
    """
    distance = np.asarray(sweep.range_m, np.float64)
    azimuth = np.asarray(sweep.azimuth_rad, np.float64) + settings.boresight_rad
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    along = np.full(len(sweep), settings.range_deviation_m**2)
    across = (distance * settings.azimuth_deviation_rad) ** 2
    unknown = np.full(len(sweep), np.nan)
    return Scan(
        sensor=sensor,
        kind=RADAR,
        time_s=time_s,
        sequence=sequence,
        x_m=settings.x_m + distance * cos,
        y_m=settings.y_m + distance * sin,
        variance_xx=along * cos * cos + across * sin * sin,
        variance_xy=(along - across) * cos * sin,
        variance_yy=along * sin * sin + across * cos * cos,
        views=(radar_view(settings),),
        object_class=np.zeros(len(sweep), np.int64),
        score=np.full(len(sweep), RADAR_SCORE),
        yaw_rad=unknown,
        length_m=unknown,
        width_m=unknown,
        range_rate_mps=np.asarray(sweep.range_rate_mps, np.float64),
    )


def detection_scan(detections: DetectionList, sensor: int, time_s: float, sequence: int) -> Scan:
    """One vendor list as a scan.

    Parameters
    ----------
    detections : DetectionList
        The list; positions are in the map frame.
    sensor : int
        Number of the sensor.
    time_s : float
        Instant of measurement. [s]
    sequence : int
        Number of the list.
    """
    kind = RADAR if detections.sensor_kind == SensorKind.SENSOR_KIND_RADAR else CAMERA
    factor = VENDOR_TRACK_FACTOR if detections.sensor_kind == SensorKind.SENSOR_KIND_RADAR_TRACKS else 1.0
    count = len(detections)
    told = detections.has("position_variance_xx_m2") and detections.has("position_variance_yy_m2")
    default = np.full(count, DEFAULT_DEVIATION_M**2)
    xx = _floats(detections.position_variance_xx_m2) if told else default
    yy = _floats(detections.position_variance_yy_m2) if told else default
    xy = _floats(detections.position_variance_xy_m2) if detections.has("position_variance_xy_m2") else np.zeros(count)
    score = _floats(detections.score) if detections.has("score") else np.full(count, 0.6)
    return Scan(
        sensor=sensor,
        kind=kind,
        time_s=time_s,
        sequence=sequence,
        x_m=_floats(detections.x_m),
        y_m=_floats(detections.y_m),
        variance_xx=np.maximum(xx, 1e-3) * factor,
        variance_xy=xy * factor,
        variance_yy=np.maximum(yy, 1e-3) * factor,
        views=_views(detections),
        object_class=np.minimum(detections.object_class.astype(np.int64), 9),
        score=score,
        yaw_rad=_known(detections, "yaw_rad"),
        length_m=_known(detections, "length_m"),
        width_m=_known(detections, "width_m"),
        range_rate_mps=_known(detections, "range_rate_mps"),
    )


def _floats(column: Any) -> Floats:
    return np.asarray(column, np.float64)


def _known(detections: DetectionList, column: str) -> Floats:
    """A column with nan where it is unknown for one detection or for all."""
    values = _floats(getattr(detections, column)).copy()
    if detections.has("known"):
        bit = DetectionList.PUBLIC.DESCRIPTOR.fields_by_name[column].number - FIRST_COLUMN
        values[(detections.known >> np.uint32(bit)) & 1 == 0] = np.nan
    return values


def _views(detections: DetectionList) -> tuple[View, ...]:
    message = detections.message
    if not message.HasField("sensor_x_m"):
        return ()
    x_m, y_m = message.sensor_x_m, message.sensor_y_m
    return tuple(
        View(x_m, y_m, sector.azimuth_rad, sector.opening_rad, sector.range_min_m, sector.range_max_m)
        for sector in detections.sectors
    )
