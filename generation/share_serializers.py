"""What comes in about links and hand-outs, and the shape a link goes out in."""

from typing import Any

from rest_framework import serializers

from generation.models import ShareLink
from generation.models.accounts import Language
from generation.program_serializers import MOST_VERSIONS, WholeNumber
from generation.serializers import NO_CHOICE, StrictSerializer, iso
from generation.shares import DEFAULT_DAYS, MOST_DAYS


class ShareRequest(StrictSerializer):
    days = WholeNumber(min_value=1, max_value=MOST_DAYS, default=DEFAULT_DAYS)


class HandoutQuery(StrictSerializer):
    size = serializers.ChoiceField(choices=("standard", "large"), default="standard", error_messages=NO_CHOICE)
    language = serializers.ChoiceField(choices=Language.choices, required=False, error_messages=NO_CHOICE)
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSIONS, required=False)


def link_shown(link: ShareLink) -> dict[str, Any]:
    """A link without its address, which nobody knows any more."""
    return {
        "id": str(link.pk),
        "created_by": link.created_by.get_username() if link.created_by else None,
        "created_at": iso(link.created_at),
        "expires_at": iso(link.expires_at),
        "revoked_by": link.revoked_by.get_username() if link.revoked_by else None,
        "revoked_at": iso(link.revoked_at),
        "opened": link.opened,
        "last_opened": iso(link.last_opened),
    }
