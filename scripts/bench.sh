#!/usr/bin/env bash
# Measures the hot paths against what the database alone does, in one run; docs/PERFORMANCE.md tells how to read it.
# The result is a table on standard output and target/bench.json. Arguments go to the bench: see `--help`.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
command -v wrk >/dev/null || install_packages wrk || { echo "wrk is missing: install it" >&2; exit 1; }
find_pgbench() { command -v pgbench || ls /usr/lib/postgresql/*/bin/pgbench 2>/dev/null | sort -V | tail -n 1; }
pgbench=$(find_pgbench) || true
if [ -z "$pgbench" ]; then
    # Debian packs pgbench with the server.
    install_packages postgresql || true
    pgbench=$(find_pgbench) || true
fi
[ -n "$pgbench" ] || { echo "pgbench is missing: install PostgreSQL's programs" >&2; exit 1; }
say "building"
cargo build --release --locked --quiet --package calmness --bin calmness --example bench
release=$(realpath "${CARGO_TARGET_DIR:-target}")/release
"$release/examples/bench" --program "$release/calmness" --pgbench "$pgbench" --json target/bench.json "$@" &
bench=$!
# The bench stops what it started: the server, the database, wrk, pgbench.
trap 'kill -TERM "$bench" 2>/dev/null || true' INT TERM
status=0
wait "$bench" || status=$?
# A signal ends the first wait; the second one is for the clearing up.
wait "$bench" 2>/dev/null || true
exit "$status"
