"""What is remembered of each stage of each run: durations and counts, never the text of a person."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


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
    # Tokens that the run's first request to a model was thought to take before it was sent; 0 if there was none yet.
    size = models.PositiveIntegerField(default=0)
    # Tokens that were read and written in this stage.
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # Milliseconds that those earlier stages of the attempt took in which a model wrote: a later stage that asks
    # it again takes a share of them.
    asked_ms = models.PositiveIntegerField(default=0)
    # False where an earlier attempt had begun the stage: then the duration is of what was left of it.
    whole = models.BooleanField(default=True)
    # What was paid for model calls in this stage; null where nobody counted.
    cost_usd = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    clinic_id = models.UUIDField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    metadata = models.JSONField(default=dict, blank=True)
    # When the stage ended.
    created_at = models.DateTimeField(default=timezone.now)
    # The number of the round of learning that took this row in; null until then. History is read in the order of
    # round, time and id.
    learned = models.PositiveBigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "generation_metrics"
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=("run_id", "attempt", "stage"), name="one_metric_per_stage_and_attempt")
        ]
        indexes = [
            models.Index(fields=("created_at",), name="metric_time_idx"),
            models.Index(fields=("learned", "created_at"), name="metric_learned_idx"),
            models.Index(fields=("created_at",), name="metric_unlearned_idx", condition=Q(learned=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.stage} {self.duration_ms} ms"
