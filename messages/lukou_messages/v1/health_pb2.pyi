from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HealthState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEALTH_STATE_UNSPECIFIED: _ClassVar[HealthState]
    HEALTH_STATE_STARTING: _ClassVar[HealthState]
    HEALTH_STATE_GOOD: _ClassVar[HealthState]
    HEALTH_STATE_DEGRADED: _ClassVar[HealthState]
    HEALTH_STATE_FAILED: _ClassVar[HealthState]
    HEALTH_STATE_STOPPING: _ClassVar[HealthState]
HEALTH_STATE_UNSPECIFIED: HealthState
HEALTH_STATE_STARTING: HealthState
HEALTH_STATE_GOOD: HealthState
HEALTH_STATE_DEGRADED: HealthState
HEALTH_STATE_FAILED: HealthState
HEALTH_STATE_STOPPING: HealthState

class Health(_message.Message):
    __slots__ = ("header", "process", "state", "uptime_s", "steps", "step_p50_ms", "step_p95_ms", "cpu_cores", "memory_mb", "inputs", "faults", "refused", "figures")
    class RefusedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class FiguresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    STEP_P50_MS_FIELD_NUMBER: _ClassVar[int]
    STEP_P95_MS_FIELD_NUMBER: _ClassVar[int]
    CPU_CORES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_MB_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    process: str
    state: HealthState
    uptime_s: float
    steps: int
    step_p50_ms: float
    step_p95_ms: float
    cpu_cores: float
    memory_mb: float
    inputs: _containers.RepeatedCompositeFieldContainer[InputHealth]
    faults: _containers.RepeatedScalarFieldContainer[str]
    refused: _containers.ScalarMap[str, int]
    figures: _containers.ScalarMap[str, float]
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., process: _Optional[str] = ..., state: _Optional[_Union[HealthState, str]] = ..., uptime_s: _Optional[float] = ..., steps: _Optional[int] = ..., step_p50_ms: _Optional[float] = ..., step_p95_ms: _Optional[float] = ..., cpu_cores: _Optional[float] = ..., memory_mb: _Optional[float] = ..., inputs: _Optional[_Iterable[_Union[InputHealth, _Mapping]]] = ..., faults: _Optional[_Iterable[str]] = ..., refused: _Optional[_Mapping[str, int]] = ..., figures: _Optional[_Mapping[str, float]] = ...) -> None: ...

class InputHealth(_message.Message):
    __slots__ = ("name", "source", "age_s", "received", "missed", "is_stale")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    AGE_S_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    IS_STALE_FIELD_NUMBER: _ClassVar[int]
    name: str
    source: str
    age_s: float
    received: int
    missed: int
    is_stale: bool
    def __init__(self, name: _Optional[str] = ..., source: _Optional[str] = ..., age_s: _Optional[float] = ..., received: _Optional[int] = ..., missed: _Optional[int] = ..., is_stale: bool = ...) -> None: ...

class StepJournal(_message.Message):
    __slots__ = ("header", "process", "step", "now_ns", "sent_at_ns", "inputs", "snapshot", "sequences", "has_device_inputs")
    class SequencesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    NOW_NS_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_NS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    HAS_DEVICE_INPUTS_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    process: str
    step: int
    now_ns: int
    sent_at_ns: int
    inputs: _containers.RepeatedCompositeFieldContainer[MessageKey]
    snapshot: bytes
    sequences: _containers.ScalarMap[str, int]
    has_device_inputs: bool
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., process: _Optional[str] = ..., step: _Optional[int] = ..., now_ns: _Optional[int] = ..., sent_at_ns: _Optional[int] = ..., inputs: _Optional[_Iterable[_Union[MessageKey, _Mapping]]] = ..., snapshot: _Optional[bytes] = ..., sequences: _Optional[_Mapping[str, int]] = ..., has_device_inputs: bool = ...) -> None: ...

class MessageKey(_message.Message):
    __slots__ = ("topic", "source", "epoch", "sequence")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    source: str
    epoch: int
    sequence: int
    def __init__(self, topic: _Optional[str] = ..., source: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...
