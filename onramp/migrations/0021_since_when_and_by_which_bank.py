from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("onramp", "0018_what_ends_nothing_is_kept")]
    operations = [
        migrations.AddIndex(
            model_name="bankaccount",
            index=models.Index(
                fields=["owner", "bank", "number", "added_at"], name="account_since"
            ),
        ),
    ]
