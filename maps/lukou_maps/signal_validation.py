"""What a signal configuration must satisfy before anything acts on it.

`problems` returns everything that is wrong, and warnings beside it; research configurations are excused from SAFETY's
invariants 3 to 5 (minima, yellow, clearance), and from nothing else.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from lukou_maps.signal_model import GroupType, Limits, Mode, Plan, Relation, SignalConfiguration, SignalGroup
from lukou_maps.signal_problems import Problem
from lukou_maps.signal_timeline import Change, changes, ticks

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}\Z")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z")
QUANTUM_S = 0.1  # every duration is a multiple of it, so that all who compute in ticks agree


def problems(configuration: SignalConfiguration) -> list[Problem]:
    """Everything that is wrong or remarkable, in the order of the file."""
    result = [*_identity(configuration), *_groups(configuration), *_stages(configuration), *_limits(configuration)]
    result += _matrix(configuration)
    if any(not problem.is_warning for problem in result):
        return result  # what follows needs a consistent file
    result += [*_together(configuration), *_timing(configuration), *_plans(configuration), *_calendar(configuration)]
    return result


def _doubled(names: list[str], path: str) -> Iterator[Problem]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(f"{path}.{name}", f"{count} times", "each name once", "rename one")


def _duration(value: float, path: str, least: float, most: float = 3600.0) -> Iterator[Problem]:
    if not (math.isfinite(value) and least <= value <= most):
        yield Problem(path, f"{value:g} s", f"{least:g} to {most:g} s", "correct it")
    elif abs(value / QUANTUM_S - round(value / QUANTUM_S)) > 1e-6:
        yield Problem(path, f"{value:g} s", f"a multiple of {QUANTUM_S} s", "round it up")


def _identity(c: SignalConfiguration) -> Iterator[Problem]:
    if not _NAME.match(c.intersection):
        yield Problem("intersection", repr(c.intersection), "1 to 64 letters, digits, _ . -", "rename it")
    if not 1 <= c.version < 2**32:
        yield Problem("version", str(c.version), "1 or more", "count versions from 1")
    if abs(c.utc_offset_s) > 14 * 3600 or c.utc_offset_s % 900:
        yield Problem("utc_offset_s", str(c.utc_offset_s), "a multiple of 900 within ±50400", "correct it")
    for path, found, most in (("groups", len(c.groups), 64), ("stages", len(c.stages), 16)):
        if not 1 <= found <= most:
            yield Problem(path, str(found), f"1 to {most}", "correct the list")


def _groups(c: SignalConfiguration) -> Iterator[Problem]:
    yield from _doubled([g.name for g in c.groups], "groups")
    yield from _doubled([f"channel {g.channel}" for g in c.groups], "groups")
    yield from _doubled([f"link {link}" for g in c.groups for link in g.links], "groups")
    for g in c.groups:
        path = f"groups.{g.name}"
        if not _NAME.match(g.name):
            yield Problem(path, repr(g.name), "1 to 64 letters, digits, _ . -", "rename it")
        if not 1 <= g.channel <= 64:
            yield Problem(f"{path}.channel", str(g.channel), "1 to 64", "correct it")
        if any(not 0 <= link < 1024 for link in g.links) or not set(g.turns_on_red) <= set(g.links):
            yield Problem(f"{path}.links", str(g.links), "0 to 1023, turns_on_red among them", "correct the links")
        if g.parent and g.parent not in c.group_by_name:
            yield Problem(f"{path}.parent", g.parent, "a group", "name an existing group")
        if g.may_be_dark and not g.parent:
            yield Problem(f"{path}.parent", "missing", "the group that rules while this one is dark", "add it")
        yield from _group_times(c, g, path)


def _group_times(c: SignalConfiguration, g: SignalGroup, path: str) -> Iterator[Problem]:
    yield from _duration(g.min_green_s, f"{path}.min_green_s", 0.0 if c.research else 1.0)
    yield from _duration(g.max_green_s, f"{path}.max_green_s", 1.0)
    yield from _duration(g.max_red_s, f"{path}.max_red_s", 1.0)
    yield from _duration(g.flashing_green_s, f"{path}.flashing_green_s", 0.0, 60.0)
    if g.min_green_s > g.max_green_s:
        found = f"minimum {g.min_green_s:g} s > maximum {g.max_green_s:g} s"
        yield Problem(f"{path}.min_green_s", found, "minimum ≤ maximum", "lower the minimum or raise the maximum")
    if g.type is not GroupType.PEDESTRIAN:
        of_site = c.limits.minimum_through_s if g.type is GroupType.VEHICLE else c.limits.minimum_turn_s
        if g.min_green_s < of_site and not c.research:
            yield Problem(
                f"{path}.min_green_s", f"{g.min_green_s:g} s", f"the site's minimum {of_site:g} s", "raise it"
            )
        least = 0.1 if c.research else c.limits.minimum_yellow_s
        yield from _duration(g.yellow_s, f"{path}.yellow_s", least, 6.0)
        return
    if g.yellow_s:
        yield Problem(f"{path}.yellow_s", f"{g.yellow_s:g} s", "0 for pedestrians", "set it to 0")
    if g.crossing_length_m is None or g.walking_speed_mps is None:
        if not c.research:
            yield Problem(path, "no crossing length or speed", "both", "add crossing_length_m and walking_speed_mps")
    elif not (0 < g.crossing_length_m <= 60 and 0.5 <= g.walking_speed_mps <= 1.5):
        yield Problem(
            path, f"{g.crossing_length_m} m at {g.walking_speed_mps} m/s", "0–60 m, 0.5–1.5 m/s", "correct it"
        )
    elif g.flashing_green_s + 1e-9 < g.crossing_length_m / g.walking_speed_mps:
        need = g.crossing_length_m / g.walking_speed_mps
        yield Problem(
            f"{path}.flashing_green_s", f"{g.flashing_green_s:g} s is below {need:.1f} s",
            f"length / speed of crossing {g.name}", "raise it",
        )  # fmt: skip


def _stages(c: SignalConfiguration) -> Iterator[Problem]:
    yield from _doubled([s.name for s in c.stages], "stages")
    yield from _doubled([f"number {s.number}" for s in c.stages], "stages")
    links = {link for g in c.groups for link in g.links}
    served = {name for s in c.stages for name in s.green}
    for s in c.stages:
        path = f"stages.{s.name}"
        if not _NAME.match(s.name) or not 1 <= s.number <= 16:
            yield Problem(path, f"{s.name!r} number {s.number}", "a name and a number 1 to 16", "correct it")
        for name in s.green:
            if name not in c.group_by_name:
                yield Problem(f"{path}.green", name, "a group", "name an existing group")
        yield from _doubled(list(s.green), f"{path}.green")
        if not s.green:
            yield Problem(f"{path}.green", "empty", "at least one group", "add its groups")
        if not set(s.yielding_links) <= links:
            yield Problem(f"{path}.yielding_links", str(s.yielding_links), "links of groups", "correct the links")
        yield from _duration(s.min_s, f"{path}.min_s", 0.0 if c.research else 1.0)
        yield from _duration(s.max_s, f"{path}.max_s", 1.0)
        if s.min_s > s.max_s:
            found = f"minimum {s.min_s:g} s > maximum {s.max_s:g} s"
            yield Problem(f"{path}.min_s", found, "minimum ≤ maximum", "lower the minimum or raise the maximum")
    for g in c.groups:
        if g.name not in served:
            yield Problem(f"groups.{g.name}", "green in no stage", "a stage that serves it", "add it to a stage")


def _limits(c: SignalConfiguration) -> Iterator[Problem]:
    bounds: dict[str, tuple[float, float]] = {
        "backup_s": (1.0, 15.0), "lease_min_s": (1.0, 15.0), "lease_max_s": (1.0, 15.0), "nonce_valid_s": (0.5, 2.0),
        "decision_interval_s": (1.0, 60.0), "officer_renewal_s": (1.0, 5.0), "read_back_age_s": (0.1, 1.0),
        "read_back_misses": (1, 3), "split_change": (0.0, 1.0), "skips_per_cycle": (0, 15), "commit_s": (1.0, 30.0),
        "minimum_yellow_s": (0.1 if c.research else 2.7, 6.0), "clearance_floor_s": (0.0, 10.0),
    }  # fmt: skip
    for item in fields(Limits):
        value = getattr(c.limits, item.name)
        low, high = bounds.get(item.name, (0.0, 3600.0))
        if not (math.isfinite(value) and low <= value <= high):
            yield Problem(f"limits.{item.name}", f"{value:g}", f"{low:g} to {high:g}", "correct it")
    if c.limits.lease_min_s > c.limits.lease_max_s:
        yield Problem("limits.lease_min_s", "above lease_max_s", "minimum ≤ maximum", "correct one")


def _matrix(c: SignalConfiguration) -> Iterator[Problem]:
    names = [g.name for g in c.groups]
    given = Counter((p.first, p.second) for p in c.pairs)
    for pair, count in given.items():
        if count > 1:
            yield Problem(f"relations.{pair[0]}.{pair[1]}", f"{count} times", "each pair once", "remove one")
        if pair[0] not in c.group_by_name or pair[1] not in c.group_by_name or pair[0] == pair[1]:
            yield Problem(f"relations.{pair[0]}.{pair[1]}", "no pair of groups", "two different groups", "correct it")
    for first in names:
        for second in names:
            if first != second and (first, second) not in given:
                remedy = "say protected, permissive or conflict"
                yield Problem(f"relations.{first}.{second}", "missing", "every ordered pair", remedy)
    for p in c.pairs:
        yield from _pair(c, (p.first, p.second))


def _pair(c: SignalConfiguration, names: tuple[str, str]) -> Iterator[Problem]:
    p, path = c.pair_by_names[names], f"relations.{names[0]}.{names[1]}"
    back = c.pair_by_names.get((names[1], names[0]))
    if back is not None and (back.relation, back.yields) != (p.relation, p.yields):
        yield Problem(path, f"{p.relation} but {back.relation} the other way", "the same both ways", "correct one")
    if p.relation is Relation.PERMISSIVE and p.yields not in names:
        yield Problem(path, f"{p.yields!r} yields", "one of the two groups", "say who yields")
    if p.relation is Relation.CONFLICT:
        least = 0.0 if c.research else c.limits.clearance_floor_s
        yield from _duration(p.clearance_s, path, least, 60.0)
        if p.clearance_s > c.limits.clearance_notice_s:
            found = f"clearance {p.clearance_s:g} s"
            remedy = "nothing to do: every change ends the non-motor group early"
            yield Problem(path, found, f"≤ {c.limits.clearance_notice_s:g} s as a rule", remedy, is_warning=True)


def _together(c: SignalConfiguration) -> Iterator[Problem]:
    for s in c.stages:
        for i, first in enumerate(s.green):
            for second in s.green[i + 1 :]:
                if c.pair_by_names[first, second].relation is Relation.CONFLICT:
                    found = f"{first} and {second} conflict"
                    yield Problem(f"stages.{s.name}.green", found, "no conflict in a stage", "remove one of them")


def _timing(c: SignalConfiguration) -> Iterator[Problem]:
    """Minima, bounds of greens that run through several stages, and clearances across two changes."""
    between = changes(c, QUANTUM_S)
    for s in c.stages:
        walking = [g for name in s.green if (g := c.group_by_name[name]).type is GroupType.PEDESTRIAN]
        for g in walking:
            need = c.limits.pedestrian_green_s + g.flashing_green_s
            if s.min_s + 1e-9 < need and not c.research:
                found, want = f"{s.min_s:g} s is below {need:g} s", f"green and clearance of crossing {g.name}"
                yield Problem(f"stages.{s.name}.min_s", found, want, "raise it")
        for other in c.stages:
            at = between.get((s.name, other.name))
            if at is not None and at.earliest > ticks(s.max_s - c.limits.backup_s, QUANTUM_S):
                found = f"maximum {s.max_s:g} s leaves no room"
                want = f"minimum before {other.name} {at.earliest * QUANTUM_S:g} s + backup {c.limits.backup_s:g} s"
                yield Problem(f"stages.{s.name}.max_s", found, want, "raise the maximum")
    for (_, middle), first in between.items():
        for end in c.stages:
            if end.name != middle:
                yield from _across(c, first, middle, between[middle, end.name], end.name)
    yield from _fastest_cycle(c)


def _across(c: SignalConfiguration, first: Change, middle: str, second: Change, end: str) -> Iterator[Problem]:
    """Clearances from groups that end before stage `middle` to groups that begin after it."""
    for group, ending in first.endings.items():
        for beginning in c.stage_by_name[end].green:
            pair = c.pair_by_names.get((group, beginning))
            if pair is None or beginning in c.stage_by_name[middle].green or pair.relation is not Relation.CONFLICT:
                continue
            passed = first.duration - ending.red_starts + max(0, second.earliest) + second.duration
            if passed < ticks(pair.clearance_s, QUANTUM_S):
                found = f"{passed * QUANTUM_S:g} s pass from {group} to {beginning} by way of {middle}"
                yield Problem(f"stages.{middle}.min_s", found, f"clearance {pair.clearance_s:g} s", "raise it")


def _fastest_cycle(c: SignalConfiguration) -> Iterator[Problem]:
    if len(c.stages) < 2:
        return
    between, names = changes(c, QUANTUM_S), [s.name for s in c.stages]
    legs = [between[a, b] for a, b in zip(names, names[1:] + names[:1], strict=True)]
    cycle = sum(max(0, at.earliest) + at.duration for at in legs) * QUANTUM_S
    for g in c.groups:
        if g.max_red_s < cycle + c.limits.backup_s and any(g.name not in s.green for s in c.stages):
            found = f"{g.max_red_s:g} s"
            want = f"at least the shortest cycle {cycle:g} s + backup {c.limits.backup_s:g} s"
            yield Problem(f"groups.{g.name}.max_red_s", found, want, "raise it or shorten the minima")


def _plans(c: SignalConfiguration) -> Iterator[Problem]:
    yield from _doubled([p.name for p in c.plans], "plans")
    if not c.plans:
        yield Problem("plans", "empty", "at least one plan to fall back on", "add the local plan")
    for plan in c.plans:
        path = f"plans.{plan.name}"
        yield from _duration(plan.cycle_s, f"{path}.cycle_s", 10.0)
        order = [stage for stage, _ in plan.splits_s]
        if order != [s.name for s in c.stages]:
            yield Problem(
                f"{path}.splits_s", ", ".join(order), "every stage, in the order of the stages", "complete it"
            )
            continue
        total = sum(split for _, split in plan.splits_s)
        if abs(total - plan.cycle_s) > 1e-6:
            yield Problem(
                f"{path}.cycle_s", f"{plan.cycle_s:g} s", f"the sum of the splits, {total:g} s", "correct one"
            )
        if not 0 <= plan.offset_s < max(plan.cycle_s, 0.1):
            yield Problem(f"{path}.offset_s", f"{plan.offset_s:g} s", "0 up to the cycle", "take it modulo the cycle")
        yield from _splits(c, plan, path)


def _splits(c: SignalConfiguration, plan: Plan, path: str) -> Iterator[Problem]:
    between, order = changes(c, QUANTUM_S), plan.splits_s
    for (stage, split), (following, _) in zip(order, order[1:] + order[:1], strict=True):
        yield from _duration(split, f"{path}.splits_s.{stage}", 0.0)
        if stage == following:
            continue
        at, bound = between[stage, following], c.stage_by_name[stage].max_s
        least = (max(0, at.earliest) + at.duration) * QUANTUM_S
        if split + 1e-9 < least:
            want = f"at least {least:g} s: minimum before and change to {following}"
            yield Problem(f"{path}.splits_s.{stage}", f"{split:g} s", want, "raise it")
        if split > bound + at.duration * QUANTUM_S + 1e-9:
            want = f"at most maximum {bound:g} s + change {at.duration * QUANTUM_S:g} s"
            yield Problem(f"{path}.splits_s.{stage}", f"{split:g} s", want, "lower it or raise the maximum")
    for g in c.groups:
        dark = plan.cycle_s - sum(split for stage, split in order if g.name in c.stage_by_name[stage].green)
        if dark > g.max_red_s:
            found = f"{g.name} is red for about {dark:g} s"
            yield Problem(f"{path}.cycle_s", found, f"at most {g.max_red_s:g} s", "shorten the cycle")


def _calendar(c: SignalConfiguration) -> Iterator[Problem]:
    for index, entry in enumerate(c.calendar):
        path = f"calendar.{index}"
        if not _TIME.match(entry.start):
            yield Problem(f"{path}.start", entry.start, "HH:MM", "correct it")
        if entry.plan not in c.plan_by_name:
            yield Problem(f"{path}.plan", entry.plan, "a plan", "name an existing plan")
        if not entry.days or not set(entry.days) <= set(range(1, 8)):
            yield Problem(f"{path}.days", str(entry.days), "1 (Monday) to 7 (Sunday)", "correct it")
    covered = {day for entry in c.calendar for day in entry.days if entry.start == "00:00"}
    if missing := set(range(1, 8)) - covered:
        yield Problem("calendar", f"days {sorted(missing)} have no plan from 00:00", "a plan at all times", "add it")
    yield from _doubled([f"day {day} {entry.start}" for entry in c.calendar for day in entry.days], "calendar")
    if c.research and c.mode is not Mode.AUTOMATIC:
        yield Problem("mode", str(c.mode), "automatic", "research files are for simulation", is_warning=True)
