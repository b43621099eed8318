from django.db import migrations

# A payment that the bank booked with another amount than it was asked for cannot be settled by any
# word of it. It may be proposed for correction while it is open, and nothing else may.
PROPOSE = """
CREATE OR REPLACE FUNCTION onramp_propose_correction() RETURNS trigger LANGUAGE plpgsql AS $$
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
  IF b.kind <> 'differs' AND (EXISTS (
    SELECT FROM onramp_onramptransaction o WHERE o.id = b.onramp_id AND o.status = 'processing'
  ) OR EXISTS (
    SELECT FROM onramp_offramptransaction o
    WHERE o.id = b.offramp_id AND o.status IN ('requested', 'submitted')
  )) THEN
    RAISE 'a correction of what the bank may still settle' USING ERRCODE = '23514';
  END IF;
  IF NEW.is_credit <> (remaining > 0) OR NEW.amount_minor > abs(remaining) THEN
    RAISE 'a correction of more than the difference' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
"""
# Whoever approves has ended it in the same transaction: an on-ramp and a withdrawal move once, so
# what was corrected is never credited or captured as well. The row is locked: one of the two is
# first.
DUE = """
CREATE OR REPLACE FUNCTION onramp_correction_still_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  b onramp_break;
  standing text;
  posted bigint;
BEGIN
  SELECT * INTO b FROM onramp_break WHERE id = NEW.of_id;
  IF coalesce(b.onramp_id, b.offramp_id) IS NULL THEN
    RETURN NEW;
  END IF;
  PERFORM FROM onramp_onramptransaction i WHERE i.id = b.onramp_id FOR NO KEY UPDATE;
  PERFORM FROM onramp_offramptransaction o WHERE o.id = b.offramp_id FOR NO KEY UPDATE;
  SELECT m.status, CASE WHEN m.status = 'success' THEN m.minor ELSE 0 END INTO standing, posted
  FROM (
    SELECT i.status, i.amount_minor AS minor FROM onramp_onramptransaction i
    WHERE i.id = b.onramp_id
    UNION ALL
    SELECT o.status, -o.amount_minor FROM onramp_offramptransaction o WHERE o.id = b.offramp_id
  ) m;
  IF standing IN ('processing', 'requested', 'submitted') THEN
    RAISE 'what the bank may still settle is ended before it is corrected' USING ERRCODE = '23514';
  END IF;
  IF posted <> b.ours_minor THEN
    RAISE 'something was posted since the break was found' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
"""
# What ended like that is told by its correction. That it failed would be half of the truth.
TELL = """
CREATE OR REPLACE FUNCTION onramp_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'add_failed', o.public_id, o.amount_minor, o.currency, o.bank, o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure' AND o.failure_reason <> 'the bank booked another amount';
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION onramp_tell_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'withdraw_failed', o.public_id, o.amount_minor, o.currency, o.bank,
    o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure' AND o.failure_reason <> 'the bank booked another amount';
  RETURN NULL;
END $$;
"""
# As they were in 0015, 0016 and 0021.
BEFORE = """
CREATE OR REPLACE FUNCTION onramp_propose_correction() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION onramp_correction_still_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  posted bigint;
BEGIN
  SELECT CASE WHEN o.status = 'success' THEN -o.amount_minor ELSE 0 END INTO posted
  FROM onramp_break b JOIN onramp_offramptransaction o ON o.id = b.offramp_id
  WHERE b.id = NEW.of_id
  FOR NO KEY UPDATE OF o;
  IF posted <> (SELECT b.ours_minor FROM onramp_break b WHERE b.id = NEW.of_id) THEN
    RAISE 'something was posted since the break was found' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION onramp_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'add_failed', o.public_id, o.amount_minor, o.currency, o.bank, o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure';
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION onramp_tell_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'withdraw_failed', o.public_id, o.amount_minor, o.currency, o.bank,
    o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure';
  RETURN NULL;
END $$;
"""
# Anybody may make temporary tables, and those are found first.
PATHS = """
DO $$
DECLARE guard text;
BEGIN
  FOREACH guard IN ARRAY ARRAY['propose_correction', 'correction_still_due', 'tell',
    'tell_withdrawals'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'onramp_' || guard, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0024_leaner_rows")]
    operations = [
        migrations.RunSQL(PROPOSE + DUE + TELL + PATHS, reverse_sql=BEFORE + PATHS),
    ]
