"""What map formats cannot hold, from a TOML file beside the map: waiting areas, lane functions, two-stage turns, stops.

::

    [[waiting_area]]            # left turners pass the stop line on the through group's green and wait inside
    from_lane = "west_1"        # approach lane
    via_lane = ":j_5_0"         # lane inside the junction that the area lies on
    to_m = 11.0                 # its end on that lane
    enter_on = ["k1/W-through"] # groups that permit to pass the stop line
    leave_on = ["k1/W-left"]    # groups that permit to pass the area's end

    [[lane_function]]
    lane = "west_0"
    function = "bus_only"       # bus_only, high_occupancy, reversed, closed, turns, hard_shoulder_running
    participants = ["bus"]
    turns = ["straight"]
    days = [1, 2, 3, 4, 5]
    from = "07:00"
    to = "09:00"
    sign = ""

    [[two_stage_turn]]
    first = ["west_2", "east_2"]    # from and to lane of the first ride
    second = ["south_2", "north_2"] # of the second
    x_m = 51.0
    y_m = 42.0
    width_m = 2.0
    length_m = 3.0

    [[bus_stop]]
    name = "Main Street"
    lane = "west_0"
    from_m = 10.0
    to_m = 30.0
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import numpy as np

from lukou_maps.assembly import lines_across
from lukou_maps.errors import MapFileError
from lukou_maps.furniture import BusStops, LaneFunctions, TwoStageTurns
from lukou_maps.ragged import Ragged
from lukou_maps.road_model import RoadModel
from lukou_maps.tables import StopLines
from lukou_maps.vocabulary import LaneFunction, Participants, StopLineKind, Turn


class _Problems(list[str]):
    """Everything that is wrong, gathered before anything is refused."""


def supplemented(model: RoadModel, path: str | Path) -> RoadModel:
    """A map with what its supplement adds.

    Raises
    ------
    MapFileError
        If the file cannot be read, or names what the map has not; all problems at once.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MapFileError(f"{path}: cannot be read as TOML: {error}") from error
    problems = _Problems()
    parts: dict[str, Callable[[RoadModel, list[Any], _Problems], RoadModel]] = {
        "waiting_area": _waiting_areas,
        "lane_function": _lane_functions,
        "two_stage_turn": _two_stage_turns,
        "bus_stop": _bus_stops,
    }
    for name in content:
        if name not in parts:
            problems.append(f"{name}: expected {', '.join(parts)}")
    for name, part in parts.items():
        rows = content.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problems.append(f"{name}: expected tables [[{name}]]")
        elif rows:
            model = part(model, rows, problems)
    if problems:
        raise MapFileError(f"{path}: " + "; ".join(problems))
    return model


def _lane(model: RoadModel, row: dict[str, Any], key: str, where: str, problems: _Problems) -> int:
    lane = model.lanes.index.get(str(row.get(key)), -1)
    if lane < 0:
        problems.append(f"{where}.{key}: the map has no lane {row.get(key)!r}")
    return max(lane, 0)


def _number(row: dict[str, Any], key: str, default: float, where: str, problems: _Problems) -> float:
    value = row.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        problems.append(f"{where}.{key}: expected a number, found {value!r}")
        return default
    return float(value)


def _flags(kind: type[IntFlag | IntEnum], row: dict[str, Any], key: str, where: str, problems: _Problems) -> list[int]:
    found = []
    for name in row.get(key, []):
        member = kind.__members__.get(str(name).upper())
        if member is None:
            problems.append(f"{where}.{key}: expected some of {', '.join(kind.__members__).lower()}, found {name!r}")
        else:
            found.append(int(member))
    return found


def _waiting_areas(model: RoadModel, rows: list[Any], problems: _Problems) -> RoadModel:
    groups = list(model.signal_groups)

    def numbers(names: list[str]) -> list[int]:
        groups.extend(name for name in names if name not in groups)
        return [groups.index(name) for name in names]

    connections, lines = model.connections, model.stop_lines
    permitting = [lines.permitting_groups[k].tolist() for k in range(len(lines))]
    new_lane, new_s, new_connections, new_groups = [], [], [], []
    for k, row in enumerate(rows):
        where = f"waiting_area[{k}]"
        lane, via = _lane(model, row, "from_lane", where, problems), _lane(model, row, "via_lane", where, problems)
        through = np.flatnonzero((connections.from_lane == lane) & (connections.via_lane == via))
        at = np.flatnonzero((lines.lane == lane) & (lines.kind == StopLineKind.APPROACH))
        if len(through) == 0 or len(at) == 0:
            problems.append(f"{where}: no connection leads from {row.get('from_lane')!r} over {row.get('via_lane')!r}")
            continue
        permitting[int(at[0])] = sorted(
            {*permitting[int(at[0])], *numbers([str(name) for name in row.get("enter_on", [])])}
        )
        new_lane.append(via)
        new_s.append(_number(row, "to_m", float(model.lanes.length_m[via]), where, problems))
        new_connections.append(through.tolist())
        new_groups.append(numbers([str(name) for name in row.get("leave_on", [])]))
    inside = np.array(new_lane, np.int64)
    s_m = np.clip(np.array(new_s), 0.0, model.lanes.length_m[inside])
    kind = np.full(len(inside), int(StopLineKind.WAITING_AREA), np.int64)
    added = lines_across(model.lanes, inside, s_m, kind, Ragged.of(new_connections), Ragged.of(new_groups))
    joined = _joined(replace(lines, permitting_groups=Ragged.of(permitting)), added)
    return replace(model, stop_lines=joined, signal_groups=tuple(groups))


