from django.db import migrations

ACCOUNTS = """
CREATE TRIGGER account_keeps_what_it_says BEFORE UPDATE ON onramp_bankaccount
  FOR EACH ROW WHEN (
    OLD.removed_at IS NOT NULL
    OR (NEW.id, NEW.public_id, NEW.owner_id, NEW.bank, NEW.holder, NEW.number, NEW.added_at)
      IS DISTINCT FROM
      (OLD.id, OLD.public_id, OLD.owner_id, OLD.bank, OLD.holder, OLD.number, OLD.added_at))
  EXECUTE FUNCTION onramp_refuse('it is removed once, and says what it said');
CREATE TRIGGER account_stays BEFORE DELETE OR TRUNCATE ON onramp_bankaccount
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('remove an account instead');
"""
NO_ACCOUNTS = """
DROP TRIGGER account_keeps_what_it_says ON onramp_bankaccount;
DROP TRIGGER account_stays ON onramp_bankaccount;
"""

# As with on-ramps: a row is compared where it stands, what it names is looked up once for all that
# a statement wrote.
OFFRAMPS = """
ALTER TABLE onramp_offramptransaction
  ADD CONSTRAINT offramp_wallet_currency FOREIGN KEY (wallet_id, currency)
    REFERENCES wallet_wallet (id, currency);

CREATE TRIGGER offramp_begins_as_requested BEFORE INSERT ON onramp_offramptransaction
  FOR EACH ROW WHEN (NEW.status <> 'requested')
  EXECUTE FUNCTION onramp_refuse('it begins as requested');
CREATE TRIGGER offramp_keeps_its_terms BEFORE UPDATE ON onramp_offramptransaction
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.token, NEW.wallet_id, NEW.account_id, NEW.bank, NEW.amount_minor,
      NEW.currency, NEW.idempotency_key, NEW.hold_id, NEW.created_at, NEW.submits_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.token, OLD.wallet_id, OLD.account_id, OLD.bank, OLD.amount_minor,
      OLD.currency, OLD.idempotency_key, OLD.hold_id, OLD.created_at, OLD.submits_at))
  EXECUTE FUNCTION onramp_refuse('its terms never change');
CREATE TRIGGER offramp_moves_on BEFORE UPDATE ON onramp_offramptransaction
  FOR EACH ROW WHEN (
    (OLD.status, NEW.status) NOT IN (
      ('requested', 'submitted'), ('requested', 'cancelled'), ('submitted', 'success'),
      ('submitted', 'failure'), ('success', 'returned'))
    OR OLD.status <> 'requested' AND NEW.submitted_at <> OLD.submitted_at
    OR OLD.status = 'success' AND (NEW.transfer_id, NEW.bank_reference, NEW.settled_at)
      <> (OLD.transfer_id, OLD.bank_reference, OLD.settled_at))
  EXECUTE FUNCTION onramp_refuse('it moves from step to step, and keeps what happened');
CREATE TRIGGER offramp_stays BEFORE DELETE OR TRUNCATE ON onramp_offramptransaction
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what was asked of a bank is kept');

CREATE FUNCTION onramp_judge_requests() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh o
    LEFT JOIN wallet_hold h ON h.id = o.hold_id
    LEFT JOIN wallet_wallet w ON w.id = o.wallet_id
    LEFT JOIN onramp_bankaccount a ON a.id = o.account_id
    WHERE h.purpose IS DISTINCT FROM 'withdrawal'
      OR h.wallet_id <> o.wallet_id
      OR h.amount_minor <> o.amount_minor
      OR h.expires_at IS NOT NULL
      OR a.owner_id IS DISTINCT FROM w.owner_id
      OR a.bank <> o.bank
      OR a.removed_at IS NOT NULL
  ) THEN
    RAISE 'the hold or the account is not that of this withdrawal' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER offramp_has_its_hold AFTER INSERT ON onramp_offramptransaction
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_judge_requests();

CREATE FUNCTION onramp_judge_payouts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh o
    LEFT JOIN wallet_transfer t ON t.id = o.transfer_id
    LEFT JOIN wallet_transfer r ON r.id = o.return_transfer_id
    WHERE o.transfer_id IS NOT NULL
        AND (t.kind, t.source_id, t.amount_minor)
          IS DISTINCT FROM ('payout', o.wallet_id, o.amount_minor)
      OR o.return_transfer_id IS NOT NULL
        AND (r.kind, r.source_id, r.target_id, r.amount_minor)
          IS DISTINCT FROM ('return', t.target_id, o.wallet_id, o.amount_minor)
  ) THEN
    RAISE 'the transfer is not the payout or the return of this withdrawal'
      USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER offramp_has_its_transfers AFTER UPDATE ON onramp_offramptransaction
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_judge_payouts();
"""
NO_OFFRAMPS = """
DROP TRIGGER offramp_begins_as_requested ON onramp_offramptransaction;
DROP TRIGGER offramp_keeps_its_terms ON onramp_offramptransaction;
DROP TRIGGER offramp_moves_on ON onramp_offramptransaction;
DROP TRIGGER offramp_stays ON onramp_offramptransaction;
DROP FUNCTION onramp_judge_requests, onramp_judge_payouts CASCADE;
ALTER TABLE onramp_offramptransaction DROP CONSTRAINT offramp_wallet_currency;
"""

