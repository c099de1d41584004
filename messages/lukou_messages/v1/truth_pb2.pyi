from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    id: _containers.RepeatedScalarFieldContainer[int]
    object_class: _containers.RepeatedScalarFieldContainer[int]
    x_m: _containers.RepeatedScalarFieldContainer[float]
    y_m: _containers.RepeatedScalarFieldContainer[float]
    velocity_x_mps: _containers.RepeatedScalarFieldContainer[float]
    velocity_y_mps: _containers.RepeatedScalarFieldContainer[float]
    yaw_rad: _containers.RepeatedScalarFieldContainer[float]
    length_m: _containers.RepeatedScalarFieldContainer[float]
    width_m: _containers.RepeatedScalarFieldContainer[float]
    height_m: _containers.RepeatedScalarFieldContainer[float]
    visible_fraction: _containers.RepeatedScalarFieldContainer[float]
    site: _containers.RepeatedScalarFieldContainer[int]
    site_names: _containers.RepeatedScalarFieldContainer[str]
    events: _containers.RepeatedCompositeFieldContainer[TruthEvent]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., object_count: _Optional[int] = ..., columns_present: _Optional[int] = ..., names: _Optional[_Iterable[str]] = ..., id: _Optional[_Iterable[int]] = ..., object_class: _Optional[_Iterable[int]] = ..., x_m: _Optional[_Iterable[float]] = ..., y_m: _Optional[_Iterable[float]] = ..., velocity_x_mps: _Optional[_Iterable[float]] = ..., velocity_y_mps: _Optional[_Iterable[float]] = ..., yaw_rad: _Optional[_Iterable[float]] = ..., length_m: _Optional[_Iterable[float]] = ..., width_m: _Optional[_Iterable[float]] = ..., height_m: _Optional[_Iterable[float]] = ..., visible_fraction: _Optional[_Iterable[float]] = ..., site: _Optional[_Iterable[int]] = ..., site_names: _Optional[_Iterable[str]] = ..., events: _Optional[_Iterable[_Union[TruthEvent, _Mapping]]] = ...) -> None: ...

class TruthEvent(_message.Message):
    __slots__ = ("at_ns", "kind", "actor", "other", "x_m", "y_m", "scheduled")
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_FIELD_NUMBER: _ClassVar[int]
    at_ns: int
    kind: str
    actor: str
    other: str
    x_m: float
    y_m: float
    scheduled: str
    def __init__(self, at_ns: _Optional[int] = ..., kind: _Optional[str] = ..., actor: _Optional[str] = ..., other: _Optional[str] = ..., x_m: _Optional[float] = ..., y_m: _Optional[float] = ..., scheduled: _Optional[str] = ...) -> None: ...
