"""The signal process: SPaT at 10 Hz, commands through the guard, requests to the controller."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import Any

from lukou_hw.signal_controller.reading import PLAN, RELEASE, REQUEST, ControllerReading
from lukou_maps.signal_configuration import SignalConfiguration, configuration_hash, load
from lukou_messages.process import Input, Output, ProcessSpec, Trigger
from lukou_messages.v1.command_pb2 import Command, CommandReply, CommandStatus, PlanRequest
from lukou_roadside.signal import guard
from lukou_roadside.signal.devices import make_devices
from lukou_roadside.signal.events import event_of
from lukou_roadside.signal.guard_tables import compile_tables
from lukou_roadside.signal.host import HostReading
from lukou_roadside.signal.orders import order_of
from lukou_roadside.signal.plans import Plans
from lukou_roadside.signal.publication import Publication
from lukou_roadside.signal.settings import SignalSettings

QUANTUM_S = 0.1
QUANTUM_NS = 100_000_000
COMMANDS_PER_STEP = 8  # bounded work (SAFETY invariant 21)
WAITING = 64  # commands that wait for the log
LONGEST_WAIT_NS = 2_000_000_000  # for the log; by then the challenge in the command is over
EPOCH_AHEAD_MS = 60_000  # fencing epochs are milliseconds POSIX UTC; one further ahead would lock everybody else out
REMEMBERED = 512  # answered commands, for idempotence
LONGEST_HELD_S = 3600.0
"""Nobody means to hold a stage for longer. [s]"""


class SignalCore:
    """The guard in its shell: takes messages and readings, gives messages and requests.

    Parameters
    ----------
    settings : SignalSettings
        Of the site.
    configuration : SignalConfiguration
        Of the intersection.
    """

    def __init__(self, settings: SignalSettings, configuration: SignalConfiguration) -> None:
        if configuration.research and not settings.accepts_research:
            raise ValueError(f"{configuration.intersection}: research configuration; real sites must not use it")
        self.configuration = configuration
        self.tables = compile_tables(configuration, QUANTUM_S, settings.latency_s, settings.mode)
        self.state = guard.initial(self.tables)
        self._plans = Plans(configuration, self.tables, QUANTUM_S) if settings.takes == "plans" else None
        self._plan: PlanRequest | None = None  # accepted last
        self._highest = getattr(guard, settings.highest_authority.upper())
        self._device = f"device/{settings.device}"
        self._stages = {stage.name: index for index, stage in enumerate(configuration.stages)}
        self._channels = tuple(group.channel - 1 for group in configuration.groups)
        unknown = sorted(set(settings.detected_groups) - {group.name for group in configuration.groups})
        if unknown:
            raise ValueError(
                f"signal.detected_groups: {configuration.intersection} has no group {', '.join(unknown)}; "
                f"it has {', '.join(group.name for group in configuration.groups)}"
            )
        self._publication = Publication(
            configuration, self.tables, configuration_hash(configuration), QUANTUM_NS, settings.detected_groups
        )
        self._waiting: OrderedDict[str, tuple[Command, str, int]] = OrderedDict()
        self._written: list[str] = []
        self._unlogged: list[str] = []
        self._answered: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._applying: tuple[str, str, int] | None = None
        self._current: tuple[str, str] | None = None
        self._reading: ControllerReading | None = None
        self._host: HostReading | None = None
        self._tick_ns = 0
        self._last_ns = 0
        self._now_ns = 0
        self._waits: tuple[int, tuple[int, ...]] | None = None
        self._events = 0
        self._is_asked = False
        self._held: tuple[int, int, int] | None = None  # running stage, when it is meant to end, and what follows
        self._refusals: Counter[str] = Counter()

    # ---- the core

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take inputs, let the guard decide, publish."""
        outputs: list[Output] = []
        self._now_ns = now_ns
        self._take_up_waits(now_ns)
        commands = self._sort(inputs)
        is_reset = any(isinstance(i.value, HostReading) and i.value.is_reset for i in inputs)
        tick = self._tick(now_ns)
        outputs += self._refuse_unlogged(tick, now_ns)
        for number, (command, source) in enumerate(commands):
            outputs += self._receive(command, source, tick, now_ns, is_busy=number >= COMMANDS_PER_STEP)
        ready = [(identity, *self._waiting.pop(identity)) for identity in self._written if identity in self._waiting]
        self._written = []
        orders = tuple(self._order(command, now_ns, is_logged=True) for _, command, _, _ in ready)
        before = self.state
        given = self._inputs(now_ns, orders, is_reset)
        if self._plans is None:
            self.state, result = guard.step(self.tables, self.state, tick, given)
        else:
            self.state, result = self._plans.step(self.state, tick, given)
        for (identity, command, source, _), refusal in zip(ready, result.replies, strict=True):
            outputs += self._judge(identity, command, source, refusal, now_ns)
        outputs += self._follow_up(before, result, now_ns)
        outputs += self._to_controller(result, now_ns)
        outputs.append(
            self._publication.output(self.state, self._reading, now_ns, self._faults(), self._meant(), self._plans)
        )
        return outputs

    def snapshot(self) -> bytes:
        """What survives a restart: fences, latched faults, waits. Everything else is read back first (invariant 13)."""
        state = self.state
        content = {"fences": state.fences, "latched": state.latched, "events": self._events}
        return json.dumps({**content, "due": state.due, "at_ns": self._now_ns}).encode()

    def restore(self, snapshot: bytes) -> None:
        """Continue from a snapshot; ValueError for what is none."""
        content = json.loads(snapshot)
        fences = tuple((int(epoch), int(sequence)) for epoch, sequence in content["fences"])
        if len(fences) != len(self.state.fences):
            raise ValueError("signal: the snapshot is of another version")
        self.state = self.state._replace(fences=fences, latched=int(content["latched"]))
        self._events = int(content["events"])
        self._waits = (int(content["at_ns"]), tuple(int(due) for due in content["due"]))

    def faults(self) -> list[str]:
        """For health."""
        return self._faults()

    def figures(self) -> dict[str, float]:
        """For health: refused commands by reason."""
        return {f"refused_{reason}": float(count) for reason, count in self._refusals.items()}

    def _take_up_waits(self, now_ns: int) -> None:
        """Waits of the life before, aged by the time since; forgotten where the clock makes no sense of it."""
        if self._waits is None:
            return
        at_ns, due = self._waits
        self._waits = None
        passed = (now_ns - at_ns) // QUANTUM_NS
        if 0 <= passed < max(self.tables.red) and len(due) == len(self.state.due):
            self.state = self.state._replace(due=tuple(max(0, one - passed) for one in due))

    # ---- inputs

    def _sort(self, inputs: Sequence[Input]) -> list[tuple[Command, str]]:
        commands = []
        for item in inputs:
            if item.topic == "command":
                commands.append((item.value, item.source))
            elif item.topic == self._device:
                self._reading = item.value
            elif item.topic == "device/host":
                self._host = item.value
            elif item.topic == "device/command_log":
                self._logged(item.value)
        return commands

    def _logged(self, answer: tuple[Any, ...]) -> None:
        if answer[0] == "written":
            self._written.append(answer[1])
        elif answer[0] == "failed":
            self._unlogged.append(answer[1])
        elif answer[0] == "resumed":
            fences = list(self.state.fences)
            for authority, mark in answer[1].items():
                if 0 <= authority < len(fences):
                    fences[authority] = max(fences[authority], mark)
            self.state = self.state._replace(fences=tuple(fences), latched=self.state.latched | answer[2])

    def _tick(self, now_ns: int) -> int:
        """Ticks of the monotonic clock; without a host (simulation), of the given time's forward moves."""
        if self._host is not None:
            return self._host.monotonic_ns // QUANTUM_NS
        self._tick_ns += max(0, now_ns - self._last_ns) if self._last_ns else 0
        self._last_ns = now_ns
        return (self._tick_ns + QUANTUM_NS // 2) // QUANTUM_NS

    def _inputs(self, now_ns: int, orders: tuple[guard.Order, ...], is_reset: bool) -> guard.Inputs:
        entropy = self._host.entropy if self._host else (now_ns * 2654435761) % 2**63
        is_armed = self._host is not None and self._host.is_armed
        is_clock_good = self._host is None or not self._host.clock_fault
        given = guard.Inputs(self._read_back(now_ns), orders, entropy, is_armed, is_clock_good, is_reset)
        return given if self._plans is None else self._plans.with_own(given, now_ns)

    def _read_back(self, now_ns: int) -> guard.Reading | None:
        reading = self._reading
        if reading is None or not reading.is_healthy or not reading.colours:
            return None
        shown = reading.colours
        colours = tuple(shown[channel] if channel < len(shown) else 0 for channel in self._channels)
        called = set(reading.demands)
        calls = 0
        for index, stage in enumerate(self.configuration.stages):
            if any(self.configuration.group_by_name[name].channel in called for name in stage.green):
                calls |= 1 << index
        age = max(0, now_ns - reading.measured_at_ns) // QUANTUM_NS
        return guard.Reading(age, colours, int(reading.condition), calls, reading.is_foreign, bool(reading.lamp_faults))

    # ---- commands

    def _order(self, command: Command, now_ns: int, is_logged: bool) -> guard.Order:
        changes = () if self._plans is None else self._plans.bounds.change
        return order_of(command, self.configuration.intersection, self._stages, now_ns, QUANTUM_S, is_logged, changes)

    def _refuse(self, order: guard.Order, inputs: guard.Inputs) -> str:
        if self._plans is None:
            return guard.refuse(self.tables, self.state, order, inputs)
        return self._plans.refuse(self.state, order, inputs)

    def _refuse_unlogged(self, tick: int, now_ns: int) -> list[Output]:
        """Answer the commands that the log has not taken, or not in time."""
        longest = LONGEST_WAIT_NS // QUANTUM_NS
        late = [identity for identity, entry in self._waiting.items() if tick - entry[2] > longest]
        failed = [identity for identity in self._unlogged if identity in self._waiting]
        self._unlogged = []
        outputs: list[Output] = []
        for identity in dict.fromkeys((*failed, *late)):
            if identity not in self._written:
                outputs += self._reject(identity, self._waiting.pop(identity)[1], "not_logged", now_ns)
        return outputs

    def _refuse_link(self, order: guard.Order, now_ns: int) -> str:
        """What the link that brought a command may not do, whatever the guard thinks of it; empty: nothing."""
        if guard.OFFICER <= order.authority < self._highest:
            return "not_entitled"
        return "epoch_ahead" if order.epoch > now_ns // 1_000_000 + EPOCH_AHEAD_MS else ""

    def _receive(self, command: Command, source: str, tick: int, now_ns: int, is_busy: bool) -> list[Output]:
        """A command that just arrived: repeated, refused at once, or on its way to the log."""
        identity = command.command_id
        if identity in self._answered:
            status, reason = self._answered[identity]
            return self._reply(identity, source, status, reason, now_ns)
        if identity in self._waiting:
            return []
        order = self._order(command, now_ns, is_logged=True)
        refusal = self._refuse_link(order, now_ns)
        refusal = refusal or self._refuse(order, self._inputs(now_ns, (), False))
        if is_busy or (len(self._waiting) >= WAITING and order.kind != guard.RELEASE):
            refusal = refusal or "busy"
        if refusal:
            return self._reject(identity, source, refusal, now_ns)
        self._waiting[identity] = (command, source, tick)
        if order.kind == guard.RELEASE:
            self._written.append(identity)  # never waits for a log
        record = {
            "kind": "command", "id": identity, "authority": order.authority, "epoch": order.epoch,
            "sequence": order.sequence, "at_ns": now_ns, "bytes": command.SerializeToString().hex(),
        }  # fmt: skip
        return [
            Output("device/command_log", ("append", identity, record), now_ns),
            *self._reply(identity, source, CommandStatus.COMMAND_STATUS_RECEIVED, "", now_ns),
        ]

    def _judge(self, identity: str, command: Command, source: str, refusal: str, now_ns: int) -> list[Output]:
        if refusal:
            return self._reject(identity, source, refusal, now_ns)
        status = CommandStatus.COMMAND_STATUS_ACCEPTED
        if command.WhichOneof("action") == "release":
            self._current = self._applying = None
        else:
            self._current = (identity, source)
            if command.WhichOneof("action") == "plan_request":
                self._plan, self._applying = command.plan_request, (identity, source, -1)
            if command.WhichOneof("action") == "stage_request":
                request = command.stage_request
                stage = self._stages[request.stage]
                self._applying = (identity, source, stage)
                held_s = request.expected_duration_s if request.HasField("expected_duration_s") else -1.0
                is_said = 0 <= held_s < LONGEST_HELD_S  # anything else, NaN too, is as if it had not been said
                usual = (stage + 1) % len(self._stages) if self.tables.fixed_order else stage
                following = self._stages.get(request.following_stage, stage) if request.following_stage else usual
                is_said &= following != stage  # one that is not known is no guess
                self._held = (stage, now_ns + round(held_s * 1e9), following) if is_said else None
        return self._answer(identity, source, status, "", now_ns)

    def _reject(self, identity: str, source: str, refusal: str, now_ns: int) -> list[Output]:
        self._refusals[refusal] += 1
        return self._answer(identity, source, CommandStatus.COMMAND_STATUS_REJECTED, refusal, now_ns)

    def _answer(self, identity: str, source: str, status: int, reason: str, now_ns: int) -> list[Output]:
        self._answered[identity] = (status, reason)
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        replies = self._reply(identity, source, status, reason, now_ns)
        return [*replies, Output("reply_log", replies[0].value, now_ns)]

    def _reply(self, identity: str, source: str, status: int, reason: str, now_ns: int) -> list[Output]:
        reply = CommandReply(
            command_id=identity[:64],
            device=self.configuration.intersection,
            status=status,  # type: ignore[arg-type]
            reason=reason,
            detail=self._detail(reason),
        )
        return [Output("command_reply", reply, now_ns, to=source)]

    def _detail(self, reason: str) -> str:
        if reason != "configuration":
            return ""
        return f"in force: version {self.tables.version}, hash {self.tables.configuration:016x}…"

    # ---- what follows

    def _meant(self) -> tuple[int, int] | None:
        """When who is in charge means to end the running stage, and what follows; None: it has not said."""
        state = self.state
        if self._held is None or state.authority >= guard.LOCAL or state.to >= 0 or state.stage != self._held[0]:
            return None
        return self._held[1:]

    def _follow_up(self, before: guard.State, result: guard.Outputs, now_ns: int) -> list[Output]:
        """Replies to commands in effect, events, durable latched faults."""
        outputs: list[Output] = []
        state = self.state
        if self._applying is not None:
            identity, source, stage = self._applying
            if self._plans is not None:
                seen = self._plan is not None and self._plans.runs(self._plan)
            else:
                seen = (state.to == stage and state.elapsed > 0) or (state.to < 0 and state.stage == stage)
            if seen and not state.misses:
                outputs += self._answer(identity, source, CommandStatus.COMMAND_STATUS_APPLIED, "", now_ns)
                self._applying = None
        for name in result.events:
            self._events += 1
            outputs.append(event_of(name, self._events, self.configuration.intersection, before, state, now_ns))
        if before.authority < guard.LOCAL <= state.authority and self._current is not None:
            reason = result.events[0] if result.events else "ended"
            outputs += self._answer(*self._current, CommandStatus.COMMAND_STATUS_ENDED, reason, now_ns)
            self._current = self._applying = None
        if before.latched != state.latched:
            self._events += 1
            name = "fault_latched" if state.latched else "fault_cleared"
            outputs.append(event_of(name, self._events, self.configuration.intersection, before, state, now_ns))
            record = {"kind": "latched", "bits": state.latched}
            outputs.append(Output("device/command_log", ("append", f"latched-{self._events}", record), now_ns))
        return outputs

    def _to_controller(self, result: guard.Outputs, now_ns: int) -> list[Output]:
        """Requests are repeated every tick: they feed the cabinet's backup timer (invariant 16)."""
        if result.request >= 0:
            self._is_asked = True
            number = self.configuration.stages[result.request].number
            return [Output(self._device, (REQUEST, number), now_ns)]
        if self._plan is not None and self.state.authority < guard.LOCAL:
            self._is_asked = True
            greens_s = tuple(round(split.green_s, 1) for split in self._plan.splits)
            return [Output(self._device, (PLAN, greens_s, round(self._plan.offset_s, 1)), now_ns)]
        if result.is_release or self._is_asked:
            self._is_asked, self._plan = False, None
            return [Output(self._device, (RELEASE,), now_ns)]
        return []

    def _faults(self) -> list[str]:
        state, found = self.state, []
        for bit, text in (
            (guard.CONFLICT_SEEN, "conflicting groups had right of way together"),
            (guard.SECOND_WRITER, "someone else writes to the controller"),
            (guard.LAMP, "lamp fault"),
        ):
            if state.latched & bit:
                found.append(f"{text}; latched, cleared on site only")
        if state.misses:
            found.append("the controller's state is missing or does not fit")
        if self._reading is not None and self._reading.fault:
            found.append(self._reading.fault)
        if self._host is not None and self._host.clock_fault:
            found.append(self._host.clock_fault)
        return found


def make_core(settings: SignalSettings) -> SignalCore:
    """Core from settings; raises SignalConfigurationError, GuardTablesError or ValueError with the reasons."""
    return SignalCore(settings, load(settings.configuration))


SPEC = ProcessSpec(
    name="signal",
    takes=("command",),
    gives=("signal", "command_reply", "reply_log", "event"),
    trigger=Trigger(period_s=QUANTUM_S),
    settings=SignalSettings,
    make_core=make_core,
    make_devices=make_devices,
)

__all__ = ["SPEC", "SignalCore", "make_core"]
