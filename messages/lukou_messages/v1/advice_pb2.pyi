from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AdviceAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADVICE_ACTION_UNSPECIFIED: _ClassVar[AdviceAction]
    ADVICE_ACTION_KEEP: _ClassVar[AdviceAction]
    ADVICE_ACTION_SLOW: _ClassVar[AdviceAction]
    ADVICE_ACTION_STOP: _ClassVar[AdviceAction]
    ADVICE_ACTION_NONE: _ClassVar[AdviceAction]
ADVICE_ACTION_UNSPECIFIED: AdviceAction
ADVICE_ACTION_KEEP: AdviceAction
ADVICE_ACTION_SLOW: AdviceAction
ADVICE_ACTION_STOP: AdviceAction
ADVICE_ACTION_NONE: AdviceAction

class SpeedAdvice(_message.Message):
    __slots__ = ("header", "temporary_id", "object_id", "intersection", "signal_group", "lane", "stop_line_m", "action", "speed_mps", "passes_from_ns", "passes_until_ns", "queued_vehicles", "confidence", "expires_at_ns", "why")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEMPORARY_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_GROUP_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    STOP_LINE_M_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SPEED_MPS_FIELD_NUMBER: _ClassVar[int]
    PASSES_FROM_NS_FIELD_NUMBER: _ClassVar[int]
    PASSES_UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    QUEUED_VEHICLES_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    temporary_id: int
    object_id: int
    intersection: str
    signal_group: str
    lane: str
    stop_line_m: float
    action: AdviceAction
    speed_mps: float
    passes_from_ns: int
    passes_until_ns: int
    queued_vehicles: int
    confidence: float
    expires_at_ns: int
    why: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., temporary_id: _Optional[int] = ..., object_id: _Optional[int] = ..., intersection: _Optional[str] = ..., signal_group: _Optional[str] = ..., lane: _Optional[str] = ..., stop_line_m: _Optional[float] = ..., action: _Optional[_Union[AdviceAction, str]] = ..., speed_mps: _Optional[float] = ..., passes_from_ns: _Optional[int] = ..., passes_until_ns: _Optional[int] = ..., queued_vehicles: _Optional[int] = ..., confidence: _Optional[float] = ..., expires_at_ns: _Optional[int] = ..., why: _Optional[str] = ...) -> None: ...
