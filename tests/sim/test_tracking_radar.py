"""A vendor's radar that sends tracks: its habits, and that fusion with it is never worse than without."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from lukou_messages.objects import DetectionList
from lukou_messages.process import Input
from lukou_messages.site import load_spec
from lukou_roadside.perception.sensing import VendorMemory
from lukou_roadside.perception.tracking.event_time import EventTimeTracker
from lukou_roadside.perception.tracking.scan import CAMERA, Scan, View
from lukou_sim.bench_perception import PerceptionScore
from lukou_sim.demo.sites import perception_settings
from lukou_sim.district import NET
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.sensors.tracking_radar import TrackingRadar
from lukou_sim.world.scenario import load_scenario
from lukou_sim.world.world import TRACKING_RADAR, World

STEP_S = 0.1


class Road:
    """Two approaches: cars that drive through, and a queue that stands from 15 s to 60 s."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.start_s = np.sort(rng.uniform(0.0, 55.0, 14))
        self.speed = rng.uniform(8.0, 14.0, 14)
        self.queue_x = -10.0 - 7.0 * np.arange(5)

    def at(self, time_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Numbers and states (x, y, vx, vy) of all about."""
        x = -110.0 + self.speed * (time_s - self.start_s)
        rows = np.flatnonzero((x > -110.0) & (x < 110.0))
        moving = np.column_stack([x[rows], 4.0 * (rows % 2), self.speed[rows], np.zeros(len(rows))])
        into = np.minimum((time_s - 15.0) * 10.0, 0.0)
        queue = np.column_stack(
            [self.queue_x + into, np.full(5, -4.0), np.full(5, 10.0 if into < 0.0 else 0.0), np.zeros(5)]
        )
        shown = queue[:, 0] > -110.0
        return np.concatenate([rows, 100 + np.flatnonzero(shown)]), np.concatenate([moving, queue[shown]])


VIEW = View(0.0, 15.0, range_max_m=60.0)


def pictured(time_s: float, state: np.ndarray, rng: np.random.Generator) -> Scan:
    """What a camera with 60 m of sight detects."""
    away = np.hypot(state[:, 0] - VIEW.x_m, state[:, 1] - VIEW.y_m)
    seen = state[(away < 60.0) & (rng.uniform(size=len(state)) < 0.85)]
    n = len(seen)
    deviation = 0.3 + 0.01 * np.hypot(seen[:, 0], seen[:, 1] - 15.0)
    unknown = np.full(n, np.nan)
    return Scan(
        sensor=0, kind=CAMERA, time_s=time_s, sequence=round(time_s * 10),
        x_m=seen[:, 0] + rng.normal(0, 1, n) * deviation, y_m=seen[:, 1] + rng.normal(0, 1, n) * deviation,
        variance_xx=deviation**2, variance_xy=np.zeros(n), variance_yy=deviation**2, views=(VIEW,),
        object_class=np.ones(n, np.int64), score=np.full(n, 0.75),
        yaw_rad=unknown, length_m=unknown, width_m=unknown, range_rate_mps=unknown,
    )  # fmt: skip


def gospa(seed: int, with_vendor: bool) -> tuple[float, float]:
    """Mean GOSPA (c 4 m, p 2) against all about within 100 m, and the share of the queue that is listed."""
    rng, road = np.random.default_rng(seed), Road(seed)
    tracker, memory = EventTimeTracker(), VendorMemory()
    radar = TrackingRadar("radar", 0.0, -15.0, np.random.default_rng(seed + 1000))
    values, queue = [], []
    for k in range(600):
        now_s = k * STEP_S
        identity, state = road.at(now_s)
        tracker.add(pictured(now_s, state, rng))
        tracks = radar.scan(now_s, identity, state, np.full(len(state), 4.5))
        if with_vendor:
            tracker.add(memory.scan(tracks, 1, now_s, k + 1))
        found = tracker.at(now_s)
        shown = found.take(found.is_confirmed).state
        if now_s > 5.0:
            near, shown = state[np.abs(state[:, 0]) < 100.0], shown[np.abs(shown[:, 0]) < 100.0]
            distance = np.hypot(near[:, 0, None] - shown[:, 0], near[:, 1, None] - shown[:, 1])
            rows, columns = linear_sum_assignment(np.minimum(distance, 4.0) ** 2)
            good = distance[rows, columns] < 4.0
            missed = len(near) + len(shown) - 2 * good.sum()
            values.append(math.sqrt((distance[rows, columns][good] ** 2).sum() + 8.0 * missed))
            if now_s > 17.0:
                stand = state[identity >= 100]
                listed = np.hypot(stand[:, 0, None] - shown[:, 0], stand[:, 1, None] - shown[:, 1]).min(axis=1) < 2.0
                queue.append(listed.mean())
    return float(np.mean(values)), float(np.mean(queue))


@pytest.mark.slow
def test_fusion_with_a_vendors_tracks_beats_the_camera_alone_and_keeps_the_queue() -> None:
    alone = [gospa(seed, False) for seed in range(4)]
    fused = [gospa(seed, True) for seed in range(4)]
    for one, two in zip(alone, fused, strict=True):
        assert two[0] < one[0]
        assert two[1] > one[1] - 0.02
        assert two[1] > 0.95  # the radar forgets who stands; the list does not


def lists(seed: int = 3) -> list[tuple[float, DetectionList]]:
    road, radar = Road(seed), TrackingRadar("radar", 0.0, -15.0, np.random.default_rng(seed))
    found = []
    for k in range(900):
        identity, state = road.at(min(k * STEP_S, 59.0))
        found.append((k * STEP_S, radar.scan(k * STEP_S, identity, state, np.full(len(state), 4.5))))
    return found


def test_the_radar_begins_late_forgets_queues_and_tells_no_covariance() -> None:
    told = lists()
    assert not told[200][1].has("position_variance_xx_m2")
    assert len(told[10][1]) == 0  # nobody before 2 s
    standing = [int(((np.abs(one.velocity_x_mps) < 2.0) & (np.asarray(one.y_m) < 0.0)).sum()) for _, one in told]
    assert max(standing[170:300]) >= 3
    assert standing[880] == 0  # 74 s after the queue stood


def test_who_is_carried_on_unseen_is_left_out_and_variances_are_learned() -> None:
    memory = VendorMemory()

    def told(k: int, noise: float) -> DetectionList:
        return DetectionList.of(
            1, sensor="r", sensor_kind=3, sensor_x_m=0.0, sensor_y_m=0.0,
            track_id=np.array([7], np.uint32), x_m=np.array([10.0 + k + noise]), y_m=np.array([0.0]),
            velocity_x_mps=np.array([10.0]), velocity_y_mps=np.array([0.0]),
        )  # fmt: skip

    rng = np.random.default_rng(1)
    measured = [len(memory.scan(told(k, rng.normal(0, 0.2)), 1, 0.1 * k, k)) for k in range(10)]
    carried = [len(memory.scan(told(k, 0.0), 1, 0.1 * k, k)) for k in range(10, 20)]
    assert measured == [1] * 10
    assert carried[-5:] == [0] * 5
    scan = VendorMemory().scan(told(0, 0.0), 1, 0.0, 0)
    assert scan.age_s is not None
    assert scan.repeats > 1.0
    assert scan.presence < 0.5


def watched(choice: dict[str, tuple[str, ...]], seconds: float) -> dict[str, dict[str, object]]:
    """Figures of k2's perception with different sensors of one world."""
    spec, world = load_spec("perception"), World(load_scenario("vendor_radars"), 5)
    settings = spec.settings.model_validate(perception_settings("k2", str(NET), {}, {}, 10.0))
    cores: dict[str, Any] = {name: spec.make_core(settings) for name in choice}
    scores = {name: PerceptionScore(*INTERSECTIONS["k2"]) for name in choice}
    told = 0
    for step in range(round(seconds * 10)):
        world.step()
        scans, truth = world.detections("k2"), world.truth()
        told += sum(len(scan) for scan in scans if scan.sensor == TRACKING_RADAR)
        for name, sensors in choice.items():
            inputs = [
                Input("detections", "k2/sensors", 1, 10 * step + k + 1, world.now_ns, scan)
                for k, scan in enumerate(scans)
                if scan.sensor in sensors
            ]
            for output in cores[name].step(world.now_ns, inputs):
                if output.topic == "objects" and step > 50:
                    scores[name].add(output.measured_at_ns, output.value, [(world.now_ns, truth)])
    world.close()
    assert told > 1000
    return {name: score.figures() for name, score in scores.items()}


@pytest.mark.slow
def test_in_the_district_a_vendors_tracks_make_no_list_worse() -> None:
    alone = ("sensor-northeast",)
    found = watched({"alone": alone, "with tracks": (*alone, TRACKING_RADAR)}, 30.0)
    one, two = found["alone"], found["with tracks"]
    for name in ("objects_recall", "objects_precision"):
        assert float(two[name]) > float(one[name]) - 0.01  # type: ignore[arg-type]
    for name in ("position_error_m", "position_error_p95_m"):
        assert float(two[name]) < 1.1 * float(one[name])  # type: ignore[arg-type]


def test_who_tells_only_a_length_gets_the_usual_width() -> None:
    told = DetectionList.of(
        2, sensor="r", sensor_kind=3, track_id=np.array([7, 8], np.uint32), object_class=np.array([1, 6], np.uint32),
        x_m=np.array([10.0, 20.0]), y_m=np.zeros(2), length_m=np.array([4.5, 0.5]),
    )  # fmt: skip
    scan = VendorMemory().scan(told, 1, 0.0, 1)
    assert np.isfinite(scan.width_m).all()
    assert scan.width_m[0] > 1.5 > scan.width_m[1]


def test_neighbours_swap_their_numbers_and_who_has_gone_is_carried_on_unseen() -> None:
    radar, length_m = TrackingRadar("radar", 0.0, 0.0, np.random.default_rng(4)), np.full(3, 4.5)
    swaps, before = 0, None
    for k in range(3000):
        x_m = 10.0 + 0.01 * k  # the second who came is far from both others
        state = np.array([[x_m, 0.0, 1.0, 0.0], [x_m, 50.0, 1.0, 0.0], [x_m + 4.0, 0.0, 1.0, 0.0]])
        numbers = radar.scan(0.1 * k, np.array([1, 2, 3]), state, length_m).track_id.tolist()
        swaps += before is not None and len(numbers) == 3 and numbers != before and sorted(numbers) == sorted(before)
        before = numbers
    assert 5 <= swaps <= 30  # 300 s at 0.05 per second: 15 are expected
    gone = [radar.scan(300.0 + 0.1 * k, np.zeros(0, int), np.zeros((0, 4)), np.zeros(0)) for k in range(40)]
    carried = [np.asarray(one.x_m, float) for one in gone if len(one) == 3]
    assert 10 <= len(carried) <= 30  # 1 to 3 s
    assert np.diff(carried, axis=0) == pytest.approx(0.1, abs=0.1)  # on at 1 m/s, though nobody is there
    assert len(gone[-1]) == 0


def vendor_nees(is_track: bool) -> float:
    """Mean squared error over covariance of ten cars of which one vendor tells filtered places: with the variance that they have, and errors that last for 2 s."""
    rng, memory, tracker, found = np.random.default_rng(6), VendorMemory(), EventTimeTracker(), []
    y_m, error = 8.0 * np.arange(10), rng.normal(0.0, 0.5, (2, 10))
    fade = math.exp(-STEP_S / 2.0)
    for k in range(150):
        error = fade * error + math.sqrt(1.0 - fade * fade) * rng.normal(0.0, 0.5, (2, 10))
        x_m = np.full(10, 6.0 * k * STEP_S)
        told = DetectionList.of(
            10, sensor="v", sensor_kind=3 if is_track else 1, x_m=x_m + error[0], y_m=y_m + error[1], score=np.full(10, 0.8),
            object_class=np.ones(10, np.uint32), position_variance_xx_m2=np.full(10, 0.25), position_variance_xy_m2=np.zeros(10),
            position_variance_yy_m2=np.full(10, 0.25), **({"track_id": np.arange(1, 11, dtype=np.uint32)} if is_track else {}),
        )  # fmt: skip
        scan = memory.scan(told, 0, k * STEP_S, k + 1)
        tracker.add(scan)
        tracks = tracker.at(k * STEP_S)
        if k > 60:
            x, y, p = *tracks.state[:, :2].T, tracks.covariance
            off = np.stack([x - x_m[0], y - y_m[np.abs(y[:, None] - y_m).argmin(axis=1)]])
            found.append(np.einsum("in,nij,jn->n", off, np.linalg.inv(p[:, :2, :2]), off))
    return float(np.concatenate(found).mean())


def test_a_vendors_tracks_with_covariances_are_no_new_evidence_in_every_list() -> None:
    assert vendor_nees(is_track=True) < 3.5
    assert vendor_nees(is_track=False) > 5.0  # the same places taken for measurements boast
