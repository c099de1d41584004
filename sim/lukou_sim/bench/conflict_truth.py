"""Recorded dangerous traffic with its physical truth, and how warnings are scored against it, per event.

A folder holds ``fcd.csv.gz`` (SUMO's FCD output, front bumpers), ``vtypes.csv``, ``vru.csv.gz``, ``tls_states.csv``, ``overlap.csv``
and ``overlap_m0.csv`` (footprints of vehicles that overlap, shrunk by 0.1 m a side and not), ``vru_overlap.csv``, ``vru_pet.csv``,
``red_violations.csv`` and ``conflicts.csv`` (SUMO's SSM device).

A collision counts if neither took part in an earlier one and somebody moved faster than 2 m/s. It is warned of L s ahead where a
warning of the pair that stands at contact was raised at least L s before. A warning is true where, from 0.5 s before it to 5 s after,
the pair overlaps, passes one place within 2 s of each other, or needs braking of 3.35 m/s^2; those after a contact count as neither.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HORIZON_S, BEFORE_S, STANDING_S, EARLIEST_S, SETTLING_S = 5.0, 0.5, 0.5, 10.0, 3.0
NEAR_MISS_S, HARD_MPS2, MOVING_MPS, SAME_WAY_DEG = 2.0, 3.35, 2.0, 30.0
STEP_S = 0.1

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A warning of any system: when, what, who."""

    t_first: float
    t_last: float
    kind: str
    pair: Pair


