"""The informative services: do not pass, hazards, emergency vehicles, turning over a green crosswalk."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lukou_cloud.edge.core import EdgeCore
from lukou_cloud.edge.lights import Light, first_walk, no_lights
from lukou_cloud.edge.passing import passing_way
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.service_settings import KnownHazard, ServiceSettings
from lukou_cloud.edge.services import Services
from lukou_cloud.edge.settings import EdgeSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import LaneKind, RoadModel, Turn
from lukou_maps.signal_configuration import load
from lukou_messages.codec import decode, encode
from lukou_messages.headers import make_header
from lukou_messages.process import Input, Output
from lukou_messages.v1.vehicle_pb2 import TurnIntention, VehicleReport, VehicleRole
from lukou_messages.v1.warning_pb2 import Warning as WarningMessage
from lukou_messages.v1.warning_pb2 import WarningKind, WarningLevel, WarningPhase
from tests.cloud.test_edge_core import CAR, Street, objects, turn, user

FOLDER = Path(__file__).parents[2] / "sim/lukou_sim/district"
DISTRICT = FOLDER / "district.net.xml"
T = 1_800_000_000_000_000_000
STEP_NS = 100_000_000
PEDESTRIAN, OBSTACLE = 6, 8

TWO_WAY = """<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
 <location netOffset="0,0" convBoundary="0,0,1000,100" origBoundary="0,0,1,1" projParameter="!"/>
 <edge id="out" from="a" to="b"><lane id="out_0" index="0" speed="25" length="900" shape="0,48.4 900,48.4"/></edge>
 <edge id="back" from="b" to="a"><lane id="back_0" index="0" speed="25" length="900" shape="900,51.6 0,51.6"/></edge>
 <junction id="a" type="dead_end" x="0" y="50" incLanes="back_0" intLanes="" shape="0,50 0,55"/>
 <junction id="b" type="dead_end" x="900" y="50" incLanes="out_0" intLanes="" shape="900,45 900,50"/>
</net>
"""


@pytest.fixture(scope="module")
def model() -> RoadModel:
    return load_map(DISTRICT)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> RoadModel:
    path = tmp_path_factory.mktemp("country") / "country.net.xml"
    path.write_text(TWO_WAY)
    return load_map(path)


def users_of(rows: list[tuple[int, int, float, float, float, float]]) -> RoadUsers:
    """Road users of (identity, class, x, y, heading, speed)."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    count = len(table)
    person = table[:, 1] == PEDESTRIAN
    return RoadUsers(
        id=table[:, 0].astype(np.int64),
        object_class=table[:, 1].astype(np.int64),
        x_m=table[:, 2],
        y_m=table[:, 3],
        heading_rad=table[:, 4],
        speed_mps=table[:, 5],
        acceleration_mps2=np.zeros(count),
        length_m=np.where(person, 0.5, 4.5),
        width_m=np.where(person, 0.5, 1.8),
        deviation_m=np.full(count, 0.2),
        speed_deviation_mps=np.full(count, 0.2),
        is_trusted=np.ones(count, np.bool_),
    )


class Played:
    """Plays moments into the services, half a second apart, and keeps what is raised, standing and ended."""

    def __init__(self, model: RoadModel, hazards: tuple[KnownHazard, ...] = ()) -> None:
        self.services = Services(model, ServiceSettings(), hazards)
        self.model, self.now_ns = model, T
        self.raised: list[WarningMessage] = []
        self.ended = 0
        self.standing: list[WarningMessage] = []

    def look(self, users: RoadUsers, walks: int = Light.UNKNOWN) -> None:
        self.now_ns += 500_000_000
        light = no_lights(self.model).light
        light[first_walk(self.model) :] = int(walks)
        changes = self.services.look(self.now_ns, users, light)
        self.raised += [self.services.content(episode) for episode, _ in changes.raised]
        self.standing = [self.services.content(episode) for episode, _ in (*changes.raised, *changes.standing)]
        self.ended += len(changes.ended)

    def tell(self, **columns: Any) -> None:
        self.services.take(self.now_ns + 400_000_000, VehicleReport(**columns))


# --- do not pass --------------------------------------------------------------------------------------------------


