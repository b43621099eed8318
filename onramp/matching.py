"""
How a bank's statement is held against the ledger: a few statements of SQL over all of it at once.

Lines and movements meet in a subject: what both speak of. For each, what the bank booked in all
(lines of every current statement, each payment once) is compared with what we posted for it, and
corrected since. The tables are temporary and end with the transaction.
"""

# What we asked of banks: one row for each, and what was posted for it, signed as a statement is.
# Another source of money to or from banks is another SELECT here, with the columns of this one.
ONRAMPS = """
SELECT 'onramp' AS source, o.id, o.token, o.bank, o.bank_reference, o.public_id, 'ONR' AS prefix,
  o.wallet_id, o.currency, o.amount_minor AS asked_minor, o.settled_at AS at,
  o.status = 'processing' AS is_open,
  o.status = 'success' AS is_posted,
  CASE WHEN o.status = 'success' THEN o.amount_minor ELSE 0 END AS ours_minor
FROM onramp_onramptransaction o
"""
OFFRAMPS = """
SELECT 'offramp' AS source, o.id, o.token, o.bank, o.bank_reference, o.public_id, 'OFR' AS prefix,
  o.wallet_id, o.currency, o.amount_minor AS asked_minor,
  coalesce(o.returned_at, o.settled_at) AS at,
  o.status IN ('requested', 'submitted') AS is_open,
  o.status IN ('success', 'returned') AS is_posted,
  CASE WHEN o.status = 'success' THEN -o.amount_minor ELSE 0 END AS ours_minor
FROM onramp_offramptransaction o
"""
MOVEMENTS = " UNION ALL ".join([ONRAMPS, OFFRAMPS])

_LINES = """
SELECT l.id, l.bank, l.bank_reference, l.token, l.reference, l.is_credit, l.currency, l.booked_at,
  l.number, s.day, s.is_whole, s.id AS statement_id,
  CASE WHEN l.is_credit THEN l.amount_minor ELSE -l.amount_minor END AS signed_minor
FROM onramp_statementline l JOIN onramp_statement s ON s.id = l.statement_id
WHERE s.superseded_at IS NULL AND s.bank = %(bank)s
"""

# What a line speaks of: what its token names; else what the bank's reference stands for; else, if
# it is one alone, what our own reference begins with. Nothing stops a bank from giving a payment
# in and one out the same reference: then its direction says which.
_SPEAKS_OF = f"""
SELECT DISTINCT ON (l.id) l.*, coalesce(t.source, r.source, o.source) AS source,
  coalesce(t.id, r.id, o.id) AS of_id
FROM {{lines}} l
LEFT JOIN ({MOVEMENTS}) t ON t.token = l.token AND l.token <> ''
LEFT JOIN ({MOVEMENTS}) r
  ON r.bank_reference = l.bank_reference AND r.bank = l.bank AND t.id IS NULL
LEFT JOIN LATERAL (
  SELECT min(m.source) AS source, min(m.id) AS id FROM ({MOVEMENTS}) m
  WHERE t.id IS NULL AND r.id IS NULL AND split_part(l.reference, '-', 1) = m.prefix
    AND m.public_id BETWEEN {{first}} AND {{last}}
  HAVING count(*) = 1
) o ON true
ORDER BY l.id, (coalesce(t.source, r.source, o.source) = 'onramp') <> l.is_credit
"""  # noqa: S608


def _id_like(digit: str) -> str:
    """Return SQL for the first or last id that a reference such as ONR-93B2-71D0 may stand for."""
    return (
        "CASE WHEN l.reference ~ '^[A-Z]{3}-[0-9A-F]{4}-[0-9A-F]{4}$'"
        f" THEN rpad(replace(substr(l.reference, 5), '-', ''), 32, '{digit}')::uuid END"
    )


def _speaking(lines: str) -> str:
    return _SPEAKS_OF.format(lines=lines, first=_id_like("0"), last=_id_like("f"))


MINE = f"""
CREATE TEMPORARY TABLE matching_line AS
WITH mine AS MATERIALIZED ({_LINES} AND l.statement_id = %(statement)s)
{_speaking("mine")}
"""

