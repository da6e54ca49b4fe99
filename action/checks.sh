#!/usr/bin/env bash
# Runs check, fmt --check and test; all of them, also after a failure.
#
# in: PROGRAM, PROJECT_PATH, AS_OF, LOCKED
# out: failed, the names of those that did not pass, with commas
# exit: 0; the job is judged at its end
set -euo pipefail

failed=()
rows=()

# checks NAME ARGUMENTS...: one command in a fold of the log.
checks() {
  local name="$1" code=0
  shift
  printf '::group::portcullis %s\n' "$name"
  "$PROGRAM" "$@" || code=$?
  printf '::endgroup::\n'
  if [ "$code" -eq 0 ]; then
    rows+=("| \`$name\` | passed |")
  else
    failed+=("$name")
    rows+=("| \`$name\` | **failed** (exit $code) |")
    printf 'portcullis %s failed with %s\n' "$name" "$code"
  fi
}

common=(--as-of "${AS_OF:-none}")
locked=()
if [ "${LOCKED:-true}" = true ]; then locked=(--locked); fi

checks check check "$PROJECT_PATH" "${common[@]}" "${locked[@]}"
# The formatter takes files and folders of sources; a project is one or the other.
checks fmt fmt --check "$PROJECT_PATH"
checks test test "$PROJECT_PATH" "${common[@]}"

{
  printf '| Portcullis | |\n|---|---|\n'
  printf '%s\n' "${rows[@]}"
  printf '\n'
} >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
(IFS=,; printf 'failed=%s\n' "${failed[*]-}") >>"$GITHUB_OUTPUT"
