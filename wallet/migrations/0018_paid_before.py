from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0017_asked_where_it_is_known"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    # How often somebody paid whom is read from the index of their keys (docs/decisions/0048).
    operations = [
        migrations.RemoveConstraint("transfer", "transfer_key_once_per_actor"),
        migrations.RemoveIndex("transfer", "transfer_between"),
        migrations.AddConstraint(
            "transfer",
            models.UniqueConstraint(
                fields=["actor", "idempotency_key"],
                include=["source", "target"],
                name="transfer_key_once_per_actor",
                nulls_distinct=False,
            ),
        ),
    ]
