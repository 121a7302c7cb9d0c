#!/usr/bin/env bash
# Gives each reader of what strangers send inputs that libFuzzer makes, guided by what they reach, for FUZZ_SECONDS (30) each. What it
# learns goes into a folder of the user's cache; what breaks a reader goes into fuzz/artifacts, and belongs into fuzz/corpus.
# Arguments: the readers to try; all if there are none.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
source ../scripts/tools.sh
missing() {
    echo "make fuzz needs $1; the tests try the same readers without it: cargo nextest run -p web --test hostile" >&2
    exit 1
}
command -v clang++ >/dev/null || command -v g++ >/dev/null || missing "a C++ compiler, for libFuzzer"
if cargo +nightly --version >/dev/null 2>&1; then
    toolchain=+nightly
elif [ "${RUSTC_BOOTSTRAP-}" = 1 ]; then
    toolchain=
else
    missing "a nightly compiler (rustup toolchain install nightly), or RUSTC_BOOTSTRAP=1"
fi
seconds=${FUZZ_SECONDS:-30}
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls corpus)
# What cargo-fuzz would set, without needing it: coverage for libFuzzer, checks as in development.
export CARGO_TARGET_DIR=${FUZZ_TARGET_DIR:-$tools/fuzz-target}
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
flags="$flags -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1 --cfg fuzzing"
host=$(rustc -vV | sed -n 's/^host: //p')
say "building ${#targets[@]} readers for libFuzzer"
# With a target named, build scripts and macros are built without the flags.
RUSTFLAGS=$flags cargo $toolchain build --quiet --target "$host" $(printf -- '--bin %s ' "${targets[@]}")
mkdir -p artifacts
for target in "${targets[@]}"; do
    say "$target: $seconds s"
    learned=$tools/fuzz-learned/$target
    mkdir -p "$learned"
    "$CARGO_TARGET_DIR/$host/debug/$target" -max_total_time="$seconds" -max_len=8192 -timeout=10 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="artifacts/$target-" "$learned" "corpus/$target" 2>&1 | grep -vE '^stat::(new_units|slowest|peak)' || exit 1
done
say "no reader broke"
