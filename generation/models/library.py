"""The exercise library, as domain.md 2.2 gives it."""

import uuid

from django.db import models
from django.utils import timezone

from generation.models.accounts import Clinic, Language


class Exercise(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"
        REVIEWED = "reviewed"
        RETIRED = "retired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1)
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, null=True, blank=True, related_name="exercises")
    source = models.CharField(
        max_length=40,
        blank=True,
        help_text='Whence it was brought in, as "shipped"; empty where somebody wrote it here.',
    )
    level = models.PositiveSmallIntegerField()
    laterality = models.CharField(max_length=12)
    weight_bearing = models.CharField(max_length=16)
    resistance_type = models.CharField(max_length=12)
    variation_group = models.CharField(max_length=60)
    body_regions = models.JSONField(default=list)
    purposes = models.JSONField(default=list, help_text="The first one is the primary purpose.")
    phases = models.JSONField(default=list)
    positions = models.JSONField(default=list)
    equipment = models.JSONField(default=list)
    demands = models.JSONField(default=list, help_text="What it asks of the body; restrictions exclude by these.")
    # Every further field of domain.md 2.2, which no query looks into.
    details = models.JSONField(default=dict)
    updated_at = models.DateTimeField(default=timezone.now, help_text="When it or one of its texts last changed.")

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.slug


class ExerciseText(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=5, choices=Language)
    name = models.CharField(max_length=80)
    purpose_line = models.CharField(max_length=140)
    aliases = models.JSONField(default=list)
    setup = models.TextField(blank=True)
    steps = models.JSONField(default=list)
    cues = models.JSONField(default=list)
    common_mistakes = models.JSONField(default=list)
    feel = models.TextField(blank=True)
    easier = models.TextField(blank=True)
    harder = models.TextField(blank=True)
    safety = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("exercise", "language"), name="one_text_per_language")]

    def __str__(self) -> str:
        return self.name


class ExerciseWords(models.Model):
    """What the search looks into: the folded words of an exercise in the text that is shown for a language.

    `generation.exercise_search` writes it. SQLite's full-text table follows it by triggers, PostgreSQL's vector as a
    generated column; the migration that made them has to be repeated by one that changes this table.
    """

    id = models.BigAutoField(primary_key=True)
    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="words")
    language = models.CharField(max_length=5, choices=Language)
    name = models.TextField()
    aliases = models.TextField()
    other = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("exercise", "language"), name="words_once_per_language")]

    def __str__(self) -> str:
        return f"{self.language}: {self.name}"


class LibraryLoad(models.Model):
    """A time at which the shipped exercises changed what is in the database."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    version = models.CharField(max_length=12, help_text="A short hash of the shipped exercises.")
    made = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()
    retired = models.PositiveIntegerField()
    unchanged = models.PositiveIntegerField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.version
