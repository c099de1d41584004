"""Weather and light: what a scenario says of them, and what they do to the empty street.

Extinction of light follows Koschmieder (1924), contrast exp(-b d) with b = 3.912 / visibility; rain adds what Carbonneau
and Wisely (1998) measured, 1.076 R^0.67 dB/km (also ITU-R P.1814).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lukou_sim.render.camera import CameraModel, FloatArray
from lukou_sim.render.street import StreetPlan

LAMP_SPACING_M = 28.0
"""Distance between street lamps along a sidewalk. [m]"""
LAMP_HEIGHT_M = 9.0
LAMP_COLOUR = np.array([0.72, 0.9, 1.0])
"""Warm white: blue, green, red."""
HEADLIGHT_COLOUR = np.array([0.88, 0.92, 0.9])
AMBIENT = 0.11
"""Brightness of a street without lamps at night, with the gain that a camera then chooses; 1 is day."""
FOG_COLOUR = np.array([208.0, 206.0, 203.0])
CLEAR_VISIBILITY_M = 10_000.0


class Weather(BaseModel):
    """Weather, light and what is on the lens; the default is a clear day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    darkness: float = Field(0.0, ge=0, le=1, description="0 is day, 1 is night; from 0.3 vehicles drive with lights")
    street_lamps: bool = Field(True, description="whether street lamps burn in the dark")
    rain_mm_per_h: float = Field(0.0, ge=0, le=100, description="rain; 2 is light, 10 strong, 30 a downpour [mm/h]")
    visibility_m: float = Field(
        CLEAR_VISIBILITY_M, ge=20, description="distance at which contrast has fallen to 2 %; fog below 1000 [m]"
    )
    glare: float = Field(0.0, ge=0, le=1, description="strength of a low sun's stray light in the lens")
    sun_azimuth_deg: float | None = Field(
        None, ge=-360, le=360, description="where the sun stands, counter-clockwise from east; none: as drawn [deg]"
    )
    sun_elevation_deg: float | None = Field(None, ge=2, le=90, description="height of the sun; none: as drawn [deg]")
    dirt: float = Field(0.0, ge=0, le=1, description="dirt on the lens; 1 covers about a fifth of the picture")
    sway_deg: float = Field(0.0, ge=0, le=2, description="how far wind turns the masts to either side [deg]")

    @cached_property
    def is_clear(self) -> bool:
        """Whether pictures are those of a clear day from a steady, clean camera."""
        return self == CLEAR

    def mast_turn_rad(self, at_s: float, phases: tuple[float, float]) -> float:
        """How far the wind has turned a mast at an instant: it bends at 0.3 to 1 Hz in its first mode. [rad]"""
        slow, fast = math.sin(2 * math.pi * 0.37 * at_s + phases[0]), math.sin(5.3 * at_s + phases[1])
        return math.radians(self.sway_deg) * (0.7 * slow + 0.3 * fast)

    @cached_property
    def extinction_per_m(self) -> float:
        """Extinction of light beyond that of clear air. [1/m]"""
        fog = 3.912 / self.visibility_m if self.visibility_m < CLEAR_VISIBILITY_M else 0.0
        rain_db_per_km = 1.076 * self.rain_mm_per_h**0.67
        return float(fog + rain_db_per_km / (10 * math.log10(math.e)) / 1000)

    @cached_property
    def wetness(self) -> float:
        """How wet the road is, 0..1."""
        return float(1 - math.exp(-self.rain_mm_per_h / 3))

    @cached_property
    def overcast(self) -> float:
        """Share of the sky's light that casts no shadow, 0..1."""
        fog = min(1.0, 400.0 / self.visibility_m) if self.visibility_m < CLEAR_VISIBILITY_M else 0.0
        return float(max(self.darkness, self.wetness, fog))

    @property
    def has_headlights(self) -> bool:
        """Whether vehicles have their lights on."""
        return self.darkness >= 0.3

    @cached_property
    def fog_colour(self) -> FloatArray:
        """(3,) Colour that everything fades to with distance: blue, green, red."""
        return np.asarray(FOG_COLOUR * (1 - self.darkness * (0.84 if self.street_lamps else 0.93)))


CLEAR = Weather()


def street_lamps(plan: StreetPlan) -> FloatArray:
    """(n, 2) Feet of street lamps along the sidewalks of a plan. [m]"""
    places: list[FloatArray] = []
    for kind, line in plan.paths:
        lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        if kind != "walk" or lengths[-1] < 30:
            continue
        for at in np.arange(LAMP_SPACING_M / 3, lengths[-1], LAMP_SPACING_M):
            place = np.array([np.interp(at, lengths, line[:, 0]), np.interp(at, lengths, line[:, 1])])
            if all(np.hypot(*(place - other)) > 12 for other in places):
                places.append(place)
    return np.array(places).reshape(-1, 2)


