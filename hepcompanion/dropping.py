"""What ASGI has no word for: how much of what was sent lies unread, and dropping the connection.

A send to a client that reads no more waits for ever (uvicorn) or piles up (Daphne), and neither the cancellation of a
send nor the end of the application frees what the server holds for the client.
"""

from functools import partial
from typing import Any


class WithConnection:
    """Gives each scope the `connection` it came by."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope["connection"] = Connection(send)
        await self.application(scope, receive, send)


class Connection:
    """The connection behind a server's `send`, as far as that server shows it."""

    __slots__ = ("found", "send")

    def __init__(self, send: Any) -> None:
        self.send = send
        self.found: Any = None

    @property
    def transport(self) -> Any:
        # Kept, since Twisted forgets the channel of a request that is finished.
        if self.found is None:
            self.found = transport_of(self.send)
        return self.found

    def unsent(self) -> int:
        """Bytes that the server holds for the client, beside those in the kernel; 0 where it does not say."""
        transport = self.transport
        if hasattr(transport, "get_write_buffer_size"):
            return int(transport.get_write_buffer_size())
        if getattr(transport, "disconnected", False):
            # Twisted keeps its buffers, but nothing in them will be sent.
            return 0
        # Twisted's: what is being written, and what was handed in meanwhile.
        written = len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
        return int(written + getattr(transport, "_tempDataLen", 0))

    def drop(self) -> bool:
        """Close the connection at once and throw away what is unsent; False if this server has no way to."""
        abort = getattr(self.transport, "abort", None) or getattr(self.transport, "abortConnection", None)
        if abort is None:
            return False
        abort()
        return True


def transport_of(send: Any) -> Any:
    if isinstance(send, partial) and send.args:
        # Daphne's: the first argument is the protocol of a WebSocket, or a request on its HTTP channel.
        protocol = send.args[0]
        return getattr(getattr(protocol, "channel", None) or protocol, "transport", None)
    # uvicorn's: a method of what holds the connection.
    return getattr(getattr(send, "__self__", None), "transport", None)
