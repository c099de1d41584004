"""Machine code of matching and routing made ready: `python -m lukou_maps.warm` compiles it, a process only loads it."""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_maps.compiled import CODE
from lukou_maps.grid import Cells
from lukou_maps.matching_loops import (
    Access,
    Lines,
    angle_costs,
    best_of_each,
    class_costs,
    costs,
    near_lanes,
    nearest_lanes,
    ranked,
)
from lukou_maps.quickest import Graph, quickest


@cache
def warm() -> None:
    """Match a point to nothing, in every way."""
    one, nothing, narrow = np.zeros(1), np.full(1, -1), np.zeros(1, np.int32)
    cells = Cells(0.0, 0.0, 1.0, 0.0, 0.0, 1, np.zeros(1, np.int64), narrow, np.ones(1, np.int16), narrow)
    lines = Lines(np.ones((9, 1)), nothing, one, one, one > 0.0, one > 0.0, one)
    nearest_lanes(cells, lines, one, one, 1.0, 1.0)
    near_lanes(cells, lines, one, one, np.inf, 1.0)
    best_of_each(nothing[:0], one[:0], 1)
    none, some, access = nothing[:0], one[:0], Access(one > 0.0, nothing)
    costs(np.zeros((2, 0), np.int64), np.zeros((9, 0)), some, none, some, access)
    angle_costs(some, none, some, some, access, some)
    class_costs(none, none, access)
    ranked(none, some)


@cache
def warm_routing() -> None:
    """Find a way over nothing."""
    quickest(Graph(np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0)), 0, np.inf)


if __name__ == "__main__":
    warm()
    warm_routing()
    CODE.tidy()