def _joined(first: StopLines, second: StopLines) -> StopLines:
    def rows(a: Ragged, b: Ragged) -> Ragged:
        return Ragged(np.concatenate([a.start, a.start[-1] + b.start[1:]]), np.concatenate([a.values, b.values]))

    columns: dict[str, Any] = {}
    for name in ("lane", "s_m", "left_x_m", "left_y_m", "right_x_m", "right_y_m", "kind"):
        columns[name] = np.concatenate([getattr(first, name), getattr(second, name)])
    for name in ("connections", "permitting_groups"):
        columns[name] = rows(getattr(first, name), getattr(second, name))
    return StopLines(**columns)


def _minute(row: dict[str, Any], key: str, where: str, problems: _Problems) -> int:
    text = str(row.get(key, "00:00"))
    hour, _, minute = text.partition(":")
    if hour.isdigit() and minute.isdigit() and int(hour) <= 24 and int(minute) < 60:
        return int(hour) * 60 + int(minute)
    problems.append(f"{where}.{key}: expected HH:MM, found {text!r}")
    return 0


def _lane_functions(model: RoadModel, rows: list[Any], problems: _Problems) -> RoadModel:
    columns: dict[str, list[Any]] = {name: [] for name in LaneFunctions.__dataclass_fields__}
    for k, row in enumerate(rows):
        where = f"lane_function[{k}]"
        lane = _lane(model, row, "lane", where, problems)
        function = _flags(LaneFunction, {"function": [row.get("function", "")]}, "function", where, problems)
        users = _flags(Participants, row, "participants", where, problems)
        columns["lane"].append(lane)
        columns["function"].append(function[0] if function else 0)
        columns["participants"].append(
            int(np.bitwise_or.reduce(users)) if users else int(model.lanes.participants[lane])
        )
        columns["turns"].append(sum(1 << turn for turn in set(_flags(Turn, row, "turns", where, problems))))
        days = row.get("days", list(range(1, 8)) if not row.get("sign") else [])
        if not all(isinstance(day, int) and 1 <= day <= 7 for day in days):
            problems.append(f"{where}.days: expected numbers 1 (Monday) to 7, found {days!r}")
            days = []
        columns["days"].append(sum(1 << (day - 1) for day in set(days)))
        columns["from_minute"].append(_minute(row, "from", where, problems))
        columns["to_minute"].append(_minute(row, "to", where, problems) if "to" in row else 24 * 60)
        columns["signs"].append(str(row.get("sign", "")))
    signs = tuple(columns.pop("signs"))
    table = LaneFunctions(**{name: np.array(values, np.int64) for name, values in columns.items()}, signs=signs)
    return replace(model, lane_functions=table)


def _two_stage_turns(model: RoadModel, rows: list[Any], problems: _Problems) -> RoadModel:
    columns: dict[str, list[float]] = {name: [] for name in TwoStageTurns.__dataclass_fields__}
    connections = model.connections
    for k, row in enumerate(rows):
        where = f"two_stage_turn[{k}]"
        for key in ("first", "second"):
            ends = row.get(key, [])
            ends = ends if isinstance(ends, list) and len(ends) == 2 else ["", ""]
            a, b = (model.lanes.index.get(str(name), -1) for name in ends)
            found = np.flatnonzero((connections.from_lane == a) & (connections.to_lane == b))
            if len(found) == 0:
                problems.append(f"{where}.{key}: no connection leads from {ends[0]!r} to {ends[1]!r}")
            columns[f"{key}_connection"].append(int(found[0]) if len(found) else 0)
        for key, default in (("x_m", 0.0), ("y_m", 0.0), ("width_m", 2.0), ("length_m", 2.0)):
            columns[key].append(_number(row, key, default, where, problems))
    made: dict[str, Any] = {
        name: np.array(values, np.int64 if name.endswith("connection") else np.float64)
        for name, values in columns.items()
    }
    return replace(model, two_stage_turns=TwoStageTurns(**made))


def _bus_stops(model: RoadModel, rows: list[Any], problems: _Problems) -> RoadModel:
    names, lanes, begin, end = [], [], [], []
    for k, row in enumerate(rows):
        where = f"bus_stop[{k}]"
        lane = _lane(model, row, "lane", where, problems)
        names.append(str(row.get("name", f"stop-{k}")))
        lanes.append(lane)
        begin.append(_number(row, "from_m", 0.0, where, problems))
        end.append(_number(row, "to_m", float(model.lanes.length_m[lane]), where, problems))
    return replace(model, bus_stops=BusStops(tuple(names), np.array(lanes, np.int64), np.array(begin), np.array(end)))
