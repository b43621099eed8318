import django.db.models.deletion
from django.db import migrations, models

# Foreign keys ask for each row, and lock what they find. A judge looks once for all that a
# statement writes; what it finds there is never deleted. What an event conflicts with is looked up
# as it arrives (migration 0005), and stays.
JUDGE = """
CREATE FUNCTION onramp_judge_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh e
    LEFT JOIN onramp_onramptransaction o ON o.id = e.onramp_id
    LEFT JOIN onramp_offramptransaction w ON w.id = e.offramp_id
    WHERE e.onramp_id IS NOT NULL AND o.id IS NULL
      OR e.offramp_id IS NOT NULL AND w.id IS NULL
  ) THEN
    RAISE 'an event speaks of a payment that is not there' USING ERRCODE = '23503';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER bank_event_judged_when_kept AFTER INSERT ON onramp_bankevent
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_judge_events();
CREATE TRIGGER bank_event_judged_when_applied AFTER UPDATE ON onramp_bankevent
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION onramp_judge_events();
"""
# Anybody may make temporary tables, and those are found first.
PATH = """
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_judge_events() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""
DROP = "DROP FUNCTION onramp_judge_events CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0026_nobodys_payments_are_nobodys"),
        ("wallet", "0009_people_are_told"),
    ]

    operations = [
        migrations.RunSQL(JUDGE + PATH, reverse_sql=DROP),
        migrations.RemoveIndex(
            model_name="onramptransaction",
            name="onramp_by_status",
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="conflicts_with",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="conflicts",
                to="onramp.bankevent",
            ),
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="offramp",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="The off-ramp it spoke of, if we know it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="onramp.offramptransaction",
            ),
        ),
        migrations.AlterField(
            model_name="bankevent",
            name="onramp",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="The on-ramp it spoke of, if we know it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="onramp.onramptransaction",
            ),
        ),
        migrations.AddIndex(
            model_name="onramptransaction",
            index=models.Index(
                condition=models.Q(("status", "success"), _negated=True),
                fields=["status", "-created_at"],
                name="onramp_unpaid_by_status",
            ),
        ),
    ]
