"""Layout of Lukou's radar datagram, version 1. All numbers are big-endian.

====== ===== ======== ==========================================================================
offset bytes type     content
====== ===== ======== ==========================================================================
0      4     bytes    ``LKRD``
4      1     uint8    version: 1
5      1     uint8    source of the time: value of ``lukou.v1.TimeSource``
6      2     uint16   number of the sensor, as configured
8      4     uint32   number of the sweep, wraps around
12     8     int64    middle of the sweep, nanoseconds POSIX UTC
20     2     uint16   number of returns n, 0 to 88
22     2     uint16   standard uncertainty of the clock in units of 0.1 ms; 65535: unknown
24     16 n  float32  per return: range in m, azimuth in rad from the boresight (counter-clockwise positive), range rate in
                      m/s (approaching is negative), radar cross-section in dB relative to one square metre
24+16n 4     uint32   CRC-32 (IEEE 802.3) of all bytes before it
====== ===== ======== ==========================================================================

One sweep is one datagram; 88 returns fill an Ethernet frame.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from lukou_hw.radar.reading import RadarScan

MAGIC = b"LKRD"
VERSION = 1
MOST_RETURNS = 88
_HEAD = struct.Struct(">4sBBHIqHH")
_TAIL = struct.Struct(">I")
_UNKNOWN = 0xFFFF
BOUNDS = ((0.0, 1000.0), (-3.1416, 3.1416), (-150.0, 150.0), (-100.0, 100.0))
"""Least and most of range, azimuth, range rate, cross-section."""


class DatagramError(ValueError):
    """A datagram that is refused; `reason` is a word to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Datagram:
    """A decoded datagram: number of the sensor and its sweep."""

    sensor: int
    scan: RadarScan


def encode(scan: RadarScan, sensor: int) -> bytes:
    """One sweep as a datagram; the strongest returns stay where there are more than fit."""
    rows = np.column_stack([scan.range_m, scan.azimuth_rad, scan.range_rate_mps, scan.radar_cross_section_dbsm])
    if len(rows) > MOST_RETURNS:
        rows = rows[np.sort(np.argsort(-rows[:, 3], kind="stable")[:MOST_RETURNS])]
    uncertainty = min(_UNKNOWN - 1, round(scan.time_uncertainty_s * 1e4))
    head = _HEAD.pack(
        MAGIC,
        VERSION,
        int(scan.time_source),
        sensor,
        scan.sequence & 0xFFFFFFFF,
        scan.measured_at_ns,
        len(rows),
        uncertainty,
    )
    body = head + rows.astype(">f4").tobytes()
    return body + _TAIL.pack(zlib.crc32(body))


def decode(data: bytes, radar: str) -> Datagram:
    """The sweep in a datagram.

    Parameters
    ----------
    data : bytes
        What came.
    radar : str
        Name for the reading.

    Raises
    ------
    DatagramError
        For anything but a whole, undamaged datagram of this version with numbers within bounds.
    """
    if len(data) < _HEAD.size + _TAIL.size:
        raise DatagramError("short", f"{len(data)} bytes; expected at least {_HEAD.size + _TAIL.size}")
    magic, version, source, sensor, sequence, at_ns, count, uncertainty = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise DatagramError("magic", f"begins with {magic!r}; expected {MAGIC!r}")
    if version != VERSION:
        raise DatagramError("version", f"{version}; expected {VERSION}")
    if count > MOST_RETURNS or len(data) != _HEAD.size + 16 * count + _TAIL.size:
        raise DatagramError("length", f"{len(data)} bytes for {count} returns")
    if _TAIL.unpack_from(data, len(data) - _TAIL.size)[0] != zlib.crc32(data[: -_TAIL.size]):
        raise DatagramError("crc", "damaged")
    if not 0 <= source <= 5 or at_ns <= 0:
        raise DatagramError("time", f"source {source}, time {at_ns}")
    rows = np.frombuffer(data, ">f4", 4 * count, _HEAD.size).reshape(count, 4).astype(np.float32)
    if not np.isfinite(rows).all():
        raise DatagramError("value", "not a finite number")
    for column, (least, most) in enumerate(BOUNDS):
        if count and (rows[:, column].min() < least or rows[:, column].max() > most):
            raise DatagramError("value", f"column {column} outside {least}..{most}")
    scan = RadarScan(
        radar,
        at_ns,
        sequence,
        np.ascontiguousarray(rows[:, 0]),
        np.ascontiguousarray(rows[:, 1]),
        np.ascontiguousarray(rows[:, 2]),
        np.ascontiguousarray(rows[:, 3]),
        time_source=source,
        time_uncertainty_s=float("inf") if uncertainty == _UNKNOWN else uncertainty / 1e4,
    )
    return Datagram(sensor, scan)
