"""Who is asking, and from where: one set of rules for the API's views and for the consumers.

A request is signed in by a stream's ticket, by `Authorization: Token …` or by the session cookie. A cookie travels
with requests that other sites make, so an unsafe request that carries only a cookie must come from the same origin.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Self

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host

# Private, but the only code that knows a masked token from a bare one.
from django.middleware.csrf import (  # type: ignore[attr-defined]
    InvalidTokenFormat,
    _check_token_format,
    _does_token_match,
)
from django.utils.crypto import constant_time_compare
from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from generation import tickets
from generation.errors import NotAllowed, NotSignedIn
from generation.models import ApiToken, User

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request was signed in by; the first that is there counts."""

    ticket: str | None
    token: str | None
    session: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str], ticket: str | None = None) -> Self:
        """From header names in lower case, and the ticket in the query where one is taken."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        session = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
        return cls(ticket, token.strip() if scheme.lower() == "token" else None, session)


@dataclass(frozen=True, slots=True)
class Identity:
    user: User
    credential: Credential
    # The run or batch that a ticket is for: nothing else exists for whoever comes with it.
    only: uuid.UUID | None = None

    @property
    def by_cookie(self) -> bool:
        return self.credential.ticket is None and self.credential.token is None


def allowed_origin(origin: str, host: str, secure: bool) -> bool:
    """Whether pages of this origin may act with a visitor's cookie. Origins compare with their port."""
    own = f"{'https' if secure else 'http'}://{host}"
    domain, _ = split_domain_port(host)
    if origin == own and validate_host(domain, settings.ALLOWED_HOSTS):
        return True
    return origin in settings.CSRF_TRUSTED_ORIGINS or origin in settings.CORS_ALLOWED_ORIGINS


def same_origin(headers: Mapping[str, str], secure: bool) -> bool | None:
    """The same-origin rule of wire.md 1.5; None when the browser said nothing, which leaves the CSRF token."""
    if (site := headers.get("sec-fetch-site")) is not None:
        if site in ("same-origin", "none"):
            return True
        return allowed_origin(headers.get("origin", ""), headers.get("host", ""), secure)
    if (origin := headers.get("origin")) is not None:
        return allowed_origin(origin, headers.get("host", ""), secure)
    return None


def csrf_token_matches(headers: Mapping[str, str]) -> bool:
    """The double-submit check, for clients that send neither Sec-Fetch-Site nor Origin."""
    cookie = parse_cookie(headers.get("cookie", "")).get(settings.CSRF_COOKIE_NAME, "")
    token = headers.get("x-csrftoken", "")
    try:
        _check_token_format(cookie)
        _check_token_format(token)
    except InvalidTokenFormat:
        return False
    return bool(_does_token_match(token, cookie))


def require_same_origin(headers: Mapping[str, str], secure: bool) -> None:
    """Raises NotAllowed."""
    verdict = same_origin(headers, secure)
    if verdict is False or (verdict is None and not csrf_token_matches(headers)):
        raise NotAllowed("This request came from another site.")


def identify(credential: Credential) -> Identity:
    """Who comes with this credential, as of now. Reads the database. Raises NotSignedIn."""
    if credential.ticket is not None:
        user, only = tickets.use(credential.ticket)
        return Identity(user, credential, only)
    if credential.token is not None:
        try:
            owner, _ = ApiTokenAuthentication().authenticate_credentials(credential.token.encode())
        except AuthenticationFailed:
            raise NotSignedIn("The token is not valid.") from None
        return Identity(owner, credential)
    found = session_user(credential.session)
    if found is None:
        raise NotSignedIn
    return Identity(found, credential)


def session_user(session_key: str | None) -> User | None:
    """The active user of a live session whose password has not changed since."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    user = User.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    if user is None or not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    return user


class ApiTokenAuthentication(TokenAuthentication):  # type: ignore[misc]
    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """Raises AuthenticationFailed, also for bytes that are no text."""
        try:
            found: tuple[User, ApiToken] = super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed from None
        return found


class SameOriginSessionAuthentication(SessionAuthentication):
    """DRF's session authentication with the rule above in place of its own CSRF check."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user = getattr(request._request, "user", None)
        if not isinstance(user, User) or not user.is_active:
            return None
        self.require_same_origin(request._request)
        return user, None

    def require_same_origin(self, request: HttpRequest) -> None:
        if request.method not in SAFE_METHODS:
            headers = {name.lower(): value for name, value in request.headers.items()}
            require_same_origin(headers, request.is_secure())
