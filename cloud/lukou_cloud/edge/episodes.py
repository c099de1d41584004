"""From moments of danger to warnings: onset, repetition, release; one identity per episode."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lukou_cloud.edge.settings import WarningSettings
from lukou_messages.v1.warning_pb2 import WarningKind

UNSURE_NS = 100_000_000
"""Dangers that the next measurements may undo must stand for so much longer. [ns]"""

LATE_NS = 100_000_000
"""Dangers that are seen late, for they are worked out from tracks, have stood for so long when they are seen first. [ns]"""

JITTER_NS = 30_000_000
"""Lists do not come at exact tenths: a danger that has stood for all but this of its time has stood long enough, else every other one would wait for another list. [ns]"""

UNRAISED_NS = 150_000_000
"""A danger that has not been warned of yet may be absent from one list. [ns]"""

Key = tuple[int, int, int]
"""Kind group and the identities of both road users, the smaller first (0: none)."""


@dataclass
class Episode:
    """A danger that stands, or is about to.

    Attributes
    ----------
    key : tuple
        Which danger.
    number : int
        Identity of the warning; 0 while it has not been raised.
    kind : int
        `lukou.v1.WarningKind` at onset.
    began_ns : int
        First moment of danger.
    last_ns : int
        Latest moment of danger.
    raised_ns : int
        When the warning was raised; 0: not yet.
    together_ns : int
        Latest moment at which both road users were seen; 0: never, or there is only one.
    """

    key: Key
    number: int
    kind: int
    began_ns: int
    last_ns: int
    raised_ns: int = 0
    together_ns: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What one step changed; with the index of the danger, -1 where one that stands is not there at this moment."""

    raised: tuple[tuple[Episode, int], ...]
    standing: tuple[tuple[Episode, int], ...]
    ended: tuple[Episode, ...]


class Episodes:
    """Keeps episodes with hysteresis.

    Parameters
    ----------
    settings : WarningSettings
        Onset and release.
    """

    def __init__(self, settings: WarningSettings) -> None:
        self._onset_ns = round(settings.onset_s * 1e9)
        self._red_onset_ns = round(settings.red_light_onset_s * 1e9)
        self._release_ns = round(settings.release_s * 1e9)
        self._together_ns = round(settings.together_release_s * 1e9)
        self.open: dict[Key, Episode] = {}
        self.next_number = 1

    def step(
        self,
        now_ns: int,
        seen: list[tuple[Key, int, bool]],
        here: Collection[int] = (),
        unsure: Collection[Key] = (),
        late: Collection[Key] = (),
    ) -> Changes:
        """Take the dangers of one moment.

        Parameters
        ----------
        now_ns : int
            Instant.
        seen : list of (key, kind, is_onset)
            Dangers; each key once. Those without onset only keep a warning standing that has been raised.
        here : collection of int
            Identities of those who are seen.
        unsure : collection of Key
            Dangers that the next measurements may undo: they must stand for longer before they are warned of.
        late : collection of Key
            Dangers that are seen late: they need not stand for as long.
        """
        index: dict[Key, int] = {}
        for k, (key, kind, is_onset) in enumerate(seen):
            index[key] = k
            episode = self.open.get(key)
            if episode is None and is_onset:
                self.open[key] = Episode(key, 0, kind, now_ns, now_ns)
            elif episode is not None and (is_onset or episode.raised_ns):
                episode.last_ns = now_ns
        raised, standing, ended = [], [], []
        for key in list(self.open):
            episode = self.open[key]
            if key[1] in here and key[2] in here:
                episode.together_ns = now_ns
            if now_ns - episode.last_ns > self._patience_ns(now_ns, episode):
                del self.open[key]
                if episode.raised_ns:
                    ended.append(episode)
            elif episode.raised_ns:
                standing.append((episode, index.get(key, -1)))
            elif (
                key in index
                and episode.last_ns == now_ns
                and now_ns - episode.began_ns >= self._onset_of(episode.kind, key in unsure, key in late) - JITTER_NS
            ):
                episode.raised_ns, episode.number = now_ns, self.next_number
                episode.kind = seen[index[key]][1]  # what it is now, not what it was when it began
                self.next_number += 1
                raised.append((episode, index[key]))
        return Changes(tuple(raised), tuple(standing), tuple(ended))

    def _patience_ns(self, now_ns: int, episode: Episode) -> int:
        """How long its danger may be gone before an episode ends."""
        if not episode.raised_ns:
            return UNRAISED_NS
        is_together = now_ns - episode.together_ns <= self._release_ns
        return max(self._together_ns, self._release_ns) if is_together else self._release_ns

    def _onset_of(self, kind: int, is_unsure: bool, is_late: bool) -> int:
        onset_ns = self._red_onset_ns if kind == WarningKind.WARNING_KIND_RED_LIGHT else self._onset_ns
        return onset_ns + (UNSURE_NS if is_unsure else 0) - (LATE_NS if is_late else 0)
