from lukou_messages.v1 import header_pb2 as _header_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MapTile(_message.Message):
    __slots__ = ("header", "tile_x", "tile_y", "size_m", "content", "content_sha256", "map_sha256", "tile_count")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TILE_X_FIELD_NUMBER: _ClassVar[int]
    TILE_Y_FIELD_NUMBER: _ClassVar[int]
    SIZE_M_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    MAP_SHA256_FIELD_NUMBER: _ClassVar[int]
    TILE_COUNT_FIELD_NUMBER: _ClassVar[int]
    header: _header_pb2.Header
    tile_x: int
    tile_y: int
    size_m: float
    content: bytes
    content_sha256: bytes
    map_sha256: bytes
    tile_count: int
    def __init__(self, header: _Optional[_Union[_header_pb2.Header, _Mapping]] = ..., tile_x: _Optional[int] = ..., tile_y: _Optional[int] = ..., size_m: _Optional[float] = ..., content: _Optional[bytes] = ..., content_sha256: _Optional[bytes] = ..., map_sha256: _Optional[bytes] = ..., tile_count: _Optional[int] = ...) -> None: ...

class MapTiles(_message.Message):
    __slots__ = ("tiles",)
    TILES_FIELD_NUMBER: _ClassVar[int]
    tiles: _containers.RepeatedCompositeFieldContainer[MapTile]
    def __init__(self, tiles: _Optional[_Iterable[_Union[MapTile, _Mapping]]] = ...) -> None: ...

class MapContent(_message.Message):
    __slots__ = ("georeference", "lanes", "connections", "stop_lines", "crosswalks", "junctions", "priorities", "markings", "speed_limits", "lane_functions", "two_stage_turns", "bus_stops", "regulations", "intersections", "signal_groups")
    GEOREFERENCE_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    STOP_LINES_FIELD_NUMBER: _ClassVar[int]
    CROSSWALKS_FIELD_NUMBER: _ClassVar[int]
    JUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITIES_FIELD_NUMBER: _ClassVar[int]
    MARKINGS_FIELD_NUMBER: _ClassVar[int]
    SPEED_LIMITS_FIELD_NUMBER: _ClassVar[int]
    LANE_FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    TWO_STAGE_TURNS_FIELD_NUMBER: _ClassVar[int]
    BUS_STOPS_FIELD_NUMBER: _ClassVar[int]
    REGULATIONS_FIELD_NUMBER: _ClassVar[int]
    INTERSECTIONS_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_GROUPS_FIELD_NUMBER: _ClassVar[int]
    georeference: MapGeoreference
    lanes: MapLanes
    connections: MapConnections
    stop_lines: MapStopLines
    crosswalks: MapCrosswalks
    junctions: MapJunctions
    priorities: MapPriorities
    markings: MapMarkings
    speed_limits: MapSpeedLimits
    lane_functions: MapLaneFunctions
    two_stage_turns: MapTwoStageTurns
    bus_stops: MapBusStops
    regulations: MapRegulations
    intersections: MapNames
    signal_groups: MapNames
    def __init__(self, georeference: _Optional[_Union[MapGeoreference, _Mapping]] = ..., lanes: _Optional[_Union[MapLanes, _Mapping]] = ..., connections: _Optional[_Union[MapConnections, _Mapping]] = ..., stop_lines: _Optional[_Union[MapStopLines, _Mapping]] = ..., crosswalks: _Optional[_Union[MapCrosswalks, _Mapping]] = ..., junctions: _Optional[_Union[MapJunctions, _Mapping]] = ..., priorities: _Optional[_Union[MapPriorities, _Mapping]] = ..., markings: _Optional[_Union[MapMarkings, _Mapping]] = ..., speed_limits: _Optional[_Union[MapSpeedLimits, _Mapping]] = ..., lane_functions: _Optional[_Union[MapLaneFunctions, _Mapping]] = ..., two_stage_turns: _Optional[_Union[MapTwoStageTurns, _Mapping]] = ..., bus_stops: _Optional[_Union[MapBusStops, _Mapping]] = ..., regulations: _Optional[_Union[MapRegulations, _Mapping]] = ..., intersections: _Optional[_Union[MapNames, _Mapping]] = ..., signal_groups: _Optional[_Union[MapNames, _Mapping]] = ...) -> None: ...