@dataclass(slots=True)
class Truth:
    """What happened: collisions (pair, instant, class), dangerous moments and contacts per pair, lights run."""

    vehicle_hours: float = 0.0
    vulnerable: set[str] = field(default_factory=set)
    collisions: list[tuple[Pair, float, str]] = field(default_factory=list)
    moments: dict[Pair, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    contact: dict[Pair, float] = field(default_factory=dict)
    hurt: dict[str, float] = field(default_factory=dict)
    red: list[tuple[str, float]] = field(default_factory=list)


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """Rows of a CSV file, packed or not; none where there is no such file."""
    if not path.exists():
        return []
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        return list(csv.DictReader(stream, delimiter=delimiter))


def pair_of(a: str, b: str) -> Pair:
    """Both names, the smaller first."""
    return (a, b) if a < b else (b, a)


def read_truth(folder: Path, vehicles: list[dict[str, str]]) -> Truth:
    """Truth of a folder.

    Parameters
    ----------
    folder : Path
        Where it is.
    vehicles : list of dict
        Rows of its ``fcd.csv.gz``.
    """
    truth = Truth(vehicle_hours=sum(1 for row in vehicles if row["vehicle_id"]) * STEP_S / 3600.0)
    truth.vulnerable = {row["id"] for row in rows(folder / "vru.csv.gz")}
    begin = float(vehicles[0]["timestep_time"]) + SETTLING_S
    contacts: list[tuple[Pair, float, str, float, tuple[str, ...]]] = []
    for row in rows(folder / "overlap.csv"):
        kind = "rear_end" if float(row["dheading_deg"]) < SAME_WAY_DEG else "crossing"
        speed = max(float(row["v_a"]), float(row["v_b"]))
        contacts.append((pair_of(row["a"], row["b"]), float(row["t_first"]), kind, speed, (row["a"], row["b"])))
    for row in rows(folder / "vru_overlap.csv"):
        pair, at = pair_of(row["a"], row["b"]), float(row["t_first"])
        contacts.append((pair, at, "vru", float(row["v_a"]), (row["b"],)))
        _happened(truth, pair, at, float(row["t_last"]))
    involved: set[str] = set()
    for pair, at, kind, speed, who in sorted(contacts, key=lambda one: one[1]):
        if at < begin:
            continue
        if not involved & set(who) and speed > MOVING_MPS:
            truth.collisions.append((pair, at, kind))
        involved |= set(who)
        for name in pair:
            truth.hurt.setdefault(name, at)
    for row in rows(folder / "overlap_m0.csv"):
        _happened(truth, pair_of(row["a"], row["b"]), float(row["t_first"]), float(row["t_last"]))
    for row in rows(folder / "vru_pet.csv"):
        if float(row["pet"]) <= NEAR_MISS_S:
            truth.moments[pair_of(row["veh"], row["vru"])].append((float(row["t"]), float(row["t"])))
    for row in rows(folder / "conflicts.csv"):
        pair = pair_of(row["veh_a"], row["veh_b"])
        if row["max_drac"] and float(row["max_drac"]) >= HARD_MPS2 and row["t_drac"]:
            truth.moments[pair].append((float(row["t_drac"]), float(row["t_drac"])))
        if row["pet"] and float(row["pet"]) <= NEAR_MISS_S and row["t_pet"]:
            truth.moments[pair].append((float(row["t_pet"]), float(row["t_pet"])))
    truth.red = [(row["id"], float(row["t"])) for row in rows(folder / "red_violations.csv")]
    return truth


def _happened(truth: Truth, pair: Pair, begin: float, end: float) -> None:
    truth.moments[pair].append((begin, end))
    truth.contact[pair] = min(begin, truth.contact.get(pair, math.inf))


def read_alarms(path: Path) -> list[Alarm]:
    """Warnings as written by ``lukou warn``."""
    return [
        Alarm(float(row["t_first"]), float(row["t_last"]), row["kind"], pair_of(row["id_a"], row["id_b"]))
        for row in rows(path)
    ]


def lead_s(alarms: list[Alarm], at: float) -> float:
    """How long before a contact the warning that stands at it was raised; alarms that follow each other are one. -1: none."""
    raised = math.inf
    for one in sorted(alarms, key=lambda alarm: -alarm.t_last):
        if not at - EARLIEST_S <= one.t_first <= at + 0.05:
            continue
        if one.t_last >= (at if raised == math.inf else raised) - STANDING_S:
            raised = min(raised, one.t_first)
    return at - raised if raised < math.inf else -1.0


def score(truths: list[Truth], alarms: list[list[Alarm]]) -> dict[str, Any]:
    """Figures of one system over several recordings, pooled."""
    hours = sum(truth.vehicle_hours for truth in truths)
    leads: dict[str, list[float]] = {"crossing": [], "rear_end": [], "vru": []}
    true, false, red = 0, {"vehicles": 0, "vru": 0}, {"foreseen": 0, "violations": 0, "false": 0}
    for truth, raised in zip(truths, alarms, strict=True):
        by_pair: dict[Pair, list[Alarm]] = defaultdict(list)
        lights = [one for one in raised if one.kind == "red_light"]
        for one in raised:
            if one.kind.startswith("info_") or one.kind == "red_light" or not all(one.pair):
                continue
            by_pair[one.pair].append(one)
            both = max(truth.hurt.get(name, math.inf) for name in one.pair)
            if one.t_first > truth.contact.get(one.pair, math.inf) or one.t_first > both:
                continue
            if any(
                a <= one.t_first + HORIZON_S and b >= one.t_first - BEFORE_S for a, b in truth.moments.get(one.pair, ())
            ):
                true += 1
            else:
                false["vru" if truth.vulnerable & set(one.pair) else "vehicles"] += 1
        for pair, at, kind in truth.collisions:
            leads[kind].append(lead_s(by_pair.get(pair, []), at))
        red["violations"] += len(truth.red)
        for name, at in truth.red:
            red["foreseen"] += any(name in one.pair and at - EARLIEST_S <= one.t_first <= at - 1.0 for one in lights)
        for one in lights:
            red["false"] += not any(
                name in one.pair and one.t_first - BEFORE_S <= at <= one.t_first + EARLIEST_S for name, at in truth.red
            )

    def share(values: list[float], ahead: float) -> float | None:
        return round(sum(value >= ahead - 1e-6 for value in values) / len(values), 3) if values else None

    total = true + sum(false.values())
    return {
        "vehicle_hours": round(hours, 2),
        "events": {kind: len(values) for kind, values in leads.items()},
        "recall_1_5s": {kind: share(values, 1.5) for kind, values in leads.items()},
        "recall_3s": {kind: share(values, 3.0) for kind, values in leads.items()},
        "false_per_vehicle_hour": {kind: round(count / hours, 2) for kind, count in false.items()},
        "precision": round(true / total, 3) if total else None,
        "red_light_foreseen_1s": round(red["foreseen"] / red["violations"], 3) if red["violations"] else None,
        "red_light_false_per_vehicle_hour": round(red["false"] / hours, 2),
    }
