"""Numbers under which road users are published."""

from __future__ import annotations

import numpy as np

from lukou_roadside.perception.tracking.scan import Ints


class Identities:
    """Gives each track a number when it is first published, and keeps it.

    The number follows the birth of the track, which stays the same when late data makes a stretch of time be worked
    out again.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._next = 1

    def of(self, births: Ints) -> Ints:
        """Number of each birth; new ones are counted on."""
        numbers = np.empty(len(births), np.int64)
        for k, birth in enumerate(births.tolist()):
            number = self._numbers.get(birth)
            if number is None:
                number = self._numbers[birth] = self._next
                self._next = self._next % 0xFFFFFFFE + 1
            numbers[k] = number
        return numbers

    def keep(self, births: Ints) -> None:
        """Forget all births but these."""
        kept = set(births.tolist())
        self._numbers = {birth: number for birth, number in self._numbers.items() if birth in kept}
