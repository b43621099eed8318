from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0009_a_withdrawal_leaves_once"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="bankevent",
            index=models.Index(
                condition=models.Q(("attempts__lt", 5), ("status", "received")),
                fields=["attempts", "received_at", "id"],
                name="bank_event_waiting",
            ),
        ),
    ]
