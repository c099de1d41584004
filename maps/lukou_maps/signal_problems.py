"""Problems of a signal configuration, all reported at once.

MapError
└── SignalConfigurationError   a signal configuration is refused; lists every problem
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lukou_maps.errors import MapError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    path : str
        Where, for example ``groups.N-through.min_green_s``.
    found, expected, remedy : str
        What stands there, what should, and what to do.
    is_warning : bool
        True where the file may still be used.
    """

    path: str
    found: str
    expected: str
    remedy: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.found}; expected {self.expected}; {self.remedy}"


class SignalConfigurationError(MapError):
    """A signal configuration is refused.

    Attributes
    ----------
    problems : tuple of Problem
        Everything that is wrong.
    """

    def __init__(self, where: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{where}: {problem}" for problem in self.problems))
