"""From tracks to the published list of road users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lukou_maps.geometry import LaneGeometry
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind, RoadModel
from lukou_messages.columns import FIRST_COLUMN
from lukou_messages.objects import ObjectList
from lukou_messages.v1.objects_pb2 import ReferencePoint
from lukou_roadside.perception.identities import Identities
from lukou_roadside.perception.tracking import classes
from lukou_roadside.perception.tracking.scan import Booleans, Floats, Ints
from lukou_roadside.perception.tracking.tracks import P_XX, P_XY, P_YY, VX, VY, Tracks

NO_LANE = 0xFFFFFFFF
"""Value of column ``lane`` where a road user is on none."""

BESIDE_M = 2.0
"""Farther than this beyond a lane's edge a road user is on no lane. [m]"""

CONTRIBUTED_S = 1.0
"""Sensors that saw a road user within this time have contributed to it. [s]"""

RATE_WEIGHT = 0.3
"""Weight of a new difference of velocity or yaw in the published acceleration and yaw rate."""

LEAST_HEADING_WEIGHT = 0.3
"""Below this weight a direction says nothing. (length of the mean direction vector, 0 to 1)"""


class ListBuilder:
    """Builds lists; remembers what needs two instants: acceleration and yaw rate.

    Parameters
    ----------
    model : RoadModel
        The map.
    """

    def __init__(self, model: RoadModel) -> None:
        self._model = model
        self._matcher = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION, LaneKind.CROSSWALK))
        self._geometry = LaneGeometry(model.lanes)
        self._is_level = not model.lanes.z_m.any()
        self._identities = Identities()
        self._last: dict[int, tuple[float, Floats]] = {}

    def lane_heading(self, x_m: Floats, y_m: Floats, object_class: Ints) -> Floats:
        """Direction of the lane under vehicles; nan for walkers and where no lane is near. [rad]"""
        heading = np.full(len(x_m), np.nan)
        rows = np.flatnonzero(np.isfinite(x_m) & (object_class != classes.PEDESTRIAN) & (object_class > 0))
        if len(rows):
            found = self._matcher.match(x_m[rows], y_m[rows], None, object_class[rows])
            sure = (found.lane >= 0) & (found.probability > 0.5)
            _, _, direction = self._geometry.pose(found.lane[sure], found.s_m[sure])
            heading[rows[sure]] = direction
        return heading

    def height(self, x_m: Floats, y_m: Floats) -> Floats:
        """Height of the nearest lane, 0 where none is near. [m]"""
        z_m = np.zeros(len(x_m))
        if self._is_level:
            return z_m
        found = self._matcher.nearest(x_m, y_m)
        on = found.lane >= 0
        z_m[on] = self._geometry.height(found.lane[on], found.s_m[on])
        return z_m

    def build(self, tracks: Tracks, sensor_names: Sequence[str], areas: Sequence[object]) -> ObjectList:
        """The list of confirmed tracks.

        Parameters
        ----------
        tracks : Tracks
            Tracks at the instant of the list.
        sensor_names : sequence of str
            Names behind the sensor numbers.
        areas : sequence of PerceivedArea
            What was watched.
        """
        columns, lane_names = self.columns(tracks, sensor_names)
        return ObjectList.of(
            len(columns["id"]),
            sensor_names=tuple(sensor_names),
            lane_names=lane_names,
            perceived_areas=tuple(areas),
            **columns,
        )

    def columns(self, tracks: Tracks, sensor_names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """Columns of the list of confirmed tracks by their names, and the lanes that its column ``lane`` counts."""
        shown = tracks.take(tracks.is_confirmed)
        count = len(shown)
        vx, vy = shown.state[:, 2], shown.state[:, 3]
        moving = np.hypot(vx, vy) > 0.5
        weight = np.hypot(shown.yaw_x, shown.yaw_y)
        yaw = np.where((weight > LEAST_HEADING_WEIGHT) | ~moving, shown.yaw_rad, np.arctan2(vy, vx))
        named, confidence = shown.object_class, shown.class_weight.max(axis=1, initial=0.0)
        acceleration, yaw_rate = self._rates(shown, yaw)
        lane, s_m, d_m, probability = self._lanes(shown, yaw, named)
        on_lane = lane >= 0
        p = shown.covariance
        z_m = self.height(shown.state[:, 0], shown.state[:, 1])
        seen = shown.time_s - shown.sensor_seen_s[: len(sensor_names)] <= CONTRIBUTED_S
        columns = {
            "id": self._identities.of(shown.birth),
            "object_class": named,
            "class_confidence": np.clip(confidence, 0.0, 1.0),
            "existence_probability": shown.existence,
            "x_m": shown.state[:, 0],
            "y_m": shown.state[:, 1],
            "z_m": z_m,
            "velocity_x_mps": np.clip(vx, -90.0, 90.0),
            "velocity_y_mps": np.clip(vy, -90.0, 90.0),
            "acceleration_x_mps2": acceleration[:, 0],
            "acceleration_y_mps2": acceleration[:, 1],
            "yaw_rad": np.arctan2(np.sin(yaw), np.cos(yaw)),
            "yaw_rate_radps": yaw_rate,
            "length_m": np.clip(shown.length_m, 0.1, 40.0),
            "width_m": np.clip(shown.width_m, 0.1, 5.0),
            "height_m": shown.class_weight @ classes.HEIGHT_M,
            "position_variance_xx_m2": np.maximum(p[:, 0, 0], 1e-4),
            "position_variance_xy_m2": p[:, 0, 1],
            "position_variance_yy_m2": np.maximum(p[:, 1, 1], 1e-4),
            "velocity_variance_xx_m2ps2": np.maximum(p[:, 2, 2], 1e-4),
            "velocity_variance_xy_m2ps2": p[:, 2, 3],
            "velocity_variance_yy_m2ps2": np.maximum(p[:, 3, 3], 1e-4),
            "yaw_variance_rad2": np.clip(1.0 - weight, 0.01, 3.0),
            "time_offset_s": np.zeros(count),
            "reference_point": np.full(count, int(ReferencePoint.REFERENCE_POINT_CENTRE)),
            "age_s": np.maximum(shown.time_s - shown.born_s, 0.0),
            "unmeasured_s": np.maximum(shown.time_s - shown.measured_s, 0.0),
            "contributing_sensors": (1 << np.arange(len(seen), dtype=np.uint64)) @ seen.astype(np.uint64),
            "lane": np.where(on_lane, np.unique(lane, return_inverse=True)[1] - int((~on_lane).any()), NO_LANE),
            "lane_s_m": s_m,
            "lane_offset_m": np.clip(d_m, -900.0, 900.0),
            "lane_probability": probability,
            "known": _known(on_lane, weight > LEAST_HEADING_WEIGHT),
        }
        names = [self._model.lanes.names[k] for k in np.unique(lane[on_lane])]
        self._identities.keep(tracks.birth)
        return columns, names

    def _lanes(self, shown: Tracks, yaw: Floats, named: Ints) -> tuple[Ints, Floats, Floats, Floats]:
        deviation = np.sqrt(0.5 * (shown.covariance[:, 0, 0] + shown.covariance[:, 1, 1]))
        heading = np.where(named == classes.PEDESTRIAN, np.nan, yaw)
        found = self._matcher.match(shown.state[:, 0], shown.state[:, 1], heading, named, deviation)
        width = self._model.lanes.width_m[found.lane]
        near = (found.lane >= 0) & (np.abs(found.d_m) < width / 2.0 + BESIDE_M)
        lane = np.where(near, found.lane, -1)
        return (
            lane,
            np.where(near, found.s_m, 0.0),
            np.where(near, found.d_m, 0.0),
            np.where(near, found.probability, 0.0),
        )

    def _rates(self, shown: Tracks, yaw: Floats) -> tuple[Floats, Floats]:
        """Smoothed differences since the last list."""
        now = np.column_stack([shown.state[:, 2:], yaw, np.zeros((len(shown), 3))])
        for k, birth in enumerate(shown.birth.tolist()):
            last = self._last.get(birth)
            if last is None or shown.time_s <= last[0]:
                continue
            change = now[k, :3] - last[1][:3]
            change[2] = np.arctan2(np.sin(change[2]), np.cos(change[2]))
            now[k, 3:] = last[1][3:] + RATE_WEIGHT * (change / (shown.time_s - last[0]) - last[1][3:])
        self._last = {birth: (shown.time_s, row) for birth, row in zip(shown.birth.tolist(), now, strict=True)}
        return np.clip(now[:, 3:5], -15.0, 15.0), np.clip(now[:, 5], -3.0, 3.0)


def at_another_instant(tracks: Tracks, deviation_s: float) -> Tracks:
    """The same road users, told to somebody else: by a clock that is off they were there at another instant.

    Parameters
    ----------
    tracks : Tracks
        The tracks; not changed.
    deviation_s : float
        Standard deviation of the error of our clock, one for all. [s]

    Returns
    -------
    Tracks
        With covariances of place that hold the way made within that error.
    """
    if deviation_s == 0.0:
        return tracks
    made = tracks.take(np.arange(len(tracks)))
    way_x, way_y = deviation_s * made.values[VX], deviation_s * made.values[VY]
    made.values[[P_XX, P_XY, P_YY]] += [way_x * way_x, way_x * way_y, way_y * way_y]
    return made


def _known(on_lane: Booleans, has_heading: Booleans) -> Ints:
    """Bits of the columns that are known for each road user."""
    number = {name: field.number - FIRST_COLUMN for name, field in ObjectList.PUBLIC.DESCRIPTOR.fields_by_name.items()}
    known = np.full(len(on_lane), (1 << 32) - 1, np.int64)
    for name in ("lane", "lane_s_m", "lane_offset_m", "lane_probability"):
        known = np.where(on_lane, known, known & ~(1 << number[name]))
    return np.where(has_heading, known, known & ~(1 << number["yaw_rad"]))
