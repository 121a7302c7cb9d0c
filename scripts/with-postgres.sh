#!/usr/bin/env bash
# Runs a command with SQLX_DATABASE_URL naming an empty database of the private test cluster.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
program="${CARGO_TARGET_DIR:-target}/debug/calmness"
# Any build will do: the one that is there may even be older than the query that is being checked.
[ -x "$program" ] || cargo build --locked --quiet --package calmness --bin calmness
exec "$program" private-database -- "$@"
