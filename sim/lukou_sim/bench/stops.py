"""Emergency braking that a signal may have caused: who brakes hard as its green ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EMERGENCY_MPS2 = 6.0
"""Who brakes harder did not choose to. [m/s²]"""
AFTER_S = 5
"""So long after the end of a green braking is because of it. [s]"""


@dataclass(slots=True)
class EmergencyStops:
    """Follows all vehicles second by second.

    Whether who braked so stands afterwards, or drives over the line, makes no difference: either was too near to stop at ease.

    Attributes
    ----------
    count : int
        Emergency stops.
    speeds_mps : dict
        Speed of every vehicle in the last second.
    """

    count: int = 0
    speeds_mps: dict[str, float] = field(default_factory=dict)
    _ended_s: dict[str, int] = field(default_factory=dict)  # last end of a green, by lane

    def end(self, lane: str, second: int) -> None:
        """A green of a lane ends."""
        self._ended_s[lane] = second

    def step(self, second: int, vehicles: Mapping[str, tuple[str, float]]) -> None:
        """One second.

        Parameters
        ----------
        second : int
            Of the simulation.
        vehicles : mapping of str to (str, float)
            Lane and speed of each. [m/s]
        """
        for name, (lane, speed) in vehicles.items():
            if self.speeds_mps.get(name, 0.0) - speed > EMERGENCY_MPS2:
                ended_s = self._ended_s.get(lane)
                self.count += ended_s is not None and second - ended_s <= AFTER_S
        self.speeds_mps = {name: speed for name, (_, speed) in vehicles.items()}
