"""Makes Daphne send the close codes that an application asks for.

Daphne hands the code to autobahn's `sendClose`, which takes 1000 and 3000 to 4999 only and raises for the codes that
the protocol itself defines: 1001 going away, 1009 too big, 1012 come back. The socket then stays open.
"""

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol


class ClosingProtocol(WebSocketProtocol):  # type: ignore[misc]
    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
        self.sendCloseFrame(code=1000 if code is None else code)


WebSocketFactory.protocol = ClosingProtocol
