"""A research configuration from a SUMO signal programme.

Groups are the links that always show the same; stages are the phases with green; what is never green together
conflicts; what yields (letter ``g``) beside something with priority is permissive. Such files are marked `research`: they
break SAFETY 3 to 5 by their scenario's rules, and no real site may use them.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from lukou_maps.signal_timeline import ticks

GREEN = "Gg"


def configuration_from_programme(
    intersection: str,
    phases: Sequence[tuple[float, str]],
    *,
    yellow_s: float = 3.0,
    all_red_s: float = 0.0,
    minimum_green_s: float = 5.0,
    maximum_green_s: float = 120.0,
    maximum_red_s: float = 600.0,
    pedestrian_links: Sequence[int] = (),
    offset_s: float = 0.0,
    fixed_order: bool = False,
    version: int = 1,
) -> SignalConfiguration:
    """Research configuration from the phases of a tlLogic.

    Parameters
    ----------
    intersection : str
        Identity, usually the tlLogic's id.
    phases : sequence of (float, str)
        Duration and state string of each phase. [s]
    yellow_s, all_red_s : float
        Yellow, and all-red after every yellow. [s]
    minimum_green_s, maximum_green_s, maximum_red_s : float
        Bounds. [s]
    pedestrian_links : sequence of int
        Link indices of crossings; they have no yellow of their own.
    offset_s : float
        Offset of the programme. [s]
    fixed_order : bool
        False: any stage may follow any other, as these scenarios allow.
    version : int
        Version of the configuration.

    Returns
    -------
    SignalConfiguration
        Not yet validated: call `lukou_maps.signal_configuration.check`.

    Raises
    ------
    ValueError
        No phase, states of differing length, or no green phase.
    """
    lengths = {len(state) for _, state in phases}
    if len(lengths) != 1:
        raise ValueError(f"{intersection}: state strings of {len(lengths)} different lengths; expected one")
    stage_phases = _stage_phases(phases)
    if not stage_phases:
        raise ValueError(f"{intersection}: no phase has green and no yellow; expected at least one stage")
    states = [state for _, state, _ in stage_phases]
    walking = set(pedestrian_links)
    columns: dict[tuple[str, bool], list[int]] = {}
    for link in range(lengths.pop()):
        columns.setdefault(("".join(state[link] for state in states), link in walking), []).append(link)
    groups = tuple(
        SignalGroup(
            f"L{links[0]}", GroupType.PEDESTRIAN if on_foot else GroupType.VEHICLE, number, tuple(links),
            0.0 if on_foot else minimum_green_s, max(maximum_green_s, 3600.0), maximum_red_s, 0.0,
            0.0 if on_foot else yellow_s, tuple(links) if "s" in column and not on_foot else (),
        )
        for number, ((column, on_foot), links) in enumerate(columns.items(), 1)
        if any(letter in GREEN for letter in column)
    )  # fmt: skip
    stages = tuple(
        Stage(
            f"S{number}", number,
            tuple(g.name for g in groups if state[g.links[0]] in GREEN), minimum_green_s, maximum_green_s,
            tuple(link for link, letter in enumerate(state) if letter == "g"),
        )
        for number, state in enumerate(states, 1)
    )  # fmt: skip
    limits = Limits(
        minimum_through_s=minimum_green_s, minimum_turn_s=minimum_green_s, pedestrian_green_s=0.0,
        minimum_yellow_s=min(yellow_s, 2.7), clearance_floor_s=0.0, maximum_green_s=maximum_green_s,
        maximum_red_s=maximum_red_s, forced_stage_s=maximum_red_s, backup_s=1.0, fixed_order=fixed_order,
        skips_per_cycle=0 if fixed_order else 15,
    )  # fmt: skip
    splits = tuple(
        (stage.name, max(duration, minimum_green_s + yellow_s + all_red_s))
        for stage, (duration, _, _) in zip(stages, stage_phases, strict=True)
    )
    cycle = sum(split for _, split in splits)
    plan = Plan("programme", cycle, offset_s % cycle, splits)
    return SignalConfiguration(
        intersection, version, groups, stages, _pairs(groups, states, all_red_s), (plan,),
        (CalendarEntry((1, 2, 3, 4, 5, 6, 7), "00:00", "programme"),), Mode.AUTOMATIC, True, 0, (), limits,
    )  # fmt: skip


def _stage_phases(phases: Sequence[tuple[float, str]]) -> list[tuple[float, str, int]]:
    """Green phases with the time to the next one added; equal neighbours become one stage."""
    result: list[tuple[float, str, int]] = []
    for duration, state in phases:
        is_stage = any(letter in GREEN for letter in state) and not any(letter in "yu" for letter in state)
        if is_stage and (not result or result[-1][1] != state):
            result.append((float(duration), state, len(result)))
        elif result:
            last = result[-1]
            result[-1] = (last[0] + duration, last[1], last[2])
    return result


def _pairs(groups: Sequence[SignalGroup], states: Sequence[str], all_red_s: float) -> tuple[Pair, ...]:
    result = []
    for first in groups:
        for second in groups:
            if first is second:
                continue
            a, b = first.links[0], second.links[0]
            together = [(state[a], state[b]) for state in states if state[a] in GREEN and state[b] in GREEN]
            if not together:
                result.append(Pair(first.name, second.name, Relation.CONFLICT, ticks(all_red_s, 0.1) / 10))
            elif ("G", "g") in together or ("g", "G") in together:
                yields = second.name if ("G", "g") in together else first.name
                if ("G", "g") in together and ("g", "G") in together:
                    yields = min(first.name, second.name)
                result.append(Pair(first.name, second.name, Relation.PERMISSIVE, yields=yields))
            else:
                result.append(Pair(first.name, second.name, Relation.PROTECTED))
    return tuple(result)
