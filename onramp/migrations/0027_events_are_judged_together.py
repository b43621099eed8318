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
# PostgreSQL reads a trigger's condition anew for each statement, and this one is long: so only for
# statements that write a term.
TERMS = """
DROP TRIGGER onramp_keeps_its_terms ON onramp_onramptransaction;
CREATE TRIGGER onramp_keeps_its_terms BEFORE UPDATE {of} ON onramp_onramptransaction
  FOR EACH ROW WHEN (
    (NEW.id, NEW.public_id, NEW.token, NEW.wallet_id, NEW.amount_minor, NEW.currency, NEW.bank,
      NEW.idempotency_key, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM
    (OLD.id, OLD.public_id, OLD.token, OLD.wallet_id, OLD.amount_minor, OLD.currency, OLD.bank,
      OLD.idempotency_key, OLD.created_at, OLD.expires_at))
  EXECUTE FUNCTION onramp_refuse('its terms never change');
"""
OF = """OF id, public_id, token, wallet_id, amount_minor, currency, bank, idempotency_key,
  created_at, expires_at"""


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0026_nobodys_payments_are_nobodys"),
        ("wallet", "0009_people_are_told"),
    ]

    operations = [
        migrations.RunSQL(JUDGE + PATH, reverse_sql=DROP),
        migrations.RunSQL(TERMS.format(of=OF), reverse_sql=TERMS.format(of="")),
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
