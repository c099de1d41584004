from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MapTile(_message.Message):
    __slots__ = ("header", "tile_x", "tile_y", "size_m", "lanes", "crosswalks", "reference_system", "content_sha256")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TILE_X_FIELD_NUMBER: _ClassVar[int]
    TILE_Y_FIELD_NUMBER: _ClassVar[int]
    SIZE_M_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    CROSSWALKS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    tile_x: int
    tile_y: int
    size_m: float
    lanes: _containers.RepeatedCompositeFieldContainer[MapLane]
    crosswalks: _containers.RepeatedCompositeFieldContainer[MapCrosswalk]
    reference_system: str
    content_sha256: bytes
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., tile_x: _Optional[int] = ..., tile_y: _Optional[int] = ..., size_m: _Optional[float] = ..., lanes: _Optional[_Iterable[_Union[MapLane, _Mapping]]] = ..., crosswalks: _Optional[_Iterable[_Union[MapCrosswalk, _Mapping]]] = ..., reference_system: _Optional[str] = ..., content_sha256: _Optional[bytes] = ...) -> None: ...

class MapLane(_message.Message):
    __slots__ = ("name", "x_mm_delta", "y_mm_delta", "z_mm_delta", "width_m", "speed_limit_mps", "participants", "is_internal", "connections", "left_neighbour", "right_neighbour")
    NAME_FIELD_NUMBER: _ClassVar[int]
    X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    Z_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    WIDTH_M_FIELD_NUMBER: _ClassVar[int]
    SPEED_LIMIT_MPS_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    IS_INTERNAL_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    LEFT_NEIGHBOUR_FIELD_NUMBER: _ClassVar[int]
    RIGHT_NEIGHBOUR_FIELD_NUMBER: _ClassVar[int]
    name: str
    x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    z_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    width_m: float
    speed_limit_mps: float
    participants: int
    is_internal: bool
    connections: _containers.RepeatedCompositeFieldContainer[MapConnection]
    left_neighbour: str
    right_neighbour: str
    def __init__(self, name: _Optional[str] = ..., x_mm_delta: _Optional[_Iterable[int]] = ..., y_mm_delta: _Optional[_Iterable[int]] = ..., z_mm_delta: _Optional[_Iterable[int]] = ..., width_m: _Optional[float] = ..., speed_limit_mps: _Optional[float] = ..., participants: _Optional[int] = ..., is_internal: bool = ..., connections: _Optional[_Iterable[_Union[MapConnection, _Mapping]]] = ..., left_neighbour: _Optional[str] = ..., right_neighbour: _Optional[str] = ...) -> None: ...

class MapConnection(_message.Message):
    __slots__ = ("to_lane", "via_lane", "turn", "intersection", "signal_group")
    TO_LANE_FIELD_NUMBER: _ClassVar[int]
    VIA_LANE_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_GROUP_FIELD_NUMBER: _ClassVar[int]
    to_lane: str
    via_lane: str
    turn: str
    intersection: str
    signal_group: str
    def __init__(self, to_lane: _Optional[str] = ..., via_lane: _Optional[str] = ..., turn: _Optional[str] = ..., intersection: _Optional[str] = ..., signal_group: _Optional[str] = ...) -> None: ...

class MapCrosswalk(_message.Message):
    __slots__ = ("name", "x_m", "y_m", "intersection", "signal_group")
    NAME_FIELD_NUMBER: _ClassVar[int]
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_GROUP_FIELD_NUMBER: _ClassVar[int]
    name: str
    x_m: _containers.RepeatedScalarFieldContainer[float]
    y_m: _containers.RepeatedScalarFieldContainer[float]
    intersection: str
    signal_group: str
    def __init__(self, name: _Optional[str] = ..., x_m: _Optional[_Iterable[float]] = ..., y_m: _Optional[_Iterable[float]] = ..., intersection: _Optional[str] = ..., signal_group: _Optional[str] = ...) -> None: ...
