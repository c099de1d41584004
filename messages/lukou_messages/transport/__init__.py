"""How messages travel: one small interface, two implementations (`zeromq`, `inprocess`)."""

from lukou_messages.transport.interface import Packet, Transport

__all__ = ["Packet", "Transport"]
