"""What is remembered of each stage of each run: durations and counts, never the text of a person."""

import uuid

from django.conf import settings
from django.db import models


class GenerationMetric(models.Model):
    """How long one stage of one attempt took, and how it ended.

    `run_id` is the run's public id and deliberately no foreign key: metrics outlive runs. Nor is `clinic_id`, since
    this app knows nothing of clinics.
    """

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        LOST = "lost"
        PAUSED = "paused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run_id = models.UUIDField()
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    stage = models.CharField(max_length=40)
    duration_ms = models.PositiveIntegerField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    # What was paid for model calls in this stage; null where nobody counted.
    cost_usd = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    clinic_id = models.UUIDField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "generation_metrics"
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=("run_id", "attempt", "stage"), name="one_metric_per_stage_and_attempt")
        ]
        indexes = [models.Index(fields=("kind", "stage", "provider", "outcome", "-created_at"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.stage} {self.duration_ms} ms"
