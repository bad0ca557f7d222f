"""The history of each day, added up."""

import json
from typing import Any

import orjson
from django.db import models
from django.utils.translation import gettext_lazy as _


class Quick(json.JSONDecoder):
    """A page reads thousands of histograms, and the usual decoder is made anew for each."""

    def __init__(self) -> None:
        """There is nothing to prepare."""

    def decode(self, s: str, *args: Any) -> Any:
        return orjson.loads(s)


class DailySummary(models.Model):
    """What ended on one day in UTC: whole runs where `stage` is empty, else attempts at that stage.

    Each is counted in four rows: of its model and its clinic, of its model in all clinics, of its clinic with all
    models, and of everything; ALL stands for "all". So whatever is asked for, a day is a row of each kind and stage.
    """

    ALL = "*"

    day = models.DateField()
    kind = models.CharField(max_length=32)
    stage = models.CharField(max_length=40, blank=True)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    # The clinic's id, empty for runs of people without a clinic.
    clinic = models.CharField(max_length=36, blank=True)
    # By outcome.
    succeeded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    lost = models.PositiveIntegerField(default=0)
    paused = models.PositiveIntegerField(default=0)
    # Histograms of milliseconds by what they measure: `duration` (of what succeeded), and of runs `first_event`,
    # `first_item` and `cancel`.
    times = models.JSONField(default=dict, decoder=Quick)
    # The sums behind two of them.
    duration_ms = models.PositiveBigIntegerField(default=0)
    first_event_ms = models.PositiveBigIntegerField(default=0)
    # How many runs failed, by the code of their error.
    errors = models.JSONField(default=dict, decoder=Quick)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    # Of those runs or stages that know their cost, and how many they are. What stands above and below is of runs alone.
    cost_usd = models.DecimalField(max_digits=16, decimal_places=6, default=0)
    costed = models.PositiveIntegerField(default=0)
    # Scored forecasts from history, those whose range held, the runs they were made for, and sums over them: how far
    # they were off, and what truly remained.
    forecasts = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    forecast_runs = models.PositiveIntegerField(default=0)
    error_ms = models.PositiveBigIntegerField(default=0)
    true_ms = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("-day", "kind", "stage")
        verbose_name_plural = "daily summaries"
        constraints = [
            # In this order it also finds the days of one level together.
            models.UniqueConstraint(
                fields=("provider", "model", "clinic", "day", "kind", "stage"), name="one_summary_per_level_and_day"
            )
        ]
        indexes = [models.Index(fields=("stage", "clinic", "day"), name="summary_clinic_idx")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.stage}".strip()


class Dashboard(DailySummary):
    """The page of charts. A model of its own, so that the admin gives it an address and a place in its menu."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("dashboard")
        verbose_name_plural = _("dashboard")
