"""Encounters: what became of road users who were expected to meet; near misses for planners, experience for the warnings.

An encounter begins when two road users are expected to meet if nobody gives way, and ends when they are past each other; then its
post-encroachment time is measured on the ways that both really took. How often such expectations come true at this place is
the experience that decides how sure a danger must be before it is warned of: where people and drivers keep the
rules, only what is all but certain; where they do not, what is likely.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from lukou_cloud.edge.conflicts import SAME_WAY_COS, Contacts
from lukou_cloud.edge.dangers import Required
from lukou_cloud.edge.hypotheses import Hypotheses
from lukou_cloud.edge.measures import post_encroachment_time
from lukou_cloud.edge.road_users import Floats, RoadUsers
from lukou_cloud.edge.settings import ExperienceSettings

SPACING_NS = 200_000_000
"""Positions of an encounter are kept this far apart. [ns]"""

OVER_NS = 3_000_000_000
"""An encounter is over when it has not been expected for this long. [ns]"""

LONGEST_NS = 20_000_000_000
"""Ways longer ago than this are forgotten. [ns]"""

GRAZING_M = 0.1
"""Footprints are shrunk by this on each side: what only grazes does not count. [m]"""

EXPECTED = 0.3
"""Pairs less probable to meet, if nobody gives way, make no encounter."""

EXPECTED_WITHIN_S = 4.0
"""Meetings farther ahead make no encounter yet. [s]"""

WATCHED_NS = 1_000_000_000
"""What became of an encounter is known if both were seen for this long after it was expected last, or if it came true. [ns]"""

HALF_LIFE = 200.0
"""Encounters after which experience has lost half of its weight."""

ONCE_NS = 60_000_000_000
"""Of a walker, cyclist or driver with whom an encounter of a vulnerable one came true, further ones for this long after the last tell nothing new: one walker who
does not look is no habit of the place, however many cars he meets. [ns]"""

Row = tuple[int, float, float, float, float, float]
"""Instant, x, y, heading, half length, half width."""


@dataclass(slots=True)
class Encounter:
    """Two road users who were expected to meet.

    Attributes
    ----------
    first, second : int
        Identities, the smaller first.
    is_vulnerable : bool
        Whether a pedestrian or cyclist takes part.
    began_ns, last_ns : int
        When it was expected first and last.
    least_s : float
        Shortest time to the meeting that was expected. [s]
    braking_mps2 : float
        Hardest braking of one of them since. [m/s^2]
    ways : dict of int to list
        Positions of both since it began.
    classes : dict of int to int
        `lukou.v1.ObjectClass` of both.
    """

    first: int
    second: int
    is_vulnerable: bool
    began_ns: int
    last_ns: int
    least_s: float
    braking_mps2: float = 0.0
    ways: dict[int, list[Row]] = field(default_factory=dict)
    classes: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an encounter: post-encroachment time (0: they touched, inf: far apart), where and when it was least, and the
    speeds there. [s, m, ns, m/s]
    """

    encounter: Encounter
    post_encroachment_s: float
    x_m: float
    y_m: float
    is_near_miss: bool
    at_ns: int = 0
    speeds_mps: tuple[float, float] = (0.0, 0.0)


