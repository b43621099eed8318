from django.db import migrations

# nexapay_cache has the shape Django's DatabaseCache expects (createcachetable makes the same).
CREATE = """
CREATE TABLE nexapay_cache (
  cache_key varchar(255) PRIMARY KEY,
  value text NOT NULL,
  expires timestamptz NOT NULL
);
CREATE INDEX nexapay_cache_expires ON nexapay_cache (expires);

CREATE TABLE nexapay_throttle (
  bucket bytea PRIMARY KEY,
  window_started timestamptz NOT NULL,
  hits integer NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX nexapay_throttle_window ON nexapay_throttle (window_started);
"""
DROP = "DROP TABLE nexapay_cache, nexapay_throttle;"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(CREATE, reverse_sql=DROP)]
