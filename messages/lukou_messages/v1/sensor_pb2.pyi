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

class CameraPicture(_message.Message):
    __slots__ = ("header", "camera", "width_px", "height_px", "jpeg", "is_coarsened", "boxes")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CAMERA_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    JPEG_FIELD_NUMBER: _ClassVar[int]
    IS_COARSENED_FIELD_NUMBER: _ClassVar[int]
    BOXES_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    camera: str
    width_px: int
    height_px: int
    jpeg: bytes
    is_coarsened: bool
    boxes: _containers.RepeatedCompositeFieldContainer[PictureBox]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., camera: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., jpeg: _Optional[bytes] = ..., is_coarsened: bool = ..., boxes: _Optional[_Iterable[_Union[PictureBox, _Mapping]]] = ...) -> None: ...

class PictureBox(_message.Message):
    __slots__ = ("object_class", "score", "left", "top", "right", "bottom")
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    object_class: int
    score: float
    left: float
    top: float
    right: float
    bottom: float
    def __init__(self, object_class: _Optional[int] = ..., score: _Optional[float] = ..., left: _Optional[float] = ..., top: _Optional[float] = ..., right: _Optional[float] = ..., bottom: _Optional[float] = ...) -> None: ...

class SensorReport(_message.Message):
    __slots__ = ("header", "sensors")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    SENSORS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    sensors: _containers.RepeatedCompositeFieldContainer[SensorQuality]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., sensors: _Optional[_Iterable[_Union[SensorQuality, _Mapping]]] = ...) -> None: ...

class SensorQuality(_message.Message):
    __slots__ = ("sensor", "kind", "state", "reason", "scans", "late", "dropped", "rate_hz", "latency_p50_ms", "latency_p95_ms", "clock_offset_s", "azimuth_offset_rad", "found_share", "ranges", "mounting")
    SENSOR_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SCANS_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P50_MS_FIELD_NUMBER: _ClassVar[int]
    LATENCY_P95_MS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    AZIMUTH_OFFSET_RAD_FIELD_NUMBER: _ClassVar[int]
    FOUND_SHARE_FIELD_NUMBER: _ClassVar[int]
    RANGES_FIELD_NUMBER: _ClassVar[int]
    MOUNTING_FIELD_NUMBER: _ClassVar[int]
    sensor: str
    kind: SensorKind
    state: _header_pb2.Validity
    reason: str
    scans: int
    late: int
    dropped: int
    rate_hz: float
    latency_p50_ms: float
    latency_p95_ms: float
    clock_offset_s: float
    azimuth_offset_rad: float
    found_share: float
    ranges: _containers.RepeatedCompositeFieldContainer[RangeQuality]
    mounting: MountingQuality
    def __init__(self, sensor: _Optional[str] = ..., kind: _Optional[_Union[SensorKind, str]] = ..., state: _Optional[_Union[_header_pb2.Validity, str]] = ..., reason: _Optional[str] = ..., scans: _Optional[int] = ..., late: _Optional[int] = ..., dropped: _Optional[int] = ..., rate_hz: _Optional[float] = ..., latency_p50_ms: _Optional[float] = ..., latency_p95_ms: _Optional[float] = ..., clock_offset_s: _Optional[float] = ..., azimuth_offset_rad: _Optional[float] = ..., found_share: _Optional[float] = ..., ranges: _Optional[_Iterable[_Union[RangeQuality, _Mapping]]] = ..., mounting: _Optional[_Union[MountingQuality, _Mapping]] = ...) -> None: ...

class RangeQuality(_message.Message):
    __slots__ = ("from_m", "to_m", "expected", "found", "residual_p50_m", "residual_p95_m")
    FROM_M_FIELD_NUMBER: _ClassVar[int]
    TO_M_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    RESIDUAL_P50_M_FIELD_NUMBER: _ClassVar[int]
    RESIDUAL_P95_M_FIELD_NUMBER: _ClassVar[int]
    from_m: float
    to_m: float
    expected: float
    found: float
    residual_p50_m: float
    residual_p95_m: float
    def __init__(self, from_m: _Optional[float] = ..., to_m: _Optional[float] = ..., expected: _Optional[float] = ..., found: _Optional[float] = ..., residual_p50_m: _Optional[float] = ..., residual_p95_m: _Optional[float] = ...) -> None: ...

class MountingQuality(_message.Message):
    __slots__ = ("compared_at_ns", "found_share", "is_sure", "azimuth_rad", "pitch_rad", "roll_rad", "has_moved")
    COMPARED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    FOUND_SHARE_FIELD_NUMBER: _ClassVar[int]
    IS_SURE_FIELD_NUMBER: _ClassVar[int]
    AZIMUTH_RAD_FIELD_NUMBER: _ClassVar[int]
    PITCH_RAD_FIELD_NUMBER: _ClassVar[int]
    ROLL_RAD_FIELD_NUMBER: _ClassVar[int]
    HAS_MOVED_FIELD_NUMBER: _ClassVar[int]
    compared_at_ns: int
    found_share: float
    is_sure: bool
    azimuth_rad: float
    pitch_rad: float
    roll_rad: float
    has_moved: bool
    def __init__(self, compared_at_ns: _Optional[int] = ..., found_share: _Optional[float] = ..., is_sure: bool = ..., azimuth_rad: _Optional[float] = ..., pitch_rad: _Optional[float] = ..., roll_rad: _Optional[float] = ..., has_moved: bool = ...) -> None: ...