def light_at(weather: Weather, lamps: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """(..., 3) Brightness of the ground by colour; 1 is day.

    Parameters
    ----------
    weather : Weather
        How dark it is.
    lamps : (n, 2) float array
        Street lamps. [m]
    x, y : (...) float array
        Where. [m]
    """
    night = np.zeros(np.shape(x))
    if weather.street_lamps:
        for lamp_x, lamp_y in lamps:
            squared = ((x - lamp_x) ** 2 + (y - lamp_y) ** 2) / LAMP_HEIGHT_M**2
            night += (1 + squared) ** -1.5  # Lambert's cosine and the square of the distance from the lamp
    lit = AMBIENT + 0.62 * np.minimum(1.5 * night, 1.2)[..., None] * LAMP_COLOUR
    day = 1.0 - 0.18 * weather.wetness
    return np.asarray(day * (1 - weather.darkness) + lit * weather.darkness)


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """Pictures of the empty street, (h, w, 3) uint8.

    Attributes
    ----------
    empty : array
        As it lies there.
    shaded : array or None
        In the shade of something; none where nothing casts a shadow.
    beamed : array
        Where headlights shine on it.
    """

    empty: NDArray[np.uint8]
    shaded: NDArray[np.uint8] | None
    beamed: NDArray[np.uint8]


def relit(
    background: NDArray[np.uint8],
    camera: CameraModel,
    weather: Weather,
    lamps: FloatArray,
    *,
    shadow: float,
    seed: int,
) -> Street:
    """The empty street in this weather.

    Parameters
    ----------
    background : (h, w, 3) uint8 array
        The empty street on a clear day.
    camera : CameraModel
        Who looks.
    weather : Weather
        Weather.
    lamps : (n, 2) float array
        Street lamps. [m]
    shadow : float
        Brightness of shaded ground, 0..1.
    seed : int
        Of the windows that are lit.
    """
    x, y, distance = _ground(camera)
    sky = np.isinf(distance)
    albedo = background.astype(np.float64)
    if weather.wetness > 0:  # wet asphalt is darker near the camera and mirrors the sky far away
        mirror = weather.wetness * np.clip((np.where(sky, 0, distance) - 15) / 80, 0, 0.45)[..., None]
        albedo = albedo * (1 - 0.22 * weather.wetness * ~sky[..., None])
        albedo = albedo * (1 - mirror) + weather.fog_colour * mirror * (1 - 0.5 * weather.darkness)
    light = np.empty((*distance.shape, 3))
    light[:] = (1 - weather.darkness) + 0.06 * weather.darkness
    light[~sky] = light_at(weather, lamps, x[~sky], y[~sky])
    fade = np.where(sky, 1 - np.exp(-400.0 * weather.extinction_per_m), 1.0)
    fade[~sky] = 1 - np.exp(-distance[~sky] * weather.extinction_per_m)
    beamed = albedo * np.maximum(light, HEADLIGHT_COLOUR)
    shown = []
    for surface in (albedo * light, albedo * light * shadow, beamed):
        picture = surface * (1 - fade[..., None]) + weather.fog_colour * fade[..., None]
        shown.append(np.clip(picture, 0, 255).astype(np.uint8))
    if weather.darkness >= 0.5:
        _light_windows(shown[0], background, sky, weather, np.random.default_rng((seed, 7)))
        _draw_lamps(shown, camera, weather, lamps)
    return Street(shown[0], shown[1] if shadow < 1 else None, shown[2])


def _ground(camera: CameraModel) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(h, w) Map position that each pixel sees on the ground and its distance; infinite above the horizon. [m]"""
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    rays = np.stack([u + 0.5, v + 0.5, np.ones_like(u)], axis=-1) @ np.linalg.inv(camera.projection[:, :3]).T
    below = rays[..., 2] < -1e-4
    depth = np.where(below, -camera.position_map[2] / np.where(below, rays[..., 2], -1.0), np.inf)
    away = np.where(below[..., None], rays[..., :2] * np.where(below, depth, 0.0)[..., None], 0.0)
    distance = np.where(below, np.hypot(away[..., 0], away[..., 1]), np.inf)
    return camera.position_map[0] + away[..., 0], camera.position_map[1] + away[..., 1], distance


def _light_windows(
    picture: NDArray[np.uint8],
    background: NDArray[np.uint8],
    sky: NDArray[np.bool_],
    weather: Weather,
    rng: np.random.Generator,
) -> None:
    """Lit windows on what is darker than the sky above the horizon, that is on houses."""
    rows, columns = np.nonzero(sky & (background.max(axis=2) < 195))
    if len(rows) == 0 or weather.visibility_m < 300:
        return
    for k in rng.integers(0, len(rows), min(60, len(rows) // 40)):
        corner = int(columns[k]), int(rows[k])
        tone = np.array([110, 190, 230]) * rng.uniform(0.4, 0.9)
        cv2.rectangle(picture, corner, (corner[0] + 2, corner[1] + 2), tone.tolist(), -1)


def _draw_lamps(pictures: list[NDArray[np.uint8]], camera: CameraModel, weather: Weather, lamps: FloatArray) -> None:
    """The lamps themselves and their masts."""
    if len(lamps) == 0:
        return
    feet, depths = camera.project(np.column_stack([lamps, np.zeros(len(lamps))]))
    heads, _ = camera.project(np.column_stack([lamps, np.full(len(lamps), LAMP_HEIGHT_M)]))
    for foot, head, depth in zip(feet, heads, depths, strict=True):
        if depth < 3 or np.abs([*foot, *head]).max() > 4000:
            continue
        clear = math.exp(-depth * weather.extinction_per_m * 0.5)
        for picture in pictures:
            pole = (weather.fog_colour * (1 - clear) + 26 * clear).tolist()
            cv2.line(picture, _pixel(foot), _pixel(head), pole, 1 if depth > 20 else 2)
            if weather.street_lamps:
                burning = np.clip(np.array([225, 245, 255]) * clear + weather.fog_colour * (1 - clear), 0, 255)
                cv2.circle(picture, _pixel(head), max(1, round(60 / depth)), burning.tolist(), -1, cv2.LINE_AA)


def _pixel(point: FloatArray) -> tuple[int, int]:
    return int(point[0]), int(point[1])
