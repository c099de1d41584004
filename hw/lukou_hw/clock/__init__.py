"""Clocks: how far this machine's time may be off, and where it comes from.

===============  ==========================================================
driver           reads
===============  ==========================================================
`clock.system`   the kernel's own account (adjtimex), as NTP and PTP daemons keep it
`clock.chrony`   chrony's account: offset, and a bound from root delay and dispersion
`clock.ptp`      ptp4l's account: offset from its grandmaster
===============  ==========================================================

`watch` judges what they say, and tells processes when it changes.
"""

from lukou_hw.clock.reading import ClockReading, ClockSource

__all__ = ["ClockReading", "ClockSource"]