class Encounters:
    """Follows encounters to their end.

    Parameters
    ----------
    settings : ExperienceSettings
        What counts as come true, and how much it changes the warnings.
    """

    def __init__(self, settings: ExperienceSettings) -> None:
        self.settings = settings
        self.open: dict[tuple[int, int], Encounter] = {}
        self.counts = {False: [0.0, 0.0], True: [0.0, 0.0]}  # come true, and all, without and with vulnerable ones
        self._came_true_ns: dict[int, int] = {}  # with whom one with vulnerable ones came true, and when last
        self._needed: Required | None = None  # until something comes true, or does not

    def required(self) -> Required:
        """How probable contacts must be before they are warned of."""
        if self._needed is None:
            s = self.settings
            power, weak = s.steepness, s.vulnerable_steepness
            self._needed = Required(
                self._asked(False, power, s.crossing_probability, s.least_crossing_probability, s.most_crossing_probability),
                self._asked(False, power, s.probability, s.least_probability, s.most_probability),
                self._asked(True, weak, s.vulnerable_probability, s.least_vulnerable_probability, s.most_vulnerable_probability),
                s.vulnerable_probability,  # that others keep the rules tells nothing of who does not
            )  # fmt: skip
        return self._needed

    def _asked(self, is_vulnerable: bool, steepness: float, usual: float, least: float, most: float) -> float:
        s = self.settings
        true, total = self.counts[is_vulnerable]
        share = (true + s.prior_weight * s.prior_share) / (total + s.prior_weight)
        required = usual * (s.prior_share / max(share, 1e-6)) ** steepness
        if true < s.least_come_true:
            required = max(required, usual)
        return float(min(max(required, least), most))

    def step(
        self, now_ns: int, users: RoadUsers, hypotheses: Hypotheses, contacts: Contacts, times_s: Floats
    ) -> list[Outcome]:
        """Take the expectations of one moment; the encounters that are over.

        Parameters
        ----------
        now_ns : int
            Instant.
        users : RoadUsers
            Road users now.
        hypotheses : Hypotheses
            Their hypotheses.
        contacts : Contacts
            Meetings that are expected if nobody gives way.
        times_s : (t,) float array
            Samples of time of the contacts. [s]
        """
        self._expect(now_ns, users, hypotheses, contacts, times_s)
        if not self.open:
            return []
        self._follow(now_ns, users)
        over = [one for one in self.open.values() if now_ns - one.last_ns > OVER_NS]
        return [self._close(one) for one in over]

    def _expect(self, now_ns: int, users: RoadUsers, h: Hypotheses, found: Contacts, times_s: Floats) -> None:
        if len(found.first) == 0:
            return
        expected = (found.path_probability > EXPECTED) & ~found.same_way
        expected &= times_s.take(found.sample) < EXPECTED_WITHIN_S
        rows = expected.nonzero()[0]
        if len(rows) == 0:
            return
        first, second = h.user[found.first[rows]], h.user[found.second[rows]]
        weak = users.is_vulnerable[first] | users.is_vulnerable[second]
        columns = (users.id[first], users.id[second], weak, times_s[found.sample[rows]])
        for a, b, is_weak, in_s in zip(*(column.tolist() for column in columns), strict=True):
            key = (min(a, b), max(a, b))
            known = self.open.get(key)
            if known is None:
                self.open[key] = Encounter(*key, is_weak, now_ns, now_ns, in_s)
            else:
                known.last_ns, known.least_s = now_ns, min(known.least_s, in_s)

    def _follow(self, now_ns: int, users: RoadUsers) -> None:
        row = {number: k for k, number in enumerate(users.id.tolist())}
        for one in self.open.values():
            for number in (one.first, one.second):
                way = one.ways.setdefault(number, [])
                k = row.get(number)
                if k is not None:
                    one.braking_mps2 = max(one.braking_mps2, -float(users.acceleration_mps2[k]))
                if k is None or (way and now_ns - way[-1][0] < SPACING_NS):
                    continue
                one.classes[number] = int(users.object_class[k])
                x_m, y_m, heading = float(users.x_m[k]), float(users.y_m[k]), float(users.heading_rad[k])
                half_length, half_width = (0.5 * float(size[k]) - GRAZING_M for size in (users.length_m, users.width_m))
                way.append((now_ns, x_m, y_m, heading, half_length, half_width))
                if now_ns - way[0][0] > LONGEST_NS:
                    del way[0]

    def _close(self, one: Encounter) -> Outcome:
        del self.open[one.first, one.second]
        post_s, x_m, y_m, at_ns, speeds = _measured(one)
        counts = self.counts[one.is_vulnerable]
        fading = 0.5 ** (1.0 / HALF_LIFE)
        s = self.settings
        came_true = post_s <= (s.vulnerable_come_true_s if one.is_vulnerable else s.come_true_s)
        came_true |= not one.is_vulnerable and one.braking_mps2 >= s.come_true_mps2
        if (not one.is_vulnerable or self._is_new(one)) if came_true else _is_watched(one):
            counts[0], counts[1] = counts[0] * fading + came_true, counts[1] * fading + 1.0
            self._needed = None
        is_near_miss = post_s <= s.near_miss_s
        return Outcome(one, post_s, x_m, y_m, is_near_miss, at_ns, speeds)

    def _is_new(self, one: Encounter) -> bool:
        """Whether an encounter with a vulnerable one that came true is the first such, of late, of both who took part."""
        late = {number: at for number, at in self._came_true_ns.items() if one.last_ns - at < ONCE_NS}
        self._came_true_ns = late | {one.first: one.last_ns, one.second: one.last_ns}
        return one.first not in late and one.second not in late

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON."""
        return {
            "open": [
                {**asdict(one), "ways": [[k, way] for k, way in one.ways.items()], "classes": [*one.classes.items()]}
                for one in self.open.values()
            ],
            "counts": [self.counts[False], self.counts[True]],
            "came_true": [*self._came_true_ns.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.counts = {False: list(state["counts"][0]), True: list(state["counts"][1])}
        self._came_true_ns = {int(number): int(at_ns) for number, at_ns in state["came_true"]}
        self._needed = None
        self.open = {}
        for one in state["open"]:
            ways = {int(number): [(int(row[0]), *row[1:]) for row in way] for number, way in one["ways"]}
            told = {**one, "ways": ways, "classes": dict(one["classes"])}
            self.open[one["first"], one["second"]] = Encounter(**told)


def _is_watched(one: Encounter) -> bool:
    """Whether neither of both vanished while the meeting was still expected: lost tracks tell nothing of who keeps the rules."""
    ends = [one.ways.get(number, []) for number in (one.first, one.second)]
    return all(way and way[-1][0] >= one.last_ns + WATCHED_NS for way in ends)


def _measured(one: Encounter) -> tuple[float, float, float, int, tuple[float, float]]:
    a, b = (one.ways.get(number, []) for number in (one.first, one.second))
    if len(a) < 2 or len(b) < 2:
        return float("inf"), 0.0, 0.0, one.last_ns, (0.0, 0.0)
    t_a, t_b = (np.array([(row[0] - one.began_ns) * 1e-9 for row in way], np.float64) for way in (a, b))
    rows_a, rows_b = (np.array([row[1:] for row in way], np.float64) for way in (a, b))
    limit = 1.0 if one.is_vulnerable else SAME_WAY_COS
    post_s, k, j = post_encroachment_time(t_a, rows_a, t_b, rows_b, limit)
    at_ns = one.began_ns + round(float(max(t_a[k], t_b[j])) * 1e9)
    return post_s, float(rows_a[k, 0]), float(rows_a[k, 1]), at_ns, (_speed(t_a, rows_a, k), _speed(t_b, rows_b, j))


def _speed(t_s: Floats, rows: Floats, k: int) -> float:
    """Speed at one row of a way. [m/s]"""
    a, b = max(k - 1, 0), min(k + 1, len(t_s) - 1)
    return float(np.hypot(rows[b, 0] - rows[a, 0], rows[b, 1] - rows[a, 1]) / max(t_s[b] - t_s[a], 1e-3))
