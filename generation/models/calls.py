"""What was asked of model servers, and what it cost."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from generation.models.accounts import Clinic


class ModelCall(models.Model):
    """One request to a model server; stored before it is sent, and kept when its run is deleted.

    Until it has ended the tokens are an estimate of what asking costs, so that a call whose worker died is counted.
    """

    class Outcome(models.TextChoices):
        OPEN = "open", _("Open")
        ANSWERED = "answered", _("Answered")
        # It answered with an error, or not at all.
        FAILED = "failed", _("Failed")
        # We closed it, for a cancel, a pause, a shut-down or a time-out; or the answer broke off, or the worker died.
        BROKEN = "broken", _("Broken off")

    run_uid = models.UUIDField()
    batch_uid = models.UUIDField(null=True, blank=True)
    attempt = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    clinic = models.ForeignKey(Clinic, on_delete=models.SET_NULL, null=True, related_name="+")
    # The host of the server, without what may hold a key.
    server = models.CharField(max_length=80)
    model = models.CharField(max_length=80)
    prompt = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN)
    # What asking was thought to take before it was sent: what estimates of time go by, as they have nothing else then.
    asked_tokens = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    # The server did not count the tokens itself.
    estimated = models.BooleanField(default=True)
    began_at = models.DateTimeField(auto_now_add=True)
    first_text_ms = models.PositiveIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("-began_at", "-id")
        indexes = [
            models.Index(fields=("run_uid",), name="generation_call_run_idx"),
            models.Index(fields=("batch_uid",), name="generation_call_batch_idx"),
            models.Index(fields=("began_at",), name="generation_call_time_idx"),
            # With the cost, so that asking for the day's spend at each start reads the index alone.
            models.Index(fields=("clinic", "began_at", "cost_usd"), name="generation_call_clinic_idx"),
            models.Index(fields=("owner", "began_at"), name="generation_call_owner_idx"),
            models.Index(fields=("kind", "model", "began_at"), name="generation_call_model_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.began_at:%Y-%m-%d %H:%M} {self.model} {self.outcome}"
