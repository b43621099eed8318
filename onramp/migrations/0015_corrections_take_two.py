from django.db import migrations

# What the bank says of a break's subject above what we posted and corrected; below zero: below it.
REMAINING = """
CREATE FUNCTION onramp_remaining(break_id bigint, is_with_proposed boolean) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT b.theirs_minor - b.ours_minor - coalesce(sum(
      CASE WHEN c.is_credit THEN c.amount_minor ELSE -c.amount_minor END), 0)
    FROM onramp_break b
    LEFT JOIN onramp_break kin ON kin.subject = b.subject
    LEFT JOIN onramp_correction c ON c.of_id = kin.id
      AND (c.status = 'approved' OR is_with_proposed AND c.status = 'proposed')
    WHERE b.id = break_id
    GROUP BY b.theirs_minor, b.ours_minor);
END $$;
"""

# Each IF is one rule, and tests/onramp/test_correction_guards.py takes each away by itself. The
# breaks of a subject are locked first, in their order, so that two corrections of one never add up
# to more than it; NO KEY, because the correction's foreign key locks the same row.
GUARDS = """
CREATE FUNCTION onramp_propose_correction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  b onramp_break;
  remaining numeric;
BEGIN
  SELECT * INTO b FROM onramp_break WHERE id = NEW.of_id;
  PERFORM FROM onramp_break k WHERE k.subject = b.subject ORDER BY k.id FOR NO KEY UPDATE;
  SELECT * INTO b FROM onramp_break WHERE id = NEW.of_id;
  remaining := onramp_remaining(NEW.of_id, true);
  IF NEW.status <> 'proposed' THEN
    RAISE 'a correction begins as proposed, not %', NEW.status USING ERRCODE = '23514';
  END IF;
  IF b.status IS DISTINCT FROM 'open' THEN
    RAISE 'a correction of a break that is not open' USING ERRCODE = '23514';
  END IF;
  IF b.kind = 'repeated' OR b.theirs_currency <> b.currency OR NEW.currency <> b.currency THEN
    RAISE 'a correction of what no amount can correct' USING ERRCODE = '23514';
  END IF;
  IF b.wallet_id <> NEW.wallet_id THEN
    RAISE 'a correction of another person''s wallet' USING ERRCODE = '23514';
  END IF;
  IF NOT EXISTS (
    SELECT FROM wallet_wallet w WHERE w.id = NEW.wallet_id AND w.currency = NEW.currency
      AND w.kind IN ('user', 'merchant') AND w.owner_id <> NEW.maker_id
  ) THEN
    RAISE 'a correction of no person''s wallet, or of the maker''s own' USING ERRCODE = '23514';
  END IF;
  IF NOT EXISTS (
    SELECT FROM wallet_wallet w WHERE w.id = NEW.settlement_id AND w.currency = NEW.currency
      AND w.kind = 'settlement'
  ) THEN
    RAISE 'a correction against what is no bank''s side' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM onramp_onramptransaction o WHERE o.id = b.onramp_id AND o.status = 'processing'
  ) OR EXISTS (
    SELECT FROM onramp_offramptransaction o
    WHERE o.id = b.offramp_id AND o.status IN ('requested', 'submitted')
  ) THEN
    RAISE 'a correction of what the bank may still settle' USING ERRCODE = '23514';
  END IF;
  IF NEW.is_credit <> (remaining > 0) OR NEW.amount_minor > abs(remaining) THEN
    RAISE 'a correction of more than the difference' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER correction_is_proposed_as_it_may BEFORE INSERT ON onramp_correction
  FOR EACH ROW EXECUTE FUNCTION onramp_propose_correction();

CREATE TRIGGER correction_keeps_its_terms BEFORE UPDATE ON onramp_correction
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.of_id, NEW.wallet_id, NEW.settlement_id, NEW.is_credit,
      NEW.amount_minor, NEW.currency, NEW.reason, NEW.maker_id, NEW.made_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.of_id, OLD.wallet_id, OLD.settlement_id, OLD.is_credit,
      OLD.amount_minor, OLD.currency, OLD.reason, OLD.maker_id, OLD.made_at))
  EXECUTE FUNCTION onramp_refuse('what was proposed never changes');
CREATE TRIGGER correction_moves_once BEFORE UPDATE ON onramp_correction
  FOR EACH ROW WHEN (OLD.status <> 'proposed' OR NEW.status NOT IN ('approved', 'declined'))
  EXECUTE FUNCTION onramp_refuse('it moves once, from proposed to approved or declined');
CREATE TRIGGER correction_stays BEFORE DELETE OR TRUNCATE ON onramp_correction
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what was proposed is kept');

CREATE FUNCTION onramp_approve_correction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  remaining numeric := onramp_remaining(NEW.of_id, false);
BEGIN
  IF NOT EXISTS (
    SELECT FROM wallet_transfer t
    WHERE t.id = NEW.transfer_id AND t.kind = 'correction' AND t.actor_id IS NULL
      AND t.idempotency_key = NEW.public_id
      AND t.source_id = CASE WHEN NEW.is_credit THEN NEW.settlement_id ELSE NEW.wallet_id END
      AND t.target_id = CASE WHEN NEW.is_credit THEN NEW.wallet_id ELSE NEW.settlement_id END
      AND t.amount_minor = NEW.amount_minor AND t.currency = NEW.currency
  ) THEN
    RAISE 'the transfer is not what was proposed' USING ERRCODE = '23514';
  END IF;
  IF NOT EXISTS (SELECT FROM onramp_break b WHERE b.id = NEW.of_id AND b.status = 'open') THEN
    RAISE 'a break that is not open is corrected' USING ERRCODE = '23514';
  END IF;
  IF NEW.is_credit <> (remaining > 0) OR NEW.amount_minor > abs(remaining) THEN
    RAISE 'more than the difference is corrected' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM wallet_wallet w WHERE w.id = NEW.wallet_id AND w.owner_id = NEW.decided_by_id
  ) THEN
    RAISE 'nobody approves money of their own' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER correction_is_approved_as_it_may BEFORE UPDATE ON onramp_correction
  FOR EACH ROW WHEN (NEW.status = 'approved') EXECUTE FUNCTION onramp_approve_correction();

CREATE FUNCTION onramp_correct_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF onramp_remaining(NEW.id, false) <> 0 THEN
    RAISE 'a break is closed as corrected, and is not' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER break_is_corrected_to_nothing BEFORE UPDATE ON onramp_break
  FOR EACH ROW WHEN (NEW.status = 'corrected' AND OLD.status <> 'corrected')
  EXECUTE FUNCTION onramp_correct_break();
"""

