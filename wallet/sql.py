"""The statements that post money, and nothing else."""

# One statement for one transfer or a thousand. The triggers of migrations 0002 and 0008 run when
# all of it is done, so each sees the transfers, their entries and the balances together.
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
  SELECT moved.id, e.wallet_id, moved.currency, e.delta, e.locked, e.version, e.before, e.after,
    e.locked_before, e.locked_after, e.prev_hash, e.hash, moved.happened_at, moved.posted_at
  FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[])
    AS e (public_id, wallet_id, delta, locked, version, before, after, locked_before, locked_after,
      prev_hash, hash)
  JOIN moved USING (public_id)
), held AS (
  UPDATE wallet_balance b
  SET available_minor = n.available, locked_minor = n.locked, version = n.version,
    head_hash = n.head_hash, happened_at = n.happened_at
  FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[],
    %s::timestamptz[]) AS n (wallet_id, available, locked, version, head_hash, happened_at)
  WHERE b.wallet_id = n.wallet_id AND b.wallet_id = ANY(%s::bigint[])
)
SELECT id, public_id FROM moved
"""

# One payment between two people whose balances the transaction has locked, if everything that it
# depends on holds; else nothing. The rules for wallets are those of wallet/services/sending.py, and
# the hashes those of migration 0002. Of $1 to $10: public_id, source, target, amount_minor, actor,
# idempotency_key, note, happened_at, who may pay, who may be paid.
SEND = """
WITH moved AS (
  INSERT INTO wallet_transfer (public_id, kind, source_id, target_id, amount_minor, currency,
    actor_id, idempotency_key, fingerprint, note, happened_at, posted_at)
  SELECT $1::uuid, 'send', payer.id, payee.id, $4::bigint, payer.currency, $5::bigint, $6::uuid,
    wallet_transfer_fingerprint('send', payer.id, payee.id, $4, payer.currency, $5, $6, $7::text),
    $7, greatest($8::timestamptz, paying.happened_at, paid.happened_at), clock_timestamp()
  FROM wallet_wallet payer
  JOIN wallet_balance paying ON paying.wallet_id = payer.id
  JOIN wallet_wallet payee ON payee.id = $3::bigint
  LEFT JOIN wallet_balance paid ON paid.wallet_id = payee.id
  WHERE payer.id = $2::bigint
    AND payer.status = ANY ($9::text[])
    AND payee.status = ANY ($10::text[])
    AND payee.currency = payer.currency
    AND paying.available_minor >= $4
    AND NOT EXISTS (
      SELECT FROM wallet_transfer t WHERE t.actor_id = $5 AND t.idempotency_key = $6)
  RETURNING *
), made AS MATERIALIZED (
  SELECT b.*, t.id AS transfer_id, t.public_id, t.fingerprint, t.currency, t.happened_at AS at,
    t.posted_at, b.version + 1 AS next, d.delta, b.available_minor + d.delta AS available,
    wallet_entry_hash(b.head_hash, t.public_id, t.fingerprint, b.wallet_id, t.currency,
      b.version + 1, d.delta, 0, b.available_minor + d.delta, b.locked_minor, t.happened_at,
      t.posted_at) AS hash
  FROM moved t
  CROSS JOIN (VALUES ($2, -$4), ($3, $4)) AS d (wallet_id, delta)
  JOIN wallet_balance b USING (wallet_id)
), written AS (
  INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,
    delta_locked_minor, version, available_before_minor, available_after_minor,
    locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)
  SELECT transfer_id, wallet_id, currency, delta, 0, next, available_minor, available,
    locked_minor, locked_minor, head_hash, hash, at, posted_at
  FROM made
), held AS (
  UPDATE wallet_balance b
  SET available_minor = made.available, version = made.next, head_hash = made.hash,
    happened_at = made.at
  FROM made WHERE b.wallet_id = made.wallet_id
)
SELECT id, public_id, kind, source_id, target_id, amount_minor, currency, actor_id,
  idempotency_key, fingerprint, note, happened_at, posted_at
FROM moved
"""

# What banks confirmed, for wallets that are all different and whose balances the transaction has
# locked. A wallet has no entry of a credit whose currency is not the wallet's, or whose bank has no
# settlement wallet yet: whoever says this looks for every credit that was meant. Columns of
# public_id, wallet, bank, amount_minor, currency and idempotency_key, behind when it happened.
CREDIT = """
WITH moved AS (
  INSERT INTO wallet_transfer (public_id, kind, source_id, target_id, amount_minor, currency,
    actor_id, idempotency_key, fingerprint, note, happened_at, posted_at)
  SELECT c.public_id, 'onramp', bank.id, own.id, c.amount, own.currency, NULL, c.key,
    wallet_transfer_fingerprint('onramp', bank.id, own.id, c.amount, own.currency, NULL, c.key, ''),
    '', greatest(%s::timestamptz, b.happened_at), clock_timestamp()
  FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::uuid[])
    AS c (public_id, wallet_id, bank, amount, currency, key)
  JOIN wallet_balance b ON b.wallet_id = c.wallet_id
  JOIN wallet_wallet own ON own.id = c.wallet_id AND own.currency = c.currency
  JOIN wallet_wallet bank ON bank.kind = 'settlement' AND bank.owner_id IS NULL
    AND bank.name = c.bank AND bank.currency = own.currency
  RETURNING *
), made AS MATERIALIZED (
  SELECT t.id, t.currency, t.amount_minor, t.happened_at, t.posted_at, b.wallet_id,
    b.version + 1 AS next, b.available_minor, b.locked_minor, b.head_hash,
    wallet_entry_hash(b.head_hash, t.public_id, t.fingerprint, b.wallet_id, t.currency,
      b.version + 1, t.amount_minor, 0, b.available_minor + t.amount_minor, b.locked_minor,
      t.happened_at, t.posted_at) AS hash
  FROM moved t JOIN wallet_balance b ON b.wallet_id = t.target_id
), written AS (
  INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,
    delta_locked_minor, version, available_before_minor, available_after_minor,
    locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)
  SELECT id, wallet_id, currency, amount_minor, 0, next, available_minor,
    available_minor + amount_minor, locked_minor, locked_minor, head_hash, hash, happened_at,
    posted_at
  FROM made
  UNION ALL
  SELECT id, source_id, currency, -amount_minor, 0, NULL, NULL, NULL, NULL, NULL, genesis.hash,
    wallet_entry_hash(genesis.hash, public_id, fingerprint, source_id, currency, NULL,
      -amount_minor, 0, NULL, NULL, happened_at, posted_at), happened_at, posted_at
  FROM moved CROSS JOIN (VALUES (decode(repeat('00', 32), 'hex'))) AS genesis (hash)
)
UPDATE wallet_balance b
SET available_minor = made.available_minor + made.amount_minor, version = made.next,
  head_hash = made.hash, happened_at = made.happened_at
FROM made WHERE b.wallet_id = made.wallet_id
"""
