"""What a map holds, in figures."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np

from lukou_maps.ragged import Ints
from lukou_maps.road_model import LaneKind, LaneType, RoadModel, Turn


def facts(model: RoadModel) -> dict[str, Any]:
    """Figures of a map.

    Parameters
    ----------
    model : RoadModel
        The map.

    Returns
    -------
    dict
        JSON-able; the unit is in the key.
    """
    lanes, frame = model.lanes, model.frame
    return {
        "map_id": model.map_id,
        "version": model.version,
        "content_sha256": model.content_sha256.hex(),
        "projection": frame.projection,
        "offset_x_m": frame.offset_x_m,
        "offset_y_m": frame.offset_y_m,
        "reference_system": frame.reference_system,
        "epoch_year": frame.epoch_year or None,
        "west_m": round(float(lanes.x_m.min()), 3),
        "east_m": round(float(lanes.x_m.max()), 3),
        "south_m": round(float(lanes.y_m.min()), 3),
        "north_m": round(float(lanes.y_m.max()), 3),
        "lanes": len(lanes),
        "lanes_by_kind": _counted(lanes.kind, LaneKind),
        "lanes_by_type": _counted(lanes.type, LaneType),
        "length_km": round(float(lanes.length_m[lanes.kind == LaneKind.ROAD].sum()) / 1000.0, 3),
        "connections": len(model.connections),
        "turns": _counted(model.connections.turn, Turn),
        "signalised_connections": int((model.connections.intersection >= 0).sum()),
        "intersections": len(model.intersections),
        "signal_groups": len(model.signal_groups),
        "stop_lines": len(model.stop_lines),
        "crosswalks": len(model.crosswalks),
        "refuges": int((model.crosswalks.refuge >= 0).sum()) // 2,
        "junctions": len(model.junctions),
        "conflict_areas": len(model.conflict_areas),
        "markings": len(model.markings),
        "speed_limits_along_lanes": len(model.speed_limits),
        "lane_functions": len(model.lane_functions),
        "two_stage_turns": len(model.two_stage_turns),
        "bus_stops": len(model.bus_stops),
        "regulations": len(model.regulations),
        "remarks": list(model.remarks),
    }


def _counted(column: Ints, names: type[IntEnum]) -> dict[str, int]:
    values, counts = np.unique(column, return_counts=True)
    return {names(int(value)).name.lower(): int(count) for value, count in zip(values, counts, strict=True)}
