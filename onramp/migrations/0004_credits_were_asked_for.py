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
"""
# Anybody may make temporary tables, and those are found first: without a path of its own a trigger
# would read a forged transfer or event instead of ours.
PATHS = """
DO $$
DECLARE guard regprocedure;
BEGIN
  FOR guard IN SELECT oid FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^onramp_'
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp',
      guard, current_schema());
  END LOOP;
END $$;
"""
DROP = "DROP FUNCTION onramp_credit_was_asked_for CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("onramp", "0003_the_inbox_keeps_what_arrived")]
    operations = [
        migrations.RunSQL(CREATE, reverse_sql=DROP),
        migrations.RunSQL(PATHS, reverse_sql=migrations.RunSQL.noop),
    ]
