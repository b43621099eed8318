from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("simbank", "0003_scenarios")]
    # A day's statement is read by when each thing was booked.
    operations = [
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                fields=["decided_at"],
                condition=models.Q(("status", "approved")),
                name="payment_booked",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                fields=["decided_at"],
                condition=models.Q(("status__in", ["succeeded", "returned"])),
                name="payout_booked",
            ),
        ),
        migrations.AddIndex(
            model_name="payout",
            index=models.Index(
                fields=["returned_at"],
                condition=models.Q(("status", "returned")),
                name="payout_given_back",
            ),
        ),
    ]
