from django.db import migrations

# In the transaction that moves the money, so that the two cannot come apart; one INSERT for all
# that a statement moves. The payee is told of the payer; of a payout the payer is told, of the
# bank. What moves between one person's own pots (holds) is told nobody.
TELL = """
CREATE FUNCTION wallet_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id,
    CASE t.kind WHEN 'send' THEN 'received' WHEN 'onramp' THEN 'added'
      WHEN 'payout' THEN 'withdrawn' ELSE 'returned' END,
    t.public_id, t.amount_minor, t.currency, coalesce(named.name, other.name), t.happened_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh t
  JOIN wallet_wallet own
    ON own.id = CASE t.kind WHEN 'payout' THEN t.source_id ELSE t.target_id END
  JOIN wallet_wallet other
    ON other.id = CASE t.kind WHEN 'payout' THEN t.target_id ELSE t.source_id END
  JOIN accounts_user person ON person.id = own.owner_id
  LEFT JOIN accounts_user named ON named.id = other.owner_id
  WHERE t.kind IN ('send', 'onramp', 'payout', 'return');
  RETURN NULL;
END $$;
CREATE TRIGGER transfer_told AFTER INSERT ON wallet_transfer
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION wallet_tell();
"""
# Anybody may make temporary tables, and those are found first.
PATH = """
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION wallet_tell() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""
TELL_NOBODY = "DROP FUNCTION wallet_tell CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("wallet", "0008_held_money"),
        ("accounts", "0003_a_notice_stays_as_it_was"),
    ]
    operations = [migrations.RunSQL(TELL + PATH, reverse_sql=TELL_NOBODY)]
