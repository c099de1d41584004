from lukou_messages.v1 import header_pb2 as _header_pb2
from lukou_messages.v1 import signal_pb2 as _signal_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CommandStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_STATUS_UNSPECIFIED: _ClassVar[CommandStatus]
    COMMAND_STATUS_RECEIVED: _ClassVar[CommandStatus]
    COMMAND_STATUS_ACCEPTED: _ClassVar[CommandStatus]
    COMMAND_STATUS_REJECTED: _ClassVar[CommandStatus]
    COMMAND_STATUS_APPLIED: _ClassVar[CommandStatus]
    COMMAND_STATUS_ENDED: _ClassVar[CommandStatus]
COMMAND_STATUS_UNSPECIFIED: CommandStatus
COMMAND_STATUS_RECEIVED: CommandStatus
COMMAND_STATUS_ACCEPTED: CommandStatus
COMMAND_STATUS_REJECTED: CommandStatus
COMMAND_STATUS_APPLIED: CommandStatus
COMMAND_STATUS_ENDED: CommandStatus

class Command(_message.Message):
    __slots__ = ("header", "command_id", "device", "issuer", "authority", "issued_at_ns", "not_before_ns", "expires_at_ns", "lease_s", "fencing_epoch", "command_sequence", "configuration_hash", "configuration_version", "guard_nonce", "expected_stage", "stage_request", "plan_request", "release", "renewal", "signature")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_NS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    LEASE_S_FIELD_NUMBER: _ClassVar[int]
    FENCING_EPOCH_FIELD_NUMBER: _ClassVar[int]
    COMMAND_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_HASH_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_VERSION_FIELD_NUMBER: _ClassVar[int]
    GUARD_NONCE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_STAGE_FIELD_NUMBER: _ClassVar[int]
    STAGE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    PLAN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    RENEWAL_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    command_id: str
    device: str
    issuer: str
    authority: _signal_pb2.Authority
    issued_at_ns: int
    not_before_ns: int
    expires_at_ns: int
    lease_s: float
    fencing_epoch: int
    command_sequence: int
    configuration_hash: str
    configuration_version: int
    guard_nonce: int
    expected_stage: str
    stage_request: StageRequest
    plan_request: PlanRequest
    release: ReleaseRequest
    renewal: LeaseRenewal
    signature: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., command_id: _Optional[str] = ..., device: _Optional[str] = ..., issuer: _Optional[str] = ..., authority: _Optional[_Union[_signal_pb2.Authority, str]] = ..., issued_at_ns: _Optional[int] = ..., not_before_ns: _Optional[int] = ..., expires_at_ns: _Optional[int] = ..., lease_s: _Optional[float] = ..., fencing_epoch: _Optional[int] = ..., command_sequence: _Optional[int] = ..., configuration_hash: _Optional[str] = ..., configuration_version: _Optional[int] = ..., guard_nonce: _Optional[int] = ..., expected_stage: _Optional[str] = ..., stage_request: _Optional[_Union[StageRequest, _Mapping]] = ..., plan_request: _Optional[_Union[PlanRequest, _Mapping]] = ..., release: _Optional[_Union[ReleaseRequest, _Mapping]] = ..., renewal: _Optional[_Union[LeaseRenewal, _Mapping]] = ..., signature: _Optional[bytes] = ...) -> None: ...

class StageRequest(_message.Message):
    __slots__ = ("stage", "expected_duration_s", "following_stage")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_DURATION_S_FIELD_NUMBER: _ClassVar[int]
    FOLLOWING_STAGE_FIELD_NUMBER: _ClassVar[int]
    stage: str
    expected_duration_s: float
    following_stage: str
    def __init__(self, stage: _Optional[str] = ..., expected_duration_s: _Optional[float] = ..., following_stage: _Optional[str] = ...) -> None: ...

class PlanRequest(_message.Message):
    __slots__ = ("splits", "cycle_s", "offset_s")
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    CYCLE_S_FIELD_NUMBER: _ClassVar[int]
    OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    splits: _containers.RepeatedCompositeFieldContainer[StageSplit]
    cycle_s: float
    offset_s: float
    def __init__(self, splits: _Optional[_Iterable[_Union[StageSplit, _Mapping]]] = ..., cycle_s: _Optional[float] = ..., offset_s: _Optional[float] = ...) -> None: ...

class StageSplit(_message.Message):
    __slots__ = ("stage", "green_s")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    GREEN_S_FIELD_NUMBER: _ClassVar[int]
    stage: str
    green_s: float
    def __init__(self, stage: _Optional[str] = ..., green_s: _Optional[float] = ...) -> None: ...

class ReleaseRequest(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class LeaseRenewal(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CommandReply(_message.Message):
    __slots__ = ("header", "command_id", "device", "status", "reason", "detail")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    command_id: str
    device: str
    status: CommandStatus
    reason: str
    detail: str
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., command_id: _Optional[str] = ..., device: _Optional[str] = ..., status: _Optional[_Union[CommandStatus, str]] = ..., reason: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...
