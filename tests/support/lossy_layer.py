"""The channel layer at its worst, and settings that put it into a real server."""

import os
import random
from typing import Any

from generation.layers import InProcessChannelLayer

HELD_BACK = 3


class LossyLayer(InProcessChannelLayer):
    """Drops, doubles or reorders what is sent to groups, as `mode` or the environment's LOSSY says."""

    def __init__(self, mode: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.mode = mode or os.environ["LOSSY"]
        self.held: list[tuple[str, dict[str, Any]]] = []
        self.chance = random.Random(1)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if self.mode == "dropping":
            return
        if self.mode == "doubling":
            await super().group_send(group, message)
            await super().group_send(group, message)
            return
        self.held.append((group, message))
        if len(self.held) >= HELD_BACK:
            self.chance.shuffle(self.held)
            while self.held:
                await super().group_send(*self.held.pop())
