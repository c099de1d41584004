"""What timing knows of one intersection at an instant: estimated queues, who is seen, and how much is seen at all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lukou_cloud.region.lineup import Seen


@dataclass(frozen=True)
class Situation:
    """Estimated state of the queues of one intersection.

    Attributes
    ----------
    queue : (q,) float array
        Road users that stand, or will have to, now.
    waited_s : (q,) float array
        Longest wait in each queue so far. [s]
    flow, red_flow : (q,) float array
        Road users that leave a queue each second with right of way and without. [1/s]
    walkers : (crossings,) float array
        People who wait beside each crosswalk, who has waited long counted more.
    coming : tuple of (int, float)
        Who walks over a refuge to another crosswalk: which, and when he is there from now. [s]
    on_foot : tuple of (int, float, float)
        Who waits beside a crosswalk: which, since when, and what he counts by it. [-, s, -]
    vehicles : int
        Vehicles seen on the approaches.
    pedestrians : int
        People who wait.
    seen : tuple of Seen
        Vehicles on the approaches.
    rates : (q,) float array
        Learned arrival rates. [1/s]
    inside : tuple of int
        Lane of each vehicle that stands inside the intersection, by map index.
    view_m : (lanes,) float array
        How far before the stop line each lane is watched, or the map ends; beyond, the usual traffic is expected. [m]
    hidden_rates : (lanes,) float array
        Vehicles that come without being seen. [1/s]
    room, drain : (exits,) float array
        Vehicles that each exit takes, and how fast it gets room again; empty: nothing known. [-, 1/s]
    green_share : (lanes,) float array
        Share of the time in which each lane had right of way of late.
    change_share : float
        Share of the time in which stages changed of late; 0: not known.
    share : float
        Share of the vehicles that is seen.
    red_s : (lanes,) float array
        Since each lane last had right of way. [s]
    is_few : bool
        Whether it may well be that very few are seen.
    """

    queue: NDArray[np.float64]
    waited_s: NDArray[np.float64]
    flow: NDArray[np.float64]
    red_flow: NDArray[np.float64]
    walkers: NDArray[np.float64]
    vehicles: int
    pedestrians: int
    seen: tuple[Seen, ...] = ()
    rates: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    inside: tuple[int, ...] = ()
    view_m: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    hidden_rates: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    room: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    drain: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    green_share: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    change_share: float = 0.0
    share: float = 1.0
    is_few: bool = False
    red_s: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    coming: tuple[tuple[int, float], ...] = ()
    on_foot: tuple[tuple[int, float, float], ...] = ()
