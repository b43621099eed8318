"""The queries of wallet/audit.py. Each returns (subject, problem) for rows that break its rule."""

TRANSFERS = """
SELECT 'transfer ' || t.public_id, p.problem
FROM wallet_transfer t
LEFT JOIN (
  SELECT transfer_id, count(*) AS entries,
    sum(delta_available_minor + delta_locked_minor) AS total
  FROM wallet_entry GROUP BY transfer_id
) e ON e.transfer_id = t.id
LEFT JOIN wallet_wallet payer ON payer.id = t.source_id
LEFT JOIN wallet_entry s ON s.transfer_id = t.id AND s.wallet_id = t.source_id
LEFT JOIN wallet_entry g ON g.transfer_id = t.id AND g.wallet_id = t.target_id
CROSS JOIN LATERAL (VALUES
  (CASE WHEN e.entries IS DISTINCT FROM 2
     THEN 'has ' || coalesce(e.entries, 0) || ' entries instead of 2' END),
  (CASE WHEN e.total <> 0 THEN 'its entries sum to ' || e.total || ' instead of 0' END),
  (CASE WHEN s.id IS NULL OR g.id IS NULL THEN 'has no entry in its own source or target' END),
  (CASE WHEN s.delta_available_minor + s.delta_locked_minor <> -t.amount_minor
          OR g.delta_available_minor + g.delta_locked_minor <> t.amount_minor
     THEN 'its entries do not move its amount' END),
  (CASE WHEN (payer.kind = 'settlement') <> (t.kind = 'onramp')
     THEN 'takes money from a bank without its word, or from a person in its name' END),
  (CASE WHEN t.fingerprint <> wallet_transfer_fingerprint(t.kind, t.source_id, t.target_id,
       t.amount_minor, t.currency, t.actor_id, t.idempotency_key, t.note)
     THEN 'its details were changed' END),
  (CASE WHEN (s.happened_at, s.created_at) IS DISTINCT FROM (t.happened_at, t.posted_at)
          OR (g.happened_at, g.created_at) IS DISTINCT FROM (t.happened_at, t.posted_at)
     THEN 'its times differ from its entries''' END)
) AS p (problem)
WHERE p.problem IS NOT NULL
"""

ENTRIES = """
SELECT 'wallet ' || e.wallet_id || ' entry ' || e.id, p.problem
FROM (
  SELECT n.*,
    lag(n.version) OVER chain AS prev_version, lag(n.hash) OVER chain AS before_hash,
    lag(n.available_after_minor) OVER chain AS prev_available,
    lag(n.locked_after_minor) OVER chain AS prev_locked,
    lag(n.happened_at) OVER chain AS prev_happened_at
  FROM wallet_entry n
  WINDOW chain AS (
    PARTITION BY n.wallet_id, (n.version IS NULL),
      CASE WHEN n.version IS NULL THEN n.id END
    ORDER BY n.version)
) e
JOIN wallet_transfer t ON t.id = e.transfer_id
JOIN wallet_wallet w ON w.id = e.wallet_id
CROSS JOIN LATERAL (VALUES
  (CASE WHEN w.tracks_balance <> (e.version IS NOT NULL)
     THEN 'has a version where its wallet keeps none, or none where it does' END),
  (CASE WHEN e.version <> coalesce(e.prev_version, 0) + 1
     THEN 'version ' || e.version || ' does not follow version ' || coalesce(e.prev_version, 0)
   END),
  (CASE WHEN e.prev_hash <> coalesce(e.before_hash, decode(repeat('00', 32), 'hex'))
     THEN 'does not name the hash of the entry before it' END),
  (CASE WHEN e.available_before_minor <> coalesce(e.prev_available, 0)
          OR e.locked_before_minor <> coalesce(e.prev_locked, 0)
     THEN 'does not start where the entry before it ended' END),
  (CASE WHEN e.available_after_minor <> e.available_before_minor + e.delta_available_minor
          OR e.locked_after_minor <> e.locked_before_minor + e.delta_locked_minor
     THEN 'before and change do not give after' END),
  (CASE WHEN e.available_after_minor < 0 OR e.locked_after_minor < 0
     THEN 'leaves less than nothing' END),
  (CASE WHEN e.happened_at < e.prev_happened_at THEN 'is earlier than the entry before it' END),
  (CASE WHEN e.currency <> w.currency OR e.currency <> t.currency
     THEN 'is in another currency than its wallet or transfer' END),
  (CASE WHEN e.hash <> wallet_entry_hash(e.prev_hash, t.public_id, t.fingerprint, e.wallet_id,
       e.currency, e.version, e.delta_available_minor, e.delta_locked_minor,
       e.available_after_minor, e.locked_after_minor, e.happened_at, e.created_at)
     THEN 'its hash does not match what it says' END)
) AS p (problem)
WHERE p.problem IS NOT NULL
"""

