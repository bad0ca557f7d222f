"""What one may be signed in by: wire.md 1.5."""

from typing import Any

from django.conf import settings


def security_schemes() -> dict[str, Any]:
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "From the sign-in page. Unsafe requests must be same-origin, or carry `X-CSRFToken`.",
        },
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <token>`.",
        },
        "ticket": {
            "type": "apiKey",
            "in": "query",
            "name": "ticket",
            "description": "From `/api/stream-tickets`; opens one run's or one batch's stream.",
        },
    }
