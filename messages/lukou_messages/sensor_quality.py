"""Reports on sensors as plain values, for pages, JSON and tables."""

from __future__ import annotations

import math
from typing import Any

from lukou_messages.v1.header_pb2 import Validity
from lukou_messages.v1.sensor_pb2 import SensorKind, SensorQuality


def plain_sensor(one: SensorQuality) -> dict[str, Any]:
    """How one sensor does, as plain values; what is not known is None."""

    def known(message: Any, name: str, digits: int) -> float | None:
        return round(getattr(message, name), digits) if message.HasField(name) else None

    mounting = one.mounting
    return {
        "sensor": one.sensor,
        "kind": SensorKind.Name(one.kind).removeprefix("SENSOR_KIND_").lower(),
        "state": Validity.Name(one.state).removeprefix("VALIDITY_").lower(),
        "reason": one.reason,
        "scans": one.scans,
        "late": one.late,
        "dropped": one.dropped,
        "rate_hz": known(one, "rate_hz", 1),
        "latency_p50_ms": known(one, "latency_p50_ms", 0),
        "latency_p95_ms": known(one, "latency_p95_ms", 0),
        "clock_offset_s": known(one, "clock_offset_s", 3),
        "azimuth_offset_deg": round(math.degrees(one.azimuth_offset_rad), 2)
        if one.HasField("azimuth_offset_rad")
        else None,
        "found_share": known(one, "found_share", 3),
        "ranges": [
            {
                "from_m": round(part.from_m),
                "to_m": round(part.to_m),
                "expected": round(part.expected, 1),
                "found_share": round(part.found / part.expected, 3) if part.expected >= 5.0 else None,
                "residual_p50_m": known(part, "residual_p50_m", 2),
                "residual_p95_m": known(part, "residual_p95_m", 2),
            }
            for part in one.ranges
        ],
        "mounting": {
            "compared_at_ms": mounting.compared_at_ns // 10**6,
            "found_share": round(mounting.found_share, 2),
            "is_sure": mounting.is_sure,
            "has_moved": mounting.has_moved,
            "azimuth_deg": round(math.degrees(mounting.azimuth_rad), 2),
            "pitch_deg": round(math.degrees(mounting.pitch_rad), 2),
            "roll_deg": round(math.degrees(mounting.roll_rad), 2),
        }
        if one.HasField("mounting")
        else None,
    }
