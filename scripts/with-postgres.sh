#!/usr/bin/env bash
# Runs a command with SQLX_DATABASE_URL naming an empty database of the private test cluster.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
cargo build --locked --quiet --package calmness --bin calmness
exec "${CARGO_TARGET_DIR:-target}/debug/calmness" private-database -- "$@"