def test_the_way_of_overtaking_is_that_of_constant_acceleration() -> None:
    # no reserve of speed: never; with it: gain = gap + both lengths + 1 s of the other's speed, at the difference of speeds
    columns = [np.full(3, value) for value in (20.0, 4.5, 4.5)]
    speed, ahead, most = np.array([15.0, 20.0, 10.0]), np.array([15.0, 10.0, 10.0]), np.array([15.0, 20.0, 20.0])
    time_s, way_m = passing_way(*columns, speed, ahead, most, 1.0)
    assert np.isinf(time_s[0])
    assert np.isinf(way_m[0])
    np.testing.assert_allclose((time_s[1], way_m[1]), (3.9, 78.0))
    # 39 m from a difference of 0 at 1 m/s^2: sqrt(78) s, all of it accelerating
    np.testing.assert_allclose((time_s[2], way_m[2]), (np.sqrt(78.0), 10.0 * np.sqrt(78.0) + 39.0))


def following(t: float, oncoming_m: float, aside_m: float = 0.0) -> RoadUsers:
    """A car 20 m behind a slow lorry; somebody comes from `oncoming_m` farther on."""
    behind = 100.0 + 13.0 * t
    rows = [(1, CAR, behind, 48.4 + aside_m, 0.0, 13.0), (2, 2, 128.0 + 13.0 * t, 48.4, 0.0, 12.5)]
    if oncoming_m:
        rows.append((3, CAR, 100.0 + oncoming_m - 20.0 * t, 51.6, np.pi, 20.0))
    return users_of(rows)


def test_who_follows_closely_is_told_not_to_pass_while_somebody_comes(country: RoadModel) -> None:
    assert Services(country, ServiceSettings())._others[1].two_way[:-1].all()  # type: ignore[union-attr]
    played = Played(country)
    for k in range(6):
        played.look(following(0.5 * k, 420.0))
    assert [one.kind for one in played.raised] == [WarningKind.WARNING_KIND_DO_NOT_PASS]
    one = played.raised[0]
    assert one.level == WarningLevel.WARNING_LEVEL_INFORMATIVE
    assert [(u.object_id, u.is_cause) for u in one.road_users] == [(1, False), (3, True)]
    assert one.lanes == ["out_0"]
    assert "overtaking needs" in one.why
    for k in range(6, 40):  # the one that came has passed: it ends once
        played.look(following(0.5 * k, 420.0))
    assert len(played.raised) == 1
    assert played.ended == 1


def test_nobody_is_told_where_nobody_comes_or_all_are_fast(country: RoadModel) -> None:
    played = Played(country)
    for k in range(10):
        played.look(following(0.5 * k, 0.0))
        fast = following(0.5 * k, 300.0)
        played.look(users_of([(*row[:5], 23.0) for row in _rows(fast)]))
    assert played.raised == []


def _rows(users: RoadUsers) -> list[tuple[int, int, float, float, float]]:
    columns = (users.id, users.object_class, users.x_m, users.y_m, users.heading_rad)
    return [tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)]  # type: ignore[misc]


def test_who_has_moved_out_is_told_to_go_back_and_it_is_urgent(country: RoadModel) -> None:
    played = Played(country)
    for k in range(4):
        played.look(following(0.5 * k, 200.0, aside_m=3.2))
    assert [one.level for one in played.raised] == [WarningLevel.WARNING_LEVEL_IMMINENT]
    assert [(u.object_id, u.is_cause) for u in played.raised[0].road_users] == [(1, False), (3, False)]
    assert "has moved out" in played.raised[0].why


def test_roads_with_more_lanes_each_way_have_no_such_warning(model: RoadModel) -> None:
    two_way = Services(model, ServiceSettings())._others[1].two_way  # type: ignore[union-attr]
    wide = [k for k, name in enumerate(model.lanes.names) if name.startswith("k1_N_approach")]
    assert not two_way[wide].any()


# --- hazards ------------------------------------------------------------------------------------------------------


