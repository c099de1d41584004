"""A simulated signal cabinet.

It runs its local plan from the configuration's calendar, takes stages from a centre for as long as its own backup timer
is fed, and performs every change by itself: pedestrian flashing green, yellow and clearance per pair. It refuses what
breaks its minima. One that takes plans takes no stages: what the centre gives it runs from the end of the running cycle
on, and when the backup timer has ended, its own plan follows at the end of the cycle. Faults can be injected. Time is simulated, in ticks of 0.1 s.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lukou_maps.signal_configuration import (
    Change,
    GroupType,
    SignalConfiguration,
    changes,
    configuration_hash,
    cycle_position_s,
    plan_at,
    ticks,
)
from lukou_messages.v1.signal_pb2 import SignalColour

TICK_NS = 100_000_000
DARK = int(SignalColour.SIGNAL_COLOUR_DARK)
RED = int(SignalColour.SIGNAL_COLOUR_RED)
YELLOW = int(SignalColour.SIGNAL_COLOUR_YELLOW)
GREEN = int(SignalColour.SIGNAL_COLOUR_GREEN)
FLASHING_GREEN = int(SignalColour.SIGNAL_COLOUR_FLASHING_GREEN)
FLASHING_YELLOW = int(SignalColour.SIGNAL_COLOUR_FLASHING_YELLOW)
SNAPSHOT_VERSION = 2
LONGEST_STRETCH = 0.5  # the local plan lengthens a stage at most by this part of its split to get in step again


@dataclass
class CabinetFaults:
    """Faults that a scenario may inject; any time, all at once.

    Attributes
    ----------
    lamps_out : set of str
        Groups that stay dark.
    is_manual : bool
        A hand at the cabinet holds the running stage.
    is_flashing : bool
        Vehicles flash yellow, pedestrians are dark.
    ignores_orders : bool
        Centre orders have no effect.
    extra_green : set of str
        Groups that show green whatever the stage (a wiring fault).
    """

    lamps_out: set[str] = field(default_factory=set)
    is_manual: bool = False
    is_flashing: bool = False
    ignores_orders: bool = False
    extra_green: set[str] = field(default_factory=set)


@dataclass
class _Sequence:
    """What a snapshot keeps."""

    tick: int  # ticks since the epoch
    stage: int
    to: int  # -1: steady
    elapsed: int  # since the start of the stage, or of the change
    wanted: int  # stage ordered by the centre; -1: none
    ordered_until: int  # tick at which the backup timer ends
    plan: tuple[tuple[int, ...], int] | None = None  # of the running cycle: splits and offset, in ticks; None: its own
    wanted_plan: tuple[tuple[int, ...], int] | None = None  # of the centre


class Cabinet:
    """One cabinet.

    Parameters
    ----------
    configuration : SignalConfiguration
        Checked before.
    start_ns : int
        Begin of its life, nanoseconds POSIX UTC: it starts with the stage that its plan gives for that instant.
    takes_plans : bool
        It takes plans and no stages.
    """

    def __init__(self, configuration: SignalConfiguration, start_ns: int, takes_plans: bool = False) -> None:
        self.configuration = configuration
        self.takes_plans = takes_plans
        self.faults = CabinetFaults()
        self.demands: set[str] = set()
        self.lock = threading.RLock()  # servers read and order from threads of their own
        self._stages = [stage.name for stage in configuration.stages]
        between = changes(configuration, 0.1)
        self._change: dict[tuple[int, int], Change] = {
            (self._stages.index(a), self._stages.index(b)): change for (a, b), change in between.items()
        }
        self._backup = ticks(configuration.limits.backup_s, 0.1)
        self._number = {stage.number: index for index, stage in enumerate(configuration.stages)}
        stage, elapsed = self._scheduled(start_ns)
        self._now = _Sequence(start_ns // TICK_NS, stage, -1, elapsed, -1, 0)

    # ---- what others see

    @property
    def now_ns(self) -> int:
        """Instant that the state describes, nanoseconds POSIX UTC."""
        return self._now.tick * TICK_NS

    @property
    def stage_number(self) -> int:
        """Running stage, or during a change the one that ends, as the cabinet counts."""
        return self.configuration.stages[self._now.stage].number

    @property
    def next_stage_number(self) -> int:
        """Stage that the cabinet is changing to; 0: it is steady."""
        return self.configuration.stages[self._now.to].number if self._now.to >= 0 else 0

    @property
    def wanted_number(self) -> int:
        """Stage that the centre orders; 0: none."""
        return self.configuration.stages[self._now.wanted].number if self._now.wanted >= 0 else 0

    @property
    def is_controlled(self) -> bool:
        """Whether the centre's orders rule."""
        now, faults = self._now, self.faults
        is_ordered = now.wanted >= 0 or now.wanted_plan is not None
        return is_ordered and now.tick < now.ordered_until and not (faults.is_manual or faults.is_flashing)

    def states(self) -> dict[str, int]:
        """Colour of every group, values of `SignalColour`."""
        result = {group.name: self._colour(group.name) for group in self.configuration.groups}
        if self.faults.is_flashing:
            walking = {g.name for g in self.configuration.groups if g.type is GroupType.PEDESTRIAN}
            result = {name: DARK if name in walking else FLASHING_YELLOW for name in result}
        result |= dict.fromkeys(self.faults.extra_green, GREEN)
        return result | dict.fromkeys(self.faults.lamps_out, DARK)

    def channels(self) -> tuple[int, ...]:
        """Colour by channel (index 0 is channel 1); 0 where there is no group."""
        colours = self.states()
        by_channel = {group.channel: colours[group.name] for group in self.configuration.groups}
        return tuple(by_channel.get(channel, 0) for channel in range(1, max(by_channel) + 1))

    def link_states(self, count: int | None = None) -> str:
        """SUMO letters by link index; `count` links in all, default up to the highest of the configuration.

        Vehicles: ``G``, ``g`` where the stage makes the link yield, ``y``, ``r``, ``s`` where right turns on red are
        allowed, ``o`` while flashing. Pedestrians may start on green only.
        """
        groups, colours = self.configuration.groups, self.states()
        unsignalised = {link for m in self.configuration.unsignalised for link in m.links}
        highest = max([*(link for g in groups for link in g.links), *unsignalised], default=-1)
        letters = ["r"] * (highest + 1 if count is None else count)
        yielding = set(self.configuration.stages[self._now.stage].yielding_links)
        for link in unsignalised:
            letters[link] = "g"
        for group in groups:
            for link in group.links:
                walking = group.type is GroupType.PEDESTRIAN
                letter = _letter(colours[group.name], walking, link in group.turns_on_red)
                letters[link] = "g" if letter == "G" and link in yielding else letter
        return "".join(letters)

    # ---- what the centre may do

    def request(self, stage_number: int) -> bool:
        """Order a stage and feed the backup timer; False if there is no such stage, or the cabinet takes none."""
        if self.takes_plans or stage_number not in self._number:
            return False
        with self.lock:
            self._now.wanted = self._number[stage_number]
            self._now.ordered_until = self._now.tick + self._backup
        return True

    def request_plan(self, greens_s: Sequence[float], offset_s: float) -> bool:
        """Give a plan from the end of the running cycle on, and feed the backup timer; False if the cabinet takes none such.

        Parameters
        ----------
        greens_s : sequence of float
            By stage, from its start to the begin of the change to the next. [s]
        offset_s : float
            Start of the first stage, seconds POSIX UTC modulo the cycle. [s]
        """
        count = len(self._stages)
        if not self.takes_plans or len(greens_s) != count or count < 2:
            return False
        greens = [round(green / 0.1) for green in greens_s]
        after = [self._change[k, (k + 1) % count] for k in range(count)]
        if any(green < each.earliest for green, each in zip(greens, after, strict=True)):
            return False
        splits = tuple(green + each.duration for green, each in zip(greens, after, strict=True))
        with self.lock:
            self._now.wanted_plan = splits, round(offset_s / 0.1)
            self._now.ordered_until = self._now.tick + self._backup
        return True

    def feed(self) -> None:
        """Restart the backup timer and change nothing."""
        self._now.ordered_until = self._now.tick + self._backup

    def release(self) -> None:
        """End the centre's control."""
        with self.lock:
            self._now.wanted, self._now.wanted_plan = -1, None

    # ---- time

    def step(self, now_ns: int) -> None:
        """Advance to an instant; backward does nothing, more than a minute forward starts the plan afresh."""
        target = now_ns // TICK_NS
        with self.lock:
            if target - self._now.tick > 600:
                stage, elapsed = self._scheduled(now_ns)
                self._now = _Sequence(target, stage, -1, elapsed, -1, 0)
            while self._now.tick < target:
                self._tick()

    def snapshot(self) -> bytes:
        """Everything a restart needs."""
        faults = asdict(self.faults)
        for key in ("lamps_out", "extra_green"):
            faults[key] = sorted(faults[key])
        content = {
            "version": SNAPSHOT_VERSION,
            "configuration": configuration_hash(self.configuration),
            "now": asdict(self._now),
            "faults": faults,
            "demands": sorted(self.demands),
        }
        return json.dumps(content, sort_keys=True).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from a snapshot; ValueError if it belongs to another configuration or version."""
        content = json.loads(snapshot)
        if content.get("version") != SNAPSHOT_VERSION:
            raise ValueError(f"{self.configuration.intersection}: the snapshot is of another version")
        if content["configuration"] != configuration_hash(self.configuration):
            raise ValueError(f"{self.configuration.intersection}: the snapshot is of another signal configuration")
        faults = content["faults"]
        now = content["now"]
        plans = {key: _plan(now[key]) for key in ("plan", "wanted_plan")}
        self._now = _Sequence(**{**now, **plans})
        self.faults = CabinetFaults(
            **{**faults, "lamps_out": set(faults["lamps_out"]), "extra_green": set(faults["extra_green"])}
        )
        self.demands = set(content["demands"])

    # ---- inside

    def _colour(self, name: str) -> int:
        now, stages = self._now, self.configuration.stages
        if now.to < 0:
            return GREEN if name in stages[now.stage].green else RED
        ending = self._change[now.stage, now.to].endings.get(name)
        if ending is None:
            return GREEN if name in stages[now.stage].green else RED
        if now.elapsed < ending.steady_ends:
            return GREEN
        if now.elapsed < ending.flashing_ends:
            return FLASHING_GREEN
        return YELLOW if now.elapsed < ending.red_starts else RED

    def _tick(self) -> None:
        now = self._now
        now.tick += 1
        now.elapsed += 1
        if now.to >= 0:
            if now.elapsed >= self._change[now.stage, now.to].duration:
                now.stage, now.to, now.elapsed = now.to, -1, 0
                if now.stage == 0 and not self.faults.ignores_orders:
                    now.plan = now.wanted_plan
                self.demands -= set(self.configuration.stages[now.stage].green)
            return
        if now.wanted >= 0 and now.tick >= now.ordered_until:
            now.wanted = -1  # the backup timer has ended: back to the local plan
        if now.wanted_plan is not None and now.tick >= now.ordered_until:
            now.wanted_plan = None
        if self.faults.is_manual or self.faults.is_flashing or len(self._stages) < 2:
            return
        obeys = now.wanted >= 0 and not self.faults.ignores_orders
        wanted = now.wanted if obeys else self._planned()
        if wanted != now.stage and now.elapsed >= self._change[now.stage, wanted].earliest:
            now.to, now.elapsed = wanted, 0

    def _planned(self) -> int:
        """Stage that the plan wants: the running one, or the next in order."""
        now = self._now
        following = (now.stage + 1) % len(self._stages)
        if now.plan is not None:
            splits, offset = now.plan
            position = (now.tick - offset) % sum(splits)
        else:
            plan = plan_at(self.configuration, self.now_ns)
            splits = tuple(ticks(split, 0.1) for _, split in plan.splits_s)
            position = ticks(cycle_position_s(self.configuration, plan, self.now_ns), 0.1)
        cycle = sum(splits)
        ahead = (position - sum(splits[: now.stage]) - now.elapsed + cycle // 2) % cycle - cycle // 2
        change = self._change[now.stage, following]
        length = splits[now.stage] - change.duration
        stretch = min(int(LONGEST_STRETCH * splits[now.stage]), self._longest(now.stage) - length)
        return following if now.elapsed >= max(change.earliest, length + min(stretch, -ahead)) else now.stage

    def _longest(self, stage: int) -> int:
        return ticks(self.configuration.stages[stage].max_s, 0.1)

    def _scheduled(self, at_ns: int) -> tuple[int, int]:
        """Stage and time since its start that the plan gives for an instant."""
        plan = plan_at(self.configuration, at_ns)
        position = ticks(cycle_position_s(self.configuration, plan, at_ns), 0.1)
        for index, (_, split) in enumerate(plan.splits_s):
            if position < ticks(split, 0.1):
                return index, position
            position -= ticks(split, 0.1)
        return 0, 0


def _plan(kept: list[Any] | None) -> tuple[tuple[int, ...], int] | None:
    return None if kept is None else (tuple(kept[0]), kept[1])


def _letter(colour: int, is_walking: bool, turns_on_red: bool) -> str:
    if colour == GREEN or (colour == FLASHING_GREEN and not is_walking):
        return "G"
    if colour == YELLOW:
        return "y"
    if colour in (FLASHING_YELLOW, DARK):
        return "o"
    return "s" if turns_on_red else "r"
