"""Records of a time from where they lie: the centre's archive, or a recording."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lukou_messages.codec import decode
from lukou_messages.errors import LukouError, RecordingError
from lukou_messages.recording import read_recording

TOPICS = ("traffic_log", "warning_log", "event", "command_log", "reply_log")
"""What indicators are made of."""

ARCHIVE_GLOBS = ("archive.sqlite", "data/archive.sqlite", "*.sqlite")
"""Where a folder holds its archive, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its topic, when it was measured, nanoseconds POSIX UTC, and its message; None where that cannot be read."""

    topic: str
    at_ns: int
    value: Any


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from."""

    path: Path
    from_ns: int
    to_ns: int

    def records(self) -> Iterator[Record]:
        """Records of the time.

        Raises
        ------
        RecordingError
            The file cannot be read.
        """
        read = self._recorded if self.path.suffix == ".mcap" else self._archived
        try:
            yield from read()
        except sqlite3.DatabaseError as error:
            raise RecordingError(f"{self.path}: not a readable archive: {error}") from None

    def missing(self) -> int | None:
        """Records that were numbered and never came; None for recordings, which may begin and end anywhere."""
        if self.path.suffix == ".mcap":
            return None
        with _opened(self.path) as archive:
            rows = archive.execute(
                "SELECT MAX(sequence) - MIN(sequence) + 1 - COUNT(*) FROM records GROUP BY source, epoch, topic"
            )
            return sum(int(row[0]) for row in rows)

    def _archived(self) -> Iterator[Record]:
        with _opened(self.path) as archive:
            for topic in TOPICS:
                rows = archive.execute(
                    "SELECT measured_at_ns, payload FROM records WHERE topic = ? AND measured_at_ns >= ?"
                    " AND measured_at_ns < ? ORDER BY measured_at_ns",
                    (topic, self.from_ns, self.to_ns),
                )
                for at_ns, payload in rows:
                    yield _record(topic, int(at_ns), payload)

    def _recorded(self) -> Iterator[Record]:
        for one in read_recording(self.path, set(TOPICS)):
            if self.from_ns <= one.header.measured_at_ns < self.to_ns:
                yield _record(one.topic, one.header.measured_at_ns, one.payload)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """For reading only: the centre may be writing."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as archive:
        yield archive


def _record(topic: str, at_ns: int, payload: bytes) -> Record:
    try:
        return Record(topic, at_ns, decode(topic, payload).value)
    except LukouError:
        return Record(topic, at_ns, None)


def found_at(path: Path) -> Path:
    """The archive or recording that a person names: the file, or what lies in the folder.

    Raises
    ------
    RecordingError
        There is none.
    """
    if path.is_file():
        return path
    if path.is_dir():
        for pattern in (*ARCHIVE_GLOBS, "*.mcap"):
            for file in sorted(path.glob(pattern)):
                if file.suffix == ".mcap" or _is_archive(file):
                    return file
    raise RecordingError(f"{path}: no archive (archive.sqlite) and no recording (.mcap) here; name the file")


def _is_archive(path: Path) -> bool:
    try:
        with _opened(path) as archive:
            return bool(archive.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone())
    except sqlite3.DatabaseError:
        return False
