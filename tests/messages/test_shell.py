"""The shell over the in-process transport: admission, order, staleness, health, journal and replay."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from toy import SPEC, ToyCore

from lukou_messages.clock import ManualClock
from lukou_messages.codec import decode, encode
from lukou_messages.errors import RecordingError
from lukou_messages.headers import make_header
from lukou_messages.objects import ObjectList
from lukou_messages.process import Input, Output, Trigger
from lukou_messages.recording import RecordingWriter, read_recording
from lukou_messages.replay import replay
from lukou_messages.security import Device, Register
from lukou_messages.shell import MOST_FIRST_CORES, RunSettings, Shell
from lukou_messages.transport.inprocess import Exchange, InProcessTransport
from lukou_messages.transport.interface import Packet

START = 1_790_000_000 * 10**9


def objects(x: float) -> ObjectList:
    return ObjectList.of(1, id=[1], object_class=[1], x_m=[x], y_m=[0])


def payload(x: float, sequence: int, *, at_ns: int = START, epoch: int = START, source: str = "k1/perception") -> bytes:
    return encode(
        "objects", make_header(source, epoch, sequence, Output("objects", objects(x), at_ns), at_ns), objects(x)
    )


class Bench:
    """A toy process between a sender and an ear."""

    def __init__(self, transport_class: type[InProcessTransport] = InProcessTransport, **settings: object) -> None:
        self.clock = ManualClock(START)
        self.exchange = Exchange()
        self.transport = self.exchange.attach("toy", ["objects"])
        self.ear = self.exchange.attach("ear", ["event", "health"])
        register = Register.of([Device("k1/perception", b"k" * 40, frozenset({"objects"}))])
        self.shell = Shell(
            SPEC, ToyCore(), [], identity="toy", clock=self.clock, transport=self.transport, register=register,
            settings=RunSettings(**settings),  # type: ignore[arg-type]
        )  # fmt: skip

    def hear(self, topic: str) -> list[object]:
        return [decode(p.topic, p.payload).value for p in self.ear.receive(0) if p.topic == topic]

    def give(self, data: bytes, user: str = "k1/perception", topic: str = "objects") -> None:
        self.transport.queue.append(Packet(topic, data, user))


def test_steps_on_its_topic_and_stamps_what_it_sends() -> None:
    bench = Bench()
    bench.give(payload(2.5, 1))
    assert bench.shell.turn()
    sent = [p for p in bench.ear.receive(0) if p.topic == "event"]
    header = decode("event", sent[0].payload).header
    assert (header.source, header.epoch, header.sequence, header.sent_at_ns) == ("toy", START, 1, START)
    assert decode("event", sent[0].payload).value.text == "2.500"
    assert not bench.shell.turn()


class CountingCore(ToyCore):
    """Also keeps how many inputs each step was given."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[int] = []

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        self.taken.append(len(inputs))
        return super().step(now_ns, inputs)


def test_a_tick_comes_so_long_after_each_multiple_of_its_period() -> None:
    bench, core = Bench(), CountingCore()
    spec = replace(SPEC, trigger=Trigger(0.1, after_s=0.01))
    shell = Shell(spec, core, [], identity="toy", clock=bench.clock, transport=bench.transport)
    due = []
    for late_ms in range(0, 320, 5):
        bench.clock.set(START + late_ms * 1_000_000)
        if shell.turn():
            due.append(late_ms)
    assert START % 10**8 == 0 and due == [10, 110, 210, 310]


@pytest.mark.parametrize(("is_apart", "inputs"), [(False, [1]), (True, [1, 0])])
def test_a_tick_apart_has_a_step_of_its_own_after_that_of_the_messages(is_apart: bool, inputs: list[int]) -> None:
    bench, core = Bench(), CountingCore()
    spec = replace(SPEC, trigger=Trigger(0.1, frozenset({"objects"}), is_apart))
    shell = Shell(spec, core, [], identity="toy", clock=bench.clock, transport=bench.transport)
    bench.give(payload(2.5, 1))
    assert shell.turn()
    assert core.taken == [1], "no tick is due"
    bench.clock.set(START + 100_000_000)
    bench.give(payload(2.5, 2))
    assert shell.turn()
    assert core.taken[1:] == inputs
    assert not shell.turn()


