"""The NTCIP driver: its backup timer is set at every connection and checked, and usual communities are refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lukou_hw.signal_controller import ntcip1202_objects as ntcip
from lukou_hw.signal_controller.ntcip1202 import Ntcip1202Controller
from lukou_hw.signal_controller.polling import PollingController

STAGES = {1: (1, 2), 2: (3, 4)}


class Cabinet(Ntcip1202Controller):
    """The driver without a thread and a network: objects in a dictionary."""

    def __init__(self, **options: Any) -> None:
        self.objects: dict[ntcip.Oid, int] = {}
        self.writes: list[dict[ntcip.Oid, int]] = []
        super().__init__("c", STAGES, "127.0.0.1", community="s3cret-of-k1", **options)
        self.objects |= {ntcip.UNIT_CONTROL_STATUS: ntcip.CONTROL_SYSTEM, ntcip.UNIT_FLASH_STATUS: ntcip.NOT_FLASHING}

    def _run_command(self, command: Any, pairs: list[tuple[Any, Any]]) -> Any:
        if command.__name__ == "set_cmd":
            self.writes.append({tuple(oid): int(value) for oid, value in pairs})
            self.objects |= self.writes[-1]
        return [(tuple(oid), self.objects.get(tuple(oid), 0)) for oid, _ in pairs]


@pytest.fixture
def cabinet(monkeypatch: pytest.MonkeyPatch) -> Cabinet:
    monkeypatch.setattr(PollingController, "_run", lambda self: None)
    return Cabinet(backup_s=4)


def connect(cabinet: Cabinet) -> Mapping[ntcip.Oid, int]:
    cabinet.connect()
    cabinet.disconnect()
    return cabinet.writes[-1]


def test_the_backup_time_is_written_at_every_connection(cabinet: Cabinet) -> None:
    written = connect(cabinet)
    assert written[ntcip.UNIT_BACKUP_TIME] == 4
    assert written[ntcip.control(ntcip.HOLD, 1)] == 0  # of an earlier life
    cabinet.request(1)
    assert cabinet.exchange(cabinet.wanted()).is_controlled
    assert connect(cabinet) == {ntcip.UNIT_BACKUP_TIME: 4}  # in control: our own hold stays


def test_another_backup_time_at_the_cabinet_is_a_fault(cabinet: Cabinet) -> None:
    connect(cabinet)
    assert cabinet.exchange(0).is_healthy
    cabinet.objects[ntcip.UNIT_BACKUP_TIME] = 0  # a technician, or a cabinet that bounds it
    with pytest.raises(ValueError, match="unitBackupTime is 0 s at the cabinet; 4 s was written"):
        cabinet.exchange(0)
    connect(cabinet)
    assert cabinet.exchange(0).is_healthy


@pytest.mark.parametrize("community", ["", "public", "Private ", "lukou", "administrator"])
def test_usual_communities_are_refused_outside_simulation(community: str) -> None:
    with pytest.raises(ValueError, match="community"):
        Ntcip1202Controller("c", STAGES, "127.0.0.1", community=community)


def test_a_simulated_cabinet_may_have_any_community(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PollingController, "_run", lambda self: None)
    Ntcip1202Controller("c", STAGES, "127.0.0.1", community="lukou", is_simulation=True).close()
