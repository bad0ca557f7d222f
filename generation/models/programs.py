"""A program is what a clinician edits, approves and prints; the run that wrote it is its origin."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from generation.fields import EncryptedJSONField
from generation.models.accounts import Clinic, Language
from generation.models.runs import Run


class Program(models.Model):
    """What stays the same while a program is edited. `current` is the number of the version that counts."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        APPROVED = "approved", _("Approved")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # SET_NULL: a program outlives the log that led to it.
    run = models.OneToOneField(Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="program")
    # PROTECT: it is the clinic's record, which goes with nobody's account.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="programs")
    clinic = models.ForeignKey(Clinic, on_delete=models.SET_NULL, null=True, blank=True, related_name="programs")
    language = models.CharField(max_length=5, choices=Language)
    # Of the current version: an edit of an approved program makes it a draft again.
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    current = models.PositiveIntegerField(default=1)
    is_template = models.BooleanField(default=False)
    template_name = EncryptedJSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=("owner", "-created_at")),
            models.Index(fields=("clinic", "-created_at")),
        ]

    def __str__(self) -> str:
        return f"Program {self.id}"


class ProgramVersion(models.Model):
    """A snapshot: its content is written once, and no later change of the library reaches it."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    # The whole program with its items, and the profile it was made for.
    content = EncryptedJSONField(bound_to=("program_id", "number"))
    # What made it, in codes and slugs: {"action": "swap", "slug": …, "to": …}.
    change = models.JSONField()
    # The version whose content an undo brings back.
    back_to = models.PositiveIntegerField(null=True, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Kept beside it, since an account may go and an approval is signed.
    approved_by_name = models.CharField(max_length=301, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("program_id", "number")
        constraints = [models.UniqueConstraint(fields=("program", "number"), name="version_numbered_once")]

    def __str__(self) -> str:
        return f"{self.program_id} version {self.number}"

    @property
    def approver(self) -> str:
        """Who approved it, by the name they had then once their account is gone; empty for a draft."""
        return str(self.approved_by) if self.approved_by else self.approved_by_name
