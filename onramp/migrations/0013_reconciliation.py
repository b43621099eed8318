import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0012_failed_withdrawals_are_told"),
        ("wallet", "0008_held_money"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Statement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "bank",
                    models.CharField(help_text="Who gave it: the value of BANK.", max_length=32),
                ),
                ("day", models.DateField(help_text="The bank's booking day.")),
                ("format", models.CharField(max_length=12)),
                ("sha256", models.BinaryField(max_length=32)),
                ("loaded_at", models.DateTimeField()),
                ("superseded_at", models.DateTimeField(blank=True, null=True)),
                ("matched_at", models.DateTimeField(blank=True, null=True)),
                (
                    "is_whole",
                    models.BooleanField(
                        default=False, help_text="Whether the day was over when the bank gave it."
                    ),
                ),
                ("lines", models.PositiveIntegerField(default=0)),
                ("matched", models.PositiveIntegerField(default=0)),
                ("missing_here", models.PositiveIntegerField(default=0)),
                ("differs", models.PositiveIntegerField(default=0)),
                ("repeated", models.PositiveIntegerField(default=0)),
                ("waiting", models.PositiveIntegerField(default=0)),
                ("missing_there", models.PositiveIntegerField(default=0)),
                ("waiting_there", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["-day", "-id"], name="statement_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("superseded_at__isnull", True)),
                        fields=("bank", "day"),
                        name="statement_current_once_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("matched_at__isnull", True),
                            (
                                "lines",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            django.db.models.expressions.CombinedExpression(
                                                models.F("matched"), "+", models.F("missing_here")
                                            ),
                                            "+",
                                            models.F("differs"),
                                        ),
                                        "+",
                                        models.F("repeated"),
                                    ),
                                    "+",
                                    models.F("waiting"),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="statement_counts_each_line_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Break",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "key",
                    models.CharField(
                        help_text="The facts as one text: found once.", max_length=300
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("missing_here", "Missing here"),
                            ("missing_there", "Missing at the bank"),
                            ("differs", "Amount differs"),
                            ("repeated", "Listed again"),
                        ],
                        max_length=16,
                    ),
                ),
                ("subject", models.CharField(max_length=160)),
                ("bank", models.CharField(help_text="The bank's code.", max_length=36)),
                ("bank_reference", models.CharField(blank=True, max_length=64)),
                (
                    "happened_at",
                    models.DateTimeField(help_text="When it was booked, there or here."),
                ),
                ("theirs_minor", models.BigIntegerField(help_text="What the bank says, signed.")),
                ("theirs_currency", models.CharField(max_length=3)),
                (
                    "ours_minor",
                    models.BigIntegerField(help_text="What we posted for it at first, signed."),
                ),
                ("currency", models.CharField(max_length=3)),
                ("found_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("corrected", "Corrected"),
                            ("explained", "Explained"),
                            ("cleared", "Cleared by a statement"),
                        ],
                        default="open",
                        max_length=12,
                    ),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "offramp",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="breaks",
                        to="onramp.offramptransaction",
                    ),
                ),
                (
                    "onramp",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="breaks",
                        to="onramp.onramptransaction",
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Whose movement it is, where we know.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="wallet.wallet",
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        help_text="The one that showed it last.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="breaks",
                        to="onramp.statement",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                (
                    "bank",
                    models.CharField(
                        help_text="The account, as the bank writes it.", max_length=36
                    ),
                ),
                ("bank_reference", models.CharField(max_length=64)),
                ("token", models.CharField(blank=True, max_length=128)),
                ("reference", models.CharField(blank=True, max_length=64)),
                ("kind", models.CharField(max_length=12)),
                ("is_credit", models.BooleanField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("booked_at", models.DateTimeField()),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booked",
                        to="onramp.statement",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BreakAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("found", "Found"),
                            ("found_again", "Found again"),
                            ("cleared", "Cleared by a statement"),
                            ("assigned", "Assigned"),
                            ("noted", "Noted"),
                            ("explained", "Closed with an explanation"),
                            ("proposed", "Proposed a correction"),
                            ("approved", "Approved the correction"),
                            ("declined", "Declined the correction"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acts",
                        to="onramp.break",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("by__isnull", True),
                                ("kind__in", ["found", "found_again", "cleared"]),
                            ),
                            models.Q(
                                ("by__isnull", False),
                                (
                                    "kind__in",
                                    [
                                        "assigned",
                                        "noted",
                                        "explained",
                                        "proposed",
                                        "approved",
                                        "declined",
                                    ],
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="break_act_of_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("kind__in", ["noted", "explained", "declined"]), _negated=True
                            ),
                            models.Q(("text", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="break_act_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("is_credit", models.BooleanField()),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "reason",
                    models.CharField(
                        help_text="The person reads this in their history.", max_length=280
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Waiting for a second person"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                        ],
                        default="proposed",
                        max_length=12,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "maker",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "of",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="onramp.break",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="wallet.wallet",
                    ),
                ),
                (
                    "transfer",
                    models.OneToOneField(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="correction",
                        to="wallet.transfer",
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="corrections",
                        to="wallet.wallet",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("propose_correction", "Can propose corrections"),
                    ("approve_correction", "Can approve corrections"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)),
                        name="correction_amount_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="correction_says_why",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")),
                        fields=("of",),
                        name="correction_proposed_once_for_a_break",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "approved"), _negated=True),
                            models.Q(("decided_by", models.F("maker")), _negated=True),
                            _connector="OR",
                        ),
                        name="correction_takes_two",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", True),
                                ("decided_by__isnull", True),
                                ("status", "proposed"),
                                ("transfer__isnull", True),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("status", "approved"),
                                ("transfer__isnull", False),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("status", "declined"),
                                ("transfer__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="correction_status_fits_its_facts",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="break",
            index=models.Index(fields=["status", "-id"], name="break_by_status"),
        ),
        migrations.AddIndex(
            model_name="break",
            index=models.Index(fields=["kind", "-id"], name="break_by_kind"),
        ),
        migrations.AddIndex(
            model_name="break",
            index=models.Index(fields=["subject"], name="break_by_subject"),
        ),
        migrations.AddConstraint(
            model_name="break",
            constraint=models.UniqueConstraint(fields=("key",), name="break_once"),
        ),
        migrations.AddConstraint(
            model_name="break",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "corrected", "explained", "cleared"])),
                name="break_status_known",
            ),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(
                condition=models.Q(("token", ""), _negated=True),
                fields=["token"],
                name="statement_line_token",
            ),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["bank_reference", "bank"], name="statement_line_reference"),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(
                condition=models.Q(("token", "")), fields=["reference"], name="statement_line_ours"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(
                fields=("statement", "number"), name="statement_line_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="statement_line_amount_positive"
            ),
        ),
    ]
