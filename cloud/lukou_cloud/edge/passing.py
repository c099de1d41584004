"""Do not pass (DNPW): who follows a slow vehicle on a two-way road, or has moved out already, and somebody comes the other way.

The way that overtaking takes is that of the AASHTO Green Book (2011, section 3.2.4, passing sight distance): the one overtaking
accelerates to the speed it may have, drives past the one ahead with a headway before and behind, and clears the oncoming lane
before who comes is there, with a margin.
"""

from __future__ import annotations

import numpy as np

from lukou_cloud.edge.notices import DO_NOT_PASS, Notice, severity_of
from lukou_cloud.edge.road_users import Booleans, Floats, Ints
from lukou_cloud.edge.scene import Scene, Surroundings, projected
from lukou_cloud.edge.service_settings import PassingSettings
from lukou_maps.geometry import sample
from lukou_maps.road_model import LaneKind, Marking, Participants, Side

BESIDE_M = 1.5
"""A lane that begins within this beyond the left edge, and runs the other way, is the oncoming one. [m]"""

AGAINST_COS = -0.9
STEP_M = 10.0
"""Lanes are looked at in steps of this. [m]"""

SOLID = (int(Marking.SOLID), int(Marking.SOLID_SOLID), int(Marking.SOLID_BROKEN), int(Marking.KERB), int(Marking.WALL))
"""Left boundaries over which nobody may overtake: nobody is told not to."""

HELD = 1.2
"""A warning stands until there is this much more time than where one begins."""


def passing_way(
    gap_m: Floats, length_m: Floats, ahead_length_m: Floats, speed: Floats, ahead: Floats, most: Floats, push: float
) -> tuple[Floats, Floats]:
    """Time and way that overtaking takes.

    Parameters
    ----------
    gap_m : (n,) float array
        Free distance to the one ahead. [m]
    length_m, ahead_length_m : (n,) float array
        Lengths of both. [m]
    speed, ahead : (n,) float array
        Speeds of both now; the one ahead keeps its. [m/s]
    most : (n,) float array
        Speed that the one overtaking accelerates to. [m/s]
    push : float
        Its acceleration. [m/s^2]

    Returns
    -------
    time_s, way_m : (n,) float array
        Until it is back in its lane a second ahead of the other, and its way until then; inf: never. [s, m]
    """
    gain_m = gap_m + length_m + ahead_length_m + ahead  # one second of headway after
    over = np.maximum(most - ahead, 0.0)
    start = speed - ahead
    reach_s = np.maximum(most - speed, 0.0) / push
    during_m = start * reach_s + 0.5 * push * reach_s**2
    early_s = (-start + np.sqrt(np.maximum(start**2 + 2.0 * push * gain_m, 0.0))) / push
    with np.errstate(divide="ignore", invalid="ignore"):
        late_s = reach_s + (gain_m - during_m) / over
    time_s = np.where(during_m >= gain_m, early_s, np.where(over > 0.1, late_s, np.inf))
    pushed_s = np.minimum(time_s, reach_s)
    with np.errstate(invalid="ignore"):
        way_m = speed * pushed_s + 0.5 * push * pushed_s**2 + np.maximum(time_s - reach_s, 0.0) * most
    return time_s, np.where(np.isfinite(time_s), way_m, np.inf)


