"""Settings of the region process: section ``[region]`` of the site file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TimingSettings(BaseModel):
    """Numbers of the timing model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizon_s: int = Field(100, ge=30, le=300, description="how far the search looks ahead [s]")
    headway_s: float = Field(
        2.0,
        gt=0.5,
        description="saturation headway of a vehicle lane, HCM 6th ed. ch. 19: 3600/1900, and some trucks [s]",
    )
    yielding_headway_s: float = Field(
        3.5, gt=0.5, description="headway of a lane with a turn that yields to people, until its own is learned [s]"
    )
    bicycle_headway_s: float = Field(
        1.8, gt=0.1, description="saturation headway of a bicycle lane, HCM 6th ed. ch. 19: 2000 an hour [s]"
    )
    startup_s: float = Field(
        1.0, ge=0.0, description="start-up lost time of the district's drivers (HCM 6th ed.: 2) [s]"
    )
    view_m: float = Field(300.0, gt=20, description="how far before the stop line road users are believed seen [m]")
    pedestrian_weight: float = Field(
        0.7, ge=0, description="a waiting pedestrian counts as so many cars: 1 of 1.4 people"
    )
    bicycle_weight: float = Field(0.7, ge=0, description="a bicycle's delay counts as so many cars'")
    bus_weight: float = Field(
        15.0, ge=0, description="a bus's delay counts as so many cars': some 20 people in it of 1.4"
    )
    rate_memory_s: float = Field(240.0, gt=10, description="time constant of the learned arrival rates [s]")
    wait_weight_s: float = Field(
        40.0, gt=0, description="a wait longer than a minute by this counts double: nobody shall wait for ever [s]"
    )
    width: int = Field(24, ge=4, le=256, description="plans that the search keeps")
    interval_s: int = Field(1, ge=1, le=30, description="time between two decisions [s]")
    commit_s: float | None = Field(
        None,
        ge=0,
        le=30,
        description="the end of a green is told so long before and not moved (SAFETY 22); the signal configuration's by default [s]",
    )
    stop_s: float = Field(
        0.0, ge=0, description="charged per stop beside the wait; braking and starting cost 4 s at 50 km/h [s]"
    )
    skip_cost: float = Field(
        80.0,
        ge=0,
        description="charged per stage that is left out of a fixed order: its people go a round later [weighted s]",
    )
    switch_cost: float = Field(0.0, ge=0, description="charged per change of stage [weighted s]")


class FusionSettings(BaseModel):
    """How the lists of several edges become one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: float = Field(11.8, gt=0.0, description="largest squared distance of two edges' tracks of one road user")
    reach_m: float = Field(4.0, gt=0.0, description="tracks of two edges farther apart are never one [m]")
    forget_s: float = Field(2.0, gt=0.0, description="who is lost is looked for at the same place so long [s]")
    remember_s: float = Field(
        150.0, ge=0.0, description="an edge's own identities are believed so long after they were in its list [s]"
    )
    most_lost: int = Field(4000, ge=10, description="road users between views that are remembered, the latest ones")
    ahead_s: float = Field(
        0.1,
        ge=0.0,
        description="lists stamped later than now by more than this are not used [s]",
    )


class RegionSettings(BaseModel):
    """The region process of one district."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("district/region", description="name as issuer of commands")
    map: str = Field(description="map file, relative to the site file")
    configurations: tuple[str, ...] = Field(description="signal configurations of the intersections (JSON)")
    controls: bool = Field(True, description="give commands; otherwise decide and publish only")
    lease_s: float = Field(5.0, ge=1, le=15, description="life of the authority that a command grants [s]")
    stale_s: float = Field(1.0, gt=0.2, description="older object lists or signal states are not acted upon [s]")
    log_every_s: float = Field(10.0, ge=1, description="period of the traffic states for the archive [s]")
    edges: tuple[str, ...] = Field(
        (), description="edges whose lists are expected, for example north/edge; empty: any that has the right to send"
    )
    fusion: FusionSettings = Field(default_factory=FusionSettings, description="lists of several edges into one")
    timing: TimingSettings = Field(default_factory=TimingSettings, description="numbers of the timing model")
