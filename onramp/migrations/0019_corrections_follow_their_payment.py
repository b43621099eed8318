from django.db import migrations

# A bank may take money and say only later whose payment it was. What staff gave away meanwhile was
# for a break of nobody, and counts for what the bank names now: two breaks are kin if they are of
# one subject, or if one is of nobody and the other of what that bank's reference stands for, by
# itself or by a line that names its token. It counts while the bank lists the payment: of what it
# lists no more, only what was corrected for itself is left to be taken back.
KIN = """
CREATE FUNCTION onramp_kin(break_id bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
  b onramp_break;
BEGIN
  SELECT * INTO b FROM onramp_break WHERE id = break_id;
  RETURN QUERY SELECT k.id FROM onramp_break k WHERE k.subject = b.subject;
  IF b.theirs_minor = 0 OR b.bank_reference = '' THEN
    RETURN;
  END IF;
  IF coalesce(b.onramp_id, b.offramp_id) IS NULL THEN
    RETURN QUERY
      SELECT kin.id FROM onramp_break kin WHERE kin.subject IN (
        SELECT k.subject FROM onramp_break k
        LEFT JOIN onramp_onramptransaction i ON i.id = k.onramp_id
        LEFT JOIN onramp_offramptransaction o ON o.id = k.offramp_id
        WHERE k.bank = b.bank AND coalesce(i.id, o.id) IS NOT NULL
          AND (k.bank_reference = b.bank_reference OR coalesce(i.token, o.token) IN (
            SELECT l.token FROM onramp_statementline l
            JOIN onramp_statement s ON s.id = l.statement_id AND s.superseded_at IS NULL
            WHERE l.bank_reference = b.bank_reference AND l.bank = b.bank)));
  ELSE
    RETURN QUERY
      SELECT k.id FROM onramp_break k
      WHERE k.bank = b.bank AND k.onramp_id IS NULL AND k.offramp_id IS NULL
        AND (k.bank_reference = b.bank_reference OR k.bank_reference IN (
          SELECT l.bank_reference FROM onramp_statementline l
          JOIN onramp_statement s ON s.id = l.statement_id AND s.superseded_at IS NULL
          WHERE l.bank = b.bank AND l.token <> '' AND l.token = coalesce(
            (SELECT i.token FROM onramp_onramptransaction i WHERE i.id = b.onramp_id),
            (SELECT o.token FROM onramp_offramptransaction o WHERE o.id = b.offramp_id))));
  END IF;
END $$;
"""
REMAINING = """
CREATE OR REPLACE FUNCTION onramp_remaining(break_id bigint, is_with_proposed boolean)
RETURNS numeric LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT b.theirs_minor - b.ours_minor - coalesce((
      SELECT sum(CASE WHEN c.is_credit THEN c.amount_minor ELSE -c.amount_minor END)
      FROM onramp_correction c
      WHERE c.of_id IN (SELECT onramp_kin(break_id))
        AND (c.status = 'approved' OR is_with_proposed AND c.status = 'proposed')), 0)
    FROM onramp_break b WHERE b.id = break_id);
END $$;
"""
# Triggers of one moment run by their names: this one before correction_is_proposed_as_it_may, which
# then counts what others had proposed.
ALONE = """
CREATE FUNCTION onramp_lock_kin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM onramp_break k WHERE k.id IN (SELECT onramp_kin(NEW.of_id))
  ORDER BY k.id FOR NO KEY UPDATE;
  RETURN NEW;
END $$;
CREATE TRIGGER correction_comes_alone BEFORE INSERT ON onramp_correction
  FOR EACH ROW EXECUTE FUNCTION onramp_lock_kin();
"""
# As it was in 0015.
BEFORE = """
DROP FUNCTION onramp_lock_kin CASCADE;
CREATE OR REPLACE FUNCTION onramp_remaining(break_id bigint, is_with_proposed boolean)
RETURNS numeric LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT b.theirs_minor - b.ours_minor - coalesce(sum(
      CASE WHEN c.is_credit THEN c.amount_minor ELSE -c.amount_minor END), 0)
    FROM onramp_break b
    LEFT JOIN onramp_break kin ON kin.subject = b.subject
    LEFT JOIN onramp_correction c ON c.of_id = kin.id
      AND (c.status = 'approved' OR is_with_proposed AND c.status = 'proposed')
    WHERE b.id = break_id
    GROUP BY b.theirs_minor, b.ours_minor);
END $$;
DROP FUNCTION onramp_kin;
"""
# Whoever is corrected is told in the transaction that moves the money: a proposal is approved once,
# in one with its transfer, whose public id leads to the receipt.
TELL = """
CREATE FUNCTION onramp_tell_corrections() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts_notice (user_id, kind, subject, amount_minor, currency, who, happened_at,
    mail_status, mail_at)
  SELECT person.id, CASE WHEN NEW.is_credit THEN 'corrected_up' ELSE 'corrected_down' END,
    t.public_id, NEW.amount_minor, NEW.currency, '', t.happened_at,
    CASE WHEN person.email IS NULL THEN 'none' ELSE 'waiting' END,
    CASE WHEN person.email IS NOT NULL THEN now() END
  FROM wallet_transfer t
  JOIN wallet_wallet own ON own.id = NEW.wallet_id
  JOIN accounts_user person ON person.id = own.owner_id
  WHERE t.id = NEW.transfer_id;
  RETURN NULL;
END $$;
CREATE TRIGGER correction_told AFTER UPDATE ON onramp_correction
  FOR EACH ROW WHEN (NEW.status = 'approved') EXECUTE FUNCTION onramp_tell_corrections();
"""
TELL_NOBODY = "DROP FUNCTION onramp_tell_corrections CASCADE;"


def _paths(*functions: str) -> str:
    """Anybody may make temporary tables, and those are found first."""
    names = ", ".join(f"'onramp_{name}'" for name in functions)
    return f"""
DO $$
DECLARE guard regprocedure;
BEGIN
  FOR guard IN SELECT oid FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proname IN ({names})
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp',
      guard, current_schema());
  END LOOP;
END $$;
"""  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0018_what_ends_nothing_is_kept"),
        ("accounts", "0004_corrections_are_told"),
    ]
    operations = [
        migrations.RunSQL(
            KIN + REMAINING + ALONE + _paths("kin", "remaining", "lock_kin"),
            reverse_sql=BEFORE + _paths("remaining"),
        ),
        migrations.RunSQL(TELL + _paths("tell_corrections"), reverse_sql=TELL_NOBODY),
    ]
