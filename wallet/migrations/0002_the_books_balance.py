from django.db import migrations

# The currency of every transfer and entry is its wallets' own: no sum can mix two currencies.
CURRENCY_KEYS = """
ALTER TABLE wallet_transfer
  ADD CONSTRAINT transfer_source_currency FOREIGN KEY (source_id, currency)
    REFERENCES wallet_wallet (id, currency),
  ADD CONSTRAINT transfer_target_currency FOREIGN KEY (target_id, currency)
    REFERENCES wallet_wallet (id, currency);
ALTER TABLE wallet_entry
  ADD CONSTRAINT entry_wallet_currency FOREIGN KEY (wallet_id, currency)
    REFERENCES wallet_wallet (id, currency);
-- Balances change in place (HOT): no index but the primary key, and room on each page.
ALTER TABLE wallet_balance SET (fillfactor = 70);
"""
NO_CURRENCY_KEYS = """
ALTER TABLE wallet_transfer
  DROP CONSTRAINT transfer_source_currency, DROP CONSTRAINT transfer_target_currency;
ALTER TABLE wallet_entry DROP CONSTRAINT entry_wallet_currency;
ALTER TABLE wallet_balance RESET (fillfactor);
"""

# Rules of single rows that no later statement may bend.
ROWS = """
ALTER TABLE wallet_wallet
  -- Only a bank's side may go below zero, and only a bank's word takes money from it: any other
  -- wallet without a counted balance would be a mint.
  ADD CONSTRAINT wallet_only_settlement_keeps_no_balance
    CHECK (tracks_balance OR kind = 'settlement');
ALTER TABLE wallet_transfer
  -- A wallet's history never runs backwards, so one date that no program can read would close it.
  ADD CONSTRAINT transfer_happened_in_our_time
    CHECK (happened_at >= '1900-01-01 00:00+00' AND happened_at < '2200-01-01 00:00+00');
"""
NO_ROWS = """
ALTER TABLE wallet_wallet DROP CONSTRAINT wallet_only_settlement_keeps_no_balance;
ALTER TABLE wallet_transfer DROP CONSTRAINT transfer_happened_in_our_time;
"""

# The same bytes as wallet/journal.py hashes. The idempotency key salts the note: a note alone
# could be guessed from its hash. RETURN binds every name now, whatever search_path says later.
HASHES = """
CREATE FUNCTION wallet_transfer_fingerprint(
  kind text, source_id bigint, target_id bigint, amount_minor bigint, currency text,
  actor_id bigint, idempotency_key uuid, note text
) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN sha256(convert_to(
    'transfer-1|' || kind || '|' || source_id || '|' || target_id || '|' || amount_minor || '|' ||
    currency || '|' || coalesce(actor_id::text, '') || '|' || idempotency_key || '|' || note,
    'UTF8'));
CREATE FUNCTION wallet_entry_hash(
  prev_hash bytea, transfer_public_id uuid, fingerprint bytea, wallet_id bigint, currency text,
  version bigint, delta_available bigint, delta_locked bigint, available_after bigint,
  locked_after bigint, happened_at timestamptz, created_at timestamptz
) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN sha256(prev_hash || convert_to(
    'entry-1|' || transfer_public_id || '|' || encode(fingerprint, 'hex') || '|' || wallet_id ||
    '|' || currency || '|' || coalesce(version::text, '') || '|' || delta_available || '|' ||
    delta_locked || '|' || coalesce(available_after::text, '') || '|' ||
    coalesce(locked_after::text, '') || '|' ||
    (extract(epoch FROM happened_at) * 1000000)::bigint || '|' ||
    (extract(epoch FROM created_at) * 1000000)::bigint,
    'UTF8'));
"""
NO_HASHES = "DROP FUNCTION wallet_transfer_fingerprint, wallet_entry_hash;"

# Judged once, at the end of the posting statement, over all the rows it wrote: one transfer costs
# the same as with row triggers, and a batch may move a wallet by several versions at once.
#
# Each WHERE and OR below is one rule, and tests/wallet/test_guards.py takes each away by itself.
# Joins are outer: foreign keys may wait until COMMIT, and a row that is not there yet is no excuse.
# A first entry follows nothing: no row p (or e), so what came before is zero and the hash is zeros.
JUDGES = """
CREATE FUNCTION wallet_judge_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
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
    WHERE made.entries <> 2
      OR made.source_delta IS DISTINCT FROM -t.amount_minor
      OR made.target_delta IS DISTINCT FROM t.amount_minor
  ) THEN
    RAISE 'a transfer has no two entries that cancel out' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM fresh t
    WHERE t.fingerprint <> wallet_transfer_fingerprint(t.kind, t.source_id, t.target_id,
        t.amount_minor, t.currency, t.actor_id, t.idempotency_key, t.note)
      OR t.posted_at <= now()
      OR t.posted_at > clock_timestamp()
  ) THEN
    RAISE 'a transfer does not match its fingerprint or the clock' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION wallet_judge_entries() RETURNS trigger LANGUAGE plpgsql AS $$
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
      OR e.wallet_id = t.source_id AND (w.kind = 'settlement') <> (t.kind = 'onramp')
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
    RAISE 'an entry does not follow its wallet''s previous entry' USING ERRCODE = '23514';
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

CREATE FUNCTION wallet_judge_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh b
    LEFT JOIN wallet_wallet w ON w.id = b.wallet_id
    LEFT JOIN wallet_entry e ON e.wallet_id = b.wallet_id AND e.version = b.version
    WHERE w.tracks_balance IS NOT TRUE
      OR b.version <> 0 AND e.id IS NULL
      OR b.available_minor <> coalesce(e.available_after_minor, 0)
      OR b.locked_minor <> coalesce(e.locked_after_minor, 0)
      OR b.head_hash <> coalesce(e.hash, decode(repeat('00', 32), 'hex'))
      OR b.happened_at IS DISTINCT FROM e.happened_at
      OR EXISTS (
        SELECT FROM wallet_entry n WHERE n.wallet_id = b.wallet_id AND n.version = b.version + 1)
  ) THEN
    RAISE 'a balance differs from its newest entry' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER transfer_judged AFTER INSERT ON wallet_transfer
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_transfers();
CREATE TRIGGER entry_judged AFTER INSERT ON wallet_entry
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_entries();
CREATE TRIGGER balance_judged_when_made AFTER INSERT ON wallet_balance
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_balances();
CREATE TRIGGER balance_judged_when_changed AFTER UPDATE ON wallet_balance
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_balances();
"""
NO_JUDGES = """
DROP FUNCTION wallet_judge_transfers, wallet_judge_entries, wallet_judge_balances CASCADE;
"""

# Anybody may make temporary tables, and those are found first: without a path of its own a judge
# would read a forged wallet_entry instead of ours.
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


class Migration(migrations.Migration):
    dependencies = [("wallet", "0001_initial")]
    operations = [
        migrations.RunSQL(CURRENCY_KEYS, reverse_sql=NO_CURRENCY_KEYS),
        migrations.RunSQL(ROWS, reverse_sql=NO_ROWS),
        migrations.RunSQL(HASHES, reverse_sql=NO_HASHES),
        migrations.RunSQL(JUDGES, reverse_sql=NO_JUDGES),
        migrations.RunSQL(PATHS, reverse_sql=migrations.RunSQL.noop),
    ]
