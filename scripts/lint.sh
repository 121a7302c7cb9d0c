#!/usr/bin/env bash
# Formatting, clippy, dependencies, freshness of the checked queries.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
say "formatting"
cargo fmt --all --check
say "clippy"
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
say "dependencies"
need_cargo_tool cargo-deny 0.20.2
checks="bans licenses sources"
# The advisory database is fetched from elsewhere: without a way there the other checks still count.
if cargo deny fetch >/dev/null 2>&1; then checks="advisories $checks"; else say "advisories are not checked: their database can't be fetched from here"; fi
# shellcheck disable=SC2086
cargo deny --log-level error check $checks
say "checked queries"
scripts/with-postgres.sh scripts/sqlx-metadata.sh --check
