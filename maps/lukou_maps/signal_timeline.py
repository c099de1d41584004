"""How a stage changes into another: one fixed timeline per ordered pair of stages, in integer ticks.

All groups that begin do so together, at the earliest instant that every clearance allows; every group that ends does so
as late as that instant allows. Pedestrians therefore flash first while the vehicles of their stage stay green, and slow
users end early (SAFETY invariants 5 and 6). From the start of the change on, every colour of every group is known.

Minima (invariant 3) are those of the groups: each has its own minimum green before it ends, people theirs before they flash.
The stage's minimum is that of its longest right of way, as a rule that of its people: vehicles that end while people still
clear the crossing need not stay green for them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lukou_maps.signal_model import GroupType, Relation, SignalConfiguration, SignalGroup


@dataclass(frozen=True)
class Ending:
    """How one group loses right of way, in ticks after the start of the change.

    Attributes
    ----------
    steady_ends : int
        End of steady green.
    flashing_ends : int
        End of flashing green.
    red_starts : int
        End of yellow.
    """

    steady_ends: int
    flashing_ends: int
    red_starts: int


@dataclass(frozen=True)
class Change:
    """Timeline from one stage to another.

    Attributes
    ----------
    duration : int
        From the start of the change to the start of the new stage. [tick]
    endings : dict of str to Ending
        Groups of the old stage that are not in the new one.
    earliest : int
        Least time from the start of the old stage to the start of the change. [tick]
    """

    duration: int
    endings: dict[str, Ending]
    earliest: int


def ticks(seconds: float, quantum_s: float) -> int:
    """Seconds as ticks, rounded up."""
    return math.ceil(seconds / quantum_s - 1e-9)


def change(configuration: SignalConfiguration, first: str, second: str, quantum_s: float = 0.1) -> Change:
    """Timeline of the change from stage `first` to stage `second`."""
    groups, stages = configuration.group_by_name, configuration.stage_by_name
    old, new = stages[first], stages[second]
    ending = [groups[name] for name in old.green if name not in new.green]
    beginning = [name for name in new.green if name not in old.green]
    flashing = {g.name: ticks(g.flashing_green_s, quantum_s) for g in ending}
    yellow = {g.name: ticks(g.yellow_s, quantum_s) for g in ending}
    clearance = {g.name: _clearance(configuration, g.name, beginning, quantum_s) for g in ending}
    duration = max((flashing[n] + yellow[n] + clearance[n] for n in clearance), default=0)
    endings = {}
    for name in clearance:
        red = duration - clearance[name]
        endings[name] = Ending(red - yellow[name] - flashing[name], red - yellow[name], red)
    needs = [0]
    for group in ending:
        needs.append(ticks(group.min_green_s, quantum_s) - endings[group.name].steady_ends)
    if ending:
        last = max(_right_of_way_ends(group, endings[group.name]) for group in ending)
        needs.append(ticks(old.min_s, quantum_s) - last)
    return Change(duration, endings, max(needs))


def _right_of_way_ends(group: SignalGroup, ending: Ending) -> int:
    """People may walk until red; for vehicles yellow does not count as green."""
    return ending.red_starts if group.type is GroupType.PEDESTRIAN else ending.flashing_ends


def _clearance(configuration: SignalConfiguration, name: str, beginning: list[str], quantum_s: float) -> int:
    pairs = (configuration.pair_by_names[name, other] for other in beginning)
    return max((ticks(p.clearance_s, quantum_s) for p in pairs if p.relation is Relation.CONFLICT), default=0)


def changes(configuration: SignalConfiguration, quantum_s: float = 0.1) -> dict[tuple[str, str], Change]:
    """Timelines of all ordered pairs of different stages."""
    names = [stage.name for stage in configuration.stages]
    return {(a, b): change(configuration, a, b, quantum_s) for a in names for b in names if a != b}