ORPHANS = """
SELECT 'entry ' || e.id, 'belongs to no transfer or no wallet'
FROM wallet_entry e
LEFT JOIN wallet_transfer t ON t.id = e.transfer_id
LEFT JOIN wallet_wallet w ON w.id = e.wallet_id
WHERE t.id IS NULL OR w.id IS NULL
"""

BALANCES = """
SELECT 'wallet ' || w.id, p.problem
FROM wallet_wallet w
LEFT JOIN wallet_balance b ON b.wallet_id = w.id
LEFT JOIN LATERAL (
  SELECT n.* FROM wallet_entry n WHERE n.wallet_id = w.id AND n.version IS NOT NULL
  ORDER BY n.version DESC LIMIT 1
) e ON true
CROSS JOIN LATERAL (VALUES
  (CASE WHEN w.tracks_balance <> (b.wallet_id IS NOT NULL)
     THEN 'has no balance, or one where it should have none' END),
  (CASE WHEN NOT w.tracks_balance AND w.kind <> 'settlement'
     THEN 'keeps no balance, which only a bank''s side may' END),
  (CASE WHEN b.available_minor < 0 OR b.locked_minor < 0 THEN 'holds less than nothing' END),
  (CASE WHEN b.version <> coalesce(e.version, 0)
     THEN 'its balance is at version ' || b.version || ', its newest entry at '
       || coalesce(e.version, 0) END),
  (CASE WHEN b.available_minor <> coalesce(e.available_after_minor, 0)
          OR b.locked_minor <> coalesce(e.locked_after_minor, 0)
     THEN 'holds ' || b.available_minor || ' and ' || b.locked_minor || ' locked, its entries say '
       || coalesce(e.available_after_minor, 0) || ' and ' || coalesce(e.locked_after_minor, 0)
   END),
  (CASE WHEN b.head_hash <> coalesce(e.hash, decode(repeat('00', 32), 'hex'))
     THEN 'its balance does not name the hash of its newest entry' END),
  (CASE WHEN b.happened_at IS DISTINCT FROM e.happened_at
     THEN 'its balance has not the time of its newest entry' END)
) AS p (problem)
WHERE p.problem IS NOT NULL
"""

# What people hold is what came in: balances of wallets that track one, and the entries of those
# that do not, cancel out in every currency.
BOOKS = """
SELECT 'currency ' || currency, 'the books sum to ' || sum(held) || ' instead of 0'
FROM (
  SELECT w.currency, sum(b.available_minor + b.locked_minor) AS held
  FROM wallet_balance b JOIN wallet_wallet w ON w.id = b.wallet_id GROUP BY w.currency
  UNION ALL
  SELECT e.currency, sum(e.delta_available_minor + e.delta_locked_minor)
  FROM wallet_entry e JOIN wallet_wallet w ON w.id = e.wallet_id
  WHERE NOT w.tracks_balance GROUP BY e.currency
) parts
GROUP BY currency HAVING sum(held) <> 0
"""