# Judged at COMMIT: the money moves first, then its hold and its withdrawal say so. While a bank may
# be paying, its money stays on hold, whoever would release it; and money leaves or comes back only
# for a withdrawal.
AT_COMMIT = """
CREATE FUNCTION onramp_hold_ends_with_its_offramp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM onramp_offramptransaction o JOIN wallet_hold h ON h.id = o.hold_id
    WHERE (TG_TABLE_NAME = 'wallet_hold' AND o.hold_id = NEW.id
        OR TG_TABLE_NAME <> 'wallet_hold' AND o.id = NEW.id)
      AND (h.captured_minor, h.released_minor) <> (
        CASE WHEN o.status IN ('success', 'returned') THEN o.amount_minor ELSE 0 END,
        CASE WHEN o.status IN ('failure', 'cancelled') THEN o.amount_minor ELSE 0 END)
  ) THEN
    RAISE 'a withdrawal and its hold do not say the same' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER offramp_ends_with_its_hold
  AFTER INSERT OR UPDATE ON onramp_offramptransaction
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION onramp_hold_ends_with_its_offramp();
CREATE CONSTRAINT TRIGGER hold_ends_with_its_offramp AFTER UPDATE ON wallet_hold
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION onramp_hold_ends_with_its_offramp();

CREATE FUNCTION onramp_payout_was_asked_for() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM onramp_offramptransaction o
    WHERE NEW.kind = 'payout' AND o.transfer_id = NEW.id
      OR NEW.kind = 'return' AND o.return_transfer_id = NEW.id
  ) THEN
    RAISE 'a payout or a return that no withdrawal asked for' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payout_was_asked_for AFTER INSERT ON wallet_transfer
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind IN ('payout', 'return'))
  EXECUTE FUNCTION onramp_payout_was_asked_for();
"""
NO_AT_COMMIT = """
DROP FUNCTION onramp_hold_ends_with_its_offramp, onramp_payout_was_asked_for CASCADE;
"""

# Anybody may make temporary tables, and those are found first.
PATHS = """
DO $$
DECLARE guard text;
BEGIN
  FOREACH guard IN ARRAY ARRAY['judge_requests', 'judge_payouts', 'hold_ends_with_its_offramp',
    'payout_was_asked_for']
  LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'onramp_' || guard, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0008_withdrawals"), ("wallet", "0008_held_money")]
    operations = [
        migrations.RunSQL(ACCOUNTS, reverse_sql=NO_ACCOUNTS),
        migrations.RunSQL(OFFRAMPS, reverse_sql=NO_OFFRAMPS),
        migrations.RunSQL(AT_COMMIT, reverse_sql=NO_AT_COMMIT),
        migrations.RunSQL(PATHS, reverse_sql=migrations.RunSQL.noop),
    ]