@pytest.mark.parametrize(
    ("data", "user", "topic", "reason"),
    [
        (b"", "k1/perception", "objects", "empty"),
        (payload(1, 1), "k2/perception", "objects", "revoked_key"),
        (payload(1, 1, source="k2/perception"), "k1/perception", "objects", "speaks_for_another"),
        (payload(1, 1), "k1/perception", "signal", "not_entitled"),
        (payload(1, 1, at_ns=START + 10**10), "k1/perception", "objects", "from_the_future"),
        (payload(1, 1, at_ns=START - 10**11), "k1/perception", "objects", "too_old"),
    ],
    ids=["empty", "unknown", "another", "not_entitled", "future", "old"],
)
def test_bad_packets_are_counted_and_good_ones_beside_them_arrive(
    data: bytes, user: str, topic: str, reason: str
) -> None:
    bench = Bench()
    bench.give(data, user, topic)
    bench.give(payload(4, 5))
    bench.shell.turn()
    assert [event.text for event in bench.hear("event")] == ["4.000"]  # type: ignore[attr-defined]
    assert bench.shell.admission.refused == {reason: 1}


def test_doubled_and_old_messages_change_nothing() -> None:
    bench = Bench()
    for x, sequence, epoch in ((1, 5, START), (10, 5, START), (100, 4, START), (1000, 9, START - 1), (2, 1, START + 1)):
        bench.give(payload(x, sequence, epoch=epoch))
        bench.shell.turn()
    assert bench.shell.core.total == 3  # type: ignore[attr-defined]
    assert bench.shell.admission.refused == {"doubled": 2, "old_epoch": 1}


def test_newest_wins_where_several_wait() -> None:
    bench = Bench()
    for sequence in range(1, 6):
        bench.give(payload(sequence, sequence))
    bench.shell.turn()
    assert bench.shell.core.total == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(("uncertainty_us", "validity"), [(1000, 1), (80_000, 2), (500_000, 3)])
def test_an_unsure_clock_lowers_the_validity_of_lists(uncertainty_us: int, validity: int) -> None:
    header = make_header("k1/perception", START, 1, Output("objects", objects(1), START), START, 3, uncertainty_us)
    bench = Bench()
    [one] = bench.shell.admission.admit([Packet("objects", encode("objects", header, objects(1)))], START)
    assert one.validity == validity


def test_health_tells_age_gaps_and_refusals() -> None:
    bench = Bench()
    bench.give(payload(1, 1))
    bench.give(b"", "k1/perception")
    bench.shell.turn()
    bench.clock.advance(0.9)
    bench.give(payload(1, 4, at_ns=bench.clock.now_ns()))
    bench.shell.turn()
    bench.clock.advance(0.9)
    bench.shell.turn()
    health = bench.hear("health")[-1]
    assert health.refused == {"empty": 1}  # type: ignore[attr-defined]
    [one] = health.inputs  # type: ignore[attr-defined]
    assert (one.received, one.missed, one.is_stale) == (2, 2, True)
    assert one.age_s == pytest.approx(0.9)


def test_snapshots_are_restored_and_a_broken_one_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "toy.snapshot"
    bench = Bench(snapshot_file=file)
    bench.give(payload(7, 1))
    bench.shell.turn()
    bench.clock.advance(1.5)
    bench.shell.turn()
    again = Bench(snapshot_file=file)
    again.shell.restore()
    assert again.shell.core.total == 7  # type: ignore[attr-defined]
    file.write_bytes(b"\xff torn")
    fresh = Bench(snapshot_file=file)
    fresh.shell.restore()
    assert fresh.shell.core.total == 0  # type: ignore[attr-defined]
    assert not file.exists() and file.with_suffix(".bad").exists()


class RecordedTransport(InProcessTransport):
    """In-process transport with one recorder, which comes after `late` steps."""

    writer: RecordingWriter
    late = 0
    _known = False

    def is_recorded(self) -> bool:
        self.late -= 1
        return self.late < 0

    def new_recorders(self) -> bool:
        came = self.late <= 0 and not self._known
        self._known = self._known or came
        return came

    def record(self, topic: str, data: bytes) -> None:
        if self.late < 0:
            self.writer.write(topic, data)


@pytest.mark.parametrize("late", [0, 7])
def test_a_recording_replays_bit_for_bit(tmp_path: Path, late: int) -> None:
    path = tmp_path / "live.mcap"
    bench = Bench()
    transport = RecordedTransport(bench.exchange, "toy", frozenset({"objects"}), None)
    transport.late = late
    bench.shell.transport = transport
    with RecordingWriter(path) as writer:
        transport.writer = writer
        for sequence in range(1, 31):
            bench.clock.advance(0.1)
            data = payload(sequence / 3, sequence, at_ns=bench.clock.now_ns())
            writer.write("objects", data)
            transport.queue.append(Packet("objects", data, "k1/perception"))
            bench.shell.turn()
    results = [replay(path, "toy", ToyCore, tmp_path / f"out{i}.mcap") for i in range(2)]
    assert results[0] == results[1]
    assert (results[0].identical, results[0].different, results[0].missing) == (30 - late, 0, 0)
    assert len(list(read_recording(tmp_path / "out0.mcap"))) == 30 - late

    class Wrong(ToyCore):
        def step(self, now_ns, inputs):  # type: ignore[no-untyped-def]
            self.total += 1e-3
            return super().step(now_ns, inputs)

    assert replay(path, "toy", Wrong).different == 30 - late


