"""The region process: what its shell needs to know."""

from __future__ import annotations

from lukou_cloud.region.core import make_core
from lukou_cloud.region.settings import RegionSettings
from lukou_messages.process import ProcessSpec, Trigger

SPEC = ProcessSpec(
    name="region",
    takes=("fused_objects", "signal", "warning", "command_reply", "map"),
    gives=("fused_objects", "traffic", "traffic_log", "command", "command_log", "event"),
    trigger=Trigger(period_s=0.2),
    settings=RegionSettings,
    make_core=make_core,
)
"""Specification of process ``region``."""
