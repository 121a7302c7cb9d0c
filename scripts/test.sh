#!/usr/bin/env bash
# Every check, the quick ones first; the test runner's own summary comes last.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
need_cargo_tool cargo-nextest 0.9.148
scripts/lint.sh
say "building the tests"
cargo build --locked --quiet --workspace --all-targets
say "rehearsal"
"${CARGO_TARGET_DIR:-target}/debug/calmness" rehearse
say "tests"
scripts/browser-tools.sh
exec "${CARGO_TARGET_DIR:-target}/debug/calmness" private-database -- \
    cargo nextest run --workspace --locked --no-fail-fast --retries 1
