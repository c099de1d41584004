"""A traffic radar that sends its own tracks, with the habits of real ones.

Identity, position, speed, length and class; no covariance. Tracks begin 2 to 5 s late; they are carried on unseen for a while
without saying so; those of neighbours swap their numbers; who stands is forgotten after 10 to 60 s, a queue
one by one; errors last for seconds, since the radar has filtered them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lukou_messages.objects import DetectionList
from lukou_messages.v1.sensor_pb2 import ScanSector, SensorKind
from lukou_sim.world.road_users import FloatArray

BIRTH_S = (2.0, 5.0)
"""A track begins so long after the road user came into view. [s]"""

COAST_S = (1.0, 3.0)
"""It goes on so long after the road user has gone. [s]"""

FORGOTTEN_S = (10.0, 60.0)
"""Who stands is forgotten after so long. [s]"""

STANDING_MPS = 0.5
"""Slower is standing. [m/s]"""

SWAP_PER_S, SWAP_M = 0.05, 5.0
"""Rate at which two tracks nearer than this to each other swap their numbers. [1/s, m]"""

DEVIATION_M = (0.4, 0.008)
"""Standard deviation of a position: constant, and per metre of range. [m, 1]"""

ERROR_FADES_S = 2.0
"""Time constant of the errors. [s]"""

SPEED_DEVIATION_MPS = 0.3
"""Standard deviation of each component of the velocity. [m/s]"""


@dataclass
class _Track:
    number: int
    shown_from_s: float
    coast_s: float
    patience_s: float
    error: FloatArray
    state: FloatArray
    seen_s: float
    stood_s: float = 0.0
    is_forgotten: bool = False


@dataclass
class TrackingRadar:
    """One such radar.

    Attributes
    ----------
    name : str
        Name of the sensor.
    x_m, y_m : float
        Where it stands. [m]
    rng : numpy Generator
        Noise and moods.
    range_m : float
        Sight. [m]
    """

    name: str
    x_m: float
    y_m: float
    rng: np.random.Generator
    range_m: float = 150.0
    _tracks: dict[int, _Track] = field(default_factory=dict)
    _numbers: int = 0
    _last_s: float | None = None

    def scan(
        self, now_s: float, identity: NDArray[np.integer[Any]], state: FloatArray, length_m: FloatArray
    ) -> DetectionList:
        """Tracks at one instant.

        Parameters
        ----------
        now_s : float
            Instant. [s]
        identity : (n,) int array
            Who is about, as the simulation knows them.
        state : (n, 4) float array
            x, y, velocity x, velocity y. [m, m/s]
        length_m : (n,) float array
            Length. [m]
        """
        dt = 0.1 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        distance = np.hypot(state[:, 0] - self.x_m, state[:, 1] - self.y_m)
        for row in np.flatnonzero(distance < self.range_m).tolist():
            self._follow(now_s, dt, int(identity[row]), state[row])
        for who in [who for who, track in self._tracks.items() if now_s - track.seen_s > track.coast_s]:
            del self._tracks[who]
        self._swap(dt)
        shown = [
            (who, track)
            for who, track in self._tracks.items()
            if now_s >= track.shown_from_s and not track.is_forgotten
        ]
        return self._list(now_s, shown, dict(zip(identity.tolist(), length_m.tolist(), strict=True)))

    def _follow(self, now_s: float, dt: float, who: int, state: FloatArray) -> None:
        track = self._tracks.get(who)
        if track is None:
            self._numbers += 1
            track = self._tracks[who] = _Track(
                self._numbers,
                now_s + self.rng.uniform(*BIRTH_S),
                self.rng.uniform(*COAST_S),
                self.rng.uniform(*FORGOTTEN_S),
                self.rng.normal(0.0, 1.0, 2),
                state,
                now_s,
            )
        fade = math.exp(-dt / ERROR_FADES_S)
        track.error = fade * track.error + math.sqrt(1.0 - fade * fade) * self.rng.normal(0.0, 1.0, 2)
        stands = math.hypot(state[2], state[3]) < STANDING_MPS
        track.stood_s = track.stood_s + dt if stands else 0.0
        if track.stood_s > track.patience_s:
            track.is_forgotten = True
        elif track.is_forgotten and not stands:  # it is found again like somebody new
            self._numbers += 1
            track.number, track.is_forgotten = self._numbers, False
            track.shown_from_s = now_s + self.rng.uniform(*BIRTH_S)
        track.state, track.seen_s = state.copy(), now_s

    def _swap(self, dt: float) -> None:
        tracks = list(self._tracks.values())
        x_m, y_m = np.array([track.state[:2] for track in tracks]).reshape(-1, 2).T
        near = np.hypot(x_m[:, None] - x_m, y_m[:, None] - y_m) < SWAP_M
        for row, other in np.argwhere(np.triu(near, 1)).tolist():
            if self.rng.uniform() < SWAP_PER_S * dt:
                a, b = tracks[row], tracks[other]
                a.number, b.number = b.number, a.number

    def _list(self, now_s: float, shown: list[tuple[int, _Track]], length_m: dict[int, float]) -> DetectionList:
        state = np.array([track.state for _, track in shown]).reshape(-1, 4)
        passed_s = np.array([now_s - track.seen_s for _, track in shown])
        place = state[:, :2] + state[:, 2:] * passed_s[:, None]
        distance = np.hypot(place[:, 0] - self.x_m, place[:, 1] - self.y_m)
        deviation = DEVIATION_M[0] + DEVIATION_M[1] * distance
        place = place + np.array([track.error for _, track in shown]).reshape(-1, 2) * deviation[:, None]
        count = len(shown)
        noise = self.rng.normal(0.0, SPEED_DEVIATION_MPS, (count, 2)) * (passed_s == 0.0)[:, None]
        return DetectionList.of(
            count,
            sensor=self.name,
            sensor_kind=SensorKind.SENSOR_KIND_RADAR_TRACKS,
            sensor_x_m=self.x_m,
            sensor_y_m=self.y_m,
            sectors=[ScanSector(azimuth_rad=0.0, opening_rad=2 * math.pi, range_min_m=0.0, range_max_m=self.range_m)],
            track_id=np.array([track.number for _, track in shown], np.uint32),
            object_class=np.ones(count, np.uint32),
            x_m=place[:, 0],
            y_m=place[:, 1],
            velocity_x_mps=state[:, 2] + noise[:, 0],
            velocity_y_mps=state[:, 3] + noise[:, 1],
            length_m=np.array([max(length_m.get(who, 4.5), 1.0) for who, _ in shown]),
        )
