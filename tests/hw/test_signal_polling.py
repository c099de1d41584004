"""The thread of a polling driver outlives whatever a library throws."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import structlog
from pysnmp.error import PySnmpError

from lukou_hw.signal_controller import polling
from lukou_hw.signal_controller.capability import DIRECT
from lukou_hw.signal_controller.polling import PollingController
from lukou_hw.signal_controller.reading import ControllerReading


class Broken(PollingController):
    """A driver whose calls raise what they are told to."""

    def __init__(self) -> None:
        self.at: dict[str, Exception] = {}
        self.calls = {"connect": 0, "exchange": 0, "disconnect": 0}
        super().__init__("c", DIRECT, 0.01)

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if name in self.at:
            raise self.at[name]

    def connect(self) -> None:
        self._call("connect")

    def exchange(self, wanted: int) -> ControllerReading:
        self._call("exchange")
        return ControllerReading("c", time.time_ns(), colours=(3,))

    def disconnect(self) -> None:
        self._call("disconnect")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.005)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    monkeypatch.setattr(polling, "RETRY_S", 0.01)
    driver = Broken()
    yield driver
    driver.close()


@pytest.mark.parametrize("call", ["connect", "exchange", "disconnect"])
@pytest.mark.parametrize("error", [PySnmpError("damaged"), KeyError("x"), IndexError("x"), OSError("x")])
def test_the_driver_goes_on_after_any_exception(driver: Broken, call: str, error: Exception) -> None:
    until(lambda: driver.read().is_healthy)
    driver.at = {"exchange": error, call: error}
    until(lambda: not driver.read().is_healthy)
    assert driver.read().fault
    before = driver.calls["connect"]
    until(lambda: driver.calls["connect"] > before + 2)
    driver.at = {}
    until(lambda: driver.read().is_healthy)
    assert driver.read().fault == ""


def test_only_changes_of_state_are_logged(driver: Broken) -> None:
    until(lambda: driver.read().is_healthy)
    with structlog.testing.capture_logs() as logs:
        driver.at = {"exchange": KeyError("x")}
        before = driver.calls["connect"]
        until(lambda: driver.calls["connect"] > before + 5)
        driver.at = {}
        until(lambda: driver.read().is_healthy)
    assert [one["event"] for one in logs] == ["controller.lost", "controller.found"]
    assert "KeyError" in logs[0]["fault"]