# Judged at COMMIT, because the money is posted before its correction says so.
APPROVED = """
CREATE FUNCTION onramp_correction_was_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM onramp_correction c WHERE c.transfer_id = NEW.id AND c.status = 'approved'
  ) THEN
    RAISE 'a correction that no two people agreed on' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER correction_was_approved AFTER INSERT ON wallet_transfer
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'correction')
  EXECUTE FUNCTION onramp_correction_was_approved();
"""
DROP = """
DROP TRIGGER correction_keeps_its_terms ON onramp_correction;
DROP TRIGGER correction_moves_once ON onramp_correction;
DROP TRIGGER correction_stays ON onramp_correction;
DROP FUNCTION onramp_propose_correction, onramp_approve_correction, onramp_correct_break,
  onramp_correction_was_approved CASCADE;
DROP FUNCTION onramp_remaining;
"""
# Anybody may make temporary tables, and those are found first: without a path of its own a guard
# would read a forged break or transfer instead of ours.
PATHS = """
DO $$
DECLARE guard regprocedure;
BEGIN
  FOR guard IN SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
    AND proname IN ('onramp_remaining', 'onramp_propose_correction', 'onramp_approve_correction',
      'onramp_correct_break', 'onramp_correction_was_approved')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp',
      guard, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0014_breaks_are_kept")]
    operations = [
        migrations.RunSQL(REMAINING + GUARDS + APPROVED + PATHS, reverse_sql=DROP),
    ]
