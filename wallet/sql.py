"""The statements that post money, and nothing else."""

# One statement for one transfer or a thousand. The judges (0014 and 0017) run when all of it is
# done, so each sees the transfers, their entries and the balances together.
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
# the hashes those of migration 0013. Of $1 to $10: public_id, source, target, amount_minor, actor,
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
  ON CONFLICT (actor_id, idempotency_key) DO NOTHING
  RETURNING id, public_id, currency, fingerprint, happened_at, posted_at
), written AS (
  INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,
    delta_locked_minor, version, available_before_minor, available_after_minor,
    locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)
  SELECT t.id, b.wallet_id, t.currency, d.delta, 0, b.version + 1, b.available_minor,
    b.available_minor + d.delta, b.locked_minor, b.locked_minor, b.head_hash,
    wallet_entry_hash(b.head_hash, t.public_id, t.fingerprint, b.wallet_id, t.currency,
      b.version + 1, d.delta, 0, b.available_minor + d.delta, b.locked_minor, t.happened_at,
      t.posted_at), t.happened_at, t.posted_at
  FROM moved t
  CROSS JOIN (VALUES ($2, -$4), ($3, $4)) AS d (wallet_id, delta)
  JOIN wallet_balance b USING (wallet_id)
  RETURNING wallet_id, available_after_minor, version, hash, happened_at
), held AS (
  UPDATE wallet_balance b
  SET available_minor = w.available_after_minor, version = w.version, head_hash = w.hash,
    happened_at = w.happened_at
  FROM written w WHERE b.wallet_id = w.wallet_id
)
SELECT id, currency, fingerprint, happened_at, posted_at FROM moved
"""

# What banks confirmed, for wallets that are all different and whose balances the transaction has
# locked. Columns of public_id, wallet, bank, amount_minor, currency and idempotency_key, behind
# when it happened. Nothing is credited in a currency that is not the wallet's, or for a bank that
# has no settlement wallet: its row of "owed" has no id then.
_CREDIT = """
WITH owed AS MATERIALIZED (
  SELECT c.*, bank.id AS source_id, b.available_minor, b.locked_minor, b.version + 1 AS version,
    b.head_hash, greatest(by.now, b.happened_at) AS happened_at,
    clock_timestamp() AS posted_at, by.now,
    CASE WHEN bank.id IS NOT NULL THEN nextval('wallet_transfer_id_seq') END AS id,
    wallet_transfer_fingerprint('onramp', bank.id, own.id, c.amount, c.currency, NULL, c.key, '')
      AS fingerprint
  FROM (VALUES (%s::timestamptz)) AS by (now)
  CROSS JOIN unnest(
    %s::uuid[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::uuid[]{types})
    AS c (public_id, wallet_id, bank, amount, currency, key{names})
  LEFT JOIN LATERAL (
    SELECT w.id, w.currency FROM wallet_wallet w
    WHERE w.id = c.wallet_id AND w.currency = c.currency OFFSET 0
  ) own ON true
  LEFT JOIN LATERAL (
    SELECT w.id FROM wallet_wallet w WHERE w.kind = 'settlement' AND w.owner_id IS NULL
      AND w.name = c.bank AND w.currency = own.currency OFFSET 0
  ) bank ON true
  LEFT JOIN LATERAL (
    SELECT h.available_minor, h.locked_minor, h.version, h.head_hash, h.happened_at
    FROM wallet_balance h WHERE h.wallet_id = own.id OFFSET 0
  ) b ON true
), made AS MATERIALIZED (
  SELECT *, available_minor + amount AS available,
    wallet_entry_hash(head_hash, public_id, fingerprint, wallet_id, currency, version, amount, 0,
      available_minor + amount, locked_minor, happened_at, posted_at) AS hash
  FROM owed WHERE id IS NOT NULL
), moved AS (
  INSERT INTO wallet_transfer (id, public_id, kind, source_id, target_id, amount_minor, currency,
    actor_id, idempotency_key, fingerprint, note, happened_at, posted_at)
  SELECT id, public_id, 'onramp', source_id, wallet_id, amount, currency, NULL, key, fingerprint,
    '', happened_at, posted_at
  FROM made
), written AS (
  INSERT INTO wallet_entry (transfer_id, wallet_id, currency, delta_available_minor,
    delta_locked_minor, version, available_before_minor, available_after_minor,
    locked_before_minor, locked_after_minor, prev_hash, hash, happened_at, created_at)
  SELECT id, wallet_id, currency, amount, 0, version, available_minor, available, locked_minor,
    locked_minor, head_hash, hash, happened_at, posted_at
  FROM made
  UNION ALL
  SELECT id, source_id, currency, -amount, 0, NULL, NULL, NULL, NULL, NULL, genesis.hash,
    wallet_entry_hash(genesis.hash, public_id, fingerprint, source_id, currency, NULL, -amount, 0,
      NULL, NULL, happened_at, posted_at), happened_at, posted_at
  FROM made CROSS JOIN (VALUES (decode(repeat('00', 32), 'hex'))) AS genesis (hash)
){then}
UPDATE wallet_balance b
SET available_minor = made.available, version = made.version, head_hash = made.hash,
  happened_at = made.happened_at
FROM made WHERE b.wallet_id = made.wallet_id
"""


def credit(carried: dict[str, str], then: str) -> str:
    """
    Return what credits wallets, and in the same statement settles what asked for the credits.

    carried are columns that whoever asked brings along, with their types; then is what it does with
    them, a part of WITH: it reads the rows of "owed", whose id is their transfer's.
    """
    return _CREDIT.format(
        types="".join(f", %s::{type}[]" for type in carried.values()),
        names="".join(f", {name}" for name in carried),
        then=f", {then}" if then else "",
    )
