"""The words of the library and their full-text index, in each database's own way."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

ALL = "generation_exercisewords"
LANGUAGES = [("en", "English"), ("da", "Danish")]

SQLITE = (
    f"""CREATE VIRTUAL TABLE {ALL}_index USING fts5(
        name, aliases, other,
        content='{ALL}', content_rowid='id', tokenize='unicode61 remove_diacritics 0', prefix='2 3 4'
    )""",
    f"""CREATE TRIGGER {ALL}_added AFTER INSERT ON {ALL} BEGIN
        INSERT INTO {ALL}_index(rowid, name, aliases, other) VALUES (new.id, new.name, new.aliases, new.other);
    END""",
    f"""CREATE TRIGGER {ALL}_removed AFTER DELETE ON {ALL} BEGIN
        INSERT INTO {ALL}_index({ALL}_index, rowid, name, aliases, other)
        VALUES ('delete', old.id, old.name, old.aliases, old.other);
    END""",
    f"""CREATE TRIGGER {ALL}_changed AFTER UPDATE ON {ALL} BEGIN
        INSERT INTO {ALL}_index({ALL}_index, rowid, name, aliases, other)
        VALUES ('delete', old.id, old.name, old.aliases, old.other);
        INSERT INTO {ALL}_index(rowid, name, aliases, other) VALUES (new.id, new.name, new.aliases, new.other);
    END""",
)
SQLITE_BACK = (
    f"DROP TRIGGER {ALL}_changed",
    f"DROP TRIGGER {ALL}_removed",
    f"DROP TRIGGER {ALL}_added",
    f"DROP TABLE {ALL}_index",
)
# The words are lexemes already; PostgreSQL's own parser would cut some of them up.
POSTGRESQL = (
    f"""ALTER TABLE {ALL} ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        array_to_tsvector(array_remove(string_to_array(name || ' ' || aliases || ' ' || other, ' '), ''))
    ) STORED""",
    f"CREATE INDEX {ALL}_vector ON {ALL} USING gin (vector)",
)
POSTGRESQL_BACK = (f"ALTER TABLE {ALL} DROP COLUMN vector",)


def add_index(apps, schema_editor):
    for statement in {"sqlite": SQLITE, "postgresql": POSTGRESQL}[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def remove_index(apps, schema_editor):
    for statement in {"sqlite": SQLITE_BACK, "postgresql": POSTGRESQL_BACK}[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


def say_what_was_shipped(apps, schema_editor):
    """Until now nothing else could bring in an exercise that belongs to no clinic."""
    apps.get_model("generation", "Exercise").objects.filter(clinic=None).update(source="shipped")


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_promises")]

    operations = [
        migrations.AddField(
            model_name="exercise",
            name="source",
            field=models.CharField(
                blank=True,
                default="",
                help_text='Whence it was brought in, as "shipped"; empty where somebody wrote it here.',
                max_length=40,
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="ExerciseWords",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("language", models.CharField(choices=LANGUAGES, max_length=5)),
                ("name", models.TextField()),
                ("aliases", models.TextField()),
                ("other", models.TextField()),
                (
                    "exercise",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="words", to="generation.exercise"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="exercisewords",
            constraint=models.UniqueConstraint(fields=("exercise", "language"), name="words_once_per_language"),
        ),
        migrations.CreateModel(
            name="LibraryLoad",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("version", models.CharField(help_text="A short hash of the shipped exercises.", max_length=12)),
                ("made", models.PositiveIntegerField()),
                ("changed", models.PositiveIntegerField()),
                ("retired", models.PositiveIntegerField()),
                ("unchanged", models.PositiveIntegerField()),
            ],
            options={"ordering": ("-id",)},
        ),
        migrations.RunPython(say_what_was_shipped, migrations.RunPython.noop),
        migrations.RunPython(add_index, remove_index),
    ]
