"""The table of perception's figures on numbers that can be checked by hand, and the bench that fills it."""

import math

import numpy as np
import pytest
from typer.testing import CliRunner

from lukou_messages.objects import ObjectList
from lukou_sim.bench.perception import CONDITIONS, Bench, lines, measure
from lukou_sim.bench.perception_table import PerceptionTable, TruthFrame
from lukou_sim.bench.verb import app
from lukou_sim.render.camera import look
from lukou_sim.world.scenario import Scenario, load_scenario

CAMERA = look("c", (0.0, 0.0, 10.0), 0.0, -0.3, focal_px=500.0)


def truth(*rows: tuple[str, int, float, float], speed: float = 0.0) -> TruthFrame:
    """Name, group, x, range."""
    count = len(rows)
    x = np.array([row[2] for row in rows])
    return TruthFrame(
        [row[0] for row in rows], np.array([row[1] for row in rows]), x, np.zeros(count), np.full(count, speed),
        np.zeros(count), np.array([row[3] for row in rows]),
    )  # fmt: skip


def listed(*rows: tuple[int, int, float]) -> ObjectList:
    """Id, class, x."""
    count = len(rows)
    return ObjectList.of(
        count,
        id=np.array([row[0] for row in rows]),
        object_class=np.array([row[1] for row in rows]),
        x_m=np.array([row[2] for row in rows]),
        y_m=np.zeros(count),
        velocity_x_mps=np.zeros(count),
        velocity_y_mps=np.zeros(count),
    )


def test_cells_hold_what_was_found_missed_and_invented() -> None:
    table = PerceptionTable([CAMERA])
    # a car at 25 m found as truck with 0.5 m, a car at 40 m missed, one that nobody sees, a ghost car at 50 m
    table.add(truth(("a", 0, 25.0, 25.0), ("b", 0, 40.0, 40.0), ("c", 0, 70.0, math.nan), speed=2.0),
              listed((1, 2, 25.5), (2, 1, 50.0), (3, 1, 70.1)))  # fmt: skip
    figures = table.figures()
    near, middle = figures["car"]["0-30 m"], figures["car"]["30-60 m"]
    assert (near["truth"], near["recall"], near["class_accuracy"]) == (1, 1.0, 0.0)
    assert near["position_error_m"] == pytest.approx(0.5)
    assert near["speed_error_mps"] == pytest.approx(2.0)
    assert near["precision"] is None  # the list calls it a truck
    assert figures["truck_bus"]["0-30 m"]["precision"] == 1.0
    assert (middle["recall"], middle["precision"]) == (0.0, 0.0)
    assert figures["car"]["60-100 m"]["truth"] == 0  # hidden: neither right nor wrong
    assert figures["car"]["60-100 m"]["precision"] is None


def test_identity_changes_count_over_gaps() -> None:
    table = PerceptionTable([CAMERA])
    for k, identity in enumerate((7, 7, None, 8, 8)):
        table.add(
            truth(("a", 3, 25.0 + k, 25.0), ("b", 3, 28.0, 28.0)),
            listed(*([] if identity is None else [(identity, 6, 25.0 + k)]), (99, 6, 28.0)),
        )
    cell = table.figures()["pedestrian"]["0-30 m"]
    assert cell["tracks"] == 2
    assert cell["identity_changes_per_100_tracks"] == 50.0
    assert np.mean(table.present["a"]) == pytest.approx(0.8)


def test_two_abreast_change_no_identity_but_a_swap_that_lasts_does() -> None:
    table = PerceptionTable([CAMERA])
    near, crossed = ((1, 6, 25.0), (2, 6, 25.4)), ((2, 6, 25.0), (1, 6, 25.4))
    for rows in (near, crossed, near, crossed):  # nearer to each other than they are exact
        table.add(truth(("a", 3, 25.0, 25.0), ("b", 3, 25.4, 25.4)), listed(*rows))
    assert table.figures()["pedestrian"]["0-30 m"]["identity_changes_per_100_tracks"] == 0.0
    for _ in range(3):  # they part, and each has the other's number
        table.add(truth(("a", 3, 22.0, 22.0), ("b", 3, 28.0, 28.0)), listed((2, 6, 22.0), (1, 6, 28.0)))
    assert table.figures()["pedestrian"]["0-30 m"]["identity_changes_per_100_tracks"] == 100.0


def test_what_no_camera_has_in_its_picture_is_not_judged() -> None:
    table = PerceptionTable([CAMERA])
    table.add(truth(), listed((1, 1, -20.0), (2, 1, 30.0)))
    figures = table.figures()["car"]
    assert figures["0-30 m"]["precision"] is None
    assert figures["30-60 m"]["precision"] == 0.0


@pytest.mark.parametrize(
    ("wrong", "told"), [(["--conditions", "day,hail"], "hail"), (["--cameras", "camera-up"], "camera-up"), (["--scenario", "storm"], "storm")]
)  # fmt: skip
def test_the_verb_refuses_what_it_does_not_know(wrong: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["perception", *wrong])
    assert result.exit_code == 2
    assert told in result.output


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("demo").model_copy(update={"dangers": (), "warm_up_s": 40.0})


@pytest.mark.slow
def test_perception_of_rendered_scenes_by_day_and_night(scenario: Scenario) -> None:
    figures = measure(scenario, ["day", "night"], 6.0, 0.0, 3)
    for name, least in (("day", 0.9), ("night", 0.6)):
        found = figures["conditions"][name]
        cells = [row for rows in found["by_class_and_range"].values() for row in rows.values() if row["truth"]]
        recall = sum(row["recall"] * row["truth"] for row in cells) / sum(row["truth"] for row in cells)
        assert recall > least
    near = figures["conditions"]["day"]["picture_to_map"]["0-40 m"]
    assert near["median_m"] < 0.5
    assert len(list(lines(figures))) > 20


@pytest.mark.slow
def test_vehicles_that_stand_are_chosen_and_do_stand(scenario: Scenario) -> None:
    bench = Bench(scenario, CONDITIONS["day"], 3)
    for _ in range(30):
        bench.step()
    names = bench.stop_vehicles()
    assert names
    for _ in range(50):
        bench.step()
    users = bench.world.users
    assert all(users.speed[users.names.index(name)] < 0.1 for name in names)
    assert all(np.mean(bench.table.present[name][-20:]) > 0.9 for name in names)
    bench.close()
