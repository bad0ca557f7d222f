"""What is remembered of requests, so that none counts twice or too often."""

from datetime import timedelta

from django.conf import settings
from django.db import models

from generation.models.programs import Program
from generation.models.runs import Batch, Run


class Start(models.Model):
    """One start of work by a person, kept for the minute in which it counts, whatever becomes of its run."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=("user", "at"))]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at}"


class IdempotencyKey(models.Model):
    """The run, batch or program that a person's POST with this key has made.

    `body_mac` is a keyed hash of the body: enough to know the same one again, useless to whoever reads the table.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    body_mac = models.BinaryField(max_length=32)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="+")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, related_name="+")
    program = models.ForeignKey(Program, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField()

    REMEMBERED = timedelta(hours=24)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("user", "key"), name="one_start_per_key")]

    def __str__(self) -> str:
        return self.key
