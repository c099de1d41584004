"""The edge core fed with lists of made-up road users in the project's own district."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.settings import EdgeSettings
from lukou_maps.paths import PathCatalogue
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel, Turn
from lukou_maps.signal_configuration import SignalConfiguration, load
from lukou_messages.objects import ObjectList
from lukou_messages.process import DEGRADED, INVALID, VALID, Input, Output
from lukou_messages.v1.signal_pb2 import SignalColour, SignalGroupState, SignalState
from lukou_messages.v1.warning_pb2 import WarningKind, WarningPhase

FOLDER = Path(__file__).parents[2] / "sim/lukou_sim/district"
DISTRICT = FOLDER / "district.net.xml"
START_NS = 1_800_000_000_000_000_000
CAR, PEDESTRIAN = 1, 6


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def configurations() -> list[SignalConfiguration]:
    return [load(FOLDER / f"k{k}.signal.json") for k in (1, 2, 3, 4)]


class Street:
    """Builds road users on lane paths of k1."""

    def __init__(self, model: RoadModel) -> None:
        self.model = model
        self.catalogue = PathCatalogue(model)
        table = model.connections
        k1 = model.intersections.index("k1")
        straight = np.flatnonzero((table.intersection == k1) & (table.turn == Turn.STRAIGHT))
        car = (model.lanes.participants[table.from_lane[straight]] & 2) > 0
        self.straight = straight[car]

    def path_of(self, connection: int) -> int:
        lane = np.array([self.model.connections.from_lane[connection]])
        _, paths = self.catalogue.of_lanes(lane)
        for path in paths.tolist():
            if self.catalogue.table.connections[path][0] == connection:
                return int(path)
        raise AssertionError("no path takes the connection")

    def line_m(self, path: int) -> float:
        return float(self.catalogue.table.connection_s_m[self.catalogue.table.connections.start[path]])

    def crossing_pair(self) -> tuple[int, int]:
        """Two straight connections whose paths cross at about a right angle."""
        for a in self.straight:
            for b in self.straight:
                pa, pb = self.path_of(int(a)), self.path_of(int(b))
                _, _, ha = self.catalogue.table.pose(np.array([pa]), np.array([self.line_m(pa)]))
                _, _, hb = self.catalogue.table.pose(np.array([pb]), np.array([self.line_m(pb)]))
                if abs(np.cos(ha - hb)[0]) < 0.2 and np.sin(hb - ha)[0] > 0:
                    return int(a), int(b)
        raise AssertionError("no crossing pair")

    def meeting(self, a: int, b: int) -> tuple[float, float]:
        """Arc lengths at which two paths come nearest."""
        table = self.catalogue.table
        s = np.arange(0.0, 160.0, 0.5)
        xa, ya, _ = table.pose(np.full(len(s), a), s)
        xb, yb, _ = table.pose(np.full(len(s), b), s)
        d = np.hypot(xa[:, None] - xb[None, :], ya[:, None] - yb[None, :])
        i, j = np.unravel_index(d.argmin(), d.shape)
        return float(s[i]), float(s[j])

    def on(self, path: int, s_m: float, speed: float, number: int) -> dict[str, float]:
        x, y, h = self.catalogue.table.pose(np.array([path]), np.array([s_m]))
        return user(number, CAR, x[0], y[0], h[0], speed)


def user(number: int, kind: int, x: float, y: float, yaw: float, speed: float) -> dict[str, float]:
    size = (4.5, 1.8) if kind == CAR else (0.5, 0.5)
    return {
        "id": number,
        "object_class": kind,
        "existence_probability": 0.95,
        "x_m": x,
        "y_m": y,
        "velocity_x_mps": speed * np.cos(yaw),
        "velocity_y_mps": speed * np.sin(yaw),
        "yaw_rad": np.arctan2(np.sin(yaw), np.cos(yaw)),
        "length_m": size[0],
        "width_m": size[1],
        "position_variance_xx_m2": 0.05,
        "position_variance_xy_m2": 0.0,
        "position_variance_yy_m2": 0.05,
        "unmeasured_s": 0.0,
    }


def listed(users: list[dict[str, float]]) -> ObjectList:
    names = user(1, CAR, 0, 0, 0, 0).keys()
    columns: dict[str, Any] = {name: [one[name] for one in users] for name in names}
    return ObjectList.of(len(users), **columns)


def objects(at_ns: int, users: list[dict[str, float]], source: str = "k1/perception", validity: int = VALID) -> Input:
    return Input("objects", source, 1, at_ns // 100_000_000, at_ns, listed(users), validity)


def signal(at_ns: int, colours: Mapping[str, int], configuration: SignalConfiguration) -> Input:
    groups = [
        SignalGroupState(group=group.name, colour=colours.get(group.name, SignalColour.SIGNAL_COLOUR_RED))  # type: ignore[arg-type]
        for group in configuration.groups
    ]
    state = SignalState(intersection=configuration.intersection, groups=groups)
    return Input("signal", f"{configuration.intersection}/signal", 1, 1, at_ns, state)


def core(model: RoadModel, configurations: list[SignalConfiguration]) -> EdgeCore:
    return EdgeCore(EdgeSettings(map=str(DISTRICT)), model, configurations)


def warnings_of(outputs: list[Output], topic: str = "warning") -> list[Any]:
    return [one.value for one in outputs if one.topic == topic]


def turn(edge: EdgeCore, now_ns: int, inputs: list[Input]) -> list[Output]:
    """What its shell does with an edge when lists come at a tenth of a second: a step with them, then one for the tenth."""
    outputs = [*edge.step(now_ns, inputs)]
    return [*outputs, *edge.step(now_ns, [])] if any(one.topic == "objects" for one in inputs) else outputs


def drive(edge: EdgeCore, frames: list[tuple[int, list[Input]]]) -> list[Output]:
    outputs: list[Output] = []
    for now_ns, inputs in frames:
        outputs += turn(edge, now_ns, inputs)
    return outputs


def crossing_frames(street: Street, seconds: float, late_s: float = 0.0) -> list[tuple[int, list[Input]]]:
    """Two cars that would meet 3 s after the start; the second `late_s` later."""
    a, b = street.crossing_pair()
    pa, pb = street.path_of(a), street.path_of(b)
    sa, sb = street.meeting(pa, pb)
    frames = []
    for k in range(round(seconds * 10)):
        t = k * 0.1
        at = START_NS + k * 100_000_000
        users = [
            street.on(pa, sa + (t - 3.0) * 13.0, 13.0, 11),
            street.on(pb, sb + (t - 3.0 - late_s) * 13.0, 13.0, 12),
        ]
        frames.append((at + 10_000_000, [objects(at, users)]))
    return frames


def test_a_crossing_collision_is_warned_repeated_and_cancelled(
    model: RoadModel, configurations: list[SignalConfiguration]
) -> None:
    edge = core(model, configurations)
    street = Street(model)
    outputs = drive(edge, crossing_frames(street, 2.8))
    sent = warnings_of(outputs)
    assert sent, "no warning"
    assert sent[0].phase == WarningPhase.WARNING_PHASE_RAISED
    assert sent[0].kind == WarningKind.WARNING_KIND_CROSSING
    assert sent[0].time_to_collision_s > 1.0
    assert {one.warning_id for one in sent} == {sent[0].warning_id}
    assert {one.phase for one in sent[1:]} == {WarningPhase.WARNING_PHASE_REPEATED}
    assert len(sent[0].road_users) == 2
    assert min(len(one.path_x_m) for one in sent[0].road_users) >= 3
    assert sent[0].intersection == "k1"
    assert "contact in" in sent[0].why
    ids = {one.object_id for one in sent[0].road_users}
    fused = next(one.value for one in outputs if one.topic == "fused_objects")
    assert ids == set(fused.id.tolist())
    # both have gone: the danger passes, the warning is cancelled once and logged
    gone = [(START_NS + k * 100_000_000, [objects(START_NS + k * 100_000_000, [])]) for k in range(29, 45)]
    after = drive(edge, gone)
    cancelled = [one for one in warnings_of(after) if one.phase == WarningPhase.WARNING_PHASE_CANCELLED]
    assert len(cancelled) == 1
    assert cancelled[0].cancel_reason
    log = warnings_of(outputs + after, "warning_log")
    assert [one.phase for one in log] == [WarningPhase.WARNING_PHASE_RAISED, WarningPhase.WARNING_PHASE_CANCELLED]
    stamps = [one.expires_at_ns for one in sent]
    assert stamps == sorted(stamps)


def test_passing_one_after_the_other_is_no_danger(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    outputs = drive(core(model, configurations), crossing_frames(Street(model), 2.8, late_s=2.5))
    assert warnings_of(outputs) == []


def test_who_stops_at_red_raises_nothing_and_who_does_not_is_warned(
    model: RoadModel, configurations: list[SignalConfiguration]
) -> None:
    street = Street(model)
    for lane, brakes in ((0, True), (0, False), (1, True), (1, False)):  # the first may also turn right on red
        path = street.path_of(int(street.straight[lane]))
        line = street.line_m(path)
        edge = core(model, configurations)
        outputs: list[Output] = []
        s, speed = line - 45.0, 13.0
        for k in range(30):
            at = START_NS + k * 100_000_000
            room = max(line - 3.25 - s, 0.0)
            if brakes:
                speed = min(speed, np.sqrt(2 * 3.0 * room))
            one = street.on(path, s, speed, 5)
            if brakes and room < 29:
                _, _, h = street.catalogue.table.pose(np.array([path]), np.array([s]))
                one |= {"acceleration_x_mps2": -3 * np.cos(h[0]), "acceleration_y_mps2": -3 * np.sin(h[0])}
            else:
                one |= {"acceleration_x_mps2": 0.0, "acceleration_y_mps2": 0.0}
            columns: dict[str, Any] = {name: [value] for name, value in one.items()}
            value = ObjectList.of(1, **columns)
            lists = Input("objects", "k1/perception", 1, k, at, value)
            outputs += turn(edge, at + 5_000_000, [signal(at, {}, configurations[0]), lists])
            s += speed * 0.1
        kinds = {one.kind for one in warnings_of(outputs)}
        assert kinds == (set() if brakes else {WarningKind.WARNING_KIND_RED_LIGHT})


def test_green_is_no_red_light(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    street = Street(model)
    path = street.path_of(int(street.straight[0]))
    edge = core(model, configurations)
    green = {group.name: SignalColour.SIGNAL_COLOUR_GREEN for group in configurations[0].groups}
    outputs: list[Output] = []
    for k in range(30):
        at = START_NS + k * 100_000_000
        one = objects(at, [street.on(path, street.line_m(path) - 45.0 + 1.3 * k, 13.0, 5)])
        outputs += turn(edge, at, [signal(at, green, configurations[0]), one])
    assert warnings_of(outputs) == []


def test_a_walker_in_the_way_is_warned_of_and_one_at_the_kerb_is_not(
    model: RoadModel, configurations: list[SignalConfiguration]
) -> None:
    street = Street(model)
    path = street.path_of(int(street.straight[0]))
    x, y, h = (
        float(v[0]) for v in street.catalogue.table.pose(np.array([path]), np.array([street.line_m(path) + 4.0]))
    )
    for speed in (1.4, 0.0):
        edge = core(model, configurations)
        outputs: list[Output] = []
        for k in range(25):
            at = START_NS + k * 100_000_000
            t = 2.6 - k * 0.1
            walker = user(9, PEDESTRIAN, x - speed * t * -np.sin(h), y - speed * t * np.cos(h), h + np.pi / 2, speed)
            if speed == 0.0:
                walker = user(9, PEDESTRIAN, x - 3.0 * np.sin(h), y + 3.0 * np.cos(h), h + np.pi / 2, 0.0)
            car = street.on(path, street.line_m(path) + 4.0 - 13.0 * t, 13.0, 8)
            outputs += turn(edge, at, [objects(at, [car, walker])])
        kinds = {one.kind for one in warnings_of(outputs)}
        assert kinds == ({WarningKind.WARNING_KIND_VULNERABLE} if speed else set())


def test_running_into_a_standing_queue_is_warned(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    street = Street(model)
    path = street.path_of(int(street.straight[0]))
    edge = core(model, configurations)
    outputs: list[Output] = []
    for k in range(15):
        at = START_NS + k * 100_000_000
        end = street.line_m(path) - 5.0
        outputs += turn(
            edge, at, [objects(at, [street.on(path, end, 0.0, 1), street.on(path, end - 30 + 1.3 * k, 13.0, 2)])]
        )
    sent = warnings_of(outputs)
    assert sent[0].kind == WarningKind.WARNING_KIND_REAR_END
    assert sent[0].road_users[0].speed_mps > 10.0


def test_two_units_see_one_road_user(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    edge = core(model, configurations)
    outputs: list[Output] = []
    for k in range(10):
        at = START_NS + k * 100_000_000
        one = user(7, CAR, 100.0 + k, 50.0, 0.0, 10.0)
        same = user(33, CAR, 100.5 + k, 50.3, 0.0, 10.0)
        other = user(34, CAR, 140.0, 90.0, 0.0, 0.0)
        outputs += turn(edge, at, [objects(at, [one]), objects(at, [same, other], "k2/perception")])
    fused = [o.value for o in outputs if o.topic == "fused_objects"]
    assert [len(one) for one in fused] == [2] * len(fused)
    assert len({tuple(sorted(one.id.tolist())) for one in fused}) == 1
    last = fused[-1]
    row = int(np.abs(last.x_m - 109.25).argmin())
    assert 109.0 < last.x_m[row] < 109.5
    assert last.contributing_sensors[row] == 3
    # covariance intersection of two equal covariances is no smaller than one of them
    assert last.position_variance_xx_m2[row] >= 0.0499


def test_identity_survives_a_hand_over(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    edge = core(model, configurations)
    seen = set()
    for k in range(40):
        at = START_NS + k * 100_000_000
        x = 100.0 + 1.2 * k
        first = [user(7, CAR, x, 50.0, 0.0, 12.0)] if k < 20 else []
        second = [user(91, CAR, x + 0.4, 50.2, 0.0, 12.0)] if k >= 26 else []
        for output in turn(edge, at, [objects(at, first), objects(at, second, "k2/perception")]):
            if output.topic == "fused_objects":
                seen |= set(output.value.id.tolist())
    assert len(seen) == 1


def test_silence_is_said_once_and_the_list_says_it(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    edge = core(model, configurations)
    outputs: list[Output] = []
    for k in range(60):
        at = START_NS + k * 100_000_000
        inputs = [objects(at, [user(1, CAR, 10, 10, 0, 0)], "k2/perception")]
        if k < 10 or k > 22:
            inputs.append(objects(at, [user(1, CAR, 100, 50, 0, 0)]))
        outputs += turn(edge, at, inputs)
    events = [one.value.kind for one in outputs if one.topic == "event"]
    assert events == ["edge.source_silent", "edge.source_back"]
    lists = [one for one in outputs if one.topic == "fused_objects"]
    assert lists[5].validity == VALID
    assert lists[20].validity == DEGRADED
    assert "k1/perception silent" in lists[20].reason
    assert len(lists[20].value) == 1
    assert lists[-1].validity == VALID


def test_a_warning_without_signals_says_so(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    lit, dark = core(model, configurations), core(model, configurations)
    said: list[set[tuple[int, str]]] = []
    for edge, names in ((lit, [one.intersection for one in configurations]), (dark, [])):
        outputs: list[Output] = []
        for now, inputs in crossing_frames(Street(model), 3.5):
            spat = [signal(now, {}, one) for one in configurations if one.intersection in names]
            outputs += turn(edge, now, [*spat, *inputs])
        said.append({(one.validity, one.reason) for one in outputs if one.topic == "warning"})
    assert {validity for validity, _ in said[0]} == {VALID}
    assert said[1] == {(DEGRADED, "signals of k1 are not known")}


def test_invalid_lists_are_not_used(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    edge = core(model, configurations)
    frames = [
        (now, [Input(one.topic, one.source, 1, 1, one.measured_at_ns, one.value, INVALID) for one in inputs])
        for now, inputs in crossing_frames(Street(model), 2.5)
    ]
    outputs = drive(edge, frames)
    assert warnings_of(outputs) == []
    assert {one.validity for one in outputs if one.topic == "fused_objects"} == {INVALID}


def test_the_units_after_the_first_32_warn_and_are_doubted_as_the_others(
    model: RoadModel, configurations: list[SignalConfiguration]
) -> None:
    edge, outputs = core(model, configurations), []
    for now, inputs in crossing_frames(Street(model), 1.5):
        others = [objects(now, [], f"a{k:02}/perception") for k in range(70)]  # by name before k1/perception
        doubted = [
            Input(
                one.topic,
                one.source,
                1,
                1,
                one.measured_at_ns,
                one.value,
                DEGRADED if one.topic == "objects" else VALID,
            )
            for one in inputs
        ]
        outputs += turn(edge, now, [*others, *doubted])
    warned = warnings_of(outputs)
    assert warned and all("k1/perception is degraded" in one.doubts for one in warned)
    fused = [one.value for one in outputs if one.topic == "fused_objects"]
    assert fused[-1].contributing_sensors.tolist() == [0] * len(fused[-1])  # the wire has bits for 32


def test_a_clock_that_is_ahead_moves_nobodys_time(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    edge = core(model, configurations)
    outputs: list[Output] = []
    for k in range(30):
        at = START_NS + k * 100_000_000
        ahead = at + (1_500_000_000 if k >= 10 else 0)
        outputs += turn(
            edge,
            at,
            [objects(at, [user(1, CAR, 100 + k, 50, 0, 10)]), objects(ahead, [user(2, CAR, 10, 10, 0, 0)], "k2/x")],
        )
    lists = [one for one in outputs if one.topic == "fused_objects"]
    assert [one.measured_at_ns for one in lists] == [START_NS + k * 100_000_000 for k in range(30)]
    assert lists[-1].validity == DEGRADED
    assert len(lists[-1].value) == 1
    events = [one.value for one in outputs if one.topic == "event"]
    assert [one.kind for one in events] == ["edge.source_silent"]
    assert "1.5 s ahead" in events[0].text


def test_lanes_survive_the_fusion(model: RoadModel, configurations: list[SignalConfiguration]) -> None:
    edge = core(model, configurations)
    lane = int(np.flatnonzero(model.lanes.kind == LaneKind.ROAD)[5])
    one = user(3, CAR, 0.0, 0.0, 0.0, 5.0)
    columns: dict[str, Any] = {name: [value] for name, value in one.items()}
    value = ObjectList.of(1, lane_names=["gone", model.lanes.names[lane]], lane=[1], lane_s_m=[7.0], **columns)
    outputs = turn(edge, START_NS, [Input("objects", "k1/perception", 1, 1, START_NS, value)])
    fused = next(o.value for o in outputs if o.topic == "fused_objects")
    assert fused.lane_names[fused.lane[0]] == model.lanes.names[lane]
    assert fused.lane_s_m[0] == 7.0


def test_who_is_seen_again_after_a_hiccup_of_his_unit_is_the_same_on_foot_too(
    model: RoadModel, configurations: list[SignalConfiguration]
) -> None:
    edge, at = core(model, configurations), START_NS

    def seen(now_ns: int, first: int, moved_m: float) -> list[int]:
        users = [user(first, CAR, moved_m, 5.0, 0.0, 10.0), user(first + 1, PEDESTRIAN, 30.0, 9.0, 0.0, 0.0)]
        (fused,) = [one.value for one in turn(edge, now_ns, [objects(now_ns, users)]) if one.topic == "fused_objects"]
        return list(fused.id[np.argsort(fused.y_m)].tolist())

    before = seen(at, 1, 0.0)
    assert all(
        len(one.value) == 0
        for one in turn(edge, at + 800_000_000, [])
        if one.topic == "fused_objects"  # too late a list: nobody is told
    )
    assert seen(at + 900_000_000, 51, 9.0) == before
