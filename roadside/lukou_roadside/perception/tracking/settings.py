"""Settings of the tracker."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrackerSettings(BaseModel):
    """Numbers that decide how detections become tracks; defaults were tuned on simulated intersections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    replay_s: float = Field(
        0.7, ge=0.0, le=5.0, description="late scans are taken at their own time up to this age [s]"
    )
    slot_s: float = Field(
        0.05, gt=0.0, le=0.2, description="radar sweeps of the same so many seconds are worked in together [s]"
    )
    registers: bool = Field(True, description="learn each sensor's clock offset and rotation, and correct for them")
    gate: float = Field(16.0, gt=0.0, description="largest squared Mahalanobis distance of a detection from its track")
    camera_variance_factor: float = Field(
        1.0, gt=0.0, description="stated camera covariances are widened by this factor"
    )
    radar_variance_factor: float = Field(1.0, gt=0.0, description="stated radar covariances are widened by this factor")
    doppler_deviation_mps: float = Field(0.2, gt=0.0, description="standard deviation of a range rate [m/s]")
    camera_clutter_per_m2: float = Field(
        3e-5, gt=0.0, description="false detections of a camera per scan and area [1/m^2]"
    )
    radar_clutter_per_m2: float = Field(3e-4, gt=0.0, description="false returns of a radar per scan and area [1/m^2]")
    birth_log_odds: float = Field(-2.5, description="log odds of a road user that one detection of score 0.5 begins")
    radar_birth_log_odds: float = Field(
        -2.9, description="the same for a moving radar return; not above delete_log_odds: it begins nothing"
    )
    score_weight: float = Field(0.5, ge=0.0, le=2.0, description="weight of log(score / (1 - score)) in log odds")
    confirm_log_odds: float = Field(2.5, description="log odds above which a road user is believed")
    delete_log_odds: float = Field(-3.0, description="log odds below which a track ends")
    most_log_odds: float = Field(7.0, description="belief is never stronger than this, so that it can end")
    sensor_log_odds: float = Field(
        4.0, gt=0.0, description="most that one sensor can add to the log odds by detections of score 0.5, however many"
    )
    sensor_score_weight: float = Field(1.5, ge=0.0, description="change of that bound with log(score / (1 - score))")
    most_contrary_log_odds: float = Field(6.0, gt=0.0, description="most that one sensor's misses take away")
    evidence_memory_s: float = Field(
        2.0, gt=0.0, description="what a sensor said fades with this time constant once it no longer sees the place [s]"
    )
    miss_weight: float = Field(0.35, gt=0.0, le=1.0, description="misses of neighbouring scans are not independent")
    most_position_deviation_m: float = Field(3.5, gt=0.0, description="a track whose place is less certain ends [m]")
    most_unmeasured_s: float = Field(3.0, gt=0.0, description="a track not measured for longer ends [s]")
    standing_unmeasured_s: float = Field(10.0, gt=0.0, description="the same for one that stood still [s]")

    @property
    def radars_begin(self) -> bool:
        """Whether a moving radar return can begin a track that is not gone at once."""
        return self.radar_birth_log_odds > self.delete_log_odds
