#!/usr/bin/env bash
# The story of a customer in a real browser. With CALMNESS_SCREENSHOTS=<folder> it also takes the pictures of docs/.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
scripts/browser-tools.sh
# Tests run in their package's folder.
if [ -n "${CALMNESS_SCREENSHOTS-}" ]; then
    mkdir -p "$CALMNESS_SCREENSHOTS"
    CALMNESS_SCREENSHOTS=$(cd "$CALMNESS_SCREENSHOTS" && pwd)
    export CALMNESS_SCREENSHOTS
fi
say "building the browser test"
cargo test --locked --quiet --package calmness --test browser --no-run
say "a customer's story in a browser"
cargo test --locked --quiet --package calmness --test browser -- --nocapture
