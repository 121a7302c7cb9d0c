#!/usr/bin/env bash
# Looks for what others could turn against us: dependencies, our own sources, and the answers of a running product. Needs
# the package registries only; what can't be reached is told as "not checked" and fails nothing.
#   scripts/scan.sh [dependencies|sources|api|sbom …]     all of them, if none is named
# CALMNESS_SCAN_SECONDS: how long the API is tried as nobody and then as an administrator (90 each).
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
venv=$tools/scan
unchecked=()

need_python_tool() {
    local tool=$1 version=$2
    [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
    "$venv/bin/python" -c "import importlib.metadata as known; assert known.version('$tool') == '$version'" \
        2>/dev/null && return
    say "installing $tool $version"
    "$venv/bin/pip" install --quiet "$tool==$version"
}

scan_dependencies() {
    say "dependencies: licences, sources, duplicates"
    need_cargo_tool cargo-deny 0.20.2
    cargo deny --log-level error check bans licenses sources
    say "dependencies: known weaknesses"
    need_cargo_tool cargo-audit 0.22.2
    local told
    told=$(mktemp)
    if cargo audit --deny warnings >"$told" 2>&1; then
        say "no known weakness in $(grep -c '^name = ' Cargo.lock) packages"
    elif grep -qiE "couldn't fetch advisory database|error fetching|failed to (fetch|connect|resolve)|dns error|connection" "$told"; then
        say "not checked: the advisory database (github.com/RustSec/advisory-db) can't be reached from here"
        unchecked+=("known weaknesses of dependencies")
    else
        cat "$told" >&2
        rm -f "$told"
        return 1
    fi
    rm -f "$told"
}

scan_sources() {
    need_python_tool semgrep 1.182.0
    say "sources: the rules find what they must and leave the rest alone"
    SEMGREP_ENABLE_VERSION_CHECK=0 "$venv/bin/semgrep" --test --metrics=off scripts/semgrep 2>&1 |
        grep -E "All tests passed|✖|failed" >&2
    say "sources: the rules"
    "$venv/bin/semgrep" scan --quiet --metrics=off --disable-version-check --error \
        --config scripts/semgrep/rules.yml crates
}

# A software bill of materials (CycloneDX), from the lock file alone.
write_sbom() {
    local file=${CARGO_TARGET_DIR:-target}/calmness.cdx.json
    say "bill of materials: $file"
    mkdir -p "$(dirname "$file")"
    cargo metadata --locked --format-version 1 | python3 tests/scan/sbom.py >"$file"
}

scan_api() {
    need_python_tool schemathesis 4.32.5
    say "API: building and starting a demo"
    cargo build --locked --quiet -p calmness
    local folder seconds=${CALMNESS_SCAN_SECONDS:-90}
    folder=$(mktemp -d)
    "${CARGO_TARGET_DIR:-target}/debug/calmness" demo --port 0 --json --headless --data-dir "$folder/data" \
        >"$folder/ready.json" 2>"$folder/log" &
    local demo=$!
    # shellcheck disable=SC2064
    trap "kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true; rm -rf '$folder'" EXIT
    for _ in $(seq 240); do
        [ -s "$folder/ready.json" ] && break
        kill -0 "$demo" 2>/dev/null || { cat "$folder/log" >&2; return 1; }
        sleep 0.5
    done
    [ -s "$folder/ready.json" ] || { echo "the demo did not start:" >&2; cat "$folder/log" >&2; return 1; }
    local base token
    base=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["base_url"])' "$folder/ready.json")
    say "API: $seconds s as nobody"
    try_api "$base" "$seconds"
    token=$(python3 tests/scan/admin_token.py "$folder/ready.json")
    say "API: $seconds s as an administrator"
    # Ending its own session would end the scan.
    try_api "$base" "$seconds" -H "Authorization: Bearer $token" \
        --exclude-path-regex '^/api/auth/(logout|logout-all|sessions.*)$'
}

try_api() {
    local base=$1 seconds=$2
    shift 2
    local report
    report=$(mktemp)
    if ! "$venv/bin/st" --config-file tests/scan/schemathesis.toml run "$base/api/openapi.json" --checks all \
        --max-time "$seconds" --workers 2 --seed "${CALMNESS_SCAN_SEED:-1}" --continue-on-failure --no-color --warnings off \
        --phases examples,coverage,fuzzing,stateful --request-timeout 20 "$@" >"$report" 2>&1; then
        cat "$report" >&2
        rm -f "$report"
        return 1
    fi
    # A run that had no time to try anything has shown nothing.
    if ! grep -E "[1-9][0-9]* generated" "$report" >&2; then
        echo "nothing was tried: give it more time with CALMNESS_SCAN_SECONDS" >&2
        rm -f "$report"
        return 1
    fi
    rm -f "$report"
}

for part in "${@:-dependencies}" ; do
    case $part in dependencies | sources | api | sbom) ;; *) echo "unknown part: $part" >&2; exit 2 ;; esac
done
[ $# -gt 0 ] || set -- dependencies sources sbom api
for part in "$@"; do
    case $part in
    dependencies) scan_dependencies ;;
    sources) scan_sources ;;
    sbom) write_sbom ;;
    api) scan_api ;;
    esac
done
[ ${#unchecked[@]} -eq 0 ] || say "not checked: ${unchecked[*]}"
say "scanned"
