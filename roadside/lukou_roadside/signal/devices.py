"""Devices of the signal process: the controller's driver, the box and the command log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

from lukou_hw.clock import ClockSource
from lukou_hw.signal_controller.reading import ControllerDevice, SignalController, TakesPlans
from lukou_maps.signal_configuration import load
from lukou_messages.process import Device
from lukou_roadside.signal.command_log import CommandLog
from lukou_roadside.signal.host import Host
from lukou_roadside.signal.settings import SignalSettings


def make_devices(settings: SignalSettings) -> Sequence[Device]:
    """The controller's driver, the box and the command log."""
    open_controller = _driver("driver", f"signal_controller.{settings.driver}")
    configuration = load(settings.configuration)
    channel = {group.name: group.channel for group in configuration.groups}
    stages = {stage.number: tuple(channel[name] for name in stage.green) for stage in configuration.stages}
    controller: SignalController = open_controller(name=settings.device, stages=stages, **settings.driver_options)
    return devices_for(settings, controller)


def devices_for(settings: SignalSettings, controller: SignalController, host: bool = True) -> Sequence[Device]:
    """Devices around a given controller; without `host` time is the process's own (lockstep). ValueError where it does not take what the site says."""
    if settings.takes == "plans" and not isinstance(controller, TakesPlans):
        raise ValueError(f"signal.takes: the driver {settings.driver} cannot hand plans to its cabinet; choose stages")
    log = CommandLog(settings.command_log)
    if not host:
        return [ControllerDevice(controller), log]
    clock: ClockSource | None = None
    if settings.clock_driver:
        clock = _driver("clock_driver", settings.clock_driver)()
    box = Host(settings.arm_file, settings.reset_file, clock, settings.trusts_clock)
    return [ControllerDevice(controller), log, box]


def _driver(key: str, name: str) -> Callable[..., Any]:
    """Factory of an installed driver; ValueError names the setting at fault."""
    found = [entry for entry in entry_points(group="lukou.drivers") if entry.name == name]
    if not found:
        raise ValueError(f"signal.{key}: no installed driver is called {name}; see `lukou doctor`")
    factory: Callable[..., Any] = found[0].load()
    return factory
