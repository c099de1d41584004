"""Neighbours under plans: one cycle, and offsets under which platoons arrive on green."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.region.coordination import Coordination, Link, _overlap, _spread
from lukou_cloud.region.intersection import intersection_of
from lukou_cloud.region.settings import TimingSettings
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import load
from lukou_messages.v1.signal_pb2 import SignalPlan, SignalState

DISTRICT = Path(__file__).parents[2] / "sim/lukou_sim/district"
NOW_NS = 1_790_000_000 * 10**9
GREENS_S = [22.0, 13.0, 21.0, 14.0]


@pytest.fixture(scope="module")
def places():
    road = load_map(DISTRICT / "district.net.xml")
    return {
        name: intersection_of(road, load(DISTRICT / f"{name}.signal.json"), TimingSettings()) for name in ("k1", "k2")
    }


@pytest.fixture
def pair(places):
    """Two neighbours that run the same plan, both cycles begun now; only the way from the first to the second is taken by many."""
    coordination = Coordination(places, 1.0)
    for place in places.values():
        lanes = len(place.approaches.lanes)
        cycle_s = sum(GREENS_S) + float(place.plans.model.change_s.sum())
        place.plans.target_s, place.plans.cycle_s = list(GREENS_S), cycle_s
        place.plans.rates = [1e-6] * lanes + [0.0] * len(place.approaches.crossings)
        place.plans.flow = [0.5] * len(place.plans.rates)
        plan = SignalPlan(greens_s=GREENS_S, cycle_s=cycle_s, offset_s=(NOW_NS / 1e9) % cycle_s)
        place.signal, place.signal_ns = SignalState(plan=plan, next_plan=plan), NOW_NS
    through = [link for link in coordination._links if link.upstream == "k1" and link.downstream == "k2"]
    ways = places["k1"].timing.ways
    straight = [
        link for link in through if places["k1"].plans.model.serves[[0, 2], ways.movements[link.way].lane].any()
    ]
    for link in straight:
        places["k1"].plans.rates[ways.movements[link.way].lane] = 0.15
    return coordination, straight


def on_green(coordination, link, later_s):
    """Share of a link's arrivals that meet green when the second intersection's cycle begins so much later."""
    places = coordination._places
    greens = np.array(GREENS_S)
    count = round(places["k2"].plans.cycle_s)
    comes = coordination._comes(link, greens, coordination._flow(link), count, 0.0)
    green = coordination._green(link.downstream, link.choices, greens, count)
    return float((comes * np.roll(green, round(later_s))).sum() / comes.sum())


def test_the_offset_is_moved_to_where_most_arrives_on_green(pair):
    coordination, links = pair
    assert links
    begins_s = NOW_NS / 1e9
    later_s = coordination.shift_s(NOW_NS, "k2", begins_s, np.array(GREENS_S))
    flows = [coordination._flow(link) for link in links]
    before = np.average([on_green(coordination, link, 0.0) for link in links], weights=flows)
    after = np.average([on_green(coordination, link, later_s) for link in links], weights=flows)
    assert after >= before
    every = [np.average([on_green(coordination, link, later) for link in links], weights=flows) for later in range(100)]
    assert after >= max(every) / 1.06
    assert coordination.shift_s(NOW_NS, "k2", begins_s + later_s, np.array(GREENS_S)) == 0.0  # and there it stays


def test_those_who_exchange_enough_have_the_longest_cycle_that_one_of_them_wants(pair):
    coordination, _ = pair
    coordination._places["k1"].plans.cycle_s = 90.0
    coordination._places["k2"].plans.cycle_s = 110.0
    assert coordination.cycle_s(NOW_NS, "k1") == coordination.cycle_s(NOW_NS, "k2") == 110.0
    coordination._places["k2"].signal_ns = NOW_NS - 3 * 10**9  # not heard any more
    assert coordination.cycle_s(NOW_NS, "k1") == 90.0
    assert coordination.shift_s(NOW_NS, "k1", NOW_NS / 1e9, np.array(GREENS_S)) == 0.0
    coordination._places["k2"].signal_ns = NOW_NS
    for place in coordination._places.values():
        place.plans.rates = [1e-6] * len(place.plans.rates)
    assert coordination.cycle_s(NOW_NS, "k1") == 90.0


def test_a_neighbour_of_another_cycle_or_that_takes_stages_moves_nobody(pair):
    coordination, _ = pair
    k1 = coordination._places["k1"]
    k1.plans.target_s = [green + 5.0 for green in GREENS_S]
    assert coordination.shift_s(NOW_NS, "k2", NOW_NS / 1e9 + 7.0, np.array(GREENS_S)) == 0.0
    k1.plans.target_s, k1.signal = list(GREENS_S), SignalState()
    assert coordination.shift_s(NOW_NS, "k2", NOW_NS / 1e9 + 7.0, np.array(GREENS_S)) == 0.0


def test_platoons_spread_and_nobody_is_lost():
    comes = np.zeros(100)
    comes[10:20] = 1.0
    near, far = _spread(comes, 5.0), _spread(comes, 40.0)
    assert near.sum() == pytest.approx(10.0, rel=0.02) and far.sum() == pytest.approx(10.0, rel=0.02)
    assert near.max() > 1.5 * far.max()


def test_overlap_counts_what_the_second_meets_when_it_begins_later():
    first, second = np.zeros(10), np.zeros(10)
    first[4], second[1] = 2.0, 3.0
    assert _overlap(first, second).tolist() == [0, 0, 0, 6.0, 0, 0, 0, 0, 0, 0]


def test_links_know_their_way(pair):
    coordination, _ = pair
    assert all(isinstance(link, Link) and link.choices and 5.0 < link.travel_s < 120.0 for link in coordination._links)
    assert {link.upstream for link in coordination._links} == {"k1", "k2"}
