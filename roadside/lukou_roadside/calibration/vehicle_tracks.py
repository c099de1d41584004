"""Refine a camera from where vehicles drive: their tracks, laid on the ground, should follow the map's lanes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from lukou_maps.geometry import LaneGeometry
from lukou_maps.matching import LaneMatcher
from lukou_maps.road_model import LaneKind, Participants, RoadModel
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.parameters import camera_at, vector_of
from lukou_roadside.calibration.solver import Residuals, Solution, solve
from lukou_roadside.perception.calibration import Calibration
from lukou_roadside.perception.settings import CameraSettings
from lukou_roadside.perception.tracking.scan import Floats, Ints

KEEPING_M = 0.3
"""Standard deviation of a vehicle's place within its lane. [m]"""

CROSSING_M = 0.8
"""The same inside junctions, where the map's lanes are a guess of how people drive; what is across for them is along for others. [m]"""

SPACING_M = 1.5
"""Points of a track nearer to each other tell the same: standing vehicles must not count for more. [m]"""

OBSERVATIONS = 2.0
"""One pass of one vehicle along one lane counts as so many observations: it keeps left or right all the way."""

GATES_M = (3.5, 2.5, 1.8, 1.5, 1.5, 1.5)
"""How far from the middle of its lane a point may be, round after round. [m]"""

FARTHEST_M = 90.0
"""Farther points are not used. [m]"""

SAME_PX = 12.0
"""Spacing in the picture of the points by which cameras are compared. [px]"""

MOST_SAME = 600
"""So many of those points are enough."""

STARTS, KEPT = 6, 3
"""Directions from which the camera climbs to better agreement with the lanes, and how many of the best are then fitted."""

CLIMB_STEPS = np.array([0.3, 0.3, 0.1, 0.005, 0.005, 0.004, 0.005])
"""First steps of the climb: place, height, azimuth, pitch, roll, share of the focal length; halved round by round. [m, rad, 1]"""

CLIMB_ROUNDS, CLIMB_LOOKS = 5, 120
"""Rounds of the climb, and most looks at the agreement in one."""

PRIOR_PULL = 0.005
"""Agreement that one squared standard deviation from the start costs: between equals the nearer one is meant."""

RIVAL = 0.93
"""A second, different camera with this share of the best's agreement makes the result ambiguous."""

