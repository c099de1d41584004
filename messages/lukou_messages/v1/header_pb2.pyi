from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimeSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_SOURCE_UNSPECIFIED: _ClassVar[TimeSource]
    TIME_SOURCE_GNSS: _ClassVar[TimeSource]
    TIME_SOURCE_PTP: _ClassVar[TimeSource]
    TIME_SOURCE_NTP: _ClassVar[TimeSource]
    TIME_SOURCE_LOCAL: _ClassVar[TimeSource]
    TIME_SOURCE_SIMULATION: _ClassVar[TimeSource]

class Validity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALIDITY_UNSPECIFIED: _ClassVar[Validity]
    VALIDITY_VALID: _ClassVar[Validity]
    VALIDITY_DEGRADED: _ClassVar[Validity]
    VALIDITY_INVALID: _ClassVar[Validity]
TIME_SOURCE_UNSPECIFIED: TimeSource
TIME_SOURCE_GNSS: TimeSource
TIME_SOURCE_PTP: TimeSource
TIME_SOURCE_NTP: TimeSource
TIME_SOURCE_LOCAL: TimeSource
TIME_SOURCE_SIMULATION: TimeSource
VALIDITY_UNSPECIFIED: Validity
VALIDITY_VALID: Validity
VALIDITY_DEGRADED: Validity
VALIDITY_INVALID: Validity

class Header(_message.Message):
    __slots__ = ("source", "epoch", "sequence", "measured_at_ns", "sent_at_ns", "time_source", "time_uncertainty_us", "validity", "validity_reason", "map")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    MEASURED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_NS_FIELD_NUMBER: _ClassVar[int]
    TIME_SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIME_UNCERTAINTY_US_FIELD_NUMBER: _ClassVar[int]
    VALIDITY_FIELD_NUMBER: _ClassVar[int]
    VALIDITY_REASON_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    source: str
    epoch: int
    sequence: int
    measured_at_ns: int
    sent_at_ns: int
    time_source: TimeSource
    time_uncertainty_us: int
    validity: Validity
    validity_reason: str
    map: MapReference
    def __init__(self, source: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., measured_at_ns: _Optional[int] = ..., sent_at_ns: _Optional[int] = ..., time_source: _Optional[_Union[TimeSource, str]] = ..., time_uncertainty_us: _Optional[int] = ..., validity: _Optional[_Union[Validity, str]] = ..., validity_reason: _Optional[str] = ..., map: _Optional[_Union[MapReference, _Mapping]] = ...) -> None: ...

class MapReference(_message.Message):
    __slots__ = ("map_id", "version", "content_hash")
    MAP_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_HASH_FIELD_NUMBER: _ClassVar[int]
    map_id: str
    version: int
    content_hash: int
    def __init__(self, map_id: _Optional[str] = ..., version: _Optional[int] = ..., content_hash: _Optional[int] = ...) -> None: ...
