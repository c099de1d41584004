"""Renderer: geometry, occlusion, labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lukou_sim.render.camera import look
from lukou_sim.render.renderer import Renderer, Scene
from lukou_sim.render.shapes import Shape, colours

CAMERA = look("c", (0.0, 0.0, 10.0), 0.0, -0.3, focal_px=500.0)
GREY = np.full((384, 640, 3), 90, np.uint8)


def scene(*rows: tuple[Shape, float, float, float]) -> Scene:
    sizes = {Shape.SEDAN: (4.6, 1.8, 1.5), Shape.BUS: (12.0, 2.5, 3.1), Shape.PEDESTRIAN: (0.5, 0.5, 1.7)}
    shape = np.array([int(row[0]) for row in rows], dtype=np.int64)
    pose = np.array([row[1:] for row in rows], dtype=np.float64).reshape(-1, 3)
    size = np.array([sizes[row[0]] for row in rows]).reshape(-1, 3)
    rng = np.random.default_rng(1)
    table = np.array([colours(rng, int(k)) for k in shape]).reshape(-1, 8, 3)
    return Scene(shape, *pose.T, *size.T, table)


def test_a_point_straight_ahead_is_in_the_middle() -> None:
    distance = 10.0 / math.tan(0.3)
    pixels, depths = CAMERA.project(np.array([[distance, 0.0, 0.0]]))
    np.testing.assert_allclose(pixels, [[320.0, 192.0]], atol=1e-6)
    assert depths[0] == pytest.approx(math.hypot(distance, 10.0))


def test_left_is_left_and_near_is_low() -> None:
    (left, right, near), _ = CAMERA.project(np.array([[30.0, 5.0, 0.0], [30.0, -5.0, 0.0], [20.0, 0.0, 0.0]]))
    assert left[0] < 320 < right[0]
    assert near[1] > left[1]


@given(st.floats(12, 100), st.floats(-8, 8))
def test_ground_there_and_back(x: float, y: float) -> None:
    (pixel,), _ = CAMERA.project(np.array([[x, y, 0.0]]))
    back = CAMERA.ground_from_pixel @ np.array([*pixel, 1.0])
    np.testing.assert_allclose(back[:2] / back[2], [x, y], atol=1e-6)


def test_labels_lie_around_what_was_drawn() -> None:
    picture, mask, labels = Renderer(CAMERA, GREY, shadow=1.0, noise=0).render_labelled(
        scene((Shape.SEDAN, 30.0, 0.0, 0.0))
    )
    changed = np.argwhere((picture != 90).any(axis=2))
    x1, y1, x2, y2 = labels.boxes[0]
    assert (changed.min(axis=0) >= (y1, x1)).all()
    assert (changed.max(axis=0) < (y2, x2)).all()
    assert labels.pixels[0] == (mask == 0).sum()
    assert labels.visible_fraction[0] == pytest.approx(1.0)
    np.testing.assert_allclose(labels.ground[0], CAMERA.project(np.array([[30.0, 0.0, 0.0]]))[0][0])


def test_what_stands_behind_a_bus_is_hidden() -> None:
    alone = scene((Shape.PEDESTRIAN, 36.0, 0.0, 0.0))
    behind = scene((Shape.PEDESTRIAN, 36.0, 0.0, 0.0), (Shape.BUS, 33.0, 0.0, math.pi / 2))
    renderer = Renderer(CAMERA, GREY, noise=0)
    assert len(renderer.render_labelled(alone)[2].index) == 1
    hidden = renderer.render_labelled(behind)[2]
    assert 0 not in hidden.index or hidden.visible_fraction[list(hidden.index).index(0)] < 0.3


def test_empty_street_and_things_behind_the_camera() -> None:
    renderer = Renderer(CAMERA, GREY, noise=0)
    np.testing.assert_array_equal(renderer.render(scene()), GREY)
    np.testing.assert_array_equal(renderer.render(scene((Shape.SEDAN, -20.0, 0.0, 0.0))), GREY)


def test_noise_is_seeded() -> None:
    one, two = (Renderer(CAMERA, GREY, noise=5, seed=3).render(scene()) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.std() > 2
