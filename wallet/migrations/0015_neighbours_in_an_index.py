from django.db import migrations, models

from nexapay.kernel import ids


class Migration(migrations.Migration):
    dependencies = [("wallet", "0014_what_a_check_is_for")]
    # PostgreSQL hears nothing of this: a default is the models' (docs/decisions/0043).
    operations = [
        migrations.AlterField(
            model_name=name,
            name="public_id",
            field=models.UUIDField(default=ids.new, editable=False, unique=True),
        )
        for name in ("hold", "transfer")
    ]
