"""Recall, precision and error of lists against truth, on numbers that can be checked by hand."""

import numpy as np

from lukou_messages.objects import ObjectList, TruthList
from lukou_sim.bench_perception import PerceptionScore


def truth(x: list[float], visible: list[float], speed: float = 0.0) -> TruthList:
    n = len(x)
    return TruthList.of(
        n,
        names=[f"v{k}" for k in range(n)],
        id=np.arange(n) + 1,
        object_class=np.array([1, 6, 1, 1][:n]),
        x_m=x,
        y_m=np.zeros(n),
        velocity_x_mps=np.full(n, speed),
        velocity_y_mps=np.zeros(n),
        visible_fraction=visible,
    )


def listed(x: list[float]) -> ObjectList:
    n = len(x)
    return ObjectList.of(n, id=np.arange(n) + 1, object_class=np.ones(n), x_m=x, y_m=np.zeros(n))


def test_recall_precision_and_error() -> None:
    score = PerceptionScore(0.0, 0.0)
    # found with 0.5 m, missed, hidden (does not count), too far (does not count)
    lists = truth([0.0, 10.0, 20.0, 80.0], [1.0, 0.5, 0.1, 1.0])
    assert score.add(0, listed([0.5, 30.0, 20.2]), [(0, lists)])
    figures = score.figures()
    assert figures["objects_recall"] == 0.5
    assert figures["objects_precision"] == 0.5
    assert figures["position_error_m"] == 0.5
    assert figures["by_class"]["pedestrian"]["recall"] == 0.0  # type: ignore[index]


def test_truth_is_taken_at_the_lists_own_time() -> None:
    score = PerceptionScore(0.0, 0.0)
    assert score.add(100_000_000, listed([1.0]), [(0, truth([0.0], [1.0], speed=10.0))])
    assert score.figures()["position_error_m"] == 0.0
    assert not score.add(10**9, listed([1.0]), [(0, truth([0.0], [1.0]))])


def test_nothing_measured_is_null() -> None:
    assert PerceptionScore(0.0, 0.0).figures()["objects_recall"] is None


def test_one_road_user_is_not_found_twice() -> None:
    score = PerceptionScore(0.0, 0.0)
    score.add(0, listed([0.1, -0.1]), [(0, truth([0.0], [1.0]))])
    assert score.figures()["objects_precision"] == 0.5
