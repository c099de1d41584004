"""Driver for ring cabinets that speak NTCIP 1202 over SNMP v2c. Entry point ``signal_controller.ntcip1202``.

A stage is a set of concurrent phases (channel = phase). To hold a stage its phases are held; to change, the running
phases are forced off and the phases of every stage that is neither running nor wanted are omitted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pysnmp.hlapi.v1arch.asyncio import CommunityData, SnmpDispatcher, UdpTransportTarget, get_cmd, set_cmd
from pysnmp.proto.rfc1902 import Integer32, Null, ObjectIdentifier

from lukou_hw.signal_controller import ntcip1202_objects as ntcip
from lukou_hw.signal_controller.capability import NTCIP1202
from lukou_hw.signal_controller.polling import PollingController
from lukou_hw.signal_controller.reading import Condition, ControllerReading

TIMEOUT_S = 0.8
RENEWAL_S = 1.0
FOREIGN_S = 3.0
USUAL_COMMUNITIES = ("", "public", "private", "administrator", "admin", "lukou")
"""Names that everybody tries first (SAFETY, threats: default passwords are refused at start)."""
RED, YELLOW, GREEN, FLASHING_GREEN = 2, 3, 4, 5  # values of SignalColour


class Ntcip1202Controller(PollingController):
    """One cabinet.

    Parameters
    ----------
    name : str
        Name of the device.
    stages : mapping of int to sequence of int
        Phases (channels) of every stage, by stage number.
    address, port
        Of the agent.
    community : str
        For reading and writing. Must be set by the site; `USUAL_COMMUNITIES` are refused outside simulation.
    backup_s : int
        Written to unitBackupTime at every connection and read back; another value there is a fault. [s]
    period_s : float
        Time between two polls. [s]
    now_ns : callable
        Clock for the stamps of readings.
    is_simulation : bool
        The cabinet is simulated: any community will do.

    Raises
    ------
    ValueError
        For a community that everybody knows, or a backup time out of bounds.
    """

    def __init__(
        self,
        name: str,
        stages: Mapping[int, Sequence[int]],
        address: str,
        port: int = 161,
        community: str = "",
        backup_s: int = 5,
        period_s: float = 0.2,
        now_ns: Callable[[], int] = time.time_ns,
        is_simulation: bool = False,
    ) -> None:
        if not is_simulation and community.strip().lower() in USUAL_COMMUNITIES:
            raise ValueError(
                f"{name}: community: {community!r} is no secret; set one of the site's own, at the cabinet and in "
                "signal.driver_options.community"
            )
        if not 1 <= backup_s <= 15:
            raise ValueError(f"{name}: backup_s: {backup_s} is not between 1 and 15 s")
        self._stages = {number: frozenset(channels) for number, channels in stages.items()}
        self._highest = max(channel for channels in self._stages.values() for channel in channels)
        self._groups = ntcip.groups_of(self._highest)
        self._where, self._community, self._backup_s = (address, port), community, backup_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dispatcher: Any = None
        self._target: Any = None
        self._set: dict[ntcip.Oid, int] = {}
        self._set_at = 0.0
        self._asked = 0
        self._running = 0
        self._foreign_since: float | None = None
        self._refused = 0
        super().__init__(name, NTCIP1202, period_s, now_ns)

    def connect(self) -> None:
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._dispatcher = SnmpDispatcher()
        self._target = self._loop.run_until_complete(
            UdpTransportTarget.create(self._where, timeout=TIMEOUT_S, retries=0)
        )
        nothing = {} if self.wanted() else self._controls(0)  # clear what an earlier life may have left (13)
        self._write({ntcip.UNIT_BACKUP_TIME: self._backup_s, **nothing})
        if nothing:
            self._set, self._asked = nothing, 0

    def disconnect(self) -> None:
        loop, dispatcher = self._loop, self._dispatcher
        self._loop = self._dispatcher = None
        if loop is None:
            return
        try:
            if dispatcher is not None:
                dispatcher.transport_dispatcher.close_dispatcher()
                loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()

    def exchange(self, wanted: int) -> ControllerReading:
        controls = self._controls(wanted)
        due = bool(wanted) and time.monotonic() - self._set_at > RENEWAL_S
        if controls != self._set or due:
            self._write(controls)
            self._set, self._set_at, self._asked = controls, time.monotonic(), wanted
        return self._reading_of(self._read())

    def _controls(self, wanted: int) -> dict[ntcip.Oid, int]:
        """Values of hold, force-off and omit that lead to a stage; all 0 for none."""
        hold: frozenset[int] = frozenset()
        force = omit = hold
        if wanted in self._stages:
            running = self._stages.get(self._running, frozenset())
            if self._running in (0, wanted):
                hold = self._stages[wanted]
            else:
                force = running
                omit = frozenset().union(*self._stages.values()) - running - self._stages[wanted]
        result = {}
        for group in self._groups:
            result[ntcip.control(ntcip.OMIT, group)] = ntcip.bits(omit, group)
            result[ntcip.control(ntcip.HOLD, group)] = ntcip.bits(hold, group)
            result[ntcip.control(ntcip.FORCE_OFF, group)] = ntcip.bits(force, group)
        return result

    def _write(self, values: Mapping[ntcip.Oid, int]) -> None:
        pairs = [(ObjectIdentifier(oid), Integer32(value)) for oid, value in values.items()]
        self._run_command(set_cmd, pairs)

    def _read(self) -> dict[ntcip.Oid, int]:
        columns = (ntcip.YELLOWS, ntcip.GREENS, ntcip.PED_CLEARS, ntcip.WALKS, ntcip.VEHICLE_CALLS, ntcip.PED_CALLS)
        wanted = [ntcip.status(column, group) for column in columns for group in self._groups]
        wanted += [ntcip.control(ntcip.HOLD, group) for group in self._groups]
        wanted += [ntcip.UNIT_CONTROL_STATUS, ntcip.UNIT_FLASH_STATUS, ntcip.UNIT_BACKUP_TIME]
        answer = self._run_command(get_cmd, [(ObjectIdentifier(oid), Null("")) for oid in wanted])
        try:
            result = {tuple(oid): int(value) for oid, value in answer}
        except (TypeError, ValueError) as error:
            self._refused += 1
            raise ValueError(f"an object of the answer is no integer: {error}") from error
        if set(result) != set(wanted):
            self._refused += 1
            raise ValueError("the answer does not hold the objects that were asked for")
        return result

    def _run_command(self, command: Any, pairs: list[tuple[Any, Any]]) -> Any:
        assert self._loop is not None
        job = command(
            self._dispatcher, CommunityData(self._community, mpModel=1), self._target, *pairs, lookupMib=False
        )
        indication, status, index, answer = self._loop.run_until_complete(asyncio.wait_for(job, 2 * TIMEOUT_S))
        if indication:
            raise OSError(f"SNMP: {indication}")
        if int(status):
            raise ValueError(f"SNMP: error {int(status)} at object {int(index)}")
        return answer

    def _reading_of(self, values: Mapping[ntcip.Oid, int]) -> ControllerReading:
        backup_s = values[ntcip.UNIT_BACKUP_TIME]
        if backup_s != self._backup_s:  # who falls silent would hold a green longer than the guard counts with (8, 16)
            raise ValueError(f"unitBackupTime is {backup_s} s at the cabinet; {self._backup_s} s was written")

        def lit(column: int) -> frozenset[int]:
            return ntcip.phases(values[ntcip.status(column, group)] for group in self._groups)

        colour = dict.fromkeys(frozenset().union(*self._stages.values()), RED)
        for column, shown in (
            (ntcip.YELLOWS, YELLOW), (ntcip.GREENS, GREEN), (ntcip.PED_CLEARS, FLASHING_GREEN), (ntcip.WALKS, GREEN),
        ):  # fmt: skip
            colour.update(dict.fromkeys(lit(column), shown))
        green = {channel for channel, shown in colour.items() if shown == GREEN}
        stage = next((number for number, channels in self._stages.items() if channels == green), 0)
        if stage:
            self._running = stage
        condition = Condition.NORMAL
        if values[ntcip.UNIT_FLASH_STATUS] != ntcip.NOT_FLASHING:
            condition = Condition.FLASHING
        elif values[ntcip.UNIT_CONTROL_STATUS] == ntcip.CONTROL_MANUAL:
            condition = Condition.MANUAL
        held = {oid: values[oid] for oid in (ntcip.control(ntcip.HOLD, group) for group in self._groups)}
        return ControllerReading(
            self.name,
            self._now_ns(),
            colours=tuple(colour.get(channel, 0) for channel in range(1, self._highest + 1)),
            condition=condition,
            stage_number=stage,
            demands=tuple(sorted(lit(ntcip.VEHICLE_CALLS) | lit(ntcip.PED_CALLS))),
            is_controlled=bool(self._asked) and values[ntcip.UNIT_CONTROL_STATUS] == ntcip.CONTROL_SYSTEM,
            is_foreign=self._is_foreign(held),
            refused=self._refused,
        )

    def _is_foreign(self, held: Mapping[ntcip.Oid, int]) -> bool:
        """Phases are held that we do not hold: a second writer (SAFETY invariant 8)."""
        if all(value in (0, self._set.get(oid, 0)) for oid, value in held.items()):
            self._foreign_since = None
            return False
        now = time.monotonic()
        self._foreign_since = self._foreign_since if self._foreign_since is not None else now
        return now - self._foreign_since > FOREIGN_S


def open_controller(
    name: str, stages: Mapping[int, Sequence[int]], address: str, port: int = 161, **options: Any
) -> Ntcip1202Controller:
    """Factory of the entry point."""
    return Ntcip1202Controller(name, stages, address, port, **options)
