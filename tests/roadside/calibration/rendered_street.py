"""Cameras of known pose over the district, with the pictures that they see; lens distortion included."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import lukou_sim.district
from lukou_maps.reading import load_map
from lukou_maps.road_model import RoadModel
from lukou_roadside.calibration.parameters import DISTANCES_M, ground_ahead
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_sim.render.camera import look
from lukou_sim.render.district_plan import street_plan
from lukou_sim.render.street import Look, background, ground_texture

NET = Path(lukou_sim.district.__file__).with_name("district.net.xml")
CENTRE = (340.0, 660.0)


@cache
def district() -> RoadModel:
    return load_map(NET)


@cache
def texture() -> NDArray[np.uint8]:
    return ground_texture(street_plan(NET, CENTRE), Look(), np.random.default_rng(1))


def camera(**change: object) -> CameraSettings:
    """South of the junction, eight metres up, looking over it to the north-east."""
    values: dict[str, object] = {
        "name": "mast",
        "width_px": 960,
        "height_px": 600,
        "focal_x_px": 800.0,
        "x_m": 349.0,
        "y_m": 622.0,
    }
    values |= {"z_m": 8.3, "azimuth_rad": 1.72, "pitch_rad": -0.27, "roll_rad": 0.012}
    return CameraSettings.model_validate({**values, **change})


def picture(camera: CameraSettings) -> NDArray[np.uint8]:
    """What a camera sees of the empty street: rendered without distortion in a wider picture, then bent."""
    share = 1.4 if any(camera.distortion) else 1.0
    width, height = int(camera.width_px * share), int(camera.height_px * share)
    place = (camera.x_m, camera.y_m, camera.z_m)
    plain = look(
        camera.name,
        place,
        camera.azimuth_rad,
        camera.pitch_rad,
        focal_px=camera.focal_x_px,
        width=width,
        height=height,
        roll_rad=camera.roll_rad,
    )
    wide = background(street_plan(NET, CENTRE), plain, Look(), 5, texture())
    if share == 1.0:
        return wide
    own = Calibration(camera)
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
    x, y = own.lens.undistorted(
        (u.ravel() - own.centre_x_px) / own.focal_x_px, (v.ravel() - own.centre_y_px) / own.focal_x_px
    )
    shape = u.shape
    column = (x * camera.focal_x_px + width / 2 - 0.5).reshape(shape).astype(np.float32)
    row = (y * camera.focal_x_px + height / 2 - 0.5).reshape(shape).astype(np.float32)
    return np.asarray(cv2.remap(wide, column, row, cv2.INTER_LINEAR), np.uint8)


def ground_errors(true: CameraSettings, got: CameraSettings) -> NDArray[np.float64]:
    """Errors 20, 40 and 60 m ahead; nan where the true camera does not show that place. [m]"""
    x, y = ground_ahead(true, np.array(DISTANCES_M))
    u, v = Calibration(true).to_picture(x, y, np.zeros(3))
    got_x, got_y = Calibration(got).to_ground(u, v)
    return np.where((v > 0) & (v < true.height_px), np.hypot(got_x - x, got_y - y), math.nan)
