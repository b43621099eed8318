"""
The queries of wallet/audit.py. Each returns (subject, problem) for rows that break its rule.

A row is judged once, by one concat_ws of what is wrong with it (nothing: the empty text), and rows
are joined by hash: that lets PostgreSQL use every core it may, and spill to disk what is large.
"""

TRANSFERS = """
SELECT * FROM (
  SELECT 'transfer ' || t.public_id, concat_ws('; ',
    CASE WHEN t.kind <> 'correction'
           AND (payer.kind = 'settlement') <> (t.kind IN ('onramp', 'return'))
      THEN 'takes money from a bank without its word, or from a person in its name' END,
    CASE WHEN t.kind <> 'correction' AND (payee.kind = 'settlement') <> (t.kind = 'payout')
      THEN 'gives money to a bank that paid nothing out, or to a person in its name' END,
    CASE WHEN t.kind = 'correction' AND payer.kind NOT IN ('settlement', 'suspense')
           AND payee.kind NOT IN ('settlement', 'suspense')
      THEN 'corrects with neither a bank nor suspense on one side' END,
    CASE WHEN (t.source_id = t.target_id) <> (t.kind IN ('hold', 'release'))
      THEN 'moves inside a wallet what should leave it, or the other way about' END,
    CASE WHEN t.kind NOT IN
           ('send', 'onramp', 'hold', 'release', 'payout', 'return', 'correction')
      THEN 'is of a kind that nobody knows' END,
    CASE WHEN t.happened_at < '1900-01-01 00:00+00' OR t.happened_at >= '2200-01-01 00:00+00'
      THEN 'happened in no year of ours' END,
    CASE WHEN t.fingerprint <> wallet_transfer_fingerprint(t.kind, t.source_id, t.target_id,
        t.amount_minor, t.currency, t.actor_id, t.idempotency_key, t.note)
      THEN 'its details were changed' END
  ) AS problem
  FROM wallet_transfer t
  LEFT JOIN wallet_wallet payer ON payer.id = t.source_id
  LEFT JOIN wallet_wallet payee ON payee.id = t.target_id
) judged
WHERE problem <> ''
"""

PAIRS = """
SELECT * FROM (
  SELECT 'transfer ' || t.public_id, concat_ws('; ',
    CASE WHEN e.entries IS DISTINCT FROM needed.entries
      THEN 'has ' || coalesce(e.entries, 0) || ' entries instead of ' || needed.entries END,
    CASE WHEN e.total <> 0 THEN 'its entries sum to ' || e.total || ' instead of 0' END
  ) AS problem
  FROM wallet_transfer t
  LEFT JOIN (
    SELECT transfer_id, count(*) AS entries,
      sum(delta_available_minor + delta_locked_minor) AS total
    FROM wallet_entry GROUP BY transfer_id
  ) e ON e.transfer_id = t.id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN t.source_id = t.target_id THEN 1 ELSE 2 END AS entries
  ) needed
) judged
WHERE problem <> ''
"""

# An entry with no entry before it starts from zero, and names a hash of zeros.
ENTRIES = """
SELECT * FROM (
  SELECT 'wallet ' || e.wallet_id || ' entry ' || e.id, concat_ws('; ',
    CASE WHEN t.id IS NULL OR w.id IS NULL THEN 'belongs to no transfer or no wallet' END,
    CASE WHEN (e.delta_available_minor + e.delta_locked_minor) IS DISTINCT FROM
        CASE WHEN t.source_id = t.target_id THEN 0 WHEN e.wallet_id = t.source_id
          THEN -t.amount_minor WHEN e.wallet_id = t.target_id THEN t.amount_minor END
      THEN 'does not move its transfer''s amount to or from its wallet' END,
    CASE WHEN e.delta_locked_minor <> CASE WHEN t.kind = 'hold' THEN t.amount_minor
          WHEN t.kind = 'release' OR t.kind = 'payout' AND e.wallet_id = t.source_id
          THEN -t.amount_minor ELSE 0 END
      THEN 'locks or unlocks what its kind of transfer does not' END,
    CASE WHEN e.happened_at <> t.happened_at OR e.created_at <> t.posted_at
      THEN 'its times differ from its transfer''s' END,
    CASE WHEN e.currency <> w.currency OR e.currency <> t.currency
      THEN 'is in another currency than its wallet or transfer' END,
    CASE WHEN w.tracks_balance <> (e.version IS NOT NULL)
      THEN 'has a version where its wallet keeps none, or none where it does' END,
    CASE WHEN num_nulls(e.version, e.available_before_minor, e.available_after_minor,
        e.locked_before_minor, e.locked_after_minor) NOT IN (0, 5)
      THEN 'has only some of version, before and after' END,
    CASE WHEN e.version < 1 OR e.version > 1 AND p.id IS NULL
      THEN 'follows no entry of version ' || e.version - 1 END,
    CASE WHEN e.prev_hash <> coalesce(p.hash, decode(repeat('00', 32), 'hex'))
      THEN 'does not name the hash of the entry before it' END,
    CASE WHEN e.available_before_minor <> coalesce(p.available_after_minor, 0)
           OR e.locked_before_minor <> coalesce(p.locked_after_minor, 0)
      THEN 'does not start where the entry before it ended' END,
    CASE WHEN e.available_after_minor <> e.available_before_minor + e.delta_available_minor
           OR e.locked_after_minor <> e.locked_before_minor + e.delta_locked_minor
      THEN 'before and change do not give after' END,
    CASE WHEN e.available_after_minor < 0 OR e.locked_after_minor < 0
      THEN 'leaves less than nothing' END,
    CASE WHEN e.happened_at < p.happened_at THEN 'is earlier than the entry before it' END,
    CASE WHEN e.hash <> wallet_entry_hash(e.prev_hash, t.public_id, t.fingerprint, e.wallet_id,
        e.currency, e.version, e.delta_available_minor, e.delta_locked_minor,
        e.available_after_minor, e.locked_after_minor, e.happened_at, e.created_at)
      THEN 'its hash does not match what it says' END
  ) AS problem
  FROM wallet_entry e
  LEFT JOIN wallet_entry p ON p.wallet_id = e.wallet_id AND p.version = e.version - 1
  LEFT JOIN wallet_transfer t ON t.id = e.transfer_id
  LEFT JOIN wallet_wallet w ON w.id = e.wallet_id
) judged
WHERE problem <> ''
"""

