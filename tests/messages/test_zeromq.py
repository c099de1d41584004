"""ZeroMQ: keys, rights, revocation on a live link, commands, records, hostile input."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from lukou_messages.codec import encode
from lukou_messages.errors import SettingsError
from lukou_messages.headers import make_header
from lukou_messages.process import Output
from lukou_messages.records import Outbox, RecordIntake
from lukou_messages.security import Authenticator, Device, KeyPair, Register, save_register
from lukou_messages.transport.interface import Packet
from lukou_messages.transport.settings import CommandLink, Intake, LinkSettings, Uplink
from lukou_messages.transport.sockets import harden, use_curve
from lukou_messages.transport.zeromq import ZeroMqTransport
from lukou_messages.v1 import event_pb2

T = time.time_ns()


def event(sequence: int, source: str = "k1/signal") -> bytes:
    value = event_pb2.Event(event_id=f"{source}/{sequence}", kind="test")
    return encode("event", make_header(source, T, sequence, Output("event", value, T), T), value)


def wait_for(found: Callable[[], object], seconds: float = 8.0) -> object:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        result = found()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError("nothing came in time")


class Plant:
    """A cloud tier with two registered devices, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = {name: KeyPair.new() for name in ("cloud", "k1", "k2", "stranger")}
        for name, pair in self.keys.items():
            pair.save(folder / f"{name}.key")
        self.register = folder / "register.toml"
        self.write_register()
        self.open: list[ZeroMqTransport] = []
        self.port = 20_000 + os.getpid() % 20_000 + len(str(folder)) * 7 % 1000
        self.cloud = self.make("cloud", intake=Intake(endpoint=self.endpoint(0)), command_server=self.endpoint(1),
                               register_file=self.register)  # fmt: skip

    def endpoint(self, offset: int) -> str:
        return f"tcp://127.0.0.1:{self.port + offset}"

    def write_register(self, revoked: tuple[str, ...] = ()) -> None:
        topics = frozenset({"event", "command_reply"})
        save_register(
            self.register,
            {name: Device(name, self.keys[name].public, topics, (), name in revoked) for name in ("k1", "k2")},
        )

    def make(self, name: str, **settings: object) -> ZeroMqTransport:
        transport = ZeroMqTransport(LinkSettings(identity=name, secret_key=self.folder / f"{name}.key", **settings))  # type: ignore[arg-type]
        self.open.append(transport)
        return transport

    def device(self, name: str) -> ZeroMqTransport:
        key = self.keys["cloud"].public.decode()
        return self.make(
            name,
            uplinks=(Uplink(endpoint=self.endpoint(0), server_key=key, topics=("event",)),),
            commands=CommandLink(endpoint=self.endpoint(1), server_key=key),
        )


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path)
    yield made
    for transport in made.open:
        transport.close()


def send_until_heard(plant: Plant, device: ZeroMqTransport, payload: bytes) -> list[Packet]:
    def turn() -> list[Packet]:
        device.send("event", payload)
        return list(plant.cloud.receive(0.02))

    found = wait_for(turn)
    assert isinstance(found, list)
    return found


def test_a_registered_device_is_heard_under_its_name(plant: Plant) -> None:
    heard = send_until_heard(plant, plant.device("k1"), event(1, "k1"))
    assert {(packet.user, packet.topic) for packet in heard} == {("k1", "event")}


def test_a_stranger_gets_nothing_in_and_a_good_device_beside_it_everything(plant: Plant) -> None:
    stranger, good = plant.device("stranger"), plant.device("k1")
    for _ in range(50):
        stranger.send("event", event(1, "k1"))
        assert plant.cloud.receive(0.01) == []
    send_until_heard(plant, good, event(1, "k1"))
    assert wait_for(lambda: plant.cloud.counters().get("handshake_denied", 0))


def test_revocation_takes_effect_on_a_live_connection(plant: Plant) -> None:
    device = plant.device("k1")
    send_until_heard(plant, device, event(1, "k1"))
    plant.write_register(revoked=("k1",))
    assert plant.cloud.refresh_rights()
    plant.cloud.receive(0.1)  # what was on its way was checked too
    for _ in range(30):
        device.send("event", event(2, "k1"))
        assert plant.cloud.receive(0.01) == []
    assert plant.cloud.counters()["revoked_key"] >= 1
    send_until_heard(plant, plant.device("k2"), event(1, "k2"))


def test_commands_reach_the_named_device_only_and_an_absent_one_is_an_error(plant: Plant) -> None:
    one, two = plant.device("k1"), plant.device("k2")

    def both_known() -> bool:
        one.receive(0.0)
        two.receive(0.0)
        plant.cloud.receive(0.02)
        server = plant.cloud._command_server
        assert server is not None
        return len(server._routes) == 2

    wait_for(both_known)
    plant.cloud.send("command", b"for k1", to="k1")
    assert wait_for(lambda: [p.payload for p in one.receive(0.05)]) == [b"for k1"]
    assert two.receive(0.05) == []
    one.send("command_reply", b"done")
    assert wait_for(lambda: [(p.user, p.payload) for p in plant.cloud.receive(0.05)]) == [("k1", b"done")]
    plant.cloud.send("command", b"nobody", to="k9")
    assert plant.cloud.counters()["addressee_unknown"] == 1


