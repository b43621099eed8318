"""What check_ledger must hold of on-ramps: each credit has one, and each success its credit."""

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

CHECKS = {
    "on-ramps that succeeded were credited, once and as asked": _SETTLED,
    "credits from banks were asked for": _ASKED,
}
