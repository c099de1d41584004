"""How many pictures a second a machine can take, told by a fixed loop before anything is started."""

from __future__ import annotations

import time

MOST_HZ, LEAST_HZ = 10.0, 5.0
"""Pictures per second and camera to choose from. [1/s]"""

NEED = 34.0
"""Cores that the demo's processes need for the most pictures, over what `loop_s` tells: 1.75 of two were taken where that was 51 to 66 ms, and 5 to 12 % of the pictures dropped. [1/s]"""

SHARE = 0.7
"""Share of the cores that may be needed: with more, pictures wait for them now and then."""

MILLIONS = 10


def loop_s() -> float:
    """Time of a million rounds of plain Python, which is most of what the processes do: the mean over half a second, since neighbours on the same machine come and go. [s]"""
    begin, total = time.perf_counter(), 0
    for number in range(MILLIONS * 1_000_000):
        total += number
    return (time.perf_counter() - begin) / MILLIONS


def fitting_rate(cores: int, seconds: float) -> float:
    """Pictures per second and camera for so many cores of this speed: the most where they fit, else the least.

    Parameters
    ----------
    cores : int
        Cores that the demo may use.
    seconds : float
        What `loop_s` tells of one of them. [s]
    """
    return MOST_HZ if NEED * seconds <= SHARE * cores else LEAST_HZ
