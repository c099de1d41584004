"""Settings of the informative services and of the advice: tables of section ``[edge]``; every threshold with its source."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KnownHazard(_Frozen):
    """A hazard that an operator tells: one entry of ``[[edge.hazards]]``."""

    kind: Literal["works", "obstacle", "closure", "surface"] = Field(description="what it is")
    lane: str = Field(description="lane on which it begins, by its map name")
    from_m: float = Field(0.0, ge=0.0, description="where it begins on that lane [m]")
    text: str = Field("", max_length=200, description="what road users and operators are told of it")
    begins: AwareDatetime | None = Field(None, description="from when on, with the offset from UTC; none: at once")
    ends: AwareDatetime | None = Field(None, description="until when, with the offset from UTC; none: until removed")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise ValueError(f"ends {self.ends} is not after begins {self.begins}")
        return self

    @property
    def begins_ns(self) -> int:
        """Nanoseconds POSIX UTC; 0: at once."""
        return _posix_ns(self.begins) if self.begins is not None else 0

    @property
    def ends_ns(self) -> int:
        """Nanoseconds POSIX UTC; the largest there is: until removed."""
        return _posix_ns(self.ends) if self.ends is not None else 2**63 - 1


def _posix_ns(at: datetime) -> int:
    return round(at.timestamp() * 1e6) * 1000


class HazardSettings(_Frozen):
    """Obstacles and works ahead (HLW)."""

    ahead_s: float = Field(
        12.0, gt=0.0, description="who will be there within this is told (T/CSAE 53: time to react, twice over) [s]"
    )
    obstacle_s: float = Field(3.0, ge=0.0, description="a thing must have lain on the lane for this long [s]")
    slow_mps: float = Field(1.5, ge=0.0, description="slower vehicles are told nothing [m/s]")
    lanes_m: float = Field(250.0, gt=0.0, description="lanes named as concerned: up to this far before it [m]")


class EmergencySettings(_Frozen):
    """Emergency vehicle approaching (EVW)."""

    ahead_s: float = Field(
        12.0, gt=0.0, description="who is reached within this is told: making way takes several seconds [s]"
    )
    across_m: float = Field(
        80.0, gt=0.0, description="others are told from this distance before a junction that it will pass [m]"
    )


class PassingSettings(_Frozen):
    """Do not pass (DNPW)."""

    headway_s: float = Field(2.5, gt=0.0, description="who follows more closely may mean to overtake [s]")
    slow_share: float = Field(
        0.75, gt=0.0, le=1.0, description="who drives below this share of the limit tempts to overtake"
    )
    least_mps: float = Field(6.0, ge=0.0, description="slower followers are not told [m/s]")
    push_mps2: float = Field(
        1.0, gt=0.0, description="acceleration while overtaking (AASHTO Green Book 2011, section 3.2.4) [m/s^2]"
    )
    margin_m: float = Field(
        30.0, ge=0.0, description="between the one who is back and the one who comes (the same) [m]"
    )
    sight_m: float = Field(400.0, gt=0.0, description="who comes is looked for up to this far ahead [m]")


class CrosswalkSettings(_Frozen):
    """Turning over a green crosswalk."""

    ahead_s: float = Field(4.0, gt=0.0, description="who will be at the crosswalk within this is told [s]")


class AdviceSettings(_Frozen):
    """Speed advice for green (GLOSA)."""

    reach_m: float = Field(300.0, gt=0.0, description="vehicles farther from the stop line get no advice [m]")
    least_m: float = Field(15.0, ge=0.0, description="nor those that are nearer [m]")
    least_mps: float = Field(
        5.5, gt=0.0, description="slower is never advised: it would only annoy those behind (20 km/h) [m/s]"
    )
    least_confidence: float = Field(
        0.5, ge=0.0, le=1.0, description="where the forecast is less sure, no advice is given, and that is said"
    )
    start_s: float = Field(
        2.0, ge=0.0, description="time that the first of a queue needs to start (HCM 2016, ch. 19) [s]"
    )
    headway_s: float = Field(
        1.9, gt=0.0, description="from each to the next that leaves a queue (HCM 2016: 1900 per hour) [s]"
    )
    margin_s: float = Field(1.0, ge=0.0, description="arrival is aimed at this much after the way is free [s]")
    braking_mps2: float = Field(1.2, gt=0.0, description="slowing down that is comfortable [m/s^2]")


class NearMissSettings(_Frozen):
    """Near misses behind one another; those on crossing ways have ``experience.near_miss_s``."""

    time_to_collision_s: float = Field(
        1.5, gt=0.0, description="less is a near miss (Gettman and others, FHWA-HRT-08-051, 2008) [s]"
    )
    least_braking_mps2: float = Field(
        2.5,
        ge=0.0,
        description="but only with more required braking than this: who stops softly close behind has a short time, too [m/s^2]",
    )
    required_braking_mps2: float = Field(
        3.35, gt=0.0, description="so is more required braking (Archer, 2005; the usual limit of DRAC) [m/s^2]"
    )


class TrustSettings(_Frozen):
    """How far warnings are trusted when what they rest on is not in order."""

    least_confidence: float = Field(
        0.3, ge=0.0, le=1.0, description="imminent warnings that are trusted less are withheld, and counted"
    )
    degraded_list: float = Field(0.8, gt=0.0, le=1.0, description="factor where a unit's list says it is degraded")
    moved_camera: float = Field(0.7, gt=0.0, le=1.0, description="factor where a unit's camera has moved")
    no_signals: float = Field(0.6, gt=0.0, le=1.0, description="factor where the intersection's signals are not known")
    unsure_lane: float = Field(
        0.6, gt=0.0, le=1.0, description="factor where no lane of a road user is more probable than half"
    )
    coasted: float = Field(0.7, gt=0.0, le=1.0, description="factor where a road user was not measured for long")
    coasted_s: float = Field(0.25, gt=0.0, description="how long that is: two and a half lists [s]")


class ServiceSettings(_Frozen):
    """Informative services, advice, trust."""

    hazard: HazardSettings = Field(default_factory=HazardSettings)
    emergency: EmergencySettings = Field(default_factory=EmergencySettings)
    passing: PassingSettings = Field(default_factory=PassingSettings)
    crosswalk: CrosswalkSettings = Field(default_factory=CrosswalkSettings)
    advice: AdviceSettings = Field(default_factory=AdviceSettings)
    near_miss: NearMissSettings = Field(default_factory=NearMissSettings)
    trust: TrustSettings = Field(default_factory=TrustSettings)
