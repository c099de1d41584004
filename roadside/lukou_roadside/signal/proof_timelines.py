"""First part of the proof: every tick of every change, and of two changes in a row, against the configuration.

What it takes as given is the configuration only: the pair matrix, the types of the groups, yellow, flashing green,
crossing lengths. What it judges are the guard's tables, whoever compiled them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

from lukou_maps.signal_configuration import GroupType, Relation, SignalConfiguration, SignalGroup, ticks
from lukou_roadside.signal.guard import FLASHING_GREEN, GREEN, RED, RIGHT_OF_WAY, YELLOW, Tables

Add = Callable[[int, str], None]
_VEHICLES = {GREEN: {GREEN, FLASHING_GREEN, YELLOW}, FLASHING_GREEN: {FLASHING_GREEN, YELLOW}, YELLOW: {YELLOW, RED},
             RED: {RED, GREEN}}  # fmt: skip
_WALKERS = {GREEN: {GREEN, FLASHING_GREEN}, FLASHING_GREEN: {FLASHING_GREEN, RED}, RED: {RED, GREEN}}


def timelines(configuration: SignalConfiguration, tables: Tables, tick_s: float, add: Add) -> Iterator[None]:
    """Report violations of 1 to 6; yields now and then."""
    count = len(tables.steady)
    for a in range(count):
        for b in range(count):
            if a != b:
                rows = [tables.steady[a], *tables.line[a][b], tables.steady[b]]
                _together(configuration, rows, add)
                _minima(configuration, tables, (a, b), tick_s, add)
                for index, group in enumerate(configuration.groups):
                    _course(configuration, group, [row[index] for row in rows], tick_s, add)
                for c in range(count):
                    if c != b:
                        _clearances(configuration, tables, (a, b, c), tick_s, add)
                yield


def _together(configuration: SignalConfiguration, rows: list[tuple[int, ...]], add: Add) -> None:
    groups = configuration.groups
    for row in rows:
        lit = [group.name for group, colour in zip(groups, row, strict=True) if colour in RIGHT_OF_WAY]
        for i, first in enumerate(lit):
            for second in lit[i + 1 :]:
                if configuration.pair_by_names[first, second].relation is Relation.CONFLICT:
                    add(1, f"{first} and {second} have right of way together")


def _minima(
    configuration: SignalConfiguration, tables: Tables, stages: tuple[int, int], tick_s: float, add: Add
) -> None:
    """A change ordered as early as the tables allow: every group that ends has had its own minimum green (people: before
    their flashing green), and the stage's last right of way has lasted as long as the stage's minimum (3)."""
    a, b = stages
    stage = configuration.stages[a]
    rows = [*[tables.steady[a]] * tables.earliest[a][b], *tables.line[a][b]]
    lasted, ends = 0, False
    for index, group in enumerate(configuration.groups):
        if group.name not in stage.green or tables.steady[b][index] == GREEN:
            continue
        ends, course = True, [row[index] for row in rows]
        walking = group.type is GroupType.PEDESTRIAN
        green = sum(colour == GREEN or (colour == FLASHING_GREEN and not walking) for colour in course)
        lasted = max(lasted, green + course.count(FLASHING_GREEN) if walking else green)
        if green < ticks(group.min_green_s, tick_s):
            add(3, f"{group.name}: green for {green} ticks; its minimum is {group.min_green_s:g} s")
    if ends and lasted < ticks(stage.min_s, tick_s):
        add(3, f"{stage.name}: right of way for {lasted} ticks; its minimum is {stage.min_s:g} s")


def _course(configuration: SignalConfiguration, group: SignalGroup, course: list[int], tick_s: float, add: Add) -> None:
    """One group through one change: its transitions (2), yellow (4), and pedestrian clearance (6)."""
    table = _WALKERS if group.type is GroupType.PEDESTRIAN else _VEHICLES
    for before, after in itertools.pairwise(course):
        if after not in table.get(before, set()):
            add(2, f"{group.name}: {before} is followed by {after}")
    if course[0] != GREEN or course[-1] != RED:
        return
    yellow, flashing = course.count(YELLOW), course.count(FLASHING_GREEN)
    if group.type is GroupType.PEDESTRIAN:
        length, speed = group.crossing_length_m, group.walking_speed_mps
        need = math.ceil(length / speed / tick_s - 1e-9) if length and speed else 0
        if flashing < need:
            add(6, f"{group.name}: {flashing} ticks of clearance; the crossing needs {need}")
    elif yellow != ticks(group.yellow_s, tick_s):
        add(4, f"{group.name}: yellow of {yellow} ticks; fixed at {ticks(group.yellow_s, tick_s)}")


def _clearances(
    configuration: SignalConfiguration, tables: Tables, stages: tuple[int, int, int], tick_s: float, add: Add
) -> None:
    """From the red of every group that ends in the first change to every green of the first and the second one."""
    a, b, c = stages
    stay = tables.earliest[b][c]
    first, second = tables.line[a][b], tables.line[b][c]
    rows = [tables.steady[a], *first, *[tables.steady[b]] * max(1, stay), *second, tables.steady[c]]
    pairs = configuration.pair_by_names
    ended: dict[str, int] = {}
    for at in range(1, len(rows)):
        for index, group in enumerate(configuration.groups):
            if rows[at][index] == RED and rows[at - 1][index] != RED:
                ended[group.name] = at
        for index, group in enumerate(configuration.groups):
            if rows[at][index] == RED or rows[at - 1][index] != RED:
                continue
            for other, since in ended.items():
                pair = pairs.get((other, group.name))
                if pair is None or pair.relation is not Relation.CONFLICT:
                    continue
                if at - since < ticks(pair.clearance_s, tick_s):
                    add(5, f"{other} to {group.name}: clearance of {at - since} ticks; needs {pair.clearance_s:g} s")
