"""The perception process: what its shell needs to know."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from lukou_hw.clock.watch import ClockWatch
from lukou_messages.process import Device, ProcessSpec, Trigger
from lukou_roadside.perception.core import Detector, PerceptionCore
from lukou_roadside.perception.mounting import WatchedCamera
from lukou_roadside.perception.mounting_work import Comparisons
from lukou_roadside.perception.settings import CameraSettings, PerceptionSettings
from lukou_roadside.perception.warm import warm


def make_core(settings: PerceptionSettings) -> PerceptionCore:
    """Core with the detector of the settings; sites without cameras load none."""
    warm()
    if not settings.cameras:
        return PerceptionCore(settings)
    at_once = min(settings.pictures_at_once, os.cpu_count() or 1)
    each = map if at_once == 1 else ThreadPoolExecutor(at_once, "detector").map
    return PerceptionCore(settings, _detector(settings), each=each)


def make_devices(settings: PerceptionSettings) -> Sequence[Device]:
    """Drivers of the site's cameras and radars, and the watch over the box's clock."""
    comparisons = Comparisons(settings.map)
    devices = [_camera(settings, camera, comparisons) for camera in settings.cameras]
    devices += [_driver(radar.driver, radar.name, radar.options) for radar in settings.radars]
    clock = _entry("clock", settings.clock_driver)() if settings.clock_driver else None
    return [*devices, ClockWatch(clock, settings.trusts_clock)]


def _camera(settings: PerceptionSettings, camera: CameraSettings, comparisons: Comparisons) -> Device:
    device = _driver(camera.driver, camera.name, camera.options)
    if settings.watch.period_s == 0.0:
        return device
    return WatchedCamera(device, camera, comparisons.judged, comparisons.close, settings.watch.period_s)


def _detector(settings: PerceptionSettings) -> Detector:
    module = import_module("lukou_roadside.detector")  # late: ONNX Runtime takes 0.1 s to import
    detector: Detector = module.load_detector(settings.detector)
    return detector


def _driver(driver: str, name: str, options: dict[str, Any]) -> Device:
    device: Device = _entry(name, driver)(name, **options)
    return device


def _entry(name: str, driver: str) -> Callable[..., Any]:
    """What opens a driver."""
    for entry in entry_points(group="lukou.drivers"):
        if entry.name == driver:
            found: Callable[..., Any] = entry.load()
            return found
    raise LookupError(f"perception: {name}: there is no driver {driver!r}; see `lukou doctor`")


SPEC = ProcessSpec(
    name="perception",
    takes=("detections", "map"),
    gives=("objects", "sensor_report", "picture"),
    trigger=Trigger(period_s=0.1, on=frozenset({"device/*", "detections"})),
    settings=PerceptionSettings,
    make_core=make_core,
    make_devices=make_devices,
)
"""Specification of process ``perception``."""
