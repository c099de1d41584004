"""Headers of what a process sends."""

from __future__ import annotations

import math

from lukou_messages.process import Output
from lukou_messages.v1.header_pb2 import Header, TimeSource


def make_header(
    identity: str,
    epoch: int,
    sequence: int,
    output: Output,
    sent_at_ns: int,
    time_source: TimeSource | str = TimeSource.TIME_SOURCE_NTP,
    time_uncertainty_us: int = 1000,
) -> Header:
    """The header of an output; the map reference is taken from the value where the core has set one."""
    header = Header(
        source=identity,
        epoch=epoch,
        sequence=sequence,
        measured_at_ns=output.measured_at_ns,
        sent_at_ns=sent_at_ns,
        time_source=time_source,
        time_uncertainty_us=_microseconds(output.time_uncertainty_s, time_uncertainty_us),
        validity=output.validity,
        validity_reason=output.reason[:200],
    )
    own = getattr(output.value, "message", output.value).header
    if own.HasField("map"):
        header.map.CopyFrom(own.map)
    return header


def _microseconds(told_s: float | None, usual_us: int) -> int | None:
    """Of a header; None: the field stays away, which says that the uncertainty is not known."""
    if told_s is None:
        return usual_us
    return min(round(told_s * 1e6), (1 << 32) - 1) if told_s < math.inf else None
