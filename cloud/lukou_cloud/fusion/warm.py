"""Machine code of the hand-over made ready: a process loads it before it begins."""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_cloud.fusion.handover import least_cost
from lukou_maps.warm import warm_routing


@cache
def warm() -> None:
    """Assign one to one, and find a way over nothing."""
    least_cost(np.ones((1, 1)))
    warm_routing()
