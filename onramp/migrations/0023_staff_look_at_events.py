import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Attempts are counted one by one; only what was given up, which nobody tries any more, starts over.
GUARDS = """
CREATE FUNCTION onramp_event_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.attempts = OLD.attempts + 1
     OR NEW.attempts = 0 AND OLD.attempts >= 5 AND NEW.status = 'received' THEN
    RETURN NEW;
  END IF;
  RAISE 'attempts are counted one by one, and again from 0 after five' USING ERRCODE = '23514';
END $$;
CREATE TRIGGER bank_event_tries_are_counted BEFORE UPDATE ON onramp_bankevent
  FOR EACH ROW WHEN (NEW.attempts <> OLD.attempts AND OLD.status = 'received')
  EXECUTE FUNCTION onramp_event_count();

CREATE FUNCTION onramp_review_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM onramp_bankevent e WHERE e.id = NEW.event_id AND e.status = 'quarantined'
  ) THEN
    RAISE 'only a quarantined event is looked at' USING ERRCODE = '23514';
  END IF;
  IF NOT EXISTS (
    SELECT FROM accounts_user u WHERE u.id = NEW.by_id AND u.is_staff AND u.is_active
  ) THEN
    RAISE 'only staff look at events' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER event_review_is_of_staff BEFORE INSERT ON onramp_eventreview
  FOR EACH ROW EXECUTE FUNCTION onramp_review_event();
CREATE TRIGGER event_review_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON onramp_eventreview
  FOR EACH STATEMENT EXECUTE FUNCTION onramp_refuse('what staff found is only ever added to');
"""
DROP = """
DROP FUNCTION onramp_event_count, onramp_review_event CASCADE;
DROP TRIGGER event_review_append_only ON onramp_eventreview;
"""
# Anybody may make temporary tables, and those are found first: without a path of its own a guard
# would read a forged event or person instead of ours.
PATHS = """
DO $$
DECLARE guard text;
BEGIN
  FOREACH guard IN ARRAY ARRAY['event_count', 'review_event'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'onramp_' || guard, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("onramp", "0022_later_words_wait"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="EventReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("note", models.CharField(max_length=500)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="onramp.bankevent",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("note", ""), _negated=True),
                        name="event_review_says_what",
                    )
                ],
            },
        ),
        migrations.RunSQL(GUARDS + PATHS, reverse_sql=DROP),
    ]
