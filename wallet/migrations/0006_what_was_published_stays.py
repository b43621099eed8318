from django.db import migrations

APPEND_ONLY = """
CREATE TRIGGER leaf_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_leaf
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('the tree is only ever added to');
CREATE TRIGGER node_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_node
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('the tree is only ever added to');
CREATE TRIGGER checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_checkpoint
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_refuse('what was published stays');
"""
NO_APPEND_ONLY = """
DROP TRIGGER leaf_append_only ON wallet_leaf;
DROP TRIGGER node_append_only ON wallet_node;
DROP TRIGGER checkpoint_append_only ON wallet_checkpoint;
"""

# Judged like the books themselves (0002): over all rows of a statement, joins outer, each WHERE and
# OR one rule that tests/wallet/test_guards.py takes away by itself.
JUDGES = r"""
CREATE FUNCTION wallet_judge_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh f
    LEFT JOIN wallet_leaf p ON p.index = f.index - 1
    LEFT JOIN wallet_entry e ON e.id = f.entry_id
    WHERE f.index > 0 AND p.index IS NULL
      OR f.entry_id <= p.entry_id
      OR f.hash IS DISTINCT FROM sha256('\x00'::bytea || uuid_send(f.nonce) || e.hash)
  ) THEN
    RAISE 'a leaf leaves a gap, is out of order or is not of its entry' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER leaf_judged AFTER INSERT ON wallet_leaf REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_leaves();

CREATE FUNCTION wallet_judge_checkpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM fresh f
    WHERE NOT EXISTS (SELECT FROM wallet_leaf l WHERE l.index = f.size - 1)
      OR EXISTS (SELECT FROM wallet_checkpoint c WHERE c.id <> f.id AND c.size >= f.size)
  ) THEN
    RAISE 'a checkpoint covers what is not there, or does not grow' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER checkpoint_judged AFTER INSERT ON wallet_checkpoint REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION wallet_judge_checkpoints();
"""
NO_JUDGES = "DROP FUNCTION wallet_judge_leaves, wallet_judge_checkpoints CASCADE;"

# As in 0002: a temporary table of the same name must not be what a judge reads.
PATHS = """
DO $$
DECLARE judge text;
BEGIN
  FOREACH judge IN ARRAY ARRAY['leaves', 'checkpoints'] LOOP
    EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp',
      'wallet_judge_' || judge, current_schema());
  END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("wallet", "0005_checkpoints")]
    operations = [
        migrations.RunSQL(APPEND_ONLY, reverse_sql=NO_APPEND_ONLY),
        migrations.RunSQL(JUDGES, reverse_sql=NO_JUDGES),
        migrations.RunSQL(PATHS, reverse_sql=migrations.RunSQL.noop),
    ]
