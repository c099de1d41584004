"""Transport over ZeroMQ: what `LinkSettings` names, polled in one loop, without asyncio on the hot path."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import zmq

from lukou_messages.errors import SettingsError
from lukou_messages.records import Outbox
from lukou_messages.security import Authenticator, KeyPair, Register
from lukou_messages.topics import TOPICS
from lukou_messages.transport.interface import Packet
from lukou_messages.transport.settings import LinkSettings
from lukou_messages.transport.sockets import (
    BroadcastSocket,
    CommandClientSocket,
    CommandServerSocket,
    IntakeSocket,
    SubscriptionSocket,
    TapSocket,
    UplinkSocket,
    harden,
    serve_curve,
    use_curve,
)


class _Receiver(Protocol):
    socket: Any
    counts: Counter[str]

    def drain(self) -> list[Packet]: ...


class ZeroMqTransport:
    """All sockets of one process."""

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings
        self._keys = KeyPair.load(settings.secret_key) if settings.secret_key else None
        self.register = Register.load(settings.register_file) if settings.register_file else Register()
        self._context: Any = zmq.Context()
        self._context.max_sockets = 1024
        self._authenticator = Authenticator(self._context, self.register) if self._serves() else None
        self._counts: Counter[str] = Counter()
        self._receivers: list[_Receiver] = []
        self._poller = zmq.Poller()
        self._watched = False
        self._open_senders()
        self._open_receivers()
        if self._authenticator is not None:
            self._prove_zap()
            self._authenticator.denied = 0

    def _serves(self) -> bool:
        settings = self._settings
        tcp = any(not b.endpoint.startswith("ipc:") for b in settings.broadcasts)
        return settings.intake is not None or settings.command_server is not None or tcp

    def _need_keys(self) -> KeyPair:
        if self._keys is None:
            raise SettingsError(
                [f"links of {self._settings.identity}: tcp needs secret_key; make one with `lukou keys new`"]
            )
        return self._keys

    def _open_senders(self) -> None:
        settings, context = self._settings, self._context
        self._uplinks = [
            (
                UplinkSocket(context, u.endpoint, self._need_keys(), u.server_key),
                frozenset(u.topics),
                frozenset(u.forward),
            )
            for u in settings.uplinks
        ]
        self._broadcasts = [
            (
                BroadcastSocket(
                    context, b.endpoint, self._keys if b.endpoint.startswith("ipc:") else self._need_keys()
                ),
                frozenset(b.topics),
            )
            for b in settings.broadcasts
        ]
        self._tap = TapSocket(context, settings.tap) if settings.tap else None
        records = settings.records
        self._outbox = (
            Outbox(context, Path(records.outbox), records.endpoint, self._need_keys(), records.server_key)
            if records
            else None
        )

    def _open_receivers(self) -> None:
        settings, context = self._settings, self._context
        self._command_server = self._command_client = None
        if settings.intake is not None:
            intake = settings.intake
            self._add(
                IntakeSocket(context, intake.endpoint, self._need_keys(), self.register, intake.messages_per_second)
            )
        for sub in settings.subscriptions:
            keys = self._need_keys() if sub.server_key else None
            self._add(SubscriptionSocket(context, sub.endpoint, sub.topics, keys, sub.server_key))
        if settings.command_server is not None:
            self._command_server = CommandServerSocket(
                context, settings.command_server, self._need_keys(), self.register
            )
            self._add(self._command_server)
        if settings.commands is not None:
            link = settings.commands
            self._command_client = CommandClientSocket(context, link.endpoint, self._need_keys(), link.server_key)
            self._add(self._command_client)

    def _add(self, receiver: _Receiver) -> None:
        self._receivers.append(receiver)
        self._poller.register(receiver.socket, zmq.POLLIN)

    def _prove_zap(self) -> None:
        """A CURVE server without a running ZAP handler admits every key: try one that nobody knows."""
        server = self._context.socket(zmq.ROUTER)
        client = self._context.socket(zmq.DEALER)
        try:
            keys, stranger = self._need_keys(), KeyPair.new()
            for socket in (server, client):
                harden(socket)
            serve_curve(server, keys)
            port = server.bind_to_random_port("tcp://127.0.0.1")
            use_curve(client, stranger, keys.public.decode())
            client.connect(f"tcp://127.0.0.1:{port}")
            client.send(b"?", zmq.NOBLOCK)
            if server.poll(150):
                raise SettingsError(["the ZAP handler does not run: an unknown key was admitted; not starting"])
        finally:
            server.close(0)
            client.close(0)

    def send(self, topic: str, payload: bytes, to: str = "") -> None:
        delivery = TOPICS[topic].delivery
        if delivery == "command":
            if to and self._command_server is not None:
                self._command_server.send(topic, payload, to)
            elif self._command_client is not None:
                self._command_client.send(topic, payload)
            return
        if delivery == "record" and self._outbox is not None:
            self._outbox.put(topic, payload)
        for uplink, topics, _ in self._uplinks:
            if topic in topics:
                uplink.send(topic, payload)
        for broadcast, published in self._broadcasts:
            if topic in published:
                broadcast.send(topic, payload)

    def receive(self, timeout_s: float) -> Sequence[Packet]:
        if not self._receivers and not self._watched:
            time.sleep(timeout_s)
            return ()
        ready = dict(self._poller.poll(max(0, round(timeout_s * 1000))))
        packets: list[Packet] = []
        for receiver in self._receivers:
            if receiver.socket in ready or receiver is self._command_client:
                packets += receiver.drain()
        for uplink, _, forward in self._uplinks:
            if forward:
                for packet in packets:
                    if packet.topic in forward:
                        uplink.send(packet.topic, packet.payload)
        return packets

    def watch(self, wake: Any) -> None:
        """Let `receive` return when a device's socket or file descriptor becomes readable."""
        self._poller.register(wake, zmq.POLLIN)
        self._watched = True

    def refresh_rights(self) -> bool:
        """Read the register again where its file has changed; raises SettingsError and keeps the old where broken."""
        return self.register.refresh()

    def is_recorded(self) -> bool:
        return self._tap is not None and self._tap.is_recorded()

    def new_recorders(self) -> bool:
        return self._tap is not None and self._tap.new_recorders()

    def record(self, topic: str, payload: bytes) -> None:
        if self._tap is not None:
            self._tap.send(topic, payload)

    def faults(self) -> list[str]:
        """What an operator should know of the links."""
        return list(self._outbox.faults) if self._outbox is not None else []

    def counters(self) -> Mapping[str, int]:
        total: Counter[str] = Counter(self._counts)
        for receiver in self._receivers:
            total.update(receiver.counts)
        for uplink, _, _ in self._uplinks:
            total.update(uplink.counts)
        if self._authenticator is not None:
            total["handshake_denied"] += self._authenticator.denied
        if self._outbox is not None:
            total["outbox_dropped"] += self._outbox.dropped
        return total

    def close(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
        if self._authenticator is not None:
            self._authenticator.close()
        self._context.destroy(linger=0)