LEAST_PASSES = 8
"""Passes of vehicles along lanes below which nothing is concluded."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelTracks:
    """Ground points of vehicles in the picture; columns of equal length, in the order of time within each track.

    Attributes
    ----------
    time_s : (n,) float array
        Instant. [s]
    track : (n,) int array
        Who.
    u_px, v_px : (n,) float array
        Middle of the footprint (or of the box's lower edge) in the picture. [px]
    """

    time_s: Floats
    track: Ints
    u_px: Floats
    v_px: Floats

    def __len__(self) -> int:
        return len(self.time_s)


@dataclass(frozen=True, slots=True)
class Trust:
    """Standard deviations of the start.

    Attributes
    ----------
    place_m, height_m : float
        Horizontally and vertically. [m]
    angle_rad : float
        Azimuth, pitch; roll half of it. [rad]
    focal_share : float
        Of the focal length.
    pixel_px : float
        Of a ground point in the picture. [px]
    """

    place_m: float = 1.0
    height_m: float = 0.4
    angle_rad: float = np.radians(1.5)
    focal_share: float = 0.02
    pixel_px: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class TrackFit:
    """What was found.

    Attributes
    ----------
    solution : Solution
        Parameters and covariance.
    passes : int
        Passes of vehicles along lanes that were used.
    before_m, after_m : float
        Median distance from the middle of the lane with the start and with the result. [m]
    is_ambiguous : bool
        Whether another camera fits nearly as well: traffic one lane aside looks the same.
    """

    solution: Solution
    passes: int
    before_m: float
    after_m: float
    is_ambiguous: bool


def read_tracks(path: Path) -> PixelTracks:
    """Read a CSV with the columns ``t,id,u,v``.

    Raises
    ------
    CalibrationError
        The file cannot be read or has other content; with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CalibrationError(f"{path}: {error}") from None
    if not rows or any(name not in rows[0] for name in ("t", "id", "u", "v")):
        raise CalibrationError(f"{path}: expected columns t,id,u,v and at least one row")
    values = np.empty((len(rows), 4))
    for number, row in enumerate(rows):
        try:
            values[number] = [float(row[name]) for name in ("t", "id", "u", "v")]
        except (TypeError, ValueError) as error:
            raise CalibrationError(f"{path}: line {number + 2}: {error}") from None
    values = values[np.isfinite(values).all(axis=1)]
    values = values[np.lexsort((values[:, 0], values[:, 1]))]
    return PixelTracks(values[:, 0], values[:, 1].astype(np.int64), values[:, 2], values[:, 3])


def from_tracks(tracks: PixelTracks, model: RoadModel, start: CameraSettings, trust: Trust) -> TrackFit:
    """Move a camera until vehicles drive in the middle of lanes.

    Each point is matched to the lane under it that runs its way; the distance to that lane's middle is minimised, and the matching repeated. What
    straight lanes do not show, the place along them, is left to other lanes and to the start's own accuracy, and the covariance says so.

    Parameters
    ----------
    tracks : PixelTracks
        Tracks of vehicles.
    model : RoadModel
        The map.
    start : CameraSettings
        A camera that is right to a few metres and degrees.
    trust : Trust
        How far it may be off.

    Raises
    ------
    CalibrationError
        Too few vehicles follow lanes.
    """
    prior = np.array([
        trust.place_m, trust.place_m, trust.height_m, trust.angle_rad, trust.angle_rad, trust.angle_rad / 2, trust.focal_share, 0.0
    ])  # fmt: skip
    begin = vector_of(start)
    drivable = np.isin(model.lanes.kind, (LaneKind.ROAD, LaneKind.JUNCTION))
    vehicle = drivable & ((model.lanes.participants & int(Participants.CAR)) > 0)
    if not vehicle.any():
        vehicle = drivable
    sight = _Sight(tracks, model, start, trust.pixel_px, vehicle)
    fits = [fit for vector in sight.starts(begin, prior) if (fit := _settled(sight, vector, begin, prior)) is not None]
    if not fits:
        raise CalibrationError(
            f"fewer than {LEAST_PASSES} passes of vehicles follow lanes of the map; give a longer recording or a better start"
        )
    told = [sight.agreement(fit[0].vector) for fit in fits]
    best = int(np.argmax(told))
    found, passes = fits[best]
    is_ambiguous = any(
        one > RIVAL * told[best]
        and np.hypot(*(fit[0].vector - found.vector)[:2]) + 40.0 * abs(fit[0].vector[3] - found.vector[3]) > 1.5
        for one, fit in zip(told, fits, strict=True)
    )
    final = sight.matched(found.vector, GATES_M[-1])
    before, after = (float(np.median(np.abs(sight.offsets(at, final)))) for at in (begin, found.vector))
    return TrackFit(found, passes, before, after, is_ambiguous)


def _settled(sight: _Sight, vector: Floats, begin: Floats, prior: Floats) -> tuple[Solution, int] | None:
    """Match and solve in turns; None where too few vehicles follow lanes. Also the number of their passes."""
    found, passes = None, 0
    for gate in GATES_M:
        chosen = sight.matched(vector, gate)
        passes = len(np.unique(chosen.group))
        if passes < LEAST_PASSES:
            return None
        shared = max(1.0, len(chosen.row) / (OBSERVATIONS * passes))
        found = solve(sight.residuals(chosen), vector, prior, prior=begin, rows_per_observation=shared, iterations=8)
        vector = found.vector
    return None if found is None else (found, passes)


def _climbed(worth: Callable[[Floats], float], best: float, vector: Floats) -> tuple[float, Floats]:
    """Step along each parameter while that is worth it, then in smaller steps; also what the end is worth."""
    steps = CLIMB_STEPS.copy()
    for _ in range(CLIMB_ROUNDS):
        moves, looks = True, 0
        while moves and looks < CLIMB_LOOKS:
            moves = False
            for k, sign in product(range(len(steps)), (1.0, -1.0)):
                other = vector.copy()
                other[k] += sign * steps[k]
                looks += 1
                told = worth(other)
                if told > best:
                    best, vector, moves = told, other, True
        steps /= 2.0
    return best, vector


@dataclass(frozen=True, slots=True, eq=False)
class _Matched:
    """Points with the lane that they are on: foot on its middle, unit vector across, deviation, number of the pass."""

    row: Ints
    foot_x: Floats
    foot_y: Floats
    across_x: Floats
    across_y: Floats
    deviation_m: Floats
    group: Ints


class _Sight:
    """Tracks as a camera lays them on the ground."""

    def __init__(
        self, tracks: PixelTracks, model: RoadModel, start: CameraSettings, pixel_px: float, vehicle: np.ndarray
    ) -> None:
        self._tracks, self._start, self._pixel_px, self._vehicle = tracks, start, pixel_px, vehicle
        self._matcher = LaneMatcher(model, (LaneKind.ROAD, LaneKind.JUNCTION))
        self._geometry = LaneGeometry(model.lanes)
        self._is_crossing = model.lanes.kind == LaneKind.JUNCTION

    def ground(self, vector: Floats, rows: Ints, z_m: Floats | float) -> tuple[Floats, Floats]:
        camera = Calibration(camera_at(self._start, vector))
        return camera.to_ground(self._tracks.u_px[rows], self._tracks.v_px[rows], z_m)

    def matched(self, vector: Floats, gate_m: float, among: Ints | None = None) -> _Matched:
        """Points on lanes that run their way; of `among` only, if given."""
        tracks = self._tracks
        everyone = np.arange(len(tracks))
        x, y = self.ground(vector, everyone, self._height(vector))
        distance = np.hypot(x - vector[0], y - vector[1])
        near = np.isfinite(x) & (distance < FARTHEST_M)
        rows = self._spaced(x, y, near) if among is None else among[near[among]]
        heading = self._heading(x, y, rows)
        rows, heading = rows[np.isfinite(heading)], heading[np.isfinite(heading)]
        if len(rows) == 0:
            none = np.zeros(0)
            return _Matched(rows, none, none, none, none, none, rows)
        deviation = np.hypot(0.5, self._pixel_px * distance[rows] / self._start.focal_x_px)
        found = self._matcher.match(x[rows], y[rows], heading, np.ones(len(rows), np.int64), deviation)
        lane = np.maximum(found.lane, 0)
        good = (found.lane >= 0) & (np.abs(found.d_m) < gate_m) & (found.probability > 0.5) & self._vehicle[lane]
        rows, lane, s_m = rows[good], lane[good], found.s_m[good]
        foot_x, foot_y, along = self._geometry.pose(lane, s_m)
        keeping = np.where(self._is_crossing[lane], CROSSING_M, KEEPING_M)
        seen = np.hypot(keeping, self._pixel_px * distance[rows] / camera_at(self._start, vector).focal_x_px)
        key = tracks.track[rows] * (len(self._vehicle) + 1) + lane
        return _Matched(
            rows, foot_x, foot_y, -np.sin(along), np.cos(along), seen, np.unique(key, return_inverse=True)[1]
        )

    def starts(self, begin: Floats, prior: Floats) -> list[Floats]:
        """The start, and cameras near it with which the most points lie on lanes.

        Neighbouring lanes look alike and half a degree of pitch is a lane at 60 m, so the directions are searched in fine steps, and the best
        of them climb (R. Hooke, T. Jeeves, "Direct Search", 1961).
        """

        trust = np.maximum(prior[:7], 1e-9)  # what is known exactly stays

        def worth(vector: Floats) -> float:
            return self.agreement(vector) - PRIOR_PULL * float((((vector - begin)[:7] / trust) ** 2).sum())

        turned = []
        for azimuth in np.linspace(-2.0, 2.0, 9) * prior[3]:
            for pitch in np.linspace(-2.0, 2.0, 13) * prior[4]:
                vector = begin.copy()
                vector[3:5] += azimuth, pitch
                turned.append((worth(vector), vector))
        turned.sort(key=lambda one: -one[0])
        climbed = [_climbed(worth, *one) for one in turned[:STARTS]]
        climbed.sort(key=lambda one: -one[0])
        return [begin, *(vector for _, vector in climbed[:KEPT])]

    def agreement(self, vector: Floats) -> float:
        """How many of the points lie near the middle of a lane that runs their way."""
        chosen = self.matched(vector, GATES_M[1], self._same)
        off = self.offsets(vector, chosen) / chosen.deviation_m
        return float(np.exp(-0.5 * off * off).sum()) / (len(self._same) + 1.0)

    @cached_property
    def _same(self) -> Ints:
        """Points that stay the same whatever the camera: spaced in the picture."""
        taken, who, place = [], None, (0.0, 0.0)
        tracks = self._tracks
        for k in range(len(tracks)):
            far = np.hypot(tracks.u_px[k] - place[0], tracks.v_px[k] - place[1]) >= SAME_PX
            if tracks.track[k] != who or far:
                taken.append(k)
                who, place = tracks.track[k], (tracks.u_px[k], tracks.v_px[k])
        return np.array(taken[:: max(1, round(len(taken) / MOST_SAME))], np.int64)

    def offsets(self, vector: Floats, chosen: _Matched) -> Floats:
        """Signed distance from the middle of the lane. [m]"""
        x, y = self.ground(vector, chosen.row, self._heights(chosen))
        return (x - chosen.foot_x) * chosen.across_x + (y - chosen.foot_y) * chosen.across_y

    def residuals(self, chosen: _Matched) -> Residuals:
        def rows(vector: Floats) -> Floats:
            return np.asarray((self.offsets(vector, chosen) / chosen.deviation_m)[:, None])

        return rows

    def _height(self, vector: Floats) -> Floats | float:
        """Height of the ground under every point."""
        everyone = np.arange(len(self._tracks))
        x, y = self.ground(vector, everyone, self._near_height(vector))
        z = np.full(len(x), self._near_height(vector))
        good = np.isfinite(x) & (np.hypot(x - vector[0], y - vector[1]) < FARTHEST_M)
        z[good] = self._map_height(x[good], y[good])
        return z

    def _near_height(self, vector: Floats) -> float:
        return float(self._map_height(vector[[0]], vector[[1]])[0])

    def _map_height(self, x: Floats, y: Floats) -> Floats:
        found = self._matcher.nearest(x, y)
        z = np.zeros(len(x))
        on = found.lane >= 0
        z[on] = self._geometry.height(found.lane[on], found.s_m[on])
        return z

    def _heights(self, chosen: _Matched) -> Floats:
        return self._map_height(chosen.foot_x, chosen.foot_y)

    def _spaced(self, x: Floats, y: Floats, good: np.ndarray) -> Ints:
        """Points at least `SPACING_M` from the last one taken of their track."""
        taken, last, who = [], (0.0, 0.0), None
        track = self._tracks.track
        for k in np.flatnonzero(good):
            if track[k] != who or np.hypot(x[k] - last[0], y[k] - last[1]) >= SPACING_M:
                taken.append(k)
                who, last = track[k], (x[k], y[k])
        return np.array(taken, np.int64)

    def _heading(self, x: Floats, y: Floats, rows: Ints) -> Floats:
        """Direction from the point before to the point after; nan at lonely points. [rad]"""
        track = self._tracks.track[rows]
        before = np.maximum(np.arange(len(rows)) - 2, 0)
        after = np.minimum(np.arange(len(rows)) + 2, len(rows) - 1)
        before = (
            np.where(track[before] == track, before, np.maximum(np.arange(len(rows)) - 1, 0)) if len(rows) else before
        )
        after = (
            np.where(track[after] == track, after, np.minimum(np.arange(len(rows)) + 1, len(rows) - 1))
            if len(rows)
            else after
        )
        same = (track[before] == track) & (track[after] == track) if len(rows) else np.zeros(0, np.bool_)
        dx, dy = x[rows][after] - x[rows][before], y[rows][after] - y[rows][before]
        return np.where(same & (np.hypot(dx, dy) > SPACING_M), np.arctan2(dy, dx), np.nan)
