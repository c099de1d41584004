"""The recording that stands beside the documentation, read by our reader and by any MCAP reader that knows protobuf.

``python tests/messages/test_golden_recording.py`` writes it again; do so only when the format itself is meant to change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from mcap.reader import make_reader

from lukou_messages.codec import decode, encode
from lukou_messages.objects import ObjectList
from lukou_messages.recording import RecordingWriter, read_recording
from lukou_messages.v1 import signal_pb2
from lukou_messages.v1.header_pb2 import Header

GOLDEN = Path(__file__).parents[2] / "docs/examples/recording.mcap"
T = 1_790_000_000 * 10**9
X_M, SPEED_MPS, CLASS = [1.5, -20.25, 300.0], [8.0, 0.0, -1.25], [1, 6, 5]


def objects() -> ObjectList:
    """Three road users: a car, a person who stands, a bicycle."""
    return ObjectList.of(
        3,
        sensor_names=("camera-north",),
        id=[7, 8, 9],
        object_class=CLASS,
        x_m=X_M,
        y_m=[0.0, 4.0, -7.5],
        velocity_x_mps=SPEED_MPS,
        velocity_y_mps=[0.0, 0.0, 0.5],
    )


def header(source: str, sequence: int) -> Header:
    at_ns = T + sequence * 100_000_000
    return Header(
        source=source, epoch=T, sequence=sequence, measured_at_ns=at_ns, sent_at_ns=at_ns + 5_000_000, validity=1
    )


def signal() -> signal_pb2.SignalState:
    """One group that is green for another 12 s at least."""
    green = signal_pb2.SignalColour.SIGNAL_COLOUR_GREEN
    state = signal_pb2.SignalState(intersection="k1")
    state.groups.add(group="N-through", colour=green, min_end_at_ns=T + 12 * 10**9)
    return state


def write(path: Path) -> None:
    with RecordingWriter(path) as writer:
        for sequence in (1, 2):
            writer.write("objects", encode("objects", header("k1/perception", sequence), objects()))
            writer.write("signal", encode("signal", header("k1/signal", sequence), signal()))


def test_our_reader_gives_what_was_written() -> None:
    found = list(read_recording(GOLDEN))
    assert [(one.topic, one.header.source, one.header.sequence) for one in found] == [
        ("objects", "k1/perception", 1),
        ("signal", "k1/signal", 1),
        ("objects", "k1/perception", 2),
        ("signal", "k1/signal", 2),
    ]
    told = decode("objects", found[2].payload)
    assert told.header == header("k1/perception", 2)
    assert told.value.x_m.tolist() == X_M
    assert told.value.velocity_x_mps.tolist() == SPEED_MPS
    assert told.value.object_class.tolist() == CLASS
    assert told.value.sensor_names == ("camera-north",)
    assert decode("signal", found[1].payload).value.groups[0].min_end_at_ns == T + 12 * 10**9


def understood(schema: Any, payload: bytes) -> Message:
    """A message decoded by nothing but the schema that stands in the file."""
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(schema.data).file:
        pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(schema.name)).FromString(payload)


def test_any_reader_understands_it_by_the_schemas_inside() -> None:
    with GOLDEN.open("rb") as stream:
        reader = make_reader(stream)
        rows = [
            (channel.topic, message.log_time, message.publish_time, understood(schema, message.data))
            for schema, channel, message in reader.iter_messages()
        ]
        assert reader.get_header().profile == "lukou"
    assert [row[0] for row in rows] == ["objects", "signal", "objects", "signal"]
    assert (rows[0][1], rows[0][2]) == (T + 105_000_000, T + 100_000_000)
    assert list(rows[0][3].x_m) == X_M  # type: ignore[attr-defined]
    assert rows[0][3].object_count == 3  # type: ignore[attr-defined]
    assert rows[1][3].groups[0].group == "N-through"  # type: ignore[attr-defined]


def test_todays_writer_gives_the_same_messages(tmp_path: Path) -> None:
    write(tmp_path / "now.mcap")
    now, golden = list(read_recording(tmp_path / "now.mcap")), list(read_recording(GOLDEN))
    assert [(one.topic, one.payload) for one in now] == [(one.topic, one.payload) for one in golden]
    assert np.all([a.header == b.header for a, b in zip(now, golden, strict=True)])


if __name__ == "__main__":
    GOLDEN.unlink(missing_ok=True)
    write(GOLDEN)
