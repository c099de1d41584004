"""Commands on the wire as the guard's orders."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from lukou_messages.v1.command_pb2 import Command, PlanRequest
from lukou_roadside.signal.guard import PLAN, RELEASE, RENEWAL, STAGE, Order

NANOSECONDS = 1_000_000_000
LONGEST_ID = 64
FAR = 2**31
LONGEST_PLAN_S = 3600.0
"""No part of a plan takes so long. [s]"""
WHOLE = 0.01
"""So near to whole ticks a plan's times must be."""
KINDS = {"stage_request": STAGE, "release": RELEASE, "renewal": RENEWAL, "plan_request": PLAN}


def issuer_number(issuer: str) -> int:
    """A number for the name of an issuer."""
    return int.from_bytes(hashlib.sha256(issuer.encode()).digest()[:6], "big")


def order_of(
    command: Command, intersection: str, stages: dict[str, int], now_ns: int, quantum_s: float, is_logged: bool,
    changes: Sequence[int] = (),
) -> Order:  # fmt: skip
    """The guard's form of a command; whatever is malformed becomes something that the guard refuses.

    `changes`: length of each stage's change to the next one, for plans. [tick]
    """
    kind = KINDS.get(command.WhichOneof("action") or "", 0)
    if not 1 <= len(command.command_id) <= LONGEST_ID or not command.issuer:
        kind = 0
    return Order(
        kind=kind,
        stage=stages.get(command.stage_request.stage, -1) if kind == STAGE else -1,
        authority=command.authority,
        issuer=issuer_number(command.issuer),
        epoch=command.fencing_epoch,
        sequence=command.command_sequence,
        nonce=command.guard_nonce,
        configuration=_hash_number(command.configuration_hash),
        version=command.configuration_version,
        expires_in=_ticks(command.expires_at_ns - now_ns, quantum_s),
        lease=_lease(command.lease_s, quantum_s),
        expected=stages.get(command.expected_stage, -1) if command.expected_stage else -2,
        starts_in=_ticks(command.not_before_ns - now_ns, quantum_s) if command.HasField("not_before_ns") else 0,
        is_addressed=command.device == intersection,
        is_logged=is_logged or kind == RELEASE,
        **_plan(command.plan_request, stages, changes, now_ns, quantum_s) if kind == PLAN else {},
    )


def _plan(
    plan: PlanRequest, stages: dict[str, int], changes: Sequence[int], now_ns: int, quantum_s: float
) -> dict[str, Any]:
    """Splits and next begin of a plan; no splits where it does not name every stage once, in order, with a cycle that is their sum."""
    times = [split.green_s for split in plan.splits] + [plan.cycle_s, plan.offset_s]
    if [split.stage for split in plan.splits] != list(stages) or len(stages) != len(changes):
        return {}
    if not all(math.isfinite(time) and 0 <= time < LONGEST_PLAN_S for time in times):
        return {}
    whole = [round(time / quantum_s) for time in times]
    if any(abs(time / quantum_s - each) > WHOLE for time, each in zip(times, whole, strict=True)):
        return {}
    *greens, cycle, offset = whole
    splits = tuple(green + change for green, change in zip(greens, changes, strict=True))
    if sum(splits) != cycle or offset >= cycle:
        return {}
    return {"splits": splits, "begins_in": (offset - round(now_ns / (quantum_s * NANOSECONDS))) % cycle}


def _hash_number(text: str) -> int:
    try:
        return int(text[:16], 16) if len(text) == 64 and text.isascii() else -1
    except ValueError:
        return -1


def _ticks(duration_ns: int, quantum_s: float) -> int:
    return max(-FAR, min(FAR, int(duration_ns / (quantum_s * NANOSECONDS))))


def _lease(lease_s: float, quantum_s: float) -> int:
    return round(lease_s / quantum_s) if 0 <= lease_s < 3600 else -1
