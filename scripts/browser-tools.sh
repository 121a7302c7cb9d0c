#!/usr/bin/env bash
# Chromium and its driver for the browser test, from Debian's packages. Without them that test says so and is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/tools.sh
if ! command -v chromedriver >/dev/null || ! command -v chromium >/dev/null; then
    install_packages chromium chromium-driver fonts-dejavu-core || say "no Chromium: the browser test will say that it is skipped"
fi
