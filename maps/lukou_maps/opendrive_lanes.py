"""Where the lanes of OpenDRIVE roads are: borders, widths and heights at many s at once."""

from __future__ import annotations

import numpy as np

from lukou_maps.opendrive_records import LaneRecord, Road, Section
from lukou_maps.ragged import Floats


def borders(road: Road, section: Section, number: int, s_m: Floats) -> tuple[Floats, Floats]:
    """Inner and outer border of a lane.

    Parameters
    ----------
    road : Road
        Road.
    section : Section
        Lane section.
    number : int
        Lane; not 0.
    s_m : (n,) float array
        Places along the road. [m]

    Returns
    -------
    inner_m, outer_m : (n,) float array
        t of the border towards the centre, and of the other. [m]

    Notes
    -----
    Widths below zero count as zero, as in every reader that we know of.
    """
    side = 1 if number > 0 else -1
    ds = s_m - section.start_m
    offset = road.lane_offset(s_m)
    inner = outer = offset
    for current in range(side, number + side, side):
        lane = section.lanes.get(current)
        inner = outer
        if lane is None:
            continue
        if lane.has_borders:
            outer = offset + lane.widths(ds)
            outer = np.maximum(outer, inner) if side > 0 else np.minimum(outer, inner)
        else:
            outer = inner + side * np.maximum(lane.widths(ds), 0.0)
    return inner, outer


def surface_heights(lane: LaneRecord, section: Section, s_m: Floats) -> tuple[Floats, Floats]:
    """Height of a lane's surface above the road's at its inner and outer border. [m]"""
    if len(lane.heights) == 0:
        return np.zeros(len(s_m)), np.zeros(len(s_m))
    ds = s_m - section.start_m
    offset, inner, outer = lane.heights.T
    return np.interp(ds, offset, inner), np.interp(ds, offset, outer)


def section_at(road: Road, s_m: float) -> Section:
    """Lane section that holds at s; the later one at a seam."""
    starts = [section.start_m for section in road.sections]
    return road.sections[max(int(np.searchsorted(starts, s_m + 1e-9, side="right")) - 1, 0)]


def points(
    road: Road, section: Section, number: int, s_m: Floats, share: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Positions across a lane.

    Parameters
    ----------
    share : float
        0: inner border, 0.5: centre, 1: outer border.

    Returns
    -------
    x_m, y_m, z_m, width_m : (n,) float array
        Positions, and width of the lane there. [m]
    """
    lane = section.lanes[number]
    inner, outer = borders(road, section, number, s_m)
    low, high = surface_heights(lane, section, s_m)
    t = inner + share * (outer - inner)
    if not lane.is_level:
        x, y, z = road.position(s_m, t, low + share * (high - low))
        return x, y, z, np.abs(outer - inner)
    # a level lane hangs on the inner border of the first level lane towards it
    start = number
    step = 1 if number > 0 else -1
    while start - step in section.lanes and start != step and section.lanes[start - step].is_level:
        start -= step
    edge, _ = borders(road, section, start, s_m)
    x, y, z = road.position(s_m, t, low + share * (high - low))
    roll = road.superelevation(s_m)
    return x, y, z - (t - edge) * np.sin(roll), np.abs(outer - inner)
