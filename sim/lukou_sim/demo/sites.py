"""The sensors of the district as sections of site files."""

from __future__ import annotations

import math
from typing import Any

from lukou_sim.district.cameras import cameras, radars
from lukou_sim.render.camera import CameraModel
from lukou_sim.sensors.detections import site_sensors

CAMERA_SITE = "k1"
CAMERAS = tuple(camera.name for camera in cameras(CAMERA_SITE))
RADARS = tuple(pose.name for pose in radars(CAMERA_SITE))


PICTURE_S = 1.0
"""A picture of each camera for the operator page; nobody lives in the district. [s]"""


def perception_settings(
    site: str, net: str, frames: dict[str, str], radar_ports: dict[str, int], rate_hz: float
) -> dict[str, Any]:
    """Section ``[perception]`` of a site of the district.

    Parameters
    ----------
    site : str
    net : str
        Map file.
    frames : dict of str to str
        ipc address by camera.
    radar_ports : dict of str to int
        UDP port by radar.
    rate_hz : float
        Pictures per second and camera. [1/s]
    """
    # of this very machine: world and perception share its clock
    settings: dict[str, Any] = {"site": site, "map": net, "trusts_clock": True}
    if site != CAMERA_SITE:
        return {**settings, "sensors": [sensor.name for sensor in site_sensors(site)]}
    settings["stale_s"] = max(0.5, 2.5 / rate_hz)
    settings["pictures"] = {"period_s": PICTURE_S}
    settings["cameras"] = [camera_section(camera, frames[camera.name], rate_hz) for camera in cameras(site)]
    settings["radars"] = [radar_section(pose, radar_ports[pose.name]) for pose in radars(site)]
    return settings


def camera_section(camera: CameraModel, endpoint: str, rate_hz: float) -> dict[str, Any]:
    """One camera: driver and calibration."""
    x, y, z = (float(value) for value in camera.position_map)
    right, down, forward = camera.camera_from_map[:, :3]
    return {
        "name": camera.name,
        "driver": "camera.simulated",
        "options": {"endpoint": endpoint, "stale_s": max(0.5, 2.5 / rate_hz)},
        "width_px": camera.width,
        "height_px": camera.height,
        "focal_x_px": camera.focal_px,
        "x_m": x,
        "y_m": y,
        "z_m": z,
        "azimuth_rad": math.atan2(forward[1], forward[0]),
        "pitch_rad": math.asin(max(-1.0, min(1.0, forward[2]))),
        "roll_rad": math.atan2(-right[2], -down[2]),
    }


def radar_section(pose: Any, port: int) -> dict[str, Any]:
    """One radar: driver and mounting."""
    return {
        "name": pose.name,
        "driver": "radar.udp",
        "options": {"host": "127.0.0.1", "port": port},
        "x_m": pose.x_m,
        "y_m": pose.y_m,
        "z_m": pose.z_m,
        "boresight_rad": pose.boresight_rad,
        "opening_rad": pose.opening_rad,
        "range_min_m": pose.range_min_m,
        "range_max_m": pose.range_max_m,
    }