class MapGeoreference(_message.Message):
    __slots__ = ("projection", "offset_x_m", "offset_y_m", "rotation_rad", "reference_system", "epoch_year")
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_X_M_FIELD_NUMBER: _ClassVar[int]
    OFFSET_Y_M_FIELD_NUMBER: _ClassVar[int]
    ROTATION_RAD_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_SYSTEM_FIELD_NUMBER: _ClassVar[int]
    EPOCH_YEAR_FIELD_NUMBER: _ClassVar[int]
    projection: str
    offset_x_m: float
    offset_y_m: float
    rotation_rad: float
    reference_system: str
    epoch_year: float
    def __init__(self, projection: _Optional[str] = ..., offset_x_m: _Optional[float] = ..., offset_y_m: _Optional[float] = ..., rotation_rad: _Optional[float] = ..., reference_system: _Optional[str] = ..., epoch_year: _Optional[float] = ...) -> None: ...

class MapNames(_message.Message):
    __slots__ = ("number_delta", "names")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class MapLanes(_message.Message):
    __slots__ = ("number_delta", "names", "point_count", "x_mm_delta", "y_mm_delta", "z_mm_delta", "across_x_mm_delta", "across_y_mm_delta", "speed_limit_mmps", "kind", "type", "direction", "participants", "junction_delta", "road_delta", "left_delta", "right_delta", "may_change_left", "may_change_right", "successors_count", "successors_delta", "predecessors_count", "predecessors_delta")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    POINT_COUNT_FIELD_NUMBER: _ClassVar[int]
    X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    Z_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    ACROSS_X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    ACROSS_Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    SPEED_LIMIT_MMPS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    JUNCTION_DELTA_FIELD_NUMBER: _ClassVar[int]
    ROAD_DELTA_FIELD_NUMBER: _ClassVar[int]
    LEFT_DELTA_FIELD_NUMBER: _ClassVar[int]
    RIGHT_DELTA_FIELD_NUMBER: _ClassVar[int]
    MAY_CHANGE_LEFT_FIELD_NUMBER: _ClassVar[int]
    MAY_CHANGE_RIGHT_FIELD_NUMBER: _ClassVar[int]
    SUCCESSORS_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUCCESSORS_DELTA_FIELD_NUMBER: _ClassVar[int]
    PREDECESSORS_COUNT_FIELD_NUMBER: _ClassVar[int]
    PREDECESSORS_DELTA_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    point_count: _containers.RepeatedScalarFieldContainer[int]
    x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    z_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    across_x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    across_y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    speed_limit_mmps: _containers.RepeatedScalarFieldContainer[int]
    kind: _containers.RepeatedScalarFieldContainer[int]
    type: _containers.RepeatedScalarFieldContainer[int]
    direction: _containers.RepeatedScalarFieldContainer[int]
    participants: _containers.RepeatedScalarFieldContainer[int]
    junction_delta: _containers.RepeatedScalarFieldContainer[int]
    road_delta: _containers.RepeatedScalarFieldContainer[int]
    left_delta: _containers.RepeatedScalarFieldContainer[int]
    right_delta: _containers.RepeatedScalarFieldContainer[int]
    may_change_left: _containers.RepeatedScalarFieldContainer[bool]
    may_change_right: _containers.RepeatedScalarFieldContainer[bool]
    successors_count: _containers.RepeatedScalarFieldContainer[int]
    successors_delta: _containers.RepeatedScalarFieldContainer[int]
    predecessors_count: _containers.RepeatedScalarFieldContainer[int]
    predecessors_delta: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ..., point_count: _Optional[_Iterable[int]] = ..., x_mm_delta: _Optional[_Iterable[int]] = ..., y_mm_delta: _Optional[_Iterable[int]] = ..., z_mm_delta: _Optional[_Iterable[int]] = ..., across_x_mm_delta: _Optional[_Iterable[int]] = ..., across_y_mm_delta: _Optional[_Iterable[int]] = ..., speed_limit_mmps: _Optional[_Iterable[int]] = ..., kind: _Optional[_Iterable[int]] = ..., type: _Optional[_Iterable[int]] = ..., direction: _Optional[_Iterable[int]] = ..., participants: _Optional[_Iterable[int]] = ..., junction_delta: _Optional[_Iterable[int]] = ..., road_delta: _Optional[_Iterable[int]] = ..., left_delta: _Optional[_Iterable[int]] = ..., right_delta: _Optional[_Iterable[int]] = ..., may_change_left: _Optional[_Iterable[bool]] = ..., may_change_right: _Optional[_Iterable[bool]] = ..., successors_count: _Optional[_Iterable[int]] = ..., successors_delta: _Optional[_Iterable[int]] = ..., predecessors_count: _Optional[_Iterable[int]] = ..., predecessors_delta: _Optional[_Iterable[int]] = ...) -> None: ...

