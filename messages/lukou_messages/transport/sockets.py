"""The sockets of `zeromq`, one class per pattern; each drains without waiting and counts what it drops."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import zmq

from lukou_messages.codec import LARGE, MAX_BYTES
from lukou_messages.errors import Refused
from lukou_messages.security import DOMAIN, KeyPair, Register
from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Packet

DRAIN_LIMIT = 256
"""Packets taken from one socket in one turn, so that none starves the others."""

QUEUE_MESSAGES = 2000
HANDSHAKE_MS = 3000
HEARTBEAT_MS = 1000
HEARTBEAT_TIMEOUT_MS = 3000

Socket = zmq.Socket[bytes]


def harden(socket: Socket, max_bytes: int = MAX_BYTES) -> None:
    """Replace the defaults of libzmq that do not fit: unlimited messages, endless linger, no heartbeat, slow handshake."""
    socket.linger = 0
    socket.maxmsgsize = max_bytes
    socket.sndhwm = socket.rcvhwm = QUEUE_MESSAGES
    socket.handshake_ivl = HANDSHAKE_MS
    socket.heartbeat_ivl = HEARTBEAT_MS
    socket.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
    socket.reconnect_ivl = 50
    socket.reconnect_ivl_max = 1000


def serve_curve(socket: Socket, keys: KeyPair) -> None:
    """Make the socket a CURVE server in our ZAP domain."""
    socket.curve_server = True
    socket.curve_secretkey = keys.secret
    socket.curve_publickey = keys.public
    socket.zap_domain = DOMAIN.encode()


def use_curve(socket: Socket, keys: KeyPair, server_key: str) -> None:
    """Make the socket a CURVE client of one server."""
    socket.curve_secretkey = keys.secret
    socket.curve_publickey = keys.public
    socket.curve_serverkey = server_key.encode()


class Bucket:
    """Token bucket per sender: `rate` packets a second, bursts of two seconds' worth."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._levels: dict[str, tuple[float, float]] = {}

    def admits(self, user: str) -> bool:
        """Whether one more packet of the sender fits."""
        now = self._clock()
        level, since = self._levels.get(user, (2 * self._rate, now))
        level = min(2 * self._rate, level + (now - since) * self._rate)
        self._levels[user] = (max(0.0, level - 1.0), now)
        return level >= 1.0


class IntakeSocket:
    """ROUTER that takes telemetry of many devices, each under its own key and rights."""

    def __init__(self, context: Any, endpoint: str, keys: KeyPair, register: Register, rate: float) -> None:
        self.counts: Counter[str] = Counter()
        self._register = register
        self._bucket = Bucket(rate)
        self.socket: Socket = context.socket(zmq.ROUTER)
        harden(self.socket)
        serve_curve(self.socket, keys)
        self.socket.bind(endpoint)

    def drain(self) -> list[Packet]:
        """Packets that the register entitles their senders to."""
        packets = []
        for _ in range(DRAIN_LIMIT):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            try:
                packets.append(self._admit(frames))
            except Refused as refusal:
                self.counts[refusal.reason] += 1
        return packets

    def _admit(self, frames: list[zmq.Frame]) -> Packet:
        user = str(frames[-1].get("User-Id"))
        if not self._bucket.admits(user):
            raise Refused("rate_limited", user)
        if len(frames) != 3:
            raise Refused("bad_frames", f"{len(frames) - 1} parts of {user}")
        topic = bytes(frames[1].buffer[:40]).decode("ascii", "replace")
        self._register.check(user, topic)
        return Packet(topic, frames[2].bytes, user)


class UplinkSocket:
    """DEALER to one cloud tier; a queue that is full drops the newest, since the tier is gone anyway."""

    def __init__(self, context: Any, endpoint: str, keys: KeyPair, server_key: str) -> None:
        self.counts: Counter[str] = Counter()
        self.socket: Socket = context.socket(zmq.DEALER)
        harden(self.socket)
        self.socket.sndhwm = 200  # a few seconds: state that is older helps nobody
        self.socket.immediate = True  # do not queue for a peer that is not there
        use_curve(self.socket, keys, server_key)
        self.socket.connect(endpoint)

    def send(self, topic: str, payload: bytes) -> None:
        try:
            self.socket.send_multipart([topic.encode(), payload], zmq.NOBLOCK)
        except zmq.Again:
            self.counts["uplink_down"] += 1


class BroadcastSocket:
    """PUB; over tcp a CURVE server, over ipc open to whoever may enter its folder."""

    def __init__(self, context: Any, endpoint: str, keys: KeyPair | None) -> None:
        self.socket: Socket = context.socket(zmq.PUB)
        harden(self.socket)
        if keys is not None and not endpoint.startswith("ipc:"):
            serve_curve(self.socket, keys)
        self.socket.bind(endpoint)

    def send(self, topic: str, payload: bytes) -> None:
        self.socket.send_multipart([topic.encode() + b"\0", payload], zmq.NOBLOCK)


