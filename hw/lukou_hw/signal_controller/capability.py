"""What each kind of controller can do, and who watches each of SAFETY's invariants there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Watch = Literal["guard enforces", "supervised by read-back", "cabinet", "not covered"]


@dataclass(frozen=True, slots=True)
class Capability:
    """Record of one kind of controller.

    Attributes
    ----------
    kind : {"stage", "ring"}
        Takes stages, or holds and force-offs of phases.
    slowest_command_s : float
        Longest time from a request to its first effect on the street. [s]
    read_back_s : float
        Period of the read-back. [s]
    backup_s : float
        The cabinet's own timer after which it returns to its plan when nothing is heard. [s]
    backup : str
        How that timer works.
    countdown : bool
        Whether countdown displays can be told the end.
    invariants : mapping of int to str
        By number in SAFETY: who watches.
    """

    kind: Literal["stage", "ring"]
    slowest_command_s: float
    read_back_s: float
    backup_s: float
    backup: str
    countdown: bool
    invariants: Mapping[int, Watch] = field(default_factory=dict)

    @property
    def latency_s(self) -> float:
        """Slowest command and one read-back together. [s]"""
        return self.slowest_command_s + self.read_back_s


_COMMON: dict[int, Watch] = {
    1: "supervised by read-back",  # the cabinet's monitor is what prevents; the guard sees and withdraws
    2: "supervised by read-back",
    3: "guard enforces",
    4: "supervised by read-back",
    5: "supervised by read-back",
    6: "supervised by read-back",
    7: "guard enforces",
    8: "cabinet",
    **dict.fromkeys((9, 10, 11, 12, 13, 14, 15), "guard enforces"),
    16: "cabinet",
    17: "guard enforces",
    18: "supervised by read-back",
    **dict.fromkeys((19, 20, 21, 22, 23, 24), "guard enforces"),
    25: "not covered",
    26: "not covered",
    27: "guard enforces",
    28: "not covered",
}

GBT20999 = Capability(
    kind="stage",
    slowest_command_s=0.5,
    read_back_s=0.2,
    backup_s=5.0,
    backup="centre control ends when no stage order and no heartbeat arrives for the configured time",
    countdown=False,
    invariants=_COMMON,
)
NTCIP1202 = Capability(
    kind="ring",
    slowest_command_s=0.7,
    read_back_s=0.3,
    backup_s=5.0,
    backup="unitBackupTime: restarted by any SET of a control object by any manager, so a second writer defeats it",
    countdown=False,
    invariants={**_COMMON, 8: "supervised by read-back"},
)
DIRECT = Capability(
    kind="stage",
    slowest_command_s=0.1,
    read_back_s=0.1,
    backup_s=5.0,
    backup="as the simulated cabinet is configured",
    countdown=False,
    invariants=_COMMON,
)
