import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import generation.fields


def name_of(user):
    return f"{user.first_name} {user.last_name}".strip() or user.username if user else ""


def keep_as_first_version(apps, schema_editor):
    """Each program with its items becomes the content of its first version."""
    Program = apps.get_model("generation", "Program")
    ProgramItem = apps.get_model("generation", "ProgramItem")
    ProgramVersion = apps.get_model("generation", "ProgramVersion")
    Step = apps.get_model("generation", "Step")
    for program in Program.objects.select_related("run", "approved_by").iterator(chunk_size=200):
        kept = Step.objects.filter(run=program.run, name="kept").first() if program.run else None
        result = kept.result if kept else (program.run and program.run.result) or {}
        items = [item.content | {"patient_note": ""} for item in ProgramItem.objects.filter(program=program).order_by("order")]
        ProgramVersion.objects.create(
            program=program,
            number=program.current,
            content=program.content | {"items": items, "profile": result.get("profile", {})},
            change={"action": "generated"},
            made_by_id=program.owner_id,
            approved_by_id=program.approved_by_id,
            approved_by_name=name_of(program.approved_by),
            approved_at=program.approved_at,
        )
    ProgramVersion.objects.update(made_at=models.Subquery(
        Program.objects.filter(pk=models.OuterRef("program")).values("created_at")
    ))
    Program.objects.filter(status="superseded").update(status="draft")
    if schema_editor.connection.vendor == "postgresql":
        # It alters no table whose constraints are still to be checked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("generation", "0003_library_search")]

    operations = [
        migrations.RenameField(model_name="program", old_name="version", new_name="current"),
        migrations.AddField(
            model_name="program",
            name="is_template",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="program",
            name="template_name",
            field=generation.fields.EncryptedJSONField(bound_to=("id",), null=True),
        ),
        migrations.CreateModel(
            name="ProgramVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("content", generation.fields.EncryptedJSONField(bound_to=("program_id", "number"))),
                ("change", models.JSONField()),
                ("back_to", models.PositiveIntegerField(blank=True, null=True)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("approved_by_name", models.CharField(blank=True, max_length=301)),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("approved_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("made_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("program", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="generation.program")),
            ],
            options={
                "ordering": ("program_id", "number"),
                "constraints": [models.UniqueConstraint(fields=("program", "number"), name="version_numbered_once")],
            },
        ),
        migrations.RunPython(keep_as_first_version),
        migrations.DeleteModel(name="ProgramItem"),
        migrations.RemoveField(model_name="program", name="content"),
        migrations.RemoveField(model_name="program", name="duration_weeks"),
        migrations.RemoveField(model_name="program", name="previous"),
        migrations.RemoveField(model_name="program", name="approved_by"),
        migrations.RemoveField(model_name="program", name="approved_at"),
        migrations.AlterModelOptions(name="program", options={"ordering": ("-created_at", "-id")}),
        migrations.AlterField(
            model_name="program",
            name="run",
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="program", to="generation.run"),
        ),
        migrations.AlterField(
            model_name="program",
            name="status",
            field=models.CharField(choices=[("draft", "Draft"), ("approved", "Approved")], default="draft", max_length=10),
        ),
        migrations.AddIndex(
            model_name="program",
            index=models.Index(fields=["owner", "-created_at"], name="generation__owner_i_818741_idx"),
        ),
        migrations.AddIndex(
            model_name="program",
            index=models.Index(fields=["clinic", "-created_at"], name="generation__clinic__5e4b94_idx"),
        ),
    ]
