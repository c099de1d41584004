"""What failing sensors of k1 do to pictures, sweeps and time stamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lukou_hw.radar.reading import RadarScan
from lukou_sim.world.scenario import Failure, FailureKind

COVERED_LEVEL, COVERED_NOISE = 40.0, 4.0
"""Brightness and noise behind a covered lens. [0..255]"""


class Faults:
    """Failures of one list, by time; remembers what a frozen radar goes on to tell.

    Parameters
    ----------
    failures : sequence of Failure
        When what fails.
    """

    def __init__(self, failures: Sequence[Failure]) -> None:
        self._failures = failures
        self._held: dict[str, RadarScan] = {}

    def active(self, kind: FailureKind, site: str, sensor: str, now_s: float) -> Iterator[Failure]:
        """Failures of a kind that a sensor has at an instant, seconds after the start."""
        for one in self._failures:
            is_now = one.at_s <= now_s < one.at_s + one.for_s
            if is_now and one.kind == kind and one.site == site and one.sensor in ("*", sensor):
                yield one

    def has(self, kind: FailureKind, site: str, sensor: str, now_s: float) -> bool:
        """Whether a sensor fails so at an instant."""
        return any(True for _ in self.active(kind, site, sensor, now_s))

    def clock_offset_ns(self, site: str, sensor: str, now_s: float) -> int:
        """How much later than the truth a sensor's stamps are. [ns]"""
        return sum(round(one.offset_s * 1e9) for one in self.active("clock_offset", site, sensor, now_s))

    def turn_deg(self, site: str, camera: str, now_s: float) -> float:
        """How far a camera has turned to the left. [degrees]"""
        return sum(one.turn_deg for one in self.active("camera_turned", site, camera, now_s))

    def turns(self, site: str, camera: str) -> set[float]:
        """Turns that a camera will have one after another. [degrees]"""
        return {
            one.turn_deg
            for one in self._failures
            if one.kind == "camera_turned" and one.site == site and one.sensor in ("*", camera)
        }

    def told(self, site: str, sweep: RadarScan, now_s: float) -> RadarScan:
        """What a radar tells in place of a true sweep: while frozen the same returns again, numbered and stamped on."""
        if self.has("radar_frozen", site, sweep.radar, now_s):
            held = self._held.setdefault(sweep.radar, sweep)
        else:
            held = sweep
            self._held.pop(sweep.radar, None)
        late_ns = self.clock_offset_ns(site, sweep.radar, now_s)
        return replace(held, sequence=sweep.sequence, measured_at_ns=sweep.measured_at_ns + late_ns)


def covered(rng: np.random.Generator, shape: tuple[int, int] = (384, 640)) -> NDArray[np.uint8]:
    """(h, w, 3) Picture of a camera whose lens is covered: dark, without content, its noise alive."""
    return np.clip(rng.normal(COVERED_LEVEL, COVERED_NOISE, (*shape, 3)), 0, 255).astype(np.uint8)
