"""The edge process: what its shell needs to know."""

from __future__ import annotations

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_cloud.edge.warm import warm
from lukou_messages.process import ProcessSpec, Trigger


def make_core(settings: EdgeSettings) -> EdgeCore:
    """Core of the settings."""
    warm()
    return EdgeCore(settings)


AFTER_SIGNALS_S = 0.01
"""Signals tell their state at the tenths of a second. The edge's own step comes when they are in and reads them, so that no list waits for that. [s]"""

SPEC = ProcessSpec(
    name="edge",
    takes=("objects", "signal", "vehicle", "map", "sensor_report"),
    gives=("fused_objects", "warning", "warning_log", "advice", "event"),
    trigger=Trigger(period_s=0.1, on=frozenset({"objects"}), is_apart=True, after_s=AFTER_SIGNALS_S),
    settings=EdgeSettings,
    make_core=make_core,
)
"""Specification of process ``edge``."""
