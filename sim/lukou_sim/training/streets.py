"""Random intersections, so that the detector learns road users and not one street."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lukou_sim.render.camera import CameraModel, FloatArray, look
from lukou_sim.render.street import EXTENT_M, Look, PathKind, StreetPlan
from lukou_sim.render.weather import CLEAR_VISIBILITY_M, Weather


@dataclass(frozen=True, slots=True)
class _Leg:
    """One leg: direction outward, lane counts, and offsets from its axis."""

    azimuth_rad: float
    arriving: int
    leaving: int
    lane_m: float
    bicycle_m: float
    sidewalk_m: float
    median_m: float

    def point(self, along_m: float, right_m: float) -> FloatArray:
        """Point outward from the centre; `right_m` to the right of arriving traffic."""
        c, s = math.cos(self.azimuth_rad), math.sin(self.azimuth_rad)
        return np.array([c * along_m - s * right_m, s * along_m + c * right_m])

    def lanes(self) -> list[tuple[PathKind, bool, float, float]]:
        """(kind, arrives, offset to the right of arriving traffic, width) of each lane. [m]"""
        made: list[tuple[PathKind, bool, float, float]] = []
        for arrives, count, sign in ((True, self.arriving, 1.0), (False, self.leaving, -1.0)):
            offset = self.median_m / 2
            widths: list[tuple[PathKind, float]] = [("vehicle", self.lane_m)] * count
            widths += [("bicycle", self.bicycle_m), ("walk", self.sidewalk_m)]
            for kind, width in widths:
                if width > 0:
                    made.append((kind, arrives, sign * (offset + width / 2), width))
                    offset += width
        return made

    def half_width(self) -> float:
        return max(abs(offset) + width / 2 for _, _, offset, width in self.lanes())


def random_street(rng: np.random.Generator) -> StreetPlan:
    """An intersection of three or four legs with random lanes, angles and furniture."""
    count = int(rng.choice([3, 4, 4, 4]))
    legs = [
        _Leg(
            azimuth_rad=k * math.pi / 2 + rng.normal(0, 0.12),
            arriving=int(rng.integers(1, 5)),
            leaving=int(rng.integers(1, 4)),
            lane_m=float(rng.uniform(2.9, 3.7)),
            bicycle_m=float(rng.choice([0.0, 2.0, 2.5, 3.5])),
            sidewalk_m=float(rng.uniform(2.0, 4.5)),
            median_m=float(rng.choice([0.2, 0.2, 1.0, 3.0, 5.0])),
        )
        for k in range(count)
    ]
    plan = StreetPlan((0.0, 0.0))
    stop = max(leg.half_width() for leg in legs) + rng.uniform(3, 8)
    corners = []
    for leg in legs:
        for kind, arrives, offset, width in leg.lanes():
            line = np.linspace(leg.point(stop, offset), leg.point(EXTENT_M, offset), 8)
            surface = "bicycle" if kind == "bicycle" and rng.random() < 0.6 else "asphalt"
            plan.strip("sidewalk" if kind == "walk" else surface, line, width + 0.05)
            plan.paths.append((kind, line[::-1] if arrives else line))
        corners += [leg.point(stop, -leg.half_width()), leg.point(stop, leg.half_width())]
    angles = [math.atan2(point[1], point[0]) for point in corners]
    plan.surfaces.append(("asphalt", np.array(corners)[np.argsort(angles)]))
    for leg in legs:
        _furnish(plan, leg, stop, rng)
    _turns(plan, legs, stop)
    return plan


def _furnish(plan: StreetPlan, leg: _Leg, stop: float, rng: np.random.Generator) -> None:
    """Crosswalk, stop line, lane lines."""
    reach = leg.half_width() - leg.sidewalk_m
    zebra = np.array([leg.point(stop - 3.0, -reach - 1), leg.point(stop - 3.0, reach + 1)])
    plan.paths.append(("walk", np.linspace(zebra[0], zebra[1], 6)))
    if rng.random() < 0.85:
        plan.stripes(zebra, rng.uniform(3, 5), 0.45, 0.55)
    stop_line = np.array([leg.point(stop + 1.0, leg.median_m / 2), leg.point(stop + 1.0, reach)])
    plan.stripes(stop_line, 0.4, 1e3, 0.0)
    for offset in np.arange(-leg.leaving + 1, leg.arriving):
        side = offset * leg.lane_m + math.copysign(leg.median_m / 2, offset)
        line = np.array([leg.point(stop + 1.5, side), leg.point(EXTENT_M, side)])
        if rng.random() < 0.5 and offset != 0:
            plan.stripes(line, 0.15, 3.0, 5.0)
        else:
            plan.stripes(line, 0.15, 1e3, 0.0)


def _turns(plan: StreetPlan, legs: list[_Leg], stop: float) -> None:
    """Paths across the junction, from every arriving lane to one leaving lane of each other leg."""
    for start in legs:
        for kind, arrives, offset, _ in start.lanes():
            if not arrives or kind == "walk":
                continue
            for end in legs:
                ends = [lane for lane in end.lanes() if not lane[1] and lane[0] == kind]
                if end is start or not ends:
                    continue
                a, b = start.point(stop, offset), end.point(stop, ends[0][2])
                middle = (start.point(stop * 0.25, offset) + end.point(stop * 0.25, ends[0][2])) / 2
                t = np.linspace(0, 1, 10)[:, None]
                plan.paths.append((kind, (1 - t) ** 2 * a + 2 * t * (1 - t) * middle + t**2 * b))


def random_camera(rng: np.random.Generator, plan: StreetPlan) -> CameraModel:
    """A mast beside or over a street that looks at the junction or along a leg, pitched down."""
    azimuth = rng.integers(4) * math.pi / 2 + rng.normal(0, 0.3)
    distance, height = rng.uniform(18, 75), rng.uniform(6.0, 12.0)
    x = plan.centre[0] + distance * math.cos(azimuth)
    y = plan.centre[1] + distance * math.sin(azimuth)
    target = rng.normal(0, 8, 2) + np.array(plan.centre)
    heading = math.atan2(target[1] - y, target[0] - x) + rng.normal(0, 0.1)
    pitch = -math.radians(rng.uniform(12, 30))
    return look(
        "random",
        (x, y, height),
        heading,
        pitch,
        focal_px=float(rng.uniform(380, 640)),
        roll_rad=float(rng.normal(0, 0.01)),
    )


def random_look(rng: np.random.Generator) -> Look:
    """Colours and weather of a day."""
    base = Look()
    surfaces = {
        kind: tuple(float(v) for v in np.clip(np.array(colour) * rng.uniform(0.75, 1.3) + rng.normal(0, 8, 3), 20, 230))
        for kind, colour in base.surfaces.items()
    }
    sky = float(rng.uniform(150, 235))
    return Look(
        surfaces=surfaces,  # type: ignore[arg-type]
        marking=float(rng.uniform(170, 240)),
        wear=float(rng.uniform(0, 0.6)),
        texture=float(rng.uniform(2, 12)),
        sky=(sky, sky * rng.uniform(0.92, 1.0), sky * rng.uniform(0.85, 1.0)),
        haze=float(rng.uniform(0, 0.5)),
        gain=float(rng.uniform(0.7, 1.2)),
        buildings=int(rng.integers(0, 30)),
    )


CONDITIONS = ("day", "night", "rain", "fog", "night_rain")
CONDITION_SHARES = (0.44, 0.2, 0.16, 0.1, 0.1)


def random_weather(rng: np.random.Generator, condition: str) -> Weather:
    """Weather and light of a kind; at any of them the lens may be dirty, the sun low, the mast in the wind.

    Parameters
    ----------
    rng : numpy Generator
        Of everything but the kind.
    condition : str
        One of `CONDITIONS`.
    """
    dark, wet = "night" in condition, "rain" in condition
    low_sun = not dark and rng.random() < 0.12
    return Weather(
        darkness=float(rng.uniform(0.75, 1.0))
        if dark
        else float(rng.choice([0.0, rng.uniform(0, 0.25)], p=[0.8, 0.2])),
        street_lamps=not dark or bool(rng.random() < 0.85),
        rain_mm_per_h=float(np.exp(rng.uniform(np.log(1.5), np.log(35.0)))) if wet else 0.0,
        visibility_m=float(np.exp(rng.uniform(np.log(60.0), np.log(400.0))))
        if condition == "fog"
        else CLEAR_VISIBILITY_M,
        glare=float(rng.uniform(0.2, 0.9)) if low_sun else 0.0,
        sun_azimuth_deg=float(rng.uniform(-180, 180)) if low_sun else None,
        sun_elevation_deg=float(rng.uniform(4, 20)) if low_sun else None,
        dirt=float(rng.uniform(0.1, 1.0)) if rng.random() < 0.2 else 0.0,
        sway_deg=float(rng.uniform(0.05, 0.4)) if rng.random() < 0.3 else 0.0,
    )
