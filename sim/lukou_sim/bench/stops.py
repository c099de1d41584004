"""Emergency stops that a signal causes: who brakes hard as its green ends, and then stands before the stop line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

EMERGENCY_MPS2 = 6.0
"""Who brakes harder did not choose to. [m/s²]"""
AFTER_S = 5
"""So long after the end of a green braking is because of it. [s]"""
STANDING_MPS = 0.1


@dataclass(slots=True)
class EmergencyStops:
    """Follows all vehicles second by second.

    Who brakes as hard and then drives over the line in yellow braked for somebody, not for the signal: where two turning lanes merge
    behind their line, SUMO's vehicles do so in green too.

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
    _braking: dict[str, str] = field(default_factory=dict)  # who has braked hard, and in which street

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
                if ended_s is not None and second - ended_s <= AFTER_S:
                    self._braking[name] = _street(lane)
        for name, street in list(self._braking.items()):
            now, speed = vehicles.get(name, ("", 0.0))
            if _street(now) != street:
                del self._braking[name]
            elif speed < STANDING_MPS:
                self.count += 1
                del self._braking[name]
        self.speeds_mps = {name: speed for name, (_, speed) in vehicles.items()}


def _street(lane: str) -> str:
    return lane.rsplit("_", 1)[0]
