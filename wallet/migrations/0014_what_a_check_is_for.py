from django.db import migrations, models
from django.db.models import Q

# PostgreSQL reads the text of a CHECK anew in every statement, and a judge's but once for each
# connection. So what only says how rows fit together is a judge's from here on, and a CHECK what
# must not be even where triggers are switched off (docs/decisions/0041). The rules are those of
# 0002 and 0011, the judges otherwise those of 0013: what the books hold passed all of it before.
#
# NULL says otherwise in either judge: of transfers they ask for what is wrong (no column there may
# be NULL but the actor), of entries for the one row that must be there, rules and all.
TRANSFERS = """
CREATE OR REPLACE FUNCTION wallet_judge_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh t
    WHERE t.fingerprint <> wallet_transfer_fingerprint(t.kind, t.source_id, t.target_id,
        t.amount_minor, t.currency, t.actor_id, t.idempotency_key, t.note)
      OR t.kind <> ALL ('{send,onramp,hold,release,payout,return,correction}'::text[])
      OR (t.source_id = t.target_id) <> (t.kind = ANY ('{hold,release}'::text[]))
      OR t.happened_at < '1900-01-01 00:00+00'
      OR t.happened_at >= '2200-01-01 00:00+00'
      OR t.posted_at <= now()
      OR t.posted_at > clock_timestamp()
      OR t.actor_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM wallet_wallet w WHERE w.owner_id = t.actor_id OFFSET 0)
      OR t.kind = 'correction' AND NOT EXISTS (
        SELECT FROM wallet_wallet w WHERE w.id IN (t.source_id, t.target_id)
          AND w.kind IN ('settlement', 'suspense') OFFSET 0)
      OR NOT ARRAY(SELECT e.wallet_id FROM wallet_entry e WHERE e.transfer_id = t.id)
        @> ARRAY[t.source_id, t.target_id]
  ) THEN
    RAISE 'a transfer is of no kind, or has not its wallets, entries, fingerprint, times or actor'
      USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
"""
ENTRIES = """
CREATE OR REPLACE FUNCTION wallet_judge_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh e WHERE NOT EXISTS (
      SELECT FROM wallet_transfer t
      JOIN wallet_wallet w ON w.id = e.wallet_id
      LEFT JOIN wallet_entry p ON p.wallet_id = e.wallet_id AND p.version = e.version - 1
      LEFT JOIN wallet_balance b ON b.wallet_id = e.wallet_id
      WHERE t.id = e.transfer_id
        AND e.wallet_id IN (t.source_id, t.target_id)
        AND e.currency = t.currency
        AND e.currency = w.currency
        AND w.tracks_balance = (e.version IS NOT NULL)
        AND (e.version >= 1
            AND e.available_after_minor = e.available_before_minor + e.delta_available_minor
            AND e.locked_after_minor = e.locked_before_minor + e.delta_locked_minor
          OR coalesce(e.version, e.available_before_minor, e.available_after_minor,
            e.locked_before_minor, e.locked_after_minor) IS NULL)
        AND (e.wallet_id <> t.source_id OR t.kind = 'correction'
          OR (w.kind = 'settlement') = (t.kind IN ('onramp', 'return')))
        AND (e.wallet_id <> t.target_id OR t.kind = 'correction'
          OR (w.kind = 'settlement') = (t.kind = 'payout'))
        AND e.delta_locked_minor + e.delta_available_minor = CASE
          WHEN t.source_id = t.target_id THEN 0
          WHEN e.wallet_id = t.source_id THEN -t.amount_minor
          ELSE t.amount_minor END
        AND e.delta_locked_minor = CASE
          WHEN t.kind = 'hold' THEN t.amount_minor
          WHEN t.kind = 'release' OR t.kind = 'payout' AND e.wallet_id = t.source_id
            THEN -t.amount_minor
          ELSE 0 END
        AND e.happened_at = t.happened_at
        AND e.created_at = t.posted_at
        AND e.hash = wallet_entry_hash(e.prev_hash, t.public_id, t.fingerprint, e.wallet_id,
          e.currency, e.version, e.delta_available_minor, e.delta_locked_minor,
          e.available_after_minor, e.locked_after_minor, e.happened_at, e.created_at)
        AND (p.id IS NOT NULL OR coalesce(e.version, 1) = 1)
        AND e.prev_hash = coalesce(p.hash, decode(repeat('00', 32), 'hex'))
        AND coalesce(e.available_before_minor, 0) = coalesce(p.available_after_minor, 0)
        AND coalesce(e.locked_before_minor, 0) = coalesce(p.locked_after_minor, 0)
        AND coalesce(e.happened_at >= p.happened_at, true)
        AND (e.version <= b.version OR e.version IS NULL)
      OFFSET 0)
  ) THEN
    RAISE 'an entry does not add up, fit its transfer and its balance, or follow the one before it'
      USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
"""
BALANCES = """
CREATE OR REPLACE FUNCTION wallet_judge_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh b WHERE coalesce((
        SELECT e.version = b.version
        AND e.available_after_minor = b.available_minor
        AND e.locked_after_minor = b.locked_minor
        AND e.hash = b.head_hash
        AND e.happened_at = b.happened_at
        FROM wallet_entry e WHERE e.wallet_id = b.wallet_id AND e.version >= b.version
        ORDER BY e.version DESC LIMIT 1
      ), b.version = 0 AND b.available_minor = 0 AND b.locked_minor = 0
          AND b.head_hash = decode(repeat('00', 32), 'hex')
          AND b.happened_at IS NULL) IS NOT TRUE
  ) THEN
    RAISE 'a balance differs from its newest entry' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
"""

