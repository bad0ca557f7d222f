"""What has been learned: how long stages take, how forecasts did, and how far they are to be trusted."""

from django.db import models
from django.utils import timezone


class StageProfile(models.Model):
    """The distributions of one kind's stage at one level of the hierarchy (`metrics/profiles.py`).

    A provider of `*` means all that ask a model, an empty model all of the provider's, and a size of -1 all sizes.
    """

    ANY_SIZE = -1

    # Several generations of profiles can stand side by side while one is rebuilt; `Learning` says which one is used.
    build = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    stage = models.CharField(max_length=40)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    size = models.SmallIntegerField(default=ANY_SIZE)
    # The histograms by the name of what they measure.
    state = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("kind", "stage", "provider", "model", "size")
        constraints = [
            models.UniqueConstraint(
                fields=("build", "kind", "stage", "provider", "model", "size"), name="one_profile_per_level"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.stage} {self.provider} {self.model}".strip()


class Learning(models.Model):
    """Where learning stands: one row, whose lock whoever changes profiles holds."""

    # The build of the profiles that estimates are made from.
    build = models.PositiveIntegerField(default=0)
    # The last round of learning.
    round = models.PositiveBigIntegerField(default=0)
    # A rebuild under way: its build, null when there is none, and how far it has come (`metrics/rebuilding.py`).
    rebuilding = models.PositiveIntegerField(null=True, blank=True)
    rebuild = models.JSONField(default=dict, blank=True)
    # Up to when the history was pruned: what the logs still tell of it is not to be learned again.
    pruned_before = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"round {self.round}"


class Forecast(models.Model):
    """An estimate that was shown for a run, and what was true. Kept when its run has succeeded."""

    run_id = models.UUIDField()
    kind = models.CharField(max_length=32)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    clinic_id = models.UUIDField(null=True, blank=True)
    # Empty for a run that was waiting.
    stage = models.CharField(max_length=40, blank=True)
    # Milliseconds since the run was asked for, and the estimate of what was left from there.
    elapsed_ms = models.PositiveBigIntegerField()
    low_ms = models.PositiveBigIntegerField()
    ms = models.PositiveBigIntegerField()
    high_ms = models.PositiveBigIntegerField()
    from_history = models.BooleanField()
    true_ms = models.PositiveBigIntegerField()
    # When the run ended.
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        constraints = [models.UniqueConstraint(fields=("run_id", "elapsed_ms"), name="one_forecast_per_moment")]
        indexes = [models.Index(fields=("created_at", "kind"), name="forecast_time_idx")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ms} ms, was {self.true_ms} ms"

    @property
    def held(self) -> bool:
        return self.low_ms <= self.true_ms <= self.high_ms


class Calibration(models.Model):
    """The share of outcomes that is left below and above the stated range, so that the range holds for 80 %.

    Source: I. Gibbs, E. Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021.
    """

    kind = models.CharField(max_length=32)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    # Quantile levels of the two ends of the range.
    lower = models.FloatField(default=0.1)
    upper = models.FloatField(default=0.9)
    scored = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("kind", "provider", "model")
        constraints = [models.UniqueConstraint(fields=("kind", "provider", "model"), name="one_calibration_per_model")]

    def __str__(self) -> str:
        return f"{self.kind} {self.provider} {self.model}".strip()