class MapConnections(_message.Message):
    __slots__ = ("number_delta", "from_lane_delta", "to_lane_delta", "via_lane_delta", "turn", "intersection_delta", "link_index", "signal_group_delta")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    FROM_LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    TO_LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    VIA_LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    TURN_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_DELTA_FIELD_NUMBER: _ClassVar[int]
    LINK_INDEX_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_GROUP_DELTA_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    from_lane_delta: _containers.RepeatedScalarFieldContainer[int]
    to_lane_delta: _containers.RepeatedScalarFieldContainer[int]
    via_lane_delta: _containers.RepeatedScalarFieldContainer[int]
    turn: _containers.RepeatedScalarFieldContainer[int]
    intersection_delta: _containers.RepeatedScalarFieldContainer[int]
    link_index: _containers.RepeatedScalarFieldContainer[int]
    signal_group_delta: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., from_lane_delta: _Optional[_Iterable[int]] = ..., to_lane_delta: _Optional[_Iterable[int]] = ..., via_lane_delta: _Optional[_Iterable[int]] = ..., turn: _Optional[_Iterable[int]] = ..., intersection_delta: _Optional[_Iterable[int]] = ..., link_index: _Optional[_Iterable[int]] = ..., signal_group_delta: _Optional[_Iterable[int]] = ...) -> None: ...

class MapStopLines(_message.Message):
    __slots__ = ("number_delta", "lane_delta", "s_mm", "left_x_mm_delta", "left_y_mm_delta", "right_x_mm_delta", "right_y_mm_delta", "kind", "connections_count", "connections_delta", "permitting_groups_count", "permitting_groups_delta")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    S_MM_FIELD_NUMBER: _ClassVar[int]
    LEFT_X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    LEFT_Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    RIGHT_X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    RIGHT_Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_DELTA_FIELD_NUMBER: _ClassVar[int]
    PERMITTING_GROUPS_COUNT_FIELD_NUMBER: _ClassVar[int]
    PERMITTING_GROUPS_DELTA_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    s_mm: _containers.RepeatedScalarFieldContainer[int]
    left_x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    left_y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    right_x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    right_y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    kind: _containers.RepeatedScalarFieldContainer[int]
    connections_count: _containers.RepeatedScalarFieldContainer[int]
    connections_delta: _containers.RepeatedScalarFieldContainer[int]
    permitting_groups_count: _containers.RepeatedScalarFieldContainer[int]
    permitting_groups_delta: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., s_mm: _Optional[_Iterable[int]] = ..., left_x_mm_delta: _Optional[_Iterable[int]] = ..., left_y_mm_delta: _Optional[_Iterable[int]] = ..., right_x_mm_delta: _Optional[_Iterable[int]] = ..., right_y_mm_delta: _Optional[_Iterable[int]] = ..., kind: _Optional[_Iterable[int]] = ..., connections_count: _Optional[_Iterable[int]] = ..., connections_delta: _Optional[_Iterable[int]] = ..., permitting_groups_count: _Optional[_Iterable[int]] = ..., permitting_groups_delta: _Optional[_Iterable[int]] = ...) -> None: ...

