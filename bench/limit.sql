-- The limit: one payment as one prepared statement, with every guard of the database on.
-- pgbench -M prepared; :wallets people, numbered from :first, as bench/people.py makes them.
\set number random(0, :wallets - 1)
\set payer :first + :number
\set payee :first + (:number + random(1, :wallets - 1)) % :wallets
WITH held AS MATERIALIZED (
  SELECT b.wallet_id, b.available_minor, b.locked_minor, b.version, b.head_hash, b.happened_at
  FROM wallet_balance b
  WHERE b.wallet_id IN (:payer::bigint, :payee::bigint)
  ORDER BY b.wallet_id
  FOR NO KEY UPDATE
), asked AS MATERIALIZED (
  SELECT gen_random_uuid() AS public_id, gen_random_uuid() AS key, w.id AS source_id,
    :payee::bigint AS target_id, 1::bigint AS amount, w.currency::text AS currency,
    w.owner_id AS actor_id, greatest(clock.now, clock.newest) AS happened_at,
    clock.now AS posted_at
  FROM wallet_wallet w
  JOIN wallet_wallet payee ON payee.id = :payee::bigint AND payee.currency = w.currency
    AND payee.status IN ('active', 'debit_frozen')
  CROSS JOIN (SELECT clock_timestamp() AS now, max(happened_at) AS newest FROM held) clock
  WHERE w.id = :payer::bigint AND w.status = 'active'
    AND (SELECT available_minor FROM held WHERE wallet_id = :payer::bigint) >= 1
), moved AS (
  INSERT INTO wallet_transfer (public_id, kind, source_id, target_id, amount_minor, currency,
    actor_id, idempotency_key, fingerprint, note, happened_at, posted_at)
  SELECT public_id, 'send', source_id, target_id, amount, currency, actor_id, key,
    wallet_transfer_fingerprint('send', source_id, target_id, amount, currency, actor_id, key, ''),
    '', happened_at, posted_at
  FROM asked
  ON CONFLICT (actor_id, idempotency_key) DO NOTHING
  RETURNING *
), made AS MATERIALIZED (
  SELECT h.*, t.id AS transfer_id, t.currency, t.posted_at, t.happened_at AS now,
    h.version + 1 AS next,
    CASE h.wallet_id WHEN t.source_id THEN -t.amount_minor ELSE t.amount_minor END AS delta,
    wallet_entry_hash(h.head_hash, t.public_id, t.fingerprint, h.wallet_id, t.currency,
      h.version + 1,
      CASE h.wallet_id WHEN t.source_id THEN -t.amount_minor ELSE t.amount_minor END, 0,
      h.available_minor +
        CASE h.wallet_id WHEN t.source_id THEN -t.amount_minor ELSE t.amount_minor END,
      h.locked_minor, t.happened_at, t.posted_at) AS hash
  FROM moved t CROSS JOIN held h
), written AS (
  INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,
    delta_locked_minor, version, available_before_minor, available_after_minor,
    locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)
  SELECT transfer_id, wallet_id, currency, delta, 0, next, available_minor,
    available_minor + delta, locked_minor, locked_minor, head_hash, hash, now, posted_at
  FROM made
)
UPDATE wallet_balance b
SET available_minor = b.available_minor + made.delta, version = made.next, head_hash = made.hash,
  happened_at = made.now
FROM made WHERE b.wallet_id = made.wallet_id;
