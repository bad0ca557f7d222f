from functools import cache

from generation.executors.base import Executor
from generation.executors.inprocess import InProcessExecutor


@cache
def executor() -> Executor:
    """The process's executor. It does nothing until it is started; a command may never start it."""
    return InProcessExecutor()