class Passing:
    """Who should not overtake.

    Parameters
    ----------
    settings : PassingSettings
        Limits.
    surroundings : Surroundings
        The map.
    """

    def __init__(self, settings: PassingSettings, surroundings: Surroundings) -> None:
        self._settings, self._surroundings = settings, surroundings
        self.two_way = _two_way(surroundings)

    def step(self, scene: Scene) -> list[Notice]:
        """What is to be told now."""
        users, lanes = scene.users, self._surroundings.model.lanes
        usual = scene.drives & self.two_way[scene.lane]
        notices: list[Notice] = []
        for lane in np.unique(scene.lane[usual]).tolist():
            on = np.flatnonzero(usual & (scene.lane == lane))
            if users.speed_mps[on].max() < self._settings.least_mps:
                continue
            notices += self._on_lane(scene, lane, on, float(lanes.length_m[lane]))
        return notices

    def _on_lane(self, scene: Scene, lane: int, on: Ints, length_m: float) -> list[Notice]:
        """Who follows somebody slow on one lane, or is beside him on the oncoming one, with who comes."""
        users = scene.users
        out, out_s, coming, coming_s = self._others(scene, lane)
        if len(coming) == 0 or len(on) + len(out) < 2:
            return []
        who, s_m = np.concatenate([on, out]), np.concatenate([scene.s_m[on], out_s])
        is_out = np.arange(len(who)) >= len(on)
        slow = on[np.argsort(scene.s_m[on])]
        # the one ahead in the own lane; beside and behind it too for who has moved out
        place = np.searchsorted(scene.s_m[slow], s_m - np.where(is_out, users.length_m[who], -0.5))
        has = place < len(slow)
        ahead = slow[np.minimum(place, len(slow) - 1)]
        gap_m = np.maximum(scene.s_m[ahead] - s_m - 0.5 * (users.length_m[ahead] + users.length_m[who]), 0.0)
        limit = float(self._surroundings.model.lanes.speed_limit_mps[lane])
        limit = limit if limit == limit else 20.0
        s = self._settings
        speed = users.speed_mps[who]
        held_up = (users.speed_mps[ahead] < s.slow_share * limit) & (gap_m < s.headway_s * np.maximum(speed, 5.0))
        held_up &= (speed > s.least_mps) & (users.speed_mps[ahead] > 1.0)
        chosen = np.flatnonzero(has & (held_up | is_out) & (who != ahead))
        if len(chosen) == 0:
            return []
        who, ahead, s_m, is_out = who[chosen], ahead[chosen], s_m[chosen], is_out[chosen]
        most = np.maximum(limit, speed[chosen])
        time_s, way_m = passing_way(
            gap_m[chosen],
            users.length_m[who],
            users.length_m[ahead],
            users.speed_mps[who],
            users.speed_mps[ahead],
            most,
            s.push_mps2,
        )
        before_m = coming_s - s_m[:, None]
        before_m = np.where(before_m > 0.0, before_m, np.inf)
        nearest = before_m.argmin(axis=1)
        other, distance_m = coming[nearest], before_m[np.arange(len(who)), nearest]
        needed_m = way_m + np.where(np.isfinite(time_s), users.speed_mps[other] * time_s, 0.0) + s.margin_m
        return [
            self._notice(
                scene, lane, int(who[k]), int(ahead[k]), int(other[k]), float(s_m[k]), float(distance_m[k]),
                float(time_s[k]), float(needed_m[k]), bool(is_out[k]),
            )
            for k in np.flatnonzero(np.isfinite(distance_m) & (distance_m < HELD * needed_m)).tolist()
        ]  # fmt: skip

    def _notice(
        self, scene: Scene, lane: int, row: int, ahead: int, other: int, s_m: float, distance_m: float,
        time_s: float, needed_m: float, is_out: bool,
    ) -> Notice:  # fmt: skip
        users = scene.users
        meets_s = distance_m / max(float(users.speed_mps[row] + users.speed_mps[other]), 0.1)
        at = np.array([s_m + users.speed_mps[row] * meets_s])
        x_m, y_m, _ = self._surroundings.geometry.pose(np.array([lane]), at)
        doing = "has moved out" if is_out else f"follows {users.id[ahead]} at {users.speed_mps[ahead]:.1f} m/s"
        needs = f"{time_s:.0f} s and {needed_m:.0f} m" if np.isfinite(time_s) else "more than there is"
        return Notice(
            key=(DO_NOT_PASS, int(users.id[row]), 0),
            is_onset=distance_m < needed_m,
            addressed=((row, meets_s), (other, meets_s)) if is_out else ((row, meets_s),),
            lanes=(lane,),
            cause=-1 if is_out else other,
            x_m=float(x_m[0]),
            y_m=float(y_m[0]),
            advice="go back behind: somebody comes" if is_out else "do not overtake: somebody comes",
            why=f"{users.id[row]} at {users.speed_mps[row]:.1f} m/s {doing}; overtaking needs {needs}, "
            f"{users.id[other]} comes at {users.speed_mps[other]:.1f} m/s from {distance_m:.0f} m ahead",
            severity=severity_of(float(users.speed_mps[row] + users.speed_mps[other])),
            is_imminent=is_out,
        )

    def _others(self, scene: Scene, lane: int) -> tuple[Ints, Floats, Ints, Floats]:
        """On the left of a lane: who drives its way there (has moved out), and who comes; with arc lengths on the lane."""
        users, lanes = scene.users, self._surroundings.model.lanes
        points = lanes.points(lane)
        x, y, s = lanes.x_m[points], lanes.y_m[points], lanes.s_m[points]
        near = users.is_trusted & ~users.is_two_wheeled_or_on_foot & (users.speed_mps > 2.0) & (scene.lane != lane)
        around = self._settings.sight_m
        near &= (users.x_m > x.min() - around) & (users.x_m < x.max() + around)
        near &= (users.y_m > y.min() - around) & (users.y_m < y.max() + around)
        rows = np.flatnonzero(near)
        along, aside, heading = projected(x, y, s, users.x_m[rows], users.y_m[rows])
        width = float(lanes.width_m[lane])
        there = (aside > 0.4 * width) & (aside < 1.5 * width + BESIDE_M)
        turn = np.cos(users.heading_rad[rows] - heading)
        out = there & (turn > -AGAINST_COS) & (along > 1.0) & (along < s[-1] - 1.0) & self._is_against(scene, rows)
        coming = there & (turn < AGAINST_COS) & (along < s[-1] + around)
        return rows[out], along[out], rows[coming], along[coming]

    def _is_against(self, scene: Scene, rows: Ints) -> Booleans:
        """Who is on no lane of its own direction: on a lane that runs its way nobody has moved out."""
        lane = scene.lane[rows]
        _, _, heading = self._surroundings.geometry.pose(np.maximum(lane, 0), scene.s_m[rows])
        return np.asarray((lane < 0) | (np.cos(heading - scene.users.heading_rad[rows]) < 0.0))


