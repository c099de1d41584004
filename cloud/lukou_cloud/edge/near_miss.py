"""Near misses of the edge: of encounters that are over, on crossing ways and behind one another."""

from __future__ import annotations

import math

import numpy as np

from lukou_cloud.edge.encounters import Outcome
from lukou_cloud.edge.followings import Following
from lukou_cloud.edge.measures import overlaps
from lukou_cloud.edge.wording import nearest_intersection
from lukou_cloud.near_misses import NearMiss
from lukou_maps.road_model import RoadModel

LEAST_ROWS = 5
"""Whoever was followed at fewer instants has just appeared. [0.2 s]"""


def is_believed(one: Outcome) -> bool:
    """Whether an outcome is a near miss of two road users who came together, not of one that was seen twice.

    Parameters
    ----------
    one : Outcome
        Of an encounter that is over. Two tracks of one road user lie upon each other from their first common instant on.
    """
    if not one.is_near_miss:
        return False
    first, second = (one.encounter.ways.get(number, []) for number in (one.encounter.first, one.encounter.second))
    if len(first) < LEAST_ROWS or len(second) < LEAST_ROWS:
        return False
    begin = max(first[0][0], second[0][0])
    a, b = (np.array(min(way, key=lambda row: abs(row[0] - begin))[1:]) for way in (first, second))
    here = overlaps(
        b[0] - a[0], b[1] - a[1], np.cos(a[2]), np.sin(a[2]), np.cos(b[2]), np.sin(b[2]), a[3], a[4], b[3], b[4]
    )
    return not bool(here)


def of_outcome(one: Outcome, model: RoadModel) -> NearMiss:
    """The near miss of an encounter on crossing ways.

    Parameters
    ----------
    one : Outcome
        What became of it.
    model : RoadModel
        The map.
    """
    met = one.encounter
    return NearMiss(
        kind="vulnerable" if met.is_vulnerable else "crossing",
        at_ns=one.at_ns,
        x_m=one.x_m,
        y_m=one.y_m,
        intersection=nearest_intersection(model, one.x_m, one.y_m),
        first_id=met.first,
        second_id=met.second,
        first_class=met.classes.get(met.first, 0),
        second_class=met.classes.get(met.second, 0),
        first_speed_mps=one.speeds_mps[0],
        second_speed_mps=one.speeds_mps[1],
        post_encroachment_s=one.post_encroachment_s,
        time_to_collision_s=met.least_s,
        required_braking_mps2=met.braking_mps2,
    )


def of_following(one: Following, model: RoadModel) -> NearMiss:
    """The near miss of one who came too close behind another; parameters as in `of_outcome`."""
    return NearMiss(
        kind="rear_end",
        at_ns=one.worst_ns,
        x_m=one.x_m,
        y_m=one.y_m,
        intersection=nearest_intersection(model, one.x_m, one.y_m),
        first_id=one.first,
        second_id=one.second,
        first_class=one.first_class,
        second_class=one.second_class,
        first_speed_mps=one.first_speed_mps,
        second_speed_mps=one.second_speed_mps,
        time_to_collision_s=one.time_to_collision_s if math.isfinite(one.time_to_collision_s) else math.nan,
        required_braking_mps2=one.required_braking_mps2,
    )
