from django.db import migrations

# Row triggers do not see TRUNCATE, and a statement trigger costs nothing on the paths we use.
CREATE = """
CREATE FUNCTION wallet_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE '% on % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = '23001';
END $$;

CREATE TRIGGER transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('history is only ever added to');
CREATE TRIGGER entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_entry
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('history is only ever added to');
CREATE TRIGGER balance_stays BEFORE DELETE OR TRUNCATE ON wallet_balance
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('a balance lives as long as its wallet');
CREATE TRIGGER balance_stays_with_its_wallet BEFORE UPDATE OF wallet_id ON wallet_balance
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('a balance belongs to one wallet');
CREATE TRIGGER wallet_stays BEFORE DELETE OR TRUNCATE ON wallet_wallet
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('close a wallet instead');

CREATE FUNCTION wallet_keep_terms() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.public_id, NEW.kind, NEW.currency, NEW.tracks_balance, NEW.owner_id)
     IS DISTINCT FROM
     (OLD.id, OLD.public_id, OLD.kind, OLD.currency, OLD.tracks_balance, OLD.owner_id) THEN
    RAISE 'a wallet keeps its owner, kind and currency' USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER wallet_keeps_its_terms BEFORE UPDATE ON wallet_wallet
  FOR EACH ROW EXECUTE FUNCTION wallet_keep_terms();
"""
DROP = "DROP FUNCTION wallet_refuse, wallet_keep_terms CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("wallet", "0002_the_books_balance")]
    operations = [migrations.RunSQL(CREATE, reverse_sql=DROP)]
