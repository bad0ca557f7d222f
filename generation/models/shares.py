"""Ways to a program for somebody without an account."""

import uuid

from django.conf import settings
from django.db import models

from generation.models.programs import Program


class ShareLink(models.Model):
    """Opens the latest approved version of a program. Only the digest of its token is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.BinaryField(max_length=32, unique=True)
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="shares")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened = models.PositiveIntegerField(default=0)
    last_opened = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [models.Index(fields=("program", "-created_at"))]

    def __str__(self) -> str:
        return f"link to {self.program_id}"


class Visits(models.Model):
    """How often one address has knocked in one minute. `visitor` is a keyed hash of the address."""

    visitor = models.BinaryField(max_length=32)
    minute = models.PositiveIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("visitor", "minute"), name="visits_counted_once")]
        indexes = [models.Index(fields=("minute",))]

    def __str__(self) -> str:
        return f"{self.count} in minute {self.minute}"
