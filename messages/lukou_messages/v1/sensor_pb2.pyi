from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SensorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SENSOR_KIND_UNSPECIFIED: _ClassVar[SensorKind]
    SENSOR_KIND_CAMERA: _ClassVar[SensorKind]
    SENSOR_KIND_RADAR: _ClassVar[SensorKind]
    SENSOR_KIND_RADAR_TRACKS: _ClassVar[SensorKind]
    SENSOR_KIND_LIDAR: _ClassVar[SensorKind]
    SENSOR_KIND_LOOP: _ClassVar[SensorKind]
    SENSOR_KIND_FUSED: _ClassVar[SensorKind]
SENSOR_KIND_UNSPECIFIED: SensorKind
SENSOR_KIND_CAMERA: SensorKind
SENSOR_KIND_RADAR: SensorKind
SENSOR_KIND_RADAR_TRACKS: SensorKind
SENSOR_KIND_LIDAR: SensorKind
SENSOR_KIND_LOOP: SensorKind
SENSOR_KIND_FUSED: SensorKind

class DetectionList(_message.Message):
    __slots__ = ("header", "object_count", "columns_present", "sensor", "sensor_kind", "sensor_x_m", "sensor_y_m", "sectors", "track_id", "object_class", "score", "x_m", "y_m", "position_variance_xx_m2", "position_variance_xy_m2", "position_variance_yy_m2", "range_m", "azimuth_rad", "range_rate_mps", "velocity_x_mps", "velocity_y_mps", "yaw_rad", "length_m", "width_m", "height_m", "time_offset_s", "radar_cross_section_dbsm", "known")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_PRESENT_FIELD_NUMBER: _ClassVar[int]
    SENSOR_FIELD_NUMBER: _ClassVar[int]
    SENSOR_KIND_FIELD_NUMBER: _ClassVar[int]
    SENSOR_X_M_FIELD_NUMBER: _ClassVar[int]
    SENSOR_Y_M_FIELD_NUMBER: _ClassVar[int]
    SECTORS_FIELD_NUMBER: _ClassVar[int]
    TRACK_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    POSITION_VARIANCE_XX_M2_FIELD_NUMBER: _ClassVar[int]
    POSITION_VARIANCE_XY_M2_FIELD_NUMBER: _ClassVar[int]
    POSITION_VARIANCE_YY_M2_FIELD_NUMBER: _ClassVar[int]
    RANGE_M_FIELD_NUMBER: _ClassVar[int]
    AZIMUTH_RAD_FIELD_NUMBER: _ClassVar[int]
    RANGE_RATE_MPS_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_X_MPS_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_Y_MPS_FIELD_NUMBER: _ClassVar[int]
    YAW_RAD_FIELD_NUMBER: _ClassVar[int]
    LENGTH_M_FIELD_NUMBER: _ClassVar[int]
    WIDTH_M_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_M_FIELD_NUMBER: _ClassVar[int]
    TIME_OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    RADAR_CROSS_SECTION_DBSM_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    object_count: int
    columns_present: int
    sensor: str
    sensor_kind: SensorKind
    sensor_x_m: float
    sensor_y_m: float
    sectors: _containers.RepeatedCompositeFieldContainer[ScanSector]
    track_id: _containers.RepeatedScalarFieldContainer[int]
    object_class: _containers.RepeatedScalarFieldContainer[int]
    score: _containers.RepeatedScalarFieldContainer[float]
    x_m: _containers.RepeatedScalarFieldContainer[float]
    y_m: _containers.RepeatedScalarFieldContainer[float]
    position_variance_xx_m2: _containers.RepeatedScalarFieldContainer[float]
    position_variance_xy_m2: _containers.RepeatedScalarFieldContainer[float]
    position_variance_yy_m2: _containers.RepeatedScalarFieldContainer[float]
    range_m: _containers.RepeatedScalarFieldContainer[float]
    azimuth_rad: _containers.RepeatedScalarFieldContainer[float]
    range_rate_mps: _containers.RepeatedScalarFieldContainer[float]
    velocity_x_mps: _containers.RepeatedScalarFieldContainer[float]
    velocity_y_mps: _containers.RepeatedScalarFieldContainer[float]
    yaw_rad: _containers.RepeatedScalarFieldContainer[float]
    length_m: _containers.RepeatedScalarFieldContainer[float]
    width_m: _containers.RepeatedScalarFieldContainer[float]
    height_m: _containers.RepeatedScalarFieldContainer[float]
    time_offset_s: _containers.RepeatedScalarFieldContainer[float]
    radar_cross_section_dbsm: _containers.RepeatedScalarFieldContainer[float]
    known: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., object_count: _Optional[int] = ..., columns_present: _Optional[int] = ..., sensor: _Optional[str] = ..., sensor_kind: _Optional[_Union[SensorKind, str]] = ..., sensor_x_m: _Optional[float] = ..., sensor_y_m: _Optional[float] = ..., sectors: _Optional[_Iterable[_Union[ScanSector, _Mapping]]] = ..., track_id: _Optional[_Iterable[int]] = ..., object_class: _Optional[_Iterable[int]] = ..., score: _Optional[_Iterable[float]] = ..., x_m: _Optional[_Iterable[float]] = ..., y_m: _Optional[_Iterable[float]] = ..., position_variance_xx_m2: _Optional[_Iterable[float]] = ..., position_variance_xy_m2: _Optional[_Iterable[float]] = ..., position_variance_yy_m2: _Optional[_Iterable[float]] = ..., range_m: _Optional[_Iterable[float]] = ..., azimuth_rad: _Optional[_Iterable[float]] = ..., range_rate_mps: _Optional[_Iterable[float]] = ..., velocity_x_mps: _Optional[_Iterable[float]] = ..., velocity_y_mps: _Optional[_Iterable[float]] = ..., yaw_rad: _Optional[_Iterable[float]] = ..., length_m: _Optional[_Iterable[float]] = ..., width_m: _Optional[_Iterable[float]] = ..., height_m: _Optional[_Iterable[float]] = ..., time_offset_s: _Optional[_Iterable[float]] = ..., radar_cross_section_dbsm: _Optional[_Iterable[float]] = ..., known: _Optional[_Iterable[int]] = ...) -> None: ...

class ScanSector(_message.Message):
    __slots__ = ("azimuth_rad", "opening_rad", "range_min_m", "range_max_m")
    AZIMUTH_RAD_FIELD_NUMBER: _ClassVar[int]
    OPENING_RAD_FIELD_NUMBER: _ClassVar[int]
    RANGE_MIN_M_FIELD_NUMBER: _ClassVar[int]
    RANGE_MAX_M_FIELD_NUMBER: _ClassVar[int]
    azimuth_rad: float
    opening_rad: float
    range_min_m: float
    range_max_m: float
    def __init__(self, azimuth_rad: _Optional[float] = ..., opening_rad: _Optional[float] = ..., range_min_m: _Optional[float] = ..., range_max_m: _Optional[float] = ...) -> None: ...
