import uuid

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

# As in 0007, for seven kinds of transfer. What each kind does to which wallet is said once, here:
#   send, onramp, return, correction   available of the source to available of the target
#   hold, release                      available to locked of one wallet, and back: one entry
#   payout                             locked of the source to a bank
# The total an entry moves is judged with its transfer, the locked part of it with the entry.
JUDGES = """
CREATE OR REPLACE FUNCTION wallet_judge_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh t
    LEFT JOIN LATERAL (
      SELECT count(*) AS entries,
        sum(e.delta_available_minor + e.delta_locked_minor)
          FILTER (WHERE e.wallet_id = t.source_id) AS source_delta,
        sum(e.delta_available_minor + e.delta_locked_minor)
          FILTER (WHERE e.wallet_id = t.target_id) AS target_delta
      FROM wallet_entry e WHERE e.transfer_id = t.id
    ) made ON true
    WHERE made.entries <> CASE WHEN t.source_id = t.target_id THEN 1 ELSE 2 END
      OR made.source_delta IS DISTINCT FROM
        CASE WHEN t.source_id = t.target_id THEN 0 ELSE -t.amount_minor END
      OR t.source_id <> t.target_id AND made.target_delta IS DISTINCT FROM t.amount_minor
  ) THEN
    RAISE 'a transfer has not the entries of its kind' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM fresh t
    WHERE t.fingerprint <> wallet_transfer_fingerprint(t.kind, t.source_id, t.target_id,
        t.amount_minor, t.currency, t.actor_id, t.idempotency_key, t.note)
      OR t.posted_at <= now()
      OR t.posted_at > clock_timestamp()
      OR t.kind = 'correction' AND NOT EXISTS (
        SELECT FROM wallet_wallet w WHERE w.id IN (t.source_id, t.target_id)
          AND w.kind IN ('settlement', 'suspense'))
  ) THEN
    RAISE 'a transfer does not match its fingerprint, the clock or its kind'
      USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION wallet_judge_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT transfer_id, count(*) AS added FROM fresh GROUP BY transfer_id) f
    WHERE (SELECT count(*) FROM wallet_entry e WHERE e.transfer_id = f.transfer_id) <> f.added
  ) THEN
    RAISE 'entries were added to an older transfer' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM fresh e
    LEFT JOIN wallet_transfer t ON t.id = e.transfer_id
    LEFT JOIN wallet_wallet w ON w.id = e.wallet_id
    LEFT JOIN wallet_entry p ON p.wallet_id = e.wallet_id AND p.version = e.version - 1
    WHERE t.id IS NULL
      OR w.tracks_balance IS DISTINCT FROM (e.version IS NOT NULL)
      OR e.currency <> t.currency
      OR e.currency <> w.currency
      OR e.wallet_id = t.source_id AND t.kind <> 'correction'
        AND (w.kind = 'settlement') <> (t.kind IN ('onramp', 'return'))
      OR e.wallet_id = t.target_id AND t.kind <> 'correction'
        AND (w.kind = 'settlement') <> (t.kind = 'payout')
      OR e.delta_locked_minor <> CASE
        WHEN t.kind = 'hold' THEN t.amount_minor
        WHEN t.kind = 'release' OR t.kind = 'payout' AND e.wallet_id = t.source_id
          THEN -t.amount_minor
        ELSE 0 END
      OR e.happened_at <> t.happened_at
      OR e.created_at <> t.posted_at
      OR e.hash <> wallet_entry_hash(e.prev_hash, t.public_id, t.fingerprint, e.wallet_id,
        e.currency, e.version, e.delta_available_minor, e.delta_locked_minor,
        e.available_after_minor, e.locked_after_minor, e.happened_at, e.created_at)
      OR e.version > 1 AND p.id IS NULL
      OR e.prev_hash <> coalesce(p.hash, decode(repeat('00', 32), 'hex'))
      OR e.available_before_minor <> coalesce(p.available_after_minor, 0)
      OR e.locked_before_minor <> coalesce(p.locked_after_minor, 0)
      OR e.happened_at < p.happened_at
  ) THEN
    RAISE 'an entry does not fit its transfer, or does not follow its wallet''s previous entry'
      USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM (
      SELECT wallet_id, max(version) AS version FROM fresh WHERE version IS NOT NULL
      GROUP BY wallet_id
    ) f
    LEFT JOIN wallet_balance b USING (wallet_id)
    WHERE b.version IS DISTINCT FROM f.version
  ) THEN
    RAISE 'entries were added without their balance' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
"""

