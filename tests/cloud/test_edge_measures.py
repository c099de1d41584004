"""Measures of conflict and covariance intersection on numbers from the definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, affinity, box

from lukou_cloud.edge.measures import overlaps, required_braking, time_to_collision
from lukou_cloud.fusion.covariance_intersection import intersection


def test_time_to_collision() -> None:
    found = time_to_collision(np.array([20.0, 20.0, -1.0]), np.array([10.0, -1.0, 5.0]))
    assert found.tolist() == [2.0, math.inf, 0.0]


def test_required_braking() -> None:
    # 10 m/s towards a standing one at 10 m: v^2 / 2 g = 5
    assert required_braking(np.array([10.0]), np.array([10.0]), np.zeros(1), np.zeros(1))[0] == pytest.approx(5.0)
    # both at 10 m/s, the leader brakes with 5 m/s^2 and stands after 10 m more: 10^2 / (2 * 20)
    assert required_braking(np.array([10.0]), np.array([10.0]), np.array([10.0]), np.array([5.0]))[0] == pytest.approx(
        2.5
    )
    assert required_braking(np.array([10.0]), np.array([5.0]), np.array([10.0]), np.zeros(1))[0] == 0.0


def rectangle(x: float, y: float, yaw: float, length: float, width: float) -> Polygon:
    return affinity.translate(
        affinity.rotate(box(-length / 2, -width / 2, length / 2, width / 2), yaw, (0, 0), True), x, y
    )


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-4, 4), st.floats(-4, 4), st.floats(0.5, 12), st.floats(0.5, 3))
def test_overlap_is_the_polygons_overlap(x: float, y: float, a: float, b: float, length: float, width: float) -> None:
    one, other = rectangle(0, 0, a, 4.5, 1.8), rectangle(x, y, b, length, width)
    area = one.intersection(other).area
    if 0 < area < 1e-6 or (area == 0 and one.distance(other) < 1e-6):
        return
    columns = (
        np.array([v])
        for v in (x, y, math.cos(a), math.sin(a), math.cos(b), math.sin(b), 2.25, 0.9, length / 2, width / 2)
    )
    assert bool(overlaps(*columns)[0]) == (area > 0)


@given(
    st.floats(0.05, 4),
    st.floats(0.05, 4),
    st.floats(-0.9, 0.9),
    st.floats(0.05, 4),
    st.floats(0.05, 4),
    st.floats(-0.9, 0.9),
)
def test_intersection_claims_no_more_than_either_estimate(
    axx: float, ayy: float, ar: float, bxx: float, byy: float, br: float
) -> None:
    a = np.array([[axx, ar * math.sqrt(axx * ayy)], [ar * math.sqrt(axx * ayy), ayy]])
    b = np.array([[bxx, br * math.sqrt(bxx * byy)], [br * math.sqrt(bxx * byy), byy]])
    _, _, xx, xy, yy = intersection([0, 0, axx, a[0, 1], ayy], [1, 1, bxx, b[0, 1], byy])
    joined = np.array([[xx, xy], [xy, yy]])
    assert np.linalg.eigvalsh(joined).min() > 0
    # consistent for every correlation: some convex combination of the informations, so never better than their sum
    assert np.linalg.eigvalsh(np.linalg.inv(a) + np.linalg.inv(b) - np.linalg.inv(joined)).min() > -1e-6
    # and for equal estimates it claims nothing new
    _, _, sxx, _, syy = intersection([0, 0, axx, a[0, 1], ayy], [0, 0, axx, a[0, 1], ayy])
    assert (sxx, syy) == pytest.approx((axx, ayy))


@pytest.mark.parametrize("common", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_three_units_joined_are_honest_however_much_of_their_errors_they_share(common: float) -> None:
    """Normalised error squared of long covariances that cross, over 600 draws: 2 at most; the units taken for independent would come to 4.2 at 0.9."""
    rng, draws = np.random.default_rng(5), 600
    told = [
        np.array(one) for one in ([[4.0, 0.0], [0.0, 0.09]], [[0.2, 0.12], [0.12, 1.5]], [[0.5, -0.3], [-0.3, 0.4]])
    ]
    roots, squares = [np.linalg.cholesky(one) for one in told], []
    for shared in rng.normal(size=(draws, 2)):
        own = rng.normal(size=(3, 2))
        off = [
            root @ (math.sqrt(common) * shared + math.sqrt(1.0 - common) * mine)
            for root, mine in zip(roots, own, strict=True)
        ]
        a, b, c = ([*x, one[0, 0], one[0, 1], one[1, 1]] for x, one in zip(off, told, strict=True))
        *x, xx, xy, yy = intersection(intersection(a, b), c)
        squares.append(np.array(x) @ np.linalg.solve([[xx, xy], [xy, yy]], x))
    assert 0.5 < np.mean(squares) < 2.0 + 1.96 * 2.0 / math.sqrt(draws)
    assert xx + yy < 0.9  # the third alone is the smallest: 0.9
