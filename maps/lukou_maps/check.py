"""What a map lacks for Lukou's jobs."""

from __future__ import annotations

import numpy as np

from lukou_maps.road_model import LaneKind, Participants, RoadModel

GAP_M = 1.0
"""Larger gaps between the end of a lane and the start of the next are reported. [m]"""


def shortcomings(model: RoadModel) -> tuple[str, ...]:
    """Everything that a user of the map should know before relying on it.

    Parameters
    ----------
    model : RoadModel
        The map.

    Returns
    -------
    tuple of str
        One sentence per finding, the element named first; the file's own remarks included.
    """
    return (*model.remarks, *_reference(model), *_signals(model), *_gaps(model), *_crosswalks(model))


def _reference(model: RoadModel) -> list[str]:
    if model.frame.projection:
        return []
    return ["map: no georeference; positions cannot be shown on the earth or compared with connected vehicles"]


def _signals(model: RoadModel) -> list[str]:
    ruled = np.zeros(len(model.junctions), np.bool_)
    connections = model.connections
    junction = model.lanes.junction[connections.from_lane]
    ruled[junction[(connections.intersection >= 0) & (junction >= 0)]] = True
    missing = np.flatnonzero(model.junctions.is_signalised & ~ruled)
    return [f"junction {model.junctions.names[k]}: signalised, but no connection names a signal" for k in missing]


def _gaps(model: RoadModel) -> list[str]:
    lanes = model.lanes
    before = np.repeat(np.arange(len(lanes)), np.diff(lanes.successors.start))
    after = lanes.successors.values
    driven = (lanes.kind[before] <= LaneKind.JUNCTION) & (lanes.kind[after] <= LaneKind.JUNCTION)
    before, after = before[driven], after[driven]
    last, first = lanes.point_start[before + 1] - 1, lanes.point_start[after]
    gap = np.hypot(lanes.x_m[last] - lanes.x_m[first], lanes.y_m[last] - lanes.y_m[first])
    return [
        f"lane {lanes.names[before[k]]}: ends {gap[k]:.1f} m from the start of its successor {lanes.names[after[k]]}"
        for k in np.flatnonzero(gap > GAP_M)
    ]


def _crosswalks(model: RoadModel) -> list[str]:
    walked = (model.lanes.participants & int(Participants.PEDESTRIAN)) > 0
    found = [
        f"crosswalk {name}: crosses no lane"
        for k, name in enumerate(model.crosswalks.names)
        if len(model.crosswalks.crossed_lanes[k]) == 0
    ]
    if len(model.crosswalks) == 0:
        found.append("map: no crosswalks; walkers are followed in free space only")
    elif not walked.any():
        found.append("map: crosswalks, but no lane is open to pedestrians")
    return found