# Every version has one before it (ENTRIES), so as many versions as the highest means each once.
BALANCES = """
SELECT * FROM (
  SELECT 'wallet ' || w.id, concat_ws('; ',
    CASE WHEN w.tracks_balance <> (b.wallet_id IS NOT NULL)
      THEN 'has no balance, or one where it should have none' END,
    CASE WHEN NOT w.tracks_balance AND w.kind <> 'settlement'
      THEN 'keeps no balance, which only a bank''s side may' END,
    CASE WHEN b.available_minor < 0 OR b.locked_minor < 0 THEN 'holds less than nothing' END,
    CASE WHEN chain.entries <> chain.newest
      THEN 'has ' || chain.entries || ' entries up to version ' || chain.newest END,
    CASE WHEN b.version <> coalesce(chain.newest, 0)
      THEN 'its balance is at version ' || b.version || ', its newest entry at '
        || coalesce(chain.newest, 0) END,
    CASE WHEN b.available_minor <> coalesce(e.available_after_minor, 0)
           OR b.locked_minor <> coalesce(e.locked_after_minor, 0)
      THEN 'holds ' || b.available_minor || ' and ' || b.locked_minor
        || ' locked, its entries say ' || coalesce(e.available_after_minor, 0) || ' and '
        || coalesce(e.locked_after_minor, 0) END,
    CASE WHEN b.head_hash <> coalesce(e.hash, decode(repeat('00', 32), 'hex'))
      THEN 'its balance does not name the hash of its newest entry' END,
    CASE WHEN b.happened_at IS DISTINCT FROM e.happened_at
      THEN 'its balance has not the time of its newest entry' END
  ) AS problem
  FROM wallet_wallet w
  LEFT JOIN wallet_balance b ON b.wallet_id = w.id
  LEFT JOIN (
    SELECT wallet_id, count(*) AS entries, max(version) AS newest
    FROM wallet_entry WHERE version IS NOT NULL GROUP BY wallet_id
  ) chain ON chain.wallet_id = w.id
  LEFT JOIN wallet_entry e ON e.wallet_id = w.id AND e.version = chain.newest
) judged
WHERE problem <> ''
"""

# A wallet's locked money is what remains of its open holds, and each hold began with a transfer.
HOLDS = """
SELECT 'wallet ' || w.wallet_id,
  'has ' || w.locked || ' locked, its open holds set aside ' || w.held
FROM (
  SELECT coalesce(b.wallet_id, h.wallet_id) AS wallet_id, coalesce(b.locked_minor, 0) AS locked,
    coalesce(h.held, 0) AS held
  FROM wallet_balance b
  FULL JOIN (
    SELECT wallet_id, sum(amount_minor - captured_minor - released_minor) AS held
    FROM wallet_hold WHERE status = 'open' GROUP BY wallet_id
  ) h ON h.wallet_id = b.wallet_id
) w WHERE w.locked <> w.held
UNION ALL
SELECT 'hold ' || h.public_id, 'was not set aside by its transfer'
FROM wallet_hold h LEFT JOIN wallet_transfer t ON t.id = h.transfer_id
WHERE (t.kind, t.source_id, t.amount_minor, t.currency)
  IS DISTINCT FROM ('hold', h.wallet_id, h.amount_minor, h.currency)
UNION ALL
SELECT 'transfer ' || t.public_id, 'set money aside that no hold knows of'
FROM wallet_transfer t LEFT JOIN wallet_hold h ON h.transfer_id = t.id
WHERE t.kind = 'hold' AND h.id IS NULL
UNION ALL
SELECT 'wallet ' || moved.wallet_id, 'its holds captured ' || moved.held_captured
  || ' and released ' || moved.held_released || ', its transfers ' || moved.captured || ' and '
  || moved.released
FROM (
  SELECT coalesce(h.wallet_id, t.wallet_id) AS wallet_id,
    coalesce(h.captured, 0) AS held_captured, coalesce(h.released, 0) AS held_released,
    coalesce(t.captured, 0) AS captured, coalesce(t.released, 0) AS released
  FROM (
    SELECT wallet_id, sum(captured_minor) AS captured, sum(released_minor) AS released
    FROM wallet_hold GROUP BY wallet_id
  ) h
  FULL JOIN (
    SELECT source_id AS wallet_id,
      coalesce(sum(amount_minor) FILTER (WHERE kind = 'payout'), 0) AS captured,
      coalesce(sum(amount_minor) FILTER (WHERE kind = 'release'), 0) AS released
    FROM wallet_transfer WHERE kind IN ('payout', 'release') GROUP BY source_id
  ) t ON t.wallet_id = h.wallet_id
) moved WHERE (moved.held_captured, moved.held_released) <> (moved.captured, moved.released)
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
