"""The fused list as a message: columns of all road users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lukou_cloud.fusion.tracks import Sets, UnitTracks
from lukou_messages.columns import MAX_OBJECTS
from lukou_messages.objects import ObjectList
from lukou_messages.v1.objects_pb2 import ReferencePoint

NO_LANE = 0xFFFFFFFF
"""Value of column ``lane`` where a road user is on none."""

NAMED = 0xFFFFFFFF
"""Units that a bit set of the list can name."""


def fits(tracks: UnitTracks, units: Sets) -> tuple[UnitTracks, Sets, str]:
    """As many road users as one list may tell: those known for longest, so that nobody comes and goes.

    Returns
    -------
    tracks, units
        Of them.
    reason : str
        What is left out, in words; empty where nothing is.
    """
    if len(tracks) <= MAX_OBJECTS:
        return tracks, units, ""
    oldest = np.argsort(tracks.id)[:MAX_OBJECTS]
    return tracks.take(oldest), units[oldest], f"{MAX_OBJECTS} of {len(tracks)} road users told"


def fused_list(
    tracks: UnitTracks, units: Sets, names: list[str], areas: list[Any], lane_names: Sequence[str]
) -> ObjectList:
    """The list that is published; what was worked out is kept within the bounds of what a list may tell.

    Parameters
    ----------
    tracks : UnitTracks
        Every road user once; `fits` at most.
    units : (n,) array of int
        Bit set of the units behind each; the list has bits for the first 32.
    names : list of str
        Units, in the order of the bits.
    areas : list
        Perceived areas of all units.
    lane_names : sequence of str
        Names of the map's lanes.
    """
    present = np.unique(tracks.lane[tracks.lane >= 0])
    lane = np.where(tracks.lane >= 0, np.searchsorted(present, tracks.lane), NO_LANE)
    return ObjectList.clipped(
        len(tracks),
        sensor_names=names,
        lane_names=[lane_names[k] for k in present],
        perceived_areas=areas,
        id=tracks.id,
        object_class=tracks.object_class,
        class_confidence=tracks.class_confidence,
        existence_probability=tracks.existence,
        x_m=tracks.x_m,
        y_m=tracks.y_m,
        z_m=tracks.z_m,
        velocity_x_mps=tracks.vx_mps,
        velocity_y_mps=tracks.vy_mps,
        acceleration_x_mps2=tracks.ax_mps2,
        acceleration_y_mps2=tracks.ay_mps2,
        yaw_rad=np.arctan2(np.sin(tracks.yaw_rad), np.cos(tracks.yaw_rad)),
        yaw_rate_radps=tracks.yaw_rate_radps,
        length_m=tracks.length_m,
        width_m=tracks.width_m,
        height_m=tracks.height_m,
        position_variance_xx_m2=tracks.pxx,
        position_variance_xy_m2=tracks.pxy,
        position_variance_yy_m2=tracks.pyy,
        velocity_variance_xx_m2ps2=tracks.vxx,
        velocity_variance_xy_m2ps2=tracks.vxy,
        velocity_variance_yy_m2ps2=tracks.vyy,
        yaw_variance_rad2=tracks.yaw_variance,
        age_s=tracks.age_s,
        unmeasured_s=tracks.unmeasured_s,
        lane_s_m=tracks.lane_s_m,
        lane_offset_m=tracks.lane_offset_m,
        lane_probability=tracks.lane_probability,
        time_offset_s=np.zeros(len(tracks)),
        reference_point=np.full(len(tracks), int(ReferencePoint.REFERENCE_POINT_CENTRE)),
        contributing_sensors=(units & NAMED).astype(np.int64),
        lane=lane,
    )
