from django.db import migrations

# The currency of an on-ramp is its wallet's own, as with every other row of money.
CURRENCY_KEY = """
ALTER TABLE onramp_onramptransaction
  ADD CONSTRAINT onramp_wallet_currency FOREIGN KEY (wallet_id, currency)
    REFERENCES wallet_wallet (id, currency);
"""
NO_CURRENCY_KEY = """
ALTER TABLE onramp_onramptransaction DROP CONSTRAINT onramp_wallet_currency;
"""

# Together with the check onramp_status_fits_its_facts (success exactly when there is a transfer)
# and the unique transfer: asked once, settled once, for the terms that were asked for.
GUARDS = """
CREATE FUNCTION onramp_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> 'processing' THEN
    RAISE 'an on-ramp begins as processing, not %', NEW.status USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER onramp_begins_as_processing BEFORE INSERT ON onramp_onramptransaction
  FOR EACH ROW EXECUTE FUNCTION onramp_begin();

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

CREATE FUNCTION onramp_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE '% on % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = '23001';
END $$;
CREATE TRIGGER onramp_stays BEFORE DELETE OR TRUNCATE ON onramp_onramptransaction
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what was asked of a bank is kept');
"""
NO_GUARDS = """
DROP FUNCTION onramp_begin, onramp_keep_terms, onramp_settle_once, onramp_refuse CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0001_initial"), ("wallet", "0003_history_is_append_only")]
    operations = [
        migrations.RunSQL(CURRENCY_KEY, reverse_sql=NO_CURRENCY_KEY),
        migrations.RunSQL(GUARDS, reverse_sql=NO_GUARDS),
    ]
