from django.db import migrations

# What a bank said of a day stays as it said it, and what we found in it stays found.
CREATE = """
CREATE TRIGGER statement_line_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON onramp_statementline
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('a bank''s statement stays as it came');
CREATE TRIGGER statement_stays BEFORE DELETE OR TRUNCATE ON onramp_statement
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('a bank''s statement is kept');
CREATE TRIGGER break_stays BEFORE DELETE OR TRUNCATE ON onramp_break
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what was found is kept');
CREATE TRIGGER break_act_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON onramp_breakact
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what was done is only ever added to');

CREATE FUNCTION onramp_judge_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM onramp_statement s
    WHERE s.id IN (SELECT DISTINCT statement_id FROM fresh) AND s.matched_at IS NOT NULL
  ) THEN
    RAISE 'lines were added to a statement that was matched' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER statement_lines_come_before_matching AFTER INSERT ON onramp_statementline
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_judge_lines();

CREATE TRIGGER statement_keeps_its_terms BEFORE UPDATE ON onramp_statement
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.bank, NEW.day, NEW.format, NEW.sha256, NEW.loaded_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.bank, OLD.day, OLD.format, OLD.sha256, OLD.loaded_at))
  EXECUTE FUNCTION onramp_refuse('what the bank gave never changes');
CREATE TRIGGER statement_is_superseded_once BEFORE UPDATE ON onramp_statement
  FOR EACH ROW WHEN (OLD.superseded_at IS NOT NULL)
  EXECUTE FUNCTION onramp_refuse('it was superseded');

CREATE TRIGGER break_keeps_its_facts BEFORE UPDATE ON onramp_break
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.key, NEW.kind, NEW.subject, NEW.onramp_id, NEW.offramp_id,
      NEW.wallet_id, NEW.bank, NEW.bank_reference, NEW.happened_at, NEW.theirs_minor,
      NEW.theirs_currency, NEW.ours_minor, NEW.currency, NEW.found_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.key, OLD.kind, OLD.subject, OLD.onramp_id, OLD.offramp_id,
      OLD.wallet_id, OLD.bank, OLD.bank_reference, OLD.happened_at, OLD.theirs_minor,
      OLD.theirs_currency, OLD.ours_minor, OLD.currency, OLD.found_at))
  EXECUTE FUNCTION onramp_refuse('its facts never change');
CREATE TRIGGER break_moves_as_it_may BEFORE UPDATE ON onramp_break
  FOR EACH ROW WHEN (NOT (OLD.status = NEW.status
    OR OLD.status = 'open'
    OR OLD.status IN ('cleared', 'corrected') AND NEW.status = 'open'))
  EXECUTE FUNCTION onramp_refuse('it is closed from open, and opened again by a statement');

CREATE FUNCTION onramp_begin_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> 'open' THEN
    RAISE 'a break begins as open, not %', NEW.status USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER break_begins_as_open BEFORE INSERT ON onramp_break
  FOR EACH ROW EXECUTE FUNCTION onramp_begin_break();

CREATE FUNCTION onramp_explain_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM onramp_breakact a WHERE a.of_id = NEW.id AND a.kind = 'explained'
  ) THEN
    RAISE 'a break is closed by an explanation that nobody gave' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER break_is_explained_by_somebody BEFORE UPDATE ON onramp_break
  FOR EACH ROW WHEN (NEW.status = 'explained' AND OLD.status <> 'explained')
  EXECUTE FUNCTION onramp_explain_break();
"""
DROP = """
DROP TRIGGER statement_line_append_only ON onramp_statementline;
DROP TRIGGER statement_stays ON onramp_statement;
DROP TRIGGER statement_keeps_its_terms ON onramp_statement;
DROP TRIGGER statement_is_superseded_once ON onramp_statement;
DROP TRIGGER break_stays ON onramp_break;
DROP TRIGGER break_keeps_its_facts ON onramp_break;
DROP TRIGGER break_moves_as_it_may ON onramp_break;
DROP TRIGGER break_act_append_only ON onramp_breakact;
DROP FUNCTION onramp_judge_lines, onramp_begin_break, onramp_explain_break CASCADE;
"""
# Anybody may make temporary tables, and those are found first: without a path of its own a guard
# would read a forged statement or act instead of ours.
PATHS = """
DO $$
DECLARE guard text;
BEGIN
  FOREACH guard IN ARRAY ARRAY['judge_lines', 'begin_break', 'explain_break'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'onramp_' || guard, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0013_reconciliation")]
    operations = [migrations.RunSQL(CREATE + PATHS, reverse_sql=DROP)]
