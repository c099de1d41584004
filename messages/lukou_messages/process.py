"""What a process is: a pure core in a thin shell.

A core is a class with three methods and no socket, file, clock, thread, environment or logging in it::

    class EdgeCore:
        def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]: ...
        def snapshot(self) -> bytes: ...
        def restore(self, snapshot: bytes) -> None: ...

`ProcessSpec` names what the shell needs to run it. Every room registers its specs under the entry point
group ``lukou.processes`` (process name -> ``module:SPEC``); whoever composes processes (the ``lukou run`` verb, the
demo, lockstep) loads them by name and imports no room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel

from lukou_messages.v1.header_pb2 import Validity

VALID = Validity.VALIDITY_VALID
DEGRADED = Validity.VALIDITY_DEGRADED
INVALID = Validity.VALIDITY_INVALID


@dataclass(frozen=True, slots=True)
class Input:
    """One message, or one reading of a device, as a core takes it.

    Attributes
    ----------
    topic : str
        Name in `lukou_messages.topics`, or ``device/<name>`` for a reading of a driver.
    source : str
        Who sent it, as authenticated by the transport; the name of the device for a reading.
    epoch : int
        Start of the source's life, nanoseconds POSIX UTC.
    sequence : int
        Number of the message within source, topic and epoch.
    measured_at_ns : int
        Instant that the content describes, nanoseconds POSIX UTC.
    value : object
        The decoded value: `ObjectList`, `DetectionList`, `TruthList`, a generated protobuf message (never changed by
        the core), or a reading of `lukou_hw`.
    validity : Validity
        Whether the content may be relied upon.
    """

    topic: str
    source: str
    epoch: int
    sequence: int
    measured_at_ns: int
    value: Any
    validity: Validity = VALID


@dataclass(frozen=True, slots=True)
class Output:
    """One message that a core gives; the shell adds the header and publishes it.

    Attributes
    ----------
    topic : str
        Name in `lukou_messages.topics`.
    value : object
        As in `Input`; for protobuf messages the shell fills field ``header``.
    measured_at_ns : int
        Instant that the content describes, nanoseconds POSIX UTC.
    validity : Validity
        Whether the content may be relied upon.
    reason : str
        Why the validity is not VALID.
    to : str
        Addressee of a command or of its reply (a device or an issuer); empty on all other topics.
    used : tuple of (str, int)
        Inputs that this output is made of, as (topic or device, measured_at_ns); measured, not sent.
    time_uncertainty_s : float, optional
        Standard uncertainty of the clock, infinite where nothing is known of it; None: as the process's settings say. [s]
    """

    topic: str
    value: Any
    measured_at_ns: int
    validity: Validity = VALID
    reason: str = ""
    to: str = ""
    used: tuple[tuple[str, int], ...] = ()
    time_uncertainty_s: float | None = None


class Core(Protocol):
    """The pure part of a process."""

    def step(self, now_ns: int, inputs: Sequence[Input]) -> Sequence[Output]:
        """Take what has arrived, in the order of arrival, and give what follows from it.

        Must be deterministic: equal state, `now_ns` and `inputs` give equal outputs.
        """

    def snapshot(self) -> bytes:
        """Everything that a restart needs; empty where a fresh start is as good."""

    def restore(self, snapshot: bytes) -> None:
        """Continue from a snapshot of this version; raise ValueError for any other."""


class Device(Protocol):
    """Something that the shell polls beside its messages: a driver of `lukou_hw`, or a server for the page."""

    name: str

    def poll(self, now_ns: int) -> Sequence[Input]:
        """What has been read since the last call, without waiting."""

    def send(self, outputs: Sequence[Output]) -> None:
        """Outputs whose topic is ``device/<name>``."""

    def close(self) -> None:
        """Release everything."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """When the shell calls `step`: `after_s` after every multiple of `period_s` of the clock, and at once on the topics in `on`.

    Topics may name devices (``device/camera-north``); ``device/*`` means any device. With `is_apart`, a multiple of the clock has a step
    without inputs of its own, after the one that topics trigger: what answers to messages does not wait for what is done ten times a second.
    """

    period_s: float | None = None
    on: frozenset[str] = frozenset()
    is_apart: bool = False
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What the shell needs to know of one process.

    Attributes
    ----------
    name : str
        Name of the process: perception, signal, edge, region, centre, world.
    takes, gives : tuple of str
        Topics in and out.
    trigger : Trigger
        When `step` is called.
    settings : type of BaseModel
        Frozen pydantic model of the process's section in the site file.
    make_core : callable
        ``make_core(settings)`` -> core.
    make_devices : callable
        ``make_devices(settings)`` -> devices that the shell polls; none by default.
    """

    name: str
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    trigger: Trigger
    settings: type[BaseModel]
    make_core: Callable[[Any], Core]
    make_devices: Callable[[Any], Sequence[Device]] = lambda settings: ()
    section: str = ""
    documentation: Mapping[str, str] = field(default_factory=dict)
