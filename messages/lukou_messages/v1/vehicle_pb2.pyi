from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TurnIntention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TURN_INTENTION_UNSPECIFIED: _ClassVar[TurnIntention]
    TURN_INTENTION_STRAIGHT: _ClassVar[TurnIntention]
    TURN_INTENTION_LEFT: _ClassVar[TurnIntention]
    TURN_INTENTION_RIGHT: _ClassVar[TurnIntention]
    TURN_INTENTION_TURN_AROUND: _ClassVar[TurnIntention]

class VehicleRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VEHICLE_ROLE_UNSPECIFIED: _ClassVar[VehicleRole]
    VEHICLE_ROLE_PUBLIC_TRANSPORT: _ClassVar[VehicleRole]
    VEHICLE_ROLE_EMERGENCY: _ClassVar[VehicleRole]
    VEHICLE_ROLE_SERVICE: _ClassVar[VehicleRole]
TURN_INTENTION_UNSPECIFIED: TurnIntention
TURN_INTENTION_STRAIGHT: TurnIntention
TURN_INTENTION_LEFT: TurnIntention
TURN_INTENTION_RIGHT: TurnIntention
TURN_INTENTION_TURN_AROUND: TurnIntention
VEHICLE_ROLE_UNSPECIFIED: VehicleRole
VEHICLE_ROLE_PUBLIC_TRANSPORT: VehicleRole
VEHICLE_ROLE_EMERGENCY: VehicleRole
VEHICLE_ROLE_SERVICE: VehicleRole

class VehicleReport(_message.Message):
    __slots__ = ("header", "temporary_id", "object_class", "x_m", "y_m", "speed_mps", "yaw_rad", "acceleration_mps2", "length_m", "width_m", "intention", "position_deviation_m", "role", "persons")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEMPORARY_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    SPEED_MPS_FIELD_NUMBER: _ClassVar[int]
    YAW_RAD_FIELD_NUMBER: _ClassVar[int]
    ACCELERATION_MPS2_FIELD_NUMBER: _ClassVar[int]
    LENGTH_M_FIELD_NUMBER: _ClassVar[int]
    WIDTH_M_FIELD_NUMBER: _ClassVar[int]
    INTENTION_FIELD_NUMBER: _ClassVar[int]
    POSITION_DEVIATION_M_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    PERSONS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    temporary_id: int
    object_class: int
    x_m: float
    y_m: float
    speed_mps: float
    yaw_rad: float
    acceleration_mps2: float
    length_m: float
    width_m: float
    intention: TurnIntention
    position_deviation_m: float
    role: VehicleRole
    persons: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., temporary_id: _Optional[int] = ..., object_class: _Optional[int] = ..., x_m: _Optional[float] = ..., y_m: _Optional[float] = ..., speed_mps: _Optional[float] = ..., yaw_rad: _Optional[float] = ..., acceleration_mps2: _Optional[float] = ..., length_m: _Optional[float] = ..., width_m: _Optional[float] = ..., intention: _Optional[_Union[TurnIntention, str]] = ..., position_deviation_m: _Optional[float] = ..., role: _Optional[_Union[VehicleRole, str]] = ..., persons: _Optional[int] = ...) -> None: ...
