"""The audit trail."""

from django.contrib import admin

from generation.admin.base import ReadOnly
from generation.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who did what; added by what is done, and never changed."""

    list_display = ("at", "actor_name", "action", "object_kind", "object_id", "facts")
    list_filter = ("action", "at")
    search_fields = ("=object_id", "=actor_name")
    date_hierarchy = "at"