HOLDS = """
ALTER TABLE wallet_hold
  ADD CONSTRAINT hold_wallet_currency FOREIGN KEY (wallet_id, currency)
    REFERENCES wallet_wallet (id, currency);

CREATE FUNCTION wallet_judge_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh h
    LEFT JOIN wallet_transfer t ON t.id = h.transfer_id
    WHERE t.kind IS DISTINCT FROM 'hold'
      OR t.source_id <> h.wallet_id
      OR t.amount_minor <> h.amount_minor
  ) THEN
    RAISE 'the transfer is not what set this hold aside' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER hold_judged AFTER INSERT ON wallet_hold
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_holds();

CREATE TRIGGER hold_begins_whole BEFORE INSERT ON wallet_hold
  FOR EACH ROW WHEN (NEW.captured_minor <> 0 OR NEW.released_minor <> 0)
  EXECUTE FUNCTION wallet_refuse('it begins with all of its amount');
CREATE TRIGGER hold_keeps_its_terms BEFORE UPDATE ON wallet_hold
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.wallet_id, NEW.transfer_id, NEW.purpose, NEW.amount_minor,
      NEW.currency, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.wallet_id, OLD.transfer_id, OLD.purpose, OLD.amount_minor,
      OLD.currency, OLD.created_at, OLD.expires_at))
  EXECUTE FUNCTION wallet_refuse('its terms never change');
CREATE TRIGGER hold_parts_only_grow BEFORE UPDATE ON wallet_hold
  FOR EACH ROW WHEN (
    NEW.captured_minor < OLD.captured_minor OR NEW.released_minor < OLD.released_minor
    OR OLD.status = 'closed')
  EXECUTE FUNCTION wallet_refuse('what was captured or released stays so');
CREATE TRIGGER hold_stays BEFORE DELETE OR TRUNCATE ON wallet_hold
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('release a hold instead');
"""
NO_HOLDS = """
DROP FUNCTION wallet_judge_holds CASCADE;
DROP TRIGGER hold_begins_whole ON wallet_hold;
DROP TRIGGER hold_keeps_its_terms ON wallet_hold;
DROP TRIGGER hold_parts_only_grow ON wallet_hold;
DROP TRIGGER hold_stays ON wallet_hold;
ALTER TABLE wallet_hold DROP CONSTRAINT hold_wallet_currency;
"""

# Judged at COMMIT, because the hold's row names the transfer that is posted before it: two
# statements of one transaction. Only a change of the locked money asks; WHEN is looked at without
# queueing anything, so a payment pays for one comparison. The balance's lock is held until COMMIT,
# so nobody else changes the wallet's locked money between this look and the end.
LOCKED = """
CREATE FUNCTION wallet_judge_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT b.locked_minor FROM wallet_balance b WHERE b.wallet_id = NEW.wallet_id)
    IS DISTINCT FROM (
      SELECT coalesce(sum(h.amount_minor - h.captured_minor - h.released_minor), 0)
      FROM wallet_hold h WHERE h.wallet_id = NEW.wallet_id AND h.status = 'open')
  THEN
    RAISE 'a wallet''s locked money is not what its open holds set aside' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balance_made_with_holds AFTER INSERT ON wallet_balance
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.locked_minor <> 0)
  EXECUTE FUNCTION wallet_judge_locked();
CREATE CONSTRAINT TRIGGER balance_locked_by_holds AFTER UPDATE ON wallet_balance
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.locked_minor <> OLD.locked_minor)
  EXECUTE FUNCTION wallet_judge_locked();
CREATE CONSTRAINT TRIGGER hold_locks_its_money AFTER INSERT OR UPDATE ON wallet_hold
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wallet_judge_locked();
"""
NO_LOCKED = "DROP FUNCTION wallet_judge_locked CASCADE;"

