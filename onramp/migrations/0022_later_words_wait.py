from django.db import migrations, models

# What a queued event speaks of is told apart at the door, and stays as it was told.
KEEP = """
CREATE OR REPLACE FUNCTION onramp_event_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.public_id, NEW.bank, NEW.event_id, NEW.body, NEW.body_sha256, NEW.headers,
      {new} NEW.conflicts_with_id, NEW.received_at)
     IS DISTINCT FROM
     (OLD.id, OLD.public_id, OLD.bank, OLD.event_id, OLD.body, OLD.body_sha256, OLD.headers,
      {old} OLD.conflicts_with_id, OLD.received_at) THEN
    RAISE 'what a bank sent never changes' USING ERRCODE = '23001';
  END IF;
  IF OLD.status <> 'received' THEN
    RAISE 'an event is judged once, and is % already', OLD.status USING ERRCODE = '23001';
  END IF;
  RETURN NEW;
END $$;
"""
# CREATE OR REPLACE takes back what 0004 set.
PATH = """
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION onramp_event_keep() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0021_since_when_and_by_which_bank")]
    operations = [
        migrations.AddField(
            model_name="bankevent",
            name="token",
            # Of the database's too: whoever serves during the migration knows nothing of it.
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Which payment it speaks of, of one that was queued: for their order.",
                max_length=128,
            ),
        ),
        migrations.AddIndex(
            model_name="bankevent",
            index=models.Index(
                condition=models.Q(
                    ("attempts__gt", 0), ("attempts__lt", 5), ("status", "received")
                ),
                fields=["bank", "token", "received_at", "id"],
                name="bank_event_failing",
            ),
        ),
        migrations.RunSQL(
            KEEP.format(new="NEW.token,", old="OLD.token,") + PATH,
            reverse_sql=KEEP.format(new="", old="") + PATH,
        ),
    ]
