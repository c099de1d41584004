"""The devices of the signal process: its command log on a failing disk, and the box with its clock."""

from __future__ import annotations

import errno
import json
import os
import time

import pytest

from lukou_hw.clock import ClockReading
from lukou_messages.process import Output
from lukou_roadside.signal import command_log, host
from lukou_roadside.signal.command_log import CommandLog
from lukou_roadside.signal.devices import devices_for
from lukou_roadside.signal.host import Host
from lukou_roadside.signal.settings import SignalSettings
from lukou_sim.cabinet.direct import DirectController


def answers(log: CommandLog, count: int) -> list[tuple]:
    got: list[tuple] = []
    end = time.monotonic() + 5.0
    while len(got) < count:
        assert time.monotonic() < end, "did not happen"
        got += [one.value for one in log.poll(0)]
        time.sleep(0.005)
    return got


def record(number: int) -> dict:
    return {"kind": "command", "id": f"c{number}", "authority": 7, "epoch": 1, "sequence": number, "bytes": "00"}


def append(log: CommandLog, number: int) -> tuple:
    log.send([Output("device/command_log", ("append", f"c{number}", record(number)), 0)])
    return answers(log, 1)[0]


@pytest.fixture
def log(tmp_path):
    log = CommandLog(str(tmp_path / "folder" / "commands.log"))
    answers(log, 1)  # resumed
    yield log
    log.close()


def full_disk(file, data):
    """Takes half of what is written."""
    os.write(file.fileno(), bytes(data)[: len(data) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def test_half_a_line_of_a_full_disk_spoils_no_later_record(log, tmp_path, monkeypatch):
    path = tmp_path / "folder" / "commands.log"
    assert append(log, 1) == ("written", "c1")
    with monkeypatch.context() as patch:
        patch.setattr(command_log, "_write_whole", full_disk)
        assert append(log, 2)[:2] == ("failed", "c2")
        assert "No space left" in log.faults()[0]
    assert path.read_bytes().count(b"\n") == 1 and path.read_bytes().endswith(b"\n")
    assert append(log, 3) == ("written", "c3")
    assert log.faults() == []
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["c1", "c3"]
    assert answers(CommandLog(str(path)), 1) == [("resumed", {7: (1, 3)}, 0)]


def test_a_half_line_that_cannot_be_cut_stands_alone(log, tmp_path, monkeypatch):
    path = tmp_path / "folder" / "commands.log"
    assert append(log, 1) == ("written", "c1")
    with monkeypatch.context() as patch:
        patch.setattr(command_log, "_write_whole", full_disk)
        patch.setattr(command_log, "_cut", refuse_to_cut)
        assert append(log, 2)[:2] == ("failed", "c2")
    assert not path.read_bytes().endswith(b"\n")
    assert append(log, 3) == ("written", "c3")
    assert json.loads(path.read_text().splitlines()[-1])["id"] == "c3"
    assert answers(CommandLog(str(path)), 1) == [("resumed", {7: (1, 3)}, 0)]


def refuse_to_cut(file, size):
    raise OSError(errno.EIO, "Input/output error")


def test_a_folder_that_cannot_be_made_is_answered_and_the_writer_lives(tmp_path):
    (tmp_path / "folder").write_text("a file where the folder should be")
    log = CommandLog(str(tmp_path / "folder" / "commands.log"))
    answers(log, 1)
    assert append(log, 1)[:2] == ("failed", "c1")
    assert log.faults()
    (tmp_path / "folder").unlink()
    assert append(log, 2) == ("written", "c2")
    log.close()


class Clock:
    """A clock source that says what it is told."""

    name = "clock"

    def __init__(self, uncertainty_s: float, is_synchronised: bool = True) -> None:
        self.reading = ClockReading(
            0, None, uncertainty_s, is_synchronised=is_synchronised, reason="nothing disciplines"
        )
        self.asked = 0

    def read(self) -> ClockReading:
        self.asked += 1
        return self.reading


@pytest.mark.parametrize(
    ("clock", "trusts", "is_good"),
    [
        (Clock(0.01), False, True),
        (Clock(1.0), False, True),
        (Clock(1.1), False, False),
        (Clock(1.1), True, False),  # it can tell, and tells that it is bad
        (Clock(float("inf"), False), False, False),
        (Clock(float("inf"), False), True, True),
        (None, False, False),
        (None, True, True),
    ],
)
def test_the_clock_is_judged(clock, trusts, is_good):
    reading = Host(clock=clock, trusts_clock=trusts).poll(0)[0].value
    assert (reading.clock_fault == "") is is_good


def test_the_clock_is_asked_once_a_second(monkeypatch):
    now = [10**12]
    monkeypatch.setattr(host.time, "monotonic_ns", lambda: now[0])
    clock = Clock(0.01)
    box = Host(clock=clock)
    for _ in range(25):
        assert box.poll(0)[0].value.clock_fault == ""
        now[0] += 100_000_000
    assert clock.asked == 3
    clock.reading = Clock(5.0).reading
    now[0] += 1_000_000_000
    assert "5.0 s" in box.poll(0)[0].value.clock_fault


def test_the_box_gets_the_clock_of_the_settings(configuration):
    settings = SignalSettings(configuration="-", trusts_clock=True)
    controller = DirectController.__new__(DirectController)
    controller.name = "controller"
    box = devices_for(settings, controller)[-1]
    assert box.name == "host" and box._clock.name == "clock" and box._trusts_clock
    with pytest.raises(ValueError, match=r"signal\.clock_driver"):
        devices_for(SignalSettings(configuration="-", clock_driver="clock.moon"), controller)
