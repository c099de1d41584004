from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ObjectClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OBJECT_CLASS_UNSPECIFIED: _ClassVar[ObjectClass]
    OBJECT_CLASS_CAR: _ClassVar[ObjectClass]
    OBJECT_CLASS_TRUCK: _ClassVar[ObjectClass]
    OBJECT_CLASS_BUS: _ClassVar[ObjectClass]
    OBJECT_CLASS_MOTORCYCLE: _ClassVar[ObjectClass]
    OBJECT_CLASS_BICYCLE: _ClassVar[ObjectClass]
    OBJECT_CLASS_PEDESTRIAN: _ClassVar[ObjectClass]
    OBJECT_CLASS_ANIMAL: _ClassVar[ObjectClass]
    OBJECT_CLASS_OBSTACLE: _ClassVar[ObjectClass]
    OBJECT_CLASS_RAIL: _ClassVar[ObjectClass]

class ReferencePoint(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFERENCE_POINT_UNSPECIFIED: _ClassVar[ReferencePoint]
    REFERENCE_POINT_CENTRE: _ClassVar[ReferencePoint]
    REFERENCE_POINT_FRONT: _ClassVar[ReferencePoint]
    REFERENCE_POINT_REAR: _ClassVar[ReferencePoint]
    REFERENCE_POINT_NEAREST: _ClassVar[ReferencePoint]
OBJECT_CLASS_UNSPECIFIED: ObjectClass
OBJECT_CLASS_CAR: ObjectClass
OBJECT_CLASS_TRUCK: ObjectClass
OBJECT_CLASS_BUS: ObjectClass
OBJECT_CLASS_MOTORCYCLE: ObjectClass
OBJECT_CLASS_BICYCLE: ObjectClass
OBJECT_CLASS_PEDESTRIAN: ObjectClass
OBJECT_CLASS_ANIMAL: ObjectClass
OBJECT_CLASS_OBSTACLE: ObjectClass
OBJECT_CLASS_RAIL: ObjectClass
REFERENCE_POINT_UNSPECIFIED: ReferencePoint
REFERENCE_POINT_CENTRE: ReferencePoint
REFERENCE_POINT_FRONT: ReferencePoint
REFERENCE_POINT_REAR: ReferencePoint
REFERENCE_POINT_NEAREST: ReferencePoint

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
    perceived_areas: _containers.RepeatedCompositeFieldContainer[PerceivedArea]
    id: _containers.RepeatedScalarFieldContainer[int]
    object_class: _containers.RepeatedScalarFieldContainer[int]
    class_confidence: _containers.RepeatedScalarFieldContainer[float]
    existence_probability: _containers.RepeatedScalarFieldContainer[float]
    x_m: _containers.RepeatedScalarFieldContainer[float]
    y_m: _containers.RepeatedScalarFieldContainer[float]
    z_m: _containers.RepeatedScalarFieldContainer[float]
    velocity_x_mps: _containers.RepeatedScalarFieldContainer[float]
    velocity_y_mps: _containers.RepeatedScalarFieldContainer[float]
    acceleration_x_mps2: _containers.RepeatedScalarFieldContainer[float]
    acceleration_y_mps2: _containers.RepeatedScalarFieldContainer[float]
    yaw_rad: _containers.RepeatedScalarFieldContainer[float]
    yaw_rate_radps: _containers.RepeatedScalarFieldContainer[float]
    length_m: _containers.RepeatedScalarFieldContainer[float]
    width_m: _containers.RepeatedScalarFieldContainer[float]
    height_m: _containers.RepeatedScalarFieldContainer[float]
    position_variance_xx_m2: _containers.RepeatedScalarFieldContainer[float]
    position_variance_xy_m2: _containers.RepeatedScalarFieldContainer[float]
    position_variance_yy_m2: _containers.RepeatedScalarFieldContainer[float]
    velocity_variance_xx_m2ps2: _containers.RepeatedScalarFieldContainer[float]
    velocity_variance_xy_m2ps2: _containers.RepeatedScalarFieldContainer[float]
    velocity_variance_yy_m2ps2: _containers.RepeatedScalarFieldContainer[float]
    yaw_variance_rad2: _containers.RepeatedScalarFieldContainer[float]
    time_offset_s: _containers.RepeatedScalarFieldContainer[float]
    reference_point: _containers.RepeatedScalarFieldContainer[int]
    age_s: _containers.RepeatedScalarFieldContainer[float]
    unmeasured_s: _containers.RepeatedScalarFieldContainer[float]
    contributing_sensors: _containers.RepeatedScalarFieldContainer[int]
    lane: _containers.RepeatedScalarFieldContainer[int]
    lane_s_m: _containers.RepeatedScalarFieldContainer[float]
    lane_offset_m: _containers.RepeatedScalarFieldContainer[float]
    lane_probability: _containers.RepeatedScalarFieldContainer[float]
    known: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., object_count: _Optional[int] = ..., columns_present: _Optional[int] = ..., sensor_names: _Optional[_Iterable[str]] = ..., lane_names: _Optional[_Iterable[str]] = ..., perceived_areas: _Optional[_Iterable[_Union[PerceivedArea, _Mapping]]] = ..., id: _Optional[_Iterable[int]] = ..., object_class: _Optional[_Iterable[int]] = ..., class_confidence: _Optional[_Iterable[float]] = ..., existence_probability: _Optional[_Iterable[float]] = ..., x_m: _Optional[_Iterable[float]] = ..., y_m: _Optional[_Iterable[float]] = ..., z_m: _Optional[_Iterable[float]] = ..., velocity_x_mps: _Optional[_Iterable[float]] = ..., velocity_y_mps: _Optional[_Iterable[float]] = ..., acceleration_x_mps2: _Optional[_Iterable[float]] = ..., acceleration_y_mps2: _Optional[_Iterable[float]] = ..., yaw_rad: _Optional[_Iterable[float]] = ..., yaw_rate_radps: _Optional[_Iterable[float]] = ..., length_m: _Optional[_Iterable[float]] = ..., width_m: _Optional[_Iterable[float]] = ..., height_m: _Optional[_Iterable[float]] = ..., position_variance_xx_m2: _Optional[_Iterable[float]] = ..., position_variance_xy_m2: _Optional[_Iterable[float]] = ..., position_variance_yy_m2: _Optional[_Iterable[float]] = ..., velocity_variance_xx_m2ps2: _Optional[_Iterable[float]] = ..., velocity_variance_xy_m2ps2: _Optional[_Iterable[float]] = ..., velocity_variance_yy_m2ps2: _Optional[_Iterable[float]] = ..., yaw_variance_rad2: _Optional[_Iterable[float]] = ..., time_offset_s: _Optional[_Iterable[float]] = ..., reference_point: _Optional[_Iterable[int]] = ..., age_s: _Optional[_Iterable[float]] = ..., unmeasured_s: _Optional[_Iterable[float]] = ..., contributing_sensors: _Optional[_Iterable[int]] = ..., lane: _Optional[_Iterable[int]] = ..., lane_s_m: _Optional[_Iterable[float]] = ..., lane_offset_m: _Optional[_Iterable[float]] = ..., lane_probability: _Optional[_Iterable[float]] = ..., known: _Optional[_Iterable[int]] = ...) -> None: ...

class PerceivedArea(_message.Message):
    __slots__ = ("x_m", "y_m", "detection_probability", "is_blind", "sensor")
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    DETECTION_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    IS_BLIND_FIELD_NUMBER: _ClassVar[int]
    SENSOR_FIELD_NUMBER: _ClassVar[int]
    x_m: _containers.RepeatedScalarFieldContainer[float]
    y_m: _containers.RepeatedScalarFieldContainer[float]
    detection_probability: float
    is_blind: bool
    sensor: str
    def __init__(self, x_m: _Optional[_Iterable[float]] = ..., y_m: _Optional[_Iterable[float]] = ..., detection_probability: _Optional[float] = ..., is_blind: bool = ..., sensor: _Optional[str] = ...) -> None: ...
