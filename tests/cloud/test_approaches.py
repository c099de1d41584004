"""Approaches of a junction whose roads end where everybody may turn around: who left is not coming, and how soon who comes arrives."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import sumo

from lukou_cloud.region.approaches import Approaches, Upstream, compile_approaches
from lukou_cloud.region.lineup import Lineup, Seen
from lukou_cloud.region.movements import ways_of
from lukou_cloud.region.queues import QueueEstimator
from lukou_cloud.region.settings import TimingSettings
from lukou_cloud.region.travel import free_arrival_s
from lukou_cloud.region.unseen import SHARES
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel, Turn
from lukou_maps.signal_configuration import SignalConfiguration, configuration_from_programme, load
from lukou_maps.sumo import intersection_name
from lukou_messages.objects import ObjectList


@pytest.fixture(scope="module")
def cross(tmp_path_factory: pytest.TempPathFactory) -> tuple[RoadModel, SignalConfiguration, Approaches]:
    """One junction, four roads of two lanes and 150 m, a dead end behind each."""
    net = tmp_path_factory.mktemp("cross") / "cross.net.xml"
    tool = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
    subprocess.run(
        [tool, "--grid", "--grid.number", "1", "--grid.attach-length", "150", "-L", "2", "--tls.set", "A0",
         "-o", net],
        check=True, capture_output=True,
    )  # fmt: skip
    road = load_map(net)
    assert len(road.intersections) == 1
    at = road.connections
    count = int(at.link_index.max()) + 1
    north = [
        int(at.link_index[k])
        for k in range(len(at.turn))
        if at.intersection[k] == 0 and road.lanes.names[at.from_lane[k]].startswith(("top", "bottom"))
    ]
    letters = "".join("G" if k in north else "r" for k in range(count))
    other = "".join("r" if k in north else "G" for k in range(count))
    phases = [
        (20.0, letters),
        (3.0, letters.replace("G", "y")),
        (20.0, other),
        (3.0, other.replace("G", "y")),
    ]
    configuration = configuration_from_programme(road.intersections[0], phases)
    return road, configuration, compile_approaches(road, configuration)


def test_who_leaves_is_not_expected_back_from_the_dead_end(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    road, _, approaches = cross
    assert (road.connections.turn == Turn.TURN_AROUND).any()
    leaving = {int(k) for k in road.connections.to_lane[road.connections.intersection >= 0]}
    assert leaving and not leaving & set(approaches.upstream)
    estimator = QueueEstimator(approaches, dict(road.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    lane = approaches.names[0]

    def one(name: str, s_m: float) -> ObjectList:
        return ObjectList.of(
            1, lane_names=[name], id=[1], object_class=[1], x_m=[0], y_m=[0], velocity_x_mps=[12.0], velocity_y_mps=[0.0],
            lane=[0], lane_s_m=[s_m],
        )  # fmt: skip

    estimator.update(0.0, one(lane, float(approaches.length_m[0]) - 5.0))
    gone = estimator.update(1.0, one(road.lanes.names[min(leaving)], 3.0))
    assert estimator.departures.tolist() == [1] + [0] * (len(approaches.lanes) - 1)
    assert gone.vehicles == 0 and gone.seen == ()


def test_ways_from_the_same_approach_never_wait_for_each_other(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    road, configuration, approaches = cross
    ways = ways_of(road, configuration, approaches.lanes)
    edges = [approaches.names[m.lane].rsplit("_", 1)[0] for m in ways.movements]
    same = np.array([[a == b for b in edges] for a in edges])
    assert not (ways.gives_way & same).any()
    left = [k for k in range(len(edges)) if ways.turn[k] == Turn.LEFT]
    assert left and ways.gives_way[left].any(axis=1).all()  # they do wait for who comes towards them


def test_nobody_is_expected_from_beyond_the_end_of_the_map_later_than_from_its_end(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    road, _, approaches = cross
    assert approaches.reach_m == pytest.approx(150.0, abs=25.0)
    estimator = QueueEstimator(approaches, dict(road.lanes.index), np.zeros((0, 2, 2)), TimingSettings(view_m=300.0))
    none = ObjectList.of(
        0,
        lane_names=[],
        **{c: [] for c in ("id", "object_class", "x_m", "y_m", "velocity_x_mps", "velocity_y_mps")},
    )
    assert estimator.update(0.0, none).view_m == pytest.approx(approaches.reach_m)


def test_a_told_turn_goes_to_the_lane_that_its_drivers_use(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    road, configuration, approaches = cross
    ways = ways_of(road, configuration, approaches.lanes)
    lineup = Lineup(approaches, ways, 60, 40.0)
    straight = [k for k, m in enumerate(ways.movements) if m.lane in (0, 1) and ways.turn[k] == Turn.STRAIGHT]
    assert len(straight) == 2
    used = straight[1]
    for identity in range(200):
        lineup.learn([(identity, ways.movements[used].lane)], {identity: int(Turn.STRAIGHT)})
    seen = [Seen(-1, (0, 1), 100.0, 13.0, 8.0, 0.0, int(Turn.STRAIGHT))] * 4
    lanes = len(approaches.lanes)
    built = lineup.build(
        seen, np.zeros(0), np.full(lanes, 2.0), np.full(lanes, 1e-9), np.full(lanes, 300.0), np.ones(lanes),
        np.zeros(0), np.zeros(0), np.ones(lanes),
    )  # fmt: skip
    assert np.isfinite(built.arrival_s[ways.movements[used].lane]).sum() == 4


@pytest.mark.parametrize(
    ("speed", "to_stop", "free_s", "expected"),
    [
        (13.0, 130.0, 10.0, 10.0),  # at the limit: as fast as the limit allows
        (15.6, 130.0, 10.0, 10.0 * 13.0 / 15.6),  # faster: keeps it up
        (0.0, 16.0, 16.0 / 13.0, 4.0),  # from standing, 2 m/s²: 16 m in 4 s
        (0.0, 1300.0, 100.0, 100.0 / 0.9 + 11.7 / 4.0),  # a long way: half of the time of speeding up is lost
    ],
)
def test_free_arrival(speed: float, to_stop: float, free_s: float, expected: float) -> None:
    assert free_arrival_s(to_stop, free_s, speed, 13.0) == pytest.approx(expected)


def test_names_of_signals_fit_into_messages() -> None:
    assert intersection_name("GS_cluster_357187_359543") == "GS_cluster_357187_359543"
    joined = "cluster_" + "_".join(str(k) for k in range(200))
    other = intersection_name(joined + "_x")
    assert len(intersection_name(joined)) <= 40 and intersection_name(joined) != other
    assert intersection_name("#a:b").startswith("a_b-")


def test_a_lane_shorter_than_a_second_is_passed_all_the_same(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    road, configuration, approaches = cross
    ways = ways_of(road, configuration, approaches.lanes)
    inner, way = next(iter(ways.inner.items()))
    lane = ways.movements[way].lane
    # the approach lane as the last 8 m of its road: what lies before it is further up
    short = dataclasses.replace(
        approaches,
        lanes=tuple(-2 if k == lane else one for k, one in enumerate(approaches.lanes)),
        upstream={approaches.lanes[lane]: Upstream(approaches.lanes[lane], 150.0, 11.0, 13.9, (lane,), (lane,))},
    )
    estimator = QueueEstimator(short, dict(road.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
    estimator.inside_lanes = {inner: lane}

    def one(name: str, s_m: float) -> ObjectList:
        return ObjectList.of(
            1, lane_names=[name], id=[1], object_class=[1], x_m=[0], y_m=[0], velocity_x_mps=[13.0], velocity_y_mps=[0.0],
            lane=[0], lane_s_m=[s_m],
        )  # fmt: skip

    estimator.update(0.0, one(approaches.names[lane], 140.0))
    estimator.update(1.0, one(road.lanes.names[inner], 3.0))
    assert estimator.departures[lane] == 1 and estimator.reach.share(approaches.lanes[lane]) == 1.0


def test_a_queue_that_reaches_beyond_its_lane_is_believed_up_there(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    """One of five is seen; the only one stands 100 m before the line, on the road before a lane of 8 m."""
    road, _, approaches = cross
    map_lane = approaches.lanes[0]
    short = dataclasses.replace(
        approaches,
        lanes=(-2, *approaches.lanes[1:]),
        upstream={map_lane: Upstream(map_lane, 150.0, 11.0, 13.9, (0, 1), (0,))},
    )
    found = {}
    for seen_share in (0.2, 1.0):
        estimator = QueueEstimator(short, dict(road.lanes.index), np.zeros((0, 2, 2)), TimingSettings())
        likely = np.where(np.isclose(SHARES, seen_share), 20.0, 0.0) if seen_share < 1 else np.zeros(len(SHARES))
        estimator.unseen.load([likely.tolist(), *estimator.unseen.export()[1:]])
        stands = ObjectList.of(
            1, lane_names=[approaches.names[0]], id=[1], object_class=[1], x_m=[0], y_m=[0], velocity_x_mps=[0.0],
            velocity_y_mps=[0.0], lane=[0], lane_s_m=[50.0],
        )  # fmt: skip
        for second in range(20):
            situation = estimator.update(float(second), stands)
        found[seen_share] = sum(one.comes for one in situation.seen if one.lane == 0)
    assert found[1.0] == 0.0 and 10 <= found[0.2] <= 16


def test_a_limit_of_nothing_is_taken_for_a_mistake(cross: tuple[RoadModel, SignalConfiguration, Approaches]) -> None:
    road, configuration, _ = cross
    lanes = dataclasses.replace(road.lanes, speed_limit_mps=np.zeros_like(road.lanes.speed_limit_mps))
    found = compile_approaches(dataclasses.replace(road, lanes=lanes), configuration)
    assert (found.speed_mps >= 1.0).all() and all(np.isfinite(above.to_stop_s) for above in found.upstream.values())


def test_a_snapshot_right_after_somebody_left_goes_on_alike(
    cross: tuple[RoadModel, SignalConfiguration, Approaches],
) -> None:
    road, _, approaches = cross

    def seen(rows: list[tuple[int, str, float, float]]) -> ObjectList:
        held = sorted({row[1] for row in rows})
        n = len(rows)
        return ObjectList.of(
            n, lane_names=held, id=[row[0] for row in rows], object_class=[1] * n, x_m=[0] * n, y_m=[0] * n,
            velocity_x_mps=[row[3] for row in rows], velocity_y_mps=[0.0] * n, lane=[held.index(row[1]) for row in rows],
            lane_s_m=[row[2] for row in rows],
        )  # fmt: skip

    lane, length = approaches.names[0], float(approaches.length_m[0])
    one, two = (
        QueueEstimator(approaches, dict(road.lanes.index), np.zeros((0, 2, 2)), TimingSettings()) for _ in range(2)
    )
    one.update(0.0, seen([(1, lane, length - 5.0, 12.0), (2, lane, length - 40.0, 0.0)]), 0)
    one.update(1.0, seen([(2, lane, length - 40.0, 0.0)]), 0)
    two.load(json.loads(json.dumps(one.export(), default=float)))
    for second in range(2, 30):
        rest = seen([(2, lane, length - 40.0, 0.0)])
        a, b = one.update(float(second), rest, 0), two.update(float(second), rest, 0)
        assert a.seen == b.seen and (a.queue == b.queue).all()
    assert json.dumps(one.export(), default=float) == json.dumps(two.export(), default=float)


def test_a_queue_goes_on_up_the_road_as_far_as_nobody_gives_way() -> None:
    """In the district: lanes between two signals lead on to one lane each, but for the one that becomes two."""
    district = Path(__file__).parents[2] / "sim/lukou_sim/district"
    road = load_map(district / "district.net.xml")
    approaches = compile_approaches(road, load(district / "k1.signal.json"))
    above = {road.lanes.names[lane]: found for lane, found in approaches.upstream.items()}
    assert above["k2_k1_2"].is_row and above["k2_k1_2"].ahead == (1,) and above["k2_k1_2"].choices == (1, 2, 3)
    assert above["k2_k1_2"].inside_m == pytest.approx(8.0, abs=0.5)  # where the flare begins
    assert not above["k2_k1_3"].is_row and above["k2_k1_3"].ahead == (2, 3)
    assert not any(one.is_row for name, one in above.items() if name.startswith(":"))  # a queue keeps junctions free