def _two_way(surroundings: Surroundings) -> Booleans:
    """Lanes with one lane each way: nobody beside them in their direction, an oncoming lane on the left; last entry: no lane."""
    lanes = surroundings.model.lanes
    found = np.zeros(len(lanes) + 1, np.bool_)
    driven = surroundings.is_driven & (lanes.kind == LaneKind.ROAD)
    lone = driven & (lanes.left < 0)
    right = lanes.right
    lone &= ~((right >= 0) & driven[right] & ((lanes.participants[right] & int(Participants.CAR)) > 0))
    lone &= ~_solid(surroundings)
    which = np.flatnonzero(lone)
    if len(which) == 0:
        return found
    number, s_m, x_m, y_m = sample(lanes, which, STEP_M)
    owner = which[number]
    _, _, heading = surroundings.geometry.pose(owner, s_m)
    beside_m = 0.5 * lanes.width_m[owner] + BESIDE_M
    x_m, y_m = x_m - beside_m * np.sin(heading), y_m + beside_m * np.cos(heading)
    at = surroundings.matcher.match(x_m, y_m, heading + np.pi)
    _, _, there = surroundings.geometry.pose(np.maximum(at.lane, 0), at.s_m)
    against = (at.lane >= 0) & driven[at.lane] & (np.cos(there - heading) < AGAINST_COS)
    against &= np.abs(at.d_m) < 0.5 * lanes.width_m[at.lane]
    share = np.bincount(owner, weights=against, minlength=len(lanes)) / np.maximum(
        np.bincount(owner, minlength=len(lanes)), 1
    )
    found[:-1] = lone & (share > 0.5)
    return found


def _solid(surroundings: Surroundings) -> Booleans:
    """Lanes whose left boundary may not be crossed on most of their length."""
    model = surroundings.model
    table = model.markings
    result = np.zeros(len(model.lanes))
    if len(table.lane):
        closed = (table.side == Side.LEFT) & np.isin(table.kind, SOLID)
        np.add.at(result, table.lane[closed], (table.to_m - table.from_m)[closed])
    return np.asarray(result > 0.5 * model.lanes.length_m)
