from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("onramp", "0016_corrected_once")]
    operations = [
        migrations.AddIndex(
            model_name="offramptransaction",
            index=models.Index(
                condition=models.Q(("status", "success")),
                fields=["settled_at"],
                name="offramp_paid",
            ),
        ),
    ]
