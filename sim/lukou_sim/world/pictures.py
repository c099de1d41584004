"""Pictures of the cameras at k1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lukou_sim.district import NET
from lukou_sim.district.cameras import cameras
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.render.camera import turned
from lukou_sim.render.district_plan import street_plan
from lukou_sim.render.renderer import Renderer, Scene
from lukou_sim.render.shapes import colours
from lukou_sim.render.street import Look, background, ground_texture
from lukou_sim.render.weather import CLEAR, Weather, street_lamps
from lukou_sim.world.road_users import RoadUsers
from lukou_sim.world.truth import CAMERA_SITE, SIGHT_M, part

FARTHEST_M = 125.0
"""The far end of the opposite leg is left to the camera there. [m]"""


class Pictures:
    """Renders what the cameras see; backgrounds are made once per camera, colours once per road user.

    Parameters
    ----------
    seed : int
        Of colours and noise.
    weather : Weather
        Weather and light.
    """

    def __init__(self, seed: int, weather: Weather = CLEAR) -> None:
        self._seed = seed
        self._weather = weather
        self._plan = street_plan(NET, INTERSECTIONS[CAMERA_SITE])
        self._texture = ground_texture(self._plan, Look(), np.random.default_rng(0))
        self._cameras = {camera.name: (number, camera) for number, camera in enumerate(cameras(CAMERA_SITE))}
        self._renderer: dict[tuple[str, float], Renderer] = {}
        for name in self._cameras:
            self.prepare(name)
        self._colours: dict[int, NDArray[np.float64]] = {}
        self._last: dict[str, NDArray[np.uint8]] = {}
        self._scene: tuple[RoadUsers, Scene] | None = None

    def prepare(self, camera: str, turn_deg: float = 0.0) -> Renderer:
        """Draw the empty street as a camera sees it that has turned to the left by so much; takes about a second. [degrees]"""
        if (camera, turn_deg) not in self._renderer:
            number, model = self._cameras[camera]
            model = turned(model, np.radians(turn_deg)) if turn_deg else model
            self._renderer[camera, turn_deg] = Renderer(
                model,
                background(self._plan, model, Look(), 0, self._texture),
                seed=self._seed + number,
                farthest_m=FARTHEST_M,
                weather=self._weather,
                lamps=street_lamps(self._plan),
            )
        return self._renderer[camera, turn_deg]

    def render(
        self, camera: str, users: RoadUsers, *, frozen: bool = False, turn_deg: float = 0.0
    ) -> NDArray[np.uint8]:
        """(384, 640, 3) Picture; the last one again while the camera is frozen."""
        if frozen and camera in self._last:
            return self._last[camera]
        if self._scene is None or self._scene[0] is not users:
            self._scene = users, self._scene_of(users)
        picture = self.prepare(camera, turn_deg).render(self._scene[1])
        self._last[camera] = picture
        return picture

    def _scene_of(self, users: RoadUsers) -> Scene:
        some = part(users, users.near(INTERSECTIONS[CAMERA_SITE], SIGHT_M))
        tables = np.zeros((len(some), 8, 3))
        for k, (number, shape) in enumerate(zip(some.number.tolist(), some.shape.tolist(), strict=True)):
            table = self._colours.get(number)
            if table is None:
                table = self._colours[number] = colours(np.random.default_rng((self._seed, number)), shape)
            tables[k] = table
        return Scene(some.shape, some.x, some.y, some.yaw, some.length, some.width, some.height, tables)
