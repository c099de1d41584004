"""Who may pass a line on red is no violator: left-turn waiting areas, right turns on red."""

from pathlib import Path

import numpy as np
import pytest

from lukou_cloud.edge.approach import next_ahead
from lukou_cloud.edge.judge import Judge
from lukou_cloud.edge.lights import LightTable
from lukou_cloud.edge.road_users import RoadUsers
from lukou_cloud.edge.settings import JudgeSettings
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel, StopLineKind, Turn
from lukou_maps.signal_configuration import SignalConfiguration, load
from lukou_maps.supplement import supplemented
from lukou_messages.v1.signal_pb2 import SignalColour, SignalGroupState, SignalState
from lukou_messages.v1.warning_pb2 import WarningKind

FOLDER = Path(__file__).parents[2] / "sim/lukou_sim/district"
LEFT, RIGHT, LENGTH_M = 5, 2, 4.5
RED_LIGHT = int(WarningKind.WARNING_KIND_RED_LIGHT)


@pytest.fixture(scope="module")
def configuration() -> SignalConfiguration:
    return load(FOLDER / "k1.signal.json")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RoadModel:
    """The district, with a waiting area of 9 m for those who turn left from the north at k1."""
    plain = load_map(FOLDER / "district.net.xml")
    taken = int(plain.connection_of_link["k1", LEFT][0])
    lanes, connections = plain.lanes.names, plain.connections
    file = tmp_path_factory.mktemp("site") / "supplement.toml"
    file.write_text(
        f'[[waiting_area]]\nfrom_lane = "{lanes[connections.from_lane[taken]]}"\n'
        f'via_lane = "{lanes[connections.via_lane[taken]]}"\nto_m = 9.0\n'
        'enter_on = ["k1/N-through"]\nleave_on = ["k1/N-left"]\n'
    )
    return supplemented(plain, file)


class Site:
    """Judges single vehicles on the ways of k1 under given signals."""

    def __init__(self, model: RoadModel, configuration: SignalConfiguration) -> None:
        self.table, settings = LightTable(model, [configuration]), JudgeSettings()
        turns = (settings.prediction, settings.warnings, settings.experience, settings.rules)
        self.judge = Judge(model, *turns, self.table.may_turn_on_red)
        self.model, self.names, self.now_ns = model, [group.name for group in configuration.groups], 0

    def way(self, link: int) -> tuple[int, float]:
        """Path over a link, and the arc length of its stop line."""
        taken = int(self.model.connection_of_link["k1", link][0])
        _, paths = self.judge.predictor.ways.catalogue.of_lanes(np.array([self.model.connections.from_lane[taken]]))
        table = self.judge.predictor.ways.table
        path = next(int(path) for path in paths if table.connections[int(path)][0] == taken)
        return path, float(table.connection_s_m[table.connections.start[path]])

    def step(self, path: int, s_m: float, speed: float, acceleration: float, green: set[str]) -> bool:
        """Judge 0.1 s; whether a red-light warning is raised."""
        self.now_ns += 100_000_000
        groups = [
            SignalGroupState(
                group=name,
                colour=SignalColour.SIGNAL_COLOUR_GREEN if name in green else SignalColour.SIGNAL_COLOUR_RED,
            )
            for name in self.names
        ]
        lights = self.table.of_states({"k1": SignalState(intersection="k1", groups=groups)}, self.now_ns)
        x, y, heading = self.judge.predictor.ways.table.pose(np.array([path]), np.array([s_m]))
        column = {"speed_mps": speed, "acceleration_mps2": acceleration, "length_m": LENGTH_M, "width_m": 1.8}
        column |= {"deviation_m": 0.1, "speed_deviation_mps": 0.1}
        users = RoadUsers(
            id=np.array([7]),
            object_class=np.array([1]),
            x_m=x,
            y_m=y,
            heading_rad=heading,
            is_trusted=np.ones(1, np.bool_),
            **{name: np.array([value]) for name, value in column.items()},
        )
        found = self.judge.step(self.now_ns, self.now_ns, users, lights)
        return any(episode.kind == RED_LIGHT for episode, _ in found.changes.raised)


