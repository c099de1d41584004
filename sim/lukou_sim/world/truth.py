"""What truly happens: who is visible to whom, contacts, red-light runs."""

from __future__ import annotations

from collections.abc import Sequence

import libsumo
import numpy as np
from numpy.typing import NDArray

from lukou_messages.objects import TruthList
from lukou_messages.v1.truth_pb2 import TruthEvent
from lukou_sim.district.cameras import cameras, radars
from lukou_sim.district.layout import INTERSECTIONS, LEGS, road
from lukou_sim.sensors import detections, radar
from lukou_sim.world.road_users import FloatArray, RoadUsers, touching
from lukou_sim.world.visibility import in_picture, silhouette_samples, unoccluded

SHRINK_M = 0.1
"""Taken off every side of footprints: contacts that vanish then are grazing."""
STANDING_MPS = 1.0
"""Vehicles slower than this stand, as far as contacts are concerned. [m/s]"""
SIGHT_M = 130.0
NOWHERE = 0xFFFFFFFF
CAMERA_SITE = "k1"


class Views:
    """Visible part of every road user by sensor, of one instant.

    Attributes
    ----------
    visible : (n,) float array
        Largest part that any sensor could see, 0..1. What a radar sees counts only while it moves: standing things give no
        Doppler return.
    by_sensor : dict of (site, sensor) to (indices, parts)
        For the sensor models.
    """

    def __init__(self, users: RoadUsers) -> None:
        self.visible = np.zeros(len(users))
        self.by_sensor: dict[tuple[str, str], tuple[NDArray[np.int64], FloatArray]] = {}
        for site, centre in INTERSECTIONS.items():
            near = users.near(centre, SIGHT_M)
            some = part(users, near)
            if site == CAMERA_SITE:
                self._cameras(near, some)
            else:
                for sensor in detections.site_sensors(site):
                    self._add(site, sensor.name, near, detections.visible_to(sensor, some))

    def _cameras(self, near: NDArray[np.int64], some: RoadUsers) -> None:
        for camera in cameras(CAMERA_SITE):
            samples = silhouette_samples(some, camera.position_map)
            seen = in_picture(camera, samples)
            inside = np.flatnonzero(seen.any(axis=1))
            among = part(some, inside)
            free = seen[inside] & unoccluded(among, camera.position_map, samples[inside])
            fraction = np.zeros(len(some))
            fraction[inside] = free.mean(axis=1)
            self._add(CAMERA_SITE, camera.name, near, fraction)
        for pose in radars(CAMERA_SITE):
            fraction = radar.visible_to(pose, some)
            moving = np.abs(radar.range_rates(pose, some)) >= radar.SLOWEST_MPS
            self._add(CAMERA_SITE, pose.name, near, fraction * moving)

    def _add(self, site: str, sensor: str, near: NDArray[np.int64], fraction: FloatArray) -> None:
        self.by_sensor[site, sensor] = near, fraction
        self.visible[near] = np.maximum(self.visible[near], fraction)


def part(users: RoadUsers, index: NDArray[np.int64]) -> RoadUsers:
    """Some of the road users."""
    columns = (getattr(users, name)[index] for name in RoadUsers.__slots__ if name != "names")
    return RoadUsers(tuple(users.names[k] for k in index), *columns)


def truth_list(users: RoadUsers, visible: FloatArray, events: Sequence[TruthEvent]) -> TruthList:
    """The message for one instant."""
    sites = tuple(INTERSECTIONS)
    centres = np.array(list(INTERSECTIONS.values()))
    distance = np.hypot(users.x[:, None] - centres[:, 0], users.y[:, None] - centres[:, 1])
    nearest = np.argmin(distance, axis=1).astype(np.uint32) if len(users) else np.zeros(0, np.uint32)
    return TruthList.of(
        len(users),
        names=users.names,
        site_names=sites,
        events=list(events),
        id=users.number.astype(np.uint32),
        object_class=users.kind.astype(np.uint32),
        x_m=users.x,
        y_m=users.y,
        velocity_x_mps=users.speed * np.cos(users.yaw),
        velocity_y_mps=users.speed * np.sin(users.yaw),
        yaw_rad=users.yaw,
        length_m=users.length,
        width_m=users.width,
        height_m=users.height,
        visible_fraction=np.clip(visible, 0, 1),
        site=nearest,
    )


class Contacts:
    """Finds contacts that begin."""

    def __init__(self) -> None:
        self._touching: set[tuple[str, str]] = set()

    def step(self, users: RoadUsers) -> list[tuple[str, str, float, float]]:
        """(one, other, x, y) of contacts that were not there before.

        Two people may brush each other, and people may squeeze past a vehicle that stands: SUMO's walkers do so where a queue
        blocks their crosswalk, and nobody could be warned of it.
        """
        pairs = touching(users.footprints(SHRINK_M), np.column_stack([users.x, users.y]))
        begun, now = [], set()
        for i, j in pairs:
            one, other = sorted((users.names[i], users.names[j]))
            if one.startswith("person") and other.startswith("person"):
                continue
            now.add((one, other))
            fastest = max(users.speed[k] for k in (i, j) if not users.names[k].startswith("person"))
            if (one, other) not in self._touching and fastest >= STANDING_MPS:
                x, y = float((users.x[i] + users.x[j]) / 2), float((users.y[i] + users.y[j]) / 2)
                begun.append((one, other, x, y))
        self._touching = now
        return begun


class RedLightRuns:
    """Finds vehicles that pass a stop line on red."""

    def __init__(self) -> None:
        self._link: dict[str, dict[str, tuple[str, int]]] = {}
        self._waiting: dict[str, str] = {}
        for site in INTERSECTIONS:
            links = libsumo.trafficlight.getControlledLinks(site)
            for index, entries in enumerate(links):
                for start, end, _ in entries:
                    self._link.setdefault(start, {})[end.rsplit("_", 1)[0]] = (site, index)
        self._approaches = [(site, road(site, leg).approach) for site in INTERSECTIONS for leg in LEGS]

    def step(self, letters: dict[str, str]) -> list[tuple[str, str]]:
        """(site, vehicle) of those that left their approach while their link showed red.

        Parameters
        ----------
        letters : mapping of str to str
            SUMO letters shown during the step that has just been made.
        """
        runs, waiting = [], {}
        for _, edge in self._approaches:
            for name in libsumo.edge.getLastStepVehicleIDs(edge):
                waiting[name] = libsumo.vehicle.getLaneID(name)
        for name, lane in self._waiting.items():
            if name in waiting or lane not in self._link:
                continue
            try:
                route, index = libsumo.vehicle.getRoute(name), libsumo.vehicle.getRouteIndex(name)
            except libsumo.TraCIException:
                continue
            following = route[index + 1] if index + 1 < len(route) else ""
            site, link = self._link[lane].get(following, ("", -1))
            if site and letters[site][link] == "r":
                runs.append((site, name))
        self._waiting = waiting
        return runs
