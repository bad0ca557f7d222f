"""What is remembered of each run as a whole."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class RunMetric(models.Model):
    """How one run ended and how long people waited for it. Kept when the run is deleted; no text and no person.

    Durations are in milliseconds from the moment the run was asked for.
    """

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    run_id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=32)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    clinic_id = models.UUIDField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    # Of a run that failed: the code of its error.
    error_code = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveIntegerField()
    duration_ms = models.PositiveBigIntegerField()
    # Until a worker's first event, and until the first `item`; null where there was none.
    first_event_ms = models.PositiveBigIntegerField(null=True, blank=True)
    first_item_ms = models.PositiveBigIntegerField(null=True, blank=True)
    # Of a cancelled run: from the request until it had ended.
    cancel_ms = models.PositiveBigIntegerField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    # When the run ended.
    created_at = models.DateTimeField(default=timezone.now)
    # As in GenerationMetric.
    learned = models.PositiveBigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=("created_at",), name="run_metric_time_idx"),
            models.Index(fields=("created_at",), name="run_metric_unlearned_idx", condition=Q(learned=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.run_id} {self.outcome}"
