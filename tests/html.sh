#!/usr/bin/env bash
# Opens the pages that `report --html` writes in a real browser and uses them. Says so and does nothing
# where there is no browser or no client for it; PORTCULLIS_BROWSER=required makes that a fault.
# usage: tests/html.sh [SHOTS]   pictures are kept in SHOTS if given
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
shots="${1:-$work/shots}"

give_up() {
  if [ "${PORTCULLIS_BROWSER:-}" = required ]; then
    echo "html: $1" >&2
    exit 1
  fi
  echo "SKIPPED: $1; the pages were not opened"
  exit 0
}

browser=""
for name in ${CHROMIUM:-} chromium chromium-browser google-chrome; do
  if command -v "$name" >/dev/null; then
    browser="$(command -v "$name")"
    break
  fi
done
[ -n "$browser" ] || give_up "there is no Chromium"
command -v node >/dev/null || give_up "there is no node"
command -v npm >/dev/null || give_up "there is no npm"

# The client drives a browser that is there already; it brings none.
modules="${PORTCULLIS_NODE:-}"
if [ -z "$modules" ]; then
  modules="$work/node"
  mkdir "$modules"
  (cd "$modules" && npm install --no-save --no-audit --no-fund --no-package-lock --ignore-scripts \
    playwright-core@1 >npm.log 2>&1) || give_up "npm could not install playwright-core"
fi

pages="$work/pages"
mkdir "$pages" "$work/hostile"
cargo run --quiet -- report policies/hub --as-of 2026-11-30 --quiet --html "$pages/hub.html"
cargo run --quiet -- report tests/cases/report/hostile --as-of 2026-11-30 --quiet --html "$pages/hostile.html"
# Written by tests/it/report.rs, where a difference is made by hand.
difference="${CARGO_TARGET_DIR:-target}/tmp/difference.html"
if [ -f "$difference" ]; then cp "$difference" "$pages/"; fi

export CHROMIUM="$browser" PORTCULLIS_NODE="$modules"
node tests/html/check.mjs "$pages" "$shots"
