"""System checks: what would fail later is said at start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from generation.fields import key_ring


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


@register(Tags.security, deploy=True)
def https_in_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.HTTPS:
        return [Warning("CSRF_TRUSTED_ORIGINS names no https origin: cookies are not Secure.", id="generation.W001")]
    return []