# All that this statement might speak of: what its lines name; what was posted that day or near it;
# what a correction of an earlier statement of the day was for.
OURS = f"""
CREATE TEMPORARY TABLE matching_movement AS
SELECT m.*, m.source || ':' || m.id AS subject,
  m.prefix || '-' || upper(substr(m.public_id::text, 1, 4)) || '-'
    || upper(substr(m.public_id::text, 5, 4)) AS reference
FROM ({MOVEMENTS}) m
WHERE (m.is_posted AND m.at >= %(since)s AND m.at < %(until)s)
  OR (m.source, m.id) IN (SELECT source, of_id FROM matching_line WHERE of_id IS NOT NULL)
  OR m.source || ':' || m.id IN (
    SELECT b.subject FROM onramp_break b
    JOIN onramp_correction c ON c.of_id = b.id AND c.status = 'approved'
    JOIN onramp_statement s ON s.id = b.statement_id
    WHERE s.bank = %(bank)s AND s.day = %(day)s)
"""  # noqa: S608

# The lines of other days that may speak of the same. Which do is decided as for those of this day.
KIN = f"""
INSERT INTO matching_line
WITH linked AS MATERIALIZED (
  SELECT l.id FROM matching_movement m JOIN onramp_statementline l
    ON l.token = m.token AND l.token <> ''
  UNION SELECT l.id FROM matching_movement m JOIN onramp_statementline l
    ON l.bank_reference = m.bank_reference AND l.bank = m.bank
  UNION SELECT l.id FROM matching_movement m JOIN onramp_statementline l
    ON l.reference = m.reference AND l.token = ''
  UNION SELECT l.id FROM matching_line mine JOIN onramp_statementline l
    ON l.bank_reference = mine.bank_reference AND l.bank = mine.bank
  UNION SELECT l.id FROM onramp_break b JOIN onramp_correction c ON c.of_id = b.id
    JOIN onramp_statement s ON s.id = b.statement_id AND s.bank = %(bank)s AND s.day = %(day)s
    JOIN onramp_statementline l ON l.bank_reference = b.bank_reference AND l.bank = b.bank
    WHERE b.onramp_id IS NULL AND b.offramp_id IS NULL AND c.status = 'approved'
), kin AS MATERIALIZED (
  {_LINES} AND l.statement_id <> %(statement)s AND l.id IN (SELECT id FROM linked)
)
{_speaking("kin")}
"""  # noqa: S608

# The nth time that a payment is listed counts for nothing, but is told.
NAMED = """
CREATE TEMPORARY TABLE matching_named AS
SELECT l.*, coalesce(l.source || ':' || l.of_id, 'line:' || l.bank || ':' || l.bank_reference)
    AS subject,
  row_number() OVER (PARTITION BY l.bank, l.bank_reference, l.is_credit
    ORDER BY l.day, l.statement_id, l.number) AS nth
FROM matching_line l
"""

# What staff gave away for a payment of nobody that no line speaks of as such any more. Where the
# bank names it now as one to the same wallet, it counts for that. Otherwise it is to be taken back:
# of its old subject the bank says nothing now.
GIVEN = """
CREATE TEMPORARY TABLE matching_given AS
WITH given AS (
  SELECT b.subject, b.bank, b.bank_reference, c.currency, min(b.happened_at) AS at,
    CASE WHEN min(c.wallet_id) = max(c.wallet_id) THEN min(c.wallet_id) END AS wallet_id,
    sum(CASE WHEN c.is_credit THEN c.amount_minor ELSE -c.amount_minor END)::bigint AS minor
  FROM onramp_break b
  JOIN onramp_correction c ON c.of_id = b.id AND c.status = 'approved'
  JOIN onramp_statement s ON s.id = b.statement_id AND s.bank = %(bank)s
  WHERE b.onramp_id IS NULL AND b.offramp_id IS NULL
    AND (s.day = %(day)s OR (b.bank, b.bank_reference) IN (
      SELECT n.bank, n.bank_reference FROM matching_named n))
    AND NOT EXISTS (SELECT FROM matching_named n WHERE n.subject = b.subject AND n.nth = 1)
  GROUP BY b.subject, b.bank, b.bank_reference, c.currency
)
SELECT g.*, (
  SELECT min(m.subject) FROM matching_named n JOIN matching_movement m ON m.subject = n.subject
  WHERE n.bank = g.bank AND n.bank_reference = g.bank_reference AND n.nth = 1
    AND m.wallet_id = g.wallet_id AND m.currency = g.currency) AS named
FROM given g WHERE g.minor <> 0
"""

