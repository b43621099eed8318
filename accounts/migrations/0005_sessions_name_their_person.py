"""
A session's row names its person, so that both are read at once (docs/decisions/0032).

Rows from before name nobody until they are saved; their person is read with a query of its own.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_corrections_are_told"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE django_session ADD COLUMN user_id bigint",
            "ALTER TABLE django_session DROP COLUMN user_id",
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                        verbose_name="session key",
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "django_session", "managed": False},
        ),
    ]