@pytest.mark.slow
def test_hostile_messages_at_every_socket_stop_nothing(plant: Plant) -> None:
    """10 000 bad packets at intake and command server, with a good key: refused by reason, good ones arrive."""
    context = zmq.Context()
    sockets = []
    for offset in (0, 1):
        socket = context.socket(zmq.DEALER)
        harden(socket)
        use_curve(socket, plant.keys["k2"], plant.keys["cloud"].public.decode())
        socket.connect(plant.endpoint(offset))
        sockets.append(socket)
    good = plant.device("k1")
    send_until_heard(plant, good, event(1, "k1"))
    before = sum(plant.cloud.counters().values())
    shapes = [
        [b"event"],
        [b"event", b"a", b"b"],
        [b"", b""],
        [b"\xff" * 200, b"x"],
        [b"signal", b"x"],
        [b"event" * 9, b""],
    ]
    for number in range(5000):
        for socket in sockets:
            socket.send_multipart(shapes[number % len(shapes)])
        if number % 100 == 0:
            plant.cloud.receive(0.001)
    wait_for(lambda: plant.cloud.receive(0.0) == [] and sum(plant.cloud.counters().values()) - before > 1000)
    heard = send_until_heard(plant, good, event(2, "k1"))
    assert heard[-1].user == "k1"
    context.destroy(linger=0)


def test_keys_that_others_can_read_or_that_are_samples_are_refused(tmp_path: Path) -> None:
    KeyPair.new().save(tmp_path / "a.key")
    os.chmod(tmp_path / "a.key", 0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        KeyPair.load(tmp_path / "a.key")
    sample = KeyPair(b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
    sample.save(tmp_path / "b.key")
    with pytest.raises(SettingsError, match="sample key"):
        KeyPair.load(tmp_path / "b.key")
    (tmp_path / "c.key").write_text("nonsense")
    with pytest.raises(SettingsError, match="lukou keys new"):
        KeyPair.load(tmp_path / "c.key")


def test_no_public_key_looks_like_an_option() -> None:
    assert not any(KeyPair.new().public.startswith(b"-") for _ in range(400))


class Archive:
    """A record intake on a context of its own, which can be killed and started again."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.kept, self.fails = plant, [], 0
        self.start()

    def start(self) -> None:
        register = Register.load(self.plant.register)
        self.context = zmq.Context()
        self.zap = Authenticator(self.context, register)
        self.intake = RecordIntake(self.context, self.plant.endpoint(2), self.plant.keys["cloud"], register, self.store)

    def store(self, packets: object) -> None:
        if self.fails:
            self.fails -= 1
            raise sqlite3.OperationalError("disk full")
        self.kept += [packet.payload for packet in packets]  # type: ignore[attr-defined]

    def stop(self) -> None:
        self.intake.close()
        self.zap.close()
        self.context.destroy(linger=0)


@pytest.mark.slow
def test_records_survive_a_dead_archive_a_full_disk_and_a_dead_sender(plant: Plant, tmp_path: Path) -> None:
    archive = Archive(plant)
    context = zmq.Context()

    def outbox() -> Outbox:
        key = plant.keys["cloud"].public.decode()
        return Outbox(context, tmp_path / "outbox.sqlite", plant.endpoint(2), plant.keys["k1"], key)

    sender = outbox()
    for number in range(100):
        sender.put("event", b"%d" % number)
    wait_for(lambda: len(set(archive.kept)) == 100)
    archive.stop()
    for number in range(100, 200):
        sender.put("event", b"%d" % number)
    time.sleep(0.3)
    sender.close()  # the sender goes too: its rows are on disk
    sender = outbox()
    archive.fails = 2
    archive.start()
    for number in range(200, 300):
        sender.put("event", b"%d" % number)
    sender.put("objects", b"no record")  # poison: set aside, blocks nothing
    sender.put("event", b"300")
    wait_for(lambda: b"300" in archive.kept, 15)
    first_seen = list(dict.fromkeys(archive.kept))
    assert first_seen == [b"%d" % number for number in range(301)]
    sender.close()
    archive.stop()
    context.destroy(linger=0)


def test_a_burst_longer_than_a_batch_loses_nothing(plant: Plant, tmp_path: Path) -> None:
    context = zmq.Context()
    key = plant.keys["cloud"].public.decode()
    outbox = Outbox(context, tmp_path / "outbox.sqlite", plant.endpoint(2), plant.keys["k1"], key)
    for number in range(1000):
        outbox.put("event", b"%d" % number)
    outbox.close()
    context.destroy(linger=0)
    database = sqlite3.connect(tmp_path / "outbox.sqlite")
    kept = [int(payload) for (payload,) in database.execute("SELECT payload FROM outbox ORDER BY number")]
    database.close()
    assert kept == list(range(1000)) and outbox.dropped == 0


def test_a_damaged_outbox_is_kept_aside_and_a_new_one_begun(plant: Plant, tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    file.write_bytes(b"this is no database" * 100)
    context = zmq.Context()
    outbox = Outbox(context, file, plant.endpoint(2), plant.keys["k1"], plant.keys["cloud"].public.decode())
    outbox.put("event", b"1")
    outbox.close()
    context.destroy(linger=0)
    [aside] = tmp_path.glob("outbox.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    database = sqlite3.connect(file)
    assert database.execute("SELECT topic, payload FROM outbox").fetchall() == [("event", b"1")]
    database.close()