# A day's statement has come when the bank gave it after the day was over. A movement near midnight
# may stand on either of two days. What the bank may still settle waits, unless the bank's days are
# over and it booked another amount than it was asked for: no word of it can settle that.
JUDGED = """
CREATE TEMPORARY TABLE matching_judged AS
WITH theirs AS (
  SELECT subject, count(*) AS lines, sum(signed_minor)::bigint AS minor, min(currency) AS currency,
    min(currency) <> max(currency) AS is_mixed, min(booked_at) AS at,
    bool_and(is_whole) AS is_over, min(abs(signed_minor)) AS least, max(abs(signed_minor)) AS most,
    (array_agg(bank ORDER BY day, number))[1] AS bank,
    (array_agg(bank_reference ORDER BY day, number))[1] AS bank_reference
  FROM matching_named WHERE nth = 1 GROUP BY subject
), corrected AS (
  SELECT subject, sum(minor)::bigint AS minor FROM (
    SELECT b.subject, CASE WHEN c.is_credit THEN c.amount_minor ELSE -c.amount_minor END AS minor
    FROM onramp_correction c JOIN onramp_break b ON b.id = c.of_id WHERE c.status = 'approved'
    UNION ALL
    SELECT g.named, g.minor FROM matching_given g WHERE g.named IS NOT NULL
  ) each GROUP BY subject
), both_sides AS (
  SELECT coalesce(t.subject, m.subject) AS subject, m.source, m.id AS of_id, m.wallet_id,
    coalesce(m.bank, t.bank) AS bank,
    coalesce(t.bank_reference, m.bank_reference, '') AS bank_reference,
    coalesce(t.at, m.at, now()) AS at, coalesce(t.lines, 0) AS lines,
    coalesce(t.minor, 0) AS theirs_minor, coalesce(t.currency, m.currency) AS theirs_currency,
    coalesce(m.ours_minor, 0) AS ours_minor, coalesce(m.currency, t.currency) AS currency,
    coalesce(t.is_mixed, false) AS is_mixed, coalesce(m.is_open, false) AS is_open,
    coalesce(t.is_over AND NOT m.is_posted AND (t.least, t.most, t.currency)
      <> (m.asked_minor, m.asked_minor, m.currency), false) AS is_odd,
    (SELECT count(DISTINCT s.day) FROM onramp_statement s
      WHERE s.bank = %(bank)s AND s.superseded_at IS NULL AND s.is_whole
        AND s.day IN (((m.at - %(near)s::interval) AT TIME ZONE %(zone)s)::date,
          ((m.at + %(near)s::interval) AT TIME ZONE %(zone)s)::date))
      = (SELECT count(DISTINCT d) FROM unnest(ARRAY[
          ((m.at - %(near)s::interval) AT TIME ZONE %(zone)s)::date,
          ((m.at + %(near)s::interval) AT TIME ZONE %(zone)s)::date]) d) AS has_come
  FROM theirs t FULL JOIN matching_movement m ON m.subject = t.subject
  UNION ALL
  SELECT g.subject, NULL, NULL, g.wallet_id, g.bank, g.bank_reference, g.at, 0, 0, g.currency, 0,
    g.currency, false, false, false, true
  FROM matching_given g WHERE g.named IS NULL
)
SELECT b.*, coalesce(c.minor, 0) AS corrected_minor,
  CASE
    WHEN b.is_open AND (NOT b.is_odd OR b.theirs_minor = 0) THEN 'waiting'
    WHEN b.lines > 0 AND (b.is_mixed OR b.theirs_currency <> b.currency) THEN 'differs'
    WHEN b.theirs_minor = b.ours_minor + coalesce(c.minor, 0) THEN 'matched'
    WHEN NOT b.has_come AND NOT b.is_odd THEN 'waiting'
    WHEN b.lines = 0 THEN 'missing_there'
    WHEN b.ours_minor = 0 AND NOT b.is_odd THEN 'missing_here'
    ELSE 'differs'
  END AS verdict
FROM both_sides b LEFT JOIN corrected c ON c.subject = b.subject
"""

