"""The statements that settle on-ramps and keep events, one or a thousand at a time."""

SETTLE = """
UPDATE onramp_onramptransaction o
SET status = n.status, failure_reason = n.reason, bank_reference = n.reference,
  transfer_id = n.transfer_id, settled_at = n.settled_at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
  AS n (id, status, reason, reference, transfer_id, settled_at)
WHERE o.id = n.id
"""

KEEP = """
INSERT INTO onramp_bankevent (public_id, bank, event_id, body, body_sha256, headers,
  conflicts_with_id, onramp_id, status, verdict, attempts, received_at, processed_at)
SELECT gen_random_uuid(), n.bank, n.event_id, n.body, n.digest, n.headers, n.beside_id, n.onramp_id,
  n.status, n.verdict, 1, n.received_at, n.received_at
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[], %s::jsonb[],
  %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::timestamptz[])
  AS n (bank, event_id, body, digest, headers, beside_id, onramp_id, status, verdict,
    received_at)
RETURNING event_id, id
"""
