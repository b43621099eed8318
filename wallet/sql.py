"""The posting statement, and nothing else."""

# One statement for one transfer or a thousand. The triggers of migration 0002 run when all of it
# is done, so each sees the transfers, their entries and the balances together.
POST = """
WITH moved AS (
  INSERT INTO wallet_transfer (public_id, kind, source_id, target_id, amount_minor, currency,
    actor_id, idempotency_key, fingerprint, note, happened_at, posted_at)
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::text[], %s::bigint[], %s::uuid[], %s::bytea[], %s::text[], %s::timestamptz[],
    %s::timestamptz[])
  RETURNING id, public_id, currency, happened_at, posted_at
), written AS (
  INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,
    delta_locked_minor, version, available_before_minor, available_after_minor,
    locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)
  SELECT moved.id, e.wallet_id, moved.currency, e.delta, 0, e.version, e.before, e.after,
    e.locked_before, e.locked_after, e.prev_hash, e.hash, moved.happened_at, moved.posted_at
  FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[])
    AS e (public_id, wallet_id, delta, version, before, after, locked_before, locked_after,
      prev_hash, hash)
  JOIN moved USING (public_id)
), held AS (
  UPDATE wallet_balance b
  SET available_minor = n.available, locked_minor = n.locked, version = n.version,
    head_hash = n.head_hash, happened_at = n.happened_at
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[],
    %s::timestamptz[]) AS n (wallet_id, available, locked, version, head_hash, happened_at)
  WHERE b.wallet_id = n.wallet_id
)
SELECT id, public_id FROM moved
"""
