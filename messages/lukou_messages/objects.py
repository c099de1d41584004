"""The column lists of the schema: road users, detections, truth. Units and meaning stand in the ``.proto`` files."""

from __future__ import annotations

import math
from typing import Any

from lukou_messages.columns import Column, ColumnList, UintColumn
from lukou_messages.internal.v1 import columns_pb2 as twin
from lukou_messages.v1 import objects_pb2, sensor_pb2, truth_pb2

# Bounds of what is believed. A map's origin lies within 50 km of its every point (DESIGN 4); nothing on a road is
# faster than 100 m/s (360 km/h); yaw may come as -pi..pi or 0..2 pi.
POSITION = (-60_000.0, 60_000.0)
HEIGHT = (-9_000.0, 9_000.0)
SPEED = (-100.0, 100.0)
ACCELERATION = (-50.0, 50.0)
ANGLE = (-2 * math.pi - 1e-5, 2 * math.pi + 1e-5)
ANGLE_RATE = (-20.0, 20.0)
SIZE = (0.0, 60.0)
PROBABILITY = (0.0, 1.0)
VARIANCE = (0.0, 1e8)
COVARIANCE = (-1e8, 1e8)


class ObjectList(ColumnList):
    """Road users at one instant; see ``lukou/v1/objects.proto``."""

    PUBLIC = objects_pb2.ObjectList
    TWIN = twin.ObjectList
    KEY = "id"
    __slots__ = ()

    id = UintColumn(10, 1, required=True)
    object_class = UintColumn(11, 0, 255, required=True)
    class_confidence = Column(12, *PROBABILITY)
    existence_probability = Column(13, *PROBABILITY)
    x_m = Column(14, *POSITION, required=True)
    y_m = Column(15, *POSITION, required=True)
    z_m = Column(16, *HEIGHT)
    velocity_x_mps = Column(17, *SPEED)
    velocity_y_mps = Column(18, *SPEED)
    acceleration_x_mps2 = Column(19, *ACCELERATION)
    acceleration_y_mps2 = Column(20, *ACCELERATION)
    yaw_rad = Column(21, *ANGLE)
    yaw_rate_radps = Column(22, *ANGLE_RATE)
    length_m = Column(23, *SIZE)
    width_m = Column(24, *SIZE)
    height_m = Column(25, *SIZE)
    position_variance_xx_m2 = Column(26, *VARIANCE)
    position_variance_xy_m2 = Column(27, *COVARIANCE)
    position_variance_yy_m2 = Column(28, *VARIANCE)
    velocity_variance_xx_m2ps2 = Column(29, *VARIANCE)
    velocity_variance_xy_m2ps2 = Column(30, *COVARIANCE)
    velocity_variance_yy_m2ps2 = Column(31, *VARIANCE)
    yaw_variance_rad2 = Column(32, *VARIANCE)
    time_offset_s = Column(33, -10.0, 10.0)
    reference_point = UintColumn(34, 0, 255)
    age_s = Column(35, 0.0, 1e7)
    unmeasured_s = Column(36, 0.0, 1e4)
    contributing_sensors = UintColumn(37)
    lane = UintColumn(38)
    lane_s_m = Column(39, -1e5, 1e5)
    lane_offset_m = Column(40, -1e3, 1e3)
    lane_probability = Column(41, *PROBABILITY)
    known = UintColumn(42)

    @property
    def sensor_names(self) -> tuple[str, ...]:
        """Names behind the bits of `contributing_sensors`."""
        return tuple(self._message.sensor_names)

    @property
    def lane_names(self) -> tuple[str, ...]:
        """Names behind the values of `lane`."""
        return tuple(self._message.lane_names)

    @property
    def perceived_areas(self) -> tuple[Any, ...]:
        """Areas watched, as `lukou.v1.PerceivedArea`."""
        return tuple(self._message.perceived_areas)


class DetectionList(ColumnList):
    """One scan of one sensor; see ``lukou/v1/sensor.proto``."""

    PUBLIC = sensor_pb2.DetectionList
    TWIN = twin.DetectionList
    __slots__ = ()

    track_id = UintColumn(10)
    object_class = UintColumn(11, 0, 255)
    score = Column(12, *PROBABILITY)
    x_m = Column(13, *POSITION, required=True)
    y_m = Column(14, *POSITION, required=True)
    position_variance_xx_m2 = Column(15, *VARIANCE)
    position_variance_xy_m2 = Column(16, *COVARIANCE)
    position_variance_yy_m2 = Column(17, *VARIANCE)
    range_m = Column(18, 0.0, 2e3)
    azimuth_rad = Column(19, *ANGLE)
    range_rate_mps = Column(20, *SPEED)
    velocity_x_mps = Column(21, *SPEED)
    velocity_y_mps = Column(22, *SPEED)
    yaw_rad = Column(23, *ANGLE)
    length_m = Column(24, *SIZE)
    width_m = Column(25, *SIZE)
    height_m = Column(26, *SIZE)
    time_offset_s = Column(27, -10.0, 10.0)
    radar_cross_section_dbsm = Column(28, -100.0, 100.0)
    known = UintColumn(29)

    @property
    def sensor(self) -> str:
        """Name of the sensor within its site."""
        return str(self._message.sensor)

    @property
    def sensor_kind(self) -> int:
        """A value of `lukou.v1.SensorKind`."""
        return int(self._message.sensor_kind)

    @property
    def sectors(self) -> tuple[Any, ...]:
        """Parts of the plane that the scan covered, as `lukou.v1.ScanSector`."""
        return tuple(self._message.sectors)


class TruthList(ColumnList):
    """What a simulation knows; see ``lukou/v1/truth.proto``."""

    PUBLIC = truth_pb2.TruthList
    TWIN = twin.TruthList
    KEY = "id"
    __slots__ = ()

    id = UintColumn(10, required=True)
    object_class = UintColumn(11, 0, 255, required=True)
    x_m = Column(12, *POSITION, required=True)
    y_m = Column(13, *POSITION, required=True)
    velocity_x_mps = Column(14, *SPEED)
    velocity_y_mps = Column(15, *SPEED)
    yaw_rad = Column(16, *ANGLE)
    length_m = Column(17, *SIZE)
    width_m = Column(18, *SIZE)
    height_m = Column(19, *SIZE)
    visible_fraction = Column(20, *PROBABILITY)
    site = UintColumn(21)

    @property
    def names(self) -> tuple[str, ...]:
        """The simulation's own name of each road user."""
        return tuple(self._message.names)

    @property
    def site_names(self) -> tuple[str, ...]:
        """Names behind the values of `site`."""
        return tuple(self._message.site_names)

    @property
    def events(self) -> tuple[Any, ...]:
        """Dangerous events since the last list, as `lukou.v1.TruthEvent`."""
        return tuple(self._message.events)
