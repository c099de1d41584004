"""How far a warning is to be trusted: stale lists, lost signals, unsure lanes and moved cameras lower it, and it says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lukou_cloud.edge.service_settings import TrustSettings
from lukou_cloud.fusion.tracks import UnitTracks
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.sensor_pb2 import SensorReport

HALF = 0.5
"""A lane less probable than this is no more probable than all others together."""


@dataclass
class Condition:
    """What is not in order at the moment.

    Attributes
    ----------
    settings : TrustSettings
        Factors.
    dark : set of str
        Intersections whose signals are not known.
    degraded : set of str
        Units whose last list says that it is degraded.
    moved : dict of str to tuple of str
        Cameras that have moved, by unit.
    """

    settings: TrustSettings
    dark: set[str] = field(default_factory=set)
    degraded: set[str] = field(default_factory=set)
    moved: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def take_sensors(self, unit: str, report: SensorReport) -> None:
        """Note which of a unit's cameras have moved."""
        names = tuple(one.sensor for one in report.sensors if one.HasField("mounting") and one.mounting.has_moved)
        if names:
            self.moved[unit] = names
        else:
            self.moved.pop(unit, None)

    def faults(self, silent: Iterable[str]) -> list[str]:
        """For health: what is lowered or withheld now, and why."""
        said = [f"{unit} is silent: nobody is warned of what only it sees" for unit in silent]
        said += [
            f"signals of {name} are not known: warnings there are trusted less, red-light warnings and speed advice withheld"
            for name in sorted(self.dark)
        ]
        said += [f"{unit} is degraded: warnings from it are trusted less" for unit in sorted(self.degraded)]
        return said + [
            f"{', '.join(names)} of {unit} moved: warnings from it are trusted less"
            for unit, names in sorted(self.moved.items())
        ]

    def judged(
        self, warning: warning_pb2.Warning, seen: tuple[UnitTracks, Any] | None, units: list[str]
    ) -> tuple[float, list[str]]:
        """Trust in a warning, and what lowers it.

        Parameters
        ----------
        warning : Warning
            What is to be sent.
        seen : (UnitTracks, (n,) array of int) or None
            Everybody, with the bit set of the units behind each.
        units : list of str
            Units, in the order of the bits.

        Returns
        -------
        confidence : float
            0 to 1; 1: everything is in order.
        doubts : list of str
            One entry per reason.
        """
        s, trust, doubts = self.settings, 1.0, []
        if warning.intersection in self.dark:
            trust, doubts = trust * s.no_signals, [f"signals of {warning.intersection} are not known"]
        if seen is None:
            return trust, doubts
        tracks, bits = seen
        rows = np.flatnonzero(np.isin(tracks.id, [user.object_id for user in warning.road_users]))
        behind = int(np.bitwise_or.reduce(bits[rows])) if len(rows) else 0
        names = [name for k, name in enumerate(units) if behind >> k & 1]
        for name in names:
            if name in self.degraded:
                trust, doubts = trust * s.degraded_list, [*doubts, f"{name} is degraded"]
            if name in self.moved:
                trust, doubts = trust * s.moved_camera, [*doubts, f"{', '.join(self.moved[name])} of {name} moved"]
        late = rows[tracks.unmeasured_s[rows] > s.coasted_s]
        if len(late):
            worst = float(tracks.unmeasured_s[late].max())
            trust, doubts = trust * s.coasted, [*doubts, f"{tracks.id[late[0]]} not measured for {worst:.1f} s"]
        unsure = self._unsure(warning, tracks, rows)
        return (trust * s.unsure_lane, [*doubts, unsure]) if unsure else (trust, doubts)

    def _unsure(self, warning: warning_pb2.Warning, tracks: UnitTracks, rows: Any) -> str:
        """Says whose lane is unsure where the warning rests on it; empty: nobody's."""
        lanes = {user.object_id: user.lane for user in warning.road_users if user.lane}
        for row in rows.tolist():
            number, told = int(tracks.id[row]), float(tracks.lane_probability[row])
            if number in lanes and 0.0 < told < HALF:
                return f"{number} is on {lanes[number]} with probability {told:.2f} only"
        return ""


def withheld_in_words(counts: Mapping[str, int]) -> str:
    """How many warnings are withheld now, and why; empty: none."""
    if not counts:
        return ""
    reasons = "; ".join(f"{count} because {reason}" for reason, count in sorted(counts.items()))
    return f"warnings withheld: {reasons}"
