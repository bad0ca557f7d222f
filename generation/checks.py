"""System checks: what would fail later is said at start."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from generation.fields import key_ring
from generation.pipelines import PIPELINES


@register(Tags.security)
def field_keys_open(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        key_ring(settings.FIELD_KEYS)
    except ImproperlyConfigured as error:
        return [Error(str(error), id="generation.E001")]
    return []


@register(Tags.security)
def redis_idle_reads(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    layer = settings.CHANNEL_LAYERS["default"]
    if "RedisChannelLayer" in layer["BACKEND"]:
        return [
            Error(
                "channels_redis.core.RedisChannelLayer drops messages and does not survive a restart of Redis.",
                hint="Use channels_redis.pubsub.RedisPubSubChannelLayer.",
                id="generation.E002",
            )
        ]
    return []


@register()
def not_built_yet(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(f"{name} is set, but this version has nothing yet that it could change.", id="generation.W002")
        for name in settings.NOT_YET
    ]


@register()
def model_key_is_there(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.MODEL and not settings.MODEL_API_KEY and urlsplit(settings.MODEL_BASE_URL).hostname == "api.openai.com":
        return [
            Warning(
                "OPENAI_MODEL is set, but OPENAI_API_KEY is not: OpenAI will refuse every call.",
                hint="Set the key, or OPENAI_BASE_URL to another server.",
                id="generation.W003",
            )
        ]
    return []


@register()
def models_are_for_kinds(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    said: list[CheckMessage] = [
        Warning(
            f"MODEL_BY_KIND names {kind!r}, but there is no such kind: its model is never asked.",
            hint=f"The kinds are {', '.join(PIPELINES)}.",
            id="generation.W004",
        )
        for kind in settings.MODEL_BY_KIND
        if kind not in PIPELINES
    ]
    if settings.MODEL_BY_KIND and not settings.MODEL:
        said.append(
            Warning(
                "MODEL_BY_KIND is set, but OPENAI_MODEL is not: the embedded composer writes everything.",
                id="generation.W006",
            )
        )
    return said


@register(Tags.security)
def cases_travel_encrypted(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    address = urlsplit(settings.MODEL_BASE_URL)
    if settings.MODEL and address.scheme == "http" and not on_this_machine(str(address.hostname)):
        return [
            Warning(
                f"OPENAI_BASE_URL is plain http to {address.hostname}: cases go over the network unencrypted.",
                hint="Use https, or a network of its own for the model server.",
                id="generation.W005",
            )
        ]
    return []


def on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@register(Tags.security, deploy=True)
def https_in_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.HTTPS:
        return [Warning("CSRF_TRUSTED_ORIGINS names no https origin: cookies are not Secure.", id="generation.W001")]
    return []
