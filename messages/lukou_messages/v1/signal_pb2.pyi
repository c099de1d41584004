from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignalColour(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGNAL_COLOUR_UNSPECIFIED: _ClassVar[SignalColour]
    SIGNAL_COLOUR_DARK: _ClassVar[SignalColour]
    SIGNAL_COLOUR_RED: _ClassVar[SignalColour]
    SIGNAL_COLOUR_YELLOW: _ClassVar[SignalColour]
    SIGNAL_COLOUR_GREEN: _ClassVar[SignalColour]
    SIGNAL_COLOUR_FLASHING_GREEN: _ClassVar[SignalColour]
    SIGNAL_COLOUR_FLASHING_YELLOW: _ClassVar[SignalColour]
    SIGNAL_COLOUR_FLASHING_RED: _ClassVar[SignalColour]
    SIGNAL_COLOUR_RED_YELLOW: _ClassVar[SignalColour]

class ControlMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTROL_MODE_UNSPECIFIED: _ClassVar[ControlMode]
    CONTROL_MODE_OBSERVE: _ClassVar[ControlMode]
    CONTROL_MODE_ADVISE: _ClassVar[ControlMode]
    CONTROL_MODE_SUPERVISED: _ClassVar[ControlMode]
    CONTROL_MODE_AUTOMATIC: _ClassVar[ControlMode]

class Authority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUTHORITY_UNSPECIFIED: _ClassVar[Authority]
    AUTHORITY_CABINET_MANUAL: _ClassVar[Authority]
    AUTHORITY_CABINET_FAULT: _ClassVar[Authority]
    AUTHORITY_OFFICER_REMOTE: _ClassVar[Authority]
    AUTHORITY_CENTRE_OPERATOR: _ClassVar[Authority]
    AUTHORITY_EMERGENCY: _ClassVar[Authority]
    AUTHORITY_BUS_PRIORITY: _ClassVar[Authority]
    AUTHORITY_ADAPTIVE: _ClassVar[Authority]
    AUTHORITY_LOCAL_PLAN: _ClassVar[Authority]
SIGNAL_COLOUR_UNSPECIFIED: SignalColour
SIGNAL_COLOUR_DARK: SignalColour
SIGNAL_COLOUR_RED: SignalColour
SIGNAL_COLOUR_YELLOW: SignalColour
SIGNAL_COLOUR_GREEN: SignalColour
SIGNAL_COLOUR_FLASHING_GREEN: SignalColour
SIGNAL_COLOUR_FLASHING_YELLOW: SignalColour
SIGNAL_COLOUR_FLASHING_RED: SignalColour
SIGNAL_COLOUR_RED_YELLOW: SignalColour
CONTROL_MODE_UNSPECIFIED: ControlMode
CONTROL_MODE_OBSERVE: ControlMode
CONTROL_MODE_ADVISE: ControlMode
CONTROL_MODE_SUPERVISED: ControlMode
CONTROL_MODE_AUTOMATIC: ControlMode
AUTHORITY_UNSPECIFIED: Authority
AUTHORITY_CABINET_MANUAL: Authority
AUTHORITY_CABINET_FAULT: Authority
AUTHORITY_OFFICER_REMOTE: Authority
AUTHORITY_CENTRE_OPERATOR: Authority
AUTHORITY_EMERGENCY: Authority
AUTHORITY_BUS_PRIORITY: Authority
AUTHORITY_ADAPTIVE: Authority
AUTHORITY_LOCAL_PLAN: Authority

class SignalState(_message.Message):
    __slots__ = ("header", "intersection", "configuration_hash", "configuration_version", "mode", "authority", "groups", "stage", "next_stage", "stage_started_at_ns", "in_transition", "guard_nonce", "fencing_epoch", "lease_remaining_s", "faults", "allowed_stages", "skips_left", "detected_groups", "called_groups", "plan", "next_plan")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    NEXT_STAGE_FIELD_NUMBER: _ClassVar[int]
    STAGE_STARTED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    IN_TRANSITION_FIELD_NUMBER: _ClassVar[int]
    GUARD_NONCE_FIELD_NUMBER: _ClassVar[int]
    FENCING_EPOCH_FIELD_NUMBER: _ClassVar[int]
    LEASE_REMAINING_S_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_STAGES_FIELD_NUMBER: _ClassVar[int]
    SKIPS_LEFT_FIELD_NUMBER: _ClassVar[int]
    DETECTED_GROUPS_FIELD_NUMBER: _ClassVar[int]
    CALLED_GROUPS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    NEXT_PLAN_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    intersection: str
    configuration_hash: str
    configuration_version: int
    mode: ControlMode
    authority: Authority
    groups: _containers.RepeatedCompositeFieldContainer[SignalGroupState]
    stage: str
    next_stage: str
    stage_started_at_ns: int
    in_transition: bool
    guard_nonce: int
    fencing_epoch: int
    lease_remaining_s: float
    faults: _containers.RepeatedScalarFieldContainer[str]
    allowed_stages: _containers.RepeatedScalarFieldContainer[str]
    skips_left: int
    detected_groups: _containers.RepeatedScalarFieldContainer[str]
    called_groups: _containers.RepeatedScalarFieldContainer[str]
    plan: SignalPlan
    next_plan: SignalPlan
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., intersection: _Optional[str] = ..., configuration_hash: _Optional[str] = ..., configuration_version: _Optional[int] = ..., mode: _Optional[_Union[ControlMode, str]] = ..., authority: _Optional[_Union[Authority, str]] = ..., groups: _Optional[_Iterable[_Union[SignalGroupState, _Mapping]]] = ..., stage: _Optional[str] = ..., next_stage: _Optional[str] = ..., stage_started_at_ns: _Optional[int] = ..., in_transition: bool = ..., guard_nonce: _Optional[int] = ..., fencing_epoch: _Optional[int] = ..., lease_remaining_s: _Optional[float] = ..., faults: _Optional[_Iterable[str]] = ..., allowed_stages: _Optional[_Iterable[str]] = ..., skips_left: _Optional[int] = ..., detected_groups: _Optional[_Iterable[str]] = ..., called_groups: _Optional[_Iterable[str]] = ..., plan: _Optional[_Union[SignalPlan, _Mapping]] = ..., next_plan: _Optional[_Union[SignalPlan, _Mapping]] = ...) -> None: ...