# CREATE OR REPLACE takes back what 0002 and 0007 set: without a path of its own a judge would read
# a forged temporary table instead of ours.
PATHS = """
DO $$
DECLARE judge text;
BEGIN
  FOREACH judge IN ARRAY ARRAY['transfers', 'entries', 'holds', 'locked'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'wallet_judge_' || judge, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0007_judged_not_looked_up"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "purpose",
                    models.CharField(choices=[("withdrawal", "Withdrawal")], max_length=16),
                ),
                (
                    "amount_minor",
                    models.BigIntegerField(help_text="Minor units of the wallet's currency."),
                ),
                ("currency", models.CharField(max_length=3)),
                (
                    "captured_minor",
                    models.BigIntegerField(default=0, help_text="What has left the wallet."),
                ),
                (
                    "released_minor",
                    models.BigIntegerField(default=0, help_text="What may be spent again."),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Released then; empty where only its owner's act ends it.",
                        null=True,
                    ),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="transfer",
            name="transfer_wallets_differ",
        ),
        migrations.RemoveConstraint(
            model_name="transfer",
            name="transfer_kind_known",
        ),
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(
                choices=[
                    ("send", "Sent"),
                    ("onramp", "Added"),
                    ("hold", "On hold"),
                    ("release", "Released"),
                    ("payout", "Withdrawn"),
                    ("return", "Returned"),
                    ("correction", "Corrected"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ["hold", "release"]), ("source", models.F("target"))),
                    models.Q(
                        models.Q(("source", models.F("target")), _negated=True),
                        models.Q(("kind__in", ["hold", "release"]), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="transfer_wallets_differ",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["send", "onramp", "hold", "release", "payout", "return", "correction"],
                    )
                ),
                name="transfer_kind_known",
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="transfer",
            field=models.OneToOneField(
                db_constraint=False,
                help_text="What set it aside.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="hold",
                to="wallet.transfer",
            ),
        ),
        migrations.AddField(
            model_name="hold",
            name="wallet",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="holds",
                to="wallet.wallet",
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("status", "open")),
                fields=["wallet"],
                name="hold_open_by_wallet",
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(
                condition=models.Q(("status", "open")), fields=["expires_at"], name="hold_overdue"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor__gt", 0)), name="hold_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("captured_minor__gte", 0), ("released_minor__gte", 0)),
                name="hold_parts_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "captured_minor",
                            django.db.models.expressions.CombinedExpression(
                                models.F("amount_minor"), "-", models.F("released_minor")
                            ),
                        ),
                        ("closed_at__isnull", False),
                        ("status", "closed"),
                    ),
                    models.Q(
                        (
                            "captured_minor__lt",
                            django.db.models.expressions.CombinedExpression(
                                models.F("amount_minor"), "-", models.F("released_minor")
                            ),
                        ),
                        ("closed_at__isnull", True),
                        ("status", "open"),
                    ),
                    _connector="OR",
                ),
                name="hold_closed_when_nothing_remains",
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["withdrawal"])), name="hold_purpose_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("expires_at__isnull", True),
                    ("expires_at__gt", models.F("created_at")),
                    _connector="OR",
                ),
                name="hold_expires_after_creation",
            ),
        ),
        # The older judges know fewer kinds: whoever goes back has none of the newer transfers.
        migrations.RunSQL(JUDGES, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(HOLDS, reverse_sql=NO_HOLDS),
        migrations.RunSQL(LOCKED, reverse_sql=NO_LOCKED),
        migrations.RunSQL(PATHS, reverse_sql=migrations.RunSQL.noop),
    ]
