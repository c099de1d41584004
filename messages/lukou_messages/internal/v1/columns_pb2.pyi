from lukou_messages.v1 import header_pb2 as _header_pb2
from lukou_messages.v1 import objects_pb2 as _objects_pb2
from lukou_messages.v1 import sensor_pb2 as _sensor_pb2
from lukou_messages.v1 import truth_pb2 as _truth_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ObjectList(_message.Message):
    __slots__ = ("header", "object_count", "columns_present", "sensor_names", "lane_names", "perceived_areas", "id", "object_class", "class_confidence", "existence_probability", "x_m", "y_m", "z_m", "velocity_x_mps", "velocity_y_mps", "acceleration_x_mps2", "acceleration_y_mps2", "yaw_rad", "yaw_rate_radps", "length_m", "width_m", "height_m", "position_variance_xx_m2", "position_variance_xy_m2", "position_variance_yy_m2", "velocity_variance_xx_m2ps2", "velocity_variance_xy_m2ps2", "velocity_variance_yy_m2ps2", "yaw_variance_rad2", "time_offset_s", "reference_point", "age_s", "unmeasured_s", "contributing_sensors", "lane", "lane_s_m", "lane_offset_m", "lane_probability", "known")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_PRESENT_FIELD_NUMBER: _ClassVar[int]
    SENSOR_NAMES_FIELD_NUMBER: _ClassVar[int]
    LANE_NAMES_FIELD_NUMBER: _ClassVar[int]
    PERCEIVED_AREAS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    EXISTENCE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    Z_M_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_X_MPS_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_Y_MPS_FIELD_NUMBER: _ClassVar[int]
    ACCELERATION_X_MPS2_FIELD_NUMBER: _ClassVar[int]
    ACCELERATION_Y_MPS2_FIELD_NUMBER: _ClassVar[int]
    YAW_RAD_FIELD_NUMBER: _ClassVar[int]
    YAW_RATE_RADPS_FIELD_NUMBER: _ClassVar[int]
    LENGTH_M_FIELD_NUMBER: _ClassVar[int]
    WIDTH_M_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_M_FIELD_NUMBER: _ClassVar[int]
    POSITION_VARIANCE_XX_M2_FIELD_NUMBER: _ClassVar[int]
    POSITION_VARIANCE_XY_M2_FIELD_NUMBER: _ClassVar[int]
    POSITION_VARIANCE_YY_M2_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_VARIANCE_XX_M2PS2_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_VARIANCE_XY_M2PS2_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_VARIANCE_YY_M2PS2_FIELD_NUMBER: _ClassVar[int]
    YAW_VARIANCE_RAD2_FIELD_NUMBER: _ClassVar[int]
    TIME_OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_POINT_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    UNMEASURED_S_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTING_SENSORS_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    LANE_S_M_FIELD_NUMBER: _ClassVar[int]
    LANE_OFFSET_M_FIELD_NUMBER: _ClassVar[int]
    LANE_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    object_count: int
    columns_present: int
    sensor_names: _containers.RepeatedScalarFieldContainer[str]
    lane_names: _containers.RepeatedScalarFieldContainer[str]
    perceived_areas: _containers.RepeatedCompositeFieldContainer[_objects_pb2.PerceivedArea]
    id: bytes
    object_class: bytes
    class_confidence: bytes
    existence_probability: bytes
    x_m: bytes
    y_m: bytes
    z_m: bytes
    velocity_x_mps: bytes
    velocity_y_mps: bytes
    acceleration_x_mps2: bytes
    acceleration_y_mps2: bytes
    yaw_rad: bytes
    yaw_rate_radps: bytes
    length_m: bytes
    width_m: bytes
    height_m: bytes
    position_variance_xx_m2: bytes
    position_variance_xy_m2: bytes
    position_variance_yy_m2: bytes
    velocity_variance_xx_m2ps2: bytes
    velocity_variance_xy_m2ps2: bytes
    velocity_variance_yy_m2ps2: bytes
    yaw_variance_rad2: bytes
    time_offset_s: bytes
    reference_point: bytes
    age_s: bytes
    unmeasured_s: bytes
    contributing_sensors: bytes
    lane: bytes
    lane_s_m: bytes
    lane_offset_m: bytes
    lane_probability: bytes
    known: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., object_count: _Optional[int] = ..., columns_present: _Optional[int] = ..., sensor_names: _Optional[_Iterable[str]] = ..., lane_names: _Optional[_Iterable[str]] = ..., perceived_areas: _Optional[_Iterable[_Union[_objects_pb2.PerceivedArea, _Mapping]]] = ..., id: _Optional[bytes] = ..., object_class: _Optional[bytes] = ..., class_confidence: _Optional[bytes] = ..., existence_probability: _Optional[bytes] = ..., x_m: _Optional[bytes] = ..., y_m: _Optional[bytes] = ..., z_m: _Optional[bytes] = ..., velocity_x_mps: _Optional[bytes] = ..., velocity_y_mps: _Optional[bytes] = ..., acceleration_x_mps2: _Optional[bytes] = ..., acceleration_y_mps2: _Optional[bytes] = ..., yaw_rad: _Optional[bytes] = ..., yaw_rate_radps: _Optional[bytes] = ..., length_m: _Optional[bytes] = ..., width_m: _Optional[bytes] = ..., height_m: _Optional[bytes] = ..., position_variance_xx_m2: _Optional[bytes] = ..., position_variance_xy_m2: _Optional[bytes] = ..., position_variance_yy_m2: _Optional[bytes] = ..., velocity_variance_xx_m2ps2: _Optional[bytes] = ..., velocity_variance_xy_m2ps2: _Optional[bytes] = ..., velocity_variance_yy_m2ps2: _Optional[bytes] = ..., yaw_variance_rad2: _Optional[bytes] = ..., time_offset_s: _Optional[bytes] = ..., reference_point: _Optional[bytes] = ..., age_s: _Optional[bytes] = ..., unmeasured_s: _Optional[bytes] = ..., contributing_sensors: _Optional[bytes] = ..., lane: _Optional[bytes] = ..., lane_s_m: _Optional[bytes] = ..., lane_offset_m: _Optional[bytes] = ..., lane_probability: _Optional[bytes] = ..., known: _Optional[bytes] = ...) -> None: ...

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
    sensor_kind: _sensor_pb2.SensorKind
    sensor_x_m: float
    sensor_y_m: float
    sectors: _containers.RepeatedCompositeFieldContainer[_sensor_pb2.ScanSector]
    track_id: bytes
    object_class: bytes
    score: bytes
    x_m: bytes
    y_m: bytes
    position_variance_xx_m2: bytes
    position_variance_xy_m2: bytes
    position_variance_yy_m2: bytes
    range_m: bytes
    azimuth_rad: bytes
    range_rate_mps: bytes
    velocity_x_mps: bytes
    velocity_y_mps: bytes
    yaw_rad: bytes
    length_m: bytes
    width_m: bytes
    height_m: bytes
    time_offset_s: bytes
    radar_cross_section_dbsm: bytes
    known: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., object_count: _Optional[int] = ..., columns_present: _Optional[int] = ..., sensor: _Optional[str] = ..., sensor_kind: _Optional[_Union[_sensor_pb2.SensorKind, str]] = ..., sensor_x_m: _Optional[float] = ..., sensor_y_m: _Optional[float] = ..., sectors: _Optional[_Iterable[_Union[_sensor_pb2.ScanSector, _Mapping]]] = ..., track_id: _Optional[bytes] = ..., object_class: _Optional[bytes] = ..., score: _Optional[bytes] = ..., x_m: _Optional[bytes] = ..., y_m: _Optional[bytes] = ..., position_variance_xx_m2: _Optional[bytes] = ..., position_variance_xy_m2: _Optional[bytes] = ..., position_variance_yy_m2: _Optional[bytes] = ..., range_m: _Optional[bytes] = ..., azimuth_rad: _Optional[bytes] = ..., range_rate_mps: _Optional[bytes] = ..., velocity_x_mps: _Optional[bytes] = ..., velocity_y_mps: _Optional[bytes] = ..., yaw_rad: _Optional[bytes] = ..., length_m: _Optional[bytes] = ..., width_m: _Optional[bytes] = ..., height_m: _Optional[bytes] = ..., time_offset_s: _Optional[bytes] = ..., radar_cross_section_dbsm: _Optional[bytes] = ..., known: _Optional[bytes] = ...) -> None: ...

