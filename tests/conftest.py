"""Which tests need the machine for themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

REAL_TIME = (
    "hw",
    "messages",
    "sim/test_cabinet_protocols.py",
    "sim/test_world_process.py",
    "system/test_demo.py",
    "system/test_demo_command.py",
    "system/test_sensor_faults.py",
    "system/test_two_edges.py",
)
"""Folders and files of tests with real processes, sockets or devices, which count on the clock; other tests of the whole system run in lockstep."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, so that `make test` runs them one at a time."""
    here = Path(__file__).parent
    for item in items:
        if any(item.path.is_relative_to(here / place) for place in REAL_TIME):
            item.add_marker(pytest.mark.real_time)
