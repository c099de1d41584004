"""Settings of the edge process: section ``[edge]`` of the site file; every threshold with its source."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lukou_cloud.edge.service_settings import KnownHazard, ServiceSettings


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PredictionSettings(_Frozen):
    """How road users are expected to move."""

    horizon_s: float = Field(
        5.0, gt=0.5, le=10.0, description="how far ahead; a driver needs about 2.8 s at 50 km/h [s]"
    )
    step_s: float = Field(0.25, gt=0.02, le=0.5, description="time from sample to sample [s]")
    reaction_s: float = Field(
        0.2,
        ge=0.0,
        description="added to the braking way of whoever should give way; time by which observation lags [s]",
    )
    braking_mps2: float = Field(
        4.5,
        gt=0.5,
        description="who would have to brake harder than this does not give way (usual service brake) [m/s^2]",
    )
    red_braking_mps2: float = Field(
        5.5,
        gt=0.5,
        description="who would have to brake harder than this a fifth of a second later runs the light: late but attentive drivers reach 4.5; of tracked "
        "road users the least speed they may have counts [m/s^2]",
    )
    easy_braking_mps2: float = Field(2.5, gt=0.5, description="slowing down for a turn [m/s^2]")
    acceleration_fades_s: float = Field(1.0, gt=0.1, description="acceleration is kept for about this time [s]")
    most_paths: int = Field(4, ge=1, le=16, description="most probable lane paths kept per road user")
    least_probability: float = Field(0.08, ge=0.0, le=1.0, description="less probable lane paths are left out")
    lane_deviation_m: float = Field(0.8, gt=0.0, description="lateral deviation when choosing a lane [m]")


class WarningSettings(_Frozen):
    """When a danger is warned of."""

    sure_probability: float = Field(
        0.45, gt=0.0, le=1.0, description="least probability of the paths behind rear-end and red-light warnings"
    )
    hold_probability: float = Field(
        0.15,
        gt=0.0,
        le=1.0,
        description="a warning stands while paths that meet are this probable, even if somebody may yield",
    )
    onset_s: float = Field(0.2, ge=0.0, description="a danger must stand this long before it is warned of [s]")
    release_s: float = Field(0.8, ge=0.0, description="a warning ends when its danger has been gone for this long [s]")
    together_release_s: float = Field(
        2.0,
        ge=0.0,
        description="the same as long as both road users are still seen: who brakes for it and then goes on brings it back within two seconds, "
        "and a warning that breaks off in between has said that all is well [s]",
    )
    expiry_s: float = Field(
        0.5, gt=0.0, description="a warning is not to be shown longer than this after it was sent [s]"
    )
    most_time_to_collision_s: float = Field(4.25, gt=0.0, description="later contacts are not warned of yet [s]")
    vulnerable_time_to_collision_s: float = Field(
        4.0, gt=0.0, description="the same with pedestrians and two-wheelers [s]"
    )
    rear_end_braking_mps2: float = Field(
        4.6,
        gt=0.0,
        description="required braking (DRAC) after the reaction time above which the one behind is in danger: "
        "attentive drivers reach 3.8 before red lights [m/s^2]",
    )
    rear_end_reaction_s: float = Field(
        0.85,
        ge=0.0,
        description="the required braking is judged this much later, if both go on as they do: who follows distracted still picks "
        "up speed then [s]",
    )
    rear_end_closing_mps: float = Field(
        2.0, ge=0.0, description="closing more slowly is no danger to life: cars that creep up in a queue [m/s]"
    )
    rear_end_hold_mps2: float = Field(
        1.0, gt=0.0, description="a rear-end warning stands while more braking than this is required [m/s^2]"
    )
    rear_end_time_to_collision_s: float = Field(
        4.0, gt=0.0, description="later rear-end contacts are not warned of [s]"
    )
    time_margin_s: float = Field(0.3, ge=0.0, description="passing each other more closely in time is a contact [s]")
    side_margin_m: float = Field(0.15, ge=0.0, description="passing each other more closely in space is a contact [m]")
    unmeasured_s: float = Field(
        0.5, gt=0.0, description="road users coasted for longer raise no warning: they may have braked meanwhile [s]"
    )
    unsure_speed_mps: float = Field(
        2.0,
        gt=0.0,
        description="a speed that is known worse than this begins no warning: tracks that were just born, or coast [m/s]",
    )
    least_existence: float = Field(0.5, ge=0.0, le=1.0, description="road users less sure raise no warning")
    red_light_onset_s: float = Field(
        0.0, ge=0.0, description="who is about to run a light must be for this long: later it is too late [s]"
    )
    red_light_least_s: float = Field(
        0.6,
        ge=0.0,
        description="who is nearer to the stop line is not warned of any more for running it: what may come of it is a "
        "crossing danger [s]",
    )
    red_light_lead_s: float = Field(
        4.0, gt=0.0, description="red-light violations further ahead are not warned of yet [s]"
    )


class ExperienceSettings(_Frozen):
    """How sure a contact must be before it is warned of, and what experience at the place makes of that."""

    crossing_probability: float = Field(
        0.14, gt=0.0, le=1.0, description="without experience: between vehicles whose ways cross"
    )
    least_crossing_probability: float = Field(
        0.065, gt=0.0, le=1.0, description="the same where expected encounters often come true"
    )
    most_crossing_probability: float = Field(
        0.3, gt=0.0, le=1.0, description="the same where they hardly ever do; normal traffic mostly stays below 0.2"
    )
    probability: float = Field(
        0.2, gt=0.0, le=1.0, description="without experience: between vehicles that go the same way"
    )
    vulnerable_probability: float = Field(
        0.45,
        gt=0.0,
        le=1.0,
        description="the same with a pedestrian or cyclist; of who walks beside a crosswalk or against its red never more is asked for",
    )
    least_probability: float = Field(
        0.08,
        gt=0.0,
        le=1.0,
        description="between vehicles that go the same way, where expected encounters often come true",
    )
    least_vulnerable_probability: float = Field(
        0.12, gt=0.0, le=1.0, description="the same with a pedestrian or cyclist: warn of less is never right"
    )
    most_probability: float = Field(
        0.9, gt=0.0, le=1.0, description="where they hardly ever do: never ask for more, whatever the experience"
    )
    most_vulnerable_probability: float = Field(
        0.95,
        gt=0.0,
        le=1.0,
        description="the same with a pedestrian or cyclist: there drivers brake at the last moment",
    )
    steepness: float = Field(2.0, ge=0.0, description="power with which experience counts; 0: not at all")
    vulnerable_steepness: float = Field(
        4.0, ge=0.0, description="the same with a pedestrian or cyclist, where each of them counts once"
    )
    prior_share: float = Field(0.1, gt=0.0, lt=1.0, description="share of encounters expected to come true")
    prior_weight: float = Field(8.0, gt=0.0, description="encounters that the prior share counts for")
    least_come_true: float = Field(
        1.5, ge=0.0, description="dangerous encounters, faded, before less is required: one near miss is no habit"
    )
    come_true_s: float = Field(
        0.5, ge=0.0, description="post-encroachment time up to which two vehicles did not keep the rules [s]"
    )
    vulnerable_come_true_s: float = Field(
        1.0, ge=0.0, description="the same with a pedestrian or cyclist: who looks keeps 1.5 s and more [s]"
    )
    come_true_mps2: float = Field(
        5.5,
        gt=0.0,
        description="braking that only an emergency asks for: an encounter that needed it came true (attentive drivers "
        "stay below 4.5) [m/s^2]",
    )
    near_miss_s: float = Field(
        1.5, ge=0.0, description="post-encroachment time of a near miss, for planners (Allen and others) [s]"
    )


class RuleSettings(_Frozen):
    """Wrong way, standing vehicles, speed and queue ends."""

    wrong_way_mps: float = Field(3.0, gt=0.0, description="slower movement against a lane is manoeuvring [m/s]")
    wrong_way_s: float = Field(0.8, ge=0.0, description="it must last this long [s]")
    stopped_s: float = Field(20.0, ge=0.0, description="who stands this long for no visible reason is abnormal [s]")
    overspeed_factor: float = Field(1.1, ge=1.0, description="speed over the limit that is common, as a factor")
    overspeed_mps: float = Field(2.0, ge=0.0, description="and beyond that, to cover errors of measurement [m/s]")
    overspeed_s: float = Field(1.0, ge=0.0, description="it must last this long [s]")
    queue_speed_mps: float = Field(8.0, ge=0.0, description="slower vehicles are not told of queues [m/s]")
    queue_mps: float = Field(2.0, ge=0.0, description="whoever is slower is the end of a queue [m/s]")
    queue_beyond_m: float = Field(
        60.0, ge=0.0, description="queue ends nearer to a stop line with a signal are no surprise [m]"
    )
    queue_time_s: float = Field(6.0, ge=0.0, description="queues are told of this long before [s]")


class JudgeSettings(_Frozen):
    """Everything that decides what is warned of."""

    experience: ExperienceSettings = Field(default_factory=ExperienceSettings)
    rules: RuleSettings = Field(default_factory=RuleSettings)
    prediction: PredictionSettings = Field(default_factory=PredictionSettings)
    warnings: WarningSettings = Field(default_factory=WarningSettings)
    services: ServiceSettings = Field(default_factory=ServiceSettings)
    hazards: tuple[KnownHazard, ...] = Field((), description="hazards that an operator knows of")


def read_judge_settings(path: Path) -> JudgeSettings:
    """Thresholds from a TOML file: of its section ``[edge]`` if it is a site file, else of its whole.

    Parameters
    ----------
    path : Path
        For example ``[warnings]`` and below it ``onset_s = 0.3``; what is not told keeps its default.

    Raises
    ------
    ValueError
        If it is no TOML, or a key or value is not one of the settings.
    """
    try:
        told = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path}: {error}; expected a TOML file of settings") from None
    if isinstance(told.get("edge"), dict):
        told = {name: table for name, table in told["edge"].items() if name in JudgeSettings.model_fields}
    try:
        return JudgeSettings.model_validate(told)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors())
        raise ValueError(f"{path}: {wrong}; `lukou check` prints all settings of a site") from None


class EdgeSettings(JudgeSettings):
    """The edge process of up to eight intersections."""

    name: str = Field("edge", description="name in warning identities")
    map: str = Field(description="map file")
    configurations: tuple[str, ...] = Field((), description="signal configuration files, one per intersection")
    sources: tuple[str, ...] = Field(
        (), description="units whose lists are expected, for example k1/perception; empty: any"
    )
    stale_s: float = Field(0.5, gt=0.0, description="lists and signal states older than this are not used [s]")
    ahead_s: float = Field(
        0.1, ge=0.0, description="lists and signal states stamped later than now by more than this are not used [s]"
    )
    fusion_gate: float = Field(
        11.8, gt=0.0, description="largest squared distance of two units' tracks of one road user"
    )
    fusion_reach_m: float = Field(4.0, gt=0.0, description="tracks of two units farther apart are never one [m]")
    forget_s: float = Field(2.0, gt=0.0, description="a fused identity is forgotten after this silence [s]")
