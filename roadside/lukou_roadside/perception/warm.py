"""Machine code made ready before the first measurement: `python -m lukou_roadside.perception.warm` compiles it, a process only loads it.

Compiling takes some tens of seconds on a slow machine, once after an installation or a change of the source; `make setup` does it. Loading what is compiled takes some tenths of a second.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_maps import warm as matching
from lukou_roadside.perception import ground
from lukou_roadside.perception.tracking import compiled
from lukou_roadside.perception.tracking import warm as tracker


@cache
def warm() -> None:
    """Load, or compile where nothing is kept, all that perception calls: the tracker's loops, and those over the detections of a picture and over the lanes near them."""
    tracker.warm()
    matching.warm()
    nowhere, somewhere = np.zeros(3), np.ones(1)
    rays = np.ones((4, 1, 3))
    ground.met_ground(rays[0], nowhere, somewhere)
    ground.placed(rays[:3], nowhere, somewhere, np.ones((2, 1)), np.ones(2), somewhere)
    of_classes = np.ones((1, 2)), np.ones((1, 3))
    ground.sizes_fit(rays, rays[0], somewhere > 0.0, np.zeros(1, np.int64), *of_classes, 1.0)


if __name__ == "__main__":
    warm()
    for code in (compiled.CODE, ground.CODE):
        code.tidy()
