"""Render the training set beforehand: many cameras, a few dozen pictures of each, labels from the renderer's mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lukou_sim.district import NET
from lukou_sim.district.cameras import cameras
from lukou_sim.district.layout import INTERSECTIONS
from lukou_sim.render.camera import CameraModel
from lukou_sim.render.district_plan import street_plan
from lukou_sim.render.renderer import Renderer, Scene
from lukou_sim.render.shapes import Shape
from lukou_sim.render.street import Look, StreetPlan, background
from lukou_sim.render.weather import Weather, street_lamps
from lukou_sim.training.scenes import random_scene
from lukou_sim.training.streets import (
    CONDITION_SHARES,
    CONDITIONS,
    random_camera,
    random_look,
    random_street,
    random_weather,
)

CLASSES = ("car", "truck_bus", "two_wheeler", "pedestrian")
CLASS_OF_SHAPE = {
    Shape.SEDAN: 0,
    Shape.VAN: 0,
    Shape.TRUCK: 1,
    Shape.BUS: 1,
    Shape.TWO_WHEELER: 2,
    Shape.PEDESTRIAN: 3,
}
WIDTH, HEIGHT = 640, 384
MIN_VISIBLE = 0.2
"""Road users less visible than this are neither demanded nor punished."""
MIN_PIXELS = 14
MIN_CONTRAST = 7.0
"""Road users that differ less from the empty street are neither demanded nor punished: nobody sees them. [0..255]"""
FARTHEST_M = 110.0
"""Road users beyond this distance are ignored: nobody needs them of this camera. [m]"""
COLUMNS = 9
"""Columns of a label: class, x1, y1, x2, y2, ground x, ground y, visible fraction, demanded (1) or ignored (0)."""


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """A rendered set.

    Attributes
    ----------
    pictures : (n, 384, 640, 3) uint8 array
        Blue, green, red; mapped from a file.
    labels : list of (m, 9) float32 array
        See `COLUMNS`.
    camera : (n,) int array
        Which camera saw each picture.
    is_district : (n,) bool array
        Whether it is one of the district's own cameras.
    condition : (n,) int array
        Index into `lukou_sim.training.streets.CONDITIONS`.
    """

    pictures: NDArray[np.uint8]
    labels: list[NDArray[np.float32]]
    camera: NDArray[np.int64]
    is_district: NDArray[np.bool_]
    condition: NDArray[np.int64]


def render_set(
    file: Path,
    camera_count: int,
    per_camera: int,
    seed: int,
    district_share: float = 0.4,
    conditions: tuple[str, ...] | None = None,
) -> Pictures:
    """Render a set into a file.

    Parameters
    ----------
    file : Path
        Where the pictures go (raw bytes).
    camera_count, per_camera : int
        How many cameras, how many pictures of each.
    seed : int
        Equal seeds give equal sets.
    district_share : float
        Share of cameras that are k1's own or near them.
    conditions : tuple of str, optional
        Weather and light of the cameras in turn; by default drawn by `CONDITION_SHARES`.
    """
    total = camera_count * per_camera
    pictures = np.memmap(file, np.uint8, "w+", shape=(total, HEIGHT, WIDTH, 3))
    labels: list[NDArray[np.float32]] = []
    is_district, condition = np.zeros(total, bool), np.zeros(total, np.int64)
    for number in range(camera_count):
        name = None if conditions is None else conditions[number % len(conditions)]
        camera = RandomCamera(seed, number, district_share, name)
        for k in range(per_camera):
            where = number * per_camera + k
            pictures[where], rows, _ = camera.shoot()
            labels.append(rows)
            is_district[where], condition[where] = camera.is_district, CONDITIONS.index(camera.condition)
    pictures.flush()
    return Pictures(pictures, labels, np.repeat(np.arange(camera_count), per_camera), is_district, condition)


class RandomCamera:
    """One camera of a set, with its street, weather and what hangs before its lens.

    Parameters
    ----------
    seed, number : int
        Equal pairs give equal cameras and pictures.
    district_share : float
        Probability that it is one of k1's own.
    condition : str, optional
        Weather and light; by default drawn by `CONDITION_SHARES`.

    Attributes
    ----------
    camera : CameraModel
        Its pose.
    is_district : bool
        Whether it is one of k1's own.
    condition : str
        Weather and light.
    """

    def __init__(self, seed: int, number: int, district_share: float = 0.0, condition: str | None = None) -> None:
        self._rng = rng = np.random.default_rng((seed, number))
        self.is_district = bool(rng.random() < district_share)
        drawn = str(rng.choice(CONDITIONS, p=CONDITION_SHARES))
        self.condition = drawn if condition is None else condition
        weather = random_weather(rng, self.condition)
        view = _district_view if self.is_district else _random_view
        self._renderer, self._plan = view(rng, number, weather)
        self._occluder = None if self.is_district else _occluder(rng)
        self.camera = self._renderer.camera

    def shoot(self) -> tuple[NDArray[np.uint8], NDArray[np.float32], Scene]:
        """The next picture of other traffic, its labels (`COLUMNS`), one row per visible road user, and these road users."""
        rng, occluder = self._rng, self._occluder
        scene = random_scene(self._plan, rng)
        picture, mask, seen = self._renderer.render_labelled(scene)
        visible = seen.visible_fraction.copy()
        if occluder is not None:
            picture[occluder[0] > 0] = occluder[1][occluder[0] > 0]
            hidden = np.bincount(mask[(occluder[0] > 0) & (mask >= 0)], minlength=len(scene.x))[seen.index]
            visible *= 1 - hidden / seen.pixels
        picture = _exposure(picture, rng, mild=self.is_district)
        classes = [CLASS_OF_SHAPE[Shape(int(scene.shape[index]))] for index in seen.index]
        away = np.hypot(scene.x - self.camera.position_map[0], scene.y - self.camera.position_map[1])
        demanded = (visible >= MIN_VISIBLE) & (seen.pixels >= MIN_PIXELS) & (away[seen.index] < FARTHEST_M)
        demanded &= seen.contrast >= MIN_CONTRAST
        rows = np.column_stack([classes, seen.boxes, seen.ground, visible, demanded]).astype(np.float32)
        return picture, rows.reshape(-1, COLUMNS), Scene(*(getattr(scene, one)[seen.index] for one in Scene.__slots__))


def save_labels(made: Pictures, file: Path) -> None:
    """Write all but the pictures."""
    counts = np.array([len(rows) for rows in made.labels])
    np.savez(
        file,
        rows=np.concatenate(made.labels),
        counts=counts,
        camera=made.camera,
        is_district=made.is_district,
        condition=made.condition,
    )


def load_set(pictures: Path, labels: Path) -> Pictures:
    """Read a set written by `render_set` and `save_labels`."""
    stored = np.load(labels)
    ends = np.cumsum(stored["counts"])[:-1]
    mapped = np.memmap(pictures, np.uint8, "r", shape=(len(stored["counts"]), HEIGHT, WIDTH, 3))
    rows = np.split(stored["rows"], ends)
    return Pictures(mapped, rows, stored["camera"], stored["is_district"], stored["condition"])


def _random_view(rng: np.random.Generator, number: int, weather: Weather) -> tuple[Renderer, StreetPlan]:
    if rng.random() < 0.35:
        centre = list(INTERSECTIONS.values())[rng.integers(4)]
        plan = street_plan(NET, centre)
    else:
        plan = random_street(rng)
    camera = random_camera(rng, plan)
    return _renderer(camera, background(plan, camera, random_look(rng), number), rng, weather, plan), plan


def _district_view(rng: np.random.Generator, number: int, weather: Weather) -> tuple[Renderer, StreetPlan]:
    plan = street_plan(NET, INTERSECTIONS["k1"])
    camera = cameras("k1")[rng.integers(4)]
    look = Look() if rng.random() < 0.6 else random_look(rng)
    return _renderer(camera, background(plan, camera, look, number), rng, weather, plan), plan


def _renderer(
    camera: CameraModel, empty: NDArray[np.uint8], rng: np.random.Generator, weather: Weather, plan: StreetPlan
) -> Renderer:
    return Renderer(
        camera,
        empty,
        sun_azimuth_rad=float(rng.uniform(-np.pi, np.pi)),
        sun_elevation_rad=float(rng.uniform(0.4, 1.3)),
        shadow=float(rng.choice([1.0, rng.uniform(0.4, 0.8)], p=[0.2, 0.8])),
        noise=float(rng.uniform(2, 8)),
        seed=int(rng.integers(1 << 30)),
        weather=weather,
        lamps=street_lamps(plan),
    )


def _occluder(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Mask and picture of poles, signs or leaves in front of the lens."""
    if rng.random() < 0.4:
        return None
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(rng.integers(1, 3)):
        x = int(rng.uniform(0, WIDTH))
        cv2.line(mask, (x, 0), (x + int(rng.normal(0, 8)), HEIGHT), 255, int(rng.uniform(3, 10)))
    if rng.random() < 0.5:
        corner = np.array([rng.choice([0, WIDTH]), 0])
        for _ in range(60):
            centre = corner + rng.normal(0, 45, 2)
            cv2.circle(mask, tuple(int(v) for v in centre), int(rng.uniform(3, 12)), 255, -1)
    tone = rng.uniform(30, 110, 3)
    picture = np.clip(tone + rng.normal(0, 9, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)
    return mask, np.ascontiguousarray(np.broadcast_to(picture, (HEIGHT, WIDTH, 3)))


def _exposure(picture: NDArray[np.uint8], rng: np.random.Generator, mild: bool) -> NDArray[np.uint8]:
    spread = 0.04 if mild else 0.15
    gains = rng.normal(1, spread) * rng.normal(1, spread / 4, 3)
    picture = np.clip(picture * gains, 0, 255).astype(np.uint8)
    if not mild and rng.random() < 0.25:
        picture = np.asarray(cv2.GaussianBlur(picture, (3, 3), rng.uniform(0.3, 0.9)), dtype=np.uint8)
    return picture