class MapCrosswalks(_message.Message):
    __slots__ = ("number_delta", "names", "lane_delta", "junction_delta", "intersection_delta", "link_index", "signal_group_delta", "refuge_delta", "outline_count", "outline_x_mm_delta", "outline_y_mm_delta", "crossed_lanes_count", "crossed_lanes_delta")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    JUNCTION_DELTA_FIELD_NUMBER: _ClassVar[int]
    INTERSECTION_DELTA_FIELD_NUMBER: _ClassVar[int]
    LINK_INDEX_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_GROUP_DELTA_FIELD_NUMBER: _ClassVar[int]
    REFUGE_DELTA_FIELD_NUMBER: _ClassVar[int]
    OUTLINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTLINE_X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    OUTLINE_Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    CROSSED_LANES_COUNT_FIELD_NUMBER: _ClassVar[int]
    CROSSED_LANES_DELTA_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    junction_delta: _containers.RepeatedScalarFieldContainer[int]
    intersection_delta: _containers.RepeatedScalarFieldContainer[int]
    link_index: _containers.RepeatedScalarFieldContainer[int]
    signal_group_delta: _containers.RepeatedScalarFieldContainer[int]
    refuge_delta: _containers.RepeatedScalarFieldContainer[int]
    outline_count: _containers.RepeatedScalarFieldContainer[int]
    outline_x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    outline_y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    crossed_lanes_count: _containers.RepeatedScalarFieldContainer[int]
    crossed_lanes_delta: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., junction_delta: _Optional[_Iterable[int]] = ..., intersection_delta: _Optional[_Iterable[int]] = ..., link_index: _Optional[_Iterable[int]] = ..., signal_group_delta: _Optional[_Iterable[int]] = ..., refuge_delta: _Optional[_Iterable[int]] = ..., outline_count: _Optional[_Iterable[int]] = ..., outline_x_mm_delta: _Optional[_Iterable[int]] = ..., outline_y_mm_delta: _Optional[_Iterable[int]] = ..., crossed_lanes_count: _Optional[_Iterable[int]] = ..., crossed_lanes_delta: _Optional[_Iterable[int]] = ...) -> None: ...

class MapJunctions(_message.Message):
    __slots__ = ("number_delta", "names", "x_mm_delta", "y_mm_delta", "is_signalised", "outline_count", "outline_x_mm_delta", "outline_y_mm_delta")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    IS_SIGNALISED_FIELD_NUMBER: _ClassVar[int]
    OUTLINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    OUTLINE_X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    OUTLINE_Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    is_signalised: _containers.RepeatedScalarFieldContainer[bool]
    outline_count: _containers.RepeatedScalarFieldContainer[int]
    outline_x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    outline_y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ..., x_mm_delta: _Optional[_Iterable[int]] = ..., y_mm_delta: _Optional[_Iterable[int]] = ..., is_signalised: _Optional[_Iterable[bool]] = ..., outline_count: _Optional[_Iterable[int]] = ..., outline_x_mm_delta: _Optional[_Iterable[int]] = ..., outline_y_mm_delta: _Optional[_Iterable[int]] = ...) -> None: ...

class MapPriorities(_message.Message):
    __slots__ = ("number_delta", "lane_delta", "foe_delta", "yields")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    FOE_DELTA_FIELD_NUMBER: _ClassVar[int]
    YIELDS_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    foe_delta: _containers.RepeatedScalarFieldContainer[int]
    yields: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., foe_delta: _Optional[_Iterable[int]] = ..., yields: _Optional[_Iterable[bool]] = ...) -> None: ...

class MapMarkings(_message.Message):
    __slots__ = ("number_delta", "lane_delta", "side", "from_mm", "to_mm", "kind", "colour", "may_cross")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    FROM_MM_FIELD_NUMBER: _ClassVar[int]
    TO_MM_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    MAY_CROSS_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    side: _containers.RepeatedScalarFieldContainer[int]
    from_mm: _containers.RepeatedScalarFieldContainer[int]
    to_mm: _containers.RepeatedScalarFieldContainer[int]
    kind: _containers.RepeatedScalarFieldContainer[int]
    colour: _containers.RepeatedScalarFieldContainer[int]
    may_cross: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., side: _Optional[_Iterable[int]] = ..., from_mm: _Optional[_Iterable[int]] = ..., to_mm: _Optional[_Iterable[int]] = ..., kind: _Optional[_Iterable[int]] = ..., colour: _Optional[_Iterable[int]] = ..., may_cross: _Optional[_Iterable[bool]] = ...) -> None: ...

class MapSpeedLimits(_message.Message):
    __slots__ = ("number_delta", "lane_delta", "from_mm", "speed_mmps", "participants")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    FROM_MM_FIELD_NUMBER: _ClassVar[int]
    SPEED_MMPS_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    from_mm: _containers.RepeatedScalarFieldContainer[int]
    speed_mmps: _containers.RepeatedScalarFieldContainer[int]
    participants: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., from_mm: _Optional[_Iterable[int]] = ..., speed_mmps: _Optional[_Iterable[int]] = ..., participants: _Optional[_Iterable[int]] = ...) -> None: ...

