#!/bin/sh
# Run once by the postgres image, in a new cluster: the database and its two roles.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres \
  -v owner="$(cat /run/secrets/password_nexapay)" -v app="$(cat /run/secrets/password_nexapay_app)" <<'SQL'
CREATE ROLE nexapay LOGIN PASSWORD :'owner';
CREATE ROLE nexapay_app LOGIN PASSWORD :'app';
CREATE DATABASE nexapay OWNER nexapay;
SELECT format('ALTER ROLE %I SET %I = %L', role, setting, value)
  FROM (VALUES ('nexapay'), ('nexapay_app')) r (role), (VALUES ('lock_timeout', '2s'),
    ('statement_timeout', '5s'), ('idle_in_transaction_session_timeout', '10s'),
    ('enable_seqscan', 'off'), ('enable_mergejoin', 'off'),
    ('enable_memoize', 'off'), ('random_page_cost', '1.1'),
    ('plan_cache_mode', 'force_generic_plan')) s (setting, value)
  \gexec
SQL