# CREATE OR REPLACE takes back what was set: without a path of its own a judge would read a forged
# temporary table instead of ours.
PATHS = """
DO $$
DECLARE judge text;
BEGIN
  FOREACH judge IN ARRAY ARRAY['transfers', 'entries', 'balances'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'wallet_judge_' || judge, current_schema());
  END LOOP;
END $$;
"""

CHECKS = """
ALTER TABLE wallet_entry
  DROP CONSTRAINT entry_after_is_before_plus_delta,
  ADD CONSTRAINT entry_not_negative
    CHECK (available_after_minor >= 0 AND locked_after_minor >= 0);
ALTER TABLE wallet_transfer
  DROP CONSTRAINT transfer_wallets_differ,
  DROP CONSTRAINT transfer_kind_known,
  DROP CONSTRAINT transfer_happened_in_our_time;
"""
CHECKS_BACK = """
ALTER TABLE wallet_entry
  DROP CONSTRAINT entry_not_negative,
  ADD CONSTRAINT entry_after_is_before_plus_delta CHECK (
    (available_after_minor = available_before_minor + delta_available_minor
      AND locked_after_minor = locked_before_minor + delta_locked_minor
      AND available_after_minor >= 0 AND locked_after_minor >= 0 AND version >= 1) IS TRUE
    OR coalesce(version, available_before_minor, available_after_minor, locked_before_minor,
      locked_after_minor) IS NULL);
ALTER TABLE wallet_transfer
  ADD CONSTRAINT transfer_wallets_differ
    CHECK ((source_id = target_id) = (kind = ANY ('{hold,release}'::text[]))),
  ADD CONSTRAINT transfer_kind_known CHECK (
    kind = ANY ('{send,onramp,hold,release,payout,return,correction}'::text[])),
  ADD CONSTRAINT transfer_happened_in_our_time
    CHECK (happened_at >= '1900-01-01 00:00+00' AND happened_at < '2200-01-01 00:00+00');
"""
# transfer_happened_in_our_time was never the models'.
STATE = [
    migrations.RemoveConstraint("entry", "entry_after_is_before_plus_delta"),
    migrations.RemoveConstraint("transfer", "transfer_wallets_differ"),
    migrations.RemoveConstraint("transfer", "transfer_kind_known"),
    migrations.AddConstraint(
        "entry",
        models.CheckConstraint(
            condition=Q(available_after_minor__gte=0, locked_after_minor__gte=0),
            name="entry_not_negative",
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [("wallet", "0013_what_must_be_there")]
    operations = [
        # Going back keeps the judges: they refuse what those before refused.
        migrations.RunSQL(
            TRANSFERS + ENTRIES + BALANCES + PATHS, reverse_sql=migrations.RunSQL.noop
        ),
        migrations.RunSQL(CHECKS, reverse_sql=CHECKS_BACK, state_operations=STATE),
    ]
