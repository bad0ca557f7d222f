"""Whatever an answer of a model comes to, the garbage collector finds nothing of it that is half read.

It may run in any thread, and close a generator that the loop's thread is just closing.
"""

import contextlib
import gc
import sys

import pytest

from tests.faults.in_process import impatient, model_server, run_ended

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]


@contextlib.contextmanager
def collecting():
    """The names of the asynchronous generators that are open when nothing but the collector can close them."""
    hooks, names = sys.get_asyncgen_hooks(), []

    def found(generator):
        if collects:
            names.append(generator.__qualname__)
        hooks.finalizer(generator)

    gc.collect()
    gc.disable()
    sys.set_asyncgen_hooks(hooks.firstiter, found)
    collects = False
    try:
        yield names
        collects = True
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
        gc.enable()


@pytest.mark.parametrize("model", ["good", "red-flag", "refusal", "content-filter", "reset", "silent-mid-answer"])
async def test_no_generator_is_left_to_the_collector(alice, model):
    async with model_server(model, **impatient(0.5)) as server:
        with collecting() as names:
            await run_ended(alice, server, engine="auto")
    assert names == []
