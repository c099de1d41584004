"""Settings of the perception process: section ``[perception]`` of the site file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lukou_roadside.perception.lens import NUMBERS, LensKind
from lukou_roadside.perception.tracking.settings import TrackerSettings


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CameraSettings(_Frozen):
    """One camera: its driver and its calibration."""

    name: str = Field(description="name within the site, for example camera-north")
    driver: str = Field("camera.simulated", description="name of the driver, see `lukou doctor`")
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the driver")
    width_px: int = Field(640, ge=16, le=8192, description="width of the picture [px]")
    height_px: int = Field(384, ge=16, le=8192, description="height of the picture [px]")
    focal_x_px: float = Field(gt=0.0, description="focal length along the rows [px]")
    focal_y_px: float | None = Field(None, gt=0.0, description="focal length along the columns; as focal_x_px [px]")
    centre_x_px: float | None = Field(None, description="principal point; the middle of the picture [px]")
    centre_y_px: float | None = Field(None, description="principal point; the middle of the picture [px]")
    lens: LensKind = Field("radial_tangential", description="radial_tangential (Brown-Conrady) or fisheye")
    distortion: tuple[float, ...] = Field(
        (),
        description="as OpenCV orders them: k1, k2, p1, p2[, k3[, k4, k5, k6]]; of a fisheye k1, k2, k3, k4; empty: none",
    )
    x_m: float = Field(description="position, east in the map frame [m]")
    y_m: float = Field(description="position, north in the map frame [m]")
    z_m: float = Field(description="position, up in the map frame [m]")
    azimuth_rad: float = Field(description="direction of the optical axis over ground, from east [rad]")
    pitch_rad: float = Field(description="angle of the optical axis above the horizon; negative looks down [rad]")
    roll_rad: float = Field(0.0, description="rotation about the optical axis [rad]")
    angle_deviation_rad: float = Field(0.0015, ge=0.0, description="standard deviation of the mounting's angles [rad]")
    pixel_deviation_px: float = Field(1.2, gt=0.0, description="standard deviation of a detected point [px]")
    range_max_m: float = Field(110.0, gt=0.0, description="farther detections are not used [m]")
    background: str | None = Field(
        None,
        description="file of `lukou adapt`, relative to the site file: detections that show the empty street are dropped",
    )
    detection_probability: float = Field(0.9, gt=0.0, lt=1.0, description="share of road users in view that it finds")

    @model_validator(mode="after")
    def _judge_lens(self) -> CameraSettings:
        if len(self.distortion) not in NUMBERS[self.lens]:
            raise ValueError(f"distortion has {len(self.distortion)} numbers; {self.lens} takes {NUMBERS[self.lens]}")
        return self


class RadarSettings(_Frozen):
    """One Doppler radar that sends single returns."""

    name: str = Field(description="name within the site, for example radar-north")
    driver: str = Field("radar.udp", description="name of the driver")
    options: dict[str, Any] = Field(default_factory=dict, description="settings of the driver")
    x_m: float = Field(description="position, east in the map frame [m]")
    y_m: float = Field(description="position, north in the map frame [m]")
    z_m: float = Field(5.0, description="position, up in the map frame [m]")
    boresight_rad: float = Field(description="middle direction, from east [rad]")
    opening_rad: float = Field(1.4, gt=0.0, le=6.2832, description="full opening angle [rad]")
    range_min_m: float = Field(3.0, ge=0.0, description="nearest distance [m]")
    range_max_m: float = Field(150.0, gt=0.0, description="farthest distance [m]")
    range_deviation_m: float = Field(0.3, gt=0.0, description="standard deviation of a distance [m]")
    azimuth_deviation_rad: float = Field(0.01, gt=0.0, description="standard deviation of a direction [rad]")


class GateSettings(_Frozen):
    """Which detections of cameras can be road users at all."""

    map_margin_m: float = Field(
        8.0,
        ge=0.0,
        description="detections farther from every lane than this and twice their own deviation are dropped; inf: kept [m]",
    )
    excluded_areas: tuple[tuple[tuple[float, float], ...], ...] = Field(
        (), description="polygons in the map frame where no detection counts, for example a car park [m]"
    )
    size_tolerance: float = Field(
        0.35,
        ge=0.0,
        le=2.0,
        description="share by which a size may leave what its class can have; 0: sizes are not judged",
    )


class PictureSettings(_Frozen):
    """Small pictures of the cameras for an operator; off unless the site says otherwise: video stays at the roadside."""

    period_s: float = Field(0.0, ge=0.0, description="from picture to picture of one camera; 0: none are sent [s]")
    width_px: int = Field(480, ge=64, le=1280, description="width that pictures are made smaller to [px]")
    quality: int = Field(60, ge=10, le=95, description="JPEG quality")
    coarsens: bool = Field(True, description="whether road users are made coarse, so that nobody can be recognised")


class WatchSettings(_Frozen):
    """The watch for cameras that have moved."""

    period_s: float = Field(60.0, ge=0.0, description="from comparison to comparison with the map; 0: none [s]")
    corrects: bool = Field(
        True, description="whether a camera that has turned is used as turned, with wider covariances"
    )


class PerceptionSettings(_Frozen):
    """The perception process of one intersection."""

    site: str = Field(description="name of the site, for example k1")
    map: str = Field(description="map file, relative to the site file")
    cameras: tuple[CameraSettings, ...] = Field((), description="cameras with their calibration")
    radars: tuple[RadarSettings, ...] = Field((), description="radars with their mounting")
    sensors: tuple[str, ...] = Field((), description="names of sensors that send detections as messages")
    detector: str | None = Field(None, description="model card of the detector; none: the one that is shipped")
    pictures_at_once: int = Field(
        2, ge=1, le=16, description="pictures of one instant that the detector takes side by side, each on a core"
    )
    period_s: float = Field(0.1, gt=0.0, le=1.0, description="time from list to list [s]")
    deadline_s: float = Field(
        0.2, gt=0.0, le=2.0, description="a list waits no longer for a frame after its instant [s]"
    )
    stale_s: float = Field(0.5, gt=0.0, description="a sensor silent for longer is missing [s]")
    oldest_frame_s: float = Field(0.4, gt=0.0, description="older frames are dropped when a newer one is there [s]")
    least_score: float = Field(0.3, ge=0.0, le=1.0, description="detections of a camera below this score are not used")
    gate: GateSettings = Field(default_factory=lambda: GateSettings(), description="area and size that detections need")
    most_detections: int = Field(
        120, ge=1, description="best detections kept per frame: a blind detector must not stall"
    )
    range_m: float = Field(
        140.0, gt=0.0, description="road users farther from the middle of the sensors are left out [m]"
    )
    pictures: PictureSettings = Field(default_factory=PictureSettings, description="pictures for an operator")
    clock_driver: str = Field(
        "clock.system", description="driver that tells how good the clock is, with its prefix; empty: nothing tells"
    )
    trusts_clock: bool = Field(
        False, description="whether the site vouches for the clock where nothing tells how good it is (simulation)"
    )
    watch: WatchSettings = Field(default_factory=WatchSettings, description="watch for cameras that have moved")
    tracker: TrackerSettings = Field(default_factory=lambda: TrackerSettings(), description="numbers of the tracker")
