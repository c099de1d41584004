"""A simulated ring cabinet: a real SNMP agent with the objects of NTCIP 1202 that Lukou's driver uses.

Hold of a stage's phases keeps it, force-off of the running phases goes on to the next stage in order whose phases are
not omitted; any SET of a control object restarts the backup timer, whoever sends it, as the standard says.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.rfc1902 import Integer32
from pysnmp.smi import error, instrum

from lukou_hw.signal_controller import ntcip1202_objects as ntcip
from lukou_hw.signal_controller.reading import Condition, ControllerReading
from lukou_maps.signal_configuration import GroupType
from lukou_sim.cabinet.core import FLASHING_GREEN, GREEN, YELLOW, Cabinet
from lukou_sim.cabinet.direct import reading_of


class _Objects(instrum.AbstractMibInstrumController):  # type: ignore[misc]
    """Reads and writes of the agent's objects."""

    def __init__(self, cabinet: Cabinet) -> None:
        configuration = cabinet.configuration
        self._cabinet = cabinet
        self._walking = {g.channel for g in configuration.groups if g.type is GroupType.PEDESTRIAN}
        channel = {g.name: g.channel for g in configuration.groups}
        self._stages = [frozenset(channel[name] for name in stage.green) for stage in configuration.stages]
        self._groups = ntcip.groups_of(max(channel.values()))
        columns = (ntcip.OMIT, ntcip.HOLD, ntcip.FORCE_OFF)
        self._controls = {ntcip.control(column, group): 0 for column in columns for group in self._groups}
        self._backup_s = int(configuration.limits.backup_s)

    def read_variables(self, *pairs: Any, **_: Any) -> list[Any]:
        with self._cabinet.lock:
            reading = reading_of(self._cabinet, "cabinet")
        values = self._values(reading)
        result = []
        for oid, _value in pairs:
            if tuple(oid) not in values:
                raise error.NoSuchInstanceError(name=oid, idx=0)
            result.append((oid, Integer32(values[tuple(oid)])))
        return result

    def write_variables(self, *pairs: Any, **_: Any) -> list[Any]:
        known = {*self._controls, ntcip.UNIT_BACKUP_TIME}
        if any(tuple(oid) not in known or not 0 <= int(value) <= 255 for oid, value in pairs):
            raise error.NotWritableError(name=pairs[0][0], idx=0)
        for oid, value in pairs:
            if tuple(oid) == ntcip.UNIT_BACKUP_TIME:
                self._backup_s = int(value)
            else:
                self._controls[tuple(oid)] = int(value)
        self._act()
        return list(pairs)

    def _act(self) -> None:
        """What the controls mean for the sequence; restarts the backup timer."""
        hold, force, omit = (
            ntcip.phases(self._controls[ntcip.control(column, group)] for group in self._groups)
            for column in (ntcip.HOLD, ntcip.FORCE_OFF, ntcip.OMIT)
        )
        cabinet, stages = self._cabinet, self._stages
        with cabinet.lock:
            running = [stage.number for stage in cabinet.configuration.stages].index(cabinet.stage_number)
            held = [index for index, phases in enumerate(stages) if phases <= hold]
            if force & stages[running] and not cabinet.next_stage_number:
                order = [(running + i) % len(stages) for i in range(1, len(stages))]
                held = [index for index in order if not stages[index] - stages[running] <= omit] or [running]
            elif force and cabinet.next_stage_number:
                cabinet.feed()
                return
            if held:
                cabinet.request(cabinet.configuration.stages[held[0]].number)
            else:
                cabinet.release()

    def _values(self, reading: ControllerReading) -> dict[ntcip.Oid, int]:
        channels = [(number, colour) for number, colour in enumerate(reading.colours, 1)]
        cars = [(number, colour) for number, colour in channels if number not in self._walking]
        feet = [(number, colour) for number, colour in channels if number in self._walking]
        lit = {
            ntcip.YELLOWS: [n for n, colour in cars if colour == YELLOW],
            ntcip.GREENS: [n for n, colour in cars if colour in (GREEN, FLASHING_GREEN)],
            ntcip.PED_CLEARS: [n for n, colour in feet if colour == FLASHING_GREEN],
            ntcip.WALKS: [n for n, colour in feet if colour == GREEN],
            ntcip.VEHICLE_CALLS: [n for n in reading.demands if n not in self._walking],
            ntcip.PED_CALLS: [n for n in reading.demands if n in self._walking],
        }
        result = dict(self._controls)
        for column, phases in lit.items():
            for group in self._groups:
                result[ntcip.status(column, group)] = ntcip.bits(phases, group)
        status = ntcip.CONTROL_SYSTEM if reading.is_controlled else ntcip.CONTROL_TIMEBASE
        result[ntcip.UNIT_CONTROL_STATUS] = ntcip.CONTROL_MANUAL if reading.condition is Condition.MANUAL else status
        flashing = reading.condition is Condition.FLASHING
        result[ntcip.UNIT_FLASH_STATUS] = ntcip.FLASHING_FAULT if flashing else ntcip.NOT_FLASHING
        result[ntcip.UNIT_BACKUP_TIME] = self._backup_s
        return result


class Ntcip1202Agent:
    """Serves one cabinet on 127.0.0.1 in a thread of its own.

    Parameters
    ----------
    cabinet : Cabinet
        Stepped by the world.
    port : int
        UDP port.
    community : str
        For reading and writing.
    """

    def __init__(self, cabinet: Cabinet, port: int, community: str = "lukou") -> None:
        self.port = port
        self._objects = _Objects(cabinet)
        self._community = community
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"agent-{port}", daemon=True)
        self._thread.start()
        self._ready.wait(10.0)
        if self._failure is not None:
            raise OSError(f"SNMP agent on port {port}: {self._failure}")

    def close(self) -> None:
        """Stop serving."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=3.0)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            snmp = engine.SnmpEngine()
            transport = udp.UdpTransport(loop=self._loop).open_server_mode(("127.0.0.1", self.port))
            config.add_transport(snmp, udp.DOMAIN_NAME, transport)
            config.add_v1_system(snmp, "cabinet", self._community)
            config.add_vacm_user(snmp, 2, "cabinet", "noAuthNoPriv", ntcip.ASC, ntcip.ASC)
            names = context.SnmpContext(snmp)
            names.unregister_context_name(b"")
            names.register_context_name(b"", self._objects)
            cmdrsp.GetCommandResponder(snmp, names)
            cmdrsp.SetCommandResponder(snmp, names)
            snmp.transport_dispatcher.job_started(1)
            self._loop.run_until_complete(asyncio.sleep(0.05))
        except BaseException as failure:
            self._failure = failure
            self._ready.set()
            return
        self._ready.set()
        self._loop.run_forever()
        snmp.transport_dispatcher.close_dispatcher()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()
