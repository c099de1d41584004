"""The world compiles nothing while a demo runs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

WATCH = """
from lukou_sim.compiled import CODE
from lukou_sim.warm import warm
warm()
ready = CODE.versions()
from tests.sim import test_render, test_sensors
test_sensors.test_a_bus_hides_the_car_behind_it()
test_render.test_labels_lie_around_what_was_drawn()
print(ready, CODE.versions())
"""


def test_what_is_warmed_up_is_all_that_is_needed() -> None:
    told = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True, timeout=250, check=True)
    ready, after = np.array(told.stdout.split(), int).tolist()
    assert ready >= 4
    assert after == ready
