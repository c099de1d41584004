"""A simulated cabinet that speaks GB/T 20999-2017 over TCP."""

from __future__ import annotations

import socket
import threading

from lukou_hw.signal_controller import gbt20999_frame as wire
from lukou_hw.signal_controller.gbt20999_frame import Frame, FrameBuffer, Item
from lukou_sim.cabinet.core import Cabinet
from lukou_sim.cabinet.direct import reading_of

CONNECTIONS = 8


class Gbt20999Server:
    """Serves one cabinet on 127.0.0.1 in threads of its own.

    Parameters
    ----------
    cabinet : Cabinet
        Stepped by the world.
    port : int
        TCP port; 0 lets the system choose (see `port`).
    """

    def __init__(self, cabinet: Cabinet, port: int = 0) -> None:
        self._cabinet = cabinet
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self.refused = 0
        self._connections: set[socket.socket] = set()
        threading.Thread(target=self._accept, name=f"cabinet-{self.port}", daemon=True).start()

    def close(self) -> None:
        """Stop listening and cut every connection."""
        for one in (self._listener, *self._connections):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if len(self._connections) >= CONNECTIONS:
                connection.close()
                continue
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = FrameBuffer()
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := connection.recv(4096):
                before = buffer.refused
                for frame in buffer.feed(data):
                    connection.sendall(wire.encode(self._answer(frame)))
                self.refused += buffer.refused - before
        except OSError:
            pass
        finally:
            self._connections.discard(connection)
            connection.close()

    def _answer(self, frame: Frame) -> Frame:
        kind, items = wire.QUERY_ERROR, frame.items
        if frame.type == wire.HEARTBEAT:
            kind, items = wire.HEARTBEAT_REPLY, ()
        elif frame.type == wire.SET:
            kind = wire.SET_REPLY if all(self._set(item) for item in frame.items) else wire.SET_ERROR
        elif frame.type == wire.QUERY:
            data = self._data()
            if all(item.key in data for item in frame.items):
                kind, items = wire.QUERY_REPLY, tuple(Item(item.key, data[item.key]) for item in frame.items)
        return Frame(kind, items, frame.sequence, frame.centre, frame.controller, frame.junction)

    def _set(self, item: Item) -> bool:
        if item.key != wire.CENTRE_STAGE or len(item.data) != 1:
            return False
        if item.data[0] == 0:
            self._cabinet.release()
            return True
        return self._cabinet.request(item.data[0])

    def _data(self) -> dict[tuple[int, int, int, int], bytes]:
        """Everything that can be read, of one instant."""
        with self._cabinet.lock:
            reading = reading_of(self._cabinet, "cabinet")
            wanted = self._cabinet.wanted_number
        return {
            wire.STAGE: bytes((reading.stage_number,)),
            wire.LAMPS: bytes(wire.WIRE_OF_COLOUR.get(colour, 0) for colour in reading.colours),
            wire.CONDITION: bytes((int(reading.condition),)),
            wire.DEMANDS: bytes(reading.demands),
            wire.LAMP_FAULTS: bytes(reading.lamp_faults),
            wire.CENTRE_STAGE: bytes((wanted,)),
        }
