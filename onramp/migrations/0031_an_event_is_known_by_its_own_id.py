from django.db import migrations

# Who is asked for an event by another id than its bank's? Nobody ever was. Whoever serves during
# the migration writes the column still, so it stays, and goes in a later one.
LEAVE = """
ALTER TABLE onramp_bankevent
  DROP CONSTRAINT onramp_bankevent_public_id_key,
  ALTER COLUMN public_id DROP NOT NULL;
"""
# Not an UPDATE: what a bank sent never changes, says its guard.
BACK = """
SET LOCAL statement_timeout = 0;
ALTER TABLE onramp_bankevent
  ALTER COLUMN public_id TYPE uuid USING coalesce(public_id, gen_random_uuid()),
  ALTER COLUMN public_id SET NOT NULL,
  ADD CONSTRAINT onramp_bankevent_public_id_key UNIQUE (public_id);
"""


class Migration(migrations.Migration):
    dependencies = [("onramp", "0030_one_question_at_commit")]
    operations = [
        migrations.RunSQL(
            LEAVE,
            reverse_sql=BACK,
            state_operations=[migrations.RemoveField("bankevent", "public_id")],
        )
    ]
