"""A small intersection on which the proof takes seconds."""

from __future__ import annotations

from itertools import permutations

from lukou_maps.signal_configuration import (
    CalendarEntry,
    GroupType,
    Limits,
    Mode,
    Pair,
    Plan,
    Relation,
    SignalConfiguration,
    SignalGroup,
    Stage,
    check,
)

CLEARANCE_S = {("A", "B"): 2.0, ("B", "A"): 3.0, ("A", "C"): 1.0, ("P", "A"): 2.0, ("P", "C"): 1.0}


def small_configuration() -> SignalConfiguration:
    """Three stages: vehicles A; left turns C; vehicles B with pedestrians P."""
    vehicle = {"min_green_s": 5.0, "max_green_s": 60.0, "max_red_s": 75.0}
    groups = (
        SignalGroup("A", GroupType.VEHICLE, 1, (0,), **vehicle),
        SignalGroup("B", GroupType.VEHICLE, 2, (1,), **vehicle),
        SignalGroup("C", GroupType.ARROW, 3, (2,), flashing_green_s=2.0, **vehicle),
        SignalGroup(
            "P", GroupType.PEDESTRIAN, 4, (3,), 4.0, 60.0, 75.0, 6.0, 0.0, crossing_length_m=6.0, walking_speed_mps=1.0
        ),
    )
    together = {("B", "P"), ("P", "B")}
    pairs = tuple(
        Pair(a, b, Relation.PROTECTED)
        if (a, b) in together
        else Pair(a, b, Relation.CONFLICT, CLEARANCE_S.get((a, b), 2.0))
        for a, b in permutations("ABCP", 2)
    )
    stages = (
        Stage("S1", 1, ("A",), 6.0, 22.0),
        Stage("S2", 2, ("C",), 6.0, 20.0),
        Stage("S3", 3, ("B", "P"), 10.0, 24.0),
    )
    limits = Limits(
        pedestrian_green_s=4.0, minimum_through_s=5.0, minimum_turn_s=5.0, backup_s=3.0, maximum_red_s=75.0,
        forced_stage_s=50.0, read_back_misses=2,
    )  # fmt: skip
    plan = Plan("day", 60.0, 0.0, (("S1", 20.0), ("S2", 18.0), ("S3", 22.0)))
    entry = CalendarEntry((1, 2, 3, 4, 5, 6, 7), "00:00", "day")
    return check(
        SignalConfiguration("small", 1, groups, stages, pairs, (plan,), (entry,), Mode.AUTOMATIC, limits=limits)
    )
