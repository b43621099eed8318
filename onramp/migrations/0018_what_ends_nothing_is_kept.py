from django.db import migrations, models

VERDICTS = [
    ("credited", "Credited"),
    ("paid_out", "Paid out"),
    ("returned", "Brought back"),
    ("failed", "Marked as failed"),
    ("repeated", "Said what was known"),
    ("settles_nothing", "Ends nothing"),
    ("unknown_token", "Token is unknown"),
    ("terms_differ", "Amount or currency differs"),
    ("reference_taken", "Reference belongs to another payment"),
    ("other_reference", "Confirmed again under another reference"),
    ("other_body", "Same event id, other body"),
    ("contradiction", "Contradicts what was settled"),
]


class Migration(migrations.Migration):
    dependencies = [("onramp", "0017_returns_are_asked_for")]
    operations = [
        migrations.AlterField(
            model_name="bankevent",
            name="verdict",
            field=models.CharField(blank=True, choices=VERDICTS, max_length=20),
        ),
    ]