class MapLaneFunctions(_message.Message):
    __slots__ = ("number_delta", "lane_delta", "function", "participants", "turns", "days", "from_minute", "to_minute", "signs")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    TURNS_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    FROM_MINUTE_FIELD_NUMBER: _ClassVar[int]
    TO_MINUTE_FIELD_NUMBER: _ClassVar[int]
    SIGNS_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    function: _containers.RepeatedScalarFieldContainer[int]
    participants: _containers.RepeatedScalarFieldContainer[int]
    turns: _containers.RepeatedScalarFieldContainer[int]
    days: _containers.RepeatedScalarFieldContainer[int]
    from_minute: _containers.RepeatedScalarFieldContainer[int]
    to_minute: _containers.RepeatedScalarFieldContainer[int]
    signs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., function: _Optional[_Iterable[int]] = ..., participants: _Optional[_Iterable[int]] = ..., turns: _Optional[_Iterable[int]] = ..., days: _Optional[_Iterable[int]] = ..., from_minute: _Optional[_Iterable[int]] = ..., to_minute: _Optional[_Iterable[int]] = ..., signs: _Optional[_Iterable[str]] = ...) -> None: ...

class MapTwoStageTurns(_message.Message):
    __slots__ = ("number_delta", "first_connection_delta", "second_connection_delta", "x_mm_delta", "y_mm_delta", "width_mm", "length_mm")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    FIRST_CONNECTION_DELTA_FIELD_NUMBER: _ClassVar[int]
    SECOND_CONNECTION_DELTA_FIELD_NUMBER: _ClassVar[int]
    X_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    Y_MM_DELTA_FIELD_NUMBER: _ClassVar[int]
    WIDTH_MM_FIELD_NUMBER: _ClassVar[int]
    LENGTH_MM_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    first_connection_delta: _containers.RepeatedScalarFieldContainer[int]
    second_connection_delta: _containers.RepeatedScalarFieldContainer[int]
    x_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    y_mm_delta: _containers.RepeatedScalarFieldContainer[int]
    width_mm: _containers.RepeatedScalarFieldContainer[int]
    length_mm: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., first_connection_delta: _Optional[_Iterable[int]] = ..., second_connection_delta: _Optional[_Iterable[int]] = ..., x_mm_delta: _Optional[_Iterable[int]] = ..., y_mm_delta: _Optional[_Iterable[int]] = ..., width_mm: _Optional[_Iterable[int]] = ..., length_mm: _Optional[_Iterable[int]] = ...) -> None: ...

class MapBusStops(_message.Message):
    __slots__ = ("number_delta", "names", "lane_delta", "from_mm", "to_mm")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    LANE_DELTA_FIELD_NUMBER: _ClassVar[int]
    FROM_MM_FIELD_NUMBER: _ClassVar[int]
    TO_MM_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    lane_delta: _containers.RepeatedScalarFieldContainer[int]
    from_mm: _containers.RepeatedScalarFieldContainer[int]
    to_mm: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ..., lane_delta: _Optional[_Iterable[int]] = ..., from_mm: _Optional[_Iterable[int]] = ..., to_mm: _Optional[_Iterable[int]] = ...) -> None: ...

class MapRegulations(_message.Message):
    __slots__ = ("number_delta", "names", "codes", "kind", "x_mm", "y_mm", "value_thousandths", "lanes_count", "lanes_delta")
    NUMBER_DELTA_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    CODES_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    X_MM_FIELD_NUMBER: _ClassVar[int]
    Y_MM_FIELD_NUMBER: _ClassVar[int]
    VALUE_THOUSANDTHS_FIELD_NUMBER: _ClassVar[int]
    LANES_COUNT_FIELD_NUMBER: _ClassVar[int]
    LANES_DELTA_FIELD_NUMBER: _ClassVar[int]
    number_delta: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    codes: _containers.RepeatedScalarFieldContainer[str]
    kind: _containers.RepeatedScalarFieldContainer[int]
    x_mm: _containers.RepeatedScalarFieldContainer[int]
    y_mm: _containers.RepeatedScalarFieldContainer[int]
    value_thousandths: _containers.RepeatedScalarFieldContainer[int]
    lanes_count: _containers.RepeatedScalarFieldContainer[int]
    lanes_delta: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, number_delta: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ..., codes: _Optional[_Iterable[str]] = ..., kind: _Optional[_Iterable[int]] = ..., x_mm: _Optional[_Iterable[int]] = ..., y_mm: _Optional[_Iterable[int]] = ..., value_thousandths: _Optional[_Iterable[int]] = ..., lanes_count: _Optional[_Iterable[int]] = ..., lanes_delta: _Optional[_Iterable[int]] = ...) -> None: ...
