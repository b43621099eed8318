from django.db import migrations

# As in 0025, and for a payment that the bank listed for nobody: while staff have proposed to give
# it to somebody, the bank may have named whose it is. Then it was posted by that word.
NAMED = """
CREATE OR REPLACE FUNCTION onramp_correction_still_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  b onramp_break;
  standing text;
  posted bigint;
BEGIN
  SELECT * INTO b FROM onramp_break WHERE id = NEW.of_id;
  IF coalesce(b.onramp_id, b.offramp_id) IS NULL THEN
    IF b.theirs_minor > 0 AND EXISTS (
      SELECT FROM onramp_onramptransaction i
      WHERE i.bank = b.bank AND i.bank_reference = b.bank_reference
    ) OR b.theirs_minor < 0 AND EXISTS (
      SELECT FROM onramp_offramptransaction o
      WHERE o.bank = b.bank AND o.bank_reference = b.bank_reference
    ) THEN
      RAISE 'what was listed for nobody stands for a payment of ours' USING ERRCODE = '23514';
    END IF;
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
# As it was in 0025.
BEFORE = """
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
# Anybody may make temporary tables, and those are found first.
PATH = """
DO $$ BEGIN
  EXECUTE format(
    'ALTER FUNCTION onramp_correction_still_due() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0025_other_terms_are_ended")]
    operations = [migrations.RunSQL(NAMED + PATH, reverse_sql=BEFORE + PATH)]
