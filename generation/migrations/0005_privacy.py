import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0004_program_versions")]

    operations = [
        migrations.AlterField(
            "auditentry",
            "action",
            models.CharField(
                max_length=20,
                choices=[
                    ("view", "View"), ("edit", "Edit"), ("approve", "Approve"), ("print", "Print"),
                    ("export", "Export"), ("share", "Share"), ("revoke", "Revoke"), ("reveal", "Reveal"),
                    ("search", "Search"), ("duplicate", "Duplicate"), ("template", "Template"), ("delete", "Delete"),
                    ("prune", "Prune"), ("purge", "Purge"), ("override", "Red flag overridden"),
                ],
            ),
        ),
        migrations.AddIndex(
            "auditentry", models.Index(fields=["actor", "-at"], name="generation_audit_actor_idx")
        ),
        migrations.AddField("run", "mrn_hash", models.CharField(blank=True, max_length=64, default=""), preserve_default=False),
        migrations.AddIndex("run", models.Index(fields=["mrn_hash"], name="generation_mrn_hash_idx")),
        migrations.AddField(
            "clinic", "draft_days",
            models.PositiveSmallIntegerField(
                default=30, help_text="Runs that led to nothing a clinician approved.",
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="days that drafts are kept",
            ),
        ),
        migrations.AddField(
            "clinic", "program_years",
            models.PositiveSmallIntegerField(
                blank=True, null=True, help_text="Empty: until somebody deletes them.",
                verbose_name="years that programs are kept",
            ),
        ),
        migrations.AddField(
            "idempotencykey", "program",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="generation.program",
            ),
        ),
        *(
            migrations.AlterField(
                model, "owner",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name=related, to=settings.AUTH_USER_MODEL,
                ),
            )
            for model, related in (("batch", "batches"), ("run", "runs"), ("program", "programs"))
        ),
    ]
