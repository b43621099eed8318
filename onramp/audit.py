"""
What check_ledger must hold of on-ramps and off-ramps, against the wallet's transfers and holds.

Each credit has its on-ramp and each success its credit; each payout and each return has its
off-ramp, and each off-ramp's hold ended as it did. Two people agreed on each
correction, as it was posted.
"""

_SETTLED = """
SELECT 'on-ramp ' || o.public_id, p.problem
FROM onramp_onramptransaction o
LEFT JOIN wallet_transfer t ON t.id = o.transfer_id
CROSS JOIN LATERAL (VALUES
  (CASE WHEN o.status = 'success' AND t.id IS NULL THEN 'succeeded without a credit' END),
  (CASE WHEN o.status <> 'success' AND o.transfer_id IS NOT NULL
     THEN 'has a credit although it is ' || o.status END),
  (CASE WHEN (t.kind, t.target_id, t.amount_minor, t.currency)
          IS DISTINCT FROM ('onramp', o.wallet_id, o.amount_minor, o.currency)
          AND t.id IS NOT NULL
     THEN 'was credited with other terms than were asked' END)
) AS p (problem)
WHERE p.problem IS NOT NULL
"""

_ASKED = """
SELECT 'transfer ' || t.public_id, 'a bank''s credit that no on-ramp asked for'
FROM wallet_transfer t
LEFT JOIN onramp_onramptransaction o ON o.transfer_id = t.id
WHERE t.kind = 'onramp' AND o.id IS NULL
"""

_WITHDRAWN = """
SELECT 'off-ramp ' || o.public_id, p.problem
FROM onramp_offramptransaction o
LEFT JOIN wallet_hold h ON h.id = o.hold_id
LEFT JOIN wallet_transfer t ON t.id = o.transfer_id
LEFT JOIN wallet_transfer r ON r.id = o.return_transfer_id
CROSS JOIN LATERAL (VALUES
  (CASE WHEN (h.wallet_id, h.amount_minor) IS DISTINCT FROM (o.wallet_id, o.amount_minor)
     THEN 'its hold is not of its wallet and amount' END),
  (CASE WHEN (h.captured_minor, h.released_minor) <> (
       CASE WHEN o.status IN ('success', 'returned') THEN o.amount_minor ELSE 0 END,
       CASE WHEN o.status IN ('failure', 'cancelled') THEN o.amount_minor ELSE 0 END)
     THEN 'its hold did not end as it did: ' || o.status END),
  (CASE WHEN (o.status IN ('success', 'returned')) <> (t.id IS NOT NULL)
     THEN 'is ' || o.status || ' with a payout that should not be there, or without one' END),
  (CASE WHEN (o.status = 'returned') <> (r.id IS NOT NULL)
     THEN 'is ' || o.status || ' with a return that should not be there, or without one' END),
  (CASE WHEN t.id IS NOT NULL AND (t.kind, t.source_id, t.amount_minor, t.currency)
          IS DISTINCT FROM ('payout', o.wallet_id, o.amount_minor, o.currency)
     THEN 'was paid out with other terms than were asked' END),
  (CASE WHEN r.id IS NOT NULL AND (r.kind, r.source_id, r.target_id, r.amount_minor)
          IS DISTINCT FROM ('return', t.target_id, o.wallet_id, o.amount_minor)
     THEN 'was returned with other terms than were asked' END)
) AS p (problem)
WHERE p.problem IS NOT NULL
"""

_PAID = """
SELECT 'transfer ' || t.public_id, 'a payout that no off-ramp asked for'
FROM wallet_transfer t LEFT JOIN onramp_offramptransaction o ON o.transfer_id = t.id
WHERE t.kind = 'payout' AND o.id IS NULL
UNION ALL
SELECT 'transfer ' || t.public_id, 'a return that no off-ramp knows of'
FROM wallet_transfer t LEFT JOIN onramp_offramptransaction o ON o.return_transfer_id = t.id
WHERE t.kind = 'return' AND o.id IS NULL
"""

_AGREED = """
SELECT 'transfer ' || t.public_id, 'a correction that no two people agreed on'
FROM wallet_transfer t
LEFT JOIN onramp_correction c ON c.transfer_id = t.id AND c.status = 'approved'
  AND c.decided_by_id <> c.maker_id
WHERE t.kind = 'correction' AND c.id IS NULL
UNION ALL
SELECT 'correction ' || c.public_id, 'was posted with other terms than were agreed on'
FROM onramp_correction c
LEFT JOIN wallet_transfer t ON t.id = c.transfer_id
WHERE c.status = 'approved'
  AND (t.kind, t.source_id, t.target_id, t.amount_minor, t.currency) IS DISTINCT FROM
    ('correction', CASE WHEN c.is_credit THEN c.settlement_id ELSE c.wallet_id END,
      CASE WHEN c.is_credit THEN c.wallet_id ELSE c.settlement_id END, c.amount_minor, c.currency)
"""

CHECKS = {
    "on-ramps that succeeded were credited, once and as asked": _SETTLED,
    "credits from banks were asked for": _ASKED,
    "off-ramps, their holds and their transfers say the same": _WITHDRAWN,
    "payouts and returns were asked for": _PAID,
    "corrections were agreed on by two": _AGREED,
}
