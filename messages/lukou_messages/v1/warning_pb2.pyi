from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WarningKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_KIND_UNSPECIFIED: _ClassVar[WarningKind]
    WARNING_KIND_CROSSING: _ClassVar[WarningKind]
    WARNING_KIND_LEFT_TURN: _ClassVar[WarningKind]
    WARNING_KIND_REAR_END: _ClassVar[WarningKind]
    WARNING_KIND_VULNERABLE: _ClassVar[WarningKind]
    WARNING_KIND_RED_LIGHT: _ClassVar[WarningKind]
    WARNING_KIND_WRONG_WAY: _ClassVar[WarningKind]
    WARNING_KIND_STOPPED: _ClassVar[WarningKind]
    WARNING_KIND_OVERSPEED: _ClassVar[WarningKind]
    WARNING_KIND_QUEUE_END: _ClassVar[WarningKind]
    WARNING_KIND_DO_NOT_PASS: _ClassVar[WarningKind]
    WARNING_KIND_HAZARD: _ClassVar[WarningKind]
    WARNING_KIND_EMERGENCY_VEHICLE: _ClassVar[WarningKind]
    WARNING_KIND_CROSSWALK: _ClassVar[WarningKind]

class WarningLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_LEVEL_UNSPECIFIED: _ClassVar[WarningLevel]
    WARNING_LEVEL_INFORMATIVE: _ClassVar[WarningLevel]
    WARNING_LEVEL_IMMINENT: _ClassVar[WarningLevel]

class WarningPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_PHASE_UNSPECIFIED: _ClassVar[WarningPhase]
    WARNING_PHASE_RAISED: _ClassVar[WarningPhase]
    WARNING_PHASE_REPEATED: _ClassVar[WarningPhase]
    WARNING_PHASE_CANCELLED: _ClassVar[WarningPhase]
WARNING_KIND_UNSPECIFIED: WarningKind
WARNING_KIND_CROSSING: WarningKind
WARNING_KIND_LEFT_TURN: WarningKind
WARNING_KIND_REAR_END: WarningKind
WARNING_KIND_VULNERABLE: WarningKind
WARNING_KIND_RED_LIGHT: WarningKind
WARNING_KIND_WRONG_WAY: WarningKind
WARNING_KIND_STOPPED: WarningKind
WARNING_KIND_OVERSPEED: WarningKind
WARNING_KIND_QUEUE_END: WarningKind
WARNING_KIND_DO_NOT_PASS: WarningKind
WARNING_KIND_HAZARD: WarningKind
WARNING_KIND_EMERGENCY_VEHICLE: WarningKind
WARNING_KIND_CROSSWALK: WarningKind
WARNING_LEVEL_UNSPECIFIED: WarningLevel
WARNING_LEVEL_INFORMATIVE: WarningLevel
WARNING_LEVEL_IMMINENT: WarningLevel
WARNING_PHASE_UNSPECIFIED: WarningPhase
WARNING_PHASE_RAISED: WarningPhase
WARNING_PHASE_REPEATED: WarningPhase
WARNING_PHASE_CANCELLED: WarningPhase

class Warning(_message.Message):
    __slots__ = ("header", "warning_id", "kind", "level", "phase", "raised_at_ns", "expires_at_ns", "time_to_collision_s", "probability", "severity", "road_users", "meeting_x_m", "meeting_y_m", "intersection", "lanes", "advice", "why", "cancel_reason", "confidence", "doubts")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    WARNING_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_COLLISION_S_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    ROAD_USERS_FIELD_NUMBER: _ClassVar[int]
    MEETING_X_M_FIELD_NUMBER: _ClassVar[int]
    MEETING_Y_M_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REASON_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    DOUBTS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    warning_id: str
    kind: WarningKind
    level: WarningLevel
    phase: WarningPhase
    raised_at_ns: int
    expires_at_ns: int
    time_to_collision_s: float
    probability: float
    severity: float
    road_users: _containers.RepeatedCompositeFieldContainer[WarnedRoadUser]
    meeting_x_m: float
    meeting_y_m: float
    intersection: str
    lanes: _containers.RepeatedScalarFieldContainer[str]
    advice: str
    why: str
    cancel_reason: str
    confidence: float
    doubts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., warning_id: _Optional[str] = ..., kind: _Optional[_Union[WarningKind, str]] = ..., level: _Optional[_Union[WarningLevel, str]] = ..., phase: _Optional[_Union[WarningPhase, str]] = ..., raised_at_ns: _Optional[int] = ..., expires_at_ns: _Optional[int] = ..., time_to_collision_s: _Optional[float] = ..., probability: _Optional[float] = ..., severity: _Optional[float] = ..., road_users: _Optional[_Iterable[_Union[WarnedRoadUser, _Mapping]]] = ..., meeting_x_m: _Optional[float] = ..., meeting_y_m: _Optional[float] = ..., intersection: _Optional[str] = ..., lanes: _Optional[_Iterable[str]] = ..., advice: _Optional[str] = ..., why: _Optional[str] = ..., cancel_reason: _Optional[str] = ..., confidence: _Optional[float] = ..., doubts: _Optional[_Iterable[str]] = ...) -> None: ...

class WarnedRoadUser(_message.Message):
    __slots__ = ("object_id", "object_class", "path_x_m", "path_y_m", "enters_in_s", "leaves_in_s", "speed_mps", "lane", "is_cause")
    OBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    OBJECT_CLASS_FIELD_NUMBER: _ClassVar[int]
    PATH_X_M_FIELD_NUMBER: _ClassVar[int]
    PATH_Y_M_FIELD_NUMBER: _ClassVar[int]
    ENTERS_IN_S_FIELD_NUMBER: _ClassVar[int]
    LEAVES_IN_S_FIELD_NUMBER: _ClassVar[int]
    SPEED_MPS_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    IS_CAUSE_FIELD_NUMBER: _ClassVar[int]
    object_id: int
    object_class: int
    path_x_m: _containers.RepeatedScalarFieldContainer[float]
    path_y_m: _containers.RepeatedScalarFieldContainer[float]
    enters_in_s: float
    leaves_in_s: float
    speed_mps: float
    lane: str
    is_cause: bool
    def __init__(self, object_id: _Optional[int] = ..., object_class: _Optional[int] = ..., path_x_m: _Optional[_Iterable[float]] = ..., path_y_m: _Optional[_Iterable[float]] = ..., enters_in_s: _Optional[float] = ..., leaves_in_s: _Optional[float] = ..., speed_mps: _Optional[float] = ..., lane: _Optional[str] = ..., is_cause: bool = ...) -> None: ...
