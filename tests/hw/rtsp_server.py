"""A small RTSP server for tests: one stream of motion JPEG over the RTSP connection itself.

RFC 2326 (RTSP 1.0, interleaved transport of section 10.12) and RFC 2435 (RTP payload format for JPEG). It can do what cameras do on bad days: vanish, come
back, and go on holding the connection without sending.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

CLOCK_HZ = 90_000
PACKET_BYTES = 1200


class RtspServer:
    """Serves numbered pictures to any number of clients.

    Parameters
    ----------
    draw : callable
        Picture number -> (h, w, 3) uint8 array; sides are multiples of 16.
    rate_hz : float
        Pictures per second. [1/s]
    port : int
        Port; 0: any free one.
    """

    def __init__(self, draw: Callable[[int], np.ndarray], rate_hz: float = 10.0, port: int = 0) -> None:
        self._draw, self._rate_hz = draw, rate_hz
        self._door = socket.create_server(("127.0.0.1", port))
        self.port = int(self._door.getsockname()[1])
        self.is_silent = threading.Event()
        self._stopping = threading.Event()
        self._links: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._admit, daemon=True)]
        self._threads[0].start()
        self.sessions = 0
        self.sent_ns: dict[int, int] = {}

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def close(self) -> None:
        """Vanish: every connection is cut."""
        self._stopping.set()
        for link in [self._door, *self._links]:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        for thread in self._threads:
            thread.join(timeout=2.0)

    def _admit(self) -> None:
        while not self._stopping.is_set():
            try:
                link, _ = self._door.accept()
            except OSError:
                return
            self._links.append(link)
            thread = threading.Thread(target=self._serve, args=(link,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, link: socket.socket) -> None:
        buffer = b""
        playing: threading.Thread | None = None
        with contextlib.suppress(OSError):
            while not self._stopping.is_set():
                while b"\r\n\r\n" not in buffer:
                    part = link.recv(4096)
                    if not part:
                        return
                    buffer += part
                    while buffer[:1] == b"$" and len(buffer) >= 4:  # the client's RTCP
                        buffer = buffer[4 + struct.unpack(">H", buffer[2:4])[0] :]
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                method = lines[0].split()[0]
                number = next((line.split(":")[1].strip() for line in lines if line.lower().startswith("cseq")), "0")
                link.sendall(self._answer(method, number))
                if method == "PLAY":
                    self.sessions += 1
                    playing = threading.Thread(target=self._play, args=(link,), daemon=True)
                    self._threads.append(playing)
                    playing.start()
                if method == "TEARDOWN":
                    return

    def _answer(self, method: str, number: str) -> bytes:
        lines = ["RTSP/1.0 200 OK", f"CSeq: {number}"]
        body = ""
        if method == "OPTIONS":
            lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER")
        elif method == "DESCRIBE":
            body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"
            lines += ["Content-Type: application/sdp", f"Content-Base: {self.address}/", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            lines += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
        else:
            lines.append("Session: 1")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def _play(self, link: socket.socket) -> None:
        began, number, sequence = time.monotonic(), 0, 0
        with contextlib.suppress(OSError):
            while not self._stopping.is_set():
                wait = began + number / self._rate_hz - time.monotonic()
                if wait > 0 and self._stopping.wait(wait):
                    return
                if self.is_silent.is_set():
                    time.sleep(0.05)
                    number = int((time.monotonic() - began) * self._rate_hz) + 1
                    continue
                stamp = int(number * CLOCK_HZ / self._rate_hz)
                self.sent_ns[number] = time.time_ns()
                for packet, is_last in _packets(self._draw(number)):
                    sequence = (sequence + 1) & 0xFFFF
                    head = struct.pack(">BBHII", 0x80, 26 | (0x80 if is_last else 0), sequence, stamp & 0xFFFFFFFF, 1)
                    link.sendall(b"$\x00" + struct.pack(">H", len(head) + len(packet)) + head + packet)
                number += 1


def _packets(picture: np.ndarray) -> list[tuple[bytes, bool]]:
    """RTP payloads of one picture: the JPEG's tables in the first, its scan over all (RFC 2435, sections 3 and 4)."""
    packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    tables, at, scan = b"", 2, b""
    while at < len(packed):
        marker, length = packed[at + 1], struct.unpack(">H", packed[at + 2 : at + 4])[0]
        content = packed[at + 4 : at + 2 + length]
        if marker == 0xDB:  # quantisation tables: a byte of number and precision before each
            for k in range(0, len(content), 65):
                tables += content[k + 1 : k + 65]
        if marker == 0xDA:
            scan = packed[at + 2 + length :].removesuffix(b"\xff\xd9")
            break
        at += 2 + length
    height, width = picture.shape[:2]
    made, offset = [], 0
    while offset < len(scan):
        head = struct.pack(">I", offset) + bytes(
            [1, 255, width // 8, height // 8]
        )  # type 1: 4:2:0; Q 255: tables are sent
        if offset == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        part = scan[offset : offset + PACKET_BYTES]
        offset += len(part)
        made.append((head + part, offset >= len(scan)))
    return made
