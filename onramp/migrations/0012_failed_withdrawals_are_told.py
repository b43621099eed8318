from django.db import migrations

# As in 0011. A withdrawal that was paid or came back is told by its transfer (wallet/0009); each of
# its updates is a step, so a row that says failure has failed just now.
TELL = """
CREATE FUNCTION onramp_tell_withdrawals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'withdraw_failed', o.public_id, o.amount_minor, o.currency, '', o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure';
  RETURN NULL;
END $$;
CREATE TRIGGER offramp_failure_told AFTER UPDATE ON onramp_offramptransaction
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_tell_withdrawals();
"""
# Anybody may make temporary tables, and those are found first.
PATH = """
DO $$ BEGIN
  EXECUTE format(
    'ALTER FUNCTION onramp_tell_withdrawals() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""
TELL_NOBODY = "DROP FUNCTION onramp_tell_withdrawals CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("onramp", "0011_failures_are_told")]
    operations = [migrations.RunSQL(TELL + PATH, reverse_sql=TELL_NOBODY)]