def test_works_are_told_to_who_drives_towards_them_and_only_in_their_time(country: RoadModel) -> None:
    begins, ends = "2027-01-15T08:00:05+00:00", "2027-01-15T08:00:20+00:00"  # T is 08:00:00
    told = KnownHazard.model_validate(
        {"kind": "works", "lane": "out_0", "from_m": 400.0, "text": "gas main", "begins": begins, "ends": ends}
    )
    assert told.begins_ns == T + 5 * 10**9
    played = Played(country, (told,))
    for k in range(80):
        played.look(users_of([(1, CAR, 100.0 + 5.0 * k, 48.4, 0.0, 10.0), (2, CAR, 700.0, 51.6, np.pi, 10.0)]))
        if k == 8:
            assert played.raised == []
    assert len(played.raised) == 1
    one = played.raised[0]
    assert one.kind == WarningKind.WARNING_KIND_HAZARD
    assert [u.object_id for u in one.road_users] == [1]
    assert "gas main" in one.why
    assert one.lanes[0] == "out_0"
    assert (one.meeting_x_m, one.meeting_y_m) == (400.0, pytest.approx(48.4, abs=1e-4))
    assert played.ended == 1


def test_a_thing_that_lies_on_the_lane_is_told_one_on_the_verge_is_not(country: RoadModel) -> None:
    for y, count in ((48.6, 1), (44.0, 0)):
        played = Played(country)
        for k in range(14):
            rows = [(1, CAR, 100.0 + 6.0 * k, 48.4, 0.0, 12.0), (9, OBSTACLE, 240.0, y, 0.3, 0.0)]
            played.look(users_of(rows))
        assert [one.advice for one in played.raised] == ["slow down: something lies on the road"] * count


def test_a_service_vehicle_at_work_is_a_hazard(country: RoadModel) -> None:
    played = Played(country)
    for k in range(8):
        role = VehicleRole.VEHICLE_ROLE_SERVICE
        place = {"x_m": 300.0, "y_m": 48.4, "yaw_rad": 0.0, "speed_mps": 1.0}
        played.tell(temporary_id=77, object_class=2, length_m=8.0, width_m=2.5, role=role, **place)
        played.look(users_of([(1, CAR, 180.0 + 5.0 * k, 48.4, 0.0, 10.0), (5, 2, 300.3, 48.5, 0.0, 1.0)]))
    assert len(played.raised) == 1
    assert [(u.object_id, u.is_cause) for u in played.raised[0].road_users] == [(1, False), (5, True)]


def test_a_hazard_on_no_lane_is_refused_with_a_remedy(country: RoadModel) -> None:
    with pytest.raises(ValueError, match=r"no lane nowhere_0 .*lukou map show"):
        Services(country, ServiceSettings(), (KnownHazard(kind="works", lane="nowhere_0"),))  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="not after"):
        KnownHazard.model_validate({"kind": "works", "lane": "x", "begins": "2027-01-01T00:00:00Z", "ends": "2026-01-01T00:00:00Z"})  # fmt: skip
    with pytest.raises(ValidationError, match="timezone"):
        KnownHazard.model_validate({"kind": "works", "lane": "x", "begins": "2027-01-01T00:00:00"})


# --- emergency vehicles -------------------------------------------------------------------------------------------


def test_an_emergency_vehicle_is_told_to_those_ahead_and_across_not_behind(model: RoadModel) -> None:
    street = Street(model)
    a, b = street.crossing_pair()
    pa, pb = street.path_of(a), street.path_of(b)
    line_a, line_b = street.line_m(pa), street.line_m(pb)

    def car(path: int, s_m: float, speed: float, number: int) -> tuple[int, int, float, float, float, float]:
        one = street.on(path, s_m, speed, number)
        return number, CAR, one["x_m"], one["y_m"], float(one["yaw_rad"]), speed

    played = Played(model)
    for k in range(6):
        s_m = line_a - 70.0 + 7.5 * k
        urgent = car(pa, s_m, 15.0, 1)
        rows = [urgent, car(pa, line_a - 10.0, 8.0, 2), car(pb, line_b - 30.0, 8.0, 3), car(pa, 2.0, 8.0, 4)]
        place = {"x_m": urgent[2], "y_m": urgent[3], "yaw_rad": urgent[4], "speed_mps": 15.0}
        role, turn = VehicleRole.VEHICLE_ROLE_EMERGENCY, TurnIntention.TURN_INTENTION_STRAIGHT
        played.tell(temporary_id=5, object_class=1, length_m=6.0, width_m=2.0, role=role, intention=turn, **place)
        played.look(users_of(rows))
    assert len(played.raised) == 1
    one = played.raised[0]
    assert one.kind == WarningKind.WARNING_KIND_EMERGENCY_VEHICLE
    assert {u.object_id for u in one.road_users if not u.is_cause} == {2, 3}
    assert [u.object_id for u in one.road_users if u.is_cause] == [1]
    assert one.intersection == "k1"
    assert model.lanes.names[model.connections.from_lane[a]] in one.lanes
    for _ in range(8):  # its reports stop: the warning ends
        played.look(users_of([car(pa, line_a - 10.0, 8.0, 2)]))
    assert played.ended == 1


