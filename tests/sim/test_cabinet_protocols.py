"""The real drivers against the simulated cabinets over real sockets."""

from __future__ import annotations

import random
import socket
import threading
import time
from pathlib import Path

import pytest

import lukou_maps
from lukou_hw.signal_controller.gbt20999 import Gbt20999Controller
from lukou_hw.signal_controller.ntcip1202 import Ntcip1202Controller
from lukou_hw.signal_controller.reading import Condition
from lukou_maps.signal_configuration import load
from lukou_sim.cabinet.core import Cabinet
from lukou_sim.cabinet.gbt20999_server import Gbt20999Server
from lukou_sim.cabinet.ntcip1202_agent import Ntcip1202Agent

pytestmark = pytest.mark.slow
START_NS = 1_700_006_400 * 10**9
SPEED = 2.0  # simulated seconds per second; requests are renewed each second and the backup timer is 5 s


class Bench:
    """A cabinet whose time runs, a server and a driver."""

    def __init__(self, protocol):
        configuration = load(Path(lukou_maps.__file__).parent / "signal_example.json")
        self.cabinet = Cabinet(configuration, START_NS)
        self._stop = threading.Event()
        self._clock = threading.Thread(target=self._run, daemon=True)
        self._clock.start()
        channel = {g.name: g.channel for g in configuration.groups}
        stages = {s.number: [channel[name] for name in s.green] for s in configuration.stages}
        if protocol == "gbt20999":
            self.server = Gbt20999Server(self.cabinet)
            self.driver = Gbt20999Controller("c", "127.0.0.1", self.server.port)
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            self.server = Ntcip1202Agent(self.cabinet, port)
            self.driver = Ntcip1202Controller("c", stages, "127.0.0.1", port, "lukou", is_simulation=True)

    def _run(self):
        began = time.monotonic()
        while not self._stop.wait(0.02):
            self.cabinet.step(START_NS + int((time.monotonic() - began) * SPEED * 1e9))

    def until(self, condition, seconds=20.0, act=lambda: None):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            act()
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError(f"did not happen: {self.driver.read()}")

    def close(self):
        self.driver.close()
        self._stop.set()
        self._clock.join()
        self.server.close()


@pytest.fixture(params=["gbt20999", "ntcip1202"])
def bench(request):
    bench = Bench(request.param)
    yield bench
    bench.close()


def test_driver_reads_holds_changes_and_releases(bench):
    driver, cabinet = bench.driver, bench.cabinet
    bench.until(lambda: driver.read().is_healthy)
    bench.until(lambda: driver.read().colours == cabinet.channels())
    bench.until(lambda: driver.read().is_controlled, act=lambda: driver.request(1))
    bench.until(lambda: cabinet.stage_number == 2, 30, act=lambda: driver.request(2))
    bench.until(lambda: driver.read().stage_number == 2, act=lambda: driver.request(2))
    bench.until(lambda: cabinet.stage_number == 4, 30, act=lambda: driver.request(4))  # stage 3 is left out
    assert not driver.read().is_foreign
    driver.release()
    bench.until(lambda: not cabinet.is_controlled, 1.5)
    cabinet.faults.is_manual = True
    bench.until(lambda: driver.read().condition is Condition.MANUAL)
    cabinet.faults.is_flashing = True
    bench.until(lambda: driver.read().condition is Condition.FLASHING)


def test_a_caller_that_falls_silent_loses_its_request(bench):
    driver, cabinet = bench.driver, bench.cabinet
    bench.until(lambda: driver.read().is_controlled, act=lambda: driver.request(1))
    bench.until(lambda: not cabinet.is_controlled, 3.0)


def test_a_second_writer_is_seen(bench):
    bench.until(lambda: bench.driver.read().is_healthy)
    if isinstance(bench.server, Ntcip1202Agent):
        from lukou_hw.signal_controller import ntcip1202_objects as ntcip

        bench.server._objects._controls[ntcip.control(ntcip.HOLD, 1)] = 255
    else:
        bench.cabinet.request(3)
        bench.cabinet.feed()
    bench.until(lambda: bench.driver.read().is_foreign, 6.0, act=lambda: bench.cabinet.feed())


def test_a_cabinet_that_dies_is_said_and_found_again():
    bench = Bench("gbt20999")
    bench.until(lambda: bench.driver.read().is_healthy)
    port = bench.server.port
    bench.server.close()
    bench.until(lambda: not bench.driver.read().is_healthy)
    assert bench.driver.read().fault
    bench.server = Gbt20999Server(bench.cabinet, port)
    bench.until(lambda: bench.driver.read().is_healthy)
    bench.close()


@pytest.mark.parametrize("answer", [b"", b"\x7e\x7d", b"HTTP/1.1 400\r\n\r\n", bytes(range(256)) * 64])
def test_a_server_that_speaks_nonsense_does_not_stop_the_driver(answer):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    driver = Gbt20999Controller("c", "127.0.0.1", listener.getsockname()[1])
    for _ in range(2):
        connection, _ = listener.accept()
        connection.sendall(answer)
        connection.close()
    assert not driver.read().is_healthy
    driver.close()
    listener.close()


def test_a_server_is_not_stopped_by_nonsense():
    bench, rng = Bench("gbt20999"), random.Random(3)
    bench.until(lambda: bench.driver.read().is_healthy)
    with socket.create_connection(("127.0.0.1", bench.server.port)) as hostile:
        for _ in range(500):
            hostile.sendall(b"\x7e" + rng.randbytes(30) + b"\x7d")
        time.sleep(0.3)
    assert bench.server.refused > 400
    assert bench.driver.read().is_healthy
    bench.close()
