"""What a radar gives and what a radar driver must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lukou_messages.process import Input, Output
from lukou_messages.v1.header_pb2 import TimeSource


@dataclass(frozen=True, slots=True, eq=False)
class RadarScan:
    """Returns of one sweep of one radar; arrays of equal length, one element per return.

    Attributes
    ----------
    radar : str
        Name of the radar within its site, for example ``radar-north``.
    measured_at_ns : int
        Middle of the sweep, nanoseconds POSIX UTC.
    sequence : int
        Number that the radar gives to its sweeps; gaps are lost sweeps.
    range_m : (n,) float32 array
        Distance from the radar along the ground. [m]
    azimuth_rad : (n,) float32 array
        Direction relative to the radar's boresight, counter-clockwise positive. [rad]
    range_rate_mps : (n,) float32 array
        Rate of change of the distance; approaching is negative. [m/s]
    radar_cross_section_dbsm : (n,) float32 array
        Power of the return relative to one square metre. [dB]
    time_source : int
        Value of `TimeSource`.
    time_uncertainty_s : float
        Standard uncertainty of `measured_at_ns`. [s]
    refused : int
        Datagrams that the driver refused since its start.
    lost : int
        Sweeps missing in the radar's own numbering since its start.
    """

    radar: str
    measured_at_ns: int
    sequence: int
    range_m: NDArray[np.float32]
    azimuth_rad: NDArray[np.float32]
    range_rate_mps: NDArray[np.float32]
    radar_cross_section_dbsm: NDArray[np.float32]
    time_source: int = TimeSource.TIME_SOURCE_LOCAL
    time_uncertainty_s: float = 0.02
    refused: int = 0
    lost: int = 0

    def __len__(self) -> int:
        return len(self.range_m)


class Radar(Protocol):
    """A radar driver, polled by the process shell; gives `RadarScan` readings on topic ``device/<name>``; never waits."""

    name: str

    def poll(self, now_ns: int) -> Sequence[Input]:
        """What has been read since the last call, without waiting."""

    def send(self, outputs: Sequence[Output]) -> None:
        """Radars take no orders: ignored."""

    def close(self) -> None:
        """Release everything."""
