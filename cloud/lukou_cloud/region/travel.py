"""When a vehicle will be at the stop line if nothing holds it."""

from __future__ import annotations

import math

STANDING_MPS = 1.4
"""Slower than walking counts as standing; GA/T 527.2 and HCM use about 5 km/h."""
ACCELERATION_MPS2 = 2.0
"""Of drivers up to their speed, in towns (1.5 to 2.5). [m/s²]"""
CRUISE_SHARE = 0.9
"""Of the speed limit: to this drivers accelerate in a street with other traffic; who drives faster keeps it up."""


def free_arrival_s(to_stop_m: float, free_s: float, speed_mps: float, limit_mps: float) -> float:
    """Time to the stop line of a vehicle that accelerates to its cruising speed and keeps to it.

    Parameters
    ----------
    to_stop_m : float
        Way to the stop line. [m]
    free_s : float
        The same way at the speed limits of its lanes. [s]
    speed_mps, limit_mps : float
        Speed now, and the limit where it is. [m/s]

    Returns
    -------
    float
        Time. [s]
    """
    cruise_mps = CRUISE_SHARE * limit_mps
    free_s *= limit_mps / max(speed_mps, cruise_mps)
    if speed_mps >= cruise_mps:
        return free_s
    if to_stop_m < (cruise_mps**2 - speed_mps**2) / (2.0 * ACCELERATION_MPS2):
        return (math.sqrt(speed_mps**2 + 2.0 * ACCELERATION_MPS2 * to_stop_m) - speed_mps) / ACCELERATION_MPS2
    return free_s + (cruise_mps - speed_mps) ** 2 / (2.0 * ACCELERATION_MPS2 * cruise_mps)
