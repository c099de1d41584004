"""Errors of the messages room.

LukouError
├── Refused            a message from outside that is not accepted; carries a counted reason
├── SettingsError      a site file or key that cannot be used; carries all problems at once
└── RecordingError     a recording that cannot be read or replayed
"""

from __future__ import annotations

from collections.abc import Sequence


class LukouError(Exception):
    """Base of every error that Lukou raises on purpose."""


class Refused(LukouError):
    """A message from outside that is not accepted.

    Parameters
    ----------
    reason : str
        One of a small set of words in ``snake_case``; metrics count by it.
    detail : str
        What was found and what was expected.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class SettingsError(LukouError):
    """Settings that cannot be used; `problems` holds one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class RecordingError(LukouError):
    """A recording that cannot be read or replayed."""
