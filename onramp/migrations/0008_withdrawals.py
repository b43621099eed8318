import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0007_silent_banks_are_asked"),
        ("wallet", "0008_held_money"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OffRampTransaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "token",
                    models.CharField(
                        help_text="What the bank knows it by: 256 random bits.", max_length=64
                    ),
                ),
                (
                    "bank",
                    models.CharField(help_text="The account's bank, by its code.", max_length=32),
                ),
                (
                    "amount_minor",
                    models.BigIntegerField(help_text="Minor units of the wallet's currency."),
                ),
                ("currency", models.CharField(max_length=3)),
                ("idempotency_key", models.UUIDField(help_text="Born with the form; asks once.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("requested", "Requested"),
                            ("submitted", "With the bank"),
                            ("success", "Paid out"),
                            ("failure", "Failed"),
                            ("returned", "Returned"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="requested",
                        max_length=12,
                    ),
                ),
                ("failure_reason", models.CharField(blank=True, max_length=200)),
                ("bank_reference", models.CharField(blank=True, max_length=64, null=True)),
                ("created_at", models.DateTimeField()),
                ("submits_at", models.DateTimeField(help_text="Until then its owner may cancel.")),
                ("submitted_at", models.DateTimeField(blank=True, null=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("returned_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "off-ramp",
            },
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="verdict",
            field=models.CharField(
                blank=True,
                choices=[
                    ("credited", "Credited"),
                    ("paid_out", "Paid out"),
                    ("returned", "Brought back"),
                    ("failed", "Marked as failed"),
                    ("repeated", "Said what was known"),
                    ("unknown_token", "Token is unknown"),
                    ("terms_differ", "Amount or currency differs"),
                    ("reference_taken", "Reference belongs to another payment"),
                    ("other_reference", "Confirmed again under another reference"),
                    ("other_body", "Same event id, other body"),
                    ("contradiction", "Contradicts what was settled"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="BankAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("bank", models.CharField(help_text="The bank, by its code.", max_length=32)),
                (
                    "holder",
                    models.CharField(
                        help_text="Whose account it is, as the bank knows it.", max_length=80
                    ),
                ),
                ("number", models.CharField(max_length=18)),
                ("added_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bank_accounts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PayoutQuestion",
            fields=[
                (
                    "offramp",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="question",
                        serialize=False,
                        to="onramp.offramptransaction",
                    ),
                ),
                ("asks", models.PositiveIntegerField()),
                ("asked_at", models.DateTimeField()),
                (
                    "next_at",
                    models.DateTimeField(
                        help_text="When to ask again, if its end is still unknown."
                    ),
                ),
                (
                    "answer",
                    models.CharField(
                        blank=True, help_text="The newest; empty: none yet.", max_length=12
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="offramptransaction",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offramps",
                to="onramp.bankaccount",
            ),
        ),
        migrations.AddField(
            model_name="offramptransaction",
            name="hold",
            field=models.OneToOneField(
                help_text="What locks its money.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offramp",
                to="wallet.hold",
            ),
        ),
        migrations.AddField(
            model_name="offramptransaction",
            name="return_transfer",
            field=models.OneToOneField(
                blank=True,
                db_constraint=False,
                help_text="What brought it back: there exactly when it was returned.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="returned_offramp",
                to="wallet.transfer",
            ),
        ),
        migrations.AddField(
            model_name="offramptransaction",
            name="transfer",
            field=models.OneToOneField(
                blank=True,
                db_constraint=False,
                help_text="What took the money out: there exactly once the bank has paid.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offramp",
                to="wallet.transfer",
            ),
        ),
        migrations.AddField(
            model_name="offramptransaction",
            name="wallet",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="offramps",
                to="wallet.wallet",
            ),
        ),
        migrations.AddField(
            model_name="bankevent",
            name="offramp",
            field=models.ForeignKey(
                blank=True,
                help_text="The off-ramp it spoke of, if we know it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="onramp.offramptransaction",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("onramp__isnull", True), ("offramp__isnull", True), _connector="OR"
                ),
                name="bank_event_of_one_payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)),
                fields=("owner", "bank", "number"),
                name="account_once_per_owner",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__regex", "^[0-9]{9,18}$")), name="account_number_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("holder", ""), _negated=True), name="account_holder_named"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("removed_at__isnull", True),
                    ("removed_at__gte", models.F("added_at")),
                    _connector="OR",
                ),
                name="account_removed_after_it_was_added",
            ),
        ),
        migrations.AddIndex(
            model_name="offramptransaction",
            index=models.Index(fields=["wallet", "-created_at"], name="offramp_recent"),
        ),
        migrations.AddIndex(
            model_name="offramptransaction",
            index=models.Index(
                condition=models.Q(("status", "requested")),
                fields=["submits_at"],
                name="offramp_due",
            ),
        ),
        migrations.AddIndex(
            model_name="offramptransaction",
            index=models.Index(
                condition=models.Q(("status", "submitted")),
                fields=["submitted_at"],
                name="offramp_quiet",
            ),
        ),
        migrations.AddIndex(
            model_name="offramptransaction",
            index=models.Index(fields=["status", "-created_at"], name="offramp_by_status"),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.UniqueConstraint(fields=("token",), name="offramp_token_once"),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.UniqueConstraint(
                fields=("wallet", "idempotency_key"), name="offramp_key_once_per_wallet"
            ),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.UniqueConstraint(
                fields=("bank", "bank_reference"), name="offramp_reference_once_per_bank"
            ),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="offramp_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("token__regex", "^[A-Za-z0-9_-]{43,64}$")),
                name="offramp_token_form",
            ),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(("submits_at__gte", models.F("created_at"))),
                name="offramp_submits_after_creation",
            ),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("bank_reference__isnull", True),
                        ("failure_reason", ""),
                        ("return_transfer__isnull", True),
                        ("returned_at__isnull", True),
                        ("settled_at__isnull", True),
                        ("status__in", ["requested", "submitted"]),
                        ("transfer__isnull", True),
                    ),
                    models.Q(
                        ("bank_reference__isnull", False),
                        ("failure_reason", ""),
                        ("return_transfer__isnull", True),
                        ("returned_at__isnull", True),
                        ("settled_at__isnull", False),
                        ("status", "success"),
                        ("transfer__isnull", False),
                    ),
                    models.Q(
                        ("bank_reference__isnull", False),
                        ("return_transfer__isnull", False),
                        ("returned_at__isnull", False),
                        ("settled_at__isnull", False),
                        ("status", "returned"),
                        ("transfer__isnull", False),
                        models.Q(("failure_reason", ""), _negated=True),
                    ),
                    models.Q(
                        ("return_transfer__isnull", True),
                        ("returned_at__isnull", True),
                        ("settled_at__isnull", False),
                        ("status__in", ["failure", "cancelled"]),
                        ("transfer__isnull", True),
                        models.Q(("failure_reason", ""), ("status", "failure"), _negated=True),
                        models.Q(
                            ("bank_reference__isnull", False),
                            ("status", "cancelled"),
                            _negated=True,
                        ),
                    ),
                    _connector="OR",
                ),
                name="offramp_status_fits_its_facts",
            ),
        ),
        migrations.AddConstraint(
            model_name="offramptransaction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("status__in", ["requested", "cancelled"]), ("submitted_at__isnull", True)
                    ),
                    models.Q(
                        models.Q(("status__in", ["requested", "cancelled"]), _negated=True),
                        ("submitted_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="offramp_submitted_before_the_bank_is_asked",
            ),
        ),
    ]
