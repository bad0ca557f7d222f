"""A program under test in a process of its own. It is signalled and ended by its id."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ANSWERS_WITHIN_S = 60
ENDS_WITHIN_S = 15


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class NotAnswering(AssertionError):
    """The program ended, or did not answer in time; the message ends with its log."""


class Process(ABC):
    """`command` and `answers` say what it is; stdout and stderr of all its starts go to `log`."""

    def __init__(self, folder: Path, log_name: str) -> None:
        self.folder = folder
        self.log = folder / log_name
        self.popen: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it is ready for work. Called until it says yes."""

    def options(self) -> Mapping[str, Any]:
        """What else `Popen` should be told."""
        return {}

    @property
    def pid(self) -> int:
        assert self.popen is not None, "it was never started"
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    @property
    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> Self:
        """Start it and wait until it answers. Raises NotAnswering."""
        assert not self.running
        with self.log.open("ab") as out:
            self.popen = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder, **self.options()
            )
        give_up = time.monotonic() + ANSWERS_WITHIN_S
        while not self.answers():
            if self.popen.poll() is not None:
                raise NotAnswering(f"{self.command()[0]} ended with {self.popen.returncode}:\n{self.log_text[-4000:]}")
            if time.monotonic() > give_up:
                self.kill()
                raise NotAnswering(f"no answer in {ANSWERS_WITHIN_S} s:\n{self.log_text[-4000:]}")
            time.sleep(0.05)
        return self

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self) -> None:
        """SIGSTOP: it keeps its sockets and its memory and does nothing."""
        self.signal(signal.SIGSTOP)

    def cont(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        assert self.popen is not None
        self.popen.kill()
        self.popen.wait(ENDS_WITHIN_S)

    def terminate(self, within_s: float = ENDS_WITHIN_S) -> int:
        """SIGTERM; returns its exit status. Raises TimeoutExpired if it is still there after `within_s`."""
        assert self.popen is not None
        self.popen.terminate()
        return self.popen.wait(within_s)

    def restart(self) -> Self:
        """Start it again at the same address, ending it by SIGTERM if it still runs."""
        if self.running:
            self.terminate()
        return self.start()

    def close(self) -> None:
        """End it by whatever it takes."""
        if not self.running:
            return
        self.cont()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.terminate()
            return
        self.kill()