class SignalPlan(_message.Message):
    __slots__ = ("greens_s", "cycle_s", "offset_s")
    GREENS_S_FIELD_NUMBER: _ClassVar[int]
    CYCLE_S_FIELD_NUMBER: _ClassVar[int]
    OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    greens_s: _containers.RepeatedScalarFieldContainer[float]
    cycle_s: float
    offset_s: float
    def __init__(self, greens_s: _Optional[_Iterable[float]] = ..., cycle_s: _Optional[float] = ..., offset_s: _Optional[float] = ...) -> None: ...

class SignalGroupState(_message.Message):
    __slots__ = ("group", "colour", "started_at_ns", "min_end_at_ns", "max_end_at_ns", "likely_end_at_ns", "confidence", "next_colour", "countdown_s", "is_committed")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    MIN_END_AT_NS_FIELD_NUMBER: _ClassVar[int]
    MAX_END_AT_NS_FIELD_NUMBER: _ClassVar[int]
    LIKELY_END_AT_NS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    NEXT_COLOUR_FIELD_NUMBER: _ClassVar[int]
    COUNTDOWN_S_FIELD_NUMBER: _ClassVar[int]
    IS_COMMITTED_FIELD_NUMBER: _ClassVar[int]
    group: str
    colour: SignalColour
    started_at_ns: int
    min_end_at_ns: int
    max_end_at_ns: int
    likely_end_at_ns: int
    confidence: float
    next_colour: SignalColour
    countdown_s: float
    is_committed: bool
    def __init__(self, group: _Optional[str] = ..., colour: _Optional[_Union[SignalColour, str]] = ..., started_at_ns: _Optional[int] = ..., min_end_at_ns: _Optional[int] = ..., max_end_at_ns: _Optional[int] = ..., likely_end_at_ns: _Optional[int] = ..., confidence: _Optional[float] = ..., next_colour: _Optional[_Union[SignalColour, str]] = ..., countdown_s: _Optional[float] = ..., is_committed: bool = ...) -> None: ...