def test_replay_says_what_a_recording_lacks(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "empty.mcap") as writer:
        writer.write("objects", payload(1, 1))
    with pytest.raises(RecordingError, match="no journal of toy"):
        replay(tmp_path / "empty.mcap", "toy", ToyCore)
    (tmp_path / "no.mcap").write_bytes(b"not mcap")
    with pytest.raises(RecordingError, match=r"no\.mcap"):
        replay(tmp_path / "no.mcap", "toy", ToyCore)


@pytest.mark.slow
def test_a_torn_recording_is_read_up_to_the_tear_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "live.mcap"
    with RecordingWriter(path) as writer:
        for sequence in range(1, 20_001):
            writer.write("objects", payload(sequence % 1000, sequence, at_ns=START + sequence * 10**8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    found = [one.header.sequence for one in read_recording(path)]
    assert 5000 < len(found) < 20_000 and found == list(range(1, len(found) + 1))
    with RecordingWriter(path) as again:
        assert again.path == tmp_path / "live.1.mcap"
    assert path.read_bytes() == whole[: len(whole) * 2 // 3]


def test_a_new_life_is_later_whatever_the_clock_says(tmp_path: Path) -> None:
    file = tmp_path / "toy.epoch"
    first = Bench(epoch_file=file)
    clock = ManualClock(START - 3600 * 10**9)
    second = Shell(
        SPEC,
        ToyCore(),
        [],
        identity="toy",
        clock=clock,
        transport=first.transport,
        settings=RunSettings(epoch_file=file),
    )
    assert second.epoch == first.shell.epoch + 1


def test_measure_file_holds_times_of_objects(tmp_path: Path) -> None:
    file = tmp_path / "toy.jsonl"
    bench = Bench(measure_file=file)
    bench.give(payload(7, 3))
    bench.shell.turn()
    bench.shell.close()
    [line] = file.read_text().splitlines()
    assert json.loads(line)["in"] == [["objects", "k1/perception", START, 3, START]]


def test_a_process_gives_way_only_once_it_has_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, done = Bench(niceness=12, real_time_priority=1), list[object]()
    monkeypatch.setattr(bench.shell, "restore", lambda: done.append("restored"))
    monkeypatch.setattr("lukou_messages.shell.give_way", done.append)
    monkeypatch.setattr("lukou_messages.shell.answer_first", lambda priority: done.append(f"first {priority}"))
    bench.shell.run(lambda: True)
    assert done == ["restored", 12, "first 1"]  # the other way round, giving way would take priority back


def test_a_process_that_goes_first_and_computes_all_the_time_goes_with_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, given_up, busy = Bench(), list[bool](), 1.2 * MOST_FIRST_CORES
    monkeypatch.setattr("lukou_messages.shell.answer_like_others", lambda: given_up.append(True))
    bench.shell._is_first = True
    bench.shell._give_up_priority(busy, 5.0)  # starting
    bench.shell.steps = 1
    for cores in (busy, busy, 0.1, busy, busy):
        bench.shell._give_up_priority(cores, 1.0)
    assert not given_up
    assert not bench.shell.faults
    bench.shell._give_up_priority(busy, 10.0)  # a report that came late stands for all the time since the last
    assert given_up == [True]
    bench.shell.turn()
    health = bench.hear("health")[0]
    assert "of every second" in health.faults[0]  # type: ignore[attr-defined]


def test_an_output_may_know_its_clock_better_than_the_settings():
    usual = make_header("k1/perception", 1, 1, Output("objects", objects(1.0), 5), 5)
    assert usual.time_uncertainty_us == 1000
    unsure = make_header("k1/perception", 1, 1, Output("objects", objects(1.0), 5, time_uncertainty_s=0.07), 5)
    assert unsure.time_uncertainty_us == 70_000
    unknown = make_header("k1/perception", 1, 1, Output("objects", objects(1.0), 5, time_uncertainty_s=math.inf), 5)
    assert not unknown.HasField("time_uncertainty_us")
