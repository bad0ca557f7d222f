"""A program is what a clinician edits, approves and prints; the run that wrote it is its origin."""

import uuid

from django.conf import settings
from django.db import models

from generation.fields import EncryptedJSONField
from generation.models.accounts import Clinic, Language
from generation.models.runs import Run


class Program(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"
        SUPERSEDED = "superseded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # SET_NULL: a program outlives the log that led to it.
    run = models.OneToOneField(Run, on_delete=models.SET_NULL, null=True, related_name="program")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="programs")
    clinic = models.ForeignKey(Clinic, on_delete=models.SET_NULL, null=True, blank=True, related_name="programs")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1)
    previous = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="later")
    language = models.CharField(max_length=5, choices=Language)
    duration_weeks = models.PositiveSmallIntegerField()
    # Title, summary, rules, education, warnings, assumptions: everything a person reads.
    content = EncryptedJSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"Program {self.id}"


class ProgramItem(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="items")
    order = models.PositiveSmallIntegerField()
    # The exercise's stable key, not a foreign key: the item keeps its own snapshot of the text.
    slug = models.SlugField(max_length=80)
    content = EncryptedJSONField()

    class Meta:
        ordering = ("order",)
        constraints = [models.UniqueConstraint(fields=("program", "order"), name="one_item_per_place")]

    def __str__(self) -> str:
        return f"{self.order + 1}. {self.slug}"
