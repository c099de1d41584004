"""Commands on the wire as the guard's orders."""

from __future__ import annotations

import hashlib

from lukou_messages.v1.command_pb2 import Command
from lukou_roadside.signal.guard import RELEASE, RENEWAL, STAGE, Order

NANOSECONDS = 1_000_000_000
LONGEST_ID = 64
FAR = 2**31


def issuer_number(issuer: str) -> int:
    """A number for the name of an issuer."""
    return int.from_bytes(hashlib.sha256(issuer.encode()).digest()[:6], "big")


def order_of(
    command: Command, intersection: str, stages: dict[str, int], now_ns: int, quantum_s: float, is_logged: bool
) -> Order:
    """The guard's form of a command; whatever is malformed becomes something that the guard refuses."""
    kind = {"stage_request": STAGE, "release": RELEASE, "renewal": RENEWAL}.get(command.WhichOneof("action") or "", 0)
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
    )


def _hash_number(text: str) -> int:
    try:
        return int(text[:16], 16) if len(text) == 64 and text.isascii() else -1
    except ValueError:
        return -1


def _ticks(duration_ns: int, quantum_s: float) -> int:
    return max(-FAR, min(FAR, int(duration_ns / (quantum_s * NANOSECONDS))))


def _lease(lease_s: float, quantum_s: float) -> int:
    return round(lease_s / quantum_s) if 0 <= lease_s < 3600 else -1
