import django.db.models.deletion
from django.db import migrations, models

# What a row may become is compared where it stands, without calling a function; whether its credit
# is there is looked up once for all that a statement settles. The transfer's foreign key says no
# more than that: transfers are never deleted.
GUARDS = """
DROP FUNCTION onramp_keep_terms, onramp_settle_once CASCADE;

CREATE TRIGGER onramp_keeps_its_terms BEFORE UPDATE ON onramp_onramptransaction
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.token, NEW.wallet_id, NEW.amount_minor, NEW.currency, NEW.bank,
      NEW.idempotency_key, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.token, OLD.wallet_id, OLD.amount_minor, OLD.currency, OLD.bank,
      OLD.idempotency_key, OLD.created_at, OLD.expires_at))
  EXECUTE FUNCTION onramp_refuse('its terms never change');

CREATE TRIGGER onramp_moves_once BEFORE UPDATE ON onramp_onramptransaction
  FOR EACH ROW WHEN (OLD.status <> 'processing' OR NEW.status NOT IN ('success', 'failure'))
  EXECUTE FUNCTION onramp_refuse('it moves once, from processing to success or failure');

CREATE FUNCTION onramp_judge_successes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh o
    LEFT JOIN wallet_transfer t ON t.id = o.transfer_id
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
CREATE TRIGGER onramp_success_has_its_credit AFTER UPDATE ON onramp_onramptransaction
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_judge_successes();
"""
# Anybody may make temporary tables, and those are found first.
PATH = """
DO $$ BEGIN
  EXECUTE format(
    'ALTER FUNCTION onramp_judge_successes() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""
ROW_BY_ROW = """
DROP TRIGGER onramp_keeps_its_terms ON onramp_onramptransaction;
DROP TRIGGER onramp_moves_once ON onramp_onramptransaction;
DROP FUNCTION onramp_judge_successes CASCADE;

CREATE FUNCTION onramp_keep_terms() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.public_id, NEW.token, NEW.wallet_id, NEW.amount_minor, NEW.currency, NEW.bank,
      NEW.idempotency_key, NEW.created_at, NEW.expires_at)
     IS DISTINCT FROM
     (OLD.id, OLD.public_id, OLD.token, OLD.wallet_id, OLD.amount_minor, OLD.currency, OLD.bank,
      OLD.idempotency_key, OLD.created_at, OLD.expires_at) THEN
    RAISE 'the terms of an on-ramp never change' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER onramp_keeps_its_terms BEFORE UPDATE ON onramp_onramptransaction
  FOR EACH ROW EXECUTE FUNCTION onramp_keep_terms();

CREATE FUNCTION onramp_settle_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'processing' OR NEW.status NOT IN ('success', 'failure') THEN
    RAISE 'an on-ramp moves once, from processing to success or failure, not from % to %',
      OLD.status, NEW.status USING ERRCODE = '23001';
  END IF;
  IF NEW.status = 'success' AND NOT EXISTS (
    SELECT FROM wallet_transfer t
    WHERE t.id = NEW.transfer_id AND t.kind = 'onramp' AND t.target_id = NEW.wallet_id
      AND t.amount_minor = NEW.amount_minor AND t.currency = NEW.currency
  ) THEN
    RAISE 'the transfer is not the credit of this on-ramp' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER onramp_settles_once BEFORE UPDATE ON onramp_onramptransaction
  FOR EACH ROW EXECUTE FUNCTION onramp_settle_once();
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_keep_terms() SET search_path = pg_catalog, %1$I, pg_temp;
    ALTER FUNCTION onramp_settle_once() SET search_path = pg_catalog, %1$I, pg_temp',
    current_schema());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0005_events_arrive_judged"),
        ("wallet", "0007_judged_not_looked_up"),
    ]
    operations = [
        migrations.RunSQL(GUARDS + PATH, reverse_sql=ROW_BY_ROW),
        # Without the second index, for LIKE, that unique=True makes: nobody looks for half a token.
        migrations.AlterField(
            model_name="onramptransaction",
            name="token",
            field=models.CharField(
                help_text="What the bank knows it by: 256 random bits.", max_length=64
            ),
        ),
        migrations.AddConstraint(
            model_name="onramptransaction",
            constraint=models.UniqueConstraint(fields=("token",), name="onramp_token_once"),
        ),
        migrations.AlterField(
            model_name="onramptransaction",
            name="transfer",
            field=models.OneToOneField(
                blank=True,
                db_constraint=False,
                help_text="The credit: there exactly when it succeeded.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="onramp",
                to="wallet.transfer",
            ),
        ),
    ]
