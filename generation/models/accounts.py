"""Who works here: users, their clinics, and the tokens of their programs."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class Language(models.TextChoices):
    ENGLISH = "en", _("English")
    DANISH = "da", _("Danish")


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    language = models.CharField(max_length=5, choices=Language, default=Language.ENGLISH)

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Clinic(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=40, blank=True)
    emergency_number = models.CharField(max_length=20, default="112")
    draft_days = models.PositiveSmallIntegerField(
        _("days that drafts are kept"),
        default=30,
        # At 0 a draft would go while it is being written.
        validators=[MinValueValidator(1)],
        help_text=_("Runs that led to nothing a clinician approved."),
    )
    program_years = models.PositiveSmallIntegerField(
        _("years that programs are kept"), null=True, blank=True, help_text=_("Empty: until somebody deletes them.")
    )
    daily_budget_usd = models.DecimalField(
        _("dollars a day for models"),
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Empty: no limit. Days begin at midnight UTC; runs that the composer writes cost nothing."),
    )
    members = models.ManyToManyField(User, through="Membership", related_name="clinics")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        CLINICIAN = "clinician", _("Clinician")
        LEAD = "lead", _("Lead")
        ADMIN = "admin", _("Administrator")
        AUDITOR = "auditor", _("Auditor")

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.CLINICIAN)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("clinic", "user"), name="one_membership_per_clinic")]

    def __str__(self) -> str:
        return f"{self.user} · {self.clinic}"


class ApiToken(AbstractAuthToken):
    """An API token: only its digest is kept. The name says what it was made for."""

    name = models.CharField(max_length=60, blank=True)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name or 'token'} · {self.user}"
