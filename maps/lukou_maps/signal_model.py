"""What one signalised intersection is: groups, stages, pairs, limits, plans.

Frozen standard-library dataclasses that guard, timing and simulation agree on. Times are seconds and multiples of 0.1 s.
Import them from `lukou_maps.signal_configuration`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class GroupType(StrEnum):
    """Kind of a signal group; decides which colours may follow each other (SAFETY invariant 2)."""

    VEHICLE = "vehicle"
    ARROW = "arrow"
    BICYCLE = "bicycle"
    PEDESTRIAN = "pedestrian"
    LANE = "lane"


class Relation(StrEnum):
    """What two groups are to each other (SAFETY invariant 1)."""

    PROTECTED = "protected"
    PERMISSIVE = "permissive"
    CONFLICT = "conflict"


class Mode(StrEnum):
    """How far Lukou may act at the site."""

    OBSERVE = "observe"
    ADVISE = "advise"
    SUPERVISED = "supervised"
    AUTOMATIC = "automatic"


@dataclass(frozen=True)
class SignalGroup:
    """Heads that always show the same.

    Attributes
    ----------
    name : str
        For example ``N-through``.
    type : GroupType
        Kind of the heads.
    channel : int
        Number at the cabinet, 1 to 64: lamp group (GB/T 20999) or phase (NTCIP 1202).
    links : tuple of int
        SUMO link indices that the group drives at its tlLogic; empty outside simulation.
    min_green_s : float
        Shortest green, flashing green of vehicles included, of pedestrians not. [s]
    max_green_s : float
        Longest uninterrupted green. [s]
    max_red_s : float
        Longest red. [s]
    flashing_green_s : float
        Fixed flashing green; for pedestrians the clearance. [s]
    yellow_s : float
        Fixed yellow; 0 for pedestrians only. [s]
    turns_on_red : tuple of int
        Those of `links` whose traffic may go on red after stopping (right turns on red).
    may_be_dark : bool
        Dark is legal while the parent's heads rule.
    parent : str
        Group whose heads rule while this one is dark; empty: none.
    crossing_length_m : float or None
        Pedestrians: length to the kerb or the refuge. [m]
    walking_speed_mps : float or None
        Pedestrians: design speed. [m/s]
    """

    name: str
    type: GroupType
    channel: int
    links: tuple[int, ...] = ()
    min_green_s: float = 10.0
    max_green_s: float = 120.0
    max_red_s: float = 240.0
    flashing_green_s: float = 0.0
    yellow_s: float = 3.0
    turns_on_red: tuple[int, ...] = ()
    may_be_dark: bool = False
    parent: str = ""
    crossing_length_m: float | None = None
    walking_speed_mps: float | None = None


@dataclass(frozen=True)
class Stage:
    """A set of groups with right of way together (British *stage*; GB/T 20999 阶段).

    Attributes
    ----------
    name : str
        For example ``NS-through``.
    number : int
        Number at the cabinet, 1 to 16.
    green : tuple of str
        Groups with right of way.
    min_s : float
        Shortest time from the stage's start (all its groups green) to the first yellow of one of its vehicle
        groups, or to the end of the flashing green of one of its crossings. [s]
    max_s : float
        Longest time from the stage's start to the start of the change to another stage. [s]
    yielding_links : tuple of int
        Links that have green in this stage but must yield (SUMO letter ``g``).
    """

    name: str
    number: int
    green: tuple[str, ...]
    min_s: float
    max_s: float = 120.0
    yielding_links: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pair:
    """What group `first` is to group `second`; every ordered pair is listed.

    Attributes
    ----------
    first, second : str
        Names of the groups.
    relation : Relation
        Equal in both orders.
    clearance_s : float
        Conflict only: least time from the end of `first`'s right of way (start of red) to the start of `second`'s
        green. [s]
    yields : str
        Permissive only: the group that yields.
    """

    first: str
    second: str
    relation: Relation
    clearance_s: float = 0.0
    yields: str = ""


@dataclass(frozen=True)
class UnsignalisedMovement:
    """A movement without heads of its own.

    Attributes
    ----------
    name : str
        For example ``N-right``.
    links : tuple of int
        SUMO link indices.
    yields_to : tuple of str
        Groups that have priority over it.
    """

    name: str
    links: tuple[int, ...]
    yields_to: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A fixed-time plan.

    Attributes
    ----------
    name : str
        For example ``morning``.
    cycle_s : float
        Cycle length. [s]
    offset_s : float
        Start of the first stage modulo the cycle, seconds after local midnight. [s]
    splits_s : tuple of (str, float)
        Per stage in the configuration's order: time from the stage's start to the next stage's start, the change
        included; they sum to the cycle. [s]
    """

    name: str
    cycle_s: float
    offset_s: float
    splits_s: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class CalendarEntry:
    """From when on a plan rules.

    Attributes
    ----------
    days : tuple of int
        ISO days of the week, 1 is Monday, 7 is Sunday.
    start : str
        Local time ``HH:MM``; the entry rules until the next one of that day.
    plan : str
        Name of the plan.
    """

    days: tuple[int, ...]
    start: str
    plan: str


