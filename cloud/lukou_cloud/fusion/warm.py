"""Machine code of the hand-over made ready: a process loads it before it begins."""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_cloud.fusion.gates import Gates, Way
from lukou_cloud.fusion.handover import least_cost
from lukou_cloud.fusion.lost import Candidates, likelihoods, overdues
from lukou_maps.warm import warm_routing


@cache
def warm() -> None:
    """Assign one to one, compare one with nobody, miss nobody, learn nothing of a way, and find one over nothing."""
    least_cost(np.ones((1, 1)))
    none, gates, way = np.zeros(0), Gates(), Way(0, 0, 0, 0)
    likelihoods(Candidates(none, none, none, none > 0.0, none, none, np.zeros((9, 0))), 1.0, 4.0, 10.0)
    overdues(np.zeros((9, 0)), none, np.zeros((2, 0)), 0.1)
    gates.overdue(way, 1.0, (1.0, 0.0), 0.1)
    gates.took(way, 1.0, (1.0, 0.0))
    warm_routing()
