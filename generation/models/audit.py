"""Who did what, when: rows are added and never changed."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AddedOnly(models.QuerySet["AuditEntry"]):
    """Rows are added and read. Django's own SET_NULL for an account that goes does not come this way."""

    def update(self, **fields: Any) -> NoReturn:
        raise TypeError("An audit entry is never changed.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("An audit entry is never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("An audit entry is never deleted.")


class AuditEntry(models.Model):
    """One act. Ids, codes and counts; never the text of a case."""

    class Action(models.TextChoices):
        VIEW = "view", _("View")
        EDIT = "edit", _("Edit")
        APPROVE = "approve", _("Approve")
        PRINT = "print", _("Print")
        EXPORT = "export", _("Export")
        SHARE = "share", _("Share")
        REVOKE = "revoke", _("Revoke")
        REVEAL = "reveal", _("Reveal")
        SEARCH = "search", _("Search")
        DUPLICATE = "duplicate", _("Duplicate")
        TEMPLATE = "template", _("Template")
        DELETE = "delete", _("Delete")
        PRUNE = "prune", _("Prune")
        PURGE = "purge", _("Purge")
        OVERRIDE = "override", _("Red flag overridden")
        MODEL_CALL = "model_call", _("Model asked")

    at = models.DateTimeField(auto_now_add=True)
    # Null for what the server does by itself.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # The name is kept beside it, since an account may go and an operator at a terminal has none.
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=20, choices=Action)
    object_kind = models.CharField(max_length=20, blank=True)
    object_id = models.UUIDField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    objects = AddedOnly.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=("object_id",)),
            # Each look asks whether the same person has looked lately.
            models.Index(fields=("actor", "-at"), name="generation_audit_actor_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_name} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("An audit entry is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("An audit entry is never deleted.")
