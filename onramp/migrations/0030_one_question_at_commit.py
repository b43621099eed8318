from django.db import migrations

# PostgreSQL reads the text of a trigger's condition anew in every statement, so each payment read
# three that were not about it. One is left, which lets payments between people pass (0038).
ONE = """
CREATE FUNCTION onramp_transfer_was_asked_for() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  CASE NEW.kind
    WHEN 'onramp' THEN
      IF NOT EXISTS (SELECT FROM onramp_onramptransaction o WHERE o.transfer_id = NEW.id) THEN
        RAISE 'a bank''s credit that no on-ramp asked for' USING ERRCODE = '23514';
      END IF;
    WHEN 'payout' THEN
      IF NOT EXISTS (SELECT FROM onramp_offramptransaction o WHERE o.transfer_id = NEW.id) THEN
        RAISE 'a payout that no withdrawal asked for' USING ERRCODE = '23514';
      END IF;
    WHEN 'return' THEN
      IF NOT EXISTS (
        SELECT FROM onramp_offramptransaction o WHERE o.return_transfer_id = NEW.id) THEN
        RAISE 'a return that no withdrawal asked for' USING ERRCODE = '23514';
      END IF;
    WHEN 'correction' THEN
      IF NOT EXISTS (
        SELECT FROM onramp_correction c WHERE c.transfer_id = NEW.id AND c.status = 'approved') THEN
        RAISE 'a correction that no two people agreed on' USING ERRCODE = '23514';
      END IF;
    ELSE  -- What happens within a wallet asks nobody.
  END CASE;
  RETURN NULL;
END $$;
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_transfer_was_asked_for() SET search_path = pg_catalog, %I,'
    ' pg_temp', current_schema());
END $$;
DROP FUNCTION onramp_credit_was_asked_for, onramp_payout_was_asked_for,
  onramp_correction_was_approved CASCADE;
CREATE CONSTRAINT TRIGGER transfer_was_asked_for AFTER INSERT ON wallet_transfer
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind <> 'send')
  EXECUTE FUNCTION onramp_transfer_was_asked_for();
"""
# As 0004, 0009 and 0015 had them.
QUESTIONS = [
    (
        "credit_was_asked_for",
        "NEW.kind = 'onramp'",
        "SELECT FROM onramp_onramptransaction o WHERE o.transfer_id = NEW.id",
        "a bank''s credit that no on-ramp asked for",
    ),
    (
        "payout_was_asked_for",
        "NEW.kind IN ('payout', 'return')",
        "SELECT FROM onramp_offramptransaction o WHERE NEW.kind = 'payout'"
        " AND o.transfer_id = NEW.id OR NEW.kind = 'return' AND o.return_transfer_id = NEW.id",
        "a payout or a return that no withdrawal asked for",
    ),
    (
        "correction_was_approved",
        "NEW.kind = 'correction'",
        "SELECT FROM onramp_correction c WHERE c.transfer_id = NEW.id AND c.status = 'approved'",
        "a correction that no two people agreed on",
    ),
]


def question(name: str, kinds: str, rows: str, refusal: str) -> str:
    """Return SQL that makes one trigger, and the function that it calls."""
    return f"""
    CREATE FUNCTION onramp_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS ({rows}) THEN
        RAISE '{refusal}' USING ERRCODE = '23514';
      END IF;
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON wallet_transfer
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({kinds}) EXECUTE FUNCTION onramp_{name}();
    DO $$ BEGIN
      EXECUTE format('ALTER FUNCTION onramp_{name}() SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
    END $$;
    """


THREE = "DROP FUNCTION onramp_transfer_was_asked_for() CASCADE;" + "".join(
    question(*each) for each in QUESTIONS
)


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0029_settled_in_fewer_words"),
        ("wallet", "0013_what_must_be_there"),
    ]
    operations = [migrations.RunSQL(ONE, reverse_sql=THREE)]
