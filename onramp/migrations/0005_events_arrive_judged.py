from django.db import migrations

# An event is written once, with what was made of it, in the transaction that does it. One that
# waits to be judged still arrives as received, and moves once.
ARRIVE = """
CREATE OR REPLACE FUNCTION onramp_event_arrive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.conflicts_with_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM onramp_bankevent e
    WHERE e.id = NEW.conflicts_with_id AND e.conflicts_with_id IS NULL
      AND (e.bank, e.event_id) = (NEW.bank, NEW.event_id) AND e.body_sha256 <> NEW.body_sha256
  ) THEN
    RAISE 'an event conflicts only with the first of its id' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER bank_event_arrives_as_received ON onramp_bankevent;
CREATE TRIGGER bank_event_conflicts_with_the_first BEFORE INSERT ON onramp_bankevent
  FOR EACH ROW WHEN (NEW.conflicts_with_id IS NOT NULL) EXECUTE FUNCTION onramp_event_arrive();
"""
ARRIVE_AS_RECEIVED = """
DROP TRIGGER bank_event_conflicts_with_the_first ON onramp_bankevent;
CREATE OR REPLACE FUNCTION onramp_event_arrive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> 'received' THEN
    RAISE 'an event arrives as received, not %', NEW.status USING ERRCODE = '23514';
  END IF;
  IF NEW.conflicts_with_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM onramp_bankevent e
    WHERE e.id = NEW.conflicts_with_id AND e.conflicts_with_id IS NULL
      AND (e.bank, e.event_id) = (NEW.bank, NEW.event_id) AND e.body_sha256 <> NEW.body_sha256
  ) THEN
    RAISE 'an event conflicts only with the first of its id' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bank_event_arrives_as_received BEFORE INSERT ON onramp_bankevent
  FOR EACH ROW EXECUTE FUNCTION onramp_event_arrive();
"""
# CREATE OR REPLACE takes back what 0004 set: without a path of its own the function would read a
# temporary table instead of ours.
PATH = """
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_event_arrive() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0004_credits_were_asked_for")]
    operations = [
        migrations.RunSQL(ARRIVE + PATH, reverse_sql=ARRIVE_AS_RECEIVED + PATH),
    ]