# --- crosswalks ---------------------------------------------------------------------------------------------------


def turning(model: RoadModel) -> tuple[Street, int, int]:
    """A street, the path of a right turn at k1, and the crosswalk that it leads over."""
    street, table = Street(model), model.connections
    k1 = model.intersections.index("k1")
    motor = (model.lanes.participants[table.from_lane] & 2) > 0
    for c in np.flatnonzero((table.intersection == k1) & (table.turn == Turn.RIGHT) & motor).tolist():
        for crosswalk in range(len(model.crosswalks)):
            if int(table.to_lane[c]) in model.crosswalks.crossed_lanes[crosswalk].tolist():
                return street, street.path_of(c), crosswalk
    raise AssertionError("no right turn over a crosswalk")


@pytest.mark.parametrize(("light", "walks", "count"), [(Light.GREEN, True, 1), (Light.RED, True, 0), (Light.GREEN, False, 0), (Light.UNKNOWN, True, 1)])  # fmt: skip
def test_who_turns_over_a_green_crosswalk_is_told_of_those_on_it(
    model: RoadModel, light: Light, walks: bool, count: int
) -> None:
    street, path, crosswalk = turning(model)
    points = model.lanes.points(int(model.crosswalks.lane[crosswalk]))
    x, y = float(model.lanes.x_m[points].mean()), float(model.lanes.y_m[points].mean())
    played = Played(model)
    for k in range(5):
        one = street.on(path, street.line_m(path) + 8.0 + 1.5 * k, 3.0, 1)
        rows = [(1, CAR, one["x_m"], one["y_m"], float(one["yaw_rad"]), 3.0)]
        away = 0.0 if walks else 12.0
        rows.append((7, PEDESTRIAN, x + away, y + away, 0.0, 1.3 if walks else 0.0))
        played.look(users_of(rows), light)
    assert len(played.raised) == count
    for told in played.raised:
        assert told.kind == WarningKind.WARNING_KIND_CROSSWALK
        assert [(u.object_id, u.is_cause) for u in told.road_users] == [(1, False), (7, True)]
        assert told.probability == (1.0 if light == Light.GREEN else pytest.approx(0.6))


# --- queue ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "expected"), [(0.5, 1), (9.0, 0)])
def test_a_queue_end_away_from_signals_is_told(country: RoadModel, ahead: float, expected: int) -> None:
    edge = EdgeCore(EdgeSettings(map="country.net.xml"), country, [])
    outputs: list[Output] = []
    for k in range(75):
        at = T + k * STEP_NS
        queue = [user(n, CAR, 400.0 + 8.0 * n + 0.1 * k * ahead, 48.4, 0.0, ahead) for n in range(2, 5)]
        outputs += turn(edge, at, [objects(at, [user(1, CAR, 270.0 + 1.5 * k, 48.4, 0.0, 15.0), *queue])])
    kind = WarningKind.WARNING_KIND_QUEUE_END
    told = [one.value for one in outputs if one.topic == "warning_log" and one.value.kind == kind]
    raised = [one for one in told if one.phase == WarningPhase.WARNING_PHASE_RAISED]
    assert len(raised) == expected
    for one in raised:
        assert one.level == WarningLevel.WARNING_LEVEL_INFORMATIVE
        assert 2.0 < one.time_to_collision_s < 6.5
        assert one.advice == "slow down"


# --- in the edge --------------------------------------------------------------------------------------------------


