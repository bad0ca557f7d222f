"""What every view asks of a request."""

from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from generation import idempotency
from generation.models import User


def actor(request: Request) -> User:
    """Whoever is signed in; the permission classes let nobody else come this far."""
    assert isinstance(request.user, User)
    return request.user


def asked(request: Request, *asks_for: Any) -> idempotency.Request | None:
    """The request as one that may be repeated, if it carries an Idempotency-Key. Raises Invalid."""
    return idempotency.request(request.headers.get("Idempotency-Key"), *asks_for)


def created(body: dict[str, Any], location: str, replayed: bool) -> Response:
    headers = {"Location": location} | ({"Idempotent-Replayed": "true"} if replayed else {})
    return Response(body, status=status.HTTP_201_CREATED, headers=headers)


def accepted(body: dict[str, Any], changed: bool) -> Response:
    """202 for what begins to happen, 200 where there was nothing to do."""
    return Response(body, status=status.HTTP_202_ACCEPTED if changed else status.HTTP_200_OK)