class TruthList(_message.Message):
    __slots__ = ("header", "object_count", "columns_present", "names", "id", "object_class", "x_m", "y_m", "velocity_x_mps", "velocity_y_mps", "yaw_rad", "length_m", "width_m", "height_m", "visible_fraction", "site", "site_names", "events")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    OBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_PRESENT_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_X_MPS_FIELD_NUMBER: _ClassVar[int]
    VELOCITY_Y_MPS_FIELD_NUMBER: _ClassVar[int]
    YAW_RAD_FIELD_NUMBER: _ClassVar[int]
    LENGTH_M_FIELD_NUMBER: _ClassVar[int]
    WIDTH_M_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_M_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FRACTION_FIELD_NUMBER: _ClassVar[int]
    SITE_FIELD_NUMBER: _ClassVar[int]
    SITE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    object_count: int
    columns_present: int
    names: _containers.RepeatedScalarFieldContainer[str]
    id: bytes
    object_class: bytes
    x_m: bytes
    y_m: bytes
    velocity_x_mps: bytes
    velocity_y_mps: bytes
    yaw_rad: bytes
    length_m: bytes
    width_m: bytes
    height_m: bytes
    visible_fraction: bytes
    site: bytes
    site_names: _containers.RepeatedScalarFieldContainer[str]
    events: _containers.RepeatedCompositeFieldContainer[_truth_pb2.TruthEvent]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., object_count: _Optional[int] = ..., columns_present: _Optional[int] = ..., names: _Optional[_Iterable[str]] = ..., id: _Optional[bytes] = ..., object_class: _Optional[bytes] = ..., x_m: _Optional[bytes] = ..., y_m: _Optional[bytes] = ..., velocity_x_mps: _Optional[bytes] = ..., velocity_y_mps: _Optional[bytes] = ..., yaw_rad: _Optional[bytes] = ..., length_m: _Optional[bytes] = ..., width_m: _Optional[bytes] = ..., height_m: _Optional[bytes] = ..., visible_fraction: _Optional[bytes] = ..., site: _Optional[bytes] = ..., site_names: _Optional[_Iterable[str]] = ..., events: _Optional[_Iterable[_Union[_truth_pb2.TruthEvent, _Mapping]]] = ...) -> None: ...
