#!/bin/sh
# Makes the secrets that compose.yml reads, once; what is there already is kept.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

[ -s secret_key ] || random 64 > secret_key
[ -s bank_api_key ] || random 32 > bank_api_key
[ -s checkpoint_key ] || random 32 > checkpoint_key
[ -s bank_webhook_secret ] || printf 'whsec_%s' "$(random 32)" > bank_webhook_secret
for role in postgres nexapay nexapay_app; do
  [ -s "password_$role" ] || random 33 | tr '+/' '-_' > "password_$role"
done
# One role owns the tables and migrates; the other serves, and may take no guard away.
[ -s database_owner_url ] || printf 'postgresql://nexapay:%s@database/nexapay' \
  "$(cat password_nexapay)" > database_owner_url
[ -s database_url ] || printf 'postgresql://nexapay_app:%s@database/nexapay' \
  "$(cat password_nexapay_app)" > database_url

# Compose mounts these files as they are, and the containers do not run as you.
chmod 644 secret_key bank_api_key checkpoint_key bank_webhook_secret database_url database_owner_url password_*
chmod 700 .
