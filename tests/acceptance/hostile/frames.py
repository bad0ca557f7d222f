"""A WebSocket client that frames by hand, to send what no library would."""

import base64
import os
import socket
import struct
import zlib
from typing import Self

from tests.support.clients import authorised
from tests.support.servers import Server

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, COMPRESSED = 0x80, 0x40
MASK = b"\x01\x02\x03\x04"


def masked(payload: bytes) -> bytes:
    whole = MASK * (len(payload) // 4 + 1)
    return (int.from_bytes(payload, "big") ^ int.from_bytes(whole[: len(payload)], "big")).to_bytes(len(payload), "big")


def frame(
    opcode: int, payload: bytes = b"", *, flags: int = FIN, mask: bool = True, length: int | None = None
) -> bytes:
    """One frame; `length` may claim another length than the payload has."""
    size = len(payload) if length is None else length
    bit = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", flags | opcode, bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", flags | opcode, bit | 126, size)
    else:
        head = struct.pack("!BBQ", flags | opcode, bit | 127, size)
    return head + (MASK + masked(payload) if mask else payload)


def deflated(size: int) -> bytes:
    """A message of this many blanks, as permessage-deflate carries it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(b" " * min(1_000_000, size - start)) for start in range(0, size, 1_000_000))
    return (packed + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


class HandMade:
    """A connection to `/ws/`, past its handshake."""

    def __init__(
        self, server: Server, *, compress: bool = False, receive_buffer: int | None = None, signed_in: bool = True
    ) -> None:
        self.server = server
        self.token = server.token if signed_in else None
        self.compress = compress
        self.receive_buffer = receive_buffer
        self.received = b""

    def __enter__(self) -> Self:
        self.socket = socket.socket()
        self.socket.settimeout(30)
        if self.receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.socket.connect(("127.0.0.1", self.server.port))
        headers = {
            "Host": f"127.0.0.1:{self.server.port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **authorised(self.token),
        }
        if self.compress:
            headers["Sec-WebSocket-Extensions"] = "permessage-deflate"
        lines = ["GET /ws/ HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self.received:
            self.received += self.socket.recv(65_536)
        self.head, _, self.received = self.received.partition(b"\r\n\r\n")
        assert self.head.split(None, 2)[1] == b"101", self.head
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    @property
    def compressing(self) -> bool:
        """Whether the server has agreed to compression."""
        return b"permessage-deflate" in self.head.lower()

    def send(self, data: bytes) -> bool:
        """False once the server has gone."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def next_frame(self) -> tuple[int, bytes] | None:
        """Opcode and payload of what the server says next; None when it has gone."""
        while (found := self.take_frame()) is None:
            try:
                piece = self.socket.recv(65_536)
            except ConnectionError:
                return None
            if not piece:
                return None
            self.received += piece
        return found

    def take_frame(self) -> tuple[int, bytes] | None:
        if len(self.received) < 4:
            return None
        opcode, size, start = self.received[0] & 0x0F, self.received[1] & 0x7F, 2
        if size == 126:
            size, start = struct.unpack("!H", self.received[2:4])[0], 4
        if len(self.received) < start + size:
            return None
        payload, self.received = self.received[start : start + size], self.received[start + size :]
        return opcode, payload

    def until_gone(self) -> tuple[int | None, list[bytes]]:
        """The code of the server's close frame, if it sent one, and the messages before."""
        heard: list[bytes] = []
        while (found := self.next_frame()) is not None:
            opcode, payload = found
            if opcode == CLOSE:
                return struct.unpack("!H", payload[:2])[0], heard
            if opcode == TEXT and payload != b'{"event":"ping"}':
                heard.append(payload)
        return None, heard
