import django.db.models.deletion
from django.db import migrations, models

# Foreign keys ask for each row, and lock what they find: every credit would write to the one row
# of its bank's wallet. The judge reads the same rows once for the whole statement, and nothing
# that it finds there is ever deleted, renumbered or changes currency (migration 0003).
# As in 0002, with two rules more: the currencies.
JUDGE = """
CREATE OR REPLACE FUNCTION wallet_judge_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (SELECT transfer_id, count(*) AS added FROM fresh GROUP BY transfer_id) f
    WHERE (SELECT count(*) FROM wallet_entry e WHERE e.transfer_id = f.transfer_id) <> f.added
  ) THEN
    RAISE 'entries were added to an older transfer' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM fresh e
    LEFT JOIN wallet_transfer t ON t.id = e.transfer_id
    LEFT JOIN wallet_wallet w ON w.id = e.wallet_id
    LEFT JOIN wallet_entry p ON p.wallet_id = e.wallet_id AND p.version = e.version - 1
    WHERE t.id IS NULL
      OR w.tracks_balance IS DISTINCT FROM (e.version IS NOT NULL)
      OR e.currency <> t.currency
      OR e.currency <> w.currency
      OR e.wallet_id = t.source_id AND (w.kind = 'settlement') <> (t.kind = 'onramp')
      OR e.happened_at <> t.happened_at
      OR e.created_at <> t.posted_at
      OR e.hash <> wallet_entry_hash(e.prev_hash, t.public_id, t.fingerprint, e.wallet_id,
        e.currency, e.version, e.delta_available_minor, e.delta_locked_minor,
        e.available_after_minor, e.locked_after_minor, e.happened_at, e.created_at)
      OR e.version > 1 AND p.id IS NULL
      OR e.prev_hash <> coalesce(p.hash, decode(repeat('00', 32), 'hex'))
      OR e.available_before_minor <> coalesce(p.available_after_minor, 0)
      OR e.locked_before_minor <> coalesce(p.locked_after_minor, 0)
      OR e.happened_at < p.happened_at
  ) THEN
    RAISE 'an entry does not follow its wallet''s previous entry' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (
    SELECT FROM (
      SELECT wallet_id, max(version) AS version FROM fresh WHERE version IS NOT NULL
      GROUP BY wallet_id
    ) f
    LEFT JOIN wallet_balance b USING (wallet_id)
    WHERE b.version IS DISTINCT FROM f.version
  ) THEN
    RAISE 'entries were added without their balance' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
"""
# CREATE OR REPLACE takes back what 0002 set: without a path of its own a judge would read a forged
# temporary table instead of ours.
PATH = """
DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION wallet_judge_entries() SET search_path = pg_catalog, %I, pg_temp',
    current_schema());
END $$;
"""
NO_KEYS = """
ALTER TABLE wallet_transfer
  DROP CONSTRAINT transfer_source_currency, DROP CONSTRAINT transfer_target_currency;
ALTER TABLE wallet_entry DROP CONSTRAINT entry_wallet_currency;
"""
KEYS = """
ALTER TABLE wallet_transfer
  ADD CONSTRAINT transfer_source_currency FOREIGN KEY (source_id, currency)
    REFERENCES wallet_wallet (id, currency),
  ADD CONSTRAINT transfer_target_currency FOREIGN KEY (target_id, currency)
    REFERENCES wallet_wallet (id, currency);
ALTER TABLE wallet_entry
  ADD CONSTRAINT entry_wallet_currency FOREIGN KEY (wallet_id, currency)
    REFERENCES wallet_wallet (id, currency);
"""


class Migration(migrations.Migration):
    dependencies = [("wallet", "0006_what_was_published_stays")]
    operations = [
        migrations.RunSQL(JUDGE + PATH, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(NO_KEYS, reverse_sql=KEYS),
        migrations.AlterField(
            model_name="entry",
            name="transfer",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="wallet.transfer",
            ),
        ),
    ]
