"""The informative services together, twice a second, with the episodes of what they say.

Do not pass, hazards ahead, emergency vehicles, turning over a green crosswalk. They look at everybody at once, beside the lists
that come in: a list in, a warning out never waits for them. Between two looks what stands is repeated as it was.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import asdict, astuple
from typing import Any

from lukou_cloud.edge.crosswalks import Crosswalks
from lukou_cloud.edge.emergency import EmergencyVehicles
from lukou_cloud.edge.episodes import Changes, Episode, Episodes
from lukou_cloud.edge.hazards import Hazards
from lukou_cloud.edge.notices import Notice, addressed, notice_message
from lukou_cloud.edge.passing import Passing
from lukou_cloud.edge.road_users import Ints, RoadUsers
from lukou_cloud.edge.scene import Scene, Surroundings, Told
from lukou_cloud.edge.service_settings import KnownHazard, ServiceSettings
from lukou_cloud.edge.settings import WarningSettings
from lukou_maps.road_model import RoadModel
from lukou_messages.v1 import warning_pb2
from lukou_messages.v1.vehicle_pb2 import VehicleReport

PERIOD_NS = 500_000_000
"""Time from look to look. [ns]"""

EPISODES = WarningSettings(onset_s=0.0, release_s=1.2)
"""Told at once, each service waits for as long as it needs to be sure; gone at two looks before it is cancelled."""

REPORT_NS = 2_000_000_000
"""Reports of connected vehicles are used for so long (`lukou_messages.topics`). [ns]"""

MOST_REPORTS = 2000
"""Vehicles whose reports are kept."""


class Services:
    """Says what the informative services find.

    Parameters
    ----------
    model : RoadModel
        The map.
    settings : ServiceSettings
        Limits.
    hazards : tuple of KnownHazard
        What an operator tells.

    Raises
    ------
    ValueError
        If a hazard lies on no lane of the map.
    """

    def __init__(self, model: RoadModel, settings: ServiceSettings, hazards: tuple[KnownHazard, ...] = ()) -> None:
        self.surroundings = Surroundings(model)
        self._model, self._settings = model, settings
        self._hazards = Hazards(settings.hazard, hazards, self.surroundings)
        self._others = (
            EmergencyVehicles(settings.emergency, self.surroundings),
            Passing(settings.passing, self.surroundings),
            Crosswalks(settings.crosswalk, self.surroundings),
        )
        self.episodes = Episodes(EPISODES)
        self.told: dict[int, Told] = {}
        self.refused_reports = 0
        self._contents: dict[int, warning_pb2.Warning] = {}
        self.looked_ns = 0
        self.scene: Scene | None = None

    def take(self, at_ns: int, report: VehicleReport) -> None:
        """Note what a connected vehicle tells; one that is older than the last of the same vehicle changes nothing."""
        known = self.told.get(report.temporary_id)
        if known is not None and known.at_ns >= at_ns:
            return
        if known is None and len(self.told) >= MOST_REPORTS:
            self.refused_reports += 1
            return
        numbers = report.temporary_id, report.object_class, int(report.role), int(report.intention)
        place = report.x_m, report.y_m, report.yaw_rad, report.speed_mps, report.length_m
        self.told[report.temporary_id] = Told(at_ns, *numbers, *place)

    def is_due(self, now_ns: int) -> bool:
        """Whether it is time to look again."""
        return now_ns - self.looked_ns >= PERIOD_NS

    def look(self, now_ns: int, users: RoadUsers, light: Ints) -> Changes:
        """Look at everybody.

        Parameters
        ----------
        now_ns : int
            Instant.
        users : RoadUsers
            Everybody now.
        light : (l,) int array
            `Light` of each line of `Lights`.

        Returns
        -------
        Changes
            Episodes raised, standing, ended; `content` gives the message of each.
        """
        self.looked_ns = now_ns
        self.told = {k: one for k, one in self.told.items() if now_ns - one.at_ns <= REPORT_NS}
        self.scene = self.surroundings.scene(now_ns, users, light, list(self.told.values()))
        notices = self._hazards.step(self.scene)
        for service in self._others:
            notices += service.step(self.scene)
        return self._followed(now_ns, notices)

    def _followed(self, now_ns: int, notices: Iterable[Notice]) -> Changes:
        found = {one.key: one for one in notices}
        rows = list(found.values())
        changes = self.episodes.step(now_ns, [(one.key, one.kind, one.is_onset) for one in rows])
        scene = self.scene
        assert scene is not None
        for episode, index in (*changes.raised, *changes.standing):
            if index >= 0:
                self._contents[episode.number] = notice_message(rows[index], scene, self._model)
        alive = {episode.number for episode in self.episodes.open.values()}
        ended = {episode.number for episode in changes.ended}
        self._contents = {number: one for number, one in self._contents.items() if number in alive | ended}
        return changes

    def content(self, episode: Episode) -> warning_pb2.Warning:
        """What is said of an episode, without identity, phase and times."""
        return self._contents[episode.number]

    def address(self, warning: warning_pb2.Warning) -> None:
        """Name those who drive towards a road user that stands in the way or comes against the direction, and the lanes behind.

        Parameters
        ----------
        warning : Warning
            Of the one road user; changed in place. Whoever comes against the direction stays the first to be warned.
        """
        if self.scene is not None and len(warning.road_users) == 1:
            addressed(warning, self.scene, self.surroundings, self._settings.hazard)

    def standing(self) -> list[Episode]:
        """Episodes that have been raised and have not ended."""
        return [episode for episode in self.episodes.open.values() if episode.raised_ns]

    # --- restarts -------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that a continuation needs, for JSON."""
        return {
            "looked_ns": self.looked_ns,
            "next_number": self.episodes.next_number,
            "episodes": [asdict(episode) for episode in self.episodes.open.values()],
            "contents": [[n, base64.b64encode(_packed(one)).decode()] for n, one in self._contents.items()],
            "told": [astuple(one) for one in self.told.values()],
            "lying": sorted(self._hazards.since.items()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.looked_ns, self.scene = state["looked_ns"], None
        self.episodes.next_number = state["next_number"]
        open_ = [Episode(**{**one, "key": tuple(one["key"])}) for one in state["episodes"]]
        self.episodes.open = {episode.key: episode for episode in open_}
        self._contents = {n: warning_pb2.Warning.FromString(base64.b64decode(text)) for n, text in state["contents"]}
        self.told = {one[1]: Told(*one) for one in state["told"]}
        self._hazards.since = {int(number): int(at_ns) for number, at_ns in state["lying"]}


def _packed(one: warning_pb2.Warning) -> bytes:
    return one.SerializeToString(deterministic=True)