class SubscriptionSocket:
    """SUB to one publisher; topics end in NUL on the wire, so that ``command`` does not take ``command_reply``."""

    def __init__(
        self, context: Any, endpoint: str, topics: tuple[str, ...], keys: KeyPair | None, server_key: str | None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.socket: Socket = context.socket(zmq.SUB)
        harden(self.socket, max(LARGE.values()))
        self.socket.rcvhwm = 20_000
        if server_key is not None and keys is not None:
            use_curve(self.socket, keys, server_key)
        for topic in topics:
            self.socket.subscribe(topic.encode() + b"\0")
        self.socket.connect(endpoint)

    def drain(self) -> list[Packet]:
        packets = []
        for _ in range(DRAIN_LIMIT):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            topic = frames[0].rstrip(b"\0").decode("ascii", "replace")
            if len(frames) != 2 or topic not in TOPICS:
                self.counts["bad_frames"] += 1
                continue
            packets.append(Packet(topic, frames[1]))
        return packets


class CommandServerSocket:
    """ROUTER that gives commands to named devices and takes their replies; a vanished device is an error, not silence."""

    def __init__(self, context: Any, endpoint: str, keys: KeyPair, register: Register) -> None:
        self.counts: Counter[str] = Counter()
        self._register = register
        self._routes: dict[str, bytes] = {}
        self._bucket = Bucket(100.0)
        self.socket: Socket = context.socket(zmq.ROUTER)
        harden(self.socket)
        self.socket.router_mandatory = True
        self.socket.sndtimeo = 0
        serve_curve(self.socket, keys)
        self.socket.bind(endpoint)

    def drain(self) -> list[Packet]:
        packets = []
        for _ in range(DRAIN_LIMIT):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            user = str(frames[-1].get("User-Id"))
            topic = bytes(frames[1].buffer[:40]).decode("ascii", "replace") if len(frames) > 1 else ""
            try:
                if not self._bucket.admits(user):
                    raise Refused("rate_limited", user)
                if len(frames) != 3 or topic not in ("hello", "command_reply"):
                    raise Refused("bad_frames", user)
                self._register.check(user, "command_reply")
                self._routes[user] = frames[0].bytes
                if topic != "hello":
                    packets.append(Packet(topic, frames[2].bytes, user))
            except Refused as refusal:
                self.counts[refusal.reason] += 1
        return packets

    def send(self, topic: str, payload: bytes, to: str) -> None:
        route = self._routes.get(to)
        device = self._register.devices.get(to)
        if route is None or device is None or device.revoked:
            self.counts["addressee_unknown"] += 1
            return
        try:
            self.socket.send_multipart([route, topic.encode(), payload], zmq.NOBLOCK)
        except zmq.ZMQError:
            del self._routes[to]
            self.counts["addressee_gone"] += 1


class CommandClientSocket:
    """DEALER of a device that fetches its commands; says hello once a second, so that a new server learns the way."""

    HELLO_S = 1.0

    def __init__(self, context: Any, endpoint: str, keys: KeyPair, server_key: str) -> None:
        self.counts: Counter[str] = Counter()
        self._next_hello = 0.0
        self.socket: Socket = context.socket(zmq.DEALER)
        harden(self.socket)
        self.socket.immediate = True
        use_curve(self.socket, keys, server_key)
        self.socket.connect(endpoint)

    def drain(self) -> list[Packet]:
        self._hello()
        packets = []
        for _ in range(DRAIN_LIMIT):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            if len(frames) != 2 or frames[0] != b"command":
                self.counts["bad_frames"] += 1
                continue
            packets.append(Packet("command", frames[1]))
        return packets

    def _hello(self) -> None:
        now = time.monotonic()
        if now >= self._next_hello:
            self._next_hello = now + self.HELLO_S
            self.send("hello", b"")

    def send(self, topic: str, payload: bytes) -> None:
        try:
            self.socket.send_multipart([topic.encode(), payload], zmq.NOBLOCK)
        except zmq.Again:
            self.counts["command_server_down"] += 1


JOURNAL = b"journal\0"
"""Who listens to it records."""


class TapSocket:
    """XPUB on the box for whoever looks at a process or records it: costs nothing while nobody listens, and says when a recorder comes."""

    def __init__(self, context: Any, endpoint: str) -> None:
        self._heard: Counter[bytes] = Counter()
        self._recorder_came = False
        self.socket: Socket = context.socket(zmq.XPUB)
        harden(self.socket, max(LARGE.values()))
        self.socket.sndhwm = 20_000
        self.socket.xpub_verboser = True
        self.socket.bind(endpoint)

    def _poll(self) -> None:
        while True:
            try:
                note = self.socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            topic = note[1:]
            if note[:1] == b"\1":
                self._heard[topic] += 1
                self._recorder_came |= JOURNAL.startswith(topic)
            elif note[:1] == b"\0":
                self._heard[topic] -= 1
                self._heard += Counter()  # drops what nobody listens to any more

    def is_recorded(self) -> bool:
        """Whether somebody listens to the journal of steps, not only to what is said."""
        self._poll()
        return any(JOURNAL.startswith(topic) for topic in self._heard)

    def new_recorders(self) -> bool:
        """Whether a recorder has come since the last call."""
        self._poll()
        came, self._recorder_came = self._recorder_came, False
        return came

    def send(self, topic: str, payload: bytes) -> None:
        """Give a message to those who listen to its topic."""
        if self._heard:
            self.socket.send_multipart([topic.encode() + b"\0", payload], zmq.NOBLOCK)
