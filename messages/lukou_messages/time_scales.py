"""Time scales beside POSIX UTC: TAI, GPS, BDT and the ETSI epoch, through a leap-second table with an expiry.

Inside Lukou time is POSIX UTC in nanoseconds; these functions are for codecs and drivers only.

Sources: IERS Bulletin C (TAI - UTC); IS-GPS-200N 3.3.4 (GPS time: TAI - 19 s, from 1980-01-06); BDS-SIS-ICD-2.1 3.3
(BDT: TAI - 33 s, from 2006-01-01); ETSI TS 102 894-2 V2 TimestampIts (milliseconds of TAI from 2004-01-01T00:00:00Z).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SECOND_NS = 10**9
NTP_TO_POSIX_S = 2_208_988_800
GPS_BEHIND_TAI_S = 19
BDT_BEHIND_TAI_S = 33


def _posix_s(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


GPS_EPOCH_S = _posix_s(1980, 1, 6)
BDT_EPOCH_S = _posix_s(2006, 1, 1)
ETSI_EPOCH_S = _posix_s(2004, 1, 1)


@dataclass(frozen=True, slots=True)
class LeapSeconds:
    """TAI - UTC over time.

    Attributes
    ----------
    from_s : tuple of int
        POSIX second from which each offset holds, ascending.
    tai_minus_utc_s : tuple of int
        Offsets. [s]
    expires_s : int
        POSIX second after which the table says nothing for sure.
    """

    from_s: tuple[int, ...]
    tai_minus_utc_s: tuple[int, ...]
    expires_s: int

    def offset_s(self, utc_ns: int) -> int:
        """TAI - UTC at an instant; raises ValueError before 1972. [s]"""
        row = bisect_right(self.from_s, utc_ns // SECOND_NS) - 1
        if row < 0:
            raise ValueError("before 1972 UTC had no whole leap seconds")
        return self.tai_minus_utc_s[row]

    def is_expired(self, utc_ns: int) -> bool:
        """Whether a newer table is needed to be sure at this instant."""
        return utc_ns // SECOND_NS >= self.expires_s


_STEPS = [
    (1972, 1), (1972, 7), (1973, 1), (1974, 1), (1975, 1), (1976, 1), (1977, 1), (1978, 1), (1979, 1), (1980, 1), (1981, 7),
    (1982, 7), (1983, 7), (1985, 7), (1988, 1), (1990, 1), (1991, 1), (1992, 7), (1993, 7), (1994, 7), (1996, 1), (1997, 7),
    (1999, 1), (2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1),
]  # fmt: skip
BUILT_IN = LeapSeconds(
    tuple(_posix_s(year, month, 1) for year, month in _STEPS),
    tuple(range(10, 10 + len(_STEPS))),
    _posix_s(2026, 6, 28),
)
"""History up to IERS Bulletin C 70; load a newer table with `load_leap_seconds` (Debian: tzdata's leap-seconds.list)."""


def load_leap_seconds(path: Path) -> LeapSeconds:
    """Read a ``leap-seconds.list`` of NIST or IERS.

    Raises
    ------
    ValueError
        The file holds no table or no expiry.
    """
    rows, expires = [], None
    for line in path.read_text().splitlines():
        if line.startswith("#@"):
            expires = int(line[2:].split()[0]) - NTP_TO_POSIX_S
        elif line and not line.startswith("#"):
            ntp, offset = line.split()[:2]
            rows.append((int(ntp) - NTP_TO_POSIX_S, int(offset)))
    if not rows or expires is None or rows != sorted(rows):
        raise ValueError(f"{path}: expected a leap-seconds.list with an expiry (#@) and ascending rows")
    return LeapSeconds(tuple(s for s, _ in rows), tuple(o for _, o in rows), expires)


def tai_ns(utc_ns: int, table: LeapSeconds = BUILT_IN) -> int:
    """TAI as nanoseconds since 1970-01-01T00:00:00 TAI, of a POSIX UTC instant."""
    return utc_ns + table.offset_s(utc_ns) * SECOND_NS


def gps_time(utc_ns: int, table: LeapSeconds = BUILT_IN) -> tuple[int, int]:
    """(week, nanoseconds of the week) in GPS time."""
    since = tai_ns(utc_ns, table) - (GPS_EPOCH_S + GPS_BEHIND_TAI_S) * SECOND_NS
    return divmod(since, 604_800 * SECOND_NS)


def bdt_time(utc_ns: int, table: LeapSeconds = BUILT_IN) -> tuple[int, int]:
    """(week, nanoseconds of the week) in BeiDou time."""
    since = tai_ns(utc_ns, table) - (BDT_EPOCH_S + BDT_BEHIND_TAI_S) * SECOND_NS
    return divmod(since, 604_800 * SECOND_NS)


def etsi_timestamp_ms(utc_ns: int, table: LeapSeconds = BUILT_IN) -> int:
    """TimestampIts of ETSI: milliseconds since 2004-01-01T00:00:00Z, leap seconds counted."""
    since = tai_ns(utc_ns, table) - tai_ns(ETSI_EPOCH_S * SECOND_NS, table)
    return since // 10**6


def utc_from_etsi_ms(timestamp_ms: int, table: LeapSeconds = BUILT_IN) -> int:
    """POSIX UTC in nanoseconds of a TimestampIts; within a leap second, the second that follows."""
    tai = timestamp_ms * 10**6 + tai_ns(ETSI_EPOCH_S * SECOND_NS, table)
    utc = tai - table.offset_s(tai) * SECOND_NS
    return tai - table.offset_s(utc) * SECOND_NS
