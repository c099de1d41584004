"""Scenarios: what happens in a simulated hour, as TOML. See ``docs/scenarios.md``."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lukou_sim.district import FOLDER
from lukou_sim.render.weather import Weather

SCENARIOS = FOLDER / "scenarios"
DEFAULT_SCENARIO = SCENARIOS / "demo.toml"

DangerKind = Literal["red_light", "left_turn", "rear_end", "pedestrian_red", "jaywalker", "right_turn"]
FailureKind = Literal[
    "camera_lost",
    "camera_frozen",
    "camera_blinded",
    "camera_turned",
    "radar_lost",
    "radar_frozen",
    "clock_offset",
    "detections_lost",
]
Site = Literal["k1", "k2", "k3", "k4"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Danger(_Model):
    """A driver or walker who does something dangerous, as soon after `at_s` as the traffic offers the occasion."""

    id: str = Field(description="identity, stands in the truth's events", min_length=1, max_length=40)
    kind: DangerKind = Field(description="what is done")
    at_s: float = Field(ge=0, description="from when on the occasion is looked for, seconds after the start")
    site: Site = Field(default="k1", description="at which intersection")
    within_s: float = Field(default=60.0, gt=0, le=600, description="how long the occasion is looked for")


class Failure(_Model):
    """A sensor that fails for a while."""

    kind: FailureKind = Field(description="what fails")
    site: Site = Field(default="k1", description="at which intersection")
    sensor: str = Field(description="name of the sensor, for example camera-north; * for all of the site")
    at_s: float = Field(ge=0, description="begin, seconds after the start")
    for_s: float = Field(gt=0, description="duration in seconds")
    offset_s: float = Field(
        default=0.2, ge=-1, le=1, description="clock_offset: stamps of k1's camera or radar are late by so much [s]"
    )
    turn_deg: float = Field(
        default=2.0, ge=-30, le=30, description="camera_turned: to the left by so much, the calibration stays [degrees]"
    )


class Scenario(_Model):
    """One scenario."""

    name: str = Field(description="name shown to people", min_length=1, max_length=60)
    duration_s: float = Field(
        default=300.0, gt=0, le=86_400, description="length in seconds; the demo may cut it short"
    )
    seed: int = Field(default=1, ge=0, le=2**31 - 1, description="of everything random, unless given by the caller")
    start_hour: float = Field(default=8.0, ge=0, lt=24, description="local hour whose demand is used")
    demand_scale: float = Field(default=1.0, ge=0, le=2, description="factor on all flows")
    warm_up_s: float = Field(default=120.0, ge=0, le=3600, description="simulated before the start, on the local plans")
    plan: str = Field(default="", description="plan of the cabinets; empty: their calendar's")
    detectors: bool = Field(
        default=False,
        description="the cabinets have detectors 35 m before their stop lines and push buttons, and tell who calls",
    )
    connected_share: float = Field(
        default=0.1, ge=0, le=1, description="share of motor vehicles that report themselves"
    )
    drivers_follow_advice: bool = Field(
        default=False, description="connected drivers keep to the speeds that the edge advises (GLOSA)"
    )
    drivers_hear_warnings: bool = Field(default=False, description="must be false: nobody reacts to warnings yet")
    dangers: tuple[Danger, ...] = Field(default=(), description="dangerous drivers and walkers")
    failures: tuple[Failure, ...] = Field(default=(), description="sensors that fail")
    tracking_radars: tuple[Literal["k2", "k3", "k4"], ...] = Field(
        default=(), description="sites where a vendor's radar that sends its own tracks stands beside the sensors"
    )
    weather: Weather = Field(default=Weather(), description="weather and light; a clear day where nothing is said")

    def dangers_until(self, end_s: float) -> tuple[Danger, ...]:
        """The dangers, and again each time the scenario's length is over, until `end_s`; those of round two are called `d1.2`. [s]"""
        found = list(self.dangers)
        for number in range(1, math.ceil(end_s / self.duration_s)):
            again_s = number * self.duration_s
            found += [
                each.model_copy(update={"id": f"{each.id}.{number + 1}", "at_s": each.at_s + again_s})
                for each in self.dangers
                if each.at_s + again_s < end_s
            ]
        return tuple(found)


def load_scenario(path: Path | str = DEFAULT_SCENARIO) -> Scenario:
    """Read a scenario; a name without a slash and suffix is looked for among the shipped ones.

    Raises
    ------
    FileNotFoundError
        With the names of the shipped scenarios.
    pydantic.ValidationError
        With all problems at once.
    """
    file = Path(path)
    if not file.suffix and not file.exists():
        file = SCENARIOS / f"{path}.toml"
    if not file.exists():
        shipped = ", ".join(sorted(each.stem for each in SCENARIOS.glob("*.toml")))
        raise FileNotFoundError(f"{path}: no such scenario; give a file or one of: {shipped}")
    return Scenario.model_validate(tomllib.loads(file.read_text()))
