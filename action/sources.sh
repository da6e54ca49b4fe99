#!/usr/bin/env bash
# Names what the action's program is built from, so that a cache can hold it. It builds nothing.
#
# in: GITHUB_ACTION_PATH, RUNNER_TEMP
# out: key, a hash of the sources and the compiler; folder, where the program is put
set -euo pipefail

cd "$GITHUB_ACTION_PATH"
hash() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi; }
key="$({
  rustc --version 2>/dev/null || true
  find Cargo.toml Cargo.lock src catalog policies/std grammar docs -type f | LC_ALL=C sort |
    while IFS= read -r file; do
      printf '%s\n' "$file"
      cat "$file"
    done
} | hash)"
{
  printf 'key=%s\n' "${key%% *}"
  printf 'folder=%s\n' "$RUNNER_TEMP/portcullis-program"
} >>"$GITHUB_OUTPUT"
