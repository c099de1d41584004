"""The world's machine code made ready: `python -m lukou_sim.warm` compiles it, a process only loads it."""

from __future__ import annotations

import numpy as np

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_sim.compiled import CODE
from lukou_sim.render.camera import look
from lukou_sim.render.renderer import Renderer, Scene
from lukou_sim.render.shapes import Shape
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.visibility import silhouette_samples, unoccluded


def warm() -> None:
    """Look at one car, and draw it."""
    camera = look("warm", (0.0, 0.0, 10.0), 0.0, -0.3, focal_px=500.0)
    first, ahead, zero, size = np.zeros(1, np.int64), np.full(1, 30.0), np.zeros(1), np.ones(1)
    shape = first + int(Shape.SEDAN)
    car = RoadUsers(
        ("car",), first, shape, first + ObjectClass.OBJECT_CLASS_CAR, ahead, zero, zero, zero, zero, size, size, size
    )
    unoccluded(car, camera.position_map, silhouette_samples(car, camera.position_map))
    scene = Scene(shape, ahead, zero, zero, size, size, size, np.zeros((1, 8, 3)))
    Renderer(camera, np.zeros((camera.height, camera.width, 3), np.uint8)).render(scene)


if __name__ == "__main__":
    warm()
    CODE.tidy()
