"""A real Redis (or Valkey) on a free port."""

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.needs import missing, need
from tests.support.process import Process, free_port


class RedisServer(Process):
    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder, "redis.log")
        self.program = program
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str | Path]:
        # Nothing is kept on disk: what the layer carries may be lost at any time, and the tests rely on it.
        return [self.program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        return ping(self.url)


class OuterRedis:
    """The one at HEP_TEST_REDIS_URL, which the tests may use but not end."""

    def __init__(self, url: str) -> None:
        self.url = url

    def kill(self) -> None:
        missing("a Redis that the tests may kill is not on this machine")

    stop = cont = terminate = restart = kill

    def close(self) -> None:
        pass


def ping(url: str) -> bool:
    """Whether a server answers at this address, spoken by hand: no client library is under test here."""
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "127.0.0.1", address.port or 6379), timeout=1) as wire:
            wire.sendall(b"PING\r\n")
            return wire.recv(16).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def start_redis(folder: Path) -> RedisServer | OuterRedis:
    outer = os.environ.get("HEP_TEST_REDIS_URL")
    if outer and ping(outer):
        return OuterRedis(outer)
    return RedisServer(folder, need("redis")).start()


def wait_for_ping(url: str, within_s: float = 5) -> bool:
    give_up = time.monotonic() + within_s
    while time.monotonic() < give_up:
        if ping(url):
            return True
        time.sleep(0.05)
    return False
