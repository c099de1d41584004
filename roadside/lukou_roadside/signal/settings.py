"""Settings of the signal process: section ``[signal]`` of the site file."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lukou_maps.signal_configuration import Mode


class SignalSettings(BaseModel):
    """Settings of one signal process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    configuration: str = Field(description="path of the signal configuration (JSON)")
    mode: Mode = Field(Mode.OBSERVE, description="highest mode of the site; never above the configuration's own")
    driver: str = Field(
        "gbt20999", description="driver of the signal controller, without the prefix signal_controller."
    )
    driver_options: dict[str, Any] = Field(default_factory=dict, description="options of the driver: address, port, …")
    takes: Literal["stages", "plans"] = Field(
        "stages", description="what the cabinet takes: a stage at a time, or plans only, which it runs by itself"
    )
    device: str = Field("controller", description="name of the controller among the devices")
    latency_s: float = Field(
        1.0, ge=0.1, le=10.0, description="slowest command and one read-back of the cabinet together [s]"
    )
    command_log: str = Field("", description="path of the durable command log; empty: in memory, for simulation only")
    arm_file: str = Field("", description="supervised mode acts while this file exists; empty: never armed")
    reset_file: str = Field("", description="its appearance clears latched faults; for staff on site only")
    clock_driver: str = Field(
        "clock.system", description="driver that tells how good the clock is, with its prefix; empty: nothing tells"
    )
    trusts_clock: bool = Field(
        False, description="whether the site vouches for the clock where nothing tells how good it is (simulation)"
    )
    highest_authority: Literal["officer", "operator", "emergency", "bus", "adaptive"] = Field(
        "adaptive", description="highest authority in whose name the command link may give orders"
    )
    detected_groups: tuple[str, ...] = Field(
        (),
        description="groups whose demand the cabinet's detectors and push buttons tell: SPaT hands it on, and a region that sees nothing times by it",
    )
    accepts_research: bool = Field(False, description="whether a configuration marked research may be used")