def test_the_edge_raises_repeats_and_cancels_them_as_its_other_warnings(model: RoadModel) -> None:
    lane = next(
        k
        for k in range(len(model.lanes))
        if model.lanes.kind[k] == LaneKind.ROAD and model.lanes.names[k] == "k1_N_approach_3"
    )
    hazard = {"kind": "closure", "lane": model.lanes.names[lane], "from_m": float(model.lanes.length_m[lane]) - 2.0}
    settings = EdgeSettings.model_validate({"map": str(DISTRICT), "hazards": [hazard]})
    edge = EdgeCore(settings, model, [load(FOLDER / "k1.signal.json")])
    points = model.lanes.points(lane)
    x, y = model.lanes.x_m[points], model.lanes.y_m[points]
    heading = float(np.arctan2(y[1] - y[0], x[1] - x[0]))
    outputs: list[Output] = []
    for k in range(60):
        at = T + k * STEP_NS
        left_m = 50.0 - 0.5 * k
        there = [user(1, CAR, x[-1] - left_m * np.cos(heading), y[-1] - left_m * np.sin(heading), heading, 5.0)]
        outputs += turn(edge, at, [objects(at, there if k < 30 else [])])
    sent = [one for one in outputs if one.topic == "warning" and one.value.kind == WarningKind.WARNING_KIND_HAZARD]
    phases = [one.value.phase for one in sent]
    assert phases[0] == WarningPhase.WARNING_PHASE_RAISED
    assert phases[-1] == WarningPhase.WARNING_PHASE_CANCELLED
    assert set(phases[1:-1]) == {WarningPhase.WARNING_PHASE_REPEATED}
    assert len({one.value.warning_id for one in sent}) == 1
    times = [one.value.expires_at_ns for one in sent[:-1]]
    assert set(np.diff(times)) == {STEP_NS}  # repeated ten times a second
    log = [one.value.phase for one in outputs if one.topic == "warning_log" and one.value.kind == sent[0].value.kind]
    assert log == [WarningPhase.WARNING_PHASE_RAISED, WarningPhase.WARNING_PHASE_CANCELLED]
    for one in sent:  # every one travels
        header = make_header("district/edge", T, 1, one, one.measured_at_ns)
        assert decode("warning", encode("warning", header, one.value)).value.warning_id == one.value.warning_id


def test_reports_of_the_past_change_nothing(model: RoadModel) -> None:
    services = Services(model, ServiceSettings())
    services.take(T, VehicleReport(temporary_id=4, speed_mps=9.0))
    services.take(T - 1, VehicleReport(temporary_id=4, speed_mps=1.0))
    assert services.told[4].speed_mps == 9.0


def test_services_continue_from_a_snapshot(model: RoadModel) -> None:
    hazard = {"kind": "works", "lane": "k1_N_approach_3", "from_m": 60.0}
    settings = EdgeSettings.model_validate({"map": str(DISTRICT), "hazards": [hazard]})
    configurations = [load(FOLDER / "k1.signal.json")]

    def inputs(k: int) -> list[Input]:
        at = T + k * STEP_NS
        x = 340.0  # unused where the lane lies elsewhere: the street decides
        street = Street(model)
        path = street.path_of(int(street.straight[0]))
        lists = objects(at, [street.on(path, 5.0 + 0.5 * k, 5.0, 1)])
        report = VehicleReport(
            temporary_id=3, object_class=1, x_m=x, y_m=50.0, speed_mps=3.0, length_m=4.0, width_m=2.0
        )
        return [lists, Input("vehicle", "world", 1, k, at, report)]

    whole = EdgeCore(settings, model, configurations)
    for k in range(17):
        turn(whole, T + k * STEP_NS, inputs(k))
    resumed = EdgeCore(settings, model, configurations)
    resumed.restore(whole.snapshot())
    for k in range(17, 40):
        a, b = (turn(edge, T + k * STEP_NS, inputs(k)) for edge in (whole, resumed))
        assert [(one.topic, _raw(one)) for one in a] == [(one.topic, _raw(one)) for one in b]
    assert whole.snapshot() == resumed.snapshot()


def _raw(one: Output) -> bytes:
    value = one.value
    if hasattr(value, "SerializeToString"):
        return bytes(value.SerializeToString(deterministic=True))
    return b"".join(column.tobytes() for column in value.columns().values())
