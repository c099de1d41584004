"""Machine code made ready before the first decision: `python -m lukou_cloud.region.search.warm` compiles it, a process only loads it.

Compiling takes some tens of seconds on a slow machine, once after an installation or a change of the source; `make setup` does it.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_cloud.region.search.compiled import CODE
from lukou_cloud.region.search.junction import Movement, compile_junction
from lukou_cloud.region.search.queue_model import LONGEST_REST_S, Traffic
from lukou_cloud.region.search.stage_search import SearchSettings, StageSearch
from lukou_maps.signal_configuration import configuration_from_programme


@cache
def warm() -> None:
    """Decide once, for a made-up crossing of two lanes on which nobody drives."""
    CODE.say_where_kept()
    configuration = configuration_from_programme("warm", [(20.0, "Gr"), (3.0, "yr"), (20.0, "rG"), (3.0, "ry")])
    ways = [Movement(k, k, frozenset({k})) for k in range(2)]
    search = StageSearch(compile_junction(configuration, ways, np.zeros((2, 2), bool)), SearchSettings(horizon_s=10))
    nobody, lanes = np.zeros((2, 1)), np.ones(2)
    traffic = Traffic(
        np.full((2, 1), np.inf),
        np.zeros((2, 1), np.int64),
        nobody + 2.0,
        nobody,
        np.zeros((11, 2)),
        lanes,
        lanes,
        lanes,
        np.zeros((11 + LONGEST_REST_S, 0)),
    )
    search.decide(0, 10.0, traffic, frozenset({1}))


if __name__ == "__main__":
    warm()
    CODE.tidy()
