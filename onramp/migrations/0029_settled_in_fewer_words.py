from django.db import migrations, models
from django.db.models import Case, When

# What must be there is asked for each row by its own values, as in 0028, in conditions instead of
# joins of all columns; and people are only looked for where there is a failure to tell them of.
JUDGES = """
CREATE OR REPLACE FUNCTION onramp_judge_successes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh o
    WHERE o.status = 'success' AND NOT EXISTS (
      SELECT FROM wallet_transfer t
      WHERE t.id = o.transfer_id
        AND t.kind = 'onramp'
        AND t.target_id = o.wallet_id
        AND t.amount_minor = o.amount_minor
        AND t.currency = o.currency
      OFFSET 0)
  ) THEN
    RAISE 'the transfer is not the credit of this on-ramp' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION onramp_judge_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh e
    WHERE e.onramp_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM onramp_onramptransaction o WHERE o.id = e.onramp_id OFFSET 0)
      OR e.offramp_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM onramp_offramptransaction w WHERE w.id = e.offramp_id OFFSET 0)
  ) THEN
    RAISE 'an event speaks of a payment that is not there' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION onramp_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM fresh WHERE status = 'failure') THEN
    RETURN NULL;
  END IF;
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'add_failed', o.public_id, o.amount_minor, o.currency, o.bank, o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN LATERAL (SELECT * FROM wallet_wallet own WHERE own.id = o.wallet_id OFFSET 0) own ON true
  JOIN LATERAL (SELECT * FROM accounts_user person WHERE person.id = own.owner_id OFFSET 0) person ON true
  WHERE o.status = 'failure' AND o.failure_reason <> 'the bank booked another amount';
  RETURN NULL;
END $$;
"""  # noqa: E501
JOINED = """
CREATE OR REPLACE FUNCTION onramp_judge_successes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh o
    LEFT JOIN LATERAL (SELECT * FROM wallet_transfer t WHERE t.id = o.transfer_id OFFSET 0) t ON true
    WHERE o.status = 'success' AND (
      t.kind IS DISTINCT FROM 'onramp'
      OR t.target_id <> o.wallet_id
      OR t.amount_minor <> o.amount_minor
      OR t.currency <> o.currency)
  ) THEN
    RAISE 'the transfer is not the credit of this on-ramp' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION onramp_judge_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh e
    LEFT JOIN LATERAL (SELECT * FROM onramp_onramptransaction o WHERE o.id = e.onramp_id OFFSET 0) o ON true
    LEFT JOIN LATERAL (SELECT * FROM onramp_offramptransaction w WHERE w.id = e.offramp_id OFFSET 0) w ON true
    WHERE e.onramp_id IS NOT NULL AND o.id IS NULL
      OR e.offramp_id IS NOT NULL AND w.id IS NULL
  ) THEN
    RAISE 'an event speaks of a payment that is not there' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION onramp_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, 'add_failed', o.public_id, o.amount_minor, o.currency, o.bank, o.settled_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM fresh o
  JOIN LATERAL (SELECT * FROM wallet_wallet own WHERE own.id = o.wallet_id OFFSET 0) own ON true
  JOIN LATERAL (SELECT * FROM accounts_user person WHERE person.id = own.owner_id OFFSET 0) person ON true
  WHERE o.status = 'failure' AND o.failure_reason <> 'the bank booked another amount';
  RETURN NULL;
END $$;
"""  # noqa: E501
# CREATE OR REPLACE takes back what 0004 set.
PATHS = """
DO $$
DECLARE guard text;
BEGIN
  FOREACH guard IN ARRAY '{onramp_judge_successes,onramp_judge_events,onramp_tell}'::text[]
  LOOP
    EXECUTE format('ALTER FUNCTION %s() SET search_path = pg_catalog, %I, pg_temp',
      guard, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0028_joins_are_lookups"),
        ("wallet", "0012_joins_are_lookups"),
    ]
    operations = [
        migrations.RunSQL(JUDGES + PATHS, reverse_sql=JOINED + PATHS),
        # One index instead of two: an id is there once among the first of their ids, and a body
        # once among those that conflict with one. That it is not the first's own, 0005 says.
        migrations.RemoveConstraint(model_name="bankevent", name="bank_event_body_once"),
        migrations.RemoveConstraint(model_name="bankevent", name="bank_event_once"),
        migrations.AddConstraint(
            model_name="bankevent",
            constraint=models.UniqueConstraint(
                "bank",
                "event_id",
                Case(When(conflicts_with__isnull=False, then="body_sha256")),
                nulls_distinct=False,
                name="bank_event_once",
            ),
        ),
    ]
