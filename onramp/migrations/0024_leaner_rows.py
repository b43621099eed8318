import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0023_staff_look_at_events"),
        ("wallet", "0009_people_are_told"),
    ]
    # Every credit writes its on-ramp and its event. What is looked up of few rows is indexed for
    # those alone, and a token's form is looked at without counting to 64 as a pattern.
    operations = [
        migrations.RemoveConstraint(
            model_name="onramptransaction",
            name="onramp_token_form",
        ),
        migrations.RemoveIndex(
            model_name="bankevent",
            name="bank_event_by_status",
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="conflicts_with",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="conflicts",
                to="onramp.bankevent",
            ),
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="offramp",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The off-ramp it spoke of, if we know it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="onramp.offramptransaction",
            ),
        ),
        migrations.AddIndex(
            model_name="bankevent",
            index=models.Index(
                condition=models.Q(("status", "processed"), _negated=True),
                fields=["status", "-received_at"],
                name="bank_event_unsettled",
            ),
        ),
        migrations.AddIndex(
            model_name="bankevent",
            index=models.Index(
                condition=models.Q(("conflicts_with__isnull", False)),
                fields=["conflicts_with"],
                name="bank_event_conflicts",
            ),
        ),
        migrations.AddIndex(
            model_name="bankevent",
            index=models.Index(
                condition=models.Q(("offramp__isnull", False)),
                fields=["offramp"],
                name="bank_event_of_offramp",
            ),
        ),
        migrations.AddConstraint(
            model_name="onramptransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("token__regex", "[^A-Za-z0-9_-]"), _negated=True),
                    django.db.models.lookups.GreaterThanOrEqual(
                        django.db.models.functions.text.Length("token"), 43
                    ),
                ),
                name="onramp_token_form",
            ),
        ),
    ]
