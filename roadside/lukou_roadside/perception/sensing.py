"""Radar sweeps and vendors' detection lists as scans in the map frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_hw.radar import RadarScan
from lukou_messages.columns import FIRST_COLUMN
from lukou_messages.objects import DetectionList
from lukou_messages.v1.sensor_pb2 import SensorKind
from lukou_roadside.perception.settings import RadarSettings
from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import CAMERA, RADAR, Floats, Scan, View
from lukou_roadside.perception.vendor_filter import SETTLED_S, VendorFilter

RADAR_SCORE = 0.6
"""Score of a radar return: it tells nothing of its own truth."""

DEFAULT_DEVIATION_M = 1.0
"""Standard deviation of a vendor's position that comes without covariance. [m]"""

FILTERED_S = 1.0
"""A vendor's tracks are filtered: within this time they tell of one measurement, however often they are sent. [s]"""

TRACKS_PRESENCE = 0.1
"""What it says that a vendor has no track: little, since such radars begin late and forget who stands."""

USUAL_PERIOD_S, USUAL_GAP_S = 0.1, 2.0
"""Lists come this often where it is not known; after a longer gap it is not known. [s]"""

EXACTLY_M, EXACT_TIMES = 0.02, 3
"""A movement as exact as this, so many times in a row, is no measurement. [m]"""

TRACK_KINDS = (SensorKind.SENSOR_KIND_RADAR_TRACKS,)
"""Kinds of sensors that send tracks; others do where they give their detections identities."""


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


class VendorMemory:
    """What one vendor's list says only together with those before: how long it has followed whom, and who is carried on unseen.

    Attributes
    ----------
    refused : int
        Detections left out so far since what was told as their covariance is none.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._since: dict[int, float] = {}
        self._last: dict[int, tuple[float, float, float, int]] = {}
        self._time_s = -np.inf
        self._filter = VendorFilter()

    def scan(self, detections: DetectionList, sensor: int, time_s: float, sequence: int) -> Scan:
        """One list as a scan; parameters as in `detection_scan`.

        Tracks are of two kinds. Of those with covariances and velocities the measurements behind them are told, as soon as it is known how the vendor filters
        (`vendor_filter`); without velocities they count as one measurement per `FILTERED_S`. Without covariances these are learned. Those that move on without the least deviation are not measured but extrapolated, and left out. So is, of all lists,
        what has no covariance that can be one.
        """
        scan = detection_scan(detections, sensor, time_s, sequence)
        good = scan.variance_xx * scan.variance_yy - scan.variance_xy**2 > 0.0  # not where one of them is no number
        self.refused += len(scan) - int(np.count_nonzero(good))
        if not (detections.sensor_kind in TRACK_KINDS or detections.has("track_id")):
            return scan if good.all() else scan.of_tracks(np.flatnonzero(good), 1.0, 1.0, None)
        passed_s = time_s - self._time_s
        period_s = min(max(passed_s, 0.02), FILTERED_S) if passed_s < USUAL_GAP_S else USUAL_PERIOD_S
        self._time_s = max(self._time_s, time_s)
        ids = detections.track_id.tolist() if detections.has("track_id") else [0] * len(detections)
        age_s = np.array([time_s - self._since.setdefault(one, time_s) if one else 0.0 for one in ids])
        measured = good & ~self._extrapolated(detections, ids, time_s)
        self._since = {one: self._since[one] for one in ids if one}
        is_told = detections.has("position_variance_xx_m2") and detections.has("position_variance_yy_m2")
        repeats = FILTERED_S / period_s
        if is_told and scan.velocity_mps is not None:
            told, changed = self._filter.equivalent(scan, np.array(ids, np.int64), age_s >= SETTLED_S, repeats)
            rows = np.flatnonzero(measured & changed)
            return told.of_tracks(rows, repeats if told is scan else 1.0, TRACKS_PRESENCE, None)
        return scan.of_tracks(np.flatnonzero(measured), repeats, TRACKS_PRESENCE, None if is_told else age_s)

    def _extrapolated(self, detections: DetectionList, ids: list[int], time_s: float) -> NDArray[np.bool_]:
        """Who has moved by exactly his velocity, several times in a row, is extrapolated; whoever stands says nothing by that."""
        carried = np.zeros(len(ids), np.bool_)
        if not detections.has("velocity_x_mps") or not detections.has("velocity_y_mps"):
            return carried
        x, y = _floats(detections.x_m), _floats(detections.y_m)
        vx, vy = _floats(detections.velocity_x_mps), _floats(detections.velocity_y_mps)
        last, self._last = self._last, {}
        for row, one in enumerate(ids):
            before = last.get(one)
            times = 0
            if one and before is not None and np.hypot(vx[row], vy[row]) > 0.5:
                dt = time_s - before[0]
                off = np.hypot(x[row] - before[1] - vx[row] * dt, y[row] - before[2] - vy[row] * dt)
                times = before[3] + 1 if off < EXACTLY_M else 0
            self._last[one] = (time_s, float(x[row]), float(y[row]), times)
            carried[row] = times >= EXACT_TIMES
        return carried


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
    count = len(detections)
    told = detections.has("position_variance_xx_m2") and detections.has("position_variance_yy_m2")
    views = _views(detections)
    is_tracks = detections.sensor_kind in TRACK_KINDS or detections.has("track_id")
    # what is learned of a vendor's tracks multiplies a variance of 1
    default = np.full(count, 1.0 if is_tracks else DEFAULT_DEVIATION_M**2)
    xx = _floats(detections.position_variance_xx_m2) if told else default
    yy = _floats(detections.position_variance_yy_m2) if told else default
    has_xy = told and detections.has("position_variance_xy_m2")
    xy = _floats(detections.position_variance_xy_m2) if has_xy else np.zeros(count)
    rate = _known(detections, "range_rate_mps")
    velocity = None
    if is_tracks and detections.has("velocity_x_mps") and detections.has("velocity_y_mps"):
        velocity = np.array([_known(detections, "velocity_x_mps"), _known(detections, "velocity_y_mps")])
        if kind == CAMERA:  # the rate is of the same filter: no second evidence; of sweeps only the rate is used
            rate = np.where(np.isfinite(velocity).all(axis=0), np.nan, rate)
    score = _floats(detections.score) if detections.has("score") else np.full(count, 0.6)
    named = np.minimum(detections.object_class.astype(np.int64), 9)
    length_m, width_m = _sizes(detections, named)
    return Scan(
        sensor=sensor,
        kind=kind,
        time_s=time_s,
        sequence=sequence,
        x_m=_floats(detections.x_m),
        y_m=_floats(detections.y_m),
        variance_xx=np.maximum(xx, 1e-3),
        variance_xy=xy,
        variance_yy=np.maximum(yy, 1e-3),
        views=views,
        object_class=named,
        score=score,
        yaw_rad=_known(detections, "yaw_rad"),
        length_m=length_m,
        width_m=width_m,
        range_rate_mps=rate,
        velocity_mps=velocity,
    )


def _sizes(detections: DetectionList, named: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Length and width; who tells only one of them, as traffic radars do, gets the usual other of the class. [m]"""
    length_m, width_m = _known(detections, "length_m"), _known(detections, "width_m")
    told = np.isfinite(length_m) | np.isfinite(width_m)
    usual_length, usual_width = classes.LENGTH_M[named], classes.WIDTH_M[named]
    return (
        np.where(told & ~np.isfinite(length_m), usual_length, length_m),
        np.where(told & ~np.isfinite(width_m), usual_width, width_m),
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
