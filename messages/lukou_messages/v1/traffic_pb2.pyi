from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ViewLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VIEW_LEVEL_UNSPECIFIED: _ClassVar[ViewLevel]
    VIEW_LEVEL_FULL: _ClassVar[ViewLevel]
    VIEW_LEVEL_PARTIAL: _ClassVar[ViewLevel]
    VIEW_LEVEL_DETECTORS: _ClassVar[ViewLevel]
    VIEW_LEVEL_BLIND: _ClassVar[ViewLevel]
VIEW_LEVEL_UNSPECIFIED: ViewLevel
VIEW_LEVEL_FULL: ViewLevel
VIEW_LEVEL_PARTIAL: ViewLevel
VIEW_LEVEL_DETECTORS: ViewLevel
VIEW_LEVEL_BLIND: ViewLevel

class TrafficState(_message.Message):
    __slots__ = ("header", "intersection", "interval_s", "lanes", "view", "decision", "delay_s", "stops_per_vehicle", "vehicles_left", "pedestrians_waiting", "longest_wait_s")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    DELAY_S_FIELD_NUMBER: _ClassVar[int]
    STOPS_PER_VEHICLE_FIELD_NUMBER: _ClassVar[int]
    VEHICLES_LEFT_FIELD_NUMBER: _ClassVar[int]
    PEDESTRIANS_WAITING_FIELD_NUMBER: _ClassVar[int]
    LONGEST_WAIT_S_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    intersection: str
    interval_s: float
    lanes: _containers.RepeatedCompositeFieldContainer[LaneTraffic]
    view: ViewLevel
    decision: str
    delay_s: float
    stops_per_vehicle: float
    vehicles_left: int
    pedestrians_waiting: int
    longest_wait_s: float
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., intersection: _Optional[str] = ..., interval_s: _Optional[float] = ..., lanes: _Optional[_Iterable[_Union[LaneTraffic, _Mapping]]] = ..., view: _Optional[_Union[ViewLevel, str]] = ..., decision: _Optional[str] = ..., delay_s: _Optional[float] = ..., stops_per_vehicle: _Optional[float] = ..., vehicles_left: _Optional[int] = ..., pedestrians_waiting: _Optional[int] = ..., longest_wait_s: _Optional[float] = ...) -> None: ...

class LaneTraffic(_message.Message):
    __slots__ = ("lane", "vehicles", "queue", "queue_m", "mean_speed_mps", "arrival_rate_vph", "departures")
    LANE_FIELD_NUMBER: _ClassVar[int]
    VEHICLES_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_M_FIELD_NUMBER: _ClassVar[int]
    MEAN_SPEED_MPS_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_RATE_VPH_FIELD_NUMBER: _ClassVar[int]
    DEPARTURES_FIELD_NUMBER: _ClassVar[int]
    lane: str
    vehicles: int
    queue: int
    queue_m: float
    mean_speed_mps: float
    arrival_rate_vph: float
    departures: int
    def __init__(self, lane: _Optional[str] = ..., vehicles: _Optional[int] = ..., queue: _Optional[int] = ..., queue_m: _Optional[float] = ..., mean_speed_mps: _Optional[float] = ..., arrival_rate_vph: _Optional[float] = ..., departures: _Optional[int] = ...) -> None: ...
