"""Replay of one process from a recording, step by step as its journal says.

With the same core, settings and inputs, every message comes out bit for bit as the live process sent it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lukou_messages.codec import decode, encode
from lukou_messages.errors import RecordingError
from lukou_messages.headers import make_header
from lukou_messages.process import Core, Input
from lukou_messages.recording import Recorded, RecordingWriter, read_recording
from lukou_messages.v1.health_pb2 import StepJournal

Key = tuple[str, str, int, int]


@dataclass(slots=True)
class ReplayResult:
    """What a replay found.

    Attributes
    ----------
    steps : int
        Steps replayed.
    messages : int
        Messages that the replay gave.
    identical : int
        Those that equal the recorded ones, bit for bit.
    different : int
        Those that do not.
    missing : int
        Recorded messages of the process that the replay did not give.
    lives : int
        Lives (epochs) of the process in the recording.
    skipped_steps : int
        Steps that could not be replayed: before the first snapshot, or from a message that the recorder did not hear to the
        next snapshot.
    first_difference : str
        Where the first difference is.
    """

    steps: int = 0
    messages: int = 0
    identical: int = 0
    different: int = 0
    missing: int = 0
    lives: int = 0
    skipped_steps: int = 0
    first_difference: str = ""


def replay(
    path: Path,
    process: str,
    make_core: Callable[[], Core],
    out: Path | None = None,
    pace: Callable[[int], None] | None = None,
) -> ReplayResult:
    """Run the core of `process` through a recording and compare what it gives.

    Parameters
    ----------
    path : Path
        Recording.
    process : str
        Name of the process, or its source name where several of one name were recorded.
    make_core : callable
        Gives a fresh core for each life of the process.
    out : Path, optional
        Recording to write the replayed messages to.
    pace : callable, optional
        Called with the time of each step; waits where a speed was asked for.

    Raises
    ------
    RecordingError
        No journal of the process in the recording, or steps that took readings of devices.
    """
    source, own_topics, messages, journal = _load(path, process)
    result = ReplayResult()
    writer = RecordingWriter(out) if out is not None else None
    given: set[Key] = set()
    try:
        for life in _lives(journal):
            result.lives += 1
            _replay_life(life, source, messages, make_core(), result, given, writer, pace)
    finally:
        if writer is not None:
            writer.close()
    result.missing = _missing(messages, source, own_topics, given)
    return result


def _missing(messages: dict[Key, Recorded], source: str, topics: set[str], given: set[Key]) -> int:
    """Recorded messages within the replayed range of each topic and life that the replay did not give."""
    ranges: dict[tuple[str, int], tuple[int, int]] = {}
    for topic, _, epoch, sequence in given:
        low, high = ranges.get((topic, epoch), (sequence, sequence))
        ranges[topic, epoch] = (min(low, sequence), max(high, sequence))
    found = 0
    for key in messages:
        low, high = ranges.get((key[0], key[2]), (1, 0))
        found += key[1] == source and key[0] in topics and low <= key[3] <= high and key not in given
    return found


def _load(path: Path, process: str) -> tuple[str, set[str], dict[Key, Recorded], list[tuple[Recorded, StepJournal]]]:
    messages: dict[Key, Recorded] = {}
    journals: dict[str, list[tuple[Recorded, StepJournal]]] = {}
    for one in read_recording(path):
        if one.topic == "journal":
            entry = StepJournal.FromString(one.payload)
            for name in {entry.process, one.header.source}:
                journals.setdefault(name, []).append((one, entry))
        else:
            messages[one.topic, one.header.source, one.header.epoch, one.header.sequence] = one
    journal = journals.get(process, [])
    sources = {recorded.header.source for recorded, _ in journal}
    if not journal:
        raise RecordingError(f"{path}: holds no journal of {process}; it has {', '.join(sorted(journals)) or 'none'}")
    if len(sources) > 1:
        raise RecordingError(f"{path}: several sources ran {process}; name one of {', '.join(sorted(sources))}")
    source = sources.pop()
    own = {key[0] for key in messages if key[1] == source and key[0] not in ("health", "journal")}
    return source, own, messages, journal


def _lives(journal: list[tuple[Recorded, StepJournal]]) -> Iterator[list[tuple[Recorded, StepJournal]]]:
    epochs: dict[int, list[tuple[Recorded, StepJournal]]] = {}
    for one in journal:
        epochs.setdefault(one[0].header.epoch, []).append(one)
    for epoch in sorted(epochs):
        yield sorted(epochs[epoch], key=lambda one: one[1].step)


def _replay_life(
    life: list[tuple[Recorded, StepJournal]],
    source: str,
    messages: dict[Key, Recorded],
    core: Core,
    result: ReplayResult,
    given: set[Key],
    writer: RecordingWriter | None,
    pace: Callable[[int], None] | None,
) -> None:
    sequences: dict[str, int] = {}
    started, expected_step = False, 0
    for recorded, entry in life:
        if entry.snapshot and (not started or entry.step != expected_step):
            core.restore(entry.snapshot)
            sequences = dict(entry.sequences)
            started = True
        elif entry.step == 1:
            started = True
        if expected_step and entry.step != expected_step and not entry.snapshot:
            started = False  # the recorder lost part of the journal: on from the next snapshot
        expected_step = entry.step + 1
        if entry.has_device_inputs:
            raise RecordingError(f"{source}: its steps took readings of devices, which recordings do not hold")
        inputs = [_input(messages, key.topic, key.source, key.epoch, key.sequence) for key in entry.inputs]
        # Where a recorder came or went between two messages, a step may name one that it did not hear: such a step cannot be
        # made again, nor those after it until the next snapshot.
        good = [one for one in inputs if one is not None]
        if not started or len(good) < len(inputs):
            started = False
            result.skipped_steps += 1
            continue
        if pace is not None:
            pace(entry.now_ns)
        result.steps += 1
        for output in core.step(entry.now_ns, good):
            if output.topic.startswith("device/"):
                continue
            sequences[output.topic] = sequences.get(output.topic, 0) + 1
            key = (output.topic, source, recorded.header.epoch, sequences[output.topic])
            header = make_header(
                source,
                recorded.header.epoch,
                sequences[output.topic],
                output,
                entry.sent_at_ns,
                recorded.header.time_source,
                recorded.header.time_uncertainty_us,
            )
            payload = encode(output.topic, header, output.value)
            given.add(key)
            result.messages += 1
            if writer is not None:
                writer.write(output.topic, payload)
            live = messages.get(key)
            if live is not None and live.payload == payload:
                result.identical += 1
            else:
                result.different += 1
                if not result.first_difference:
                    what = "was not recorded" if live is None else "differs"
                    result.first_difference = f"step {entry.step}: {output.topic} {key[3]} {what}"


def _input(messages: dict[Key, Recorded], topic: str, source: str, epoch: int, sequence: int) -> Input | None:
    one = messages.get((topic, source, epoch, sequence))
    if one is None:
        return None
    decoded = decode(topic, one.payload)
    header = decoded.header
    return Input(topic, source, epoch, sequence, header.measured_at_ns, decoded.value, header.validity)
