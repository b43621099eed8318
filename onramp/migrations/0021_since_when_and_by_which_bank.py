from django.db import migrations, models

# As 0011 and 0012 wrote them, but for the other side: the bank, by its code. The pages know its
# name. Both say what they find in the row, so neither asks for more than before.
TELL = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, '{kind}', o.public_id, o.amount_minor, o.currency, {who}, o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN wallet_wallet own ON own.id = o.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE o.status = 'failure';
  RETURN NULL;
END $$;
-- Anybody may make temporary tables, and those are found first. Replacing has dropped the path.
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION {function}() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""


def told(who: str) -> str:
    """Return SQL that has failures told so that their other side is who."""
    kinds = {"onramp_tell": "add_failed", "onramp_tell_withdrawals": "withdraw_failed"}
    return "".join(TELL.format(function=name, kind=kind, who=who) for name, kind in kinds.items())


class Migration(migrations.Migration):
    dependencies = [("onramp", "0019_corrections_follow_their_payment")]
    operations = [
        migrations.AddIndex(
            model_name="bankaccount",
            index=models.Index(
                fields=["owner", "bank", "number", "added_at"], name="account_since"
            ),
        ),
        migrations.RunSQL(told("o.bank"), reverse_sql=told("''")),
    ]
