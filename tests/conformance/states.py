"""Bringing a run into each state of wire.md 1.6, from outside."""

from collections.abc import Callable

from tests.conformance.target import TOO_FAST, Target

STATES = ("queued", "running", "paused", "cancelling", "cancelled", "succeeded", "failed")
NO_FAILURE = "no run can be made to fail from outside"


def queued(target: Target) -> str:
    """A row of a batch that is worked on one by one; which of them is the first is not promised."""
    runs = target.start_batch()
    waiting = [run for run in runs if target.snapshot(run)["status"] == "queued"]
    return in_state(target, (waiting or runs)[-1], "queued")


def running(target: Target) -> str:
    target.require_pace()
    run = target.start()
    target.until_event(run, "progress")
    return in_state(target, run, "running")


def paused(target: Target) -> str:
    """Paused in the middle of its work."""
    run = running(target)
    target.command(run, "pause")
    target.until_event(run, "paused")
    return in_state(target, run, "paused")


def cancelling(target: Target) -> str:
    """A state that lasts until the worker has stopped: whoever asks for it must take `cancelled` as well."""
    run = running(target)
    target.command(run, "cancel")
    return run


def cancelled(target: Target) -> str:
    if "cancelled" not in target.ended:
        run = queued(target)
        target.command(run, "cancel")
        target.ended["cancelled"] = run
    return in_state(target, target.ended["cancelled"], "cancelled")


def succeeded(target: Target) -> str:
    if "succeeded" not in target.ended:
        run = target.start()
        target.until(run, "succeeded")
        target.ended["succeeded"] = run
    return in_state(target, target.ended["succeeded"], "succeeded")


def failed(target: Target) -> str:
    if target.failed is None:
        target.unreachable(NO_FAILURE)
    return in_state(target, target.failed, "failed")


REACH: dict[str, Callable[[Target], str]] = {
    "queued": queued, "running": running, "paused": paused, "cancelling": cancelling, "cancelled": cancelled,
    "succeeded": succeeded, "failed": failed,
}  # fmt: skip


def in_state(target: Target, run: str, state: str) -> str:
    status = target.snapshot(run)["status"]
    if status != state:
        target.unreachable(f"{state} was missed, {status} was found: {TOO_FAST}")
    return run
