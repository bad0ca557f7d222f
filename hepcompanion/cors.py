"""Other origins: CORS for the API and its streams, in one layer around all that answers (wire.md 2.5)."""

from typing import Any

from django.conf import settings
from starlette.middleware.cors import CORSMiddleware

METHODS = ("GET", "POST", "DELETE")
ACCEPTED = (
    "Accept",
    "Authorization",
    "Cache-Control",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "X-CSRFToken",
)
EXPOSED = ("Location", "Retry-After", "Idempotent-Replayed", "Content-Disposition")
# The pages are for no other origin: with credentials they would hand it the visitor's cases.
PATHS = ("/api/", "/generate")


class OtherOrigins:
    """Answers preflights, and says on every answer of the API, errors too, which origin may read it."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.shared = CORSMiddleware(
            application,
            allow_origins=settings.CORS_ALLOWED_ORIGINS,
            allow_methods=METHODS,
            allow_headers=ACCEPTED,
            expose_headers=EXPOSED,
            allow_credentials=True,
        )

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        open_to_others = scope["type"] == "http" and scope["path"].startswith(PATHS)
        await (self.shared if open_to_others else self.application)(scope, receive, send)
