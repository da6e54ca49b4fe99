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
# A change with all that a page can show: an `except` dropped, a name added, an exception gone.
for side in old new; do
  mkdir "$work/$side"
  cp policies/hub/*.gate policies/hub/portcullis.* "$work/$side/"
done
sed -i -e 's| except 172\.31\.0\.0/16 for | for |' -e '/^  deny tcp from avd to 172\.31\./d' \
  -e 's|^  ghcr\.io,|  ghcr.io,\n  quay.io,|' "$work/new/spokes.gate"
sed -i -e '/^  allow apim-git:/,/^    until/d' -e '/^test "exceptions are as narrow/,/^}/d' "$work/new/baseline.gate"
cargo run --quiet -- -C "$work" diff old new --as-of 2026-11-30 --quiet \
  --format html -o "$pages/difference.html"

export CHROMIUM="$browser" PORTCULLIS_NODE="$modules"
node tests/html/check.mjs "$pages" "$shots"
