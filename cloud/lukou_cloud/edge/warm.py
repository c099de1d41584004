"""Machine code made ready before the first list: `python -m lukou_cloud.edge.warm` compiles it, a process only loads it.

Compiling takes some tens of seconds on a slow machine, once after an installation or a change of the source; `make setup` does it. Loading what is compiled takes some tenths of a second.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from lukou_cloud.compiled import CODE
from lukou_cloud.edge.judge import Judge
from lukou_cloud.edge.lights import no_lights
from lukou_cloud.edge.measures import required_braking, time_to_collision
from lukou_cloud.edge.road_users import BICYCLE, PEDESTRIAN, RoadUsers
from lukou_cloud.edge.settings import JudgeSettings
from lukou_cloud.fusion import warm as fusion
from lukou_maps import warm as matching
from lukou_maps.assembly import stop_lines
from lukou_maps.drafts import LaneDraft, connections_through, crosswalks_of, junctions_of, lanes_of
from lukou_maps.road_model import MapFrame, RoadModel
from lukou_messages.v1.objects_pb2 import ObjectClass

CAR = int(ObjectClass.OBJECT_CLASS_CAR)
STEP_NS = 100_000_000


@cache
def warm() -> None:
    """Judge some made-up road users where two roads cross: cars that would meet, one behind another, a walker and a cyclist before them."""
    CODE.say_where_kept()
    matching.warm()
    model, settings = two_roads(), JudgeSettings()
    judge = Judge(model, settings.prediction, settings.warnings, settings.experience, settings.rules)
    for number in range(1, 3):
        judge.step(number * STEP_NS, number * STEP_NS, _road_users(), no_lights(model))
    one = np.ones(1)
    time_to_collision(one, one)
    required_braking(one, one, one, one)
    fusion.warm()


def two_roads() -> RoadModel:
    """A map of two roads of one lane that cross."""
    ways = np.array([[[-100.0, 0.0, 0.0], [100.0, 0.0, 0.0]], [[0.0, -100.0, 0.0], [0.0, 100.0, 0.0]]])
    sides = np.array([[[0.0, 1.75], [0.0, 1.75]], [[-1.75, 0.0], [-1.75, 0.0]]])
    lanes = lanes_of([LaneDraft(f"l{k}", ways[k], sides[k]) for k in range(2)], [], [], [])
    connections = connections_through(lanes)
    lines, walks, junctions = stop_lines(lanes, connections), crosswalks_of([], lanes), junctions_of([], [], [], [])
    return RoadModel("two roads", 1, MapFrame(), lanes, connections, lines, walks, junctions)


def _road_users() -> RoadUsers:
    kind = np.array([CAR, CAR, CAR, PEDESTRIAN, BICYCLE])
    x_m, y_m = np.array([-20.0, -30.0, 0.0, -8.0, 3.0]), np.array([0.0, 0.0, -20.0, 3.0, 30.0])
    speed, heading = np.array([8.0, 12.0, 8.0, 1.2, 0.0]), np.array([0.0, 0.0, 0.5 * np.pi, -0.5 * np.pi, 0.0])
    zero, one = np.zeros(5), np.ones(5)
    size, doubt = (4.4 * one, 1.8 * one), (0.1 * one, 0.1 * one)
    return RoadUsers(np.arange(1, 6), kind, x_m, y_m, heading, speed, zero, *size, *doubt, np.ones(5, np.bool_))


if __name__ == "__main__":
    warm()
    CODE.tidy()
