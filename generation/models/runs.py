"""A run is a row; what happens to it is a numbered log."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from generation.fields import EncryptedJSONField
from generation.models.accounts import Clinic, Language


class Status(models.TextChoices):
    """The states of wire.md 1.6; README draws the arrows."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    CANCELLING = "cancelling", _("Cancelling")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


LIVE = (Status.QUEUED, Status.RUNNING, Status.PAUSED, Status.CANCELLING)
ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
# States in which a worker may hold the run; pausing gives it up.
HELD = (Status.RUNNING, Status.CANCELLING)


class Batch(models.Model):
    """Runs that were asked for together. A batch has no state of its own: it is what its rows are."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=32)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="batches")
    # How many of its runs may be held by workers at a time.
    max_parallel = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Run(models.Model):
    """One generation. Outside it is known by `uid`; the integer key keeps the log's index small.

    `epoch` rises with each claim, and only the holder of the current epoch appends to the log. `attempt`
    counts claims; `stalled_attempts` those in a row that were lost before they stored a step.
    """

    uid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=32)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    # PROTECT: what belongs to a clinic goes with nobody's account.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="runs")
    clinic = models.ForeignKey(Clinic, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, null=True, blank=True, related_name="runs")
    # The place of its input in the batch; a retried row has several runs, of which the last one counts.
    row = models.PositiveSmallIntegerField(null=True, blank=True)
    language = models.CharField(max_length=5, choices=Language, default=Language.ENGLISH)
    engine = models.CharField(max_length=10, default="auto")

    input = EncryptedJSONField(bound_to=("uid",))
    # Of the record number in the input (generation/record_numbers.py).
    mrn_hash = models.CharField(max_length=64, blank=True)
    result = EncryptedJSONField(bound_to=("uid",), null=True)
    # Code, message, retryable, stage: our own words, never the text of a case.
    error = models.JSONField(null=True, blank=True)

    stage = models.CharField(max_length=40, blank=True)
    # By the clock of its worker, as the log has it: the row may be written later than the event came about.
    stage_started_at = models.DateTimeField(null=True, blank=True)
    # How far the stage has come, for estimates that are made elsewhere (generation/course.py).
    course = models.JSONField(default=dict)
    progress = models.FloatField(default=0)
    quality_score = models.FloatField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=6, default=0)
    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    # The version of the prompt that a model was last asked with.
    prompt = models.CharField(max_length=60, blank=True)
    last_seq = models.PositiveIntegerField(default=0)

    epoch = models.PositiveIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    stalled_attempts = models.PositiveSmallIntegerField(default=0)
    holder = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=150, blank=True)
    cancel_reason = models.CharField(max_length=40, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # Who wants it paused at its next step border; empty once it is, and when they have thought better of it.
    pause_requested_by = models.CharField(max_length=150, blank=True)
    # To be deleted as soon as its worker has stopped, by this person.
    delete_requested_by = models.CharField(max_length=150, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=("owner", "-created_at")),
            models.Index(fields=("clinic", "-created_at")),
            models.Index(fields=("status", "lease_until")),
            models.Index(fields=("batch", "row")),
            models.Index(fields=("mrn_hash",), name="generation_mrn_hash_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    @property
    def live(self) -> bool:
        return self.status in LIVE

    def cancellation(self, upstream_closed_ms: int | None = None) -> dict[str, Any]:
        """The data of the `cancelled` event: who asked, and how long after it the call to the model was closed."""
        return {"by": self.cancelled_by, "reason": self.cancel_reason, "upstream_closed_ms": upstream_closed_ms}


class Event(models.Model):
    """One numbered entry of a run's log. Rows are written in batches by `generation.writer`, never by `save()`."""

    # Its own index would cost the writer a third more for each row; that of the constraint begins with the run as well.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    name = models.CharField(max_length=32)
    # Milliseconds since 1970: half the cost of a datetime for the writer, and what the wire shows.
    ts_ms = models.BigIntegerField()
    data = EncryptedJSONField(bound_to=("run_id", "seq"))

    class Meta:
        ordering = ("run_id", "seq")
        constraints = [models.UniqueConstraint(fields=("run", "seq"), name="event_numbered_once")]

    def __str__(self) -> str:
        return f"{self.seq} {self.name}"

    @classmethod
    def data_field(cls) -> EncryptedJSONField:
        """For code that reads and writes rows without instances."""
        field = cls._meta.get_field("data")
        assert isinstance(field, EncryptedJSONField)
        return field


class Step(models.Model):
    """The stored result of a piece of work that must not be done twice, whatever happens to its workers."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=120)
    epoch = models.PositiveIntegerField()
    result = EncryptedJSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at",)
        constraints = [models.UniqueConstraint(fields=("run", "name"), name="step_stored_once")]

    def __str__(self) -> str:
        return self.name
