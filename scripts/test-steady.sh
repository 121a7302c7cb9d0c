#!/usr/bin/env bash
# Every request that our clients send, judged by the official specifications under Steady. They lie in $CALMNESS_SHARED/contracts, which
# is no part of this repository: without it there is nothing to judge by.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
contracts=${CALMNESS_SHARED:-}/contracts
if [ ! -d "$contracts" ]; then
    say "CALMNESS_SHARED names no folder with the official specifications: our requests are not judged by them"
    exit 0
fi
command -v npm >/dev/null || { say "npm is not there: Steady cannot be installed, our requests are not judged"; exit 0; }
folder=$tools/contracts-steady
mkdir -p "$folder"
[ -x "$folder/node_modules/.bin/steady" ] || say "installing @stdy/cli 0.22.2"
npm install --silent --no-fund --no-audit --prefix "$folder" @stdy/cli@0.22.2 >/dev/null
say "building the calls of our clients"
cargo build --locked --quiet -p gateways --example calls
python3 tests/contracts/steady.py "$folder/node_modules/.bin/steady" "${CARGO_TARGET_DIR:-target}/debug/examples/calls" "$contracts"
say "our requests are as the specifications have them"
