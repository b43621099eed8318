"""The statements that settle on-ramps, keep events and judge them, one or a thousand at a time."""

# The list of ids bounds what is read, whatever plan is made of the join (docs/decisions/0016).
# A success finds its credit by the key: looked up for each, as no join would be, however few
# credits there were when it was planned. One without is refused, because it has no transfer.
SETTLE = """
UPDATE onramp_onramptransaction o
SET status = n.status, failure_reason = n.reason, bank_reference = n.reference,
  transfer_id = (
    SELECT t.id FROM wallet_transfer t WHERE t.actor_id IS NULL AND t.idempotency_key = n.key),
  settled_at = %s::timestamptz
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::uuid[])
  AS n (id, status, reason, reference, key)
WHERE o.id = n.id AND o.id = ANY(%s::bigint[])
"""

# The same of successes, within the wallet's own statement that credits them, which carries these
# columns. Every on-ramp is there: one whose credit was left out has none, and is refused.
CARRIED = {"onramp_id": "bigint", "reference": "text"}
SETTLED = """settled AS (
  UPDATE onramp_onramptransaction o
  SET status = 'success', bank_reference = owed.reference, transfer_id = owed.id,
    settled_at = owed.now
  FROM owed
  WHERE o.id = owed.onramp_id AND o.id = ANY(ARRAY(SELECT onramp_id FROM owed))
)"""

KEEP = """
INSERT INTO onramp_bankevent (bank, event_id, body, body_sha256, headers, conflicts_with_id,
  onramp_id, status, verdict, attempts, received_at, processed_at)
SELECT by.bank, n.event_id, n.body, n.digest, n.headers, n.beside_id, n.onramp_id, n.status,
  n.verdict, 1, by.now, by.now
FROM (VALUES (%s::text, %s::timestamptz)) AS by (bank, now)
CROSS JOIN unnest(%s::text[], %s::bytea[], %s::bytea[], %s::jsonb[], %s::bigint[], %s::bigint[],
  %s::text[], %s::text[])
  AS n (event_id, body, digest, headers, beside_id, onramp_id, status, verdict)
RETURNING event_id, id
"""

# Whoever came first is stored; of a copy, and of another body under the same id, nothing is.
STORE = """
INSERT INTO onramp_bankevent (bank, event_id, body, body_sha256, headers, token, status, verdict,
  attempts, received_at)
SELECT n.bank, n.event_id, n.body, n.digest, n.headers, n.token, 'received', '', 0, n.received_at
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::jsonb[], %s::text[],
  %s::timestamptz[]) AS n (bank, event_id, body, digest, headers, token, received_at)
ON CONFLICT DO NOTHING
RETURNING event_id, body_sha256
"""

# In the order they came, but for some that are put aside; those that could not be applied wait
# behind all others, and after five tries for staff. Later words on the same payment stay behind
# such a one: looked up for each, as no join would be, however many of those there are. The
# conditions are those of the indexes bank_event_waiting and bank_event_failing.
_WAITS = """
FROM onramp_bankevent e
WHERE e.status = 'received' AND e.attempts < 5 AND e.id <> ALL(%s::bigint[])
  AND (
    SELECT f.id FROM onramp_bankevent f
    WHERE f.status = 'received' AND f.attempts > 0 AND f.attempts < 5
      AND f.bank = e.bank AND f.token = e.token AND e.token <> ''
      AND (f.received_at, f.id) < (e.received_at, e.id)
    LIMIT 1) IS NULL
"""
WAITING = f"""
SELECT e.id, e.bank, e.event_id, e.body {_WAITS}
ORDER BY e.attempts, e.received_at, e.id LIMIT %s
"""
ANY_WAITS = f"SELECT EXISTS (SELECT {_WAITS})"

JUDGE = """
UPDATE onramp_bankevent e
SET status = n.status, verdict = n.verdict, onramp_id = n.onramp_id, offramp_id = n.offramp_id,
  attempts = e.attempts + 1, processed_at = n.at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[])
  AS n (id, status, verdict, onramp_id, offramp_id, at)
WHERE e.id = n.id AND e.id = ANY(%s::bigint[])
"""
