from django.db import migrations, models

# A correction and the bank's late word must not both move the money. Staff decide on what was
# posted when the break was found, so nothing may have been posted since; and what they have brought
# back does not come back again. The withdrawal's row is locked, so that one of the two is first.
GUARDS = """
CREATE FUNCTION onramp_correction_still_due() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  posted bigint;
BEGIN
  SELECT CASE WHEN o.status = 'success' THEN -o.amount_minor ELSE 0 END INTO posted
  FROM onramp_break b JOIN onramp_offramptransaction o ON o.id = b.offramp_id
  WHERE b.id = NEW.of_id
  FOR NO KEY UPDATE OF o;
  IF posted <> (SELECT b.ours_minor FROM onramp_break b WHERE b.id = NEW.of_id) THEN
    RAISE 'something was posted since the break was found' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER correction_is_still_due BEFORE UPDATE ON onramp_correction
  FOR EACH ROW WHEN (NEW.status = 'approved') EXECUTE FUNCTION onramp_correction_still_due();

CREATE FUNCTION onramp_return_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM onramp_break b JOIN onramp_correction c ON c.of_id = b.id
    WHERE b.offramp_id = NEW.id AND c.status = 'approved'
  ) THEN
    RAISE 'what staff have brought back does not come back again' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER offramp_comes_back_once BEFORE UPDATE ON onramp_offramptransaction
  FOR EACH ROW WHEN (NEW.status = 'returned') EXECUTE FUNCTION onramp_return_once();
"""
# Anybody may make temporary tables, and those are found first.
PATHS = """
DO $$
DECLARE guard text;
BEGIN
  FOREACH guard IN ARRAY ARRAY['onramp_correction_still_due', 'onramp_return_once'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      guard, current_schema());
  END LOOP;
END $$;
"""
DROP = "DROP FUNCTION onramp_correction_still_due, onramp_return_once CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("onramp", "0015_corrections_take_two")]
    operations = [
        migrations.RunSQL(GUARDS + PATHS, reverse_sql=DROP),
        migrations.AddIndex(
            model_name="break",
            index=models.Index(
                condition=models.Q(("offramp__isnull", True), ("onramp__isnull", True)),
                fields=["bank_reference"],
                name="break_of_nobody_known",
            ),
        ),
    ]
