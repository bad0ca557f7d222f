"""Telling a run's group on the channel layer that its log has grown. Whatever is lost here, the log still holds."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from channels.layers import get_channel_layer

from generation.wire import Frame

logger = structlog.get_logger(__name__)

# A hint carries its frames up to this size; a larger advance is read from the log.
HINT_BYTES = 16_384
HINT_TIMEOUT_S = 0.25


def group_of(uid_hex: str) -> str:
    return f"run.{uid_hex}"


def advanced(uid_hex: str, last_seq: int, frames: Sequence[Frame] = ()) -> dict[str, Any]:
    """The message that a run's log has grown to `last_seq`; small frames ride along."""
    message: dict[str, Any] = {"type": "run.advanced", "run": uid_hex, "last_seq": last_seq}
    if sum([len(frame.body) for frame in frames]) <= HINT_BYTES:
        message["frames"] = [(frame.name, frame.body) for frame in frames]
    return message


async def tell(uid_hex: str, last_seq: int) -> None:
    """Tell a run's group, for whoever must not wait for the layer, nor fail with it."""
    try:
        async with asyncio.timeout(HINT_TIMEOUT_S):
            await get_channel_layer().group_send(group_of(uid_hex), advanced(uid_hex, last_seq))
    except Exception as error:
        logger.warning("hints_lost", runs=1, error=type(error).__name__)
