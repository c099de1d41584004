"""Sweeps of several radars of about the same time, to be worked in together.

A radar tells where each return comes from and how fast it nears, not who it is: several returns may be of one road user, so those of several radars may
be judged at once, each against where its road user was at its own instant. Four radars of 15 Hz are one step per slot instead of three or four, again and again
whenever a late camera has what followed worked out anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lukou_roadside.perception.tracking.scan import Floats, Ints, Scan


@dataclass(frozen=True, slots=True, eq=False)
class Sweeps:
    """Returns of several radars, one sweep of each.

    Attributes
    ----------
    time_s : float
        Instant that the tracks are brought to. [s]
    scans : tuple of Scan
        The sweeps; each has one view.
    sensors : (s,) int array
        Their sensors, all different.
    times_s : (s,) float array
        Their instants. [s]
    views : (s, 6) float array
        Where each radar stands and looks, as in `View`.
    presence : (s,) float array
        What the absence of a return says.
    first : (s,) int array
        Number of each sweep's first return among all.
    sweep : (n,) int array
        Which sweep each return is of.
    x_m, y_m, variance_xx, variance_xy, variance_yy, range_rate_mps, score : (n,) float array
        As in `Scan`.
    """

    time_s: float
    scans: tuple[Scan, ...]
    sensors: Ints
    times_s: Floats
    views: Floats
    presence: Floats
    first: Ints
    sweep: Ints
    x_m: Floats
    y_m: Floats
    variance_xx: Floats
    variance_xy: Floats
    variance_yy: Floats
    range_rate_mps: Floats
    score: Floats

    def __len__(self) -> int:
        return len(self.sweep)


def together(time_s: float, scans: Sequence[Scan]) -> Sweeps:
    """Put sweeps of different radars together.

    Parameters
    ----------
    time_s : float
        Instant that the tracks will be brought to. [s]
    scans : sequence of Scan
        At least one; of different sensors, each with one view.
    """
    times, counts = np.array([scan.time_s for scan in scans]), np.array([len(scan) for scan in scans])
    sweep = np.arange(len(scans)).repeat(counts)

    def joined(name: str) -> Floats:
        return np.concatenate([getattr(scan, name) for scan in scans])

    return Sweeps(
        time_s=time_s,
        scans=tuple(scans),
        sensors=np.array([scan.sensor for scan in scans]),
        times_s=times,
        views=np.array([scan.views[0] for scan in scans], np.float64),
        presence=np.array([scan.presence for scan in scans], np.float64),
        first=counts.cumsum() - counts,
        sweep=sweep,
        x_m=joined("x_m"),
        y_m=joined("y_m"),
        variance_xx=joined("variance_xx"),
        variance_xy=joined("variance_xy"),
        variance_yy=joined("variance_yy"),
        range_rate_mps=joined("range_rate_mps"),
        score=joined("score"),
    )


def one_of_each(scans: Sequence[Scan]) -> list[list[Scan]]:
    """Sweeps in groups, in order of time, with no sensor twice in any of them."""
    groups: list[list[Scan]] = []
    count: dict[int, int] = {}
    for scan in sorted(scans, key=lambda one: (one.time_s, one.sensor, one.sequence)):
        number = count.get(scan.sensor, 0)
        count[scan.sensor] = number + 1
        if number == len(groups):
            groups.append([])
        groups[number].append(scan)
    return groups
