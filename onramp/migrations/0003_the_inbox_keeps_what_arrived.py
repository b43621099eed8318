from django.db import migrations

GUARDS = """
ALTER TABLE onramp_bankevent
  ADD CONSTRAINT bank_event_digest_is_of_its_body CHECK (body_sha256 = sha256(body));

CREATE FUNCTION onramp_event_arrive() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE FUNCTION onramp_event_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.public_id, NEW.bank, NEW.event_id, NEW.body, NEW.body_sha256, NEW.headers,
      NEW.conflicts_with_id, NEW.received_at)
     IS DISTINCT FROM
     (OLD.id, OLD.public_id, OLD.bank, OLD.event_id, OLD.body, OLD.body_sha256, OLD.headers,
      OLD.conflicts_with_id, OLD.received_at) THEN
    RAISE 'what a bank sent never changes' USING ERRCODE = '23001';
  END IF;
  IF OLD.status <> 'received' THEN
    RAISE 'an event is judged once, and is % already', OLD.status USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bank_event_kept BEFORE UPDATE ON onramp_bankevent
  FOR EACH ROW EXECUTE FUNCTION onramp_event_keep();

CREATE TRIGGER bank_event_stays BEFORE DELETE OR TRUNCATE ON onramp_bankevent
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what a bank sent is kept');
"""
NO_GUARDS = """
DROP TRIGGER bank_event_stays ON onramp_bankevent;
DROP FUNCTION onramp_event_arrive, onramp_event_keep CASCADE;
ALTER TABLE onramp_bankevent DROP CONSTRAINT bank_event_digest_is_of_its_body;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0002_an_onramp_settles_once")]
    operations = [migrations.RunSQL(GUARDS, reverse_sql=NO_GUARDS)]
