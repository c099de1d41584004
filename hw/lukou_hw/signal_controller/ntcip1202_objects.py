"""Objects of NTCIP 1202 used here, and phases as bits of groups of eight.

Under 1.3.6.1.4.1.1206.4.2.1 (actuated signal controller): phase status group table 1.4.1, phase control group table
1.5.1, unit 3 (NTCIP 1202 version 03, sections 5.2 and 5.4).
"""

from __future__ import annotations

from collections.abc import Iterable

Oid = tuple[int, ...]
ASC: Oid = (1, 3, 6, 1, 4, 1, 1206, 4, 2, 1)
STATUS = (*ASC, 1, 4, 1)
YELLOWS, GREENS, PED_CLEARS, WALKS, VEHICLE_CALLS, PED_CALLS = 3, 4, 6, 7, 8, 9
CONTROL = (*ASC, 1, 5, 1)
OMIT, HOLD, FORCE_OFF = 2, 4, 5
UNIT_BACKUP_TIME = (*ASC, 3, 3, 0)
UNIT_CONTROL_STATUS = (*ASC, 3, 5, 0)
UNIT_FLASH_STATUS = (*ASC, 3, 6, 0)
# unitControlStatus: 1 other, 2 system control, 3 system standby, 4 backup mode, 5 manual, 6 timebase, 7 interconnect.
CONTROL_SYSTEM, CONTROL_MANUAL, CONTROL_TIMEBASE = 2, 5, 6
# unitFlashStatus: 1 other, 2 not flashing, 3 automatic, 4 local manual, 5 fault monitor, …
NOT_FLASHING, FLASHING_FAULT = 2, 5


def status(column: int, group: int) -> Oid:
    """A column of the phase status group table; groups count from 1."""
    return (*STATUS, column, group)


def control(column: int, group: int) -> Oid:
    """A column of the phase control group table; groups count from 1."""
    return (*CONTROL, column, group)


def groups_of(highest: int) -> range:
    """Numbers of the groups of eight that phases 1 to `highest` fill."""
    return range(1, (highest + 7) // 8 + 1)


def bits(phases: Iterable[int], group: int) -> int:
    """The bits of `phases` that fall into a group of eight."""
    return sum(1 << (phase - 1) % 8 for phase in phases if (phase - 1) // 8 + 1 == group)


def phases(values: Iterable[int]) -> frozenset[int]:
    """Phases of the bits of groups 1, 2, …"""
    return frozenset(8 * i + bit + 1 for i, value in enumerate(values) for bit in range(8) if value >> bit & 1)