def drive(
    site: Site, link: int, speed: float, stop_m: float, wait_s: float, phases: list[tuple[float, set[str]]]
) -> int:
    """Drive from 50 m before the line, stop with the front at a distance beyond it, wait, go on; warnings that were raised."""
    path, line_m = site.way(link)
    s, stop, waited, raised = line_m - 50.0, line_m + stop_m - LENGTH_M / 2.0, 0.0, 0
    for k in range(300):
        t = 0.1 * k
        green = next(names for until_s, names in phases if t < until_s)
        room = stop - 0.3 - s
        if waited >= wait_s:
            target = max(8.0, speed)
        else:
            target = float(np.sqrt(2.0 * 2.8 * max(room, 0.0)))
            waited += 0.1 if speed < 0.3 else 0.0
        new = float(np.clip(target, max(speed - 0.32, 0.0), min(speed + 0.2, 13.0)))
        raised += site.step(path, s, speed, (new - speed) / 0.1, green)
        s, speed = s + 0.05 * (speed + new), new
        if s > line_m + 25.0:
            break
    return raised


def test_the_ends_of_waiting_areas_are_lines_of_their_own(model: RoadModel, configuration: SignalConfiguration) -> None:
    site = Site(model, configuration)
    path, line_m = site.way(LEFT)
    assert np.count_nonzero(model.stop_lines.kind == StopLineKind.WAITING_AREA) == 1
    rows = site.judge.predictor.ways.rows
    samples, lines = (rows.start[path], rows.last[path]), (rows.next_line, rows.next_line_m)
    found = [next_ahead(*samples, *lines, front_m) for front_m in (line_m - 10.0, line_m + 3.0)]
    assert [line for line, _ in found] == [int(model.connection_of_link["k1", LEFT][0]), len(model.connections)]
    np.testing.assert_allclose([distance for _, distance in found], [10.0, 6.0], atol=0.6)


@pytest.mark.slow
def test_a_hundred_cycles_of_permitted_passing_raise_nothing(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    site, random = Site(model, configuration), np.random.default_rng(3)
    raised = 0
    for _ in range(100):
        through_s = float(random.uniform(10.0, 14.0))
        phases = [(through_s, {"N-through", "S-through"}), (99.0, {"N-left", "S-left"})]
        wait_s = max(through_s - 8.0, 0.5)
        raised += drive(site, LEFT, float(random.uniform(7.0, 13.0)), 9.0, wait_s + 4.0, phases)
        raised += drive(site, RIGHT, float(random.uniform(7.0, 13.0)), 0.0, 0.3, [(99.0, {"E-through"})])
    assert raised == 0


@pytest.mark.parametrize("seen", [0, 60])
@pytest.mark.parametrize("speed", [3.0, 4.0, 5.0, 6.0])
def test_who_rolls_round_the_corner_on_red_is_no_violator_however_few_of_the_lane_turn(
    model: RoadModel, configuration: SignalConfiguration, seen: int, speed: float
) -> None:
    site = Site(model, configuration)
    path, line_m = site.way(RIGHT)
    connections, ways = model.connections, site.judge.predictor.ways
    lane = int(connections.from_lane[model.connection_of_link["k1", RIGHT][0]])
    usual = ways.shares.share[model.connection_of_link["k1", RIGHT][0]]
    straight = connections.to_lane[(connections.from_lane == lane) & (connections.turn == Turn.STRAIGHT)]
    assert len(straight) == 1
    for number in range(seen):
        for one in (lane, int(straight[0])):
            ways.learn(1000 + number, one)
    assert (ways.shares.share[model.connection_of_link["k1", RIGHT][0]] < 0.8 * usual) == (seen > 0)
    s, now, raised = line_m - 40.0, 10.0, 0
    while s < line_m + 15.0:
        new = max(speed, min(now, float(np.sqrt(speed**2 + 4.0 * max(line_m - LENGTH_M / 2.0 - s, 0.0)))))
        raised += site.step(path, s, now, (new - now) / 0.1, {"E-through"})
        s, now = s + 0.05 * (now + new), new
    assert raised == 0


def test_passing_either_line_of_the_area_without_permission_is_warned_of(
    model: RoadModel, configuration: SignalConfiguration
) -> None:
    cross = [(99.0, {"E-through", "W-through"})]
    assert drive(Site(model, configuration), LEFT, 12.0, 60.0, 0.0, cross) == 1  # neither line may be passed
    through = [(99.0, {"N-through", "S-through"})]
    assert drive(Site(model, configuration), LEFT, 12.0, 60.0, 0.0, through) == 1  # the area, but not its end
    both = [(99.0, {"N-through", "N-left"})]
    assert drive(Site(model, configuration), LEFT, 12.0, 60.0, 0.0, both) == 0