# The breaks there are now. A mixture of currencies is none: ISO 4217's code for that is three X.
FOUND = """
CREATE TEMPORARY TABLE matching_found AS
SELECT concat_ws('|', kind, subject, theirs_minor, theirs_currency, ours_minor, currency, nth)
    AS key, f.*
FROM (
  SELECT j.verdict AS kind, j.subject, j.source, j.of_id, j.wallet_id, j.bank, j.bank_reference,
    j.at, j.theirs_minor, CASE WHEN j.is_mixed THEN repeat('X', 3) ELSE j.theirs_currency END
      AS theirs_currency, j.ours_minor, j.currency, NULL::bigint AS nth
  FROM matching_judged j WHERE j.verdict IN ('missing_here', 'missing_there', 'differs')
  UNION ALL
  SELECT 'repeated', n.subject, n.source, n.of_id, m.wallet_id, n.bank, n.bank_reference,
    n.booked_at, n.signed_minor, n.currency, 0, n.currency, n.nth
  FROM matching_named n LEFT JOIN matching_movement m ON m.subject = n.subject
  WHERE n.nth > 1 AND n.statement_id = %(statement)s
) f
"""

AGAIN = """
WITH again AS (
  UPDATE onramp_break b SET status = 'open'
  FROM matching_found f WHERE b.key = f.key AND b.status IN ('cleared', 'corrected')
  RETURNING b.id
)
INSERT INTO onramp_breakact (of_id, kind, at, text)
SELECT id, 'found_again', %(now)s, '' FROM again
"""
SHOWN = """
UPDATE onramp_break b SET statement_id = %(statement)s
FROM matching_found f WHERE b.key = f.key AND b.statement_id <> %(statement)s
"""
NEW = """
WITH fresh AS (
  INSERT INTO onramp_break (public_id, key, kind, subject, statement_id, onramp_id, offramp_id,
    wallet_id, bank, bank_reference, happened_at, theirs_minor, theirs_currency, ours_minor,
    currency, found_at, status)
  SELECT gen_random_uuid(), f.key, f.kind, f.subject, %(statement)s,
    CASE WHEN f.source = 'onramp' THEN f.of_id END,
    CASE WHEN f.source = 'offramp' THEN f.of_id END, f.wallet_id, f.bank, f.bank_reference, f.at,
    f.theirs_minor, f.theirs_currency, f.ours_minor, f.currency, %(now)s, 'open'
  FROM matching_found f
  WHERE NOT EXISTS (SELECT FROM onramp_break b WHERE b.key = f.key)
  RETURNING id
)
INSERT INTO onramp_breakact (of_id, kind, at, text) SELECT id, 'found', %(now)s, '' FROM fresh
"""
# What was open and is not there any more: a subject that was judged anew, or a line that the
# bank's newer statement of the day has not.
CLEAR = """
WITH gone AS (
  UPDATE onramp_break b SET status = 'cleared'
  WHERE b.status = 'open'
    AND NOT EXISTS (SELECT FROM matching_found f WHERE f.key = b.key)
    AND (b.kind <> 'repeated' AND b.subject IN (SELECT subject FROM matching_judged)
      OR b.statement_id IN (
        SELECT s.id FROM onramp_statement s WHERE s.bank = %(bank)s AND s.day = %(day)s))
  RETURNING b.id
)
INSERT INTO onramp_breakact (of_id, kind, at, text) SELECT id, 'cleared', %(now)s, '' FROM gone
"""

COUNTS = """
SELECT outcome, count(*) FROM (
  SELECT CASE WHEN n.nth > 1 THEN 'repeated' ELSE j.verdict END AS outcome
  FROM matching_named n JOIN matching_judged j ON j.subject = n.subject
  WHERE n.statement_id = %(statement)s
  UNION ALL
  SELECT CASE verdict WHEN 'waiting' THEN 'waiting_there' ELSE verdict END FROM matching_judged
  WHERE lines = 0 AND verdict IN ('waiting', 'missing_there')
) outcomes GROUP BY outcome
"""

FORGET = """
DROP TABLE matching_line, matching_movement, matching_named, matching_given, matching_judged,
  matching_found
"""

# In their order, by what the person who waits is told. Tables just made are strange to the planner.
STEPS = {
    "Finding what each line speaks of": [MINE, "ANALYZE matching_line"],
    "Finding what we posted": [OURS, "ANALYZE matching_movement"],
    "Looking at other days": [KIN, NAMED, "ANALYZE matching_named", GIVEN],
    "Comparing": [JUDGED, "ANALYZE matching_judged", FOUND, "ANALYZE matching_found"],
    "Bringing the breaks up to date": [AGAIN, SHOWN, NEW, CLEAR],
}
