from django.db import migrations

# What became of money that did not arrive; what did arrive is told by its transfer (wallet/0009).
# An on-ramp moves once, so a row that was updated and says failure has failed just now.
TELL = """
CREATE FUNCTION onramp_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'add_failed', o.public_id, o.amount_minor, o.currency, '', o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure';
  RETURN NULL;
END $$;
CREATE TRIGGER onramp_failure_told AFTER UPDATE ON onramp_onramptransaction
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_tell();
"""
# Anybody may make temporary tables, and those are found first.
PATH = """
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_tell() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""
TELL_NOBODY = "DROP FUNCTION onramp_tell CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0010_events_may_wait"),
        ("wallet", "0009_people_are_told"),
    ]
    operations = [migrations.RunSQL(TELL + PATH, reverse_sql=TELL_NOBODY)]
