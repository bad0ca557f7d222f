"""Everything a new user needs, from an empty folder to a page that works."""

import asyncio
import socket
import sys
from typing import Any

from daphne.server import Server
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.first_start import demo_password, demo_user, prepare
from generation.models import ApiToken
from hepcompanion import lifecycle

HOST = "127.0.0.1"
TOKEN_NAME = "quickstart"  # noqa: S105 - a name, not a secret


class Command(BaseCommand):
    help = "Migrate, load the library, make a demo clinician and serve on Daphne."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        require_free(port)
        prepare()
        user = demo_user()
        password = demo_password(user) or "(the one you have set)"
        former = list(ApiToken.objects.filter(user=user, name=TOKEN_NAME).values_list("pk", flat=True))
        _, token = ApiToken.objects.create(user=user, name=TOKEN_NAME, expiry=None)
        self.stdout.write(f"Address: http://{HOST}:{port}/")
        self.stdout.write(f"Login: {user.get_username()} / {password}")
        self.stdout.write(f"Token: {token}")
        self.stdout.flush()
        if (reason := serve(port, former)) is not None:
            raise CommandError(reason)


def require_free(port: int) -> None:
    """Raises CommandError if something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            raise CommandError(f"Port {port} can't be used; choose another one with --port.") from None


def serve(port: int, former_tokens: list[str]) -> str | None:
    """Serve until a signal; the reason if it could not begin."""
    from twisted.internet import reactor as installed

    from hepcompanion.asgi import application

    # Daphne has put its asyncio reactor there; the module's type is a protocol that hides half of it.
    reactor: Any = installed
    reason: list[str] = []

    async def begin() -> None:
        try:
            await lifecycle.ensure_started()
        except Exception as error:
            reason.append(str(error))
            reactor.stop()
            return
        await asyncio.to_thread(lambda: ApiToken.objects.filter(pk__in=former_tokens).delete())

    server = Server(
        application,
        endpoints=[f"tcp:{port}:interface={HOST}"],
        verbosity=0,
        # The consumer refuses a frame over 64 KiB itself, with a code that the client sees.
        websocket_max_frame_size=1024 * 1024,
    )
    # Before the server's own trigger, which cancels every stream: those should find the feed draining.
    reactor.addSystemEventTrigger("before", "shutdown", lifecycle.drain_feed)
    reactor.callWhenRunning(lambda: asyncio.ensure_future(begin()))
    server.run()
    sys.stdout.flush()
    return reason[0] if reason else None
