"""The centre process: what its shell needs to know."""

from __future__ import annotations

from collections.abc import Sequence

from lukou_cloud.centre.core import CentreCore
from lukou_cloud.centre.settings import CentreSettings
from lukou_messages.process import Device, ProcessSpec, Trigger


def make_devices(settings: CentreSettings) -> Sequence[Device]:
    """The archive with its intake, and the page's server."""
    from lukou_cloud.centre.archive import Archive
    from lukou_cloud.centre.devices import ArchiveDevice
    from lukou_cloud.web.server import PageDevice

    archive = Archive(settings.archive.file)
    return [ArchiveDevice(settings.archive, archive), PageDevice(settings, archive)]


SPEC = ProcessSpec(
    name="centre",
    takes=("fused_objects", "signal", "warning", "traffic", "health", "vehicle", "sensor_report", "picture"),
    gives=("event", "map"),
    trigger=Trigger(period_s=0.5, on=frozenset({"fused_objects"})),
    settings=CentreSettings,
    make_core=CentreCore,
    make_devices=make_devices,
)
"""Specification of process ``centre``."""