@dataclass(frozen=True)
class Limits:
    """Values of SAFETY's invariants as settings that the site's traffic engineer signs; defaults are SAFETY's.

    Attributes
    ----------
    minimum_through_s, minimum_turn_s : float
        Vehicle minima (invariant 3). [s]
    pedestrian_green_s : float
        Steady green of a crossing (3). [s]
    minimum_yellow_s : float
        Malfunction monitors trip below it (4). [s]
    clearance_floor_s : float
        Least clearance of any conflicting pair (5). [s]
    clearance_notice_s : float
        Above it: "end the non-motor group early" (5). [s]
    waiting_notice_s, waiting_alarm_s : float
        Pedestrian waiting that is counted; that is an alarm and must be served (6). [s]
    maximum_green_s, maximum_red_s, forced_stage_s : float
        Bounds of every authority (7): green of a group, red of a group, waiting of a stage with a demand. [s]
    officer_renewal_s : float
        A manned hold is renewed at least this often (7). [s]
    lease_min_s, lease_max_s : float
        Life of an authority (8). [s]
    backup_s : float
        The controller's own backup timer (8). [s]
    nonce_valid_s : float
        Life of the guard's challenge, monotonic (9). [s]
    decision_interval_s : float
        Least time between two decisions (12). [s]
    skips_per_cycle : int
        Stages that may be left out per cycle (12).
    fixed_order : bool
        Stages only in the configuration's order (12).
    split_change : float
        Change of a split per cycle by plans, as a fraction (12).
    priority_per_hour : int
        Changes per hour for buses and emergency vehicles (12).
    read_back_age_s : float
        A reading older than this is a miss (15). [s]
    read_back_misses : int
        Misses in a row that lead to the local plan (15).
    commit_s : float
        Published remaining times up to this are promises (22): 10 with countdown displays, 3 without. [s]
    in_step_cycles : int
        Cycles until the local plan is in step again (18).
    """

    minimum_through_s: float = 15.0
    minimum_turn_s: float = 10.0
    pedestrian_green_s: float = 7.0
    minimum_yellow_s: float = 2.7
    clearance_floor_s: float = 1.0
    clearance_notice_s: float = 6.0
    waiting_notice_s: float = 70.0
    waiting_alarm_s: float = 120.0
    maximum_green_s: float = 120.0
    maximum_red_s: float = 240.0
    forced_stage_s: float = 120.0
    officer_renewal_s: float = 5.0
    lease_min_s: float = 1.0
    lease_max_s: float = 15.0
    backup_s: float = 5.0
    nonce_valid_s: float = 2.0
    decision_interval_s: float = 1.0
    skips_per_cycle: int = 1
    fixed_order: bool = True
    split_change: float = 0.1
    priority_per_hour: int = 60
    read_back_age_s: float = 1.0
    read_back_misses: int = 3
    commit_s: float = 3.0
    in_step_cycles: int = 3


@dataclass(frozen=True)
class SignalConfiguration:
    """All that guard, timing and simulation agree on for one intersection.

    Attributes
    ----------
    intersection : str
        Identity, for example ``k1``.
    version : int
        Counted from 1.
    mode : Mode
        Highest mode that the site allows.
    research : bool
        True for scenarios that break SAFETY 3 to 5 by their rules; refused at real sites.
    utc_offset_s : int
        Local time minus UTC, for the calendar. [s]
    groups, stages, pairs, unsignalised, plans, calendar : tuple
        Stages stand in their fixed order; pairs list every ordered pair of groups.
    limits : Limits
        Settings of the invariants.
    """

    intersection: str
    version: int
    groups: tuple[SignalGroup, ...]
    stages: tuple[Stage, ...]
    pairs: tuple[Pair, ...]
    plans: tuple[Plan, ...]
    calendar: tuple[CalendarEntry, ...]
    mode: Mode = Mode.OBSERVE
    research: bool = False
    utc_offset_s: int = 28800
    unsignalised: tuple[UnsignalisedMovement, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Pairs stand in the order of their names, so that equal configurations compare equal."""
        object.__setattr__(self, "pairs", tuple(sorted(self.pairs, key=lambda pair: (pair.first, pair.second))))

    @cached_property
    def group_by_name(self) -> dict[str, SignalGroup]:
        """Groups by name."""
        return {group.name: group for group in self.groups}

    @cached_property
    def stage_by_name(self) -> dict[str, Stage]:
        """Stages by name."""
        return {stage.name: stage for stage in self.stages}

    @cached_property
    def plan_by_name(self) -> dict[str, Plan]:
        """Plans by name."""
        return {plan.name: plan for plan in self.plans}

    @cached_property
    def pair_by_names(self) -> dict[tuple[str, str], Pair]:
        """Pairs by (first, second)."""
        return {(pair.first, pair.second): pair for pair in self.pairs}
