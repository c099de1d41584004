"""Recordings: MCAP files with the messages of a site as they were sent, and the journals of its processes.

Layout: profile ``lukou``, zstd chunks, one protobuf schema per message type, one channel per topic and source; the log
time of a message is its ``sent_at``, the publish time its ``measured_at``, both nanoseconds POSIX UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from mcap.reader import NonSeekingReader
from mcap.writer import CompressionType, Writer

from lukou_messages.codec import MESSAGE_CLASSES
from lukou_messages.columns import ColumnList
from lukou_messages.errors import RecordingError
from lukou_messages.topics import TOPICS
from lukou_messages.v1.header_pb2 import Header

log = structlog.get_logger()


class _HeaderOnly:
    """Reads the header (field 1) of any message without the rest."""

    @staticmethod
    def of(topic: str, payload: bytes) -> Header:
        kind = MESSAGE_CLASSES[TOPICS[topic].type]
        message = (kind.TWIN if issubclass(kind, ColumnList) else kind).FromString(payload)
        return message.header  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One message of a recording."""

    topic: str
    header: Header
    payload: bytes


class RecordingWriter:
    """Writes a recording; the file is complete after `close`, and readable up to the last chunk without it.

    A file that exists is never overwritten: the recording goes to ``name.1.mcap`` and so on, see `path`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = _free(path)
        self._file = self.path.open("xb")
        self._writer = Writer(self._file, compression=CompressionType.ZSTD, chunk_size=512 * 1024)
        self._writer.start(profile="lukou", library="lukou")
        self._schemas: dict[str, int] = {}
        self._channels: dict[tuple[str, str], int] = {}
        self.messages = 0

    def write(self, topic: str, payload: bytes) -> None:
        """Append one message in its wire form."""
        header = _HeaderOnly.of(topic, payload)
        key = (topic, header.source)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._writer.register_channel(
                topic=topic,
                message_encoding="protobuf",
                schema_id=self._schema(TOPICS[topic].type),
                metadata={"source": header.source},
            )
            self._channels[key] = channel
        self._writer.add_message(
            channel_id=channel,
            log_time=header.sent_at_ns,
            publish_time=header.measured_at_ns,
            sequence=header.sequence & 0xFFFFFFFF,
            data=payload,
        )
        self.messages += 1

    def _schema(self, name: str) -> int:
        if name not in self._schemas:
            kind = MESSAGE_CLASSES[name]
            descriptor = (kind.PUBLIC if issubclass(kind, ColumnList) else kind).DESCRIPTOR
            files = FileDescriptorSet()
            _add_file(descriptor.file, files, set())
            self._schemas[name] = self._writer.register_schema(
                name=name, encoding="protobuf", data=files.SerializeToString()
            )
        return self._schemas[name]

    def close(self) -> None:
        self._writer.finish()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _free(path: Path) -> Path:
    """The path, or the next numbered one that does not exist."""
    number, free = 0, path
    while free.exists():
        number += 1
        free = path.with_suffix(f".{number}{path.suffix}")
    return free


def _add_file(file: FileDescriptor, files: FileDescriptorSet, seen: set[str]) -> None:
    if file.name in seen:
        return
    seen.add(file.name)
    for needed in file.dependencies:
        _add_file(needed, files, seen)
    file.CopyToProto(files.file.add())


def read_recording(path: Path, topics: set[str] | None = None) -> Iterator[Recorded]:
    """Messages of a recording in the order in which they were written.

    A torn tail, as a killed recorder leaves it, ends the reading and is logged.

    Raises
    ------
    RecordingError
        The file is not a recording of Lukou.
    """
    found = 0
    try:
        with path.open("rb") as file:
            reader: Any = NonSeekingReader(file)  # reads in order, needs no index: a recording may end anywhere
            for _, channel, message in reader.iter_messages(topics=topics, log_time_order=False):
                if channel.topic in TOPICS:
                    found += 1
                    yield Recorded(channel.topic, _HeaderOnly.of(channel.topic, message.data), message.data)
    except OSError as error:
        raise RecordingError(f"{path}: {error}") from None
    except Exception as error:
        if not found:
            raise RecordingError(f"{path}: not a readable MCAP recording: {error!r}") from None
        log.warning("recording.torn", file=str(path), messages=found, error=repr(error)[:120])
