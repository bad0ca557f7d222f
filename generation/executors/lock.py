"""One executor per SQLite file, held by a lock that the operating system drops with the process."""

import sys
from pathlib import Path
from typing import IO

from generation.executors.base import AlreadyRunning

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class ExecutorLock:
    def __init__(self, database: Path) -> None:
        self.path = database.with_name(f"{database.name}.executor")
        self.file: IO[str] | None = None

    def take(self) -> None:
        """Raises AlreadyRunning."""
        # "a+" leaves the content alone for whoever fails to get the lock.
        file = self.path.open("a+")
        try:
            _lock(file)
        except OSError:
            file.close()
            raise AlreadyRunning("Another process already executes the runs of this database file.") from None
        self.file = file

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None
