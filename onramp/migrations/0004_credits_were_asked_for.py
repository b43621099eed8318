from django.db import migrations

# Money enters only here. Judged at COMMIT, because the credit is posted before its on-ramp says so.
CREATE = """
CREATE FUNCTION onramp_credit_was_asked_for() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM onramp_onramptransaction o WHERE o.transfer_id = NEW.id) THEN
    RAISE 'a bank''s credit that no on-ramp asked for' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER credit_was_asked_for AFTER INSERT ON wallet_transfer
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind = 'onramp')
  EXECUTE FUNCTION onramp_credit_was_asked_for();

-- Anybody may make temporary tables, and without a path of its own those would be found first.
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_credit_was_asked_for() SET search_path = '
    'pg_catalog, %I, pg_temp', current_schema());
END $$;
"""
DROP = "DROP FUNCTION onramp_credit_was_asked_for CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("onramp", "0003_the_inbox_keeps_what_arrived")]
    operations = [migrations.RunSQL(CREATE, reverse_sql=DROP)]
