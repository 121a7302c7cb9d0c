#!/usr/bin/env bash
# Writes .sqlx, the metadata of the queries that the compiler checks, from a database that has just been migrated.
# With --check it only says whether what is committed is fresh.
# Needs SQLX_DATABASE_URL: an empty database's address with the owner's rights.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${SQLX_DATABASE_URL:?the address of an empty database}"
for migration in migrations/*.sql; do
    psql "$SQLX_DATABASE_URL" -q -v ON_ERROR_STOP=1 -1 -f "$migration"
done
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# The macros write what they learn into the folder that SQLX_OFFLINE_DIR names, if a database answers them.
touch crates/application/src/lib.rs
DATABASE_URL=$SQLX_DATABASE_URL SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh \
    cargo check --quiet --package application --all-targets --locked
touch crates/application/src/lib.rs
if [ "${1-}" = --check ]; then
    diff -r "$fresh" .sqlx >/dev/null || { echo ".sqlx is stale: run 'make sqlx' and commit it" >&2; exit 1; }
    echo ".sqlx is fresh"
else
    rm -rf .sqlx && mkdir .sqlx && cp "$fresh"/*.json .sqlx/
    echo "$(ls .sqlx | wc -l) queries written to .sqlx"
fi
