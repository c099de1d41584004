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
    radar_x_m, radar_y_m, azimuth_rad, opening_rad, range_min_m, range_max_m, presence : (s, 1) float array
        Where each radar stands and looks, as in `View`, and what the absence of a return says.
    first : (s,) int array
        Number of each sweep's first return among all.
    sweep : (n,) int array
        Which sweep each return is of.
    since_s : (n,) float array
        Its instant, from `time_s`. [s]
    x_m, y_m, variance_xx, variance_xy, variance_yy, range_rate_mps, score : (n,) float array
        As in `Scan`.
    """

    time_s: float
    scans: tuple[Scan, ...]
    sensors: Ints
    times_s: Floats
    radar_x_m: Floats
    radar_y_m: Floats
    azimuth_rad: Floats
    opening_rad: Floats
    range_min_m: Floats
    range_max_m: Floats
    presence: Floats
    first: Ints
    sweep: Ints
    since_s: Floats
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
    views = [scan.views[0] for scan in scans]
    times, counts = np.array([scan.time_s for scan in scans]), np.array([len(scan) for scan in scans])
    sweep = np.arange(len(scans)).repeat(counts)

    def column(values: list[float]) -> Floats:
        return np.array(values)[:, None]

    def joined(name: str) -> Floats:
        return np.concatenate([getattr(scan, name) for scan in scans])

    return Sweeps(
        time_s=time_s,
        scans=tuple(scans),
        sensors=np.array([scan.sensor for scan in scans]),
        times_s=times,
        radar_x_m=column([view.x_m for view in views]),
        radar_y_m=column([view.y_m for view in views]),
        azimuth_rad=column([view.azimuth_rad for view in views]),
        opening_rad=column([view.opening_rad for view in views]),
        range_min_m=column([view.range_min_m for view in views]),
        range_max_m=column([view.range_max_m for view in views]),
        presence=column([scan.presence for scan in scans]),
        first=counts.cumsum() - counts,
        sweep=sweep,
        since_s=(times - time_s)[sweep],
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
