"""Builder for the four-leg intersection of a Chinese city: 20 groups, four stages, clearance for every pair.

A T junction is what is left of it without one leg.

Legs N, E, S, W are named after the side the traffic comes from; traffic drives on the right. Groups per leg X:
``X-through`` (through and right turns), ``X-left``, ``X-bicycle``, ``X-pedestrian-near`` and ``X-pedestrian-far`` (the
crosswalk over leg X, split by the refuge: near over the arriving lanes, far over the leaving ones). Stages in order:
``NS-through``, ``NS-left``, ``EW-through``, ``EW-left``. The near halves may keep walking in the left-turn stage that
follows (`near_with_left`), which lengthens its minimum by their clearance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lukou_maps.signal_clearance import CLEARING, ENTERING, clearance_s, pedestrian_clearance_s, users_of
from lukou_maps.signal_model import (
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
)
from lukou_maps.signal_timeline import change

LEGS = "NESW"
STAGES = ("NS-through", "NS-left", "EW-through", "EW-left")
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Leg:
    """What the builder needs to know of one leg.

    Attributes
    ----------
    through, right, left, bicycle, pedestrian_near, pedestrian_far : tuple of int
        SUMO link indices.
    near_m, far_m : float
        Lengths of the two halves of the crosswalk, kerb to refuge. [m]
    """

    through: tuple[int, ...]
    right: tuple[int, ...]
    left: tuple[int, ...]
    bicycle: tuple[int, ...]
    pedestrian_near: tuple[int, ...]
    pedestrian_far: tuple[int, ...]
    near_m: float = 12.0
    far_m: float = 9.0


@dataclass(frozen=True)
class Distances:
    """Distances of one ordered conflicting pair.

    Attributes
    ----------
    clear_m : float
        From the stop line of the ending group to the end of the conflict area. [m]
    enter_m : float
        From the stop line of the beginning group to the start of the conflict area. [m]
    """

    clear_m: float
    enter_m: float


def four_leg_configuration(
    intersection: str,
    legs: Mapping[str, Leg],
    *,
    distances: Mapping[tuple[str, str], Distances] | None = None,
    plans: Sequence[Plan] | None = None,
    calendar: Sequence[CalendarEntry] | None = None,
    version: int = 1,
    mode: Mode = Mode.AUTOMATIC,
    limits: Limits | None = None,
    walking_speed_mps: float = 1.0,
    through_max_s: float = 80.0,
    left_max_s: float = 50.0,
    max_red_s: float = 180.0,
    near_with_left: bool = False,
    box_m: float = 32.0,
) -> SignalConfiguration:
    """Signal configuration of one four-leg intersection.

    Parameters
    ----------
    intersection : str
        Identity, for example ``k1``.
    legs : mapping of str to Leg
        By ``N``, ``E``, ``S``, ``W``; one may be missing. What has no links gets no group.
    distances : mapping of (first group, second group) to Distances, optional
        For conflicting ordered pairs; a pair that is missing gets distances from `box_m`.
    plans, calendar : sequence, optional
        Default: one plan ``all-day`` of 100 s or what the minima need, all day long.
    version, mode, limits
        As in `SignalConfiguration`.
    walking_speed_mps : float
        Design speed of pedestrians. [m/s]
    through_max_s, left_max_s, max_red_s : float
        Longest stages, longest red. [s]
    near_with_left : bool
        Whether the near halves keep walking in the left-turn stage.
    box_m : float
        Distance between opposite stop lines, for pairs without `distances`. [m]

    Returns
    -------
    SignalConfiguration
        Not yet validated: call `lukou_maps.signal_configuration.check`.
    """
    limits = limits or Limits(maximum_red_s=max_red_s)
    groups = _groups(legs, limits, walking_speed_mps, (through_max_s, left_max_s, max_red_s), near_with_left)
    stages = _stages(groups, legs, limits, through_max_s, left_max_s, near_with_left)
    pairs = _pairs(groups, distances or {}, box_m, limits)
    draft = SignalConfiguration(intersection, version, groups, stages, pairs, (), (), mode=mode, limits=limits)
    plans = tuple(plans) if plans is not None else (default_plan(draft),)
    calendar = tuple(calendar) if calendar is not None else (CalendarEntry(EVERY_DAY, "00:00", plans[0].name),)
    return SignalConfiguration(intersection, version, groups, stages, pairs, plans, calendar, mode=mode, limits=limits)


def default_plan(configuration: SignalConfiguration, cycle_s: float = 100.0, name: str = "all-day") -> Plan:
    """A plan that gives every stage its minimum and shares the rest of the cycle 3 : 1 between through and left."""
    order = [stage.name for stage in configuration.stages]
    least = {}
    for first, second in zip(order, order[1:] + order[:1], strict=True):
        timeline = change(configuration, first, second, 1.0)
        least[first] = float(timeline.earliest + timeline.duration)
    spare = int(max(0.0, cycle_s - sum(least.values())))
    weights = [3 if "through" in stage else 1 for stage in order]
    shares = [spare * weight // sum(weights) for weight in weights]
    shares[0] += spare - sum(shares)
    splits = tuple((stage, least[stage] + share) for stage, share in zip(order, shares, strict=True))
    return Plan(name, sum(split for _, split in splits), 0.0, splits)


def _next_clockwise(leg: str) -> str:
    return LEGS[(LEGS.index(leg) + 1) % 4]


def _opposite(leg: str) -> str:
    return LEGS[(LEGS.index(leg) + 2) % 4]


def _groups(
    legs: Mapping[str, Leg],
    limits: Limits,
    walking_speed_mps: float,
    bounds_s: tuple[float, float, float],
    near_with_left: bool,
) -> tuple[SignalGroup, ...]:
    through_max_s, left_max_s, max_red_s = bounds_s
    result: list[SignalGroup] = []
    margin_s = 30.0  # a change to the next stage, during which green goes on
    for leg in (leg for leg in LEGS if leg in legs):
        g = legs[leg]
        i = LEGS.index(leg)
        result.append(
            SignalGroup(
                f"{leg}-through",
                GroupType.VEHICLE,
                2 * i + 2,
                (*g.through, *g.right),
                limits.minimum_through_s,
                through_max_s + margin_s,
                turns_on_red=g.right,
                max_red_s=max_red_s,
            )
        )
        result.append(
            SignalGroup(
                f"{leg}-left",
                GroupType.ARROW,
                2 * i + 1,
                g.left,
                limits.minimum_turn_s,
                left_max_s + margin_s,
                max_red_s=max_red_s,
            )
        )
        result.append(
            SignalGroup(
                f"{leg}-bicycle",
                GroupType.BICYCLE,
                9 + i,
                g.bicycle,
                limits.minimum_turn_s,
                through_max_s + margin_s,
                max_red_s=max_red_s,
            )
        )
        for half, links, length, channel in (
            ("near", g.pedestrian_near, g.near_m, 13 + i),
            ("far", g.pedestrian_far, g.far_m, 17 + i),
        ):
            both = near_with_left and half == "near"
            result.append(
                SignalGroup(
                    f"{leg}-pedestrian-{half}",
                    GroupType.PEDESTRIAN,
                    channel,
                    links,
                    limits.pedestrian_green_s,
                    through_max_s + margin_s + (left_max_s + margin_s if both else 0),
                    max_red_s,
                    pedestrian_clearance_s(length, walking_speed_mps),
                    0.0,
                    crossing_length_m=length,
                    walking_speed_mps=walking_speed_mps,
                )
            )
    return tuple(group for group in result if group.links)


def _stages(
    groups: tuple[SignalGroup, ...],
    legs: Mapping[str, Leg],
    limits: Limits,
    through_max_s: float,
    left_max_s: float,
    near_with_left: bool,
) -> tuple[Stage, ...]:
    by_name = {group.name: group for group in groups}
    result: list[Stage] = []
    for name in STAGES:
        own = "NS" if name.startswith("NS") else "EW"
        cross = "EW" if own == "NS" else "NS"
        through = name.endswith("through")
        green = [f"{leg}-{kind}" for kind in (("through", "bicycle") if through else ("left",)) for leg in own]
        if through or near_with_left:
            green += [f"{leg}-pedestrian-near" for leg in cross]
        if through:
            green += [f"{leg}-pedestrian-far" for leg in cross]
        green = [each for each in green if each in by_name]
        if not green:
            continue
        walking = [by_name[g] for g in green if by_name[g].type is GroupType.PEDESTRIAN]
        needed = [limits.pedestrian_green_s + group.flashing_green_s for group in walking]
        minimum = max([limits.minimum_through_s if through else limits.minimum_turn_s, *needed])
        yielding = tuple(sorted(link for leg in own if leg in legs for link in legs[leg].right)) if through else ()
        result.append(
            Stage(name, len(result) + 1, tuple(green), minimum, through_max_s if through else left_max_s, yielding)
        )
    return tuple(result)


def _relation(first: str, second: str) -> tuple[Relation, str]:
    """Relation of two groups by name, and who yields."""
    a, kind_a = first.split("-", 1)
    b, kind_b = second.split("-", 1)
    if kind_a.startswith("pedestrian") and kind_b.startswith("pedestrian"):
        return Relation.PROTECTED, ""
    if kind_b.startswith("pedestrian"):
        return _against_pedestrians(first, a, kind_a, b, kind_b)
    if kind_a.startswith("pedestrian"):
        return _against_pedestrians(second, b, kind_b, a, kind_a)
    if a == b:
        if {kind_a, kind_b} == {"through", "bicycle"}:
            return Relation.PERMISSIVE, f"{a}-through"  # right turns yield to bicycles beside them
        return Relation.PROTECTED, ""
    if b == _opposite(a):
        return (Relation.PROTECTED, "") if (kind_a == "left") == (kind_b == "left") else (Relation.CONFLICT, "")
    return Relation.CONFLICT, ""


def _against_pedestrians(vehicle: str, leg: str, kind: str, crossed: str, half: str) -> tuple[Relation, str]:
    if half.endswith("near"):
        return (Relation.CONFLICT, "") if leg == crossed else (Relation.PROTECTED, "")
    if kind in ("through", "bicycle") and _opposite(leg) == crossed:
        return Relation.CONFLICT, ""
    if kind == "left" and _next_clockwise(leg) == crossed:
        return Relation.CONFLICT, ""
    if kind == "through" and leg == _next_clockwise(crossed):
        return Relation.PERMISSIVE, vehicle  # right turns yield to people walking
    return Relation.PROTECTED, ""


def _pairs(
    groups: tuple[SignalGroup, ...], distances: Mapping[tuple[str, str], Distances], box_m: float, limits: Limits
) -> tuple[Pair, ...]:
    result = []
    for first in groups:
        for second in groups:
            if first is second:
                continue
            relation, yields = _relation(first.name, second.name)
            clearance = 0.0
            if relation is Relation.CONFLICT:
                at = distances.get((first.name, second.name)) or _default_distances(first, second, box_m)
                clearance = clearance_s(
                    at.clear_m,
                    at.enter_m,
                    CLEARING[users_of(first.type, first.name)],
                    ENTERING[users_of(second.type, second.name)],
                    limits.clearance_floor_s,
                )
            result.append(Pair(first.name, second.name, relation, clearance, yields))
    return tuple(result)


def _default_distances(first: SignalGroup, second: SignalGroup, box_m: float) -> Distances:
    """Distances from the box alone: conflicts lie past its middle for who clears, a quarter in for who enters."""
    if first.type is GroupType.PEDESTRIAN:
        return Distances(0.0, 0.0)  # their flashing green has cleared them
    if second.type is GroupType.PEDESTRIAN:
        near = second.name.endswith("near")
        return Distances(7.0 if near else box_m + 2.0, 0.0)
    return Distances(0.65 * box_m, 0.25 * box_m)
