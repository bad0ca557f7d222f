"""Lets a stream drop its connection. ASGI has no word for that: a send to a client that reads no more waits for ever,
and neither its cancellation nor the end of the application frees what the server holds for the client."""

from functools import partial
from typing import Any


class Droppable:
    """Gives each scope a `drop`, which closes the connection at once and throws away what is still unsent."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["drop"] = partial(drop, send)
        await self.application(scope, receive, send)


def drop(send: Any) -> bool:
    """Drop the connection behind a server's `send`; False if this server has no way to."""
    if isinstance(send, partial) and send.args:
        # Daphne's: the first argument is the protocol of a WebSocket, or a request on its HTTP channel.
        protocol = send.args[0]
        transport = getattr(getattr(protocol, "channel", None) or protocol, "transport", None)
        abort = getattr(transport, "abortConnection", None)
    else:
        # uvicorn's: a method of what holds the connection.
        abort = getattr(getattr(getattr(send, "__self__", None), "transport", None), "abort", None)
    if abort is None:
        return False
    abort()
    return True
